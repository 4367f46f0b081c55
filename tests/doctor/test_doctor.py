"""`doctor`: silent about what is in order, and for every trouble a sentence and a mend."""

from __future__ import annotations

import json
import shutil
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from claimsctl.doctor import place, surroundings
from claimsctl.doctor.check import Check, guarded
from claimsctl.errors import StoreBusy
from claimsctl.process.rulebook import Rulebook
from claimsctl.security.keys import secret_path
from claimsctl.store.database import open_store
from claimsctl.store.job import JobInput
from claimsctl.store.jobs import JobStore
from claimsctl.store.workspace import Workspace
from tests.claims import claim, write_csv
from tests.commands import Command, Ended
from tests.conftest import Process

EDITION_CHECKS = surroundings.edition_checks


@pytest.fixture
def workspace(run: Process, tmp_path: Path) -> Workspace:
    """A workspace with two claims in it."""
    run(write_csv(tmp_path / "claims.csv", [claim("A1"), claim("A2")]), out=tmp_path / "out")
    return Workspace.open(tmp_path / "workspace")


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch, rulebook: Rulebook) -> None:
    """Rules are read once, and tables are looked through only where a test is about them."""
    monkeypatch.setattr(surroundings, "house_rulebook", lambda *_, **__: rulebook)
    monkeypatch.setattr(surroundings, "edition_checks", lambda _: iter(()))


def wrong(ended: Ended) -> dict[str, dict[str, Any]]:
    """The checks that say something is wrong, by name; the exit code agrees."""
    found = [each for each in ended.json["checks"] if each["state"] == "wrong"]
    assert (ended.code, ended.json["wrong"]) == (int(bool(found)), len(found))
    assert all(each["mend"] for each in found), "each with a mend"
    return {each["name"]: each for each in found}


