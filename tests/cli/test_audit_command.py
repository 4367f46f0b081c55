"""`claimsctl audit`: records are listed, held against anchors and exported."""

from __future__ import annotations

import json
from pathlib import Path

import polars as pl
import pytest

from claimsctl.security import audit
from claimsctl.security.audit_memory import memory_of
from claimsctl.security.audit_reading import COLUMNS
from claimsctl.store.workspace import Workspace
from tests.commands import Command


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    """Three records of two actions and two jobs."""
    found = Workspace.open(tmp_path / "workspace")
    audit.record(found, "process", count=40, job="20260105-090000-0001")
    audit.record(found, "claims list", count=12, purpose="treatment")
    audit.record(found, "rollback", count=40, job="20260105-090000-0002", of="20260105-090000-0001")
    return found


@pytest.mark.usefixtures("workspace")
@pytest.mark.parametrize(
    ("options", "actions"),
    [
        ((), ["rollback", "claims list", "process"]),
        (("--limit", 1), ["rollback"]),
        (("--action", "claims"), ["claims list"]),
        (("--action", "process"), ["process"]),
        (("--action", "claim"), []),
        (("--job", "20260105-090000-0001"), ["rollback", "process"]),
        (("--job", "20260105-090000-0002"), ["rollback"]),
        (("--user", "nobody at all"), []),
        (("--since", "2020-01-01"), ["rollback", "claims list", "process"]),
        (("--since", "2999-01-01"), []),
        (("--until", "2020-01-01T10:00"), []),
    ],
)
def test_records_are_found(command: Command, options: tuple[object, ...], actions: list[str]) -> None:
    found = command("--json", "audit", "list", *options).json
    assert [each["action"] for each in found["records"]] == actions
    assert found["more"] == (options == ("--limit", 1))


@pytest.mark.usefixtures("workspace")
def test_people_read_a_table(command: Command) -> None:
    out = command("audit", "list", "--limit", 2).out
    assert out.splitlines()[0].split() == [
        "record", "when", "user", "action", "count", "purpose", "details",
    ]  # fmt: skip
    assert "treatment" in out
    assert "of=20260105-090000-0001" in out
    assert "Showing the newest 2" in out
    assert command("audit", "list", "--action", "fix").out == "No such record.\n"


@pytest.mark.usefixtures("workspace")
@pytest.mark.parametrize("form", ["csv", "json", "parquet"])
def test_records_are_exported(command: Command, tmp_path: Path, form: str) -> None:
    file = tmp_path / f"audit.{form}"
    assert command("audit", "export", "--out", file).out == f"3 records in {file}\n"
    read = {"csv": pl.read_csv, "json": pl.read_json, "parquet": pl.read_parquet}[form]
    frame = read(file)  # type: ignore[operator]
    assert tuple(frame.columns) == COLUMNS
    assert frame["seq"].to_list() == [3, 2, 1]
    assert json.loads(frame["facts"][0])["of"] == "20260105-090000-0001"
    assert command("audit", "export", "--out", file).code == 4
    (last,) = command("--json", "audit", "list", "--limit", 1).json["records"]
    assert (last["action"], last["count"]) == ("audit export", 3)
    assert str(tmp_path) not in json.dumps(last)


def test_an_export_without_records_has_its_columns(command: Command, tmp_path: Path) -> None:
    assert command("audit", "export", "--out", tmp_path / "audit.parquet").code == 0
    assert tuple(pl.read_parquet(tmp_path / "audit.parquet").columns) == COLUMNS
    assert command("audit", "export", "--out", tmp_path / "audit.doc").code == 2


def test_verifying_tells_and_exits(command: Command, workspace: Workspace, tmp_path: Path) -> None:
    anchor = tmp_path / "anchor.json"
    assert command("audit", "anchor", "--out", anchor).out == (
        f"Record 4 is anchored in {anchor}; keep it elsewhere.\n"
    )
    assert command("audit", "anchor", "--out", anchor).code == 2
    good = command("audit", "verify", "--anchor", anchor)
    assert (good.code, good.out) == (0, "4 records, 4 signed: the chain is whole and leads to 1 anchor.\n")
    lines = workspace.audit_log.read_bytes().splitlines(keepends=True)
    workspace.audit_log.write_bytes(b"".join(lines[:3]))
    memory_of(workspace).unlink()
    assert command("audit", "verify").code == 0
    bad = command("--json", "audit", "verify", "--anchor", anchor)
    assert (bad.code, bad.json["whole"], len(bad.json["problems"])) == (1, False, 1)


def test_the_purpose_is_that_of_option_environment_or_settings(
    command: Command, workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    def purpose(*options: str) -> str:
        assert command(*options, "audit", "anchor").code == 0
        return str(json.loads(workspace.audit_log.read_bytes().splitlines()[-1])["purpose"])

    assert purpose() == "payment"
    workspace.settings_file.write_text('[security]\npurpose = "operations"\n')
    assert purpose() == "operations"
    monkeypatch.setenv("CLAIMSCTL_PURPOSE", "audit")
    assert purpose() == "audit"
    assert purpose("--purpose", "patient-request") == "patient-request"
    assert command("--purpose", "curiosity", "audit", "list").code == 2


def test_what_is_refused_is_recorded(command: Command, workspace: Workspace) -> None:
    workspace.key_id_file.write_text("0" * 8 + "\n")
    assert command("audit", "anchor").code == 5
    last = json.loads(workspace.audit_log.read_bytes().splitlines()[-1])
    assert (last["action"], last["facts"]) == (
        "refused", {"command": "audit anchor", "why": "PermissionDenied"}
    )  # fmt: skip
