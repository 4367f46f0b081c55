"""What libraries say of the cells that they choke on reaches nobody: no message, no traceback, no cause.

Each case lets a library fail on a real value, having it quoted, at the place where we take its errors over.
"""

from __future__ import annotations

import sqlite3
import traceback
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import duckdb
import polars as pl
import pyarrow as pa
import pytest
import sqlalchemy as sa

from claimsctl import checker
from claimsctl.cli.crash import message_and_code
from claimsctl.errors import ClaimsctlError
from claimsctl.inquiry.exporting import _output_errors
from claimsctl.process.spilling import temporary_files
from claimsctl.security.library_errors import values_kept_out
from claimsctl.sql.database import Database, Source
from claimsctl.sql.failing import reading_error
from claimsctl.sql.transient import fault_of
from claimsctl.store.database import _store_errors
from claimsctl.store.jobs_database import translated
from claimsctl.write.trouble import writing
from tests.claims import claim

SECRET = "-".join(["Quillfeather", "Zebulonia"])  # put together: a traceback shows the lines of this file


def of_polars() -> None:
    pl.DataFrame({"a": [SECRET]}).select(pl.col("a").cast(pl.Int64))


def of_polars_dates() -> None:
    pl.Series([SECRET]).str.to_date("%Y-%m-%d")


def of_duckdb() -> None:
    duckdb.execute("SELECT CAST(? AS INTEGER)", [SECRET])


def of_arrow() -> None:
    pa.array([SECRET]).cast(pa.int64())


def of_sqlalchemy() -> None:
    with sa.create_engine("sqlite://").begin() as connection:
        connection.execute(sa.text("CREATE TABLE t (a TEXT PRIMARY KEY)"))
        for _ in range(2):
            connection.execute(sa.text("INSERT INTO t VALUES (:a)"), {"a": SECRET})


@pytest.fixture
def place(tmp_path: Path) -> Path:
    return tmp_path / "claims.duckdb"


def told(error: BaseException) -> str:
    """All that anybody could print of an error."""
    return "".join(traceback.format_exception(error)) + repr(vars(error)) + str(message_and_code(error))


@pytest.mark.parametrize("fail", [of_polars, of_polars_dates, of_duckdb, of_arrow, of_sqlalchemy])
def test_a_crash_tells_kind_and_place(fail: Callable[[], None]) -> None:
    with pytest.raises(Exception, match=SECRET) as caught:
        fail()
    message, code = message_and_code(caught.value)
    assert code == 70
    assert SECRET not in str(message)
    assert type(caught.value).__name__ in str(message)


@pytest.mark.parametrize("fail", [of_polars, of_polars_dates, of_duckdb, of_arrow, of_sqlalchemy])
def test_the_python_interface_keeps_words_of_libraries_back(fail: Callable[[], None]) -> None:
    with pytest.raises(ClaimsctlError) as caught, values_kept_out():
        fail()
    assert SECRET not in told(caught.value)


def test_a_defect_in_a_check_quotes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(rows: pl.DataFrame, *_: Any, **__: Any) -> None:
        rows.select(pl.all().cast(pl.Int64))

    monkeypatch.setattr(checker, "check_in_memory", broken)
    with pytest.raises(ClaimsctlError, match="InvalidOperationError at") as caught:
        checker.Checker().check(claim(patient_last_name=SECRET))
    assert SECRET not in told(caught.value)


@pytest.mark.parametrize(
    ("taken", "fail"),
    [
        (_store_errors, of_duckdb),
        (_output_errors, of_duckdb),
    ],
)
def test_errors_of_the_store(
    taken: Callable[[Path], AbstractContextManager[None]], fail: Callable[[], None], place: Path
) -> None:
    with pytest.raises(ClaimsctlError) as caught, taken(place):
        fail()
    assert SECRET not in told(caught.value)


@pytest.mark.parametrize("taken", [writing, lambda _: temporary_files()])
def test_a_full_disk_that_polars_tells_of(
    taken: Callable[[Path], AbstractContextManager[None]], place: Path
) -> None:
    with pytest.raises(ClaimsctlError) as caught, taken(place):
        raise pl.exceptions.ComputeError(f"{SECRET}: No space left on device (os error 28)")
    assert SECRET not in told(caught.value)


def test_errors_of_the_jobs_file(place: Path) -> None:
    with pytest.raises(sa.exc.SQLAlchemyError, match=SECRET) as caught:
        of_sqlalchemy()
    assert SECRET not in str(translated(caught.value, place))


def of_sqlite_reading() -> None:
    sqlite3.connect(":memory:").execute("SELECT json_extract(?, '$.a')", [SECRET]).fetchall()


@pytest.mark.parametrize(
    ("dialect", "fail"), [("duckdb", of_duckdb), ("sqlite", of_sqlalchemy), ("sqlite", of_sqlite_reading)]
)
def test_errors_of_a_database_that_is_read(dialect: Any, fail: Callable[[], None], place: Path) -> None:
    with pytest.raises(Exception) as caught:  # noqa: PT011 - of any driver
        fail()
    fault = fault_of(caught.value)
    assert fault is not None
    database = Database(name="source", url=f"{dialect}:///{place}")
    error = reading_error(database, Source(table="t"), caught.value, fault)
    assert SECRET not in told(error)