def test_a_sound_workspace(command: Command, workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(surroundings, "edition_checks", EDITION_CHECKS)
    ended = command("--json", "doctor")
    assert wrong(ended) == {}
    says = {each["name"]: each["says"] for each in ended.json["checks"] if each["state"] == "ok"}
    assert set(says) >= {
        "workspace", "permissions", "key", "disk", "claims store", "lines", "jobs", "audit file", "settings",
        "rules", "editions", "software",
    }  # fmt: skip
    assert says["claims store"] == "2 claims in force, 2 versions in all."
    assert says["lines"] == "2 lines in 1 part."
    shown = command("doctor")
    assert "Nothing is wrong" in shown.out


def test_nothing_is_made_where_there_is_no_workspace(command: Command, tmp_path: Path) -> None:
    ended = command("--json", "doctor")
    assert wrong(ended) == {}
    (none,) = (each for each in ended.json["checks"] if each["name"] == "workspace")
    assert (none["state"], "claimsctl init" in none["mend"]) == ("warning", True)
    assert not (tmp_path / "workspace").exists()


def test_lines_that_are_missing_damaged_or_left_over(command: Command, workspace: Workspace) -> None:
    (part,) = (workspace.root / "lines").rglob("part-*.parquet")
    shutil.copy(part, part.with_name("part-00009.parquet"))
    left = next(each for each in command("--json", "doctor").json["checks"] if each["name"] == "lines")
    assert left["state"] == "warning"
    assert "part-00009.parquet" in left["mend"]
    part.with_name("part-00009.parquet").unlink()
    content = part.read_bytes()
    part.write_bytes(b"torn")
    assert wrong(command("--json", "doctor"))["lines"]["says"].startswith("Damaged")
    part.unlink()
    missing = wrong(command("--json", "doctor"))["lines"]
    assert missing["says"].startswith("Missing")
    assert part.parent.name in missing["mend"], "it names the job to run again"
    part.write_bytes(content)
    assert wrong(command("--json", "doctor")) == {}


def test_stores_that_disagree(command: Command, workspace: Workspace) -> None:
    with open_store(workspace, write=True) as connection:
        connection.execute("INSERT INTO claims SELECT * REPLACE (9 AS version) FROM claims LIMIT 1")
    assert "more than one version" in wrong(command("--json", "doctor"))["claims store"]["says"]
    with open_store(workspace, write=True) as connection:
        connection.execute("DELETE FROM claims WHERE version = 9")
        connection.execute("DELETE FROM commits")
    found = [each["says"] for each in command("--json", "doctor").json["checks"] if each["state"] == "wrong"]
    assert len(found) == 2
    assert "never ended storing" in found[0]
    assert "old backup" in found[1]


def test_stores_that_were_lost(command: Command, workspace: Workspace, run: Process, tmp_path: Path) -> None:
    (job,) = JobStore(workspace).list_jobs()
    jobs = workspace.jobs_database.read_bytes()
    workspace.claims_database.rename(tmp_path / "away.duckdb")
    found = wrong(command("--json", "doctor"))
    assert set(found) == {"claims store"}
    assert f"missing, with the claims of {job.job_id}" in found["claims store"]["says"]
    assert f"claimsctl jobs show {job.job_id}" in found["claims store"]["mend"]
    workspace.jobs_database.unlink()
    found = wrong(command("--json", "doctor"))
    assert f"1 job left lines: {job.job_id}" in found["claims store"]["says"]
    assert f"1 job stored claims: {job.job_id}" in found["jobs"]["says"]
    (tmp_path / "away.duckdb").rename(workspace.claims_database)
    assert set(wrong(command("--json", "doctor"))) == {"jobs"}
    workspace.jobs_database.write_bytes(jobs)
    assert wrong(command("--json", "doctor")) == {}


def test_a_lost_store_is_mended_by_running_its_files_again(
    command: Command, workspace: Workspace, run: Process, tmp_path: Path
) -> None:
    workspace.claims_database.unlink()
    assert set(wrong(command("--json", "doctor"))) == {"claims store"}
    run(tmp_path / "claims.csv", out=tmp_path / "again")
    assert wrong(command("--json", "doctor")) == {}


def test_files_that_are_no_stores(command: Command, workspace: Workspace) -> None:
    for path in (workspace.claims_database, workspace.jobs_database):
        path.write_bytes(b"not a store, whatever its name says" * 1_000)
        path.with_name(f"{path.name}-wal").unlink(missing_ok=True)
    found = wrong(command("--json", "doctor"))
    assert {"claims store", "jobs"} <= set(found)
    assert "damaged" in found["claims store"]["says"]
    assert "damaged" in found["jobs"]["says"]


def test_a_workspace_of_a_newer_version(command: Command, workspace: Workspace) -> None:
    with open_store(workspace, write=True) as connection:
        connection.execute("UPDATE meta SET value = '99' WHERE key = 'schema_version'")
    found = wrong(command("--json", "doctor"))["claims store"]
    assert "newer claimsctl" in found["says"]
    assert "Update claimsctl" in found["mend"]


def test_a_key_that_is_missing_or_another_one(command: Command, workspace: Workspace) -> None:
    secret = secret_path(workspace)
    text = secret.read_text()
    secret.write_text(text.split()[0] + " " + "00" * 32 + "\n")
    assert "does not belong" in wrong(command("--json", "doctor"))["key"]["says"]
    secret.unlink()
    assert "is missing" in wrong(command("--json", "doctor"))["key"]["says"]
    assert not secret.exists(), "none is made"


def test_an_altered_audit_file(command: Command, workspace: Workspace) -> None:
    text = workspace.audit_log.read_text()
    workspace.audit_log.write_text(text.replace('"count":2', '"count":3'))
    assert "altered" in wrong(command("--json", "doctor"))["audit file"]["says"]


def test_rights(command: Command, workspace: Workspace) -> None:
    workspace.root.chmod(0o755)
    states = {each["name"]: each for each in command("--json", "doctor").json["checks"]}
    assert states["permissions"]["state"] == "warning"
    workspace.claims_database.chmod(0o644)
    found = wrong(command("--json", "doctor"))["permissions"]
    assert "claims.duckdb" in found["says"]
    assert found["mend"].startswith("chmod")


def test_little_room_on_the_disk(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    usage = shutil.disk_usage(workspace.root)
    for free, state in ((100_000_000, "wrong"), (1_000_000_000, "warning"), (50_000_000_000, "ok")):
        monkeypatch.setattr(place.shutil, "disk_usage", lambda _, free=free: usage._replace(free=free))
        assert [each.state for each in place.disk_checks(workspace)] == [state]


def test_settings_with_a_mistake(command: Command, workspace: Workspace) -> None:
    workspace.settings_file.write_text("[process]\nprofil = 'session'\n")
    found = wrong(command("--json", "doctor"))["settings"]
    assert "profil" in found["says"]
    assert "profile" in found["mend"]


def test_editions(command: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fees = tmp_path / "fees.csv"
    fees.write_text("# claimsctl table: practice_fees\ncode,fee,valid_from\n90834,150.00,2026-01-01\n")
    loaded = command(
        "reference", "load", fees, "--edition", "E1", "--from", "2020-01-01", "--to", "2020-12-31"
    )
    assert loaded.code == 0, loaded.err
    directory = tmp_path / "workspace" / "reference"
    found = list(EDITION_CHECKS(directory))
    ended = next(each for each in found if "practice_fees" in each.says)
    days = (date.today() - date(2020, 12, 31)).days
    assert (ended.state, f"{days:,} days ago" in ended.says) == ("warning", True)
    (rows,) = (directory / "practice_fees" / "E1").glob("*.parquet")
    rows.write_bytes(rows.read_bytes() + b"x")
    spoilt = next(each for each in EDITION_CHECKS(directory) if each.state == "wrong")
    assert "checksum" in spoilt.says
    assert spoilt.mend is not None
    assert "reference remove practice_fees E1" in spoilt.mend


def test_odbc_drivers_are_found_where_they_are_listed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "odbcinst.ini").write_text(
        "[ODBC Drivers]\nX=Installed\n[ODBC Driver 18 for SQL Server]\nDriver=x\n"
    )
    monkeypatch.setenv("ODBCSYSINI", str(tmp_path))
    monkeypatch.setenv("HOME", str(tmp_path))
    assert surroundings.odbc_drivers() == ["ODBC Driver 18 for SQL Server"]
    monkeypatch.setattr(surroundings, "find_spec", lambda _: None)
    (check,) = surroundings.driver_checks()
    assert (check.state, "pyodbc" in check.says) == ("note", True)


def test_a_run_that_stopped_and_a_backup(command: Command, workspace: Workspace) -> None:
    jobs, job = JobStore(workspace), workspace.new_job_id()
    jobs.create_job(job, "process")
    jobs._update(job, owner={"pid": 1, "started": "0", "boot": "ended", "host": _host(jobs)})
    (workspace.root / "claims.duckdb.schema-2.backup").write_bytes(b"x" * 2_000)
    notes = [each["says"] for each in command("--json", "doctor").json["checks"] if each["state"] == "note"]
    assert any(job in note for note in notes), notes
    assert "Stores of an older claimsctl are kept: 2 kB." in notes


def test_a_run_that_was_made_up_for_is_not_told(command: Command, workspace: Workspace) -> None:
    """By a resume of its resume; or by a later run of the same content, as that of an inbox."""
    jobs = JobStore(workspace)
    gone = {"pid": 1, "started": "0", "boot": "ended", "host": _host(jobs)}
    first, second, third, inbox, later, alone = (workspace.new_job_id() for _ in range(6))
    for job, command_name, parent in (
        (first, "process", None), (second, "resume", first), (third, "resume", second),
        (inbox, "process", None), (later, "process", None), (alone, "process", None),
    ):  # fmt: skip
        jobs.create_job(job, command_name, parent_job=parent)
        jobs.start(job)
    for job in (inbox, later):
        jobs.add_inputs(job, [JobInput("a.csv", "a" * 64)])
    for job in (third, later):
        jobs.finish(job, status="COMPLETED")
    for job in (first, second, inbox, alone):
        jobs._update(job, owner=gone)
    (note,) = [
        each for each in command("--json", "doctor").json["checks"]
        if each["name"] == "jobs" and each["state"] == "note"
    ]  # fmt: skip
    assert note["says"] == f"1 run stopped before the end: {alone}."
    assert note["mend"].endswith(f"claimsctl jobs resume {alone}")


def _host(jobs: JobStore) -> str:
    owner = jobs.list_jobs()[0].owner
    assert owner is not None
    return owner.host


def test_what_keeps_a_check_from_looking_is_told() -> None:
    def busy() -> Any:
        raise StoreBusy("It is in use.")
        yield

    def broken() -> Any:
        raise ValueError("Jane Roe")
        yield

    assert [each.state for each in guarded("x", busy)] == ["warning"]
    (check,) = guarded("x", broken)
    assert check.state == "wrong"
    assert "Roe" not in json.dumps([check.says, check.mend])
    assert list(guarded("x", lambda: iter([Check("x", "ok", "Fine.")]))) == [Check("x", "ok", "Fine.")]
