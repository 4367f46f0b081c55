"""Taking back what a job added, whatever other jobs did before and after."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

import pytest

from claimsctl.errors import StoreError
from claimsctl.jobs.rolling import roll_back_job
from claimsctl.pipeline import Setting, process
from claimsctl.process.request import Request
from claimsctl.process.rulebook import Rulebook
from claimsctl.store import rollback as store_rollback
from claimsctl.store.database import open_store
from claimsctl.store.jobs import JobStore
from claimsctl.store.workspace import Workspace
from tests.claims import claim, write_csv
from tests.commands import Command
from tests.conftest import AS_OF
from tests.soak.conftest import stored

DAY = ("--as-of", AS_OF.isoformat())
Run = Callable[..., str]


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    return Workspace.open(tmp_path / "workspace")


@pytest.fixture
def ran(command: Command, tmp_path: Path) -> Run:
    """Process rows as a file of their own; the id of the job."""
    made: list[Path] = []

    def run(*rows: Mapping[str, str], options: Iterable[str] = ()) -> str:
        made.append(write_csv(tmp_path / f"{len(made)}.csv", rows))
        out = tmp_path / f"out-{len(made)}"
        ended = command("process", made[-1], "--out", out, *DAY, "--json", *options)
        assert ended.code == 0, ended.err
        return str(ended.json["job_id"])

    return run


def roll_back(command: Command, job: str) -> Any:
    ended = command("jobs", "rollback", job, "--yes", "--json")
    assert ended.code == 0, ended.err
    return ended.json


def current(workspace: Workspace) -> dict[str, tuple[int, str, str]]:
    """Version, status and job of the current claims; checks what must hold of the files on the way."""
    stored(workspace.root)
    with open_store(workspace, write=False) as connection:
        rows = connection.execute("SELECT claim_number, version, status, job_id FROM claims WHERE is_current")
        found = {number: (version, status, job) for number, version, status, job in rows.fetchall()}
        named = {row[0] for row in connection.execute("SELECT DISTINCT file FROM patients").fetchall()}
        missing = connection.execute(
            "SELECT count(*) FROM claims c WHERE patient_key IS NOT NULL AND NOT EXISTS ("
            "SELECT 1 FROM patients p WHERE p.patient_key = c.patient_key)"
        ).fetchone()
    assert missing == (0,), "every claim has its patient"
    there = {str(p.relative_to(workspace.root)) for p in workspace.root.glob("lines/*/patients-*")}
    assert named == there
    return found


def history(workspace: Workspace, number: str) -> list[tuple[int, str | None, str | None, str]]:
    with open_store(workspace, write=False) as connection:
        return connection.execute(
            "SELECT version, from_status, to_status, action FROM claim_status_history "
            "WHERE claim_number = ? ORDER BY changed_at, version",
            [number],
        ).fetchall()


def test_what_a_job_added_goes(command: Command, ran: Run, workspace: Workspace) -> None:
    first = ran(claim("A"))
    second = ran(claim("B", line_note="a note"), claim("C", charge_amount="-5"))
    done = roll_back(command, second)
    assert (done["claims"], done["removed"], done["restored"], done["lines"]) == (2, 2, 0, 2)
    assert done["patients"] == 2
    assert current(workspace) == {"A": (1, "VALIDATED", first)}
    assert not (workspace.root / "lines" / second).exists()
    assert history(workspace, "B") == [
        (1, None, "VALIDATED", "run"), (1, "VALIDATED", None, "rollback"),
    ]  # fmt: skip
    jobs = JobStore(workspace)
    assert jobs.get(second).status == "ROLLED_BACK"
    assert (jobs.get(done["job_id"]).command, jobs.get(done["job_id"]).parent_job) == ("rollback", second)
    shown = command("jobs", "show", done["job_id"]).out
    assert "claims 2, lines 2, removed 2, patients 2" in shown
    again = command("jobs", "rollback", second, "--yes")
    assert again.code == 0
    assert "was rolled back before" in again.out
    assert command("jobs", "retry", second).code == 2


def test_what_it_replaced_is_in_force_again(command: Command, ran: Run, workspace: Workspace) -> None:
    """Also where a rejected version, which never came into force, lies between."""
    first = ran(claim("A"), claim("B"))
    ran(claim("A", charge_amount="-5"), options=("--duplicates", "update"))
    third = ran(claim("A", charge_amount="99.00"), options=("--duplicates", "update"))
    assert current(workspace)["A"] == (3, "VALIDATED", third)
    done = roll_back(command, third)
    assert (done["claims"], done["restored"], done["removed"]) == (1, 1, 0)
    assert current(workspace) == {"A": (1, "VALIDATED", first), "B": (1, "VALIDATED", first)}
    assert history(workspace, "A")[-2:] == [
        (3, "VALIDATED", None, "rollback"),
        (1, None, "VALIDATED", "rollback"),
    ]
    same = ran(claim("A"))
    assert current(workspace)["A"] == (1, "VALIDATED", first), f"{same} finds it unchanged"


def test_what_later_jobs_replaced_stays_theirs(command: Command, ran: Run, workspace: Workspace) -> None:
    first = ran(claim("A"), claim("B"))
    second = ran(claim("A", charge_amount="99.00"), options=("--duplicates", "update"))
    done = roll_back(command, first)
    assert (done["claims"], done["replaced_since"], done["removed"]) == (2, 1, 1)
    assert current(workspace) == {"A": (2, "VALIDATED", second)}
    roll_back(command, second)
    assert current(workspace) == {}


def test_a_claim_that_was_deleted_stays_deleted_and_can_be_restored(
    command: Command, ran: Run, workspace: Workspace
) -> None:
    first = ran(claim("A"))
    second = ran(claim("A", charge_amount="99.00"), options=("--duplicates", "update"))
    assert command("claims", "delete", "A", "--yes").code == 0
    asked = command("jobs", "rollback", second)
    assert "1 claim deleted in another version, which can be restored" in asked.err
    done = roll_back(command, second)
    assert (done["claims"], done["restored"], done["deleted"], done["removed"]) == (1, 0, 1, 0)
    assert current(workspace) == {}
    assert history(workspace, "A")[-2:] == [(2, None, None, "rollback"), (1, None, None, "rollback")]
    assert "(deleted)" in command("claims", "show", "A").out
    assert "A,VALIDATED" in command("claims", "list", "--deleted").out
    assert command("claims", "restore", "A").code == 0
    assert current(workspace) == {"A": (1, "VALIDATED", first)}


def test_a_rejected_version_counts_when_the_accepted_one_has_gone(
    command: Command, ran: Run, workspace: Workspace
) -> None:
    """And the file with the mistake counts again when no version is in force."""
    first = ran(claim("A"))
    wrong = [claim("A", charge_amount="-5"), claim("B")]
    second = ran(*wrong, options=("--duplicates", "update"))
    assert current(workspace)["A"] == (1, "VALIDATED", first)
    done = roll_back(command, first)
    assert (done["claims"], done["restored"], done["removed"]) == (1, 1, 0)
    assert current(workspace) == {"A": (2, "INVALID", second), "B": (1, "VALIDATED", second)}
    assert command("claims", "delete", "A", "--yes").code == 0
    third = ran(*wrong)
    assert current(workspace)["A"] == (3, "INVALID", third)


def test_what_later_jobs_saw_unchanged_becomes_theirs(
    command: Command, ran: Run, workspace: Workspace
) -> None:
    notes = {"line_note": "kept apart", "Odd": "carried through"}
    first = ran(claim("A"), claim("B", **notes), claim("C"), claim("D", charge_amount="-5"))
    second = ran(claim("B", **notes))
    third = ran(claim("B", **notes), claim("C"), claim("D", charge_amount="-5"), claim("E"))
    done = roll_back(command, first)
    assert (done["claims"], done["kept"], sorted(done["kept_for"])) == (1, 3, [second, third])
    assert current(workspace) == {
        "B": (1, "VALIDATED", second), "C": (1, "VALIDATED", third), "D": (1, "INVALID", third),
        "E": (1, "VALIDATED", third),
    }  # fmt: skip
    shown = command("claims", "show", "B", "--json")
    assert shown.code == 0, shown.err
    assert len(shown.json["line_items"]) == 1
    roll_back(command, second)
    assert current(workspace)["B"] == (1, "VALIDATED", third)
    roll_back(command, third)
    assert current(workspace) == {}
    assert list((workspace.root / "lines").rglob("*.parquet")) == []


def test_verdicts_a_job_changed_are_set_back(command: Command, ran: Run, workspace: Workspace) -> None:
    rows = [claim("A", service_date_from="2026-07-10", service_date_to="2026-07-10")]
    first = ran(*rows)
    assert current(workspace)["A"][1] == "INVALID"
    again = command("jobs", "retry", first, "--as-of", "2026-07-20", "--json").json
    assert current(workspace)["A"] == (1, "VALIDATED", first)
    done = roll_back(command, again["job_id"])
    assert (done["claims"], done["statuses"]) == (0, 1)
    assert current(workspace)["A"] == (1, "INVALID", first)
    assert history(workspace, "A")[-1] == (1, "VALIDATED", "INVALID", "rollback")


def test_file_can_be_run_again_after_a_rollback(command: Command, ran: Run, workspace: Workspace) -> None:
    roll_back(command, ran(claim("A")))
    path = next(workspace.root.parent.glob("0.csv"))
    again = command("process", path, *DAY, "--json").json
    assert again["history"]["seen_before"] == {}
    assert again["duplicates"]["found"] == 0
    assert again["since_last"] is None
    assert current(workspace)["A"][1] == "VALIDATED"


def test_claims_that_went_on_to_a_payer_are_not_rolled_back(
    command: Command, ran: Run, workspace: Workspace
) -> None:
    job = ran(claim("A"), claim("B"))
    assert command("claims", "set-status", "A", "SUBMITTED").code == 0
    refused = command("jobs", "rollback", job, "--yes")
    assert refused.code == 2
    assert "1 SUBMITTED" in refused.err
    assert len(current(workspace)) == 2
    assert JobStore(workspace).get(job).status == "COMPLETED"


def test_it_asks_before_with_the_numbers(command: Command, ran: Run, workspace: Workspace) -> None:
    job = ran(claim("A"), claim("B"))
    refused = command("jobs", "rollback", job)
    assert refused.code == 2
    assert "2 claim versions (2 lines) go; 2 claims of them had no other version" in refused.err
    dry = command("jobs", "rollback", job, "--dry-run")
    assert dry.code == 0
    assert "would be rolled back: 2 claim versions" in dry.out
    assert len(current(workspace)) == 2
    assert [j.command for j in JobStore(workspace).list_jobs()] == ["process"]


@pytest.mark.parametrize("where", ["before", "after"])
def test_a_rollback_that_fails_is_finished_or_undone(
    command: Command, ran: Run, workspace: Workspace, monkeypatch: pytest.MonkeyPatch, where: str
) -> None:
    """Just before its transaction ends, and just after: before files are removed."""
    first = ran(claim("A"), claim("B"))
    second = ran(claim("B"))
    before = current(workspace)

    def fail(*_: object) -> None:
        raise OSError(28, "full")

    with monkeypatch.context() as patch:
        if where == "before":
            patch.setattr(store_rollback.Remains, "keep_patients", fail)
        else:
            patch.setattr(store_rollback, "clear_up", fail)
        assert command("jobs", "rollback", first, "--yes").code == 4
    jobs = JobStore(workspace)
    if where == "before":
        assert current(workspace) == before
        assert (jobs.get(first).status, jobs.list_jobs(limit=1)[0].status) == ("COMPLETED", "FAILED")
        roll_back(command, first)
    assert current(workspace) == {"B": (1, "VALIDATED", second)}
    assert jobs.get(first).status == "ROLLED_BACK"


def test_jobs_that_stored_nothing(command: Command, workspace: Workspace) -> None:
    jobs = JobStore(workspace)
    failed, running = workspace.new_job_id(), workspace.new_job_id()
    for job in (failed, running):
        jobs.create_job(job, "process")
    jobs.fail(failed, "no")
    assert "it stored nothing" in command("jobs", "rollback", failed, "--yes").err
    assert "it runs still" in command("jobs", "rollback", running, "--yes").err


def test_a_run_whose_patients_are_rolled_back_meanwhile_is_repeated(
    command: Command, ran: Run, workspace: Workspace, rulebook: Rulebook, tmp_path: Path
) -> None:
    """It has not sealed them, as they were stored when it began."""
    first = ran(claim("A", member_id="XYQ4410078"))
    path = write_csv(tmp_path / "b.csv", [claim("B", member_id="XYQ4410078")])

    def meanwhile(stage: str, *_: object) -> None:
        if stage == "storing":
            roll_back_job(workspace, JobStore(workspace).get(first), print)

    request = Request((str(path),), AS_OF, out=tmp_path / "out")
    with pytest.raises(StoreError, match="by the rollback of another job"):
        process(request, rulebook, Setting(workspace, progress=meanwhile))
    assert current(workspace) == {}
    failed = JobStore(workspace).list_jobs("FAILED")[0].job_id
    resumed = command("jobs", "resume", failed, "--json")
    assert resumed.code == 0, resumed.err
    assert current(workspace)["B"][1] == "VALIDATED"


def risks(workspace: Workspace) -> dict[str, tuple[float, bool]]:
    with open_store(workspace, write=False) as connection:
        rows = connection.execute("SELECT claim_number, denial_risk, held FROM claims WHERE is_current")
        return {number: (risk, held) for number, risk, held in rows.fetchall()}


def test_a_claim_says_of_its_risk_what_it_said_before(
    command: Command, ran: Run, workspace: Workspace
) -> None:
    late = claim("A", service_date_from="2026-04-10", service_date_to="2026-04-10")
    ran(late, options=("--as-of", "2026-05-01"))
    ((before, held),) = risks(workspace).values()
    assert not held
    second = ran(late, options=("--hold-above", "0.01"))
    ((later, held),) = risks(workspace).values()
    assert (later > before, held) == (True, True), "the filing limit is nearer"
    asked = command("jobs", "rollback", second)
    assert "denial risks of 1 claim of other jobs set back" in asked.err
    assert roll_back(command, second)["risks"] == 1
    assert risks(workspace) == {"A": (before, False)}
    assert not workspace.risks_file(second).exists()


def test_what_a_later_job_said_of_a_risk_stays(command: Command, ran: Run, workspace: Workspace) -> None:
    ran(claim("A"))
    second = ran(claim("A"), options=("--hold-above", "0.01"))
    ran(claim("A"), options=("--as-of", "2026-07-20"))
    ((risk, held),) = risks(workspace).values()
    assert not held
    assert roll_back(command, second)["risks"] == 0
    assert risks(workspace) == {"A": (risk, False)}
