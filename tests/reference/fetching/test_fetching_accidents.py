"""Fetching that is killed or disturbed."""

from __future__ import annotations

import fcntl
import json
import signal
import subprocess
import sys
from pathlib import Path

from claimsctl.reference.editions import EditionStore
from claimsctl.reference.fetching import DOWNLOADS, fetch
from tests.commands import ROOT
from tests.publisher import (
    MUE_ZIP,
    PublisherServer,
    mue_zip,
)
from tests.reference.fetching.fetches import check_whole, downloads, failure, mue


def test_killed_between_download_and_load(
    server: PublisherServer, store: EditionStore, tmp_path: Path
) -> None:
    data = server.publish(MUE_ZIP, mue_zip())
    code = (
        "import os, signal, sys\n"
        "from datetime import date\n"
        "from pathlib import Path\n"
        "from claimsctl.reference import fetching\n"
        "from claimsctl.reference.editions import EditionStore\n"
        "from claimsctl.reference.publishers import Places, find, order\n"
        "fetching.{} = lambda *given, **options: os.kill(os.getpid(), signal.SIGKILL)\n"
        "wanted = order(find('mue'), '2026Q2', date(2026, 6, 30), Places({{}}, sys.argv[1]))\n"
        "spool = Path(sys.argv[3]); spool.mkdir(exist_ok=True)\n"
        "fetching.fetch(wanted, EditionStore(Path(sys.argv[2])), spool)\n"
    )
    for moment in ("_read", "EditionStore.add", "EditionStore._place", "discard"):
        command = [
            sys.executable,
            "-c",
            code.format(moment),
            server.base,
            str(store.root),
            str(tmp_path / "s"),
        ]
        ran = subprocess.run(command, env={"PYTHONPATH": str(ROOT)}, capture_output=True, text=True)
        assert ran.returncode == -signal.SIGKILL, ran.stderr
        assert EditionStore(store.root).tables() == ([] if moment != "discard" else ["mue"])
    assert server.ranges() == [None] + [f"bytes={len(data) - 1}-"] * 3
    spool = tmp_path / "t"
    spool.mkdir()
    (edition,) = store.editions("mue")
    assert fetch(mue(server), store, spool).edition is None
    assert list(store.verify()) == [(edition, None)]
    assert downloads(store) == set()


def test_two_at_once(server: PublisherServer, store: EditionStore, spool: Path) -> None:
    server.publish(MUE_ZIP, mue_zip())
    folder = store.root / DOWNLOADS
    folder.mkdir()
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        assert "Another claimsctl" in failure(server, store, spool).message
    fetch(mue(server), store, spool)


def test_a_note_that_is_damaged(server: PublisherServer, store: EditionStore, spool: Path) -> None:
    data = server.publish(MUE_ZIP, mue_zip())
    folder = store.root / DOWNLOADS
    folder.mkdir()
    for note in (b"\xff", b"[]", b"{}", json.dumps({"source": "x", "validator": "y", "total": 9}).encode()):
        (folder / f"{MUE_ZIP}.part").write_bytes(b"PK but of something else")
        (folder / f"{MUE_ZIP}.part.json").write_bytes(note)
        fetch(mue(server), store, spool, replace=True)
        check_whole(fetch(mue(server), store, spool), data, store)
    assert set(server.ranges()) == {None}
