"""`check-status` on five routes at once, of payers that misbehave, with short tokens, killed three times."""

from __future__ import annotations

import csv
import json
import random
import time
from dataclasses import replace
from pathlib import Path

import pytest

from claimsctl.sandbox.box import Sandbox
from claimsctl.sandbox.claims import InventedClaim
from claimsctl.sandbox.inventing import invent_claims, write_status_file
from claimsctl.sandbox.scenarios import ROUTES
from claimsctl.sandbox.server import running_sandbox
from claimsctl.sandbox.settings_lines import VARIABLES, settings_lines
from claimsctl.sandbox.tokens import API_KEY, CLIENT_SECRET
from claimsctl.store.jobs import JobStore
from claimsctl.store.workspace import Workspace
from tests.commands import Ended, ended, start
from tests.soak.conftest import rounds

EACH, KILLS = 6, 3
PAYER = {
    "uhc": "87726", "optum-real": "87726", "availity": "AETNA", "optum-network": "62308", "stedi": "62308",
}  # fmt: skip


def claims_of(route: str, place: int, seed: int) -> list[InventedClaim]:
    """Claims of one route's payer, whose files name it as A-<route>."""
    first = 1 + (seed * len(ROUTES) + place) * EACH
    ids = frozenset((f"A-{route}", PAYER[route]))
    # Ids with letters: nine digits in a row stand in databases by chance.
    return [
        replace(claim, payer_ids=ids, member_id=f"QW{claim.member_id}Z")
        for claim in invent_claims(EACH, seed=seed, payer="", days=28, first=first)
    ]


def settings(box: Sandbox) -> str:
    """A practice, what the sandbox prints, and which payer is asked by which route; a quick pace."""
    lines = ["[practice.default]", 'name = "Maple Street"', 'npi = "1330200654"', 'tax_id = "044410275"', ""]
    for line in settings_lines(box):
        lines.append(line)
        if line.startswith("environment"):
            lines += ["requests_per_second = 60.0", "concurrency = 12", "timeout_seconds = 5.0"]
    for route in ROUTES:
        lines += ["", f'[payer_map."A-{route}"]', f'payer_id = "{PAYER[route]}"', f'route = "{route}"']
    return "\n".join(lines) + "\n"


def killed(arguments: tuple[object, ...], box: Sandbox, requests: int) -> Ended | None:
    """Kill the command after so many requests of it; what it said when it ended before."""
    process = start(*arguments)
    while process.poll() is None and len(box.log) < requests:
        time.sleep(0.005)
    was_running = process.poll() is None
    process.kill()
    out, err = process.communicate()
    assert "Traceback" not in err
    return None if was_running else Ended(process.returncode, out, err)


def identifiers(claims: list[InventedClaim]) -> set[bytes]:
    """Names, member ids and birth dates as text in every form, and what permits requests."""
    told = {API_KEY, CLIENT_SECRET, *(f"sbx-{route}-token" for route in ROUTES)}
    for claim in claims:
        told |= {claim.member_id, claim.last_name, claim.last_name.title()}
        told |= {f"{claim.dob:{form}}" for form in ("%m/%d/%Y", "%Y-%m-%d")}
    return {each.encode() for each in told if len(each) > 5}


def test_chaos_with_kills(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root, moments = tmp_path / "workspace", random.Random(3)
    Workspace.open(root)
    for variable, value in VARIABLES.values():
        monkeypatch.setenv(variable, value)
    for number in range(rounds(1)):
        claims = [c for place, route in enumerate(ROUTES) for c in claims_of(route, place, number)]
        file, out = tmp_path / f"{number}.csv", tmp_path / f"out-{number}"
        write_status_file(file, claims)
        said: list[Ended] = []
        with running_sandbox(claims=claims, scenario="chaos=0.3", seed=number, token_life=5, pace=0.1) as box:
            (root / "claimsctl.toml").write_text(settings(box), "utf-8")
            line: tuple[object, ...] = (
                "check-status", file, "--out", out, "--as-of", "2026-06-30", "--yes", "--verbose",
            )  # fmt: skip
            for _ in range(KILLS):
                box.forget()
                over = killed(line, box, moments.randrange(6, 36))
                line = ("jobs", "resume", JobStore(Workspace.open(root)).list_jobs()[0].job_id, "--verbose")
                if over is not None:
                    said.append(over)
                    break
            else:
                said.append(ended(start(*line)))
            faulty = sum(1 for each in box.log if each.scenario)
        assert said[-1].code == 0, said[-1].err
        assert faulty > 0
        with (out / "status.csv").open(encoding="utf-8", newline="") as opened:
            told = {row["claim_number"]: row for row in csv.DictReader(opened)}
        with (out / "errors.csv").open(encoding="utf-8", newline="") as opened:
            wrong = {row["claim_number"]: row for row in csv.DictReader(opened) if row["error_type"]}
        for claim in claims:
            row = told.get(claim.claim_number)
            if row is None or row["status"] == "":
                assert wrong[claim.claim_number]["error_type"] in ("api", "network", "auth")
                assert wrong[claim.claim_number]["code"]
                continue
            assert row["category_code"] == claim.category, "a claim that is there is not said to be missing"
            assert row["payer_claim_number"] == claim.payer_claim_number
            if claim.decided:
                assert float(row["paid_amount"]) == float(claim.paid)
        right = sum(row["status"] != "" for row in told.values())
        assert right > 0.8 * len(claims), json.dumps([row["code"] for row in wrong.values()])
        printed = "".join(each.out + each.err for each in said).encode()
        files = [each for place in (out, root) for each in place.rglob("*") if each.is_file()]
        for secret in identifiers(claims):
            assert secret not in printed
            assert [each for each in files if secret in each.read_bytes()] == [], secret
