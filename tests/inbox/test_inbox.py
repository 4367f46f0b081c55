"""Inbox runs: each file once by its content, one bad one stops nobody, kills lose and double nothing."""

from __future__ import annotations

import errno
import fcntl
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from claimsctl.errors import OutputError, OutsideError, StoreError
from claimsctl.inbox import files, moving
from claimsctl.inbox import run as inbox_run
from claimsctl.inbox.lock import LOCK, locked
from claimsctl.ingest.stream import InputFile
from claimsctl.store.database import open_store
from claimsctl.store.jobs import JobStore
from claimsctl.store.owner import Owner
from claimsctl.store.workspace import Workspace
from tests.claims import claim, write_csv
from tests.commands import ROOT, Command, Ended

KILLED = Path(__file__).with_name("killed_run.py")
AS_OF = ("--as-of", "2026-06-30")
Places = tuple[str, ...]
Patch = pytest.MonkeyPatch


@pytest.fixture(autouse=True)
def _no_waiting(monkeypatch: Patch) -> None:
    monkeypatch.setenv("CLAIMSCTL_INBOX__SETTLE_SECONDS", "0")


@pytest.fixture
def inbox(tmp_path: Path) -> Path:
    path = tmp_path / "inbox"
    path.mkdir()
    return path


@pytest.fixture
def places(tmp_path: Path) -> tuple[str, ...]:
    return (
        "--move-to", str(tmp_path / "done"), "--on-error", str(tmp_path / "failed"),
        "--out", str(tmp_path / "outbox"), *AS_OF,
    )  # fmt: skip


def claims_csv(path: Path, name: str, *, wrong: bool = False) -> Path:
    """Two claims of their own, the second with an error where asked for."""
    charge = "-1" if wrong else "130.00"
    return write_csv(path, [claim(f"{name}-1"), claim(f"{name}-2", charge_amount=charge)])


def listed(ended: Ended) -> dict[str, dict[str, Any]]:
    """Files of a --json listing by name."""
    return {each["file"]: each for each in ended.json["files"]}


def stored_claims(tmp_path: Path) -> list[tuple[Any, ...]]:
    with open_store(Workspace.open(tmp_path / "workspace"), write=False) as connection:
        return connection.execute("SELECT claim_number, version FROM claims ORDER BY ALL").fetchall()


def test_every_file_is_settled_and_one_bad_one_stops_nobody(
    command: Command, inbox: Path, tmp_path: Path, places: Places
) -> None:
    claims_csv(inbox / "a.csv", "A")
    (inbox / "b.csv").write_text("nothing,like\nclaims,here\n")
    (inbox / "south").mkdir()
    claims_csv(inbox / "south" / "c.csv", "C")
    (inbox / "d.csv.part").write_text("half")
    (inbox / "notes.pdf").write_text("no claims")
    ended = command("--json", "process", inbox, *places)
    assert ended.code == 3
    assert ended.json["counts"] == {"processed": 2, "seen": 0, "failed": 1, "left": 1, "ignored": 1}
    files = listed(ended)
    assert {name: each["action"] for name, each in files.items()} == {
        "a.csv": "processed", "b.csv": "failed", "south/c.csv": "processed", "d.csv.part": "left",
        "notes.pdf": "ignored",
    }  # fmt: skip
    done = [path.relative_to(tmp_path / "done").as_posix() for path in (tmp_path / "done").rglob("*.csv")]
    assert sorted(done) == ["a.csv", "south/c.csv"]
    assert sorted(path.name for path in (tmp_path / "failed").iterdir()) == ["b.csv", "b.csv.error.txt"]
    assert "does not look like claims" in (tmp_path / "failed" / "b.csv.error.txt").read_text()
    assert sorted(path.name for path in inbox.rglob("*") if path.is_file()) == ["d.csv.part", "notes.pdf"]
    jobs = {job.job_id: job for job in JobStore(Workspace.open(tmp_path / "workspace")).list_jobs()}
    assert len(jobs) == 3, "one job a file"
    assert jobs[files["b.csv"]["job_id"]].status == "FAILED"
    for name in ("a.csv", "south/c.csv"):
        out = tmp_path / "outbox" / files[name]["job_id"]
        assert json.loads((out / "summary.json").read_text())["claims"] == files[name]["claims"]


