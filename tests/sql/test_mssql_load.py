"""Loads into SQL Server through real drivers: the server of tests/tds, or CLAIMSCTL_TEST_MSSQL_URL.

Faults can be had from the test server only; the other tests run on both.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest

from claimsctl.errors import ConnectError, LoadError, PermissionDenied
from claimsctl.sql.catalog import columns_of, type_of
from claimsctl.sql.connect import connect
from claimsctl.sql.database import Database
from claimsctl.sql.ddl import sql_type, statements
from claimsctl.sql.drivers import odbc_driver
from claimsctl.sql.load import Delivered, Retry, deliver
from claimsctl.sql.outbox import Outbox
from claimsctl.sql.tables import all_tables
from claimsctl.sql.undo import Undone, undo
from tests.sql.lines import keys_of, line, many, outbox
from tests.sql.targets import brought, claims_outbox, left_over, query, run, with_tables
from tests.tds.fixtures import REAL, database_of
from tests.tds.remote import RemoteServer

FIRST = {"C1": (2, "10.00"), "C2": (3, "10.00"), "C3": (2, "10.00"), "C4": (1, "10.00")}
SECOND = {"C1": (2, "10.00"), "C2": (1, "11.00"), "C3": (3, "12.00"), "C5": (1, "10.00")}


@pytest.fixture(scope="session")
def tables(tds_process: RemoteServer, tmp_path_factory: pytest.TempPathFactory) -> RemoteServer:
    """The test server, which keeps our tables, empty and loaded: making them takes a second."""
    tds_process.clean()
    database = with_tables(database_of(tds_process, None))
    tds_process.keep("empty")
    deliver(claims_outbox(tmp_path_factory.mktemp("outbox"), "A", FIRST), database)
    tds_process.keep("loaded")
    return tds_process


@pytest.fixture
def tds(tables: RemoteServer) -> RemoteServer:
    """The test server with our tables, without faults."""
    tables.clean(kept="empty")
    return tables


@pytest.fixture
def faulty(driver: str, tds: RemoteServer) -> Database:
    """The test server's database, whose faults `tds` switches on."""
    return database_of(tds, driver)


@pytest.fixture
def target(driver: str, request: pytest.FixtureRequest) -> Database:
    """A SQL Server with our tables."""
    if os.environ.get(REAL):
        return with_tables(request.getfixturevalue("mssql"))
    database: Database = request.getfixturevalue("faulty")
    return database


def test_the_tables_are_those_of_the_ddl_and_making_them_again_changes_nothing(target: Database) -> None:
    with connect(target) as connection:
        for statement in statements("mssql", target.schema, target.prefix, "plain"):
            connection.execute(statement)
        for table in all_tables("plain"):
            seen = columns_of(connection, f"{target.prefix}{table.name}", target.schema)
            wanted = {c.name: type_of(sql_type("mssql", c), nullable=c.nullable) for c in table.columns}
            for name, kind in wanted.items():
                there = seen.pop(name)
                assert (there.holds(kind), kind.holds(there)) == (True, True), (table.name, name)
            assert not seen, table.name


def test_changed_claims_are_updated_and_the_rest_left_alone(target: Database, tmp_path: Path) -> None:
    first, second = claims_outbox(tmp_path, "A", FIRST), claims_outbox(tmp_path, "B", SECOND)
    assert deliver(first, target) == Delivered(
        claims=4, inserted=4, updated=0, unchanged=0, lines=8, findings=0, batches=3, already=0, retried=0
    )
    before = brought(target)
    assert deliver(second, target) == Delivered(
        claims=4, inserted=1, updated=2, unchanged=1, lines=7, findings=0, batches=3, already=0, retried=0
    )
    charges = {(row[0], row[1]): (row[2], f"{row[4]:.2f}") for row in brought(target)["claim_lines"]}
    assert charges == {
        ("C1", 1): ("A", "10.00"), ("C1", 2): ("A", "10.00"), ("C2", 1): ("B", "11.00"),
        ("C3", 1): ("B", "12.00"), ("C3", 2): ("B", "12.00"), ("C3", 3): ("B", "12.00"),
        ("C4", 1): ("A", "10.00"), ("C5", 1): ("B", "10.00"),
    }  # fmt: skip
    once = brought(target)
    assert deliver(second, target).already == 3
    assert brought(target) == once
    assert left_over(target) == {"claims_before": 2, "claim_lines_before": 5}
    assert undo("B", target) == Undone(removed=1, restored=2)
    after = brought(target)
    assert {**after, "jobs": [("A", "COMPLETED")]} == before
    assert after["jobs"] == [("A", "COMPLETED"), ("B", "ROLLED_BACK")]
    assert left_over(target) == {}


