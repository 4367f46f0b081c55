"""A connector of the user's own is rehearsed with the sandbox: what is wrong with it shows there."""

from __future__ import annotations

from pathlib import Path

import pytest

from claimsctl.payers.connectors import load_connectors
from claimsctl.payers.inquiry import Answer
from claimsctl.reference.locate import data_path
from claimsctl.sandbox.box import Sandbox
from tests.payers.rehearsal import asked, inquiry
from tests.payers.scenario_table import ONE

SHIPPED = data_path("reference_data") / "payer_routes" / "stedi.toml"


@pytest.fixture
def box() -> Sandbox:
    return Sandbox([ONE])


def rehearsed(box: Sandbox, workspace: Path, *changes: tuple[str, str]) -> Answer:
    """The answer about one claim by a copy of a connector with these changes."""
    text = SHIPPED.read_text("utf-8")
    for old, new in (('name = "stedi"', 'name = "my-house"'), *changes):
        assert old in text
        text = text.replace(old, new)
    (workspace / "payers").mkdir(exist_ok=True)
    (workspace / "payers" / "my-house.toml").write_text(text, "utf-8")
    connector = load_connectors(workspace)["my-house"]
    answers, _ = asked(box, "stedi", [inquiry(0, ONE, "stedi")], connector=connector)
    return answers[0]


def test_a_copy_under_another_name_works(box: Sandbox, tmp_path: Path) -> None:
    answer = rehearsed(box, tmp_path)
    assert (answer.route, answer.outcome, answer.matches[0].status) == ("my-house", "found", "PAID")


def test_a_wrong_path_is_in_the_log_as_unknown(box: Sandbox, tmp_path: Path) -> None:
    answer = rehearsed(box, tmp_path, ("claimstatus/v2", "claimstatus/v3"))
    assert (answer.outcome, answer.error_code) == ("error", "unknown_path")
    assert "base_url" in (answer.error_message or "")
    assert {each.step for each in box.log} >= {"unknown"}
    assert any(each.path.endswith("/claimstatus/v3") for each in box.log)


def test_a_wrong_date_format_is_refused(box: Sandbox, tmp_path: Path) -> None:
    answer = rehearsed(box, tmp_path, ('send_date = "%Y%m%d"', 'send_date = "%Y-%m-%d"'))
    assert (answer.outcome, answer.error_type, answer.error_code) == ("error", "api", "INVALID_REQUEST")


def test_a_wrong_field_is_refused(box: Sandbox, tmp_path: Path) -> None:
    answer = rehearsed(box, tmp_path, ("beginningDateOfService =", "beginDateOfService ="))
    assert (answer.outcome, answer.error_code) == ("error", "INVALID_REQUEST")


def test_a_wrong_root_is_no_missing_claim(box: Sandbox, tmp_path: Path) -> None:
    answer = rehearsed(box, tmp_path, ('required = "claims"', 'required = "claimList"'))
    assert (answer.outcome, answer.error_code) == ("error", "SCHEMA")
