"""Line parts and sealed patients that are gone or damaged: each command names the file, and what mends it."""

from __future__ import annotations

import os
import re
from functools import partial
from pathlib import Path

import pytest

from claimsctl.store import unread
from tests.claims import claim, write_csv
from tests.cli.conftest import Prepared
from tests.commands import Command


def _two_jobs(command: Command, place: Path) -> str:
    """Jobs that saw the same claims: the first stored them."""
    path = write_csv(place / "claims.csv", [claim("A1"), claim("A2", units="0")])
    for name in ("first", "second"):
        assert command("process", path, "--out", place / name, "--as-of", "2026-06-30", "-q").code == 0
    return next((place / "workspace" / "lines").iterdir()).name


@pytest.fixture
def first(command: Command, prepared: Prepared, tmp_path: Path) -> str:
    return prepared.copy("seen twice", partial(_two_jobs, command), tmp_path)


def _part(tmp_path: Path, job: str) -> Path:
    return tmp_path / "workspace" / "lines" / job / "part-00000.parquet"


def _cut(path: Path) -> None:
    os.truncate(path, 50)


def _overwrite(path: Path) -> None:
    """The pages of all columns, under a sound footer."""
    data = path.read_bytes()
    footer = 8 + int.from_bytes(data[-8:-4], "little")
    path.write_bytes(data[:4] + b"\xff" * (len(data) - footer - 4) + data[-footer:])


@pytest.mark.parametrize("spoil", [_cut, _overwrite])
@pytest.mark.parametrize(
    "arguments",
    [
        ("claims", "show", "A1"), ("claims", "export"), ("claims", "export", "--format", "json"),
        ("jobs", "errors", "FIRST", "--row", "2"), ("jobs", "rollback", "FIRST", "-y"),
    ],
)  # fmt: skip
def test_damaged_lines(
    command: Command, first: str, tmp_path: Path, arguments: tuple[str, ...], spoil: object
) -> None:
    assert callable(spoil)
    spoil(_part(tmp_path, first))
    ended = command(*(first if word == "FIRST" else word for word in arguments))
    assert ended.code == 4, ended.err
    assert f"{_part(tmp_path, first)} is damaged." in ended.err
    assert "claimsctl jobs rollback 2" in ended.err
    assert not (tmp_path / "workspace" / "crashes").exists()


def test_damaged_patients(command: Command, first: str, tmp_path: Path) -> None:
    (patients,) = _part(tmp_path, first).parent.glob("patients-*")
    _cut(patients)
    for arguments in (("show", "A1"), ("export", "--show-phi")):
        ended = command("claims", *arguments)
        assert (ended.code, f"{patients} is damaged." in ended.err) == (4, True)


def test_damaged_findings(command: Command, first: str, tmp_path: Path) -> None:
    for path in (tmp_path / "workspace" / "jobs" / first / "details").iterdir():
        _cut(path)
    ended = command("claims", "show", "A2")
    assert (ended.code, f"jobs rollback {first}" in ended.err) == (4, True)


def test_files_are_looked_at_only_when_reading_failed(
    command: Command, first: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(unread, "_wrong", pytest.fail)
    assert command("claims", "show", "A1").code == 0
    assert command("claims", "export", "--show-phi").code == 0


@pytest.mark.parametrize("spoil", [_cut, Path.unlink])
def test_what_is_advised_works(command: Command, first: str, tmp_path: Path, spoil: object) -> None:
    """Processing alone would not: the claims are unchanged, and their lines are not stored again."""
    assert callable(spoil)
    spoil(_part(tmp_path, first))
    path = write_csv(tmp_path / "claims.csv", [claim("A1"), claim("A2", units="0")])
    assert _advised(command("doctor", "-q").out) == first
    later = _advised(command("jobs", "rollback", first, "-y").err)
    assert later != first, "the one that saw the claims of the first goes before it"
    for job in (later, first):
        assert command("jobs", "rollback", job, "-y").code == 0
    assert command("process", path, "--out", tmp_path / "third", "--as-of", "2026-06-30", "-q").code == 0
    assert "Missing" not in (said := command("doctor").out)
    assert "Damaged" not in said
    assert len(command("claims", "export").out.splitlines()) == 3


def test_a_claim_without_its_lines_says_what_to_do(command: Command, first: str, tmp_path: Path) -> None:
    _part(tmp_path, first).unlink()
    shown = command("claims", "show", "A1")
    assert (shown.code, _advised(shown.out)) == (0, first)


def test_doctor_looks_at_sealed_patients(command: Command, first: str, tmp_path: Path) -> None:
    (patients,) = _part(tmp_path, first).parent.glob("patients-*")
    _cut(patients)
    assert f"Damaged: lines/{first}/{patients.name}" in " ".join(command("doctor", "-q").out.split())


def _advised(text: str) -> str:
    """The job that shall be rolled back."""
    found = re.search(r"claimsctl jobs rollback (\S+)", " ".join(text.split()))
    assert found is not None, text
    return found[1]
