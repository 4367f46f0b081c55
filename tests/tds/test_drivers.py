"""Real ODBC drivers talk to the server: logins, types, transactions, faults."""

from __future__ import annotations

import threading
import time
from contextlib import closing, suppress
from dataclasses import replace
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import pytest

from claimsctl.errors import ClaimsctlError
from claimsctl.sql.connect import connect
from claimsctl.sql.database import Database
from claimsctl.sql.drivers import odbc_driver, pyodbc
from claimsctl.sql.logins import odbc_text
from tests.tds.fixtures import database_of
from tests.tds.remote import RemoteServer

TABLE = """CREATE TABLE dbo.kinds (id int NOT NULL PRIMARY KEY, big bigint, flag bit, amount decimal(12,2),
    rate decimal(9,6), served date, at datetime2(3), code char(5), plain varchar(20), name nvarchar(20),
    note nvarchar(max))"""
FULL = (1, 2**40, True, Decimal("-12345.67"), Decimal("0.000001"), date(2026, 2, 28),
        datetime.fromisoformat("2026-02-28T23:59:59.123"),
        "99213", "plain", "Zoë Ω", "long" * 3000)  # fmt: skip
EMPTY = (2, *[None] * 10)


def opened(database: Database, **options: Any) -> Any:
    return pyodbc().connect(
        odbc_text(database, odbc_driver(database.odbc_driver)), **{"timeout": 15, **options}
    )


def code(error: BaseException) -> int:
    """SQL Server's number in the text of a driver's error."""
    text = str(error)
    return int(text.rpartition(" (SQL")[0].rpartition("(")[2].rstrip(")"))


def test_every_type_makes_the_round_trip(tds_database: Database) -> None:
    with closing(opened(tds_database)) as connection:
        cursor = connection.cursor()
        cursor.execute(TABLE)
        for row in (FULL, EMPTY):
            cursor.execute(f"INSERT INTO dbo.kinds VALUES ({', '.join('?' * len(row))})", row)
            assert cursor.rowcount == 1
        connection.commit()
        first, second = cursor.execute("SELECT * FROM dbo.kinds ORDER BY id").fetchall()
    assert tuple(first) == FULL
    assert tuple(second) == EMPTY
    assert [type(each) for each in first] == [type(each) for each in FULL]


def test_values_find_rows_whatever_type_the_driver_gives_them(tds_database: Database) -> None:
    with closing(opened(tds_database)) as connection:
        cursor = connection.cursor()
        cursor.execute(TABLE)
        cursor.execute(f"INSERT INTO dbo.kinds VALUES ({', '.join('?' * len(FULL))})", FULL)
        columns = "id big flag amount rate served at code plain name".split()
        for column, value in zip(columns, FULL, strict=False):
            found = cursor.execute(f"SELECT count(*) FROM dbo.kinds WHERE {column} = ?", value).fetchval()
            assert found == 1, column


def test_an_array_of_rows_goes_in_a_few_messages(tds: RemoteServer, tds_database: Database) -> None:
    rows = [(n, None if n % 3 else 2**40 + n, Decimal(n) / 4, f"é{n}") for n in range(1000)]
    with closing(opened(tds_database)) as connection:
        cursor = connection.cursor()
        cursor.execute(TABLE)
        connection.commit()
        tds.reset()
        cursor.fast_executemany = odbc_driver(tds_database.odbc_driver).fast
        if not cursor.fast_executemany:
            rows = rows[:50]
        cursor.executemany("INSERT INTO dbo.kinds (id, big, amount, name) VALUES (?, ?, ?, ?)", rows)
        connection.commit()
        log = tds.log
        assert log.count("^INSERT") == len(rows)
        assert (log.round_trips < 10) == cursor.fast_executemany
        got = cursor.execute("SELECT id, big, amount, name FROM dbo.kinds ORDER BY id").fetchall()
    assert [tuple(row) for row in got] == rows


def test_a_wrong_password_and_a_wrong_database_are_told_apart(tds_database: Database) -> None:
    elsewhere = replace(tds_database, url=tds_database.url.replace("/claims", "/nothing"))
    for wrong, number in ((replace(tds_database, password="wrong"), 18456), (elsewhere, 4060)):
        with pytest.raises(pyodbc().Error) as refused:
            opened(wrong)
        assert str(number) in str(refused.value)
        with pytest.raises(ClaimsctlError), connect(wrong):
            pass


