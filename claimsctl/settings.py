"""Settings: flags over environment over claimsctl.toml, and where the workspace is.

The classes are plain, so that a run without settings imports nothing. pydantic-settings, as slow to
import as Polars, checks claimsctl.toml when its text has changed since it was last checked; the
workspace notes that in `settings.checked`.
"""

from __future__ import annotations

import hashlib
import os
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, Final

from claimsctl.errors import ClaimsctlError, SettingsError
from claimsctl.house import RuleChoice, RulesSettings
from claimsctl.settings_log import LogSettings
from claimsctl.settings_payers import AccountSettings, PayerMapSettings, RouteSettings
from claimsctl.settings_security import SecuritySettings
from claimsctl.settings_sql import SqlSettings
from claimsctl.settings_tables import (
    InboxSettings,
    OutputSettings,
    PracticeSettings,
    PricingSettings,
    ProcessSettings,
    ReferenceSettings,
    ScoringSettings,
)

SETTINGS_FILE: Final = "claimsctl.toml"
ENV_PREFIX: Final = "CLAIMSCTL_"
RESERVED: Final = frozenset(
    {
        "CLAIMSCTL_WORKSPACE",
        "CLAIMSCTL_CONFIG_DIR",
        "CLAIMSCTL_REFERENCE_BASE",
        "CLAIMSCTL_SQL_PASSWORD",
        "CLAIMSCTL_TOKEN",
        "CLAIMSCTL_PURPOSE",
        "CLAIMSCTL_PRACTICE",
    }
)
"""Variables that are read elsewhere and are no settings."""

_CHECKED = "settings.checked"


@dataclass(frozen=True, slots=True)
class Settings:
    """All settings of a run. `file` is the claimsctl.toml they come from, `workspace` its directory.

    `payers` holds the `[payers.<id>]` tables as they are; the payer registry checks their keys.
    """

    workspace: Path
    file: Path | None = None
    mapping: dict[str, str] = field(default_factory=dict)
    practice: dict[str, PracticeSettings] = field(default_factory=dict)
    payers: dict[str, dict[str, Any]] = field(default_factory=dict)
    rules: RulesSettings = field(default_factory=RulesSettings)
    process: ProcessSettings = field(default_factory=ProcessSettings)
    output: OutputSettings = field(default_factory=OutputSettings)
    inbox: InboxSettings = field(default_factory=InboxSettings)
    pricing: PricingSettings = field(default_factory=PricingSettings)
    scoring: ScoringSettings = field(default_factory=ScoringSettings)
    reference: ReferenceSettings = field(default_factory=ReferenceSettings)
    payer_route: dict[str, RouteSettings] = field(default_factory=dict)
    payer_account: dict[str, AccountSettings] = field(default_factory=dict)
    payer_map: dict[str, PayerMapSettings] = field(default_factory=dict)
    sql: dict[str, SqlSettings] = field(default_factory=dict)
    security: SecuritySettings = field(default_factory=SecuritySettings)
    log: LogSettings = field(default_factory=LogSettings)

    def rule_packs(self) -> tuple[str, ...]:
        """`packs` of `[rules]`; a file beside claimsctl.toml is named by its whole path."""
        beside = [(self.workspace / pack, pack) for pack in self.rules.packs]
        return tuple(str(path) if path.is_file() else pack for path, pack in beside)

    def practice_named(self, practice_id: str) -> PracticeSettings:
        """The practice; SettingsError with the known ones when there is no such table."""
        if practice_id in self.practice:
            return self.practice[practice_id]
        if practice_id == "default" and not self.practice:
            return PracticeSettings()
        if practice_id == "default":
            first, *_ = known = sorted(self.practice)
            raise SettingsError(
                f"No practice is named; {self.file or SETTINGS_FILE} has {', '.join(known)}.",
                hint=f'Name one: --practice {first}, or practice = "{first}" below [process].',
            )
        raise SettingsError(
            f"There is no [practice.{practice_id}] in {self.file or SETTINGS_FILE}.",
            hint=meant(practice_id, self.practice)
            or (f"It has {', '.join(sorted(self.practice))}." if self.practice else "Add that table to it."),
        )


SECTIONS: Final = tuple(each.name for each in fields(Settings) if each.name not in ("workspace", "file"))
TABLES: Final[Mapping[str, type]] = {
    "practice": PracticeSettings,
    "rules": RulesSettings,
    "process": ProcessSettings,
    "output": OutputSettings,
    "inbox": InboxSettings,
    "pricing": PricingSettings,
    "scoring": ScoringSettings,
    "reference": ReferenceSettings,
    "payer_route": RouteSettings,
    "payer_account": AccountSettings,
    "payer_map": PayerMapSettings,
    "sql": SqlSettings,
    "security": SecuritySettings,
    "log": LogSettings,
}
"""The class of each section that has one; of those in NAMED, the class of each of its tables."""
NAMED: Final = frozenset({"practice", "payers", "payer_route", "payer_account", "payer_map", "sql"})
"""Sections of which there may be several tables, as `[practice.<id>]`."""


