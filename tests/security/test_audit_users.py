"""The audit file where users have keys of their own: who signs, who is refused, and who may read it."""

from __future__ import annotations

import hmac
import json
from pathlib import Path
from typing import Any

import pytest

from claimsctl.errors import PermissionDenied
from claimsctl.security import audit, audit_names
from claimsctl.security.access.opening import account_name, open_access, user_name
from claimsctl.security.access.users import disable_user
from claimsctl.security.access.wrapping import sign
from claimsctl.security.audit_lines import digest, to_sign, written
from claimsctl.security.audit_memory import memory_of
from claimsctl.security.audit_verifying import verify
from claimsctl.security.keys import load_secret, subkey
from claimsctl.store.jobs import JobStore
from claimsctl.store.workspace import Workspace
from tests.cli.conftest import command, read_once
from tests.commands import Command
from tests.managed import managed

__all__ = ["command", "read_once"]  # fixtures


def records(workspace: Workspace) -> list[dict[str, Any]]:
    return [json.loads(line) for line in workspace.audit_log.read_bytes().splitlines()]


def test_records_of_before_and_of_every_user_are_one_chain(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    audit.record(workspace, "process", count=3)
    there = managed(workspace, monkeypatch, kim="billing", pat="auditor")
    for name in ("kim", "pat", "root"):
        there.be(name)
        audit.record(workspace, "claims list", count=1)
    assert [each["user"] for each in records(workspace)[-3:]] == ["kim", "pat", "root"]
    found = verify(workspace)
    assert found.problems == ()
    assert found.signed == found.records


def test_the_secret_from_before_signs_nothing_after(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    audit.record(workspace, "process", count=3)
    old = subkey(load_secret(workspace), b"audit signing", 32)
    managed(workspace, monkeypatch)
    audit.record(workspace, "claims list", count=1)
    lines = workspace.audit_log.read_bytes().splitlines(keepends=True)
    entry = json.loads(lines[-1]) | {"count": 0}
    entry["hash"] = digest(entry)
    entry["sig"] = sign(old, to_sign(entry["hash"])).hex()
    workspace.audit_log.write_bytes(b"".join(lines[:-1]) + written(entry) + b"\n")
    memory_of(workspace).unlink()
    assert verify(workspace).problems == (f"line {len(lines)}: the signature is not that of root",)


def test_a_path_has_a_hash_that_no_other_practice_and_no_stranger_computes(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    there = managed(workspace, monkeypatch, "east", "west")
    for name, role, practice in (
        ("kim", "billing", "east"), ("bo", "therapist", "east"), ("lee", "billing", "west"),
        ("ann", "analyst", "east"), ("pat", "auditor", "east"),
    ):  # fmt: skip
        there.add(name, role, practice)
    marks = {}
    for name in ("kim", "bo", "lee", "ann", "pat"):
        there.be(name)
        marks[name] = audit_names.named(workspace, "Quillfeather.csv")
        assert audit_names.named(workspace, Path("Quillfeather.csv").absolute()) == marks[name]
    assert marks["kim"] == marks["bo"]
    assert len(set(marks.values())) == 4
    plain = hmac.new(workspace.id.encode(), str(Path("Quillfeather.csv").absolute()).encode(), "sha256")
    assert plain.hexdigest()[:16] not in marks.values()


def test_history_names_the_user_whatever_the_account(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert user_name() == account_name()
    there = managed(workspace, monkeypatch, kim="billing")
    there.be("kim")
    monkeypatch.setenv("LOGNAME", "somebody else")
    open_access(workspace)
    JobStore(workspace).create_job("20260630-120000-abcd", "process")
    assert [job.user for job in JobStore(workspace).list_jobs()] == ["kim"]


def test_who_is_refused_is_recorded_without_signature(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    there = managed(workspace, monkeypatch, kim="billing")
    there.be("root")
    disable_user(workspace, "kim")
    there.be("kim")
    with pytest.raises(PermissionDenied):
        audit.record(workspace, "claims list", count=1)
    last = records(workspace)[-1]
    assert (last["action"], "sig" in last) == ("refused", False)
    there.be("root")
    assert verify(workspace).problems == ()


def test_an_auditor_reads_the_file_and_nothing_else(
    command: Command, workspace: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    managed(workspace, monkeypatch, pat="auditor").be("pat")
    seen = len(records(workspace))
    assert command("audit", "verify").code == 0
    assert command("audit", "list", "--user", "root").code == 0
    assert command("audit", "export", "--out", tmp_path / "audit.csv").code == 0
    assert command("audit", "anchor", "--out", tmp_path / "anchor.json").code == 0
    assert command("audit", "verify", "--anchor", tmp_path / "anchor.json").code == 0
    assert command("claims", "list").code == 5
    assert [each["action"] for each in records(workspace)[seen:]] == [
        "audit export",
        "audit anchor",
        "refused",
    ]