def test_tls_in_the_way_of_tds(tds: RemoteServer, driver: str) -> None:
    sealed = database_of(tds, driver, encrypt="yes", trust_server_certificate=True)
    with closing(opened(sealed)) as connection:
        assert connection.cursor().execute("SELECT N'geheim'").fetchval() == "geheim"
        assert (
            len(connection.cursor().execute("SELECT CAST(? AS nvarchar(max))", "x" * 50_000).fetchval())
            == 50_000
        )
    with closing(opened(database_of(tds, driver))):
        pass
    assert tds.encrypted == [True, False]


def test_a_transaction_holds_until_commit_and_not_after_rollback(
    tds: RemoteServer, tds_database: Database
) -> None:
    with closing(opened(tds_database)) as connection, closing(opened(tds_database, autocommit=True)) as other:
        cursor = connection.cursor()
        cursor.execute("CREATE TABLE t (a int)")
        connection.commit()
        for end, left in ((connection.rollback, 0), (connection.commit, 2)):
            cursor.execute("INSERT INTO t VALUES (1), (2)")
            assert cursor.rowcount == 2
            assert other.cursor().execute("SELECT count(*) FROM t").fetchval() == 0
            end()
            assert other.cursor().execute("SELECT count(*) FROM t").fetchval() == left
    assert tds.log.count("^ROLLBACK") >= 1


@pytest.mark.parametrize("number", [1205, 1222, 2627, 40501, 40613])
def test_errors_come_where_they_are_wanted(tds: RemoteServer, tds_database: Database, number: int) -> None:
    with closing(opened(tds_database, autocommit=True)) as connection:
        connection.cursor().execute("CREATE TABLE t (a int)")
    tds.error(number, matching=r"INSERT INTO t", nth=2)
    with closing(opened(tds_database)) as connection:
        cursor = connection.cursor()
        cursor.execute("INSERT INTO t VALUES (1)")
        with pytest.raises(pyodbc().Error) as failed:
            cursor.execute("INSERT INTO t VALUES (2)")
        assert code(failed.value) == number
        with suppress(pyodbc().Error):  # a transaction that the error has ended cannot be ended again
            connection.commit()
    with closing(opened(tds_database)) as connection:
        left = connection.cursor().execute("SELECT count(*) FROM t").fetchval()
    assert left == (0 if number in (1205, 40501, 40613) else 1)


@pytest.mark.parametrize("after", [False, True])
def test_a_connection_drops_before_or_after_the_commit(
    tds: RemoteServer, tds_database: Database, after: bool
) -> None:
    with closing(opened(tds_database, autocommit=True)) as connection:
        connection.cursor().execute("CREATE TABLE t (a int)")
    tds.drop(matching="^COMMIT", after=after)
    connection = opened(tds_database)
    connection.cursor().execute("INSERT INTO t VALUES (1)")
    with pytest.raises(pyodbc().Error):
        connection.commit()
    with suppress(pyodbc().Error):
        connection.close()
    with closing(opened(tds_database)) as connection:
        assert connection.cursor().execute("SELECT count(*) FROM t").fetchval() == int(after)


def test_a_server_that_stops_and_starts_keeps_what_was_committed(
    tds: RemoteServer, tds_database: Database
) -> None:
    connection = opened(tds_database)
    connection.cursor().execute("CREATE TABLE t (a int)")
    connection.commit()
    connection.cursor().execute("INSERT INTO t VALUES (1)")
    tds.stop()
    with pytest.raises(pyodbc().Error):
        connection.commit()
    with suppress(pyodbc().Error):
        connection.close()
    with pytest.raises(pyodbc().Error):
        opened(tds_database, timeout=1)
    tds.start()
    with closing(opened(tds_database)) as connection:
        assert connection.cursor().execute("SELECT count(*) FROM t").fetchval() == 0


