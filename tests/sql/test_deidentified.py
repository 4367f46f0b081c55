"""What a target gets with `drop` and `deidentify`, and that jobs still find their claims in it."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from tests.claims import claim, write_csv
from tests.cli.conftest import command, read_few, read_once
from tests.commands import Command

__all__ = ["command", "read_few", "read_once"]  # fixtures

PERSONAL = ("Quillfeather", "XKW7730915", "536-48-2917", "1980-05-17", "01609", "Worcester", "1 Main St")
GOOD = {"patient_last_name": "Quillfeather", "member_id": "XKW7730915", "patient_ssn": "536-48-2917"}


@pytest.fixture
def target(tmp_path: Path) -> Path:
    (tmp_path / "workspace").mkdir(mode=0o700)
    tables = "".join(
        f'[sql.{phi}]\nurl = "sqlite:///{tmp_path / phi}.db"\nphi = "{phi}"\n'
        for phi in ("drop", "deidentify")
    )
    (tmp_path / "workspace" / "claimsctl.toml").write_text(tables)
    return tmp_path


def delivered(command: Command, place: Path, charge: str, out: str) -> dict[str, dict[str, Any]]:
    """Tables by their rows, of each target, after a run."""
    rows = [claim("A1", **GOOD, charge_amount=charge), claim("A2", charge_amount="-5")]
    path = write_csv(place / "june.csv", rows)
    done = command("process", path, "--to", "drop", "--to", "deidentify", "--out", place / out,
                   "--duplicates", "update", "--only", "FIN-*", "--as-of", "2026-06-30")  # fmt: skip
    assert done.code == 0, done.err
    found: dict[str, dict[str, Any]] = {}
    for phi in ("drop", "deidentify"):
        with closing(sqlite3.connect(place / f"{phi}.db")) as base:
            base.row_factory = sqlite3.Row
            found[phi] = {
                table: [dict(row) for row in base.execute(f"SELECT * FROM claimsctl_{table}")]
                for table in ("claims", "claim_lines", "claim_findings")
            }
    return found


def test_nobody_is_named_and_claims_are_found_again(command: Command, target: Path) -> None:
    for phi in ("drop", "deidentify"):
        assert command("sql", "init", "--to", phi).code == 0
    first = delivered(command, target, "120.00", "out")
    dropped, nameless = first["drop"], first["deidentify"]
    assert [word for word in PERSONAL if word in str(dropped)] == []
    assert dropped["claims"][0]["claim_number"] == "A1"
    assert dropped["claims"][0]["member_id"] is dropped["claims"][0]["patient_dob"] is None
    assert {each["claims"][0]["risk_source"] for each in (dropped, nameless)} == {"rules"}
    assert dropped["claims"][0]["denial_risk"] == nameless["claims"][0]["denial_risk"] is not None
    whole = str(nameless)
    assert [word for word in (*PERSONAL, "'A1'", "'A2'", "2026-05-04", "june") if word in whole] == []
    (row,) = nameless["claims"]
    assert (row["claim_number"][0], row["patient_id"][0], row["member_id"][0]) == ("C", "P", "M")
    assert row["patient_zip"] == "016"
    assert row["service_date_first"] == nameless["claim_lines"][0]["service_date_from"] < "2026-05-04"
    finding = nameless["claim_findings"][0]
    assert (finding["value"], finding["message"], finding["field"]) == (None, None, "charge_amount")
    second = delivered(command, target, "130.00", "again")["deidentify"]
    assert [each["claim_number"] for each in second["claims"]] == [row["claim_number"]]
    assert second["claim_lines"][0]["charge_amount"] == 130
