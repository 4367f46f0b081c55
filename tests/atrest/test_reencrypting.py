"""After a rotation everything is sealed anew; killed anywhere, old and new are readable and it goes on."""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import subprocess
import sys
from pathlib import Path

import polars as pl
import pytest

from claimsctl.atrest import files
from claimsctl.atrest.reencrypting import reencrypt
from claimsctl.errors import PermissionDenied
from claimsctl.security import files as security_files
from claimsctl.store.owner import Owner
from claimsctl.store.workspace import OWNER_FILE
from tests.atrest.conftest import Sealed

KINDS = 11


class Killed(BaseException):
    """Stands for a kill: no handler of the product may catch it."""


_DYING = """
import os, signal, sys
from dataclasses import replace
from pathlib import Path
from claimsctl.atrest import databases
from claimsctl.atrest.reencrypting import reencrypt
from claimsctl.security.keys import Keys, load_keys
from claimsctl.store.workspace import Workspace

workspace, at = Workspace.open(Path(sys.argv[1])), sys.argv[2]
old, new, done = load_keys(workspace), Keys.derive(b"n" * 32), []
keys = replace(old, key_id=new.key_id, sealing=new.sealing, ring={old.key_id: old.sealing})

def die(*_):
    os.kill(os.getpid(), signal.SIGKILL)

real = os.replace
def counted(*names):
    done.append(names)
    die() if at == "file" and len(done) == 3 else real(*names)

os.replace = counted
if at == "transaction":
    databases._to_note = die
reencrypt(workspace, "default", keys, print)
"""
"""Seals the store anew and kills itself: while a file is put in place, or within a transaction."""


def _turn(sealed: Sealed, told: list[str] | None = None) -> bool:
    return reencrypt(sealed.workspace, "default", sealed.turned, ([] if told is None else told).append)


def test_everything_is_sealed_with_the_new_key(sealed: Sealed, monkeypatch: pytest.MonkeyPatch) -> None:
    before = sealed.read(sealed.old, monkeypatch)
    assert len(before) >= KINDS
    told: list[str] = []
    assert _turn(sealed, told)
    assert sealed.read(sealed.only_new, monkeypatch) == before
    with pytest.raises(PermissionDenied):
        sealed.read(sealed.old, monkeypatch)
    assert "3 patients" in told[-1]
    for path in sealed.workspace.root.rglob("*.sealed"):
        assert path.stat().st_mode & 0o777 == 0o600


def test_what_is_new_already_is_not_touched(sealed: Sealed) -> None:
    _turn(sealed)
    before = {path: path.stat().st_mtime_ns for path in sealed.workspace.root.rglob("*.*") if _data(path)}
    told: list[str] = []
    assert _turn(sealed, told)
    assert not told
    assert {path: path.stat().st_mtime_ns for path in before} == before


def _data(path: Path) -> bool:
    return path.suffix in (".sealed", ".parquet") or path.name == "manifest.json"


