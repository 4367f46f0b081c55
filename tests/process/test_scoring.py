"""Denial risks in a run: on every line, whatever the parts; claims held back, and how they come again."""

from __future__ import annotations

import csv
import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from claimsctl.claim import RISK_COLUMNS
from claimsctl.pipeline import Setting, process
from claimsctl.price.terms import Terms
from claimsctl.process import scoring
from claimsctl.process.request import Request
from claimsctl.process.rulebook import Rulebook, load_rulebook
from claimsctl.settings_tables import ScoringSettings
from claimsctl.store.claims import existing_claims
from claimsctl.store.database import open_store
from claimsctl.store.workspace import Workspace
from claimsctl.validate.ruleset import Selection
from tests.claims import claim, write_csv
from tests.conftest import AS_OF

FEW = Selection(only=frozenset({"FIN-001", "FIN-002", "AUT-006", "DUP-007", "FILE-*"}))
WARNED = {"prior_auth_number": "NA"}
"""AUT-006 warns about it."""


@pytest.fixture(scope="module")
def book() -> Rulebook:
    return load_rulebook(FEW, terms=Terms(locality="10112/00"))


@pytest.fixture
def go(tmp_path: Path, book: Rulebook) -> Any:
    def run(*inputs: Path, **options: Any) -> Any:
        request = Request(tuple(map(str, inputs)), run_date=AS_OF, **options)
        setting = Setting(Workspace.open(tmp_path / "workspace"), scoring=ScoringSettings())
        return process(request, book, setting)

    return run


def stored(tmp_path: Path) -> dict[str, dict[str, Any]]:
    with open_store(Workspace.open(tmp_path / "workspace"), write=False) as connection:
        names = ["claim_number", "status", "held", *RISK_COLUMNS, "filing_deadline", "version"]
        found = connection.execute(f"SELECT {', '.join(names)} FROM claims WHERE is_current").fetchall()
    return {row[0]: dict(zip(names, row, strict=True)) for row in found}


def test_accepted_lines_and_stored_claims_say_their_risk(go: Any, tmp_path: Path) -> None:
    rows = [
        claim("A1"),
        claim("A2", line_number="1"),
        claim("A2", line_number="2", procedure_code="99214", **WARNED),
        claim("A3", charge_amount="-5"),
    ]
    summary = go(write_csv(tmp_path / "claims.csv", rows), out=tmp_path / "out")
    lines = pl.read_parquet(tmp_path / "out" / "accepted.parquet")
    assert lines.filter(claim_number="A1").select(RISK_COLUMNS[:4]).row(0) == (
        0.11, "low", "rules", "More than half of the time to file it has passed",
    )  # fmt: skip
    second = lines.filter(claim_number="A2")
    assert second["denial_risk"].to_list() == [0.36, 0.36]
    assert second["risk_band"].to_list() == ["medium", "medium"]
    expected = second["expected_allowed_amount"].sum()
    assert second["expected_loss"][0] == (expected * Decimal("0.36")).quantize(Decimal("0.01"))
    kept = stored(tmp_path)
    assert kept["A2"]["denial_risk"] == 0.36
    assert kept["A2"]["expected_loss"] == second["expected_loss"][0]
    assert str(kept["A2"]["filing_deadline"]) == "2026-08-02"
    assert kept["A3"]["status"] == "INVALID"
    assert kept["A3"]["denial_risk"] is None, "what is rejected does not go to a payer"
    assert {each["band"]: each["claims"] for each in summary["scoring"]["by_band"]} == {
        "high": 0, "medium": 1, "low": 1,
    }  # fmt: skip
    losses = {row["claim_number"]: row["expected_loss"] for row in lines.iter_rows(named=True)}
    assert Decimal(summary["scoring"]["expected_loss"]) == sum(losses.values())
    assert summary["timings"]["score"] > 0


