"""The commands on claims: what they print, and how they end."""

from __future__ import annotations

import csv
import io
import json
import re
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from tests.claims import claim, write_csv
from tests.cli.conftest import Prepared
from tests.commands import Command

ROWS = [
    claim("A1", patient_last_name="Quill", patient_first_name="Zeb", member_id="XKW7730915"),
    claim("A2", procedure_code="99214", charge_amount="250.00"),
    claim("A3", units="0"),
]


def a_job(command: Command, place: Path) -> str:
    ran = command(
        "process",
        write_csv(place / "claims.csv", ROWS),
        "--out",
        place / "out",
        "--as-of",
        "2026-06-30",
        "-q",
    )
    assert ran.code == 0, ran.err
    return ""


@pytest.fixture
def stored(command: Command, prepared: Prepared, tmp_path: Path) -> Command:
    """The command, with three claims stored."""
    prepared.copy("claims", partial(a_job, command), tmp_path)
    return command


def rows(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text)))


def test_list_is_csv_in_a_pipe_and_json_where_asked_for(stored: Command) -> None:
    ended = stored("claims", "list", "--sort", "claim_number")
    assert [(row["claim_number"], row["status"]) for row in rows(ended.out)] == [
        ("A1", "VALIDATED"), ("A2", "VALIDATED"), ("A3", "INVALID"),
    ]  # fmt: skip
    assert ended.err == ""
    document = stored("claims", "list", "--status", "validated", "--min-amount", "$200", "--json").json
    assert document["total"] == 1
    assert document["claims"][0]["charge_amount"] == "250.00"
    assert document["claims"][0]["procedure_codes"] == ["99214"]


def test_list_says_what_it_leaves_out(stored: Command) -> None:
    ended = stored("claims", "list", "--limit", "2", "--page", "2", "--columns", "claim,amount")
    assert len(rows(ended.out)) == 1
    assert list(rows(ended.out)[0]) == ["claim_number", "charge_amount"]
    assert "Claims 3 to 3 of 3; --page and --limit show others" in ended.err
    assert stored("claims", "list", "--limit", "1", "--quiet").err == ""


