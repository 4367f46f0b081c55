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
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Final, Literal

from claimsctl.errors import ClaimsctlError, SettingsError
from claimsctl.house import RuleChoice, RulesSettings, choice_of

if TYPE_CHECKING:
    from claimsctl.price.terms import Terms

SETTINGS_FILE: Final = "claimsctl.toml"
ENV_PREFIX: Final = "CLAIMSCTL_"
RESERVED: Final = frozenset({"CLAIMSCTL_WORKSPACE", "CLAIMSCTL_CONFIG_DIR", "CLAIMSCTL_REFERENCE_BASE"})
"""Variables that are read elsewhere and are no settings."""

Profile = Literal["professional", "session", "status"]

_CHECKED = "settings.checked"
_SMALLEST_BATCH, _LARGEST_BATCH = 100, 5_000_000
_BILLING: Final = {
    "name": "billing_name",
    "npi": "billing_npi",
    "tax_id": "billing_tax_id",
    "taxonomy": "billing_taxonomy",
    "address": "billing_address",
    "city": "billing_city",
    "state": "billing_state",
    "zip": "billing_zip",
    "locality": "medicare_locality",
    "practice_type": "practice_type",
    "payer": "payer_id",
}


@dataclass(frozen=True, slots=True)
class PracticeSettings:
    """A `[practice.<id>]` table. `constants` name canonical columns; `payer` and `profile` are defaults."""

    __pydantic_config__: ClassVar[Any] = {"extra": "forbid"}

    name: str | None = None
    npi: str | None = None
    tax_id: str | None = None
    taxonomy: str | None = None
    address: str | None = None
    city: str | None = None
    state: str | None = None
    zip: str | None = None
    locality: str | None = None
    practice_type: str | None = None
    payer: str | None = None
    profile: Profile | None = None
    constants: dict[str, str] = field(default_factory=dict)
    rules: RuleChoice = field(default_factory=RuleChoice)

    def __post_init__(self) -> None:
        object.__setattr__(self, "rules", choice_of(self.rules))

    def columns(self) -> dict[str, str]:
        """Constants for canonical columns: the practice as billing provider, then `constants`."""
        found = {column: getattr(self, name) for name, column in _BILLING.items()}
        return {column: value for column, value in found.items() if value} | self.constants


@dataclass(frozen=True, slots=True)
class ProcessSettings:
    """The `[process]` table: defaults of the options of `claimsctl process`; None is not set."""

    __pydantic_config__: ClassVar[Any] = {"extra": "forbid"}

    practice: str | None = None
    payer: str | None = None
    profile: Profile | None = None
    practice_type: str | None = None
    out: str | None = None
    output_format: Literal["parquet", "csv", "xlsx"] | None = None
    batch_size: int | None = None
    duplicates: Literal["skip", "update", "error"] | None = None
    fail_on: Literal["error", "warning"] | None = None
    safe_csv: bool = False

    def __post_init__(self) -> None:
        if self.batch_size is not None and not _SMALLEST_BATCH <= self.batch_size <= _LARGEST_BATCH:
            raise ValueError(f"must be from {_SMALLEST_BATCH} to {_LARGEST_BATCH}")


@dataclass(frozen=True, slots=True)
class PricingSettings:
    """The `[pricing]` table: whether lines are priced, and on which terms (claimsctl.price.terms.Terms).

    Percentages are texts or numbers, `provider_percent` by the beginning of a taxonomy code; what is not
    set is as Medicare pays.
    """

    __pydantic_config__: ClassVar[Any] = {"extra": "forbid"}

    enabled: bool = True
    locality: str | None = None
    qualifying_apm_participant: bool = False
    work_floor: bool = True
    work_floor_by_edition: dict[str, bool] = field(default_factory=dict)
    participating: bool = True
    sequestration_percent: float | None = None
    reduced_services_percent: float | None = None
    provider_percent: dict[str, float] = field(default_factory=dict)
    charge_factor: float | None = None

    def __post_init__(self) -> None:
        for name in ("sequestration_percent", "reduced_services_percent"):
            value = getattr(self, name)
            if value is not None and not 0 <= value <= 100:
                raise ValueError(f"{name} must be from 0 to 100")
        if any(not 0 < percent <= 100 for percent in self.provider_percent.values()):
            raise ValueError("provider_percent must be above 0, up to 100")
        if self.charge_factor is not None and self.charge_factor <= 1:
            raise ValueError("charge_factor must be above 1")

    def terms(self, locality: str | None = None) -> Terms | None:
        """The terms lines are priced on, None where pricing is turned off; `locality` goes first."""
        if not self.enabled:
            return None
        from claimsctl.price.terms import PROVIDER_PERCENT, Terms

        numbers = ("sequestration_percent", "reduced_services_percent", "charge_factor")
        # A number of a settings file means what is written there, not the nearest binary fraction.
        exact = {name: Decimal(str(value)) for name in numbers if (value := getattr(self, name)) is not None}
        percents = {begin: Decimal(str(percent)) for begin, percent in self.provider_percent.items()}
        return Terms(
            locality=locality or self.locality,
            qualifying=self.qualifying_apm_participant,
            work_floor=self.work_floor,
            work_floor_by_edition=self.work_floor_by_edition,
            participating=self.participating,
            provider_percent={**PROVIDER_PERCENT, **percents},
            **exact,
        )


@dataclass(frozen=True, slots=True)
class ReferenceSettings:
    """The `[reference]` table: where published tables are fetched from, if not from their publishers.

    `sources` names the address of a table, with placeholders; `base` a directory that holds all files
    under their published names.
    """

    __pydantic_config__: ClassVar[Any] = {"extra": "forbid"}

    base: str | None = None
    sources: dict[str, str] = field(default_factory=dict)


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
    pricing: PricingSettings = field(default_factory=PricingSettings)
    reference: ReferenceSettings = field(default_factory=ReferenceSettings)

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
        raise SettingsError(
            f"There is no [practice.{practice_id}] in {self.file or SETTINGS_FILE}.",
            hint=meant(practice_id, self.practice)
            or (f"It has {', '.join(sorted(self.practice))}." if self.practice else "Add that table to it."),
        )


SECTIONS: Final = ("mapping", "practice", "payers", "rules", "process", "pricing", "reference")


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
        return Settings(
            root,
            file,
            mapping=data.get("mapping", {}),
            practice={name: PracticeSettings(**table) for name, table in data.get("practice", {}).items()},
            payers=data.get("payers", {}),
            rules=RulesSettings(**data.get("rules", {})),
            process=ProcessSettings(**data.get("process", {})),
            pricing=PricingSettings(**data.get("pricing", {})),
            reference=ReferenceSettings(**data.get("reference", {})),
        )
    except (TypeError, ValueError, AttributeError):
        return None


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
        hint = meant(name, choices) or f"Known are {', '.join(choices)}."
        raise SettingsError(f"The environment variable {name} is no setting.", hint=hint)
    return True


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
    classes = (
        Settings, PracticeSettings, RulesSettings, RuleChoice, ProcessSettings, PricingSettings,
        ReferenceSettings,
    )  # fmt: skip
    schema = [(each.name, str(each.type)) for cls in classes for each in fields(cls)]
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
