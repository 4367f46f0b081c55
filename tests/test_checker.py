"""The Python API: alone, and with what a workspace has decided and loaded."""

from __future__ import annotations

import csv
from datetime import date
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from claimsctl import Checker
from claimsctl.cli.run import Options, settle
from claimsctl.errors import SettingsError, UsageError
from claimsctl.pipeline import Setting, process
from claimsctl.reference.editions import EditionStore, Origin
from claimsctl.reference.releases import Release
from claimsctl.settings import SETTINGS_FILE, load_settings
from claimsctl.store.workspace import Workspace
from claimsctl.validate.ruleset import Selection
from tests.claims import claim, write_csv

AS_OF = date(2026, 6, 30)
UHC, AETNA = "87726", "60054"
SETTINGS = """
[mapping]
"Was done" = "procedure_code"
[practice.main]
npi = "1679576722"
[practice.main.rules]
without = ["POS-002"]
[practice.other]
[process]
practice = "main"
[rules.severity]
FIN-004 = "info"
[rules.payer.UHC]
severity = { "FIN-002" = "warning" }
[[rules.suppress]]
code = "DX-004"
reason = "Ticket 17"
until = 2026-12-31
[[rules.suppress]]
code = "FIN-*"
reason = "Ticket 18"
until = 2026-12-31
practice = "other"
[payers.SMALL]
name = "Small Town Health"
type = "commercial"
"""
HOUSE = """
[pack]
name = "ours"
[[rule]]
code = "HOUSE-001"
name = "notes_are_short"
severity = "warning"
fields = ["line_note"]
rule_expression = "length(line_note) < 20"
error_message = "The note is long."
suggestion = "Shorten it."
"""


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    root = tmp_path / "workspace"
    (root / "rules").mkdir(parents=True)
    (root / SETTINGS_FILE).write_text(SETTINGS)
    (root / "rules" / "ours.toml").write_text(HOUSE)
    limits = pl.DataFrame({"code": ["99213"], "units": [1], "mai": ["1"]})
    EditionStore(root / "reference").add(
        Release("mue", "2026Q2", date(2026, 4, 1), None, "CMS", "", limits), Origin("mue.csv", "x", 1)
    )
    return root


def rows() -> list[dict[str, str]]:
    """Lines with mistakes that the workspace judges otherwise than claimsctl alone."""
    return [
        claim("A1", charge_amount="-5"),
        claim("A2", charge_amount="-5", payer_id=AETNA),
        claim("A3", diagnosis_1="F33", line_note="a note that goes on and on"),
        claim("A4", place_of_service="98", copay_amount="500.00"),
        claim("A5", units="9"),
        claim("A6", units="9", service_date_from="2026-03-31", service_date_to="2026-03-31"),
        claim("A7", payer_id="SMALL", billing_npi=""),
    ]


def found(result: Any) -> set[tuple[Any, ...]]:
    return {(f["claim_number"], f["code"], f["severity"], f["field"], f["value"]) for f in result.findings}


def test_alone_it_takes_what_is_shipped() -> None:
    result = Checker().check(rows(), as_of=AS_OF)
    codes = {(claim_number, code, severity) for claim_number, code, severity, *_ in found(result)}
    assert {("A1", "FIN-002", "error"), ("A3", "DX-004", "error"), ("A4", "POS-002", "error"),
            ("A4", "FIN-004", "error"), ("A7", "PAY-002", "error")} <= codes  # fmt: skip
    assert not {code for _, code, _ in codes} & {"NCCI-005", "HOUSE-001"}
    assert result.suppressed == ()
    reasons = {each["code"]: (each["reason"], each["rows"]) for each in result.not_run}
    assert reasons["NCCI-005"] == ("reference table mue is not loaded", 7)


def test_with_a_workspace_it_says_what_process_says(workspace: Path, tmp_path: Path) -> None:
    path = write_csv(tmp_path / "claims.csv", rows())
    settings = load_settings(workspace)
    request, book, _ = settle(Options((str(path),), out=tmp_path / "out", as_of=AS_OF), settings)
    process(request, book, Setting(Workspace.open(workspace), settings.mapping))
    with (tmp_path / "out" / "errors.csv").open(newline="", encoding="utf-8") as file:
        told = {
            (f["claim_number"], f["code"], f["severity"], f["field"], f["value"].lstrip("'"))
            for f in csv.DictReader(file)
            if f["row_number"]
        }
    result = Checker(workspace=workspace, as_of=AS_OF).check(rows())
    assert {(*known, value or "") for *known, value in found(result)} == told
    codes = {(claim_number, code, severity) for claim_number, code, severity, *_ in told}
    assert {("A1", "FIN-002", "warning"), ("A2", "FIN-002", "error"), ("A3", "HOUSE-001", "warning"),
            ("A4", "FIN-004", "info"), ("A5", "NCCI-005", "error")} <= codes  # fmt: skip
    assert not {code for _, code, _ in codes} & {"DX-004", "POS-002", "PAY-002"}
    assert not [known for known in codes if known[:2] == ("A6", "NCCI-005")]
    assert result.suppressed == (
        {"code": "DX-004", "rows": 1, "reason": "Ticket 17", "until": date(2026, 12, 31)},
    )
    (older,) = [each for each in result.not_run if each["code"] == "NCCI-005"]
    assert (older["rows"], older["to"]) == (1, date(2026, 3, 31))


def test_suppressions_hold_to_their_last_day(workspace: Path) -> None:
    checker = Checker(workspace=workspace, selection=Selection(only=frozenset({"DX-004"})), as_of=AS_OF)
    line = claim("A1", diagnosis_1="F33")
    assert checker.check(line, as_of=date(2026, 12, 31)).findings == ()
    after = checker.check(line, as_of=date(2027, 1, 1))
    assert [f["code"] for f in after.findings] == ["DX-004"]
    assert after.suppressed == ()


def test_arguments_come_before_the_settings(workspace: Path) -> None:
    asked = Selection(only=frozenset({"fin-004", "POS-002"}), severities={"FIN-004": "warning"})
    line = {("Was done" if name == "procedure_code" else name): value for name, value in rows()[3].items()}
    checker = Checker(workspace=workspace, practice_id="other", selection=asked, as_of=AS_OF)
    assert {f["code"] for f in checker.check(line).findings} == {"POS-002"}, "FIN-* is suppressed there"
    assert {each["code"]: each["rows"] for each in checker.check(line).suppressed} == {
        "DX-004": 0, "FIN-*": 1,
    }  # fmt: skip
    main = Checker(workspace=workspace, selection=asked, as_of=AS_OF, constants={"place_of_service": "11"})
    assert [(f["code"], f["severity"]) for f in main.check(line).findings] == [("FIN-004", "warning")]
    with pytest.raises(SettingsError, match="nowhere"):
        Checker(workspace=workspace, practice_id="nowhere")


def test_constants_of_the_practice_fill_blanks(workspace: Path) -> None:
    only = Selection(only=frozenset({"PRV-001"}))
    assert Checker(selection=only).check(claim(billing_npi="")).findings
    assert not Checker(workspace=workspace, selection=only).check(claim(billing_npi="")).findings


def test_a_workspace_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no workspace"):
        Checker(workspace=tmp_path / "nowhere")
    with pytest.raises(UsageError, match="Unknown profile"):
        Checker(profile="dental")
