"""`check-status` and what follows it, as typed, against a sandbox on this machine."""

from __future__ import annotations

import csv
import io
import json
import re
import socket
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest

from claimsctl.reference.locate import data_path
from claimsctl.sandbox.box import Sandbox
from claimsctl.sandbox.server import running_sandbox
from tests.commands import EXAMPLES, Command

STATUS = EXAMPLES / "status.csv"
AS_OF = ("--as-of", "2026-06-30")
NAMES = ("Whitfield", "Okafor", "Lindqvist", "914402217", "W204417733", "1979", "03/14", "sandbox-client")


@pytest.fixture(scope="module")
def box() -> Iterator[Sandbox]:
    with running_sandbox(polls=0, pace=0.01) as running:
        yield running


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, box: Sandbox) -> Path:
    return written(tmp_path, monkeypatch, box.url)


def written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, url: str) -> Path:
    """Settings of a house whose payers are all in a sandbox."""
    box = Sandbox(())
    box.url = url
    lines = ['[practice.default]\nnpi = "1330200654"\ntax_id = "044410275"\nname = "Maple Street Health"']
    for route in box.contracts:
        said = box.route_settings(route)
        lines.append(f'[payer_route.{route}]\nenvironment = "sandbox"\nbase_url = "{said["base_url"]}"')
        lines.append("requests_per_second = 200.0\nclaim_timeout_seconds = 3.0\ncache_minutes = 5.0")
        if "token_url" in said:
            lines.append(f'token_url = "{said["token_url"]}"')
        for name, secret in said["credentials"].items():
            monkeypatch.setenv(f"SANDBOX_{name.upper()}", secret)
            lines.append(f'credentials.{name} = "env:SANDBOX_{name.upper()}"')
    file = tmp_path / "workspace" / "claimsctl.toml"
    file.parent.mkdir(exist_ok=True, mode=0o700)
    file.write_text("\n".join(lines) + "\n", "utf-8")
    return file


def rows(path: str | Path) -> list[dict[str, str]]:
    with Path(path).open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_one_line_without_settings(command: Command, tmp_path: Path) -> None:
    ran = command("check-status", STATUS, "--sandbox", "--out", tmp_path / "out")
    assert ran.code == 0, ran.err
    assert ran.out.startswith("5 of 8 claims answered: 2 paid, 1 denied, 2 pending.\n")
    assert "claimsctl payers map add 14212" in ran.out
    assert not (tmp_path / "workspace" / "claims.duckdb").exists()
    said = ran.out + ran.err + "".join(path.read_text("utf-8") for path in (tmp_path / "out").iterdir())
    assert [name for name in NAMES if name in said] == []


def test_answers_are_stored_and_shown(command: Command, settings: Path, tmp_path: Path) -> None:
    ran = command("check-status", STATUS, "--out", tmp_path / "out", "--json", *AS_OF)
    assert ran.code == 0, ran.err
    assert ran.json["stored"]["new"] == 5
    shown = command("claims", "show", "MS-1001").out
    assert "MS-1001  PAID" in shown
    assert "Only what its payer says is known of this claim." in shown
    assert "charged 165.00, allowed" in shown
    story = command("claims", "show", "MS-1001", "--json").json
    assert (story["answers"][0]["status"], story["paid_amount"]) == ("PAID", "100.00")
    assert "payer asked" in command("claims", "history", "MS-1001").out
    listed = command(
        "claims", "list", "--queried-after", "2026-01-01", "--columns", "claim,queried_at", "--json"
    )
    assert listed.json["total"] == 5
    refreshed = command(
        "claims", "refresh", "--stale", "0h", "--fresh", "--json", "--out", tmp_path / "again"
    )
    assert (refreshed.code, refreshed.json["claims"]["read"]) == (0, 2), "those that are still open"
    assert command("claims", "refresh", "--stale", "7d").code == 2, "nothing is stale"
    said = "".join(command("jobs", *line).out for line in (("list",), ("show", "last"), ("errors", "last")))
    assert [name for name in NAMES if name in said] == []


def test_stored_claims_are_asked_about_for_their_own_practice(
    command: Command, settings: Path, tmp_path: Path
) -> None:
    text = settings.read_text("utf-8").replace("[practice.default]", "[practice.maple]")
    settings.write_text(text, "utf-8")
    asked = ("check-status", STATUS, "--out", tmp_path / "out", "-q", *AS_OF)
    assert "--practice maple" in command(*asked).err
    assert command(*asked, "--practice", "maple").code == 0
    again = command("check-status", "--claim", "MS-1015", "--fresh", "--out", tmp_path / "again")
    assert (again.code, again.out.startswith("1 of 1 claim answered")) == (0, True), again.err
    (row,) = rows(tmp_path / "again" / "status.csv")
    assert row["practice_id"] == "maple"


