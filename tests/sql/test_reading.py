"""Reading sources of PostgreSQL, SQLite and DuckDB: values exact, order stable, what is new and only that."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from claimsctl.errors import (
    ClaimsctlError,
    ConnectError,
    InputError,
    OutputError,
    PermissionDenied,
    UsageError,
)
from claimsctl.security.spills import read_spill
from claimsctl.sql.connect import connect
from claimsctl.sql.connection import Connection
from claimsctl.sql.database import Database, Source, parse_url
from claimsctl.sql.marks import Since
from claimsctl.sql.reading import Ask, Fetched, fetch, look
from claimsctl.sql.texts import value_text

TABLE = Source(table="lines", watermark="changed")
ALL = Ask(TABLE)
CREATE = (
    "CREATE TABLE lines (id integer PRIMARY KEY, claim varchar(20), amount decimal(12, 2), dos date, "
    "note varchar(200), changed timestamp)"
)
ROWS = [
    (1, "C1", "120.50", "2026-01-05", 'a, "b"\nc', "2026-01-05 08:00:00"),
    (2, "C1", "0.10", "2026-01-05", "", "2026-01-05 08:00:00"),
    (3, "C2", "99999999.99", None, None, "2026-01-06 09:30:00.250000"),
]


def run(database: Database, *statements: str) -> None:
    with connect(database, create=True) as connection:
        for statement in statements:
            connection.execute(statement)


def insert(*rows: tuple[Any, ...]) -> list[str]:
    def sql(value: Any) -> str:
        return "NULL" if value is None else str(value) if isinstance(value, int) else f"'{value}'"

    return [f"INSERT INTO lines VALUES ({', '.join(map(sql, row))})" for row in rows]


@pytest.fixture(params=["postgresql", "sqlite", "duckdb"])
def staging(request: pytest.FixtureRequest, tmp_path: Path) -> Database:
    """A database with the table of three lines."""
    url = f"{request.param}:///{tmp_path}/staging.db"
    if request.param == "postgresql":
        url = parse_url(request.getfixturevalue("postgres_url"))
    database = Database("staging", url)
    run(database, CREATE, *insert(*ROWS))
    return database


@pytest.fixture
def read(staging: Database, tmp_path: Path) -> Callable[..., Fetched]:
    """Fetches from the database into a new file."""

    def of(ask: Ask = ALL, database: Database = staging, **more: Any) -> Fetched:
        return fetch(database, ask, tmp_path / f"rows-{len(list(tmp_path.glob('rows-*')))}.parquet", **more)

    return of


def ids(fetched: Fetched) -> list[str]:
    return read_spill(fetched.path)["id"].to_list()


def test_every_value_is_its_text(staging: Database, read: Callable[..., Fetched]) -> None:
    fetched = read()
    rows = read_spill(fetched.path)
    assert set(rows.dtypes) == {pl.String()}
    assert rows.columns == list(fetched.columns) == ["id", "claim", "amount", "dos", "note", "changed"]
    amounts = ["120.50", "0.10", "99999999.99"]
    if staging.dialect == "sqlite":  # it keeps decimals as floats
        amounts = ["120.5", "0.1", "99999999.99"]
    assert rows["amount"].to_list() == amounts
    assert rows["dos"].to_list() == ["2026-01-05", "2026-01-05", None]
    assert rows["note"].to_list() == ['a, "b"\nc', "", None]
    assert rows["id"].to_list() == ["1", "2", "3"]
    assert fetched.path.stat().st_mode & 0o777 == 0o600
    assert not fetched.notes


def test_postgresql_types(postgres_url: str, tmp_path: Path) -> None:
    database = Database("pg", parse_url(postgres_url))
    query = (
        "SELECT 0.0000000001::numeric AS tiny, 1e15::float8 AS big, 1.5::float8 AS half, "
        "'NaN'::float8 AS nan, true AS yes, '2026-01-02'::timestamp AS day, "
        "'2026-01-02 03:04:05.678'::timestamp AS moment, "
        "ARRAY['a', 'b'] AS codes, '{\"a\": 1.50}'::json AS said, '1234.5'::money AS paid, "
        "''::text AS empty, NULL::text AS missing, E'\\\\N' AS marked"
    )
    fetched = fetch(database, Ask(Source(query=query)), tmp_path / "rows.parquet")
    assert read_spill(fetched.path).row(0, named=True) == {
        "tiny": "0.0000000001", "big": "1000000000000000", "half": "1.5", "nan": None, "yes": "true",
        "day": "2026-01-02", "moment": "2026-01-02 03:04:05.678", "codes": '["a","b"]',
        "said": '{"a": 1.50}', "paid": "1234.50", "empty": "", "missing": None, "marked": "\\N",
    }  # fmt: skip
    with pytest.raises(InputError, match="The column scan holds bytes"):
        fetch(database, Ask(Source(query="SELECT 'x'::bytea AS scan")), tmp_path / "more.parquet")
    with pytest.raises(InputError, match="Two columns are called id"):
        fetch(database, Ask(Source(query="SELECT 1 AS id, 2 AS id")), tmp_path / "more.parquet")


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (Decimal("1E-10"), "0.0000000001"), (Decimal("1.50"), "1.50"), (1e15, "1000000000000000"),
        (1.5, "1.5"), (float("nan"), None), (float("inf"), None), (True, "true"), (7, "7"),
        (dt.datetime.fromisoformat("2026-01-02"), "2026-01-02"),
        (dt.datetime.fromisoformat("2026-01-02T03:04"), "2026-01-02 03:04:00"),
        (dt.date(2026, 1, 2), "2026-01-02"), (dt.time(9, 30), "09:30:00"), ("  x ", "  x "),
        (["a"], '["a"]'),
    ],
)  # fmt: skip
def test_values_of_drivers(value: object, text: str | None) -> None:
    assert value_text(value) == text


def test_order_and_conditions(staging: Database, read: Callable[..., Fetched]) -> None:
    assert ids(read(Ask(replace(TABLE, order_by=("AMOUNT",))))) == ["2", "1", "3"]
    assert ids(read(Ask(replace(TABLE, where="claim = 'C1'"), where="id > 1 OR note = ';--'"))) == ["2"]
    assert ids(read(Ask(TABLE, limit=2))) == ["1", "2"]
    query = Source(query="SELECT id, claim FROM lines WHERE id < 3 -- the first\n;", order_by=("id",))
    assert ids(read(Ask(query))) == ["1", "2"]
    (note,) = read(Ask(replace(query, order_by=()))).notes
    assert "nothing says in which order" in note


def test_a_limit_without_rows_left(staging: Database, read: Callable[..., Fetched]) -> None:
    fetched = read(Ask(TABLE, where="id > 99"))
    assert fetched.rows == 0
    assert read_spill(fetched.path).columns == list(fetched.columns)


@pytest.mark.parametrize(
    ("where", "said"),
    [
        ("1 = 1; DROP TABLE lines", "';'"), ("1 = 1 --", "a comment"), ("/* x */ 1 = 1", "a comment"),
        ("1 = 1) OR (1 = 1", "parenthesis too few"), ("(1 = 1", "parenthesis too many"),
        ("note = 'x", '"\'"'),
        ("note = E'\\'' OR 1 = 1", "backslash"), (" ", "is empty"), ("note = $$x$$", "'$$'"),
    ],
)  # fmt: skip
def test_what_a_condition_may_not_hold(tmp_path: Path, where: str, said: str) -> None:
    database = Database("staging", f"sqlite:///{tmp_path}/staging.db")
    run(database, CREATE)
    with pytest.raises(UsageError, match=r"^--where") as refused:
        fetch(database, Ask(TABLE, where=where), tmp_path / "rows.parquet")
    assert said in refused.value.message


@pytest.mark.parametrize(
    ("ask", "said"),
    [
        (Ask(replace(TABLE, table="line")), "there is no table or view line .*Did you mean lines"),
        (Ask(replace(TABLE, order_by=("amonut",))), "order_by names amonut.*Did you mean amount"),
        (Ask(replace(TABLE, watermark="chnged"), since=Since()), "watermark names chnged.*mean changed"),
        (Ask(replace(TABLE, watermark=None), since=Since()), "no watermark"),
        (Ask(TABLE, where="amonut > 1"), "column"),
        (Ask(Source(query="SELECT * FROM nowhere")), "nowhere"),
        (Ask(Source(query="SELEKT")), "no query"),
        (Ask(Source(query="SELECT 1 +")), "cannot read this"),
        (Ask(Source()), "nothing says what is to be read"),
        (Ask(Source(table="a..b")), "no name of a table"),
    ],
)
def test_what_is_wrong_is_named(
    staging: Database, read: Callable[..., Fetched], tmp_path: Path, ask: Ask, said: str
) -> None:
    with pytest.raises(UsageError, match=rf"(?s){said}") as error:
        read(ask)
    assert error.value.exit_code == 2
    assert not list(tmp_path.glob("rows-*"))


def test_only_what_is_new(staging: Database, read: Callable[..., Fetched]) -> None:
    first = read(Ask(TABLE, since=Since()))
    assert ids(first) == ["1", "2", "3"]
    later = Ask(TABLE, since=Since(first.mark))
    assert not look(staging, later)
    assert read(later).nothing
    run(staging, *insert((4, "C3", "1.00", None, None, "2026-01-07 00:00:00")))
    assert look(staging, later)
    second = read(later)
    assert ids(second) == ["4"]
    assert not look(staging, Ask(TABLE, since=Since(second.mark)))


def test_rows_that_come_later_with_the_last_value(staging: Database, read: Callable[..., Fetched]) -> None:
    mark = read(Ask(TABLE, since=Since())).mark
    run(staging, *insert((4, "C3", "1.00", None, None, ROWS[-1][-1])))
    second = read(Ask(TABLE, since=Since(mark)))
    assert ids(second) == ["3", "4"], "the value is read again, so that the new row is not lost"
    assert not look(staging, Ask(TABLE, since=Since(second.mark)))
    run(staging, "UPDATE lines SET changed = '2026-01-05 08:00:00' WHERE id = 4")
    assert not look(staging, Ask(TABLE, since=Since(second.mark))), "a row that went away is no new one"
    # One row goes and another comes with the same value: their number alone would not tell.
    run(staging, "DELETE FROM lines WHERE id = 4", *insert((5, "C4", "1.00", None, None, ROWS[-1][-1])))
    assert ids(read(Ask(TABLE, since=Since(second.mark)))) == ["3", "5"]


def test_a_claim_with_a_new_line_is_read_whole(staging: Database, read: Callable[..., Fetched]) -> None:
    mark = read(Ask(TABLE, since=Since())).mark
    run(staging, "UPDATE lines SET changed = '2026-01-08 00:00:00' WHERE id = 2")
    later = Ask(TABLE, since=Since(mark), claim=lambda names: "claim" if "claim" in names else None)
    assert ids(read(later)) == ["1", "2"]
    assert ids(read(replace(later, claim=lambda _names: None))) == ["2"]


def test_since_a_value(staging: Database, read: Callable[..., Fetched]) -> None:
    fetched = read(Ask(TABLE, since=Since(given="2026-01-06 09:30:00.250000")))
    assert ids(fetched) == ["3"]
    assert fetched.mark is not None
    assert read(Ask(TABLE, since=Since(given="2026-01-09"))).nothing
    assert read(Ask(TABLE, since=Since(), limit=1)).mark is None, "a part is not everything up to a value"


def test_a_number_as_watermark(staging: Database, read: Callable[..., Fetched]) -> None:
    numbered = replace(TABLE, watermark="id")
    mark = read(Ask(numbered, since=Since())).mark
    run(staging, *(insert((n, "C9", "1.00", None, None, None))[0] for n in (10, 11)))
    assert ids(read(Ask(numbered, since=Since(mark)))) == ["10", "11"]
    assert ids(read(Ask(numbered, since=Since(given="2")))) == ["2", "3", "10", "11"]
    with pytest.raises(UsageError):
        read(Ask(numbered, since=Since(given="yesterday")))


def test_rows_without_a_watermark_are_told_of(staging: Database, read: Callable[..., Fetched]) -> None:
    run(staging, *insert((4, "C3", "1.00", None, None, None)))
    first = read(Ask(TABLE, since=Since()))
    assert ids(first) == ["1", "2", "3", "4"]
    run(staging, *insert((5, "C3", "1.00", None, None, "2026-02-01 00:00:00")))
    second = read(Ask(TABLE, since=Since(first.mark)))
    assert ids(second) == ["5"]
    assert "1 rows have no value in changed" in second.notes[0]


class Breaking:
    """Connections of which the first few break after so many batches."""

    def __init__(self, error: BaseException, times: int = 1, after: int = 1) -> None:
        self.error, self.times, self.after, self.opened = error, times, after, 0

    @contextmanager
    def __call__(self, database: Database, **options: Any) -> Iterator[Connection]:
        self.opened += 1
        with connect(database, **options) as connection:
            if self.opened <= self.times:
                batches, error, after = connection.batches, self.error, self.after

                def broken(*given: Any, **more: Any) -> Iterator[Any]:
                    for n, batch in enumerate(batches(*given, **more)):
                        if n == after:
                            raise error
                        yield batch

                connection.batches = broken  # type: ignore[method-assign]
            yield connection


@pytest.fixture
def lost() -> BaseException:
    import psycopg

    return psycopg.OperationalError("server closed the connection unexpectedly")


def test_a_lost_connection(tmp_path: Path, lost: BaseException, monkeypatch: pytest.MonkeyPatch) -> None:
    database = Database("staging", f"sqlite:///{tmp_path}/staging.db")
    run(database, CREATE, *insert(*ROWS))
    opened = Breaking(lost)
    fetched = fetch(database, Ask(TABLE), tmp_path / "a.parquet", batch_rows=1, opened=opened, waits=(0,))
    assert (ids(fetched), opened.opened) == (["1", "2", "3"], 2)
    assert "reading went on from there" in fetched.notes[0]
    # In an order that is not unique nobody can tell where it was: it starts over.
    unordered = Ask(replace(TABLE, order_by=("claim",)))
    opened = Breaking(lost)
    fetched = fetch(database, unordered, tmp_path / "b.parquet", batch_rows=1, opened=opened, waits=(0,))
    assert (ids(fetched), fetched.notes) == (["1", "2", "3"], ())
    # And in the end it is told.
    with pytest.raises(ConnectError, match="several times") as error:
        fetch(
            database, Ask(TABLE), tmp_path / "c.parquet", batch_rows=1,
            opened=Breaking(lost, times=9, after=0), waits=(0, 0),
        )  # fmt: skip
    assert error.value.exit_code == 4
    assert not (tmp_path / "c.parquet").exists()


def test_a_server_that_ends_the_session(postgres_url: str, tmp_path: Path) -> None:
    database = Database("pg", parse_url(postgres_url))
    run(
        database, "CREATE TABLE many (id integer PRIMARY KEY, word text)",
        "INSERT INTO many SELECT g, repeat('x', 200) FROM generate_series(1, 90000) g",
    )  # fmt: skip
    killed: list[int] = []

    def kill(rows: int) -> None:
        if not killed:
            killed.append(rows)
            run(
                database,
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                "WHERE application_name = 'claimsctl' AND pid <> pg_backend_pid() AND query LIKE 'COPY%'",
            )

    fetched = fetch(database, Ask(Source(table="many")), tmp_path / "a.parquet", progress=kill, waits=(0,))
    numbers = read_spill(fetched.path)["id"].cast(pl.Int64)
    assert numbers.equals(pl.Series("id", range(1, 90_001)))
    assert killed
    assert "reading went on" in fetched.notes[0]


def test_a_missing_right(postgres_url: str, tmp_path: Path) -> None:
    owner = Database("pg", parse_url(postgres_url))
    name = f"reader_{owner.parts.database}"
    run(owner, CREATE, f"CREATE ROLE {name} LOGIN")
    reader = replace(owner, url=owner.parts.set(username=name).render_as_string(hide_password=False))
    with pytest.raises(PermissionDenied, match="may not read lines") as error:
        fetch(reader, Ask(TABLE), tmp_path / "a.parquet")
    assert error.value.exit_code == 5


def test_nothing_can_be_changed_by_reading(postgres_url: str, tmp_path: Path) -> None:
    database = Database("pg", parse_url(postgres_url))
    run(
        database, CREATE, *insert(*ROWS),
        "CREATE FUNCTION empty_it() RETURNS boolean LANGUAGE plpgsql AS "
        "$$ BEGIN DELETE FROM lines; RETURN true; END $$",
    )  # fmt: skip
    with pytest.raises(ClaimsctlError):
        fetch(database, Ask(TABLE, where="empty_it()"), tmp_path / "a.parquet", waits=())
    assert fetch(database, Ask(TABLE), tmp_path / "a.parquet").rows == 3


def test_a_full_disk(tmp_path: Path) -> None:
    database = Database("staging", f"sqlite:///{tmp_path}/staging.db")
    run(database, CREATE, *insert(*ROWS))
    with pytest.raises(OutputError, match="cannot be put aside"):
        fetch(database, Ask(TABLE), tmp_path / "nowhere" / "rows.parquet")
