"""The statements of a delivery are statements of their dialect, and of sets only."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace

import pytest
import sqlglot
from sqlglot import exp

from claimsctl.errors import UsageError
from claimsctl.sql.database import Database, HouseTable
from claimsctl.sql.dialects import Grammar, grammar_of
from claimsctl.sql.dialects.mssql import SQLServer, applocks
from claimsctl.sql.layout import layout_of
from claimsctl.sql.merging import Merging
from claimsctl.sql.tables import TARGET_TABLES

SERVER = Database("production", "mssql+pyodbc://loader@db.example:1433/claims", schema="dbo")
HOUSE = replace(
    SERVER,
    tables={
        "claims": HouseTable("Bill]s", {"claim_number": "No", "job_id": "Job", "content_hash": "Hash"}),
        "claim_lines": HouseTable("Rows", {"claim_number": "No", "line_number": "Line", "job_id": "Job"}),
    },
)
DIALECTS = {
    "tsql": SERVER,
    "postgres": Database("staging", "postgresql+psycopg://loader@db.example/claims", schema="public"),
    "sqlite": Database("local", "sqlite:////tmp/x.db"),
    "duckdb": Database("local", "duckdb:////tmp/x.duckdb"),
}


def statements(database: Database) -> Iterator[str]:
    """Every statement of a delivery and of undoing a job, as it is sent."""
    sql = Merging(layout_of(database, "plain"))
    for name in (
        "known_claims unchanged_lines keep_claims keep_lines update_claims update_lines delete_lines done"
        " arrived note replaced_by bring_back forget_batches mark_job"
    ).split():
        yield getattr(sql, name)()
    yield sql.staged(TARGET_TABLES)
    for table in TARGET_TABLES:
        for name in "clear insert update delete_written forget_staged".split():
            yield getattr(sql, name)(table)
    yield sql.insert("claim_lines", written=True)
    for table in ("claims", "claim_lines"):
        yield sql.reinsert(table)
        yield sql.forget_before(table)


@pytest.mark.parametrize("dialect", DIALECTS)
def test_statements_parse(dialect: str) -> None:
    for statement in statements(DIALECTS[dialect]):
        sent = (
            re.sub(r":\w+", "?", statement) if dialect != "duckdb" else re.sub(r":(\w+)", r"$\1", statement)
        )
        parsed = sqlglot.parse(sent, dialect=dialect)
        assert len(parsed) == 1
        assert not isinstance(parsed[0], exp.Merge)


def test_statements_for_a_house_table_parse_and_name_its_columns_only() -> None:
    for statement in statements(HOUSE):
        for part in sqlglot.parse_one(re.sub(r":\w+", "?", statement), dialect="tsql").find_all(exp.Column):
            if part.table == "c":
                assert part.name in {"No", "Job", "Hash"}, statement
    assert "[dbo].[Bill]]s]" in Merging(layout_of(HOUSE, "plain")).update_claims()


def test_t_sql_names_the_alias_first() -> None:
    sql = Merging(layout_of(SERVER, "plain"))
    assert sql.update_claims().startswith("UPDATE t SET [job_id] = s.[job_id], ")
    assert (
        " FROM [dbo].[claimsctl_claims] AS t, [dbo].[claimsctl_claims_staging] AS s WHERE "
        in sql.update_claims()
    )
    assert sql.delete_lines().startswith("DELETE t FROM [dbo].[claimsctl_claim_lines] AS t, ")


def test_the_locks_of_sql_server_end_with_the_transaction() -> None:
    text = applocks(["claimsctl/it's", "two"])
    assert text.count("sp_getapplock") == 2
    assert "@Resource = 'claimsctl/it''s'" in text
    assert text.count("@LockOwner = 'Transaction'") == 2
    assert not [each for each in sqlglot.parse(text, dialect="tsql") if isinstance(each, exp.Command)]
    assert len(sqlglot.parse(SQLServer().opening(), dialect="tsql")) == 3
    assert "SET XACT_ABORT ON" in SQLServer().opening()


def test_the_key_is_never_updated() -> None:
    update = Merging(layout_of(SERVER, "plain")).update_lines()
    changed = update.partition(" FROM ")[0]
    assert not [name for name in ("claim_number", "practice_id", "line_number") if f"[{name}] =" in changed]


def test_other_databases_are_only_read_from() -> None:
    with pytest.raises(UsageError, match="cannot be written to mysql"):
        grammar_of(Database("old", "mysql://db.example/claims"))
    assert Grammar.name == "other"
