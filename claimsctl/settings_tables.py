"""The tables of claimsctl.toml, each a plain class; a ValueError says what of it cannot be meant."""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal
from typing import TYPE_CHECKING, Any, ClassVar, Final, Literal

from claimsctl.house import RuleChoice, choice_of

if TYPE_CHECKING:
    from claimsctl.price.terms import Terms

Profile = Literal["professional", "session", "status"]

_SMALLEST_BATCH, _LARGEST_BATCH = 100, 5_000_000
_CONFIRM_ABOVE = 1_000
_LONGEST_SETTLE = 3_600
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
    """A `[practice.<id>]` table. `constants` name canonical columns; `payer` and `profile` are defaults.

    `network` says by payer whether the practice is in its network, `coverage` what is agreed with it.
    """

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
    network: dict[str, Literal["in", "out"]] = field(default_factory=dict)
    coverage: dict[str, str] = field(default_factory=dict)
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
    confirm_above_mb: int | None = None

    def __post_init__(self) -> None:
        if self.batch_size is not None and not _SMALLEST_BATCH <= self.batch_size <= _LARGEST_BATCH:
            raise ValueError(f"must be from {_SMALLEST_BATCH} to {_LARGEST_BATCH}")

    @property
    def confirm_above(self) -> int:
        """Bytes of input above which a person is asked before a run; 0: never."""
        megabytes = _CONFIRM_ABOVE if self.confirm_above_mb is None else self.confirm_above_mb
        return max(megabytes, 0) * 1_000_000


@dataclass(frozen=True, slots=True)
class OutputSettings:
    """The `[output]` table: what becomes of patients' data in accepted, rejected, held and malformed files.

    The words are those of claimsctl.security.policy; `dates` is for `deidentify`.
    """

    __pydantic_config__: ClassVar[Any] = {"extra": "forbid"}

    phi: Literal["plain", "encrypt", "mask", "drop", "deidentify"] = "plain"
    dates: Literal["shift", "year"] = "shift"


@dataclass(frozen=True, slots=True)
class InboxSettings:
    """The `[inbox]` table: runs with --move-to or --on-error.

    `out` takes the output directories of the jobs; `priority` numbers by pattern of the file name.
    """

    __pydantic_config__: ClassVar[Any] = {"extra": "forbid"}

    out: str | None = None
    settle_seconds: float = 5.0
    priority: dict[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not 0 <= self.settle_seconds <= _LONGEST_SETTLE:
            raise ValueError(f"settle_seconds must be from 0 to {_LONGEST_SETTLE}")


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
class ScoringSettings:
    """The `[scoring]` table: whether accepted claims get a denial risk, and what is done with it.

    From `medium` and from `high` on is what the bands are called; claims above `hold_above` are held back
    (None: none). `model` names the one that scores; None is the one in use (`model use`), else points.
    """

    __pydantic_config__: ClassVar[Any] = {"extra": "forbid"}

    enabled: bool = True
    medium: float = 0.2
    high: float = 0.4
    hold_above: float | None = None
    model: str | None = None

    def __post_init__(self) -> None:
        if not 0 < self.medium <= self.high <= 1:
            raise ValueError("medium must be above 0 and not above high, high not above 1")
        if self.hold_above is not None and not 0 <= self.hold_above <= 1:
            raise ValueError("hold_above must be from 0 to 1")


@dataclass(frozen=True, slots=True)
class ReferenceSettings:
    """The `[reference]` table: where published tables are fetched from, if not from their publishers.

    `sources` names the address of a table, with placeholders; `base` a directory that holds all files
    under their published names.
    """

    __pydantic_config__: ClassVar[Any] = {"extra": "forbid"}

    base: str | None = None
    sources: dict[str, str] = field(default_factory=dict)
