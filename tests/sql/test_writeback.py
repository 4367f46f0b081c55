"""The outcome in a table beside the source: once for each key, whatever is repeated or breaks."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from claimsctl.errors import OutputError, PermissionDenied, UsageError
from claimsctl.sql.connect import connect
from claimsctl.sql.connection import Connection
from claimsctl.sql.database import Database, Source, parse_url
from claimsctl.sql.writeback import prepare, write_back

SOURCE = Source(table="lines", write_back="outcome", write_back_create=True)
KEY = ["claim", "id"]


def run(database: Database, *statements: str) -> None:
    with connect(database, create=True) as connection:
        for statement in statements:
            connection.execute(statement)


def written(database: Database) -> list[tuple[Any, ...]]:
    with connect(database) as connection:
        return connection.rows(
            "SELECT claim, id, status, error_codes, job_id FROM outcome ORDER BY claim, id"
        )


@pytest.fixture(params=["postgresql", "sqlite", "duckdb"])
def staging(request: pytest.FixtureRequest, tmp_path: Path) -> Database:
    url = f"{request.param}:///{tmp_path}/staging.db"
    if request.param == "postgresql":
        url = parse_url(request.getfixturevalue("postgres_url"))
    database = Database("staging", url)
    run(database, "CREATE TABLE lines (id integer PRIMARY KEY, claim varchar(20), note varchar(20))")
    return database


@pytest.fixture
def outcomes() -> pl.DataFrame:
    return pl.DataFrame({
        "claim": ["C'1", "C'1", "C2", None], "id": ["1", "2", "3", "4"],
        "status": ["accepted", "accepted", "rejected", "accepted"],
        "error_codes": [None, None, "DX-004; FIN-002", None],
    })  # fmt: skip


def test_rows_are_there_once_and_say_what_became_of_them_last(
    staging: Database, outcomes: pl.DataFrame
) -> None:
    assert write_back(staging, SOURCE, KEY, outcomes, "job-1") == 3, "a row without a key has none"
    first = [
        ("C'1", 1, "accepted", None, "job-1"), ("C'1", 2, "accepted", None, "job-1"),
        ("C2", 3, "rejected", "DX-004; FIN-002", "job-1"),
    ]  # fmt: skip
    assert written(staging) == first, "the key has the type that it has in the source"
    write_back(staging, SOURCE, KEY, outcomes, "job-1")
    assert written(staging) == first
    later = outcomes.filter(pl.col("id") == "3").with_columns(
        pl.lit("accepted").alias("status"), pl.lit("x" * 2_000).alias("error_codes")
    )
    write_back(staging, SOURCE, KEY, later, "job-2")
    assert written(staging) == [*first[:2], ("C2", 3, "accepted", "x" * 1_000, "job-2")]


def test_a_table_of_the_house(staging: Database, outcomes: pl.DataFrame) -> None:
    own = replace(SOURCE, write_back_create=False)
    with pytest.raises(UsageError, match=r"no table outcome.*write_back_create = true.*claim, id, status"):
        prepare(staging, own, KEY)
    run(staging, "CREATE TABLE outcome (id bigint, claim varchar(20), status varchar(9), job_id varchar(30))")
    with pytest.raises(UsageError, match="the outcome names error_codes"):
        prepare(staging, own, KEY)
    with pytest.raises(UsageError, match="names the table that is read"):
        prepare(staging, replace(SOURCE, write_back="lines"), KEY)


def test_a_broken_connection(tmp_path: Path, outcomes: pl.DataFrame) -> None:
    import psycopg

    database = Database("staging", f"sqlite:///{tmp_path}/staging.db")
    run(database, "CREATE TABLE lines (id integer PRIMARY KEY, claim varchar(20))")
    opened: list[int] = []

    @contextmanager
    def breaking(database: Database, **options: Any) -> Iterator[Connection]:
        opened.append(1)
        with connect(database, **options) as connection:
            many = connection.many

            def broken(statement: str, rows: Any) -> None:
                many(statement, rows)
                if len(opened) == 1 and statement.startswith("INSERT"):
                    raise psycopg.OperationalError("server closed the connection unexpectedly")

            connection.many = broken  # type: ignore[method-assign]
            yield connection

    assert write_back(database, SOURCE, KEY, outcomes, "job-1", opened=breaking, waits=(0,)) == 3
    assert (len(opened), len(written(database))) == (2, 3)


def test_refusals_are_told_without_values(postgres_url: str, outcomes: pl.DataFrame) -> None:
    owner = Database("pg", parse_url(postgres_url))
    name = f"writer_{owner.parts.database}"
    run(
        owner, "CREATE TABLE lines (id integer PRIMARY KEY, claim varchar(20))",
        "CREATE TABLE outcome (id int, claim varchar(20), status varchar(3), job_id text, error_codes text, "
        "written_at timestamp)",
        f"CREATE ROLE {name} LOGIN", f"GRANT SELECT ON lines, outcome TO {name}",
    )  # fmt: skip
    with pytest.raises(OutputError, match="too long for its column") as error:
        write_back(owner, SOURCE, KEY, outcomes, "job-1")
    assert "C'1" not in str(error.value)
    writer = replace(owner, url=owner.parts.set(username=name).render_as_string(hide_password=False))
    with pytest.raises(PermissionDenied, match="grant SELECT, INSERT and DELETE"):
        write_back(writer, SOURCE, KEY, outcomes, "job-1")
