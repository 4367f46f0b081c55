"""The claim-validator package with its own rules: its model and eleven validators, claim by claim.

    python -m benchmarks.peers claim_validator claims.csv report.csv
    python -m benchmarks.peers.claim_validator_peer codes.csv

The second form prints, as JSON, how many codes of the list it takes, by the list's column `billable`.
"""

from __future__ import annotations

import csv
import itertools
import json
import sys
from collections import Counter
from pathlib import Path
from typing import Any

from claim_validator.models.claim import ClaimData
from claim_validator.shared.validators import validate_diagnosis
from claim_validator.validators.pipeline import ValidationPipeline
from pydantic import ValidationError

NAMES = {
    "billing_provider_npi": "billing_npi",
    "billing_provider_taxonomy": "billing_taxonomy",
    "rendering_provider_npi": "rendering_npi",
    "subscriber_id": "member_id",
    "patient_first_name": "patient_first_name",
    "patient_last_name": "patient_last_name",
    "patient_dob": "patient_dob",
    "patient_gender": "patient_sex",
    "patient_relationship": "relationship_code",
    "payer_id": "payer_id",
    "payer_name": "payer_name",
    "place_of_service": "place_of_service",
    "total_charge": "claim_charge_amount",
    "filing_date": "received_date",
}
LETTERS = "ABCDEFGHIJKL"


def claim_of(rows: list[dict[str, str]]) -> dict[str, Any]:
    """Lines of one claim as the package wants them; blank cells are left out."""
    first = rows[0]
    codes = [(n, first[f"diagnosis_{n}"]) for n in range(1, 13) if first[f"diagnosis_{n}"]]
    return {
        **{name: first[column] for name, column in NAMES.items() if first[column]},
        "diagnosis_codes": [
            {"code": code, "pointer": n, "type": "principal" if n == 1 else "secondary"} for n, code in codes
        ],
        "lines": [_line(row) for row in rows],
    }


def _line(row: dict[str, str]) -> dict[str, Any]:
    pointers = [LETTERS.index(sign) + 1 for sign in row["diagnosis_pointers"] if sign in LETTERS]
    given = {
        "service_date_from": row["service_date_from"],
        "service_date_to": row["service_date_to"],
        "place_of_service": row["place_of_service"],
        "rendering_provider_npi": row["rendering_npi"],
        "units": row["units"],
    }
    return {
        "procedure_code": row["procedure_code"],
        "charge_amount": row["charge_amount"],
        "modifiers": [row[f"modifier_{n}"] for n in range(1, 5) if row[f"modifier_{n}"]],
        "diagnosis_pointers": pointers,
        **{name: value for name, value in given.items() if value},
    }


def run(source: Path, report: Path) -> int:
    """One pipeline for all claims, the quickest way the package offers; errors of its model are findings."""
    pipeline = ValidationPipeline.from_settings()
    count = 0
    with (
        source.open(newline="", encoding="utf-8") as lines,
        report.open("w", newline="", encoding="utf-8") as out,
    ):
        writer = csv.writer(out)
        writer.writerow(("claim_number", "line_number", "severity", "code", "field"))
        grouped = itertools.groupby(csv.DictReader(lines), key=lambda row: row["claim_number"])
        for number, rows in grouped:
            try:
                claim = ClaimData(**claim_of(list(rows)))
            except ValidationError as error:
                for problem in error.errors(include_url=False, include_input=False):
                    place = ".".join(str(part) for part in problem["loc"])
                    writer.writerow((number, "", "error", f"model: {problem['type']}", place))
                    count += 1
                continue
            for found in pipeline.run(claim).findings:
                severity = str(found.severity.value).lower()
                writer.writerow((number, found.line_number, severity, found.code, found.field_name))
                count += 1
    return count


def takes(code: str) -> bool:
    """Whether the package takes a diagnosis code (with its dot) as valid: its model and its code check."""
    try:
        ClaimData(
            diagnosis_codes=[{"code": code}], lines=[{"procedure_code": "99213", "charge_amount": 100.0}]
        )
    except ValidationError:
        return False
    return not validate_diagnosis([code])


if __name__ == "__main__":
    with open(sys.argv[1], newline="", encoding="utf-8") as listed:
        taken = Counter(row["billable"] for row in csv.DictReader(listed) if takes(row["dotted"]))
    print(json.dumps(taken))