def test_the_parts_of_a_file_make_no_difference(
    go: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(scoring, "_FEW", 1)
    monkeypatch.setattr(scoring, "_AT_ONCE", 7)
    rows = [
        claim(f"B{n % 23}", line_number=str(n // 23 + 1), **(WARNED if n % 5 == 0 else {}),
              charge_amount="-5" if n == 30 else f"{100 + n}.10")
        for n in range(92)
    ]  # fmt: skip
    rows += [claim(f"C{n}", **(WARNED if n % 3 else {})) for n in range(20)]
    path = write_csv(tmp_path / "claims.csv", rows)
    whole = go(path, out=tmp_path / "whole", hold_above=0.3)
    parts = go(path, out=tmp_path / "parts", hold_above=0.3, batch_size=9)
    for name in ("accepted.parquet", "held.csv", "rejected.csv"):
        one, other = (tmp_path / place / name for place in ("whole", "parts"))
        if name.endswith("csv"):
            assert one.read_bytes() == other.read_bytes()
        else:
            assert pl.read_parquet(one).equals(pl.read_parquet(other))
    assert {**whole["scoring"]} == {**parts["scoring"]}
    assert whole["claims"] == parts["claims"]
    assert not list((tmp_path / "workspace" / "tmp").rglob("risks-*"))


def test_held_claims_have_their_place(go: Any, tmp_path: Path) -> None:
    rows = [claim("A1"), claim("A2", **WARNED), claim("A3", charge_amount="-5")]
    path = write_csv(tmp_path / "claims.csv", rows)
    summary = go(path, out=tmp_path / "out", hold_above=0.3)
    assert summary["claims"] == {"read": 3, "accepted": 1, "held": 1, "rejected": 1, "skipped": 0}
    assert summary["rows"] == {"read": 3, "accepted": 1, "held": 1, "rejected": 1, "skipped": 0}
    assert summary["scoring"]["held"]["claims"] == 1
    assert summary["outputs"]["held"].endswith("held.csv")
    with (tmp_path / "out" / "held.csv").open(newline="") as file:
        (held,) = csv.DictReader(file)
    assert {**rows[1], "row_number": "3", "denial_risk": "0.36"}.items() <= held.items()
    assert held["risk_reasons"].endswith("More than half of the time to file it has passed")
    assert pl.read_parquet(tmp_path / "out" / "accepted.parquet")["claim_number"].to_list() == ["A1"]
    kept = stored(tmp_path)
    assert {name: (each["status"], each["held"]) for name, each in kept.items()} == {
        "A1": ("VALIDATED", False), "A2": ("VALIDATED", True), "A3": ("INVALID", False),
    }  # fmt: skip
    job = json.loads((tmp_path / "out" / "summary.json").read_text())
    assert job["claims"]["held"] == 1


def test_jobs_tell_what_is_held(go: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from claimsctl.cli.joblist import print_jobs
    from claimsctl.cli.state import State

    state = State(workspace=tmp_path / "workspace")
    path = write_csv(tmp_path / "claims.csv", [claim("A1"), claim("A2", **WARNED)])
    go(path, out=tmp_path / "out")
    print_jobs(state, (), 10)
    assert "held" not in capsys.readouterr().out
    go(path, out=tmp_path / "again", hold_above=0.3)
    print_jobs(state, (), 10)
    header, newest, before = capsys.readouterr().out.splitlines()
    assert header.split() == [
        "job",
        "command",
        "status",
        "started",
        "rows",
        "accepted",
        "rejected",
        "held",
        "inputs",
    ]
    assert newest.split()[-5:-1] == ["2", "1", "0", "1"]
    assert before.split()[-5:-1] == ["2", "2", "0", "0"]


def test_a_held_claim_is_corrected_and_comes_again(go: Any, tmp_path: Path) -> None:
    path = write_csv(tmp_path / "claims.csv", [claim("A1"), claim("A2", **WARNED)])
    go(path, out=tmp_path / "out", hold_above=0.3)
    held = tmp_path / "out" / "held.csv"
    corrected = tmp_path / "corrected.csv"
    corrected.write_text(held.read_text().replace(",NA", ",A1234567"))
    summary = go(corrected, out=tmp_path / "again", hold_above=0.3)
    assert summary["mapping"]["own"] == ["row_number", "denial_risk", "risk_reasons"]
    assert summary["findings"]["error"] == 0, "a held claim was not accepted yet: it may change"
    assert summary["claims"]["accepted"] == 1
    kept = stored(tmp_path)["A2"]
    assert (kept["version"], kept["held"], kept["denial_risk"]) == (2, False, 0.11)


def test_a_held_claim_is_let_go(go: Any, tmp_path: Path) -> None:
    path = write_csv(tmp_path / "claims.csv", [claim("A2", **WARNED)])
    go(path, out=tmp_path / "out", hold_above=0.3)
    summary = go(tmp_path / "out" / "held.csv", out=tmp_path / "again", hold_above=1.0)
    assert summary["claims"]["accepted"] == 1
    kept = stored(tmp_path)["A2"]
    assert (kept["version"], kept["held"], kept["denial_risk"]) == (1, False, 0.36)
    keys = pl.DataFrame({"practice_id": ["default"], "claim_number": ["A2"], "payer_sequence": ["P"]})
    assert existing_claims(Workspace.open(tmp_path / "workspace"), keys)["held"].to_list() == [False]
    changed = tmp_path / "changed.csv"
    changed.write_text(path.read_text().replace("120.00", "125.00"))
    summary = go(changed, out=tmp_path / "changed", hold_above=0.3)
    assert summary["claims"]["rejected"] == 1, "it has been accepted: another content is a duplicate"


def test_runs_are_the_same_to_the_byte(go: Any, tmp_path: Path, book: Rulebook) -> None:
    path = write_csv(
        tmp_path / "claims.csv", [claim(f"A{n}", **(WARNED if n % 2 else {})) for n in range(40)]
    )
    for name in ("one", "two"):
        setting = Setting(Workspace.open(tmp_path / f"workspace-{name}"), scoring=ScoringSettings())
        process(Request((str(path),), run_date=AS_OF, out=tmp_path / name, hold_above=0.3), book, setting)
    for name in ("accepted.parquet", "held.csv", "errors.csv"):
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "two" / name).read_bytes()


def test_without_scores_nothing_of_them_is_written_and_later_it_is(go: Any, tmp_path: Path) -> None:
    path = write_csv(tmp_path / "claims.csv", [claim("A1")])
    summary = go(path, out=tmp_path / "out", score=False)
    assert summary["scoring"] is None
    assert not set(RISK_COLUMNS) & set(pl.read_parquet(tmp_path / "out" / "accepted.parquet").columns)
    assert stored(tmp_path)["A1"]["denial_risk"] is None
    go(path, out=tmp_path / "again")
    kept = stored(tmp_path)["A1"]
    assert (kept["version"], kept["denial_risk"], kept["held"]) == (1, 0.11, False), "no other version"
