"""T-SQL without a driver: where statements end, what they become, what is refused."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.tds.batch import Session
from tests.tds.engine import Engine, Result
from tests.tds.errors import SqlError
from tests.tds.server import TdsServer
from tests.tds.tsql import Statement, split

CLAIMS = """CREATE TABLE [dbo].[claims] (
    [id] int NOT NULL, [code] char(5) NOT NULL, [name] nvarchar(20) NULL, [amount] decimal(12, 2) NULL,
    [served] date NULL, [loaded_at] datetime2(3) NOT NULL DEFAULT SYSUTCDATETIME(),
    [plain] varchar(20) COLLATE Latin1_General_100_BIN2 NULL,
    CONSTRAINT [pk_claims] PRIMARY KEY CLUSTERED ([id], [code]))"""


class Heard:
    """Listens to a batch."""

    def __init__(self) -> None:
        self.rows: list[list[tuple[Any, ...]]] = []
        self.counts: list[int] = []
        self.errors: list[SqlError] = []
        self.events: list[str] = []

    def result(self, result: Result, statement: Statement) -> None:
        if result.columns is None:
            self.counts.append(result.count)
        else:
            self.rows.append(list(result.rows))

    def failed(self, error: SqlError, *, rolled_back: bool) -> None:
        self.errors.append(error)
        self.events.append(f"{error.number}{' rolled back' if rolled_back else ''}")

    def transaction(self, what: str) -> None:
        self.events.append(what)

    def say(self, number: int, text: str) -> None:
        self.events.append(text)


class Speaker:
    def __init__(self, server: TdsServer) -> None:
        def carried(text: str, act: Callable[[], Result]) -> Result:
            return act()

        self.engine = Engine(server, lambda seconds: None, "loader")
        self.session = Session(self.engine, carried)

    def __call__(self, text: str, **values: Any) -> Heard:
        heard = Heard()
        self.session.run(text, values, heard)
        return heard

    def value(self, text: str, **values: Any) -> Any:
        heard = self(text, **values)
        assert not heard.errors, heard.errors
        return heard.rows[0][0][0]


@pytest.fixture
def server(tmp_path: Path) -> TdsServer:
    return TdsServer(tmp_path)


@pytest.fixture
def say(server: TdsServer) -> Iterator[Speaker]:
    speaker = Speaker(server)
    yield speaker
    speaker.engine.close()


@pytest.mark.parametrize(
    ("batch", "parts"),
    [
        ("SET NOCOUNT ON SELECT 1", ["SET NOCOUNT ON", "SELECT 1"]),
        ("SELECT ';' AS [a;b]; SELECT 2 -- ; no\n", ["SELECT ';' AS [a;b]", "SELECT 2"]),
        ("INSERT INTO t (a) SELECT 1 UNION ALL SELECT 2 DELETE FROM t",
         ["INSERT INTO t (a) SELECT 1 UNION ALL SELECT 2", "DELETE FROM t"]),
        ("UPDATE t SET a = CASE WHEN b = 1 THEN 2 END WHERE c = 3 COMMIT",
         ["UPDATE t SET a = CASE WHEN b = 1 THEN 2 END WHERE c = 3", "COMMIT"]),
        ("WITH q AS (SELECT 1 AS a) DELETE FROM t WHERE a = 1",
         ["WITH q AS (SELECT 1 AS a) DELETE FROM t WHERE a = 1"]),
        ("DROP TABLE IF EXISTS t BEGIN TRAN", ["DROP TABLE IF EXISTS t", "BEGIN TRAN"]),
        ("SELECT a FROM t WITH (UPDLOCK) WHERE b = 1", ["SELECT a FROM t WITH (UPDLOCK) WHERE b = 1"]),
    ],
)  # fmt: skip
def test_statements_end_without_semicolons(batch: str, parts: list[str]) -> None:
    assert [statement.text for statement in split(batch)] == parts


def test_what_is_stored_is_what_sql_server_stores(say: Speaker) -> None:
    say(CLAIMS)
    say(
        "INSERT INTO claims (id, code, name, amount, served, plain) "
        "VALUES (1, 'AB', N'Zoë', 1.005, '20260131', N'π')"
    )
    heard = say("SELECT code, name, amount, served, plain, LEN(code), DATALENGTH(name) FROM claims")
    assert heard.rows == [[("AB   ", "Zoë", 1.01, "2026-01-31", "?", 2, 6)]]
    assert say.value("SELECT COUNT(*) FROM claims WHERE name = 'ZOË  ' AND plain = '?'") == 1
    assert say.value("SELECT COUNT(*) FROM claims WHERE code = 'ab'") == 1
    say("UPDATE claims SET plain = 'x'")
    assert say.value("SELECT COUNT(*) FROM claims WHERE plain = 'X'") == 0
    assert say.value("SELECT COUNT(*) FROM claims WHERE loaded_at <= SYSUTCDATETIME()") == 1


@pytest.mark.parametrize(
    ("change", "number", "word"),
    [
        ("INSERT INTO claims (id, code) VALUES (1, 'toolong')", 2628, "'code'"),
        ("INSERT INTO claims (id, code) SELECT 3000000000, 'A'", 8115, "int"),
        ("INSERT INTO claims (id, code, amount) VALUES (1, 'A', 10000000000)", 8115, "decimal"),
        ("INSERT INTO claims (id, code, served) VALUES (1, 'A', '2026-02-30')", 241, "date"),
        ("INSERT INTO claims (id, code) VALUES ('x', 'A')", 245, "int"),
        ("INSERT INTO claims (code) VALUES ('A')", 515, "'id'"),
        ("INSERT INTO claims (id, code) VALUES (0, 'A')", 2627, "'pk_claims'"),
        ("INSERT INTO claims (id, kode) VALUES (1, 'A')", 207, "'kode'"),
        ("INSERT INTO claim (id) VALUES (1)", 208, "'claim'"),
        ("SELECT kode FROM claims", 207, "kode"),
        ("SELECT SOUNDSLIKE(code) FROM claims", 195, "SOUNDSLIKE"),
        ("CREATE TABLE claims (a int)", 2714, "'claims'"),
        ("CREATE TABLE other.claims (a int)", 2760, '"other"'),
        ("DROP TABLE nothing", 3701, "'nothing'"),
        ("EXEC sp_nothing", 2812, "'sp_nothing'"),
    ],
)
def test_errors_have_sql_servers_numbers(say: Speaker, change: str, number: int, word: str) -> None:
    say(CLAIMS)
    say("INSERT INTO claims (id, code) VALUES (0, 'a')")
    heard = say(change)
    assert [error.number for error in heard.errors] == [number]
    assert word in heard.errors[0].message
    assert say.value("SELECT COUNT(*) FROM claims") == 1


@pytest.mark.parametrize(
    "text",
    [
        "MERGE claims AS t USING s ON t.a = s.a WHEN MATCHED THEN DELETE",
        "SELECT DATEADD(day, 1, served) FROM claims",
        "SELECT x.a FROM claims CROSS APPLY (SELECT id AS a) AS x",
        "SELECT id FROM claims WITH (READPAST)",
        "SET IDENTITY_INSERT claims ON",
        "WAITFOR DELAY '00:00:01'",
        "BEGIN TRY SELECT 1 END TRY BEGIN CATCH SELECT 2 END CATCH",
        "ALTER TABLE claims ALTER COLUMN code char(6)",
        "CREATE VIEW v AS SELECT id FROM claims",
        "EXEC sp_getapplock @Resource = 'x', @LockMode = 'Shared', @LockOwner = 'Session'",
    ],
)
def test_what_is_not_known_is_refused_by_name(say: Speaker, text: str) -> None:
    say(CLAIMS)
    heard = say(text)
    assert [error.number for error in heard.errors] == [50000]
    assert heard.errors[0].message.startswith("TDS test server: ")
    assert not heard.rows


def test_update_from_delete_from_and_insert_where_not_exists(say: Speaker) -> None:
    say(CLAIMS)
    say(CLAIMS.replace("[claims]", "[staged]").replace("pk_claims", "pk_staged"))
    say("INSERT INTO claims (id, code, amount) VALUES (1, 'A', 1), (2, 'B', 2), (3, 'C', 3)")
    say("INSERT INTO staged (id, code, amount) VALUES (1, 'A', 10), (2, 'B', 2), (4, 'D', 4)")
    changed = say("UPDATE t SET t.amount = s.amount FROM dbo.claims AS t, dbo.staged AS s "
                  "WHERE t.id = s.id AND t.code = s.code AND t.amount <> s.amount")  # fmt: skip
    assert changed.counts == [1]
    added = say(
        "INSERT INTO claims (id, code, amount) SELECT s.id, s.code, s.amount FROM staged AS s "
        "WHERE NOT EXISTS (SELECT 1 FROM claims AS t WITH (UPDLOCK, HOLDLOCK) WHERE t.id = s.id)"
    )
    assert added.counts == [1]
    gone = say("DELETE t FROM [dbo].[claims] AS t LEFT JOIN staged AS s ON s.id = t.id WHERE s.id IS NULL")
    assert gone.counts == [1]
    assert say("SELECT id, amount FROM claims ORDER BY id").rows == [[(1, 10), (2, 2), (4, 4)]]
    assert say.value("SELECT @@ROWCOUNT") == 0


def test_an_error_spares_the_transaction_unless_xact_abort(say: Speaker) -> None:
    say(CLAIMS)
    twice = "INSERT INTO claims (id, code) VALUES (1, 'A'); INSERT INTO claims (id, code) VALUES (1, 'A')"
    assert say(f"BEGIN TRANSACTION; {twice}; SELECT @@TRANCOUNT").events == ["BEGIN TRANSACTION", "2627"]
    say("COMMIT")
    assert say.value("SELECT COUNT(*) FROM claims") == 1
    heard = say(f"SET XACT_ABORT ON; BEGIN TRAN; {twice.replace('1,', '2,')}; SELECT 1")
    assert heard.events == ["BEGIN TRANSACTION", "2627 rolled back"]
    assert not heard.rows
    assert say.value("SELECT @@TRANCOUNT") == 0
    assert say.value("SELECT COUNT(*) FROM claims") == 1
    assert say("COMMIT").events == ["3902"]


def test_tables_of_a_transaction_that_is_rolled_back_are_gone(say: Speaker) -> None:
    say(f"BEGIN TRANSACTION; {CLAIMS}; CREATE INDEX ix ON claims (served)")
    assert say.value("SELECT OBJECT_ID(N'[dbo].[claims]', N'U')") is not None
    say("ROLLBACK")
    assert say.value("SELECT OBJECT_ID('dbo.claims')") is None
    assert say("SELECT id FROM claims").errors[0].number == 208
    assert not say(CLAIMS).errors


def test_conditions_variables_and_blocks(say: Speaker) -> None:
    heard = say("IF OBJECT_ID(N'dbo.claims', N'U') IS NULL BEGIN " + CLAIMS + " END ELSE PRINT 'there'")
    assert not heard.errors
    assert say("IF OBJECT_ID(N'claims') IS NULL SELECT 1 ELSE PRINT 'there'").events == ["there"]
    assert say.value("DECLARE @n int = 2; SET @n = @n + 1; SELECT @n") == 3
    assert say.value("SELECT N'a' + @b", b="c") == "ac"
    assert say("THROW 50001, 'stop', 1; SELECT 1").events == ["50001"]
    say("IF SCHEMA_ID(N'house') IS NULL EXEC(N'CREATE SCHEMA [house]')")
    assert say.value("SELECT COUNT(*) FROM sys.schemas WHERE name = 'house'") == 1


def test_application_locks_are_for_one_owner_until_its_transaction_ends(
    say: Speaker, server: TdsServer
) -> None:
    take = "DECLARE @r int; EXEC @r = sp_getapplock @Resource = 'load', @LockMode = 'Exclusive', " \
           "@LockOwner = 'Transaction', @LockTimeout = 20; SELECT @r"  # fmt: skip
    other = Speaker(server)
    assert say(take).errors[0].number == 15600
    say("BEGIN TRAN")
    other("BEGIN TRAN")
    assert say.value(take) == 0
    assert say.value(take) == 0
    assert other.value(take) == -1
    say("ROLLBACK")
    assert other.value(take) == 0
    other.engine.close()


def test_writers_wait_for_each_other_and_readers_for_nobody(say: Speaker, server: TdsServer) -> None:
    say(CLAIMS)
    other = Speaker(server)
    say("BEGIN TRAN; INSERT INTO claims (id, code) VALUES (1, 'A')")
    assert other.value("SELECT COUNT(*) FROM claims") == 0
    heard = other("SET LOCK_TIMEOUT 10; INSERT INTO claims (id, code) VALUES (2, 'B')")
    assert heard.events == ["1222"]
    say("COMMIT")
    assert not other("INSERT INTO claims (id, code) VALUES (2, 'B')").errors
    assert other.value("SELECT COUNT(*) FROM claims") == 2
    other.engine.close()


def test_the_catalogue_tells_columns_and_keys(say: Speaker) -> None:
    say(CLAIMS)
    say("CREATE UNIQUE INDEX ux ON claims (name) WHERE name IS NOT NULL")
    heard = say(
        "SELECT COLUMN_NAME, DATA_TYPE, CHARACTER_MAXIMUM_LENGTH, NUMERIC_PRECISION, NUMERIC_SCALE, "
        "IS_NULLABLE FROM INFORMATION_SCHEMA.COLUMNS WHERE TABLE_NAME = N'claims' ORDER BY 1"
    )
    assert heard.rows[0][1:4] == [
        ("code", "char", 5, None, None, "NO"),
        ("id", "int", None, 10, 0, "NO"),
        ("loaded_at", "datetime2", None, None, None, "NO"),
    ]
    names = say(
        "SELECT name, is_unique, is_primary_key FROM sys.indexes WHERE object_id = OBJECT_ID('claims')"
    )
    assert names.rows == [[("pk_claims", 1, 1), ("ux", 1, 0)]]
    say("INSERT INTO claims (id, code, name) VALUES (1, 'A', N'x'), (2, 'A', NULL), (3, 'A', NULL)")
    assert say("INSERT INTO claims (id, code, name) VALUES (4, 'A', N'X')").events == ["2601"]