def test_list_is_a_table_on_a_terminal(stored: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    from claimsctl.cli import claimlist

    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    screen = Terminal()
    monkeypatch.setattr(claimlist.sys, "stdout", screen)
    stored("claims", "list", "--sort=-charge_amount", "--columns", "claim,amount,status", "--limit", "2")
    said = re.sub(r"\x1b\[[0-9;]*m", "", screen.getvalue())
    lines = [line.split() for line in said.splitlines()]
    assert lines[0] == ["claim_number", "charge_amount", "status"]
    assert lines[1] == ["A2", "250.00", "VALIDATED"]
    assert "Claims 1 to 2 of 3" in said


def test_show_and_history(stored: Command) -> None:
    said = stored("claims", "show", "a3").out
    assert said.startswith("A3  INVALID")
    assert "S., P." in said
    assert "1 line\n" in said
    assert "claimsctl rules explain" in said
    document = stored("claims", "show", "A2", "--json").json
    assert document["line_items"][0]["procedure_code"] == "99214"
    assert document["line_items"][0]["charge_amount"] == "250.0000"
    assert document["state"] == "in force"
    history = stored("claims", "history", "A2", "--json").json["history"]
    assert [(entry["action"], entry["to_status"]) for entry in history] == [("run", "VALIDATED")]
    assert history[0]["changed_at"].endswith("Z")


def test_identifiers_are_masked_and_their_showing_is_audited(stored: Command, tmp_path: Path) -> None:
    for arguments in (("show", "A1"), ("show", "A1", "--json"), ("list",), ("stats",), ("export",)):
        ended = stored("claims", *arguments)
        assert "Quill" not in ended.out + ended.err
        assert "XKW7730915" not in ended.out + ended.err
    assert "Quill, Zeb" in stored("claims", "show", "A1", "--show-phi").out
    shown = stored("claims", "export", "--search", "XKW7730915", "--show-phi")
    assert rows(shown.out)[0]["patient_last_name"] == "Quill"
    log = [json.loads(line) for line in (tmp_path / "workspace" / "audit.log").read_text().splitlines()]
    shown_phi = [(e["action"], e["facts"].get("show_phi")) for e in log if e["action"].startswith("claims")]
    assert shown_phi == [
        ("claims show", False), ("claims show", False), ("claims list", None), ("claims stats", None),
        ("claims export", False), ("claims show", True), ("claims export", True),
    ]  # fmt: skip


def test_status_delete_restore(stored: Command) -> None:
    ended = stored("claims", "set-status", "A1", "pending", "--note", "called", "--reference", "R7")
    assert (ended.code, ended.out) == (0, "A1: VALIDATED -> PENDING\n")
    assert "R7" in stored("claims", "show", "A1").out
    asked = stored("claims", "delete", "A1", "A2")
    assert asked.code == 2
    assert "Add --yes." in asked.err
    assert stored("claims", "delete", "A1", "A2", "--yes", "--json").json["changed"][1] == {
        "claim_number": "A2", "from_status": "VALIDATED", "to_status": None,
    }  # fmt: skip
    assert [row["claim_number"] for row in rows(stored("claims", "list").out)] == ["A3"]
    assert stored("claims", "restore", "A1").out == "Restored 1 claim.\n"
    assert stored("claims", "list", "--deleted", "--json").json["total"] == 1


def test_statistics(stored: Command) -> None:
    found = stored("claims", "stats", "--json").json
    assert {"total_claims", "by_status", "by_payer", "financial_summary", "date_range"} <= set(found)
    assert found["financial_summary"]["billed"] == "490.00"
    said = stored("claims", "stats", "--top", "1").out
    assert said.startswith("3 claims, 3 lines")
    assert "1 of 2; --top 0 shows all." in said
    assert stored("claims", "stats", "--status", "PAID").out == "No claim fits.\n"


def test_export_to_a_file(stored: Command, tmp_path: Path) -> None:
    out = tmp_path / "claims-out.csv"
    ended = stored("claims", "export", "--out", out, "--status", "VALIDATED")
    assert ended.out == f"2 claims, 2 lines: {out}\n"
    assert len(rows(out.read_text())) == 2
    again = stored("claims", "export", "--out", out)
    assert (again.code, "exists already" in again.err) == (2, True)
    assert stored("claims", "export", "--out", out, "--yes", "--json").json["lines"] == 3
    assert [each["claim_number"] for each in stored("claims", "export", "--format", "json").json] == [
        "A1", "A2", "A3",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("show", "A9"), "There is no claim 'A9' in this workspace."),
        (("list", "--min-amount", "lots"), "--min-amount 'lots' is no amount."),
        (("list", "--columns", "patient"), "Claims have no column 'patient'."),
        (("list", "--limit", "0", "--page", "2"), "--limit 0 has one page."),
        (("list", "--queried-after", "2026-01-01"), "No payer was asked about a claim"),
        (("set-status", "A1", "VALIDATED"), "VALIDATED is what the rules say"),
        (("restore", "A1"), "The claim A1 is not deleted."),
        (("export", "--format", "xlsx"), "xlsx is not written to standard output."),
        (("export", "--json"), "--json tells of a file that was written."),
        (("export", "--out", "."), ". does not say in which format to write."),
        (("export", "--out", "claims.doc"), "does not say in which format to write."),
        (
            ("export", "--out", "claims.csv", "--format", "parquet"),
            "is the name of another format than parquet",
        ),
        (("export", "--out", "nowhere/claims.csv"), "There is no directory"),
    ],
    ids=str,
)
def test_wrong_usage(stored: Command, arguments: tuple[Any, ...], message: str) -> None:
    ended = stored("claims", *arguments)
    assert ended.code == 2
    assert message in " ".join(ended.err.split())


def test_an_empty_workspace(command: Command) -> None:
    assert rows(command("claims", "list").out) == []
    assert command("claims", "stats", "--json").json["total_claims"] == 0
    assert command("claims", "delete", "A1", "--yes").code == 2
    assert "No claims are stored yet." in command("claims", "set-status", "A1", "PAID").err
