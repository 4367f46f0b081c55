"""Connector files: read, checked before anything is asked, and found by name."""

from __future__ import annotations

import difflib
import tomllib
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final

from pydantic import BaseModel, ValidationError

from claimsctl.errors import SettingsError
from claimsctl.payers.connector import Connector
from claimsctl.payers.soundness import troubles
from claimsctl.reference.locate import data_path

SHIPPED: Final = "payer_routes"
OWN: Final = "payers"


class ConnectorError(SettingsError):
    """A connector file cannot be used; names the file and the key."""


def load_connectors(workspace_dir: Path | None) -> dict[str, Connector]:
    """Every route by name: the shipped ones, and those in `payers/*.toml` of the workspace.

    A file of the workspace that bears a shipped route's name takes its place. Raises ConnectorError for the
    first file that cannot be used.
    """
    found = {c.name: c for c in map(read_connector, _files(data_path("reference_data") / SHIPPED))}
    if workspace_dir is None:
        return found
    own: dict[str, Connector] = {}
    for path in _files(workspace_dir / OWN):
        connector = read_connector(path)
        if connector.name in own:
            other = own[connector.name].origin
            raise ConnectorError(f"{path}: name: {connector.name!r} is already the name of {other}.")
        own[connector.name] = connector
    return found | own


def read_connector(path: Path) -> Connector:
    """The connector of a file, sound as a whole; raises ConnectorError with every trouble found."""
    try:
        document = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConnectorError(f"{path}: cannot be read: {error.strerror}.") from None
    except UnicodeDecodeError:
        raise ConnectorError(f"{path}: is not UTF-8 text.") from None
    except tomllib.TOMLDecodeError as error:
        raise ConnectorError(f"{path}: is no TOML file: {error}.") from None
    try:
        shared = document.pop("shared", {})
        document = {**_with_shared(document, shared), "origin": str(path)}
    except KeyError as error:
        near = difflib.get_close_matches(str(error.args[0]), shared, n=1)
        guess = f"did you mean @shared.{near[0]}?" if near else "there is no such entry in [shared]"
        raise ConnectorError(f"{path}: @shared.{error.args[0]}: {guess}") from None
    try:
        connector = Connector.model_validate(document)
    except ValidationError as error:
        found = [_trouble(each, document) for each in error.errors(include_input=False, include_url=False)]
        raise ConnectorError("\n".join(f"{path}: {each}" for each in found)) from None
    found = list(troubles(connector))
    if found:
        raise ConnectorError("\n".join(f"{path}: {each}" for each in found))
    return connector


def _with_shared(value: Any, shared: Any) -> Any:
    """The document with what several of its steps share, `"@shared.name"`, put in; KeyError without it."""
    if isinstance(value, dict):
        return {key: _with_shared(each, shared) for key, each in value.items()}
    if isinstance(value, list):
        return [_with_shared(each, shared) for each in value]
    if isinstance(value, str) and value.startswith("@shared."):
        return shared[value.removeprefix("@shared.")]
    return value


def route_named(connectors: dict[str, Connector], name: str) -> Connector:
    """The connector of a route; raises SettingsError with the nearest name."""
    found = connectors.get(name)
    if found is None:
        near = difflib.get_close_matches(name, connectors, n=1)
        guess = f"Did you mean {near[0]}?" if near else f"There are {', '.join(sorted(connectors))}."
        raise SettingsError(f"There is no payer route {name!r}.", hint=guess)
    return found


def _files(folder: Path) -> Iterable[Path]:
    return sorted(folder.glob("*.toml")) if folder.is_dir() else ()


def _trouble(error: Any, document: Any) -> str:
    """One finding of the schema: the key, what is wrong, and the nearest key where one is unknown."""
    location = tuple(part for part in error["loc"] if part != "[key]")
    key = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in location).lstrip(".")
    name = _name_of(location, document)
    where = f"{key}{name}"
    if error["type"] == "extra_forbidden":
        known = _known_keys(location[:-1])
        near = difflib.get_close_matches(str(location[-1]), known, n=1)
        guess = f"did you mean {near[0]}?" if near else f"known are {', '.join(sorted(known))}"
        return f"{where}: unknown key; {guess}"
    if error["type"] == "missing":
        return f"{where}: is missing"
    return f"{where}: {error['msg']}"


def _name_of(location: tuple[Any, ...], document: Any) -> str:
    """The name of the step or example a location is in, for people who do not count."""
    name = ""
    for part in location:
        try:
            document = document[part]
        except (KeyError, IndexError, TypeError):
            break
        if isinstance(document, dict) and isinstance(part, int) and isinstance(document.get("name"), str):
            name = f" ({document['name']})"
    return name


def _known_keys(location: tuple[Any, ...]) -> list[str]:
    """The keys that a table of the schema may have."""
    model: Any = Connector
    for part in location:
        if isinstance(model, type) and issubclass(model, BaseModel):
            fields = {(f.alias or n): f.annotation for n, f in model.model_fields.items()}
            model = fields.get(str(part))
        else:
            model = _inner(model)
    model = model if isinstance(model, type) and issubclass(model, BaseModel) else _model_in(model)
    return [field.alias or name for name, field in model.model_fields.items()] if model else []


def _inner(annotation: Any) -> Any:
    arguments = getattr(annotation, "__args__", ())
    return next((a for a in reversed(arguments) if a is not Ellipsis), None)


def _model_in(annotation: Any) -> type[BaseModel] | None:
    for argument in getattr(annotation, "__args__", ()):
        if isinstance(argument, type) and issubclass(argument, BaseModel):
            return argument
    return None