def test_a_payer_out_of_reach_is_exit_4_and_retried(
    command: Command, box: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        nowhere = f"http://127.0.0.1:{closed.getsockname()[1]}"
        settings = written(tmp_path, monkeypatch, box.url)
        text = settings.read_text("utf-8")
        settings.write_text(text.replace(f"{box.url}/uhc", f"{nowhere}/uhc") + "[payer_map]\n", "utf-8")
        unhurried = (data_path("reference_data") / "payer_routes" / "uhc.toml").read_text("utf-8")
        pauses = "backoff_seconds = 0.01\nmax_backoff_seconds = 0.05\n"
        hurried = unhurried.replace("[limits]\n", f"[limits]\n{pauses}")
        assert hurried != unhurried
        (settings.parent / "payers").mkdir()
        (settings.parent / "payers" / "uhc.toml").write_text(hurried, "utf-8")
        ran = command("check-status", STATUS, "--out", tmp_path / "out", "--json", *AS_OF)
    assert ran.code == 4, ran.err
    assert ran.json["claims"] | {"answered": 3} == ran.json["claims"]
    assert ran.json["errors"]["network"] == 2
    lost = [each for each in rows(tmp_path / "out" / "errors.csv") if each["error_type"] == "network"]
    assert {each["claim_number"] for each in lost} == {"MS-1001", "MS-1015"}
    settings.write_text(text, "utf-8")
    again = command("jobs", "retry", "last", "--out", tmp_path / "again", "--json")
    assert again.code == 0, again.err
    assert again.json["claims"]["answered"] == 2
    assert command("jobs", "show", "last").out.startswith("retry")


def test_standard_input_and_a_payer_for_all(
    command: Command, settings: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = b"Claim #,Payer Claim #,DOB,Pt Last,Pt First,From Date\n"
    text += b"MS-1001,26128044107,03/14/1979,Whitfield,Ada,05/04/2026\n"
    monkeypatch.setattr("sys.stdin", SimpleNamespace(buffer=io.BytesIO(text), isatty=lambda: False))
    ran = command(
        "check-status", "-", "--payer", "uhc", "--out", tmp_path / "out", "--format", "parquet", "--json"
    )
    assert (ran.code, ran.json["answers"]["paid"]) == (0, 1), ran.err
    assert Path(ran.json["outputs"]["status"]).name == "status.parquet"


def test_dry_run_shows_masked_requests_and_sends_none(command: Command, settings: Path, box: Sandbox) -> None:
    before = len(box.log)
    text = command("check-status", STATUS, "--dry-run", *AS_OF).out
    assert "5 of 8 claims would be asked about." in text
    assert f"GET {box.url}/uhc/api/claim/summary/byclaimnumber/v2.0" in text
    assert re.search(r"patient_last_name +W\.$", text, re.MULTILINE)
    ran = command("check-status", STATUS, "--dry-run", "--json", *AS_OF)
    assert ran.json["routes"] == {"availity": 1, "optum-network": 2, "uhc": 2}
    assert [name for name in NAMES if name in ran.out + text and name != "1979"] == []
    assert len(box.log) == before
    assert command("jobs", "list", "--json").json["jobs"] == []


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("check-status",), "Give files"),
        (("check-status", STATUS, "--stale", "7d"), "Give files"),
        (("check-status", "--stale", "7x"), "'7x' is no age"),
        (("check-status", STATUS, "--sandbox", "http://payer.example"), "without encryption"),
        (("check-status", STATUS, "--sandbox", "ftp://payer.example"), "is no address"),
        (("check-status", STATUS), "credentials.client_id"),
        (("check-status", "--claim", "X-1"), "No stored claim fits"),
    ],
)
def test_what_cannot_be_asked_is_said(command: Command, arguments: tuple[object, ...], says: str) -> None:
    ran = command(*arguments)
    assert (ran.code, says in ran.err) == (2, True), ran.err


def test_what_a_job_of_questions_cannot_do(command: Command, settings: Path, tmp_path: Path) -> None:
    assert command("check-status", STATUS, "--out", tmp_path / "out", "-q", *AS_OF).code == 0
    back = command("jobs", "rollback", "last", "--yes")
    assert (back.code, "is not rolled back" in back.err) == (2, True)
    fixed = command("jobs", "retry", "last", "--with", STATUS)
    assert (fixed.code, "claimsctl check-status" in fixed.err) == (2, True)
    assert command("jobs", "resume", "last").code == 2
    kept = tmp_path / "workspace" / "jobs"
    assert list(kept.rglob("asking.sqlite"))
    assert command("jobs", "prune", "--older-than", "0", "--yes", "--only", "details").code == 0
    assert not list(kept.rglob("asking.sqlite*"))
    assert "not kept" in command("jobs", "retry", "last").err
    assert command("doctor", "--json").json
    assert json.loads(command("jobs", "show", "last", "--json").out)["command"] == "check-status"