def test_the_same_content_is_processed_once(
    command: Command, inbox: Path, tmp_path: Path, places: Places
) -> None:
    claims_csv(inbox / "june.csv", "A")
    content = (inbox / "june.csv").read_bytes()
    first = listed(command("--json", "process", inbox, *places))["june.csv"]
    (inbox / "june.csv").write_bytes(content)
    (inbox / "other.csv").write_bytes(content)
    claims_csv(tmp_path / "june.csv", "B")
    again = command("--json", "process", inbox, *places)
    assert again.code == 0
    assert {name: (each["action"], each["job_id"]) for name, each in listed(again).items()} == {
        "june.csv": ("seen", first["job_id"]), "other.csv": ("seen", first["job_id"]),
    }  # fmt: skip
    (inbox / "june.csv").write_bytes((tmp_path / "june.csv").read_bytes())
    other = listed(command("--json", "process", inbox, *places))["june.csv"]
    assert (other["action"], Path(other["moved_to"]).name) == ("processed", "june-2.csv"), "none is replaced"
    assert (tmp_path / "done" / "june.csv").read_bytes() == content
    assert len(JobStore(Workspace.open(tmp_path / "workspace")).list_jobs()) == 2


def test_content_whose_job_was_rolled_back_is_processed_again(
    command: Command, inbox: Path, tmp_path: Path, places: Places
) -> None:
    claims_csv(inbox / "a.csv", "A")
    content = (inbox / "a.csv").read_bytes()
    job = listed(command("--json", "process", inbox, *places))["a.csv"]["job_id"]
    JobStore(Workspace.open(tmp_path / "workspace")).finish(job, "ROLLED_BACK")
    (inbox / "a.csv").write_bytes(content)
    assert listed(command("--json", "process", inbox, *places))["a.csv"]["action"] == "processed"


def test_content_that_the_store_has_lost_is_processed_again(
    command: Command, inbox: Path, tmp_path: Path, places: Places
) -> None:
    claims_csv(inbox / "a.csv", "A")
    content = (inbox / "a.csv").read_bytes()
    assert listed(command("--json", "process", inbox, *places))["a.csv"]["action"] == "processed"
    store = Workspace.open(tmp_path / "workspace").claims_database
    store.rename(store.with_suffix(".damaged"))
    for action in ("processed", "seen"):
        (inbox / "a.csv").write_bytes(content)
        assert listed(command("--json", "process", inbox, *places))["a.csv"]["action"] == action
        assert stored_claims(tmp_path) == [("A-1", 1), ("A-2", 1)]


def test_a_file_without_claims_fails_each_time_it_comes(
    command: Command, inbox: Path, tmp_path: Path, places: Places
) -> None:
    header = claims_csv(tmp_path / "a.csv", "A").read_text().splitlines(keepends=True)[0]
    for _ in range(2):
        (inbox / "a.csv").write_text(header)
        ended = command("--json", "process", inbox, *places)
        assert (ended.code, listed(ended)["a.csv"]["action"]) == (3, "failed")
        assert "no claims" in (tmp_path / "failed" / "a.csv.error.txt").read_text()
    assert list(inbox.iterdir()) == []


def test_content_that_a_resumed_job_stored_is_not_processed_again(
    command: Command, inbox: Path, tmp_path: Path, places: Places
) -> None:
    claims_csv(inbox / "a.csv", "A")
    content = (inbox / "a.csv").read_bytes()
    job = listed(command("--json", "process", inbox, *places))["a.csv"]["job_id"]
    jobs = JobStore(Workspace.open(tmp_path / "workspace"))
    (inbox / "a.csv").write_bytes(content)
    jobs._update(job, command="retry")
    assert listed(command("--json", "process", inbox, *places, "--dry-run"))["a.csv"]["action"] == "processed"
    jobs._update(job, command="resume")
    assert listed(command("--json", "process", inbox, *places))["a.csv"]["action"] == "seen"


