"""The claims that the sandbox's payers know: the shape of one, and those of examples/status.csv.

Every person, number and amount is invented.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, timedelta
from decimal import Decimal
from typing import Final

# The day on which the example claims were asked about; calendar checks accept their dates for ever.
EXAMPLE_DAY: Final = date(2026, 6, 30)
ZERO: Final = Decimal("0.00")


@dataclass(frozen=True, slots=True)
class ClaimLine:
    """One line as the payer judged it; amounts in dollars, adjustments as "CO-45"."""

    number: int
    procedure_code: str
    charge: Decimal
    allowed: Decimal
    paid: Decimal
    patient: Decimal
    adjustments: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class InventedClaim:
    """One claim as its payer knows it.

    `payer_ids` are all ids under which payers of any route tell of it, `tax_id` the billing practice;
    empty means every payer and every practice. `category` and `status` are X12 codes (507 and 508).
    Dates of decisions are None while the claim is pending.
    """

    claim_number: str
    payer_claim_number: str
    payer_ids: frozenset[str]
    tax_id: str
    last_name: str
    first_name: str
    dob: date
    member_id: str
    service_from: date
    service_to: date
    charge: Decimal
    allowed: Decimal
    paid: Decimal
    patient: Decimal
    category: str
    status: str
    processed: date | None
    effective: date
    paid_on: date | None = None
    check_number: str = ""
    electronic: bool = True
    lines: tuple[ClaimLine, ...] = ()
    entity: str = "PR"
    ssn: str = ""

    @property
    def decided(self) -> bool:
        """Whether the payer has finished with it (categories F...)."""
        return self.category.startswith("F")


# Payers by the ids of claim files, and the ids under which routes know them.
PAYER_IDS: Final[dict[str, tuple[str, ...]]] = {
    "UHC": ("87726", "UHC"),
    "AETNA": ("AETNA", "60054"),
    "HUMANA": ("HUMANA", "61101"),
    "CIGNA": ("CIGNA", "62308"),
    "BCBSMA": ("BCBSMA", "SB700"),
    "BCBSF": ("BCBSF", "00590"),
}


def payer_ids_of(payer: str) -> frozenset[str]:
    """Every id of a payer that is named by one of them; an unknown payer has the one it is named by."""
    for name, ids in PAYER_IDS.items():
        if payer == name or payer in ids:
            return frozenset((name, *ids))
    return frozenset((payer,))


def judged(
    claim: InventedClaim, category: str, status: str, *, allowed: str = "0", patient: str = "0",
    adjustments: tuple[str, ...] = (), procedure_code: str = "99213",
) -> InventedClaim:  # fmt: skip
    """The claim with a decision: dates follow the service, what is allowed and not the patient's is paid."""
    allowed_amount, patient_amount = Decimal(allowed).quantize(ZERO), Decimal(patient).quantize(ZERO)
    paid = allowed_amount - patient_amount
    finished = category.startswith("F")
    effective = claim.service_to + timedelta(days=14 if finished else 6)
    line = ClaimLine(1, procedure_code, claim.charge, allowed_amount, paid, patient_amount, adjustments)
    digits = "".join(c for c in claim.payer_claim_number if c.isdigit())[-8:]
    return replace(
        claim, category=category, status=status, allowed=allowed_amount, paid=paid, patient=patient_amount,
        processed=effective - timedelta(days=2) if finished else None, effective=effective,
        paid_on=effective + timedelta(days=1) if paid else None, lines=(line,) if finished else (),
        check_number=f"0{digits}" if paid else "",
    )  # fmt: skip


def undecided(
    claim_number: str, payer_claim_number: str, payer: str, person: tuple[str, str, date], member_id: str,
    service: date, charge: str, *, tax_id: str = "",
) -> InventedClaim:  # fmt: skip
    """A claim that has been received and accepted (category A2), for `judged` to decide.

    `person` is last name, first name and date of birth.
    """
    last, first, dob = person
    return InventedClaim(
        claim_number, payer_claim_number, payer_ids_of(payer) if payer else frozenset(), tax_id, last, first,
        dob, member_id, service, service, Decimal(charge).quantize(ZERO), ZERO, ZERO, ZERO, "A2", "20", None,
        service + timedelta(days=3),
    )  # fmt: skip


def _examples() -> tuple[InventedClaim, ...]:
    whitfield = ("WHITFIELD", "ADA", date(1979, 3, 14))
    okafor = ("OKAFOR", "BENJAMIN", date(1951, 11, 2))
    raman = ("RAMAN", "DEV", date(1990, 6, 5))
    lindqvist = ("LINDQVIST", "EVA", date(1984, 12, 19))
    quintana = ("QUINTANA", "INES", date(1973, 7, 30))
    pellegrin = ("PELLEGRIN", "NORA", date(1958, 8, 8))
    thorne = ("THORNE", "GIA", date(1997, 9, 8))
    brandvold = ("BRANDVOLD", "HUGO", date(1949, 2, 16))
    # fmt: off
    return (
        judged(undecided("MS-1001", "26128044107", "UHC", whitfield, "914402217", date(2026, 5, 4), "165.00"),
               "F1", "65", allowed="120.00", patient="20.00", adjustments=("CO-45", "PR-3")),
        judged(undecided("MS-1002", "1126129004410", "14212", okafor, "1EG4TE5MK73", date(2026, 5, 4),
                         "281.00"),
               "F1", "65", allowed="210.00", patient="42.00", adjustments=("CO-45", "PR-2")),
        judged(undecided("MS-1004", "EA26125118", "AETNA", raman, "W204417733", date(2026, 5, 5), "280.00"),
               "F2", "585", adjustments=("CO-96",), procedure_code="97110"),
        undecided("MS-1007", "7726126033", "CIGNA", lindqvist, "U4410983301", date(2026, 5, 6), "235.00"),
        judged(undecided("MS-1012", "20261320044", "BCBSMA", quintana, "XXP908831145", date(2026, 5, 7),
                         "240.00"),
               "F1", "1", allowed="150.00", patient="150.00", adjustments=("CO-45", "PR-1"),
               procedure_code="90837"),
        judged(undecided("MS-1015", "26135051882", "UHC", pellegrin, "914411820", date(2026, 5, 11),
                         "319.00"), "P1", "20"),
        judged(undecided("MS-1018", "SK26127090", "SKMA0", thorne, "100044120817", date(2026, 5, 7),
                         "205.00"), "P3", "21"),
        judged(undecided("MS-1019", "1126153004418", "14212", brandvold, "2AC7QH4YN15", date(2026, 5, 28),
                         "280.00"),
               "F3", "65", allowed="201.50", patient="40.30", adjustments=("CO-45", "PR-2")),
    )
    # fmt: on


EXAMPLES: Final = _examples()
