"""Inputs that vanish, disks that fill up, places that cannot be written: what is said and what remains."""

from __future__ import annotations

import os
import resource
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from claimsctl.errors import InputError
from claimsctl.pipeline import Setting, process
from claimsctl.process.request import Request
from claimsctl.process.rulebook import Rulebook
from claimsctl.store.jobs import JobStore
from claimsctl.store.workspace import Workspace
from tests.claims import claim, write_csv
from tests.cli.conftest import Prepared
from tests.commands import Command
from tests.conftest import AS_OF as RUN_DATE
from tests.soak.conftest import AS_OF, claims_file, stored, whole


def test_input_deleted_or_changed_while_it_is_read(tmp_path: Path, rulebook: Rulebook) -> None:
    """The file is larger than what is read at one go."""
    path = tmp_path / "claims.csv"
    wide = claim(line_note="n" * 900)
    workspace = Workspace.open(tmp_path / "workspace")
    accidents = {
        "deleted": path.unlink,
        "changed": lambda: path.write_text("claim_number\n"),
        "longer": lambda: path.write_bytes(path.read_bytes() + b"more\n"),
    }
    for name, happens in accidents.items():
        write_csv(path, [wide | {"claim_number": f"A{n}"} for n in range(4_000)])
        assert path.stat().st_size > 4 << 20
        calls: list[str] = []

        def happen(stage: str, *_: object, calls: list[str] = calls, happens: Any = happens) -> None:
            if not calls:
                happens()
            calls.append(stage)

        request = Request((str(path),), RUN_DATE, out=tmp_path / name, batch_size=100)
        with pytest.raises(InputError, match="deleted" if name == "deleted" else "changed") as raised:
            process(request, rulebook, Setting(workspace, progress=happen))
        assert raised.value.exit_code == 3
        assert str(path) in str(raised.value)
        assert set(calls) == {"reading"}
        assert not (tmp_path / name).exists()
        (job,) = JobStore(workspace).list_jobs(limit=1)
        assert job.status == "FAILED"
        assert "claims.csv" in (job.error or "")
        assert stored(workspace.root) == {}


@contextmanager
def small_files(limit: int) -> Iterator[None]:
    """No file may grow beyond `limit` bytes: what a full disk looks like without one."""
    _, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (hard, hard))


def one_claim(command: Command, place: Path) -> str:
    """A run of one claim, and a file of a thousand others."""
    claims_file(place / "claims.csv", "F", 1_000)
    first = write_csv(place / "first.csv", [claim("FIRST")])
    assert command("process", first, *AS_OF, "-q").code == 0
    return ""


@pytest.mark.parametrize("kilobytes", [0, 1, 16, 40, 60, 100, 150, 250])
def test_files_that_cannot_grow(command: Command, prepared: Prepared, tmp_path: Path, kilobytes: int) -> None:
    prepared.copy("accidents", partial(one_claim, command), tmp_path)
    path = tmp_path / "claims.csv"
    out = tmp_path / "out"
    with small_files(kilobytes << 10):
        ended = command("process", path, *AS_OF, "--out", out, "--batch-size", "300", "-q")
    assert ended.code == 4, ended.err
    assert ended.err.startswith("claimsctl: ")
    assert not whole(out)
    again = command("process", path, *AS_OF, "--out", out, "--json")
    assert again.code == 0, again.err
    assert len(stored(tmp_path / "workspace")) == 1_001
    assert again.json["duplicates"]["found"] == 0


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 400 kB that is really full afterwards."""
    place = tmp_path / "disk"
    place.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=400k", "none", place], capture_output=True)
    if mounted.returncode != 0:
        pytest.skip("mounting a file system is not allowed here")
    try:
        yield place
    finally:
        subprocess.run(["umount", "-l", place], check=True)


def test_output_disk_full(command: Command, tmp_path: Path, small_disk: Path) -> None:
    path = claims_file(tmp_path / "claims.csv", "D", 2_000)
    ended = command("process", path, *AS_OF, "--out", small_disk / "out", "--output-format", "csv")
    assert (ended.code, ended.out) == (4, "")
    assert "disk is full" in ended.err
    assert str(small_disk / "out") in ended.err
    assert list(small_disk.iterdir()) == []
    assert stored(tmp_path / "workspace") == {}
    (job,) = JobStore(Workspace.open(tmp_path / "workspace")).list_jobs()
    assert job.status == "FAILED"
    assert command("process", path, *AS_OF, "--out", tmp_path / "out", "-q").code == 0


def test_workspace_disk_full(command: Command, tmp_path: Path, small_disk: Path) -> None:
    """DuckDB alone needs more than there is: a small file fails at the end, a large one before."""
    workspace = small_disk / "workspace"
    small = write_csv(tmp_path / "small.csv", [claim("SMALL")])
    large = claims_file(tmp_path / "large.csv", "D", 2_000)
    for path in (small, large):
        out = tmp_path / path.stem
        ended = command("--workspace", workspace, "process", path, *AS_OF, "--out", out)
        assert (ended.code, ended.out) == (4, "")
        assert "Free some space" in ended.err
        whole(out)
    subprocess.run(["mount", "-o", "remount,size=40m", small_disk], check=True)
    for path in (small, large):
        ended = command("--workspace", workspace, "process", path, *AS_OF, "--json")
        assert ended.code == 0, ended.err
        assert ended.json["duplicates"]["found"] == 0
    assert len(stored(workspace)) == 2_001


def test_read_only_places(command: Command, tmp_path: Path, small_disk: Path) -> None:
    path = write_csv(tmp_path / "claims.csv", [claim()])
    subprocess.run(["mount", "-o", "remount,ro", small_disk], check=True)
    ended = command("process", path, *AS_OF, "--out", small_disk / "out")
    assert (ended.code, ended.out) == (4, "")
    assert "read-only" in ended.err
    assert "--out" in ended.err
    ended = command("--workspace", small_disk / "workspace", "process", path, *AS_OF)
    assert (ended.code, ended.out) == (4, "")
    assert "--workspace" in ended.err


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_output_without_permission(command: Command, tmp_path: Path) -> None:
    path = write_csv(tmp_path / "claims.csv", [claim()])
    (tmp_path / "closed").mkdir(mode=0o500)
    ended = command("process", path, *AS_OF, "--out", tmp_path / "closed" / "out")
    assert (ended.code, ended.out) == (4, "")
    assert "permission" in ended.err
