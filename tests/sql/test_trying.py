"""Work that fails for a while is done in the end, and work that cannot be done fails at once."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest

from claimsctl.errors import ConnectError, LoadError, PermissionDenied, StoreError
from claimsctl.sql.connection import Connection
from claimsctl.sql.database import Database
from claimsctl.sql.trying import NotAsStaged, Retry, Trying
from tests.sql.targets import database, run


@pytest.fixture(autouse=True)
def no_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("_FIRST_WAIT", "_LONGEST_WAIT", "_JITTER"):
        monkeypatch.setattr(f"claimsctl.sql.trying.{name}", 0.001)


@pytest.fixture
def target(tmp_path: Path) -> Database:
    sqlite3.connect(tmp_path / "target.sqlite").close()
    made = database("sqlite", tmp_path, "")
    run(made, "CREATE TABLE t (a)")
    return made


def busy() -> sqlite3.OperationalError:
    error = sqlite3.OperationalError("database is locked")
    error.sqlite_errorname = "SQLITE_BUSY"
    return error


def unique() -> sqlite3.IntegrityError:
    error = sqlite3.IntegrityError("UNIQUE constraint failed: t.a")
    error.sqlite_errorname = "SQLITE_CONSTRAINT_UNIQUE"
    return error


def failing(*errors: Exception) -> Callable[[Connection], str]:
    waiting = list(errors)

    def work(connection: Connection) -> str:
        if waiting:
            raise waiting.pop(0)
        return f"done in {connection.value('SELECT count(*) FROM t')}"

    return work


def test_what_goes_away_is_told_once_and_done_on_a_new_connection(target: Database) -> None:
    told: list[str] = []
    seen: list[int] = []

    def work(connection: Connection) -> int:
        seen.append(id(connection))
        if len(seen) < 4:
            raise busy()
        return len(seen)

    with Trying(target, Retry(60), told.append) as trying:
        assert trying.run(work, standing="") == 4
        assert trying.run(failing(busy()), standing="") == "done in 0"
        assert trying.retried == 4
    assert told == ["production: another program holds the file; trying again for up to 60 seconds."]


def test_patience_ends(target: Database) -> None:
    with Trying(target, Retry(0), lambda text: None) as trying:
        trying.at = "claims"
        with pytest.raises(LoadError) as caught:
            trying.run(failing(busy()), standing="1 of 3 batches have arrived.")
    assert str(caught.value) == (
        "production: table claims: another program holds the file (SQLITE_BUSY). Run again later. "
        "1 of 3 batches have arrived."
    )


def test_patience_begins_anew_after_success(target: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    now = [0.0]
    monkeypatch.setattr("claimsctl.sql.trying.time.monotonic", lambda: now[0])
    with Trying(target, Retry(10), lambda text: None) as trying:
        for start in (0.0, 100.0):
            now[0] = start
            assert trying.run(failing(busy(), busy()), standing="") == "done in 0"


def test_what_does_not_go_away_is_not_tried_again(target: Database) -> None:
    with Trying(target, Retry(60), pytest.fail) as trying:
        with pytest.raises(LoadError, match="table t, column a: a unique key refuses a row") as caught:
            trying.run(failing(unique()), standing="")
        assert trying.retried == 0
    assert "Take the key away" in str(caught.value)
    assert caught.value.exit_code == 4


def test_rows_that_went_astray_are_sent_once_more(target: Database) -> None:
    astray = NotAsStaged("claims: 2 rows were sent and 1 arrived")
    with Trying(target, Retry(60), lambda text: None) as trying:
        assert trying.run(failing(astray), standing="") == "done in 0"
        with pytest.raises(LoadError, match="production: claims: 2 rows were sent and 1 arrived"):
            trying.run(failing(astray, astray), standing="")


def test_a_missing_right_is_not_permitted(target: Database) -> None:
    error = sqlite3.OperationalError("attempt to write a readonly database")
    error.sqlite_errorname = "SQLITE_READONLY"
    with (
        Trying(target, Retry(60), pytest.fail) as trying,
        pytest.raises(PermissionDenied, match="may not be"),
    ):
        trying.run(failing(error), standing="")


def test_errors_of_our_own_pass_through(target: Database) -> None:
    for error in (StoreError("the outbox is damaged"), KeyError("a defect")):
        with Trying(target, Retry(60), pytest.fail) as trying, pytest.raises(type(error)) as caught:
            trying.run(failing(error), standing="")
        assert caught.value is error


def test_a_place_that_was_never_reached_is_not_waited_for(tmp_path: Path) -> None:
    absent = database("sqlite", tmp_path, "")
    with Trying(absent, Retry(60), pytest.fail) as trying, pytest.raises(ConnectError, match="no database"):
        trying.run(failing(), standing="")
