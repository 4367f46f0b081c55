"""Small invented claim files for tests."""

from __future__ import annotations

import csv
import io
import zlib
from collections.abc import Iterable, Mapping
from pathlib import Path

CLEAN = {
    "claim_number": "A1",
    "line_number": "1",
    "patient_last_name": "Sample",
    "patient_first_name": "Pat",
    "patient_dob": "1980-05-17",
    "patient_sex": "F",
    "patient_address": "1 Main St",
    "patient_city": "Worcester",
    "patient_state": "MA",
    "patient_zip": "01609",
    "relationship_code": "18",
    "member_id": "XYQ4410078",
    "payer_id": "87726",
    "billing_npi": "1679576722",
    "billing_tax_id": "042104338",
    "rendering_npi": "1245319599",
    "place_of_service": "11",
    "service_date_from": "2026-05-04",
    "service_date_to": "2026-05-04",
    "procedure_code": "99213",
    "diagnosis_1": "F41.1",
    "diagnosis_pointers": "A",
    "units": "1",
    "charge_amount": "120.00",
}


def claim(number: str = "A1", **changes: str) -> dict[str, str]:
    """A line that no rule objects to, with changes; each claim number is another patient's."""
    member = f"XYQ{zlib.crc32(number.encode()):010d}"
    return {**CLEAN, "claim_number": number, "member_id": member, **changes}


def csv_text(rows: Iterable[Mapping[str, str]], *, delimiter: str = ",", header: bool = True) -> str:
    rows = list(rows)
    names = list(dict.fromkeys(name for row in rows for name in row))
    out = io.StringIO()
    writer = csv.DictWriter(out, names, delimiter=delimiter, lineterminator="\n")
    if header:
        writer.writeheader()
    writer.writerows(rows)
    return out.getvalue()


def write_csv(path: Path, rows: Iterable[Mapping[str, str]], **options: str) -> Path:
    path.write_text(csv_text(rows, **options), encoding="utf-8")  # type: ignore[arg-type]
    return path
