"""The audit chain: whole under concurrency and torn lines, broken by any change."""

from __future__ import annotations

import json
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from claimsctl.security import audit
from claimsctl.store.workspace import Workspace


def fill(workspace: Workspace, count: int = 5) -> list[bytes]:
    for number in range(count):
        audit.record(workspace, "process", job=f"job {number}", rows=number)
    return workspace.audit_log.read_bytes().splitlines(keepends=True)


def test_records_form_a_chain(workspace: Workspace) -> None:
    lines = [json.loads(line) for line in fill(workspace)]
    assert [line["seq"] for line in lines] == [1, 2, 3, 4, 5]
    assert [line["prev"] for line in lines[1:]] == [line["hash"] for line in lines[:-1]]
    assert lines[3]["facts"] == {"job": "job 3", "rows": 3}
    assert audit.verify(workspace) == audit.AuditCheck(5, ())
    assert stat.S_IMODE(workspace.audit_log.stat().st_mode) == 0o600


def test_no_file_is_no_problem(workspace: Workspace) -> None:
    assert audit.verify(workspace) == audit.AuditCheck(0, ())


@pytest.mark.parametrize("at", [0, 2, 3])
def test_removed_record_is_found(workspace: Workspace, at: int) -> None:
    lines = fill(workspace)
    workspace.audit_log.write_bytes(b"".join(lines[:at] + lines[at + 1 :]))
    assert audit.verify(workspace).problems


def test_altered_record_is_found(workspace: Workspace) -> None:
    lines = fill(workspace)
    lines[2] = lines[2].replace(b'"rows":2', b'"rows":9')
    workspace.audit_log.write_bytes(b"".join(lines))
    assert audit.verify(workspace).problems == ("line 3: the record was altered",)


def test_reordered_and_doubled_records_are_found(workspace: Workspace) -> None:
    lines = fill(workspace)
    workspace.audit_log.write_bytes(b"".join([lines[0], lines[2], lines[1], *lines[3:]]))
    assert audit.verify(workspace).problems
    workspace.audit_log.write_bytes(b"".join([*lines, lines[4]]))
    assert audit.verify(workspace).problems


@pytest.mark.parametrize("torn", [b'{"seq": 6, "at": "20', b"garbage\n", b"\x00" * 40])
def test_torn_line_is_vouched_for_by_the_next_record(workspace: Workspace, torn: bytes) -> None:
    fill(workspace)
    with workspace.audit_log.open("ab") as file:
        file.write(torn)
    assert audit.verify(workspace).problems == ("line 6 is unreadable",)
    audit.record(workspace, "process", rows=1)
    audit.record(workspace, "process", rows=2)
    assert audit.verify(workspace) == audit.AuditCheck(7, ())


def test_readable_record_cannot_be_passed_off_as_torn(workspace: Workspace) -> None:
    lines = fill(workspace)
    lines[1] = b"garbage\n"
    workspace.audit_log.write_bytes(b"".join(lines))
    assert audit.verify(workspace).problems


def test_long_records_are_read_back(workspace: Workspace) -> None:
    audit.record(workspace, "export", columns=["x" * 70_000, "y" * 70_000])
    audit.record(workspace, "process")
    assert audit.verify(workspace) == audit.AuditCheck(2, ())


def test_concurrent_writers_keep_one_chain(workspace: Workspace) -> None:
    code = (
        "from pathlib import Path; from claimsctl.store.workspace import Workspace\n"
        "from claimsctl.security import audit\n"
        f"w = Workspace.open(Path({str(workspace.root)!r}))\n"
        "for n in range(50): audit.record(w, 'process', rows=n)"
    )
    runs = [subprocess.Popen([sys.executable, "-c", code]) for _ in range(3)]
    assert [run.wait(timeout=60) for run in runs] == [0, 0, 0]
    assert audit.verify(workspace) == audit.AuditCheck(150, ())


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
