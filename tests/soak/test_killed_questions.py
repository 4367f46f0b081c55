"""`check-status` killed at random moments and resumed: no answered claim is asked twice, none is skipped."""

from __future__ import annotations

import csv
import random
import re
import time
from collections import Counter
from contextlib import closing
from pathlib import Path

import pytest

from claimsctl.asking.checkpoint import CHECKPOINT, Checkpoint
from claimsctl.sandbox.box import Sandbox
from claimsctl.sandbox.inventing import invent_claims, write_status_file
from claimsctl.sandbox.server import running_sandbox
from claimsctl.security.keys import load_keys
from claimsctl.store.database import open_store
from claimsctl.store.job import Job
from claimsctl.store.jobs import JobStore
from claimsctl.store.workspace import Workspace
from tests.commands import Ended, ended, start
from tests.soak.conftest import rounds

CLAIMS = 120
KILLS = 3
SETTINGS = """
[practice.default]
name = "Maple Street Health"
npi = "1330200654"
tax_id = "044410275"

[payer_route.stedi]
environment = "sandbox"
base_url = "{url}/stedi"
requests_per_second = 60.0
cache_minutes = 0.0
credentials.api_key = "env:SANDBOX_KEY"
"""


def jobs_of(root: Path) -> list[Job]:
    return JobStore(Workspace.open(root)).list_jobs()


def answered(root: Path, job: Job) -> set[str]:
    """Claims with an answer on record."""
    workspace, first = Workspace.open(root), str(job.options["checkpoint"])
    path = workspace.job_directory(first) / CHECKPOINT
    if not path.exists():
        return set()
    with closing(Checkpoint(path, first, load_keys(workspace))) as checkpoint:
        return {
            str(question.values["claim_number"])
            for batch in checkpoint.told_of()
            for question, answer, _ in batch
            if answer is not None
        }


def asked(box: Sandbox) -> Counter[str]:
    """Claims that the payer was asked about since the log was cleared."""
    numbers = (re.search(rb'"memberId": "9(\d{8})"', seen.body) for seen in list(box.log))
    return Counter(f"SBX{int(found[1]):07d}" for found in numbers if found)


def killed(arguments: tuple[object, ...], box: Sandbox, requests: int) -> None:
    """Kill the command after so many requests of it."""
    process = start(*arguments)
    while process.poll() is None and len(box.log) < requests:
        time.sleep(0.002)
    process.kill()
    process.communicate()


def resumed(root: Path) -> Ended:
    return ended(start("jobs", "resume", jobs_of(root)[0].job_id, "--json"))


def test_killed_questions(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    moments = random.Random(11)
    root = tmp_path / "workspace"
    Workspace.open(root)
    monkeypatch.setenv("SANDBOX_KEY", "sandbox-api-key")
    for number in range(rounds(1)):
        claims = list(invent_claims(CLAIMS, seed=number, payer="CIGNA", first=1 + number * CLAIMS))
        file, out = tmp_path / f"{number}.csv", tmp_path / f"out-{number}"
        write_status_file(file, claims)
        with running_sandbox(claims=claims, keep_bodies=True, latency=0.02) as box:
            (root / "claimsctl.toml").write_text(SETTINGS.format(url=box.url), "utf-8")
            line: tuple[object, ...] = ("check-status", file, "--out", out, "--as-of", "2026-06-30", "--json")
            known: set[str] = set()
            for _ in range(KILLS):
                box.forget()
                killed(line, box, moments.randrange(CLAIMS // KILLS))
                assert not known & asked(box).keys(), "an answered claim was asked again"
                job = jobs_of(root)[0]
                known = answered(root, job)
                if job.status.startswith("COMPLETED"):
                    break
                assert job.status == "INTERRUPTED"
                line = ("jobs", "resume", job.job_id, "--json")
            box.forget()
            if not jobs_of(root)[0].status.startswith("COMPLETED"):
                last = resumed(root)
                assert last.code == 0, last.err
            again = asked(box)
        assert not known & again.keys()
        assert known | again.keys() == {claim.claim_number for claim in claims}
        assert max(again.values(), default=1) == 1
        with (out / "status.csv").open(encoding="utf-8", newline="") as opened:
            told = Counter(row["claim_number"] for row in csv.DictReader(opened))
        assert told == dict.fromkeys((claim.claim_number for claim in claims), 1)
        with open_store(Workspace.open(root), write=False) as connection:
            stored = connection.execute(
                "SELECT claim_number, count(*) FROM claim_answers GROUP BY ALL HAVING count(*) > 1"
            ).fetchall()
            every = connection.execute("SELECT count(*) FROM claim_answers").fetchone()
        assert (stored, every) == ([], (CLAIMS * (number + 1),))
        assert list((root / "tmp").iterdir()) == []
