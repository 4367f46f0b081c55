"""A reader waits for a writer of another process: bounded, and announced."""

from __future__ import annotations

import subprocess
import sys

import pytest

from claimsctl.errors import StoreError
from claimsctl.inquiry import opening
from claimsctl.inquiry.opening import reading
from claimsctl.store.workspace import Workspace

HOLD = (
    "import sys; from pathlib import Path\n"
    "from claimsctl.store.database import open_store; from claimsctl.store.workspace import Workspace\n"
    "with open_store(Workspace.open(Path(sys.argv[1])), write=True):\n"
    "    print('held', flush=True); sys.stdin.readline()"
)


def test_a_reader_waits_for_a_writer(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("claimsctl.store.database._ANNOUNCE_SECONDS", 0.1)
    told: list[str] = []
    with subprocess.Popen(
        [sys.executable, "-c", HOLD, str(workspace.root)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as writer:
        assert writer.stdin is not None
        assert writer.stdout is not None
        writer.stdout.readline()
        monkeypatch.setattr(opening, "WAIT_SECONDS", 0.3)
        with pytest.raises(StoreError, match=f"in use by process {writer.pid}"), reading(workspace):
            pass
        monkeypatch.setattr(opening, "WAIT_SECONDS", 60.0)

        def let_go(text: str) -> None:
            told.append(text)
            assert writer.stdin is not None
            writer.stdin.close()

        with reading(workspace, let_go) as connection:
            assert connection.execute("SELECT count(*) FROM claims").fetchone() == (4,)
    assert told == [f"Waiting for process {writer.pid} to finish with the claims store ..."]