def test_without_directories_to_move_to_files_stay_and_are_still_processed_once(
    command: Command, inbox: Path, tmp_path: Path
) -> None:
    claims_csv(inbox / "a.csv", "A")
    options = ("--on-error", tmp_path / "failed", "--out", tmp_path / "outbox", *AS_OF)
    assert listed(command("--json", "process", inbox, *options))["a.csv"]["action"] == "processed"
    assert listed(command("--json", "process", inbox, *options))["a.csv"]["action"] == "seen"
    assert (inbox / "a.csv").exists()


def test_a_file_that_grows_is_left(command: Command, inbox: Path, places: Places, monkeypatch: Patch) -> None:
    monkeypatch.setenv("CLAIMSCTL_INBOX__SETTLE_SECONDS", "30")
    claims_csv(inbox / "grows.csv", "A")
    claims_csv(inbox / "young.csv", "B")

    def write(seconds: float) -> None:
        assert seconds == 30
        with (inbox / "grows.csv").open("a") as file:
            file.write("more\n")

    monkeypatch.setattr(files, "time", SimpleNamespace(sleep=write, time=time.time))
    found = listed(command("--json", "process", inbox, *places))
    assert {name: each["action"] for name, each in found.items()} == {
        "grows.csv": "left",
        "young.csv": "processed",
    }
    assert (inbox / "grows.csv").exists()


def test_a_file_that_is_replaced_while_it_is_processed_is_not_moved(
    command: Command, inbox: Path, tmp_path: Path, places: Places, monkeypatch: Patch
) -> None:
    claims_csv(inbox / "a.csv", "A")
    process = inbox_run.process

    def replaced(*arguments: Any) -> dict[str, object]:
        summary = process(*arguments)
        claims_csv(inbox / "a.csv", "B")
        return summary

    monkeypatch.setattr(inbox_run, "process", replaced)
    found = listed(command("--json", "process", inbox, *places))["a.csv"]
    assert (found["action"], found["moved_to"]) == ("processed", None)
    assert "waits" in found["reason"]
    monkeypatch.setattr(inbox_run, "process", process)
    command("--json", "process", inbox, *places)
    assert {number[:1] for number, _ in stored_claims(tmp_path)} == {"A", "B"}


def test_priority_then_age_is_the_order(
    command: Command, inbox: Path, tmp_path: Path, places: Places
) -> None:
    for age, name in enumerate(("new", "old", "bulk-1", "urgent-1")):
        claims_csv(inbox / f"{name}.csv", name[:1].upper())
        os.utime(inbox / f"{name}.csv", (1_700_000_000 - age, 1_700_000_000 - age))
    options = ("--priority", "1", "--priority", "urgent*=10", "--priority", "bulk*=-5")
    ended = command("--json", "process", inbox, *places, *options)
    assert [(each["file"], each["priority"]) for each in ended.json["files"]] == [
        ("urgent-1.csv", 10), ("old.csv", 1), ("new.csv", 1), ("bulk-1.csv", -5),
    ]  # fmt: skip
    jobs = JobStore(Workspace.open(tmp_path / "workspace")).list_jobs()
    assert [job.priority for job in reversed(jobs)] == [10, 1, 1, -5]


def test_something_outside_leaves_the_files_for_the_next_run(
    command: Command, inbox: Path, places: Places, monkeypatch: Patch
) -> None:
    for name in "abc":
        claims_csv(inbox / f"{name}.csv", name.upper())

    def full(*_: Any) -> dict[str, object]:
        raise StoreError("The disk is full.")

    monkeypatch.setattr(inbox_run, "process", full)
    ended = command("--json", "process", inbox, *places)
    assert ended.code == 4
    assert [(each["action"], each["exit_code"]) for each in ended.json["files"]] == [
        ("left", 4),
        ("left", 4),
        ("left", 0),
    ]
    assert sorted(path.name for path in inbox.iterdir()) == ["a.csv", "b.csv", "c.csv"]


