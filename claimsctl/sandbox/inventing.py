"""Many claims for benchmarks and rehearsals, the same for the same seed."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator
from datetime import date, timedelta
from math import ceil
from pathlib import Path
from random import Random
from typing import Final

from claimsctl.sandbox.claims import EXAMPLE_DAY, InventedClaim, judged, undecided
from claimsctl.sandbox.exchange import Hit

_LAST: Final = """ALDERTON BRISKET CALLOWAY DRUMMERIE EASTLAKE FENWICKE GARRISONE HOLLINGS IVERDALE JESSAMY
KETTERING LOCKRIDGE MARLOWE NETHERBY OAKHURST PEMBROKE QUILLON RAVENEL STANWICK TREVANNE UNDERHAY VANTERPOL
WETHERBY YARDLEIGH ZELLINGER""".split()
_FIRST: Final = """ADELA BRAM CORA DORIAN ELKE FABIAN GRETA HOLLIS IRIS JONAS KAREN LUDO MAEVE NILS ORLA PIERS
QUINN ROSA STELLAN TAMSIN URSO VERA WILF XENIA YORICK""".split()
# Category, status code, share allowed, share of that the patient owes, adjustments, how often of 100.
_OUTCOMES: Final[tuple[tuple[str, str, int, int, tuple[str, ...], int], ...]] = (
    ("F1", "65", 75, 20, ("CO-45", "PR-2"), 46),
    ("F1", "65", 80, 0, ("CO-45",), 8),
    ("F1", "1", 60, 100, ("CO-45", "PR-1"), 6),
    ("F2", "585", 0, 0, ("CO-96",), 10),
    ("F2", "54", 0, 0, ("CO-18",), 2),
    ("F3", "65", 70, 10, ("CO-45", "PR-3"), 2),
    ("F4", "107", 0, 0, ("CO-97",), 3),
    ("P1", "20", 0, 0, (), 12),
    ("P3", "21", 0, 0, (), 3),
    ("A2", "20", 0, 0, (), 4),
    ("A3", "21", 0, 0, (), 3),
    ("R0", "21", 0, 0, (), 1),
)
_CHARGES: Final = ("95.00", "132.50", "165.00", "181.75", "210.00", "240.00", "319.00", "465.00")
_CODES: Final = ("99213", "99214", "97110", "90834", "90837", "97140", "99203")
STATUS_HEADER: Final = (
    "Claim #", "Payer Claim #", "Payer Code", "Pt Last", "Pt First", "DOB", "Subscriber ID", "From Date",
    "Thru Date", "Total Charge",
)  # fmt: skip


def invent_claims(
    count: int, *, seed: int = 0, payer: str = "UHC", days: int = 60, first: int = 1
) -> Iterator[InventedClaim]:
    """`count` different claims of one payer, with service dates over `days` days before EXAMPLE_DAY.

    Numbers begin at `first`: ours are SBX0000001, the payer's ZX00000001. An empty payer: any asks.
    """
    random = Random(f"{seed} {payer}")  # noqa: S311 - invented claims, the same each time
    weights = [outcome[5] for outcome in _OUTCOMES]
    for number in range(first, first + count):
        born = date(1935, 1, 1) + timedelta(days=random.randrange(30_000))
        person = (random.choice(_LAST), random.choice(_FIRST), born)
        service = EXAMPLE_DAY - timedelta(days=20 + random.randrange(days))
        claim = undecided(
            f"SBX{number:07d}", f"ZX{number:08d}", payer, person, f"9{number:08d}", service,
            random.choice(_CHARGES),
        )  # fmt: skip
        category, status, allowed, owed, adjustments, _ = random.choices(_OUTCOMES, weights)[0]
        allowed_amount = claim.charge * allowed / 100
        yield judged(
            claim, category, status, allowed=str(allowed_amount), patient=str(allowed_amount * owed / 100),
            adjustments=adjustments, procedure_code=random.choice(_CODES),
        )  # fmt: skip


def fillers(per_30_days: float, start: date, end: date) -> list[InventedClaim]:
    """Other people's paid claims of every payer, so many for each 30 days; the same ones every time."""
    made: list[InventedClaim] = []
    whole = max(ceil(per_30_days * ((end - start).days + 1) / 30), 1)
    days = (end - start).days + 1
    for number in range(whole):
        service = start + timedelta(days=number % days)
        mark = f"{service:%y%m%d}{number // days:04d}"
        person = ("FILLER", "PAT", date(1980, 1, 2))
        claim = undecided("", f"AA{mark}", "", person, f"8{mark[-8:]}", service, "75.00")
        made.append(
            judged(claim, "F1", "65", allowed="60.00", patient="10.00", adjustments=("CO-45", "PR-3"))
        )
    return made


def crowd(hit: Hit, start: date, end: date) -> list[InventedClaim]:
    """The claims that a scenario of pages puts before the right ones; none under others."""
    if hit.name in ("page-two", "over-500"):
        return fillers(hit.value, start, end)
    return fillers(120, start, end) if hit.name.startswith("page-token-") else []


def write_status_file(path: Path, claims: Iterable[InventedClaim]) -> int:
    """Write the claims as a file for `claimsctl check-status`; returns how many."""
    written = 0
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(STATUS_HEADER)
        for claim in claims:
            written += 1
            payer = next(iter(sorted(claim.payer_ids, key=lambda name: (name.isdigit(), name))), "")
            writer.writerow(
                (
                    claim.claim_number, "", payer, claim.last_name.title(), claim.first_name.title(),
                    f"{claim.dob:%m/%d/%Y}", claim.member_id, f"{claim.service_from:%m/%d/%Y}",
                    f"{claim.service_to:%m/%d/%Y}", claim.charge,
                )
            )  # fmt: skip
    return written
