"""The statements that make the tables: reviewed texts, run for real where that is possible.

`python -m tests.sql.test_ddl` writes the texts of golden/ again, to be reviewed.
"""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Final

import pytest

from claimsctl.errors import UsageError
from claimsctl.security.policy import Phi
from claimsctl.sql.ddl import DdlDialect, ddl, statements
from claimsctl.sql.tables import all_tables

GOLDEN: Final = Path(__file__).with_name("golden")
TEXTS: Final[dict[str, tuple[DdlDialect, str | None, Phi]]] = {
    "mssql": ("mssql", "billing", "plain"),
    "mssql-encrypt": ("mssql", None, "encrypt"),
    "postgresql": ("postgresql", "billing", "plain"),
    "sqlite": ("sqlite", None, "plain"),
    "duckdb": ("duckdb", None, "mask"),
}


@pytest.mark.parametrize("name", TEXTS)
def test_the_text_is_the_one_that_was_reviewed(name: str) -> None:
    dialect, schema, phi = TEXTS[name]
    assert ddl(dialect, schema, "claimsctl_", phi) == (GOLDEN / f"{name}.sql").read_text("utf-8")


@pytest.mark.parametrize("phi", ["plain", "encrypt"])
def test_a_parser_of_t_sql_finds_every_table_key_type_and_index(phi: Phi) -> None:
    import sqlglot
    from sqlglot import exp

    tables, indexes = {}, set()
    for statement in statements("mssql", "billing", "claimsctl_", phi):
        tree = sqlglot.parse_one(statement, dialect="tsql")
        assert isinstance(tree, exp.IfBlock), statement
        made = tree.find(exp.Create)
        if made is None:
            assert "CREATE SCHEMA" in statement
        elif made.kind == "TABLE":
            name = made.find(exp.Table).name
            tables[name] = {c.name: c.kind.sql("tsql").lower() for c in made.find_all(exp.ColumnDef)}
            key = made.find(exp.ClusteredColumnConstraint)
            assert (key is None) == name.endswith("_staging"), name
        else:
            indexes.add(made.this.name)
    wanted = all_tables(phi)
    assert {name: tuple(columns) for name, columns in tables.items()} == {
        f"claimsctl_{table.name}": table.names for table in wanted
    }
    assert len(indexes) == sum(len(table.indexes) for table in wanted)
    claims, lines = tables["claimsctl_claims"], tables["claimsctl_claim_lines"]
    assert lines["charge_amount"] == "numeric(12, 2)"  # sqlglot's word for decimal
    assert claims["billing_npi"] == "char(10)"
    assert claims["billing_name"] == "nvarchar(60)"
    assert claims["loaded_at"] == "datetime2(3)"
    assert claims["patient_last_name"] == ("nvarchar(60)" if phi == "plain" else "varchar(364)")


def test_keys_fit_what_sql_server_can_index() -> None:
    for table in all_tables("encrypt"):
        for names, most in ((table.key, 900), *((index, 1_700) for index in table.indexes)):
            columns = [table.column(name) for name in names]
            width = sum(c.length * (2 if c.kind == "text" else 1) or 8 for c in columns)
            assert width <= most, (table.name, names)


def test_names_of_indexes_and_keys_are_short_enough_for_every_database() -> None:
    names = re.findall(
        r'(?:INDEX IF NOT EXISTS|CONSTRAINT) "(\w+)"', ddl("postgresql", None, "claimsctl_", "plain")
    )
    assert len(names) == len(set(names))
    assert max(map(len, names)) <= 63


def _twice(execute: Callable[[str], object], dialect: DdlDialect, schema: str | None, phi: Phi) -> None:
    for _ in range(2):
        for statement in statements(dialect, schema, "claimsctl_", phi):
            execute(statement)


@pytest.mark.parametrize("phi", ["plain", "mask", "encrypt"])
def test_sqlite_takes_it_twice(phi: Phi) -> None:
    connection = sqlite3.connect(":memory:")
    _twice(connection.execute, "sqlite", None, phi)
    found = connection.execute(
        "SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY rowid"
    ).fetchall()
    assert [name for (name,) in found] == [f"claimsctl_{table.name}" for table in all_tables(phi)]
    connection.close()


