"""`claimsctl sandbox`: serves until it is interrupted, and says how to talk to it."""

from __future__ import annotations

import csv
import json
import re
import shlex
import signal
import socket
import tomllib
from pathlib import Path
from typing import Any

import httpx
import pytest

from claimsctl.sandbox.box import Sandbox
from claimsctl.sandbox.claims import EXAMPLES
from claimsctl.sandbox.scenarios import ROUTES, SCENARIOS
from claimsctl.sandbox.settings_lines import environment_lines, settings_lines
from claimsctl.settings import load_settings
from tests.cli.conftest import command, read_once
from tests.commands import EXAMPLES as EXAMPLE_FILES
from tests.commands import ROOT, Command, ended, start
from tests.sandbox.clients import SUMMARY

__all__ = ["command", "read_once"]  # fixtures


def test_the_list_of_scenarios_is_complete(command: Command) -> None:
    shown = command("sandbox", "--list-scenarios")
    assert shown.code == 0
    for each in SCENARIOS.values():
        assert f"  {each.name}" in shown.out
    told = command("sandbox", "--list-scenarios", "--json").json["scenarios"]
    assert [each["name"] for each in told] == list(SCENARIOS)


def test_it_serves_until_it_is_interrupted(tmp_path: Path, client: httpx.Client) -> None:
    process = start(
        "sandbox", "--port", "0", "--payer", "uhc", "--claims", "12", "--save-claims", "claims.csv",
        "--scenario", "uhc:error-503=1", "--json", cwd=tmp_path,
    )  # fmt: skip
    try:
        assert process.stdout is not None
        said: dict[str, Any] = json.loads(process.stdout.readline())
        assert (list(said["routes"]), said["scenario"]) == (["uhc"], ["uhc:error-503=1"])
        assert said["claims"] == len(EXAMPLES) + 12
        keys = said["routes"]["uhc"]["credentials"] | {"grant_type": "client_credentials"}
        token = client.post(said["routes"]["uhc"]["token_url"], data=keys).json()["access_token"]
        with (tmp_path / "claims.csv").open(newline="") as file:
            row = next(csv.DictReader(file))
        headers = {
            "Authorization": f"Bearer {token}", "tin": "123456789", "payerId": "87726",
            "firstServiceDt": row["From Date"], "lastServiceDt": row["Thru Date"], "ptntLn": row["Pt Last"],
        }  # fmt: skip
        got = [client.get(said["routes"]["uhc"]["base_url"] + SUMMARY, headers=headers) for _ in range(2)]
        assert [each.status_code for each in got] == [503, 200]
        names = {each["memberInfo"]["ptntLn"] for each in got[1].json()["claims"]}
        assert names == {row["Pt Last"].upper()}
        assert client.get(said["url"] + "/stedi").status_code == 404
    finally:
        process.send_signal(signal.SIGINT)
        ran = ended(process)
    assert (ran.code, ran.err) == (0, "Answered 4 requests.\n")


def test_a_port_that_is_taken(command: Command) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        ran = command("sandbox", "--port", str(taken.getsockname()[1]))
    assert ran.code == 4
    assert "is not free" in ran.err


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--payer", "cigna"), "It has: uhc, optum-real, availity, optum-network, stedi"),
        (("--scenario", "eror-500"), "Did you mean error-500"),
    ],
)
def test_options_that_cannot_be(command: Command, options: tuple[str, ...], said: str) -> None:
    ran = command("sandbox", *options)
    assert ran.code == 2
    assert said in ran.err


def test_the_settings_that_it_prints_are_settings(box: Sandbox, tmp_path: Path) -> None:
    (tmp_path / "workspace").mkdir()
    text = "\n".join(settings_lines(box))
    (tmp_path / "workspace" / "claimsctl.toml").write_text(text)
    tables = load_settings(tmp_path / "workspace").payer_route
    assert sorted(tables) == sorted(ROUTES)
    given = dict(line.removeprefix("export ").split("=") for line in environment_lines(box))
    for route, table in tomllib.loads(text)["payer_route"].items():
        wanted = box.route_settings(route)
        assert (tables[route].base_url, tables[route].environment) == (wanted["base_url"], "sandbox")
        secrets = {name: given[where.removeprefix("env:")] for name, where in table["credentials"].items()}
        assert secrets == wanted["credentials"]


def test_the_examples_ask_about_the_invented_claims() -> None:
    known = {
        (claim.last_name, f"{claim.dob:%m/%d/%Y}", claim.member_id, str(claim.charge)) for claim in EXAMPLES
    }
    with (EXAMPLE_FILES / "status.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert rows
    for row in rows:
        asked = (row["Pt Last"].upper(), row["DOB"], row["Subscriber ID"], row["Total Charge"])
        assert asked in known
        (claim,) = (each for each in EXAMPLES if each.member_id == row["Subscriber ID"])
        assert row["Claim #"] in ("", claim.claim_number)
        assert row["Payer Claim #"] in ("", claim.payer_claim_number)
        assert row["Payer Code"] in claim.payer_ids


def test_what_it_prints_is_what_the_documentation_shows(
    command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("claimsctl.sandbox.server.Server.run", lambda server: server._socket.close())
    shown = (ROOT / "docs" / "sandbox.md").read_text("utf-8").partition("```text\n")[2].partition("```")[0]
    line, _, text = shown.partition("\n")
    ran = command(*shlex.split(line.removeprefix("$ claimsctl ")), "--port", "0")
    assert (ran.code, ran.err) == (0, "Answered 0 requests.\n")
    port = re.search(r"127\.0\.0\.1:(\d+)", ran.out)
    assert port is not None
    assert ran.out.replace(port[1], "8765") == text