def test_texts_and_numbers_arrive_as_they_are(target: Database, tmp_path: Path) -> None:
    notes = ["quo'ted, [and] 1/2", "two\nlines", "", None, "Ünïcode 中文 🩺", " blank ", "x" * 80]
    lines = [line("C1", nth, line_note=note) for nth, note in enumerate(notes, start=1)]
    deliver(outbox(tmp_path / "A", lines, job="A"), target)
    found = query(target, "SELECT line_note FROM {claim_lines} ORDER BY line_number")
    assert [row[0] for row in found] == notes
    names = query(target, "SELECT patient_last_name, patient_dob, content_hash FROM {claims}")
    assert (names[0][0], str(names[0][1])) == ("Ñuñez", "1980-05-17")
    assert names[0][2] != 0


STEPS = {
    "staging": r"^INSERT INTO \[claimsctl_claims_staging\]",
    "update": r"^UPDATE t SET .* FROM \[claimsctl_claims\]",
    "insert": r"^INSERT INTO \[claimsctl_claim_lines\] ",
    "note": r"^INSERT INTO \[claimsctl_load_batches\]",
    "commit": r"^COMMIT",
}


def prepared(tds: RemoteServer, faulty: Database, tmp_path: Path) -> Callable[[], Delivered]:
    """A load of changed claims over older ones, which faults may meet."""
    tds.clean(kept="loaded")
    box = claims_outbox(tmp_path, "B", SECOND)
    return lambda: deliver(box, faulty, retry=Retry(20))


def settled(faulty: Database) -> None:
    """The target holds the second load, once."""
    lines = brought(faulty)["claim_lines"]
    assert [(row[0], row[1]) for row in lines] == [
        ("C1", 1), ("C1", 2), ("C2", 1), ("C3", 1), ("C3", 2), ("C3", 3), ("C4", 1), ("C5", 1)
    ]  # fmt: skip
    assert [row[2] for row in lines] == ["A", "A", "B", "B", "B", "B", "A", "B"]
    assert left_over(faulty) == {"claims_before": 2, "claim_lines_before": 5}


@pytest.mark.parametrize("step", ["staging", "update", "note"])
def test_a_deadlock_in_the_middle_is_tried_again(
    tds: RemoteServer, faulty: Database, tmp_path: Path, step: str
) -> None:
    load = prepared(tds, faulty, tmp_path)
    tds.error(1205, matching=STEPS[step])
    delivered = load()
    assert (delivered.inserted, delivered.updated, delivered.unchanged, delivered.retried) == (1, 2, 1, 1)
    settled(faulty)


@pytest.mark.parametrize(
    ("step", "after"), [("staging", False), ("update", True), ("commit", False), ("commit", True)]
)
def test_a_connection_that_breaks_is_made_again(
    tds: RemoteServer, faulty: Database, tmp_path: Path, step: str, after: bool
) -> None:
    """Broken after COMMIT was carried out: the batch is in the target, and nobody was told."""
    load = prepared(tds, faulty, tmp_path)
    tds.drop(matching=STEPS[step], after=after, nth=2 if step == "commit" else 1)
    delivered = load()
    assert (delivered.inserted, delivered.updated, delivered.retried) == (1, 2, 1)
    settled(faulty)


@pytest.mark.parametrize("number", [1222, 40613, 2627])
def test_errors_that_go_away_are_waited_for(
    tds: RemoteServer, faulty: Database, tmp_path: Path, number: int
) -> None:
    load = prepared(tds, faulty, tmp_path)
    tds.error(number, matching=STEPS["insert"])
    assert load().retried == 1
    settled(faulty)


def test_a_server_that_stops_and_comes_back(tds: RemoteServer, faulty: Database, tmp_path: Path) -> None:
    box = outbox(tmp_path / "box", many(60), job="A", batch_claims=10)
    back = threading.Timer(0.5, tds.start)

    def stop(done: int, of: int) -> None:
        if done == 3:
            tds.stop()
            back.start()

    delivered = deliver(box, faulty, progress=stop, retry=Retry(20))
    back.join()
    assert (delivered.inserted, delivered.retried >= 1) == (60, True)
    assert query(faulty, "SELECT count(*), count(DISTINCT claim_number) FROM {claim_lines}") == [(120, 60)]
    assert left_over(faulty) == {}


def test_a_load_that_was_given_up_is_gone_on_with(
    tds: RemoteServer, faulty: Database, tmp_path: Path
) -> None:
    box = claims_outbox(tmp_path, "A", FIRST)
    tds.drop(matching=STEPS["note"], nth=2)
    with pytest.raises(LoadError, match="the connection broke") as caught:
        deliver(box, faulty, retry=Retry(0))
    assert "1 of 3 batches have arrived whole" in str(caught.value)
    assert [row[1] for row in brought(faulty)["claims"]] == ["C1", "C2"]
    delivered = deliver(box, faulty)
    assert (delivered.already, delivered.inserted) == (1, 4)
    assert len(brought(faulty)["claim_lines"]) == 8
    assert left_over(faulty) == {}