def test_sqlite_keeps_zeros_of_codes_and_reads_decimals_exactly() -> None:
    connection = sqlite3.connect(":memory:")
    connection.executescript(ddl("sqlite", None, "", "plain"))
    connection.execute(
        "INSERT INTO claim_lines (practice_id, claim_number, payer_sequence, line_number, job_id,"
        " content_hash, loaded_at, place_of_service, charge_amount, service_date_from)"
        " VALUES ('01', '007', 'P', '1', 'j', 9223372036854775807, '2026-06-30 08:30:00.000', '02',"
        " '9999999999.99', '2026-05-04')"
    )
    row = connection.execute(
        "SELECT practice_id, claim_number, line_number, content_hash, place_of_service,"
        " printf('%.2f', charge_amount), service_date_from FROM claim_lines"
    ).fetchone()
    assert row == ("01", "007", 1, 9223372036854775807, "02", "9999999999.99", "2026-05-04")
    connection.close()


def test_sqlite_has_no_schemas() -> None:
    with pytest.raises(UsageError, match=r"SQLite has no schema billing"):
        ddl("sqlite", "billing", "claimsctl_", "plain")


def test_duckdb_takes_it_twice() -> None:
    import duckdb

    with duckdb.connect() as connection:
        _twice(lambda text: connection.execute(text).fetchall(), "duckdb", "billing", "plain")
        found = connection.execute(
            "SELECT table_name FROM information_schema.tables WHERE table_schema = 'billing'"
        ).fetchall()
        assert len(found) == len(all_tables("plain"))


def test_postgresql_takes_it_twice_and_has_the_types(postgres_url: str) -> None:
    import psycopg

    with psycopg.connect(postgres_url) as connection:
        _twice(lambda text: connection.execute(text.encode()), "postgresql", "billing", "plain")
        found = connection.execute(
            "SELECT column_name, data_type, character_maximum_length, numeric_precision, numeric_scale,"
            " is_nullable FROM information_schema.columns"
            " WHERE table_schema = 'billing' AND table_name = 'claimsctl_claim_lines'"
        ).fetchall()
        keys = connection.execute(
            "SELECT count(*) FROM pg_constraint WHERE contype = 'p'"
            " AND connamespace = 'billing'::regnamespace"
        ).fetchone()
    types = {row[0]: row[1:] for row in found}
    assert types["charge_amount"] == ("numeric", None, 12, 2, "YES")
    assert types["rendering_npi"] == ("character varying", 10, None, None, "YES")
    assert types["loaded_at"][0] == "timestamp without time zone"
    assert types["content_hash"][0] == "bigint"
    assert keys == (sum(bool(table.key) for table in all_tables("plain")),)


def test_a_user_who_may_not_make_schemas_can_use_one_that_is_there(postgres_url: str) -> None:
    import psycopg

    with psycopg.connect(postgres_url) as connection:
        connection.execute(
            "CREATE SCHEMA billing; CREATE ROLE loader; GRANT ALL ON SCHEMA billing TO loader;"
        )
        connection.execute("SET ROLE loader")
        _twice(lambda text: connection.execute(text.encode()), "postgresql", "billing", "mask")
        connection.rollback()


@pytest.mark.parametrize("dialect", ["mssql", "postgresql", "duckdb"])
def test_odd_names_are_quoted(dialect: DdlDialect) -> None:
    text = ddl(dialect, "o'd]d\"x", "p]\"'", "plain")
    assert ("[o'd]]d\"x]" in text) if dialect == "mssql" else ('"o\'d]d""x"' in text)
    assert "N'o'd" not in text


if __name__ == "__main__":
    for each, (its_dialect, its_schema, its_phi) in TEXTS.items():
        (GOLDEN / f"{each}.sql").write_text(ddl(its_dialect, its_schema, "claimsctl_", its_phi), "utf-8")
