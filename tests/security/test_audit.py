"""The audit chain: whole under concurrency and torn lines, broken by any change."""

from __future__ import annotations

import fcntl
import json
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from claimsctl.errors import StoreBusy
from claimsctl.security import audit
from claimsctl.security.audit_verifying import AuditCheck, verify
from claimsctl.store.workspace import Workspace


def gap(*lines: int) -> tuple[str, ...]:
    return tuple(f"line {line}: records before it were removed, added or reordered" for line in lines)


def fill(workspace: Workspace, count: int = 5) -> list[bytes]:
    for number in range(count):
        audit.record(workspace, "process", job=f"job {number}", rows=number)
    return workspace.audit_log.read_bytes().splitlines(keepends=True)


def test_records_form_a_chain(workspace: Workspace) -> None:
    lines = [json.loads(line) for line in fill(workspace)]
    assert [line["seq"] for line in lines] == [1, 2, 3, 4, 5]
    assert [line["prev"] for line in lines[1:]] == [line["hash"] for line in lines[:-1]]
    assert lines[3]["facts"] == {"job": "job 3", "rows": 3}
    assert verify(workspace) == AuditCheck(5, (), signed=5)
    assert stat.S_IMODE(workspace.audit_log.stat().st_mode) == 0o600


def test_no_file_is_no_problem(workspace: Workspace) -> None:
    assert verify(workspace) == AuditCheck(0, ())


@pytest.mark.parametrize("at", [0, 2, 3])
def test_removed_record_is_found(workspace: Workspace, at: int) -> None:
    lines = fill(workspace)
    workspace.audit_log.write_bytes(b"".join(lines[:at] + lines[at + 1 :]))
    assert verify(workspace).problems[:1] == gap(at + 1)


def test_altered_record_is_found(workspace: Workspace) -> None:
    lines = fill(workspace)
    lines[2] = lines[2].replace(b'"rows":2', b'"rows":9')
    workspace.audit_log.write_bytes(b"".join(lines))
    assert verify(workspace).problems == ("line 3: the record was altered",)


def test_reordered_and_doubled_records_are_found(workspace: Workspace) -> None:
    lines = fill(workspace)
    workspace.audit_log.write_bytes(b"".join([lines[0], lines[2], lines[1], *lines[3:]]))
    assert verify(workspace).problems == gap(2, 3, 4)
    workspace.audit_log.write_bytes(b"".join([*lines, lines[4]]))
    assert verify(workspace).problems == gap(6)


@pytest.mark.parametrize("torn", [b'{"seq": 6, "at": "20', b"garbage\n", b"\x00" * 40])
def test_torn_line_is_vouched_for_by_the_next_record(workspace: Workspace, torn: bytes) -> None:
    fill(workspace)
    with workspace.audit_log.open("ab") as file:
        file.write(torn)
    assert verify(workspace).problems == ("line 6 is unreadable",)
    audit.record(workspace, "process", rows=1)
    audit.record(workspace, "process", rows=2)
    assert verify(workspace) == AuditCheck(7, (), signed=7, torn=1)


def test_readable_record_cannot_be_passed_off_as_torn(workspace: Workspace) -> None:
    lines = fill(workspace)
    lines[1] = b"garbage\n"
    workspace.audit_log.write_bytes(b"".join(lines))
    assert verify(workspace).problems == ("line 2 is unreadable", *gap(3))


def test_long_records_are_read_back(workspace: Workspace) -> None:
    audit.record(workspace, "export", columns=["x" * 70_000, "y" * 70_000])
    audit.record(workspace, "process")
    assert verify(workspace) == AuditCheck(2, (), signed=2)


def test_concurrent_writers_keep_one_chain(workspace: Workspace) -> None:
    code = (
        "from pathlib import Path; from claimsctl.store.workspace import Workspace\n"
        "from claimsctl.security import audit\n"
        f"w = Workspace.open(Path({str(workspace.root)!r}))\n"
        "for n in range(50): audit.record(w, 'process', rows=n)"
    )
    runs = [subprocess.Popen([sys.executable, "-c", code]) for _ in range(4)]
    assert [run.wait(timeout=600) for run in runs] == [0, 0, 0, 0]
    assert verify(workspace) == AuditCheck(200, (), signed=200)


def test_waiting_is_announced_and_bounded(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(audit, "_ANNOUNCE_SECONDS", 0.05)
    monkeypatch.setattr(audit, "_WAIT_SECONDS", 0.2)
    told: list[str] = []
    with workspace.audit_log.open("wb") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        with pytest.raises(StoreBusy, match="is held by another process"):
            audit.record(workspace, "process", notify=told.append)
    assert told == [f"Waiting for another process to finish with the audit file {workspace.audit_log} ..."]
    audit.record(workspace, "process", notify=told.append)
    assert (len(told), verify(workspace).records) == (1, 1)


def test_full_disk_leaves_no_half_record(workspace: Workspace, tmp_path: Path) -> None:
    fill(workspace)
    size = workspace.audit_log.stat().st_size
    code = (
        "import resource, signal; from pathlib import Path\n"
        "from claimsctl.store.workspace import Workspace; from claimsctl.security import audit\n"
        "from claimsctl.errors import StoreError\n"
        f"w = Workspace.open(Path({str(workspace.root)!r}))\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        f"resource.setrlimit(resource.RLIMIT_FSIZE, ({size + 50}, {size + 50}))\n"
        "try: audit.record(w, 'process', rows=1)\n"
        "except StoreError as e: print(e)"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "audit.log" in found.stdout
    assert "Free some space" in found.stdout
    assert workspace.audit_log.stat().st_size == size
