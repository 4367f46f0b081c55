"""Four processes on one workspace: two runs, and two that list, count and look all the while."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

from tests.commands import FEW_RULES, ROOT, Ended, ended, start
from tests.soak.conftest import AS_OF, claims_file, rounds, stored

LISTING = Path(__file__).with_name("listing.py")
CLAIMS, LINES = 250, 2
OPTIONS = (*AS_OF, *FEW_RULES, "--batch-size", "100", "--json", "--quiet")
READERS = (
    [["--json", "jobs", "list"], ["--json", "claims", "list", "--limit", "20"]],
    [["--json", "claims", "stats"]],
)


def test_four_processes_at_once(tmp_path: Path) -> None:
    first = ended(
        start("process", claims_file(tmp_path / "0.csv", "F0", 20, LINES), "--out", tmp_path / "0", *OPTIONS)
    )
    assert first.code == 0, first.err
    stop = tmp_path / "stop"
    readers = [
        subprocess.Popen(
            [sys.executable, LISTING, stop, tmp_path / f"report-{number}", json.dumps(commands)],
            env={**os.environ, "PYTHONPATH": str(ROOT)}, text=True, stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        for number, commands in enumerate(READERS)
    ]  # fmt: skip
    expected = 20
    try:
        for number in range(rounds(1)):
            results = two_runs(tmp_path, number)
            assert [result.code for result in results] == [0, 0], [result.err for result in results]
            assert [result.json["claims"]["read"] for result in results] == [CLAIMS, CLAIMS]
            assert all(reader.poll() is None for reader in readers), "they read on"
            expected += 2 * CLAIMS
    finally:
        stop.touch()
        ends = [ended(reader) for reader in readers]
    assert [each.code for each in ends] == [0, 0], [each.err for each in ends]
    assert [each.err for each in ends] == ["", ""]
    for number in range(len(READERS)):
        told = json.loads((tmp_path / f"report-{number}").read_text())
        assert told["ran"] >= 2
        assert told["longest"] < 60, "a reader waits for a short commit, not for a run"
    found = stored(tmp_path / "workspace")
    assert len(found) == expected
    assert set(found.values()) == {LINES}


def two_runs(tmp_path: Path, number: int) -> list[Ended]:
    runs = []
    for name in "ab":
        path = claims_file(tmp_path / f"{name}{number}.csv", f"{name}{number}", CLAIMS, LINES)
        runs.append(start("process", path, "--out", tmp_path / f"{name}{number}", *OPTIONS))
    return [ended(run) for run in runs]
