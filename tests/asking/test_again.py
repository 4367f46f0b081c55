"""Going on after a stop, and trying again what failed: no answered claim is asked twice, none is skipped."""

from __future__ import annotations

import os
import signal
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from claimsctl.asking.again import resuming, retrying
from claimsctl.asking.request import Place, StatusRequest
from claimsctl.asking.run import check_status
from claimsctl.errors import InputError, Interrupted, OutsideError, UsageError
from claimsctl.inquiry.filters import Filters
from claimsctl.payers.inquiry import Answer, Inquiry
from claimsctl.settings_payers import PayerMapSettings
from claimsctl.store.jobs import JobStore
from tests.asking.conftest import AS_OF, Check, row, status_file
from tests.asking.fakes import AT, FakeAsker, error, paid

CLAIMS = 30


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return status_file(tmp_path / "ask.csv", *(row(f"C-{n}") for n in range(CLAIMS)))


def run(place: Place, request: StatusRequest, asker: FakeAsker, again: Any = None) -> dict[str, Any]:
    return check_status(request, replace(place, asker=asker), again)


def last_job(place: Place) -> Any:
    return JobStore(place.workspace).list_jobs(limit=1)[0]


def stopping(place: Place, at: int) -> FakeAsker:
    """Asks for a cancel from elsewhere once so many claims were asked."""
    jobs = JobStore(place.workspace)

    def before(asked: int) -> None:
        if asked == at:
            jobs.ask_to_cancel(last_job(place).job_id)
            jobs._told.clear()

    return FakeAsker(before=before)


