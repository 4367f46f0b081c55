"""`process --to`: what comes into a database, and what becomes of a job whose database fails."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from claimsctl.errors import ConnectError, StoreError
from claimsctl.process.sending import END
from claimsctl.sql import load
from claimsctl.sql.database import Database
from claimsctl.sql.ddl import statements
from claimsctl.sql.outbox import Outbox
from claimsctl.store import commit
from claimsctl.store.jobs import JobStore
from claimsctl.store.workspace import Workspace
from tests.claims import claim, write_csv
from tests.commands import Command, Ended
from tests.conftest import AS_OF

DAY = ("--as-of", AS_OF.isoformat())
GOOD, BAD = claim("A1"), claim("B1", charge_amount="-5.00")
TWO_LINES = [claim("C1"), claim("C1", line_number="2", procedure_code="99214", charge_amount="180.00")]
Run = Callable[..., Ended]


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    return Workspace.open(tmp_path / "workspace")


@pytest.fixture
def target(workspace: Workspace, tmp_path: Path) -> Path:
    """A SQLite file with our tables, named `production` in the settings."""
    return made_target(workspace, tmp_path / "target.db", "plain")


def made_target(workspace: Workspace, path: Path, phi: str) -> Path:
    settings = workspace.settings_file.read_text() if workspace.settings_file.exists() else ""
    name = "production" if "production" not in settings else path.stem
    workspace.settings_file.write_text(f'{settings}[sql.{name}]\nurl = "sqlite:///{path}"\nphi = "{phi}"\n')
    with closing(sqlite3.connect(path)) as connection:
        for statement in statements("sqlite", None, "claimsctl_", phi):
            connection.execute(statement)
        connection.commit()
    return path


@contextmanager
def refusing(*names: str) -> Iterator[None]:
    """Databases of these names take nothing."""
    deliver = load.deliver

    def refuse(outbox: Outbox, database: Database, **options: Any) -> load.Delivered:
        if database.name in names:
            raise ConnectError(f"{database.name} has gone away.")
        return deliver(outbox, database, **options)

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(load, "deliver", refuse)
        yield


@pytest.fixture
def ran(command: Command, workspace: Workspace, tmp_path: Path) -> Run:
    """Process rows as a file of their own, into `production`."""
    made: list[Path] = []

    def run(*rows: Mapping[str, str], options: tuple[object, ...] = ("--to", "production")) -> Ended:
        made.append(write_csv(tmp_path / f"{len(made)}.csv", rows))
        out = tmp_path / f"out-{len(made)}"
        return command("process", made[-1], "--out", out, *DAY, "--json", *options)

    return run


def rows(path: Path, query: str) -> list[tuple[Any, ...]]:
    with closing(sqlite3.connect(path)) as connection:
        return connection.execute(query).fetchall()


def claims(path: Path) -> dict[str, tuple[float, int]]:
    """Charge and number of lines by claim number, with the lines counted in their own table."""
    found = rows(
        path,
        "SELECT c.claim_number, c.charge_total, c.line_count, count(*) FROM claimsctl_claims c JOIN "
        "claimsctl_claim_lines l USING (practice_id, claim_number, payer_sequence) GROUP BY 1, 2, 3",
    )
    assert all(said == there for _, _, said, there in found)
    return {number: (float(charge), lines) for number, charge, lines, _ in found}


def last_job(workspace: Workspace) -> Any:
    return JobStore(workspace).list_jobs(limit=1)[0]


def test_accepted_claims_and_all_findings_arrive(ran: Run, target: Path, workspace: Workspace) -> None:
    ended = ran(GOOD, BAD, *TWO_LINES)
    assert ended.code == 0, ended.err
    assert claims(target) == {"A1": (120.0, 1), "C1": (300.0, 2)}
    told = ended.json["sent"]["production"]
    assert (told["claims"], told["inserted"], told["lines"]) == (2, 2, 3)
    errors = pl.read_csv(Path(ended.json["outputs"]["errors"]), infer_schema=False)
    found = rows(target, "SELECT claim_number, code FROM claimsctl_claim_findings ORDER BY finding_number")
    assert found == [tuple(each) for each in errors.select("claim_number", "code").rows()]
    assert ("B1", "FIN-001") in found or any(number == "B1" for number, _ in found)
    ((status, read, rejected),) = rows(target, "SELECT status, rows_read, rows_rejected FROM claimsctl_jobs")
    assert (status, read, rejected) == ("COMPLETED_WITH_ERRORS", 4, 1)
    assert last_job(workspace).status == "COMPLETED_WITH_ERRORS"
    assert not workspace.outbox_directory(ended.json["job_id"]).exists()


def test_the_risk_of_a_claim_arrives_and_makes_no_new_version_of_it(ran: Run, target: Path) -> None:
    ended = ran(GOOD, *TWO_LINES)
    accepted = pl.read_parquet(Path(ended.json["outputs"]["accepted"]))
    said = accepted.unique("claim_number").sort("claim_number")
    names = ("claim_number", "denial_risk", "risk_band", "risk_source", "risk_reasons", "expected_loss")
    query = f"SELECT {', '.join(names)} FROM claimsctl_claims ORDER BY 1"
    arrived = rows(target, query)
    assert [row[:5] for row in arrived] == said.select(names[:5]).rows()
    assert [row[5] for row in arrived] == [None if x is None else float(x) for x in said["expected_loss"]]
    assert {row[3] for row in arrived} == {"rules"}
    again = ran(GOOD, *TWO_LINES, options=("--to", "production", "--as-of", "2026-08-30"))
    later = pl.read_parquet(Path(again.json["outputs"]["accepted"]))
    assert set(later["denial_risk"]) != set(said["denial_risk"]), "the filing limit is nearer"
    assert again.json["sent"]["production"]["unchanged"] == 2
    assert rows(target, query) == arrived


def test_the_same_file_again_changes_nothing(ran: Run, target: Path) -> None:
    ran(GOOD, *TWO_LINES)
    before = rows(target, "SELECT * FROM claimsctl_claim_lines ORDER BY claim_number, line_number")
    again = ran(GOOD, *TWO_LINES)
    assert again.json["sent"]["production"]["unchanged"] == 2
    assert rows(target, "SELECT * FROM claimsctl_claim_lines ORDER BY claim_number, line_number") == before


def test_a_changed_claim_replaces_its_lines_and_rollback_brings_them_back(
    ran: Run, command: Command, target: Path
) -> None:
    ran(GOOD, *TWO_LINES)
    shorter = claim("C1", charge_amount="99.00")
    changed = ran(shorter, options=("--to", "production", "--duplicates", "update"))
    assert changed.json["sent"]["production"]["updated"] == 1
    assert claims(target) == {"A1": (120.0, 1), "C1": (99.0, 1)}
    asked = command("jobs", "rollback", changed.json["job_id"])
    assert asked.code == 2
    assert "taken back in production too" in asked.err
    assert command("jobs", "rollback", changed.json["job_id"], "--yes").code == 0
    assert claims(target) == {"A1": (120.0, 1), "C1": (300.0, 2)}
    assert rows(target, "SELECT status FROM claimsctl_jobs ORDER BY job_id")[-1] == ("ROLLED_BACK",)


def test_a_job_whose_claims_came_again_is_not_taken_back_before_the_later_one(
    ran: Run, command: Command, target: Path
) -> None:
    """The rows are those of the first job there, also while the later one keeps the claims in the store."""
    first, again = ran(GOOD, BAD), ran(GOOD, *TWO_LINES)
    before = claims(target)
    for options in ("--dry-run", "--yes"):
        refused = command("jobs", "rollback", first.json["job_id"], options)
        assert refused.code == 2
        assert f"{again.json['job_id']} found claims of job {first.json['job_id']} the same" in refused.err
        assert "Roll back that job first" in refused.err
    assert claims(target) == before
    assert command("jobs", "rollback", again.json["job_id"], "--yes").code == 0
    assert claims(target) == {"A1": (120.0, 1)}
    assert command("jobs", "rollback", first.json["job_id"], "--yes").code == 0
    assert claims(target) == {}


def test_a_later_job_that_was_not_sent_there_holds_nothing_up(
    ran: Run, command: Command, target: Path
) -> None:
    first = ran(GOOD)
    ran(GOOD, options=())
    assert command("jobs", "rollback", first.json["job_id"], "--yes").code == 0
    assert claims(target) == {}


def test_a_failed_delivery_is_gone_on_with(
    ran: Run, command: Command, workspace: Workspace, target: Path
) -> None:
    with refusing("production"):
        ended = ran(GOOD, BAD)
    assert ended.code == 4
    job = last_job(workspace)
    assert f"claimsctl jobs resume {job.job_id}" in ended.err
    assert "production has gone away" in ended.err
    assert job.status == "FAILED"
    assert "not delivered" in job.error
    listed = command("jobs", "list", "--failed", "--json").json["jobs"]
    assert [each["job_id"] for each in listed] == [job.job_id]
    assert command("claims", "list", "--json").json["claims"], "checked and stored all the same"
    with refusing("production"):
        assert command("jobs", "resume", job.job_id).code == 4
    resumed = command("jobs", "resume", job.job_id, "--json")
    assert resumed.code == 0, resumed.err
    assert resumed.json["sent"]["production"]["inserted"] == 1
    assert claims(target) == {"A1": (120.0, 1)}
    job = last_job(workspace)
    assert (job.status, job.error) == ("COMPLETED_WITH_ERRORS", None)
    assert "nothing to resume" in command("jobs", "resume", job.job_id).out


def test_what_an_earlier_job_left_goes_first(
    ran: Run, command: Command, workspace: Workspace, target: Path
) -> None:
    with refusing("production"):
        ran(GOOD, *TWO_LINES)
    first = last_job(workspace).job_id
    newer = claim("C1", charge_amount="99.00")
    ended = ran(newer, options=("--to", "production", "--duplicates", "update"))
    assert ended.code == 0, ended.err
    assert f"first what job {first} has left" in ended.err
    assert claims(target) == {"A1": (120.0, 1), "C1": (99.0, 1)}, "the older version has not come last"
    job = JobStore(workspace).get(first)
    assert (job.status, job.error) == ("COMPLETED", None)
    assert [path.name for path in workspace.sending_directory.iterdir()] == ["production.lock"]
    assert "nothing to resume" in command("jobs", "resume", first).out


def test_a_job_killed_when_all_had_arrived_gets_its_end(ran: Run, workspace: Workspace, target: Path) -> None:
    first = ran(GOOD).json["job_id"]
    # As a kill leaves it between the last batch and the end of the record.
    left = workspace.outbox_directory(first)
    left.mkdir()
    (left / END).write_text('{"status": "COMPLETED", "to": ["production"], "stored": false}')
    JobStore(workspace).fail(first, "Checked and stored, not delivered to production yet.")
    ended = ran(*TWO_LINES)
    assert "has left" not in ended.err, "nothing of it is sent again"
    job = JobStore(workspace).get(first)
    assert (job.status, job.error) == ("COMPLETED", None)
    assert [path.name for path in workspace.sending_directory.iterdir()] == ["production.lock"]


def test_a_job_that_was_not_delivered_can_be_rolled_back(
    ran: Run, command: Command, workspace: Workspace, target: Path
) -> None:
    with refusing("production"):
        assert ran(GOOD).code == 4
    job = last_job(workspace).job_id
    assert command("jobs", "rollback", job, "--yes").code == 0
    assert not workspace.outbox_directory(job).exists()
    assert rows(target, "SELECT count(*) FROM claimsctl_claims") == [(0,)]
    assert "rolled back" in command("jobs", "rollback", job, "--yes").out


def test_of_two_databases_the_one_that_fails_does_not_stop_the_other(
    ran: Run, command: Command, workspace: Workspace, target: Path, tmp_path: Path
) -> None:
    other = made_target(workspace, tmp_path / "other.db", "plain")
    with refusing("other"):
        ended = ran(GOOD, options=("--to", "other", "--to", "production"))
    assert ended.code == 4
    assert claims(target) == {"A1": (120.0, 1)}
    resumed = command("jobs", "resume", "last", "--json")
    assert list(resumed.json["sent"]) == ["other"], "the first has it all"
    assert claims(other) == claims(target)


def test_nothing_waits_of_a_run_that_was_not_stored(
    ran: Run, workspace: Workspace, target: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise StoreError("The store is on fire.")

    monkeypatch.setattr(commit._Commit, "run", fail)
    assert ran(GOOD).code == 4
    assert not workspace.outbox_directory(last_job(workspace).job_id).exists()
    assert rows(target, "SELECT count(*) FROM claimsctl_claims") == [(0,)]


def test_files_of_an_inbox_arrive_beside_an_output_directory_of_that_name(
    command: Command, target: Path, workspace: Workspace
) -> None:
    inbox = workspace.root / "inbox"
    inbox.mkdir()
    for name, number in (("one", "A1"), ("two", "B1")):
        write_csv(inbox / f"{name}.csv", [claim(number)])
    with workspace.settings_file.open("a") as settings:
        settings.write('[inbox]\nout = "outbox"\nsettle_seconds = 0\n')
    done = workspace.root / "done"
    ended = command("process", inbox, "--move-to", done, "--to", "production", *DAY, "--json")
    assert ended.code == 0, ended.err
    assert claims(target) == {"A1": (120.0, 1), "B1": (120.0, 1)}
    assert len(list((workspace.root / "outbox").glob("*/summary.json"))) == 2


def test_corrected_rows_arrive_by_a_retry(ran: Run, command: Command, target: Path, tmp_path: Path) -> None:
    first = ran(GOOD, BAD)
    rejected = pl.read_csv(Path(first.json["outputs"]["rejected"]), infer_schema=False)
    fixed = tmp_path / "fixed.csv"
    rejected.with_columns(charge_amount=pl.lit("75.00")).write_csv(fixed)
    retried = command("jobs", "retry", first.json["job_id"], "--with", fixed, *DAY, "--json")
    assert retried.code == 0, retried.err
    assert retried.json["sent"]["production"]["inserted"] == 1
    assert claims(target) == {"A1": (120.0, 1), "B1": (75.0, 1)}


@pytest.mark.parametrize("phi", ["mask", "encrypt"])
def test_identifiers_stay_unreadable_where_settings_say_so(
    ran: Run, workspace: Workspace, tmp_path: Path, phi: str
) -> None:
    target = made_target(workspace, tmp_path / "target.db", phi)
    person = claim("A1", patient_last_name="Quixotename", patient_first_name="Zebulonia")
    assert ran(person).code == 0
    held = target.read_bytes()
    for secret in (b"Quixotename", b"Zebulonia", person["member_id"].encode(), b"1 Main St"):
        assert secret not in held
    assert b"99213" in held, "what describes no person is as it is"


def test_a_database_that_is_not_ready_is_told_before_anything_is_read(
    ran: Run, target: Path, workspace: Workspace
) -> None:
    with closing(sqlite3.connect(target)) as connection:
        connection.execute("DROP TABLE claimsctl_claim_lines")
    ended = ran(GOOD)
    assert ended.code == 4
    assert "production has no table claimsctl_claim_lines" in ended.err
    assert "claimsctl sql init --to production" in ended.err
    target.unlink()
    assert ran(GOOD).code == 4
    assert JobStore(workspace).list_jobs() == []


def test_what_cannot_be_meant_is_refused_before_anything_is_read(
    ran: Run, target: Path, workspace: Workspace, tmp_path: Path
) -> None:
    for given, said in (
        (("--to", "elsewhere"), "There is no [sql.elsewhere]"),
        (("--to", "production", "--to", "production"), "twice"),
        (("--to", f"sqlite:///{tmp_path / 'x.db'}"), "nothing says how patient data is written"),
        (("--to", "postgresql://me:secret@host/db"), "holds a password"),
    ):
        ended = ran(GOOD, options=given)
        assert ended.code == 2, ended.err
        assert said in ended.err
        assert "secret" not in ended.err
    assert JobStore(workspace).list_jobs() == []


def test_a_dry_run_sends_nothing(ran: Run, target: Path) -> None:
    ended = ran(GOOD, options=("--to", "production", "--dry-run"))
    assert ended.code == 0
    assert rows(target, "SELECT count(*) FROM claimsctl_claims") == [(0,)]


def test_held_claims_do_not_go_out(ran: Run, target: Path) -> None:
    held = claim("H1", service_date_from="2026-04-10", service_date_to="2026-04-10")  # 9 days are left
    ended = ran(GOOD, held, BAD, options=("--to", "production", "--hold-above", "0.2"))
    assert ended.code == 0, ended.err
    assert claims(target) == {"A1": (120.0, 1)}
    assert rows(target, "SELECT rows_accepted, rows_held, rows_rejected FROM claimsctl_jobs") == [(1, 1, 1)]
