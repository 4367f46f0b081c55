"""Runs that end at the store: what their record says, and the same command run again into the same place."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from claimsctl import pipeline
from claimsctl.errors import ClaimsctlError, Interrupted, OutputError, StoreError
from claimsctl.process import recording
from claimsctl.process.request import Request
from claimsctl.process.rulebook import Rulebook
from claimsctl.store.job import Job
from claimsctl.store.jobs import JobStore
from claimsctl.store.owner import Owner
from claimsctl.store.workspace import COMMIT_FILE, OWNER_FILE, Workspace
from tests.claims import claim, write_csv
from tests.conftest import Process


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return write_csv(tmp_path / "claims.csv", [claim("A1"), claim("A2", units="0")])


@pytest.fixture
def fails(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Have something of the pipeline fail until it is told otherwise."""

    def fail(place: Any, name: str, error: BaseException | None = None) -> None:
        def refuse(*_: object, **__: object) -> None:
            raise error or StoreError("The disk is full.", hint="Free some space.")

        monkeypatch.setattr(place, name, refuse)

    return fail


def jobs(tmp_path: Path) -> list[Job]:
    return JobStore(Workspace.open(tmp_path / "workspace")).list_jobs()


def job_of(out: Path) -> str:
    return str(json.loads((out / "summary.json").read_text())["job_id"])


@pytest.fixture
def unstored(
    run: Process, path: Path, tmp_path: Path, fails: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> Path:
    """An output directory whose job could not store its claims."""
    with monkeypatch.context():
        stores = pipeline.commit_run
        fails(pipeline, "commit_run")
        with pytest.raises(StoreError, match="disk is full"):
            run(path, out=tmp_path / "out")
        monkeypatch.setattr(pipeline, "commit_run", stores)
    (job,) = jobs(tmp_path)
    assert (job.job_id, job.status) == (job_of(tmp_path / "out"), "FAILED")
    return tmp_path / "out"


def test_the_same_command_takes_the_place_of_what_was_not_stored(
    run: Process, path: Path, unstored: Path, tmp_path: Path
) -> None:
    before = {each.name: each.read_bytes() for each in unstored.iterdir()}
    again: Any = run(path, out=unstored)
    after = {each.name: each.read_bytes() for each in unstored.iterdir()}
    assert job_of(unstored) == again["job_id"] == jobs(tmp_path)[0].job_id
    assert jobs(tmp_path)[0].status == "COMPLETED_WITH_ERRORS"
    assert after["rejected.csv"] == before["rejected.csv"]
    assert after.keys() == before.keys()
    with pytest.raises(OutputError, match=r"holds the output of another run.*Choose another place"):
        run(path, out=unstored)


def test_another_day_is_the_same_command(path: Path, unstored: Path, rulebook: Rulebook) -> None:
    told: list[str] = []
    setting = pipeline.Setting(Workspace.open(unstored.parent / "workspace"), notify=told.append)
    before = job_of(unstored)
    request = Request((str(path),), date(2026, 7, 1), out=unstored)
    pipeline.process(request, rulebook, setting)
    assert told == [f"Replacing the results of job {before}, which were not stored."]


@pytest.mark.parametrize("change", ["option", "content", "input"])
def test_another_command_is_told_what_to_do(run: Process, path: Path, unstored: Path, change: str) -> None:
    before = {each.name: each.read_bytes() for each in unstored.iterdir()}
    options: dict[str, Any] = {"safe_csv": True} if change == "option" else {}
    if change == "content":
        path.write_text(path.read_text().replace("A2", "A3"))
    elif change == "input":
        path = write_csv(path.with_name("others.csv"), [claim("A1")])
    with pytest.raises(OutputError) as refused:
        run(path, out=unstored, **options)
    assert f"It is of job {job_of(unstored)}, whose claims were not stored" in str(refused.value)
    assert {each.name: each.read_bytes() for each in unstored.iterdir()} == before


def test_results_of_another_workspace_are_left_alone(
    run: Process, path: Path, unstored: Path, tmp_path: Path
) -> None:
    (tmp_path / "workspace").rename(tmp_path / "elsewhere")
    with pytest.raises(OutputError, match="Choose another place"):
        run(path, out=unstored)


def test_a_record_that_could_not_be_written_is_written_at_the_next_start(
    run: Process,
    path: Path,
    tmp_path: Path,
    fails: Callable[..., None],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    finish = JobStore.finish
    fails(JobStore, "finish")
    with pytest.raises(StoreError, match=r"are complete and stored.*the next command completes") as told:
        run(path, out=tmp_path / "out")
    assert "run again" not in str(told.value).lower()
    monkeypatch.setattr(JobStore, "finish", finish)
    (private,) = (tmp_path / "workspace" / "tmp").iterdir()
    assert {each.name for each in private.iterdir()} == {OWNER_FILE, COMMIT_FILE}
    (job,) = jobs(tmp_path)  # opens the workspace
    assert job.status == "COMPLETED_WITH_ERRORS"
    assert job.ledger["rows"]["read"] == 2
    assert not private.exists()
    Workspace.open(tmp_path / "workspace")
    assert jobs(tmp_path) == [job]


@pytest.mark.parametrize(
    ("place", "name", "error", "raised"),
    [
        (pipeline.audit, "record", None, StoreError),
        (pipeline, "write_private", None, StoreError),
        (pipeline, "write_private", KeyboardInterrupt(), Interrupted),
        (pipeline, "write_private", ValueError("a defect"), ValueError),
    ],
)
def test_a_stored_job_is_never_recorded_as_failed(
    run: Process,
    path: Path,
    tmp_path: Path,
    fails: Callable[..., None],
    place: Any,
    name: str,
    error: BaseException | None,
    raised: type[BaseException],
) -> None:
    fails(place, name, error)
    with pytest.raises(raised) as told:
        run(path, out=tmp_path / "out")
    assert jobs(tmp_path)[0].status == "COMPLETED_WITH_ERRORS"
    assert not list((tmp_path / "workspace" / "tmp").iterdir())
    if isinstance(told.value, ClaimsctlError):
        assert "complete and stored" in str(told.value)


def test_stopped_just_after_the_commit(
    run: Process, path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The store knows better than the run how far it came."""
    stores = pipeline.commit_run

    def stopped(*arguments: Any, **options: Any) -> None:
        stores(*arguments, **options)
        raise KeyboardInterrupt

    monkeypatch.setattr(pipeline, "commit_run", stopped)
    with pytest.raises(Interrupted, match="complete and stored"):
        run(path, out=tmp_path / "out")
    assert jobs(tmp_path)[0].status == "COMPLETED_WITH_ERRORS"


def test_a_store_that_cannot_be_asked_is_asked_at_the_next_start(
    run: Process,
    path: Path,
    tmp_path: Path,
    fails: Callable[..., None],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    fails(pipeline, "commit_run")
    fails(recording, "is_committed")
    with pytest.raises(StoreError, match="disk is full"):
        run(path, out=tmp_path / "out")
    monkeypatch.setattr(Owner, "is_dead", lambda *_: True)
    assert jobs(tmp_path)[0].status == "INTERRUPTED"
    assert not list((tmp_path / "workspace" / "tmp").iterdir())