def test_a_stopped_run_leaves_the_rest_and_says_so(
    command: Command, inbox: Path, places: Places, monkeypatch: Patch
) -> None:
    for name in "ab":
        claims_csv(inbox / f"{name}.csv", name.upper())

    def stopped(*_: Any) -> dict[str, object]:
        raise KeyboardInterrupt

    monkeypatch.setattr(inbox_run, "process", stopped)
    ended = command("--json", "process", inbox, *places)
    assert ended.code == 130
    assert [each["action"] for each in ended.json["files"]] == ["left", "left"]
    assert len(list(inbox.iterdir())) == 2


def test_a_crash_on_one_file_says_no_value_of_it(
    command: Command, inbox: Path, tmp_path: Path, places: Places, monkeypatch: Patch
) -> None:
    claims_csv(inbox / "a.csv", "A")

    def crashes(*_: Any) -> dict[str, object]:
        raise ValueError("Jane Roe")

    monkeypatch.setattr(inbox_run, "process", crashes)
    ended = command("--json", "process", inbox, *places)
    assert ended.code == 70
    said = (tmp_path / "failed" / "a.csv.error.txt").read_text()
    assert "internal error ValueError" in said
    (report,) = (tmp_path / "workspace" / "crashes").iterdir()
    assert '"ValueError"' in report.read_text()
    assert "Roe" not in ended.out + ended.err + said + report.read_text()


def test_findings_make_the_exit_code_when_asked(command: Command, inbox: Path, places: Places) -> None:
    claims_csv(inbox / "a.csv", "A", wrong=True)
    ended = command("--json", "process", inbox, *places, "--fail-on", "error")
    assert ended.code == 1
    assert listed(ended)["a.csv"]["claims"]["rejected"] == 1


