"""Removing by age, shown first; what is in force and what others wrote stays."""

from __future__ import annotations

import json
import shutil
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from claimsctl.store import pruning
from claimsctl.store.database import open_store
from claimsctl.store.workspace import Workspace
from tests.claims import claim, write_csv
from tests.commands import Command
from tests.conftest import AS_OF
from tests.soak.conftest import stored

DAY = ("--as-of", AS_OF.isoformat())


@pytest.fixture
def out(command: Command, tmp_path: Path) -> Path:
    """The output of the first of two jobs; the second replaced one of its three claims."""
    rows = [claim("A", line_note="x"), claim("B", line_note="y"), claim("C", charge_amount="-5")]
    first = write_csv(tmp_path / "first.csv", rows)
    second = write_csv(tmp_path / "second.csv", [claim("A", charge_amount="99.00")])
    assert command("process", first, "--out", tmp_path / "one", *DAY, "-q").code == 0
    more = ("--duplicates", "update", *DAY, "-q")
    assert command("process", second, "--out", tmp_path / "two", *more).code == 0
    return tmp_path / "one"


def versions(tmp_path: Path) -> list[tuple[Any, ...]]:
    stored(tmp_path / "workspace")
    with open_store(Workspace.open(tmp_path / "workspace"), write=False) as connection:
        query = "SELECT claim_number, version, is_current FROM claims ORDER BY ALL"
        return connection.execute(query).fetchall()


def test_it_shows_first_and_asks(command: Command, out: Path, tmp_path: Path) -> None:
    before = sorted(path for path in tmp_path.rglob("*") if "tmp" not in path.parts and path.is_file())
    dry = command("jobs", "prune", "--older-than", "0", "--dry-run")
    assert dry.code == 0
    for text in ("details: findings and rejected rows of 2 jobs", "outputs: output files of 2 jobs",
                 "history: 1 version of claims", "Nothing was removed"):  # fmt: skip
        assert text in dry.out
    assert command("jobs", "prune", "--older-than", "0").code == 2
    after = sorted(path for path in tmp_path.rglob("*") if "tmp" not in path.parts and path.is_file())
    assert after == before
    assert "nothing to remove" in command("jobs", "prune", "--older-than", "1", "--yes").out


def test_details_and_outputs(command: Command, out: Path, tmp_path: Path) -> None:
    found = command("jobs", "prune", "--older-than", "0", "--yes", "--json", "--only", "details").json
    assert [each["kind"] for each in found["removed"]] == ["details"]
    assert (out / "summary.json").exists()
    assert not list((tmp_path / "workspace" / "jobs").glob("*/re*"))
    first = command("jobs", "list", "--json").json["jobs"][1]["job_id"]
    errors = command("jobs", "errors", first).err
    assert "not kept any more" in errors
    assert f"Look into {out / 'errors.csv'}" in errors
    assert f"Correct {out / 'rejected.csv'}" in command("jobs", "retry", first).err
    other = tmp_path / "two" / "mine.txt"
    other.write_text("not of claimsctl")
    assert command("jobs", "prune", "--older-than", "0", "--yes", "--only", "outputs").code == 0
    assert not out.exists()
    assert "Look into" not in command("jobs", "errors", first).err
    assert "Run its inputs again" in command("jobs", "retry", first).err
    assert "output files" not in command("jobs", "rollback", first, "--dry-run").out
    assert list((tmp_path / "two").iterdir()) == [other]
    assert command("jobs", "list", "--json").json["jobs"][0]["status"] == "COMPLETED"


def test_output_directory_that_another_job_uses_now(command: Command, out: Path, tmp_path: Path) -> None:
    """The files were moved away, and another job's stand in their place."""
    shutil.rmtree(out)
    shutil.copytree(tmp_path / "two", out)
    found = command("jobs", "prune", "--older-than", "0", "--yes", "--json", "--only", "outputs").json
    assert found["removed"][0]["jobs"] == 1
    assert (out / "accepted.parquet").exists()


def test_versions_not_in_force(command: Command, out: Path, tmp_path: Path) -> None:
    assert versions(tmp_path) == [("A", 1, False), ("A", 2, True), ("B", 1, True), ("C", 1, True)]
    assert command("jobs", "prune", "--older-than", "0", "--yes", "--only", "history").code == 0
    assert versions(tmp_path) == [("A", 2, True), ("B", 1, True), ("C", 1, True)]
    sealed = list((tmp_path / "workspace" / "lines").rglob("*.sealed"))
    assert [path.with_suffix(".parquet").exists() for path in sealed] == [True]
    assert command("claims", "show", "B", "--json").json["line_items"]
    second = command("jobs", "list", "--json").json["jobs"][0]["job_id"]
    assert command("jobs", "rollback", second, "--yes").code == 0
    assert versions(tmp_path) == [("B", 1, True), ("C", 1, True)]


def test_pruning_that_fails_is_undone(
    command: Command, out: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = versions(tmp_path)

    def fail(*_: object) -> None:
        raise OSError(28, "full")

    with monkeypatch.context() as patch:
        patch.setattr(pruning, "_leave_out_notes", fail)
        assert command("jobs", "prune", "--older-than", "0", "--yes", "--only", "history").code == 4
    assert versions(tmp_path) == before
    assert command("claims", "show", "A").code == 0


@pytest.fixture
def deleted(command: Command, out: Path, tmp_path: Path) -> str:
    """The key of the patient of claim B, who was deleted a hundred days ago."""
    (found,) = command("patients", "list", "--search", claim("B")["member_id"], "--json").json["patients"]
    key = str(found["patient_key"])
    assert command("patients", "delete", key, "--yes").code == 0
    with open_store(Workspace.open(tmp_path / "workspace"), write=True) as connection:
        connection.execute("UPDATE claims SET deleted_at = deleted_at - INTERVAL 100 DAY")
        connection.execute("UPDATE claim_status_history SET changed_at = changed_at - INTERVAL 100 DAY")
        row = connection.execute("SELECT value FROM meta WHERE key = 'deleted_patient'").fetchone()
        assert row is not None
        said = json.loads(row[0])
        said["at"] = (datetime.fromisoformat(said["at"]) - timedelta(days=100)).isoformat()
        connection.execute("UPDATE meta SET value = ? WHERE key = 'deleted_patient'", [json.dumps(said)])
    return key


PRUNE = ("jobs", "prune", "--older-than", "0", "--yes", "--only", "history")


def test_deleted_claims_and_patients_are_kept_for_their_time(
    command: Command, deleted: str, tmp_path: Path
) -> None:
    told = command(*PRUNE)
    assert told.code == 0
    assert "are kept for 2,190 days" in told.out
    assert versions(tmp_path) == [("A", 2, True), ("B", 1, False), ("C", 1, True)]
    (tmp_path / "workspace" / "claimsctl.toml").write_text("[security]\nretention_days = 101\n")
    assert "nothing to remove" in command(*PRUNE).out
    (tmp_path / "workspace" / "claimsctl.toml").write_text("[security]\nretention_days = 99\n")
    (removed,) = command(*PRUNE, "--json").json["removed"]
    assert (removed["versions"], removed["patients"]) == (1, 1)
    assert versions(tmp_path) == [("A", 2, True), ("C", 1, True)]
    assert command("patients", "restore", deleted).code == 2