def test_a_cancelled_job_goes_on_where_it_was(
    place: Place, file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("claimsctl.store.jobs._PROGRESS_SECONDS", 0.0)
    asker = stopping(place, 7)
    request = StatusRequest(AS_OF, (str(file),), out=tmp_path / "out")
    with pytest.raises(Interrupted, match="answered; these answers are kept"):
        run(place, request, asker)
    job = last_job(place)
    assert job.status == "CANCELLED"
    assert not (tmp_path / "out").exists()
    assert 0 < len(asker.asked) < CLAIMS
    file.unlink()  # it is not read again
    asked_before = len(asker.asked)
    asker.before = lambda _n: None
    summary = run(place, *_swapped(place, job, asker))
    assert set(asker.times.values()) == {1}
    assert len(asker.times) == CLAIMS
    assert summary["claims"]["answered"] == CLAIMS
    assert summary["routes"][0]["claims"] == CLAIMS - asked_before
    assert (tmp_path / "out" / "status.csv").exists()


def test_a_stopped_job_says_how_far_it_came(
    place: Place, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Though the last progress of the moment was not due yet."""
    monkeypatch.setattr("claimsctl.store.jobs._PROGRESS_SECONDS", 3600.0)
    asker = FakeAsker(before=lambda asked: os.kill(os.getpid(), signal.SIGINT) if asked == 12 else None)
    with pytest.raises(Interrupted) as stopped:
        run(place, StatusRequest(AS_OF, (str(file),)), asker)
    job = last_job(place)
    assert f"Of {CLAIMS} claims {job.rows_done} are answered" in str(stopped.value)
    assert (job.rows_done, job.progress["done"]) == (len(asker.asked), len(asker.asked))


def _swapped(place: Place, job: Any, asker: FakeAsker) -> tuple[StatusRequest, FakeAsker, Any]:
    request, again = resuming(place.workspace, job)
    return request, asker, again


def test_a_job_stopped_twice_is_resumed_from_its_last_job(
    place: Place, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("claimsctl.store.jobs._PROGRESS_SECONDS", 0.0)
    asker = stopping(place, 5)
    with pytest.raises(Interrupted):
        run(place, StatusRequest(AS_OF, (str(file),)), asker)
    asker.before = stopping(place, 12).before
    with pytest.raises(Interrupted):
        run(place, *_swapped(place, last_job(place), asker))
    asker.before = lambda _n: None
    summary = run(place, *_swapped(place, last_job(place), asker))
    assert (set(asker.times.values()), len(asker.times)) == ({1}, CLAIMS)
    assert summary["stored"]["new"] == CLAIMS


def test_what_was_stopped_before_it_asked_needs_its_file(
    place: Place, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import claimsctl.asking.run as module

    def killed(*_: Any) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(module._Job, "_put", killed)
        with pytest.raises(Interrupted, match="Of 0 claims 0 are answered"):
            run(place, StatusRequest(AS_OF, (str(file),)), FakeAsker())
    job = last_job(place)
    text = file.read_text()
    file.write_text(text + row("C-new") + "\n")
    with pytest.raises(InputError, match="changed since job"):
        resuming(place.workspace, job)
    file.write_text(text)
    os.utime(file, (0, 0))
    asker = FakeAsker()
    assert run(place, *_swapped(place, job, asker))["claims"]["answered"] == CLAIMS


def test_claims_of_the_store_are_not_read_again(place: Place, check: Check, tmp_path: Path) -> None:
    import claimsctl.asking.run as module

    check(status_file(tmp_path / "ask.csv", row("C-1")))
    request = StatusRequest(AS_OF, filters=Filters())

    def killed(*_: Any) -> None:
        raise KeyboardInterrupt

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module._Job, "_put", killed)
        with pytest.raises(Interrupted):
            run(place, request, FakeAsker())
    with pytest.raises(UsageError, match="before anybody was asked"):
        resuming(place.workspace, last_job(place))


def test_findings_are_those_of_the_job_that_took_the_claims_in(
    place: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Killed while it took them in, then while it asked: the third job reports every finding once."""
    import claimsctl.asking.run as module

    def killed(*_: Any) -> None:
        raise KeyboardInterrupt

    file = status_file(tmp_path / "ask.csv", row("C-1"), row("C-2", dob="1/1/2099"))
    request = StatusRequest(AS_OF, (str(file),), out=tmp_path / "out")
    for name in ("_put", "_ask"):
        with monkeypatch.context() as patch:
            patch.setattr(module._Job, name, killed)
            with pytest.raises(Interrupted):
                run(place, *(_swapped(place, last_job(place), FakeAsker()) if name == "_ask"
                             else (request, FakeAsker())))  # fmt: skip
        os.utime(file, (0, 0))
    summary = run(place, *_swapped(place, last_job(place), FakeAsker()))
    errors = (tmp_path / "out" / "errors.csv").read_text("utf-8").splitlines()
    assert len([line for line in errors if "PAT-007" in line]) == 1
    assert summary["claims"] | {"answered": 1, "rejected": 1} == summary["claims"]


def test_a_job_that_ended_is_not_resumed(check: Check, place: Place, file: Path) -> None:
    check(file)
    with pytest.raises(UsageError, match="nothing to resume"):
        resuming(place.workspace, last_job(place))
    with pytest.raises(UsageError, match="nothing to retry"):
        retrying(place.workspace, last_job(place), None)


def test_retry_asks_only_what_failed(place: Place, tmp_path: Path) -> None:
    def answer(inquiry: Inquiry) -> Answer:
        number = inquiry.values["claim_number"]
        if number == "C-1":
            return error(inquiry, "network", "TIMEOUT", retryable=True)
        return Answer(inquiry.key, "uhc", "not_found", AT) if number == "C-2" else paid(inquiry)

    file = status_file(
        tmp_path / "ask.csv", row("C-1"), row("C-2"), row("C-3"), row("C-4", "INS9"), row("C-5", "AETNA"),
        row("C-6", dob="1/1/2099"),
    )  # fmt: skip
    asker = FakeAsker(answer, fails={"availity": OutsideError("Route availity cannot be reached.")})
    first = run(place, StatusRequest(AS_OF, (str(file),)), asker)
    assert first["claims"] | {"answered": 2, "failed": 1, "rejected": 2, "not_asked": 1} == first["claims"]
    mapped = {"INS9": PayerMapSettings(payer_id="UHC", route="uhc")}
    later = replace(place, settings=replace(place.settings, payer_map=mapped))
    request, again = retrying(place.workspace, last_job(place), None)
    now = FakeAsker()
    second = check_status(request, replace(later, asker=now), again)
    assert sorted(now.times) == ["C-1", "C-4", "C-5"]
    assert (second["command"], second["claims"]["read"], second["claims"]["answered"]) == ("retry", 3, 3)
    assert second["status"] == "COMPLETED"


def test_answers_on_record_are_stored_once_by_a_second_try(
    place: Place, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Killed after the store has the answers, before the results are published."""
    import claimsctl.asking.run as module

    def killed(*_: Any) -> None:
        raise KeyboardInterrupt

    asker = FakeAsker()
    with monkeypatch.context() as patch:
        patch.setattr(module, "write_summary", killed)
        with pytest.raises(Interrupted):
            run(place, StatusRequest(AS_OF, (str(file),)), asker)
    summary = run(place, *_swapped(place, last_job(place), asker))
    assert summary["stored"]["repeated"] is True
    assert set(asker.times.values()) == {1}
    assert summary["claims"]["answered"] == CLAIMS