def test_a_dry_run_moves_and_records_nothing(
    command: Command, inbox: Path, tmp_path: Path, places: Places
) -> None:
    claims_csv(inbox / "a.csv", "A")
    found = listed(command("--json", "process", inbox, *places, "--dry-run"))["a.csv"]
    assert (found["action"], found["moved_to"], found["job_id"]) == ("processed", None, None)
    assert [path.name for path in inbox.iterdir()] == ["a.csv"]
    assert JobStore(Workspace.open(tmp_path / "workspace")).list_jobs() == []


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (("a.csv",), 2, "is a file"),
        ((".", "--limit", "5"), 2, "--limit"),
        ((".", "."), 2, "one input"),
        (("nowhere",), 3, "no such directory"),
        ((".", "--priority", "soon"), 2, "not a number"),
    ],
)
def test_what_does_not_fit_is_refused(
    command: Command,
    tmp_path: Path,
    monkeypatch: Patch,
    arguments: tuple[str, ...],
    code: int,
    said: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    claims_csv(tmp_path / "a.csv", "A")
    ended = command("process", *arguments, "--move-to", "done")
    assert (ended.code, said in ended.err) == (code, True), ended.err


def test_an_inbox_is_worked_on_by_one_run_at_a_time(command: Command, inbox: Path, places: Places) -> None:
    with locked(inbox):
        ended = command("process", inbox, *places)
        assert ended.code == 4
        assert f"process {os.getpid()}" in ended.err
        with pytest.raises(OutsideError), locked(inbox):
            pass
    assert not (inbox / LOCK).exists()


def test_without_file_locks_the_process_named_decides(inbox: Path, monkeypatch: Patch) -> None:
    def none(*_: Any) -> None:
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(fcntl, "flock", none)
    with locked(inbox), pytest.raises(OutsideError), locked(inbox):
        pass
    (inbox / LOCK).write_text(json.dumps(Owner.current().ended().as_dict()))
    with locked(inbox):
        pass
    (inbox / LOCK).write_text("torn")
    with locked(inbox):
        pass


@pytest.mark.parametrize("point", ["before the move", "in the move", "with the lock"])
def test_a_kill_neither_loses_nor_doubles(
    command: Command, inbox: Path, tmp_path: Path, places: Places, point: str
) -> None:
    claims_csv(inbox / "a.csv", "A")
    killed = subprocess.run(
        [sys.executable, KILLED, point, "process", inbox, *places],
        env={**os.environ, "PYTHONPATH": str(ROOT)}, capture_output=True, text=True,
    )  # fmt: skip
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    assert (inbox / "a.csv").exists()
    assert (inbox / LOCK).exists()
    found = listed(command("--json", "process", inbox, *places))["a.csv"]
    assert found["action"] == ("processed" if point == "with the lock" else "seen")
    assert [path.name for path in (tmp_path / "done").iterdir()] == ["a.csv"]
    assert list(inbox.iterdir()) == []
    assert len(stored_claims(tmp_path)) == len(set(stored_claims(tmp_path))) > 0
    assert len(list((tmp_path / "outbox").iterdir())) == 1


def test_moving_to_another_file_system_copies_and_never_replaces(
    inbox: Path, tmp_path: Path, monkeypatch: Patch
) -> None:
    link = os.link

    def elsewhere(source: Path, target: Path, **options: Any) -> None:
        if Path(source).parent == inbox:
            raise OSError(errno.EXDEV, "Invalid cross-device link")
        link(source, target, **options)

    monkeypatch.setattr(os, "link", elsewhere)
    done = tmp_path / "done"
    done.mkdir()
    (done / ".a.csv.partial-inbox-999999999").write_text("left by a kill")
    (inbox / "a.csv").write_text("one")
    assert moving.move(InputFile.at(inbox / "a.csv", "a"), done, "a.csv") == done / "a.csv"
    (inbox / "a.csv").write_text("two")
    assert moving.move(InputFile.at(inbox / "a.csv", "a"), done, "a.csv") == done / "a-2.csv"
    (inbox / "a.csv").write_text("two")  # the copy was complete when the run was killed
    assert moving.move(InputFile.at(inbox / "a.csv", "a"), done, "a.csv") == done / "a-2.csv"
    assert {path.name: path.read_text() for path in done.iterdir()} == {"a.csv": "one", "a-2.csv": "two"}
    assert list(inbox.iterdir()) == []


def test_a_file_is_not_moved_through_a_link(inbox: Path, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "done").mkdir()
    (tmp_path / "done" / "sub").symlink_to(tmp_path / "elsewhere")
    path = claims_csv(inbox / "a.csv", "A")
    with pytest.raises(OutputError, match="sub is a link"):
        moving.move(InputFile.at(path, "a.csv"), tmp_path / "done", "sub/a.csv")
    assert path.exists()
    assert list((tmp_path / "elsewhere").iterdir()) == []


@pytest.mark.parametrize("option", ["--move-to", "--on-error"])
def test_a_file_as_a_place_to_move_to_is_refused(
    command: Command, inbox: Path, tmp_path: Path, option: str
) -> None:
    ended = command("process", inbox, option, claims_csv(tmp_path / "a.csv", "A"))
    assert (ended.code, f"{option} {tmp_path / 'a.csv'} is a file." in ended.err) == (2, True)


def test_a_pipe_in_an_inbox_is_told_as_such(command: Command, inbox: Path, places: Places) -> None:
    os.mkfifo(inbox / "pipe.csv")
    found = listed(command("--json", "process", inbox, *places))["pipe.csv"]
    assert (found["action"], found["reason"]) == ("ignored", "it is no regular file")


def test_links_in_an_inbox_are_left(inbox: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.mkdir()
    claims_csv(other / "theirs.csv", "T")
    (inbox / "file.csv").symlink_to(other / "theirs.csv")
    (inbox / "directory").symlink_to(other)
    waiting, passed = files.ready_files(inbox)
    assert waiting == []
    assert [(each.name, each.reason) for each in passed] == [("file.csv", "it is a link")]
