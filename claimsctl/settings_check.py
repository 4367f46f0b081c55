"""Settings checked by pydantic-settings, and its complaints in words that name file and key.

As slow to import as Polars: needed only when claimsctl.toml has changed, or variables are set.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any, Final, get_type_hints

from pydantic import ValidationError, create_model
from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from claimsctl.errors import SettingsError
from claimsctl.house import RuleChoice
from claimsctl.settings import ENV_PREFIX, NAMED, SECTIONS, TABLES, Settings, meant

_PLAINER: Final = {
    "string_type": "should be text, in quotes",
    "tuple_type": 'should be a list of texts, as in ["PAT-001"]',
    "dict_type": "should be a table",
    "dataclass_type": "should be a table",
    "int_parsing": "should be a whole number",
    "bool_parsing": "should be true or false",
}


def checked_settings(
    data: dict[str, Any], variables: Mapping[str, str], root: Path, file: Path | None
) -> Settings:
    """Settings of a file and of variables, environment over file; SettingsError for the first problem."""

    class Environment(PydanticBaseSettingsSource):
        """Not EnvSettingsSource: inside tables that reads an NPI as a number."""

        def get_field_value(self, field: FieldInfo, field_name: str) -> tuple[Any, str, bool]:
            return nested.get(field_name), field_name, False

        def __call__(self) -> dict[str, Any]:
            return nested

    nested = _nested(variables, data)

    class Base(BaseSettings):
        model_config = SettingsConfigDict(extra="forbid", validate_default=False)

        @classmethod
        def settings_customise_sources(
            cls,
            settings_cls: type[BaseSettings],
            init_settings: PydanticBaseSettingsSource,
            env_settings: PydanticBaseSettingsSource,
            dotenv_settings: PydanticBaseSettingsSource,
            file_secret_settings: PydanticBaseSettingsSource,
        ) -> tuple[PydanticBaseSettingsSource, ...]:
            return Environment(settings_cls), init_settings

    kinds, unset = get_type_hints(Settings), Settings(root)
    sections: dict[str, Any] = {name: (kinds[name], getattr(unset, name)) for name in SECTIONS}
    try:
        model = create_model("Model", __base__=Base, **sections)(**data)
    except ValidationError as error:
        problems = error.errors(include_url=False)
        raise _problem(problems, variables, file) from None
    return Settings(root, file, **{name: getattr(model, name) for name in SECTIONS})


def _problem(
    problems: Iterable[Mapping[str, Any]], variables: Mapping[str, str], file: Path | None
) -> SettingsError:
    """The first problem, and how many more there are."""
    found = list(problems)
    first = found[0]
    path = [str(part) for part in first["loc"]]
    variable = _variable(path, variables)
    if variable is None and file is None:
        # What a whole table says is told of the table; without a file only the environment has set it.
        variable = _variable_in(path, variables)
    where = f"The environment variable {variable}" if variable else f"{file}, {_key(path)}"
    more = f" ({len(found) - 1} more problems.)" if len(found) > 1 else ""
    kind = str(first["type"])
    if kind in ("extra_forbidden", "unexpected_keyword_argument"):
        hint = meant(path[-1], _known(path)) or f"Known here: {', '.join(_known(path))}."
        return SettingsError(f"{where} is not a setting.", hint=hint + more)
    says = str(first["msg"]).removeprefix("Value error, ").removeprefix("Input ")
    says = _PLAINER.get(kind, says)
    if path[:2] == ["rules", "suppress"] and kind != "value_error":
        says = "should be tables: write [[rules.suppress]], in double brackets"
    if kind == "value_error" and path == ["process"] and variable is None:
        where += " batch_size"
    return SettingsError(f"{where} {says}.{more}")


def _known(path: list[str]) -> list[str]:
    if len(path) == 1:
        return list(SECTIONS)
    of = RuleChoice if _depth(path) == 3 else TABLES.get(path[0])
    return [each.name for each in fields(of)] if of else []


def _depth(path: list[str]) -> int:
    """How many words of a path name its table."""
    if path[:2] == ["rules", "payer"] or (path[0] == "practice" and path[2:3] == ["rules"]):
        return 3
    return 2 if path[0] in NAMED else 1


def _key(path: list[str]) -> str:
    """`[practice.main] npi` of a path."""
    table, rest = path[: _depth(path)], path[_depth(path) :]
    return f"[{'.'.join(table)}]" + (f" {'.'.join(rest)}" if rest else "")


def _variable(path: list[str], variables: Mapping[str, str]) -> str | None:
    wanted = (ENV_PREFIX + "__".join(path)).upper()
    return next((n for n in variables if wanted == n.upper() or wanted.startswith(n.upper() + "__")), None)


def _variable_in(path: list[str], variables: Mapping[str, str]) -> str | None:
    """The names of the variables that set something in a table."""
    table = (ENV_PREFIX + "__".join(path)).upper() + "__"
    return ", ".join(sorted(name for name in variables if name.upper().startswith(table))) or None


def _nested(variables: Mapping[str, str], data: Mapping[str, Any]) -> dict[str, Any]:
    """`{"process": {"profile": ...}}` of CLAIMSCTL_PROCESS__PROFILE; entries of the file keep their case."""
    tables: dict[str, Any] = {}
    for name, value in sorted(variables.items()):
        into, known = tables, data
        *path, last = name.removeprefix(ENV_PREFIX).split("__")
        for word in path:
            key = _same_but_case(word, known)
            known = known.get(key, {}) if isinstance(known, Mapping) else {}
            into = into.setdefault(key, {})
            if not isinstance(into, dict):
                raise SettingsError(f"The environment variable {name} goes into what another one sets.")
        into[_same_but_case(last, known)] = _decoded(value, name)
    return tables


def _same_but_case(word: str, known: Any) -> str:
    names = known if isinstance(known, Mapping) else {}
    return next((name for name in names if name.lower() == word.lower()), word.lower())


def _decoded(value: str, name: str) -> Any:
    """Lists and tables are JSON; everything else is text that pydantic reads as the type wanted."""
    import json

    if value.lstrip()[:1] not in ("[", "{"):
        return value
    try:
        return json.loads(value)
    except ValueError as error:
        raise SettingsError(f"The environment variable {name} is not JSON: {error}.") from None
