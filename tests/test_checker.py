"""The Python API: alone, and with what a workspace has decided and loaded."""

from __future__ import annotations

import csv
from datetime import UTC, date, datetime
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


HALF = "half a character \\(a lone surrogate\\)"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"as_of": "2026-01-01"}, "as_of is a value of type str, not a date. Write it as datetime.date"),
        ({"profile": 3}, "profile is a value of type int, not text"),
        ({"practice_id": 3}, "practice_id is a value of type int, not text"),
        ({"workspace": 3}, "workspace is a value of type int, not a path"),
        ({"selection": "FIN-*"}, "selection is a value of type str, not a Selection"),
        ({"payers": None}, "payers is a value of type NoneType, not a dict"),
        ({"payers": ["UHC"]}, "payers is a value of type list, not a dict"),
        ({"rule_packs": "house.toml"}, "rule_packs is not a list of paths"),
        ({"rule_packs": [3]}, "rule_packs is not a list of paths"),
        ({"constants": "units=1"}, "constants is a value of type str, not a dict"),
        ({"constants": {"units": 1}}, "constants gives 'units' what is not text"),
        (
            {"constants": {"billng_npi": "1"}},
            "constants: there is no column 'billng_npi'; did you mean 'billing",
        ),
    ],
)
def test_wrong_arguments_are_refused_when_a_checker_is_made(arguments: Any, words: str) -> None:
    with pytest.raises(UsageError) as refused:
        Checker(**arguments)
    assert str(refused.value).startswith(words)


@pytest.mark.parametrize(
    ("lines", "words"),
    [
        (None, "A value of type NoneType is no line of a claim. Give check a line as a dict"),
        ("x", "A value of type str is no line"),
        (b"x", "A value of type bytes is no line"),
        ([claim(), None], "Line 2 is a value of type NoneType, not a dict"),
        (["x"], "Line 1 is a value of type str, not a dict"),
        ({**claim(), 1: 2}, "A key of a line is a value of type int, not text"),
        ({**claim(), "x\ud800": "2"}, f"A key of a line holds {HALF}"),
        ([claim(), claim(line_note="Ada\ud800")], f"'line_note' of line 2 holds {HALF}"),
    ],
)
def test_what_is_no_line_is_refused_without_its_values(lines: Any, words: str) -> None:
    with pytest.raises(UsageError, match=f"^{words}") as refused:
        Checker(selection=Selection(only=frozenset({"FIN-002"}))).check(lines, as_of=AS_OF)
    assert "Ada" not in str(refused.value)


def test_the_day_of_a_check_is_a_date() -> None:
    checker = Checker(selection=Selection(only=frozenset({"FIN-002"})))
    with pytest.raises(UsageError, match="as_of is a value of type str"):
        checker.check(claim(), as_of="2026-01-01")  # type: ignore[arg-type]
    later = datetime(2026, 6, 30, 12, 0, tzinfo=UTC)
    assert checker.check(claim(charge_amount="-5"), as_of=later).findings


def test_a_rule_pack_may_be_named_by_its_path_as_text(tmp_path: Path) -> None:
    (tmp_path / "house.toml").write_text(HOUSE)
    checker = Checker(
        rule_packs=[str(tmp_path / "house.toml")], selection=Selection(only=frozenset({"HOUSE-001"}))
    )
    assert [f["code"] for f in checker.check(claim(line_note="x" * 30)).findings] == ["HOUSE-001"]


def test_a_mistyped_practice_type_is_refused(tmp_path: Path) -> None:
    for place in (None, tmp_path):
        with pytest.raises(UsageError, match="Did you mean therapy"):
            Checker(workspace=place, constants={"practice_type": "therapie"})
