"""The `[security]` table of claimsctl.toml: sessions, training, retention, what is sealed and unusual."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, ClassVar, Final, Literal

Purpose = Literal["payment", "treatment", "operations", "audit", "patient-request", "research-deidentified"]
"""Why patient data is looked at: the purposes of 45 CFR 164.506 and 164.514 that a practice has."""

SEALABLE: Final = ("patient_dob", "patient_city", "patient_zip", "patient_death_date", "subscriber_dob")
"""Quasi-identifying columns of a person that `seal` may name."""
_LONGEST: Final = {"session_minutes": 1_440, "training_days": 36_500, "retention_days": 36_500}
_HOURS: Final = re.compile(r"([01]\d|2[0-4])-([01]\d|2[0-4])")


@dataclass(frozen=True, slots=True)
class SecuritySettings:
    """The `[security]` table.

    `export_rows` and `phi_per_hour` refuse above their number; `many_records` and `hours` ("07-19", local
    time) only report. None is not limited.
    """

    __pydantic_config__: ClassVar[Any] = {"extra": "forbid"}

    session_minutes: int = 30
    training_days: int = 365
    retention_days: int = 2_190
    purpose: Purpose = "payment"
    seal: tuple[str, ...] = ()
    export_rows: int | None = None
    phi_per_hour: int | None = None
    hours: str | None = None
    many_records: int = 1_000

    def __post_init__(self) -> None:
        object.__setattr__(self, "seal", tuple(self.seal))
        for name, most in _LONGEST.items():
            if not 1 <= getattr(self, name) <= most:
                raise ValueError(f"{name} must be from 1 to {most}")
        for name in ("export_rows", "phi_per_hour", "many_records"):
            value = getattr(self, name)
            if value is not None and value < 1:
                raise ValueError(f"{name} must be 1 or more")
        unknown = sorted(set(self.seal) - set(SEALABLE))
        if unknown:
            raise ValueError(f"seal: {unknown[0]} is not one of {', '.join(SEALABLE)}")
        if self.hours is not None and not self._are_hours(self.hours):
            raise ValueError('hours must be two hours of the day, as in "07-19"')

    @staticmethod
    def _are_hours(text: str) -> bool:
        found = _HOURS.fullmatch(text)
        return found is not None and found[1] != found[2]