def test_rights_that_are_missing(tds: RemoteServer, tds_database: Database) -> None:
    with closing(opened(tds_database, autocommit=True)) as connection:
        cursor = connection.cursor()
        cursor.execute("CREATE TABLE t (a int)")
        tds.deny("INSERT", "t")
        tds.deny("CREATE TABLE")
        for permission, allowed in (("INSERT", 0), ("SELECT", 1)):
            asked = f"SELECT HAS_PERMS_BY_NAME('dbo.t', 'OBJECT', '{permission}')"
            assert cursor.execute(asked).fetchval() == allowed
        for text, number in (("INSERT INTO t VALUES (1)", 229), ("CREATE TABLE u (a int)", 262)):
            with pytest.raises(pyodbc().Error) as denied:
                cursor.execute(text)
            assert code(denied.value) == number


def test_a_client_that_loses_patience_gets_its_connection_back(
    tds: RemoteServer, tds_database: Database
) -> None:
    tds.slow(30, matching="SELECT 7")
    with closing(opened(tds_database)) as connection:
        connection.timeout = 1
        begun = time.monotonic()
        with pytest.raises(pyodbc().Error) as late:
            connection.cursor().execute("SELECT 7 AS a").fetchall()
        assert late.value.args[0] == "HYT00"
        assert time.monotonic() - begun < 25  # of the thirty that the answer takes
        connection.timeout = 0
        assert connection.cursor().execute("SELECT 8 AS a").fetchval() == 8


def test_a_second_load_waits_for_the_application_lock(tds: RemoteServer, tds_database: Database) -> None:
    take = (
        "SET NOCOUNT ON; DECLARE @taken int; EXEC @taken = sp_getapplock @Resource = 'load', "
        "@LockMode = 'Exclusive', @LockOwner = 'Transaction', @LockTimeout = 60000; SELECT @taken"
    )
    taken: list[int] = []
    with closing(opened(tds_database)) as first, closing(opened(tds_database)) as second:
        assert first.cursor().execute(take).fetchval() == 0
        waits = threading.Thread(target=lambda: taken.append(second.cursor().execute(take).fetchval()))
        waits.start()
        while tds.log.count("sp_getapplock") < 2:
            time.sleep(0.01)
        assert waits.is_alive()
        first.rollback()
        waits.join()
    assert taken in ([1], [0]), "0: it had not begun to wait when the lock became free"


def test_sqlalchemy_makes_and_reflects_tables(tds_database: Database) -> None:
    import sqlalchemy as sa

    driver = odbc_driver(tds_database.odbc_driver)
    engine = sa.create_engine("mssql+pyodbc://", creator=lambda: opened(tds_database), poolclass=sa.NullPool,
                              fast_executemany=driver.fast)  # fmt: skip
    metadata = sa.MetaData()
    made = sa.Table("claims", metadata, sa.Column("id", sa.Integer, primary_key=True, autoincrement=False),
                    sa.Column("name", sa.Unicode(20)), sa.Column("amount", sa.Numeric(12, 2)),
                    sa.Column("served", sa.Date, index=True))  # fmt: skip
    rows = [
        {"id": n, "name": f"é{n}", "amount": Decimal("1.10"), "served": date(2026, 1, 1)} for n in range(20)
    ]
    with engine.begin() as connection:
        metadata.create_all(connection)
        connection.execute(made.insert(), rows)
        picked = sa.select(made.c.id).where(made.c.served == date(2026, 1, 1)).order_by(made.c.id)
        assert connection.execute(picked.limit(2).offset(3)).scalars().all() == [3, 4]
        assert connection.execute(sa.select(sa.func.sum(made.c.amount))).scalar() == Decimal("22.00")
    inspector = sa.inspect(engine)
    assert inspector.has_table("claims")
    assert not inspector.has_table("nothing")
    columns = {each["name"]: each for each in inspector.get_columns("claims")}
    assert str(columns["name"]["type"]).startswith("NVARCHAR(20)")
    assert str(columns["amount"]["type"]) == "NUMERIC(12, 2)"
    assert str(columns["served"]["type"]) == "DATE"
    assert inspector.get_pk_constraint("claims")["constrained_columns"] == ["id"]
    assert [each["column_names"] for each in inspector.get_indexes("claims")] == [["served"]]
    engine.dispose()