def test_a_load_given_up_at_any_statement_is_gone_on_with(
    tds: RemoteServer, faulty: Database, tmp_path: Path
) -> None:
    """As by a kill: the connection ends before a statement, or after it and before its answer."""
    load = prepared(tds, faulty, tmp_path)
    load()
    points = len(tds.log.statements)
    apart = max(1, points // int(os.environ.get("SOAK_ROUNDS", "6")))
    for number, point in enumerate(range(1, points + 1, apart)):
        tds.clean(kept="loaded")
        tds.drop(matching="", nth=point, after=bool(number % 2))
        with suppress(LoadError, ConnectError):
            deliver(Outbox.open(tmp_path / "B", keys_of), faulty, retry=Retry(0))
        tds.reset()
        load()
        settled(faulty)


def test_a_key_that_goes_on_refusing_is_named_without_its_value(target: Database, tmp_path: Path) -> None:
    run(target, "CREATE UNIQUE INDEX [house_member] ON {claims} ([member_id])")
    lines = [
        line(number, 1, member_id=member)
        for number, member in (("C1", "MEM1"), ("C2", "MEM2"), ("C3", "MEM2"))
    ]
    with pytest.raises(LoadError) as caught:
        deliver(outbox(tmp_path / "A", lines, job="A", batch_claims=1), target)
    assert "house_member" in caught.value.message
    assert "claims" in caught.value.message
    assert "MEM2" not in str(caught.value)
    assert [row[1] for row in brought(target)["claims"]] == ["C1", "C2"]


@pytest.mark.parametrize(
    ("permission", "table"), [("INSERT", "claimsctl_claims"), ("UPDATE", "claimsctl_claim_lines")]
)
def test_a_right_that_is_missing_is_told_and_nothing_of_the_batch_stays(
    tds: RemoteServer, faulty: Database, tmp_path: Path, permission: str, table: str
) -> None:
    load = prepared(tds, faulty, tmp_path)
    tds.deny(permission, table)
    with pytest.raises(PermissionDenied) as caught:
        load()
    assert caught.value.exit_code == 5
    tds.reset()
    there = {(row[0], row[2]) for row in brought(faulty)["claim_lines"]}
    arrived = "B" if permission == "INSERT" else "A"  # the first batch only changes
    assert there == {("C1", "A"), ("C2", arrived), ("C3", "A"), ("C4", "A")}


def test_what_a_column_cannot_hold_is_told_before_anything_is_sent(target: Database, tmp_path: Path) -> None:
    short = next(s for s in statements("mssql", target.schema, target.prefix, "plain") if "_claims]" in s)
    run(target, "DROP TABLE {claims}", short.replace("[member_id] nvarchar(80)", "[member_id] nvarchar(4)"))
    with pytest.raises(LoadError, match="member_id") as caught:
        deliver(outbox(tmp_path / "A", [line(member_id="SECRET77")], job="A"), target)
    assert "SECRET77" not in str(caught.value)
    with pytest.raises(LoadError, match="payer_id") as caught:
        deliver(outbox(tmp_path / "B", [line(member_id="M1", payer_id="Ω77")], job="B"), target)
    assert query(target, "SELECT count(*) FROM {load_batches}") == [(0,)]


def test_two_loads_at_once_bring_both(faulty: Database, tmp_path: Path) -> None:
    boxes = [claims_outbox(tmp_path, "A", FIRST), claims_outbox(tmp_path, "B", FIRST)]
    came: list[Delivered] = []
    loads = [threading.Thread(target=lambda box=box: came.append(deliver(box, faulty))) for box in boxes]
    for each in loads:
        each.start()
    for each in loads:
        each.join()
    assert sorted((d.inserted + d.unchanged) for d in came) == [4, 4]
    assert sum(d.inserted for d in came) == 4
    assert len(brought(faulty)["claim_lines"]) == 8


def test_statements_and_messages_do_not_grow_with_rows(
    tds: RemoteServer, faulty: Database, tmp_path: Path
) -> None:
    """Microsoft's driver sends arrays of rows, FreeTDS as many rows as a statement takes parameters."""
    used = {}
    for claims in (40, 120):
        tds.clean(kept="empty")
        deliver(outbox(tmp_path / str(claims), many(claims), job=f"J{claims}"), faulty)
        used[claims] = tds.log.round_trips
    most = 5 if odbc_driver(faulty.odbc_driver).fast else 60
    assert used[120] - used[40] <= most, used
