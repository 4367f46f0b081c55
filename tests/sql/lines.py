"""Accepted lines as a run hands them over, for tests: typed, with claim ids and prices."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Final

import polars as pl

from claimsctl.security.keys import Keys
from claimsctl.security.policy import Phi
from claimsctl.sql.outbox import Outbox, OutboxWriter

KEYS: Final = Keys.derive(b"tests of sql" * 3)

SCHEMA: Final = {
    "claim_number": pl.String(), "payer_sequence": pl.String(), "line_number_in_claim": pl.Int64(),
    "row_number": pl.Int64(), "patient_last_name": pl.String(), "patient_first_name": pl.String(),
    "patient_dob": pl.Date(), "patient_ssn": pl.String(), "patient_city": pl.String(),
    "patient_zip": pl.String(), "member_id": pl.String(), "payer_id": pl.String(),
    "diagnosis_1": pl.String(), "service_date_from": pl.Date(), "session_start_time": pl.Time(),
    "procedure_code": pl.String(), "units": pl.Decimal(18, 4), "minutes": pl.Int64(),
    "charge_amount": pl.Decimal(18, 4), "line_note": pl.String(),
    "expected_allowed_amount": pl.Decimal(12, 2), "pricing_status": pl.String(),
}  # fmt: skip

LINE: Final[Mapping[str, object]] = {
    "claim_number": "A1", "line_number_in_claim": 1, "row_number": 2, "patient_last_name": "Ñuñez",
    "patient_first_name": "Pat", "patient_dob": date(1980, 5, 17), "patient_ssn": "745-38-2916",
    "patient_city": "Worcester", "patient_zip": "01609", "member_id": "XYQ4410078", "payer_id": "87726",
    "diagnosis_1": "F41.1", "service_date_from": date(2026, 5, 4), "procedure_code": "99213",
    "units": Decimal(1), "charge_amount": Decimal("120.00"), "line_note": "Left knee",
    "expected_allowed_amount": Decimal("92.05"), "pricing_status": "PRICED",
}  # fmt: skip


def line(number: str = "A1", nth: int = 1, **changes: object) -> dict[str, object]:
    return {**LINE, "claim_number": number, "line_number_in_claim": nth, **changes}


def frame(lines: Iterable[Mapping[str, object]]) -> pl.DataFrame:
    rows = pl.DataFrame(list(lines), schema=SCHEMA)
    return rows.with_columns(
        pl.struct("claim_number", pl.col("payer_sequence").fill_null("P")).hash(seed=1).alias("claim_id")
    )


def many(claims: int, lines_each: int = 2) -> list[dict[str, object]]:
    """Lines of claims that differ in number, name, member and charge; whole claims one after the other."""
    return [
        line(
            f"C{claim:05d}", nth, row_number=2 + claim * lines_each + nth,
            patient_last_name=f"Name{claim % 7}", member_id=f"MEM{claim:07d}",
            charge_amount=Decimal(100 + claim + nth) / 4,
        )
        for claim in range(claims)
        for nth in range(1, lines_each + 1)
    ]  # fmt: skip


def keys_of(practice_id: str) -> Keys:
    """The keys of every practice here."""
    return KEYS


def outbox(
    directory: Path,
    lines: list[dict[str, object]],
    *,
    part: int = 1_000,
    batch_claims: int = 2_000,
    phi: Phi = "plain",
    job: str = "20260601-083000-1a2b",
    keys: Keys = KEYS,
    findings: pl.DataFrame | None = None,
) -> Outbox:
    """The outbox of some lines that came in parts of so many."""
    writer = OutboxWriter(directory, job, "production", phi, "main-street", keys, batch_claims)
    for start in range(0, len(lines), part):
        writer.add(frame(lines[start : start + part]), input_name="claims.csv")
    if findings is not None:
        writer.findings(findings)
    return writer.close({"command": "process", "status": "COMPLETED", "rows_read": len(lines)})


def rows(box: Outbox, table: str) -> pl.DataFrame:
    """All rows of a table."""
    found = [box.read(batch, table) for batch in box.batches if table in batch.files]
    return pl.concat(found)