def test_killed_at_every_file_it_goes_on(sealed: Sealed, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each try is killed at its first file: every other time before it is in place, else after it."""
    before = sealed.read(sealed.old, monkeypatch)
    real, kills, passed = os.replace, 0, set[str]()

    def replace(source: str, target: Path) -> None:
        if not _data(Path(target)) or str(target) in passed:
            return real(source, target)
        passed.add(str(target))
        if len(passed) % 2:
            real(source, target)
        raise Killed

    done = False
    while not done:
        try:
            with monkeypatch.context() as patched:
                patched.setattr(security_files.os, "replace", replace)
                done = _turn(sealed)
        except Killed:
            kills += 1
        assert sealed.read(sealed.turned, monkeypatch) == before, "old and new are both readable"
    assert kills == len(passed) >= KINDS - 4
    assert sealed.read(sealed.only_new, monkeypatch) == before


def test_a_process_that_is_killed_leaves_all_readable(
    sealed: Sealed, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By SIGKILL: no handler runs, locks and journals stay as they are."""
    before = sealed.read(sealed.old, monkeypatch)
    for at in ("file", "transaction"):
        line = [sys.executable, "-c", _DYING, str(sealed.workspace.root), at]
        assert subprocess.run(line, check=False, capture_output=True).returncode == -signal.SIGKILL
        assert sealed.read(sealed.turned, monkeypatch) == before
    assert _turn(sealed)
    assert sealed.read(sealed.only_new, monkeypatch) == before


@pytest.mark.parametrize("step", ["reseal_patients", "reseal_store"])
def test_stopped_after_a_step_it_goes_on(sealed: Sealed, monkeypatch: pytest.MonkeyPatch, step: str) -> None:
    from claimsctl.atrest import reencrypting

    before = sealed.read(sealed.old, monkeypatch)
    real = getattr(reencrypting, step)

    def stopped(*arguments: object) -> None:
        real(*arguments)
        raise Killed

    with monkeypatch.context() as patched:
        patched.setattr(reencrypting, step, stopped)
        with pytest.raises(Killed):
            _turn(sealed)
    assert sealed.read(sealed.turned, monkeypatch) == before
    assert _turn(sealed)
    assert sealed.read(sealed.only_new, monkeypatch) == before


def test_another_practice_is_left_alone(sealed: Sealed, monkeypatch: pytest.MonkeyPatch) -> None:
    before = sealed.read(sealed.old, monkeypatch)
    told: list[str] = []
    assert reencrypt(sealed.workspace, "elsewhere", sealed.turned, told.append)
    with pytest.raises(PermissionDenied):
        sealed.read(sealed.only_new, monkeypatch)
    assert sealed.read(sealed.old, monkeypatch) == before


def test_what_a_running_job_has_is_left_for_later(sealed: Sealed, monkeypatch: pytest.MonkeyPatch) -> None:
    running = sealed.workspace.root / "tmp" / sealed.job_id
    running.mkdir()
    (running / OWNER_FILE).write_text(json.dumps(Owner.current().as_dict()))
    told: list[str] = []
    assert not _turn(sealed, told)
    assert "1 jobs are running" in told[0]
    assert sealed.read(sealed.turned, monkeypatch)
    (running / OWNER_FILE).unlink()
    assert _turn(sealed)
    assert sealed.read(sealed.only_new, monkeypatch)


def test_an_altered_value_is_told_and_keeps_its_key(sealed: Sealed) -> None:
    path = next(sealed.workspace.root.glob("jobs/*/rejects/part-*.sealed"))
    data = path.read_bytes()
    path.write_bytes(data[:-1] + bytes([data[-1] ^ 1]))
    patients = next(sealed.workspace.root.glob("lines/*/patients-*.parquet"))
    frame = pl.read_parquet(patients)
    blobs = frame["sealed"].to_list()
    blobs[0] = blobs[0][:-1] + bytes([blobs[0][-1] ^ 1])
    frame.with_columns(pl.Series("sealed", blobs, dtype=pl.Binary)).write_parquet(patients)
    told: list[str] = []
    assert not _turn(sealed, told)
    assert [each for each in told if "was altered" in each and path.name in each]
    assert [each for each in told if "was altered" in each and patients.name in each]
    assert path.read_bytes()[:5] == data[:5], "the old key"
    ids = pl.read_parquet(patients)["sealed"].bin.slice(1, 4).bin.encode("hex").to_list()
    assert sorted(ids) == sorted([sealed.old.key_id, sealed.turned.key_id, sealed.turned.key_id])


def test_fresh_answers_of_the_old_key_are_forgotten(sealed: Sealed) -> None:
    _turn(sealed)
    database = sqlite3.connect(sealed.workspace.root / "answers.sqlite")
    assert database.execute("SELECT count(*) FROM answers").fetchone() == (0,)
    database.close()


def test_a_file_that_was_removed_meanwhile_does_not_come_back(
    sealed: Sealed, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = next(sealed.workspace.root.glob("jobs/*/rejects/part-*.sealed"))
    real = files._reseal_file

    def removed(found: Path, *others: object) -> None:
        found.unlink(missing_ok=True) if found == path else None
        real(found, *others)  # type: ignore[arg-type]

    monkeypatch.setattr(files, "_reseal_file", removed)
    assert _turn(sealed)
    assert not path.exists()


def test_what_a_kill_left_half_written_is_removed_when_it_is_old(sealed: Sealed) -> None:
    directory = sealed.workspace.job_directory(sealed.job_id)
    old, young = directory / ".request.sealed.0a1b2c3d", directory / ".sources.sealed.0a1b2c3d"
    for path in (old, young):
        path.write_bytes(b"half")
    os.utime(old, (0, 0))
    assert _turn(sealed)
    assert not old.exists()
    assert young.exists()
