"""A delivery that is killed anywhere, or that another runs beside, is whole after the next one.

`SOAK_ROUNDS` sets how often it is killed, `SOAK_SEED` when.
"""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import astuple
from pathlib import Path

import pytest

from claimsctl.sql.database import Database
from claimsctl.sql.load import deliver
from claimsctl.sql.outbox import Outbox
from claimsctl.sql.undo import undo
from tests.sql.lines import many, outbox, rows
from tests.sql.targets import database, left_over, query, with_tables

CLAIMS = 2_000
JOB = "20260601-083000-kill"
ROUNDS = int(os.environ.get("SOAK_ROUNDS", 3))


@pytest.fixture(scope="module")
def box(tmp_path_factory: pytest.TempPathFactory) -> Outbox:
    return outbox(tmp_path_factory.mktemp("outbox") / "box", many(CLAIMS), job=JOB, batch_claims=100)


@pytest.fixture(params=["sqlite", "postgresql"])
def target(request: pytest.FixtureRequest, tmp_path: Path) -> Database:
    url = request.getfixturevalue("postgres_url") if request.param == "postgresql" else ""
    return with_tables(database(request.param, tmp_path, url))


class Worker:
    """A process that delivers in processes of their own."""

    def __init__(self) -> None:
        command = [sys.executable, "-m", "tests.sql.deliver_worker"]
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
        )

    def begin(self, box: Outbox, target: Database) -> int:
        """Begin to deliver; the number of the process that does."""
        assert self._process.stdin is not None
        self._process.stdin.write(f"{box.directory} {target.url}\n")
        self._process.stdin.flush()
        return self._said("begun")

    def ended(self) -> int:
        """Wait for its end; its exit code, negative for a signal."""
        return self._said("ended")

    def close(self) -> None:
        self._process.communicate(timeout=600)

    def _said(self, word: str) -> int:
        assert self._process.stdout is not None
        said, number = self._process.stdout.readline().split()
        assert said == word
        return int(number)


@pytest.fixture(scope="module")
def worker() -> Iterator[Worker]:
    made = Worker()
    yield made
    made.close()


def check(box: Outbox, target: Database) -> None:
    """The target holds exactly what the outbox holds."""
    claims = query(target, "SELECT claim_number, line_count, content_hash FROM {claims}")
    sent = rows(box, "claims").select("claim_number", "line_count", "content_hash").rows()
    assert sorted(claims) == sorted(sent)
    lines = query(target, "SELECT claim_number, line_number, charge_amount FROM {claim_lines}")
    sent = rows(box, "claim_lines").select("claim_number", "line_number", "charge_amount").rows()
    assert sorted((n, i, f"{a:.2f}") for n, i, a in lines) == sorted((n, i, f"{a:.2f}") for n, i, a in sent)
    assert query(target, "SELECT count(*) FROM {load_batches}")[0][0] == len(box.batches)
    assert query(target, "SELECT count(*) FROM {jobs}")[0][0] == 1
    assert left_over(target) == {}


def test_killed_again_and_again(target: Database, box: Outbox, worker: Worker) -> None:
    chance = random.Random(int(os.environ.get("SOAK_SEED", 7)))
    began = time.monotonic()
    worker.begin(box, target)
    assert worker.ended() == 0
    whole = time.monotonic() - began  # here and now
    check(box, target)
    killed = 0
    for number in range(ROUNDS):
        undo(JOB, target)
        assert query(target, "SELECT count(*) FROM {claim_lines}") == [(0,)]
        process = worker.begin(box, target)
        if number:  # the first dies as it begins, so that one does however fast the others have become
            time.sleep(chance.uniform(0, whole))
        with suppress(ProcessLookupError):  # it was quicker this time
            os.kill(process, signal.SIGKILL)
        killed += worker.ended() == -signal.SIGKILL
        delivered = deliver(box, target)
        assert (delivered.claims, delivered.inserted) == (CLAIMS, CLAIMS)
        check(box, target)
    assert killed


def test_two_at_once(target: Database, box: Outbox, worker: Worker) -> None:
    """The same job, sent by two processes: each batch arrives once, and both tell what is there."""
    worker.begin(box, target)
    delivered = deliver(box, target)
    assert worker.ended() == 0
    assert astuple(delivered)[:7] == (CLAIMS, CLAIMS, 0, 0, 2 * CLAIMS, 0, len(box.batches))
    check(box, target)
