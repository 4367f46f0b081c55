"""The terms lines are priced on: what Medicare knows of a provider, and what a house decides."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from types import MappingProxyType
from typing import Final

PROVIDER_PERCENT: Final[Mapping[str, Decimal]] = MappingProxyType(
    {
        "363L": Decimal(85),
        "363A": Decimal(85),
        "364S": Decimal(85),
        "133V": Decimal(85),
        "1041C0700X": Decimal(75),
        "101YM0800X": Decimal(75),
        "106H": Decimal(75),
    }
)
"""Percent of the fee schedule by the beginning of the rendering provider's taxonomy code: nurse
practitioners, physician assistants and clinical nurse specialists 85 % (Pub 100-04 ch. 12 s. 110-120),
dietitians 85 % (42 CFR 414.64), clinical social workers 75 % (ch. 12 s. 150), mental health counselors and
marriage and family therapists 75 % (42 CFR 414.53)."""


@dataclass(frozen=True, slots=True)
class Terms:
    """What pricing must be told.

    `locality`: where lines without a locality of their own are paid (`01112/05`). `qualifying`: a qualifying
    APM participant (QP), who from 2026 has a conversion factor of their own. `work_floor`: the work GPCI is
    at least 1.0; `work_floor_by_edition` says otherwise for named releases (`RVU26B`). A provider who does
    not take part (`participating` false) is paid 95 % and may charge 115 % of that. Sequestration is taken
    from Medicare's share of the allowed amount. `provider_percent`: percent by the beginning of a
    taxonomy code, the longest that fits counts. `reduced_services_percent`: what modifier 52 pays, None
    while the contractor decides. `charge_factor`: a charge above so many times the expected amount is
    taken for a slip; rules ask for it.
    """

    locality: str | None = None
    qualifying: bool = False
    work_floor: bool = True
    work_floor_by_edition: Mapping[str, bool] = field(default_factory=dict)
    participating: bool = True
    sequestration_percent: Decimal = Decimal(2)
    medicare_share_percent: Decimal = Decimal(80)
    provider_percent: Mapping[str, Decimal] = field(default_factory=lambda: PROVIDER_PERCENT)
    reduced_services_percent: Decimal | None = None
    charge_factor: Decimal = Decimal(10)

    def floor(self, edition: str) -> bool:
        """Whether the work GPCI of a release has its floor."""
        return self.work_floor_by_edition.get(edition, self.work_floor)

    def percent(self, taxonomy: str | None) -> Decimal | None:
        """Percent of the fee schedule that a provider of this taxonomy is paid; None: all of it."""
        fits = [begin for begin in self.provider_percent if (taxonomy or "").startswith(begin)]
        return self.provider_percent[max(fits, key=len)] if fits else None
