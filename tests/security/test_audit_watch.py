"""What is unusual is recorded and told, what is too much is refused and recorded."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from claimsctl import decrypt_frame, encrypt_frame
from claimsctl.errors import PermissionDenied
from claimsctl.security import audit, audit_watch
from claimsctl.security.audit_lines import digest, to_sign, written
from claimsctl.security.audit_memory import memory_of
from claimsctl.security.audit_verifying import verify
from claimsctl.security.audit_watch import access
from claimsctl.settings_security import SecuritySettings
from claimsctl.store.workspace import Workspace
from tests.claims import claim, write_csv
from tests.cli.conftest import command, read_once
from tests.commands import FEW_RULES, Command

__all__ = ["command", "read_once"]  # fixtures


@pytest.fixture(autouse=True)
def _ordinary_again() -> Iterator[None]:
    yield
    audit.follow(SecuritySettings())


@pytest.fixture
def told() -> list[str]:
    """What the user hears; settings without limits."""
    heard: list[str] = []
    audit.follow(SecuritySettings(), heard.append)
    return heard


def limits(told: list[str], **settings: Any) -> None:
    audit.follow(replace(SecuritySettings(), **settings), told.append)


def records(workspace: Workspace) -> list[dict[str, Any]]:
    return [json.loads(line) for line in workspace.audit_log.read_bytes().splitlines()]


def actions(workspace: Workspace) -> list[tuple[str, Any]]:
    return [(each["action"], each["facts"].get("why")) for each in records(workspace)]


def aged(workspace: Workspace, **age: float) -> None:
    """The records as if they had been written so long ago, whole and signed."""
    from claimsctl.security.access.opening import open_access

    previous, lines = "0" * 64, []
    for entry in records(workspace):
        at = datetime.now(UTC) - timedelta(**age)
        entry |= {"at": at.isoformat(timespec="milliseconds"), "prev": previous}
        entry["hash"] = previous = digest(entry)
        entry["sig"] = open_access(workspace).sign(to_sign(previous)).hex()
        lines.append(written(entry) + b"\n")
    workspace.audit_log.write_bytes(b"".join(lines))
    memory_of(workspace).unlink()


def test_many_records_at_once_are_noted_and_told(workspace: Workspace, told: list[str]) -> None:
    access(workspace, "claims list", count=1_000)
    access(workspace, "claims list", count=1_001)
    audit.record(workspace, "process", count=1_000_000)
    assert actions(workspace) == [
        ("claims list", None), ("claims list", None), ("unusual", "many"), ("process", None),
    ]  # fmt: skip
    assert told == ["Unusual: claims list of 1,001 records at once. It is noted in the audit file."]
    assert verify(workspace).problems == ()


@pytest.mark.parametrize(
    ("hours", "hour", "within"),
    [("07-19", 7, True), ("07-19", 18, True), ("07-19", 19, False), ("07-19", 3, False),
     ("22-06", 23, True), ("22-06", 5, True), ("22-06", 6, False), ("00-24", 0, True)],
)  # fmt: skip
def test_hours_of_a_day(hours: str, hour: int, within: bool) -> None:
    assert audit_watch._within(hours, datetime(2026, 6, 30, hour, 30, tzinfo=UTC)) is within


def test_odd_hours_are_noted_once_an_hour(
    workspace: Workspace, told: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(audit_watch, "_within", lambda hours, now: False)
    access(workspace, "claims show", count=1)
    limits(told, hours="07-19")
    access(workspace, "claims show", count=1)
    access(workspace, "claims show", count=1)
    audit.record(workspace, "process", count=5)
    assert actions(workspace)[1:] == [
        ("claims show", None), ("unusual", "hours"), ("claims show", None), ("process", None),
    ]  # fmt: skip
    aged(workspace, minutes=61)
    access(workspace, "claims show", count=1)
    assert actions(workspace)[-1] == ("unusual", "hours")
    assert len(told) == 2


def test_every_third_refusal_in_an_hour_is_noted(workspace: Workspace, told: list[str]) -> None:
    for _ in range(7):
        audit.record(workspace, "refused", what="claims list")
    assert [action for action, _ in actions(workspace)] == [
        *["refused"] * 3, "unusual", *["refused"] * 3, "unusual", "refused",
    ]  # fmt: skip
    assert told[0] == "Unusual: 3 refusals within an hour. It is noted in the audit file."
    aged(workspace, minutes=61)
    audit.record(workspace, "refused", what="claims list")
    assert len(told) == 2


def test_a_refusal_is_recorded_once(workspace: Workspace) -> None:
    error = PermissionDenied("No.")
    assert audit.refused(workspace, audit.refused(workspace, error, what="x")) is error
    assert actions(workspace) == [("refused", None)]


def test_exports_are_limited_in_size(workspace: Workspace, told: list[str]) -> None:
    limits(told, export_rows=100)
    access(workspace, "claims list", count=101)
    access(workspace, "claims export", count=100, exported=True)
    with pytest.raises(PermissionDenied, match="101 rows are more than may be exported at once") as refused:
        access(workspace, "claims export", count=101, exported=True)
    assert refused.value.exit_code == 5
    assert refused.value.recorded
    last = records(workspace)[-1]
    assert (last["action"], last["facts"]) == (
        "refused", {"what": "claims export", "limit": "export_rows", "asked": 101}
    )  # fmt: skip


def test_what_is_seen_in_an_hour_is_limited(workspace: Workspace, told: list[str]) -> None:
    limits(told, phi_per_hour=100)
    access(workspace, "claims list", count=60)
    audit.record(workspace, "process", count=1_000)
    access(workspace, "claims export", count=40, exported=True)
    with pytest.raises(PermissionDenied, match="100 were seen in the last hour, and 1 more are asked for"):
        access(workspace, "claims show", count=1)
    aged(workspace, minutes=61)
    access(workspace, "claims show", count=1)
    assert actions(workspace)[-2:] == [("refused", None), ("claims show", None)]


def test_commands_are_refused_with_exit_5_and_leave_nothing(
    command: Command, workspace: Workspace, tmp_path: Path
) -> None:
    file = write_csv(tmp_path / "claims.csv", [claim("A1"), claim("A2"), claim("A3")])
    assert command("process", file, "--out", tmp_path / "out", *FEW_RULES).code == 0
    workspace.settings_file.write_text("[security]\nexport_rows = 2\nphi_per_hour = 7\n")
    out = tmp_path / "export.csv"
    ended = command("claims", "export", "--out", out)
    assert (ended.code, ended.out, out.exists()) == (5, "", False)
    assert "3 rows are more than may be exported at once (2)" in ended.err
    assert command("claims", "export").code == 5
    assert command("claims", "export", "--search", "A1").code == 0
    assert command("claims", "list").code == 0
    assert command("claims", "list").code == 0
    ended = command("claims", "list")
    assert (ended.code, ended.out) == (5, "")
    assert "Ask for less, or who looks after it to raise phi_per_hour" in ended.err
    assert [each["action"] for each in records(workspace)].count("refused") == 3


def test_the_python_api_records_and_is_limited(workspace: Workspace) -> None:
    frame = pl.DataFrame({"name": ["Quill", "Moss", "Birch"]})
    sealed = encrypt_frame(frame, ["name"], workspace=workspace.root)
    assert decrypt_frame(sealed, workspace=workspace.root).equals(frame)
    assert [(each["action"], each["count"]) for each in records(workspace)] == [
        ("crypt encrypt", 3), ("crypt decrypt", 3),
    ]  # fmt: skip
    workspace.settings_file.write_text("[security]\nexport_rows = 2\n")
    with pytest.raises(PermissionDenied, match="3 rows are more than may be exported at once"):
        decrypt_frame(sealed, workspace=workspace.root)