def find_workspace(
    workspace: Path | None = None, env: Mapping[str, str] | None = None, cwd: Path | None = None
) -> Path:
    """Where the workspace is: `workspace`, else CLAIMSCTL_WORKSPACE, else the directory of the nearest
    claimsctl.toml from `cwd` upwards, else the user's data directory. It need not exist.
    """
    named = workspace or (os.environ if env is None else env).get("CLAIMSCTL_WORKSPACE")
    if named:
        return Path(named).expanduser().absolute()
    start = (cwd or Path.cwd()).absolute()
    for directory in (start, *start.parents):
        if (directory / SETTINGS_FILE).is_file() and not _anyone_may_write(directory):
            return directory
    from platformdirs import user_data_path

    return user_data_path("claimsctl", appauthor=False)


def load_settings(
    workspace: Path | None = None, env: Mapping[str, str] | None = None, *, cwd: Path | None = None
) -> Settings:
    """Settings of the workspace; SettingsError names file, key and the nearest known key.

    Environment: CLAIMSCTL_PROCESS__PROFILE=session sets `profile` of `[process]`; lists and tables are
    given as JSON.
    """
    env = os.environ if env is None else env
    root = find_workspace(workspace, env, cwd)
    file = root / SETTINGS_FILE
    text = _text(file)
    variables = {name: value for name, value in env.items() if _is_setting(name) and value}
    if text is None and not variables:
        return Settings(root)
    data = _parsed(text or b"", file)
    place = file if text is not None else None
    known = None if variables else _direct(data, root, place)
    note = _note(text or b"")
    if known is not None and _was_checked(root, note):
        return known
    from claimsctl.settings_check import checked_settings

    checked = checked_settings(data, variables, root, place)
    if checked == known:
        _remember(root, note)
    return checked


def _direct(data: dict[str, Any], root: Path, file: Path | None) -> Settings | None:
    """Settings straight from the file, right only where the check agrees; None where they do not fit."""
    try:
        tables = {name: _table(name, kind, data.get(name, {})) for name, kind in TABLES.items()}
        return Settings(root, file, data.get("mapping", {}), payers=data.get("payers", {}), **tables)
    except (TypeError, ValueError, AttributeError):
        return None


def _table(section: str, kind: type, given: dict[str, Any]) -> Any:
    """A section as its class, or all its tables by name."""
    return {name: kind(**table) for name, table in given.items()} if section in NAMED else kind(**given)


def _text(file: Path) -> bytes | None:
    try:
        return file.read_bytes()
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise SettingsError(
            f"Cannot read {file}: {error.strerror}.", hint="Check who may read it."
        ) from error


def _parsed(text: bytes, file: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(text.decode("utf-8-sig"))
    except UnicodeDecodeError:
        raise SettingsError(f"{file} is not UTF-8 text.", hint="Save it as UTF-8.") from None
    except tomllib.TOMLDecodeError as error:
        raise SettingsError(f"{file} is not TOML: {error}.", hint="Texts stand in quotes.") from None


def _is_setting(name: str) -> bool:
    """Whether a variable is a setting; a misspelt one is an error, not silence."""
    if not name.startswith(ENV_PREFIX) or name in RESERVED:
        return False
    section = name.removeprefix(ENV_PREFIX).split("__")[0].lower()
    if section not in SECTIONS:
        choices = [*(f"{ENV_PREFIX}{each.upper()}__..." for each in SECTIONS), *sorted(RESERVED)]
        whole = _with_its_table(name)
        near = f"Did you mean {whole}?" if whole else meant(name, choices)
        hint = near or f"Known are {', '.join(choices)}."
        raise SettingsError(f"The environment variable {name} is no setting.", hint=hint)
    return True


def _with_its_table(name: str) -> str | None:
    """CLAIMSCTL_PROCESS__PROFILE of CLAIMSCTL_PROFILE or CLAIMSCTL_PROCESS_PROFILE."""
    end = "_" + name.removeprefix(ENV_PREFIX).lower()
    for section in (each for each in TABLES if each not in NAMED):
        for each in fields(TABLES[section]):
            if f"_{section}_{each.name}".endswith(end):
                return f"{ENV_PREFIX}{section}__{each.name}".upper()
    return None


def meant(word: str, choices: Iterable[str]) -> str:
    """The nearest of the choices as a hint, "" when none is near."""
    from difflib import get_close_matches

    near = get_close_matches(word, list(choices), n=1, cutoff=0.6)
    return f"Did you mean {near[0]}?" if near else ""


def _anyone_may_write(directory: Path) -> bool:
    """Another user could have laid a file there to draw patient data to it."""
    found = directory.stat()
    return bool(found.st_mode & 0o002) and (directory / SETTINGS_FILE).stat().st_uid != os.geteuid()


def _note(text: bytes) -> str:
    """Changes with the text and with what settings there are."""
    schema = [
        (each.name, str(each.type))
        for cls in (Settings, RuleChoice, *TABLES.values())
        for each in fields(cls)
    ]
    return hashlib.sha256(repr(schema).encode() + text).hexdigest()


def _was_checked(root: Path, note: str) -> bool:
    try:
        return (root / _CHECKED).read_text("ascii") == note
    except (OSError, UnicodeDecodeError):
        return False


def _remember(root: Path, note: str) -> None:
    """Only in a workspace that exists: reading settings makes none."""
    from claimsctl.security.files import write_private

    if (root / "workspace.id").exists():
        try:
            write_private(root / _CHECKED, note.encode())
        except ClaimsctlError:
            return  # a workspace that only reads; checked again next time
