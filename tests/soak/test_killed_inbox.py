"""An inbox run killed at random moments: in the end every file was processed once and is in one place."""

from __future__ import annotations

import random
import time
from pathlib import Path

import pytest

from claimsctl.inbox.lock import LOCK
from claimsctl.store.jobs import JobStore
from claimsctl.store.workspace import Workspace
from tests.commands import FEW_RULES, ended, start
from tests.soak.conftest import AS_OF, claims_file, rounds, stored, whole

CLAIMS, LINES, FILES = 60, 2, 6


def test_killed_at_random_moments(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CLAIMSCTL_INBOX__SETTLE_SECONDS", "0")
    inbox, done, outbox = (tmp_path / name for name in ("inbox", "done", "outbox"))
    inbox.mkdir()
    moments = random.Random(20261122)
    files = 0

    def arrive() -> None:
        nonlocal files
        for _ in range(FILES):
            claims_file(inbox / f"{files}.csv", f"I{files}", CLAIMS, LINES)
            files += 1

    arguments = (
        "process", inbox, "--move-to", done, "--on-error", tmp_path / "failed", "--out", outbox, *AS_OF,
        *FEW_RULES, "--json",
    )  # fmt: skip
    for _ in range(rounds(1)):
        arrive()
        run = start(*arguments)
        while run.poll() is None and not (inbox / LOCK).exists():
            time.sleep(0.005)
        time.sleep(moments.uniform(0.5, 4.0))
        run.kill()
        run.communicate()
        names = [path.name for place in (inbox, done) if place.exists() for path in place.glob("*.csv")]
        assert set(names) == {f"{n}.csv" for n in range(files)}, "no file is lost"
        stored(tmp_path / "workspace")
    last = ended(start(*arguments))
    assert last.code == 0, last.err
    assert set(last.json["counts"]) - {"processed", "seen"} == {"failed", "left", "ignored"}
    assert last.json["counts"]["failed"] == last.json["counts"]["left"] == 0
    assert list(inbox.iterdir()) == []
    assert sorted(path.name for path in done.iterdir()) == sorted(f"{n}.csv" for n in range(files))
    found = stored(tmp_path / "workspace")
    assert len(found) == CLAIMS * files
    assert set(found.values()) == {LINES}
    jobs = JobStore(Workspace.open(tmp_path / "workspace")).list_jobs()
    ends = [job for job in jobs if job.status == "COMPLETED_WITH_ERRORS"]
    assert len(ends) == files, "one job a file"
    assert sum(whole(path) for path in outbox.iterdir()) == files, "one output a file"
