"""Reading from SQL Server: the statements parse as its dialect, and run over the wire where a driver is."""

from __future__ import annotations

from pathlib import Path

import sqlglot

from claimsctl.security.spills import read_spill
from claimsctl.sql.connect import connect
from claimsctl.sql.database import Database, Source
from claimsctl.sql.marks import Since
from claimsctl.sql.reading import Ask, fetch, look
from claimsctl.sql.statement import Bounds, Column, Statements, table_text

SOURCE = Source(table="dbo.lines", where="[claim] <> 'x'", watermark="changed", order_by=("id",))


def test_every_statement_parses() -> None:
    database = Database("staging", "mssql+pyodbc://reader@db.example:1433/claims")
    statements = Statements(database, SOURCE, "amount > 0 OR [odd]]name] = N';--'")
    columns = [Column("id"), Column("odd]name")]
    bounds = Bounds(
        "changed", "N'2026-01-01'", low_too=True, high="N'2026-02-01'", blank_too=True, claim="claim"
    )
    texts = [
        statements.nothing(),
        statements.aggregate("CONVERT(nvarchar(40), MAX(source.[changed]), 126), COUNT(*)", bounds),
        statements.rows(columns, lambda each: f"source.{statements.name(each.name)}", bounds=bounds,
                        order=("id",), after=statements.past(("id", "claim"), ("N'1'", "N'C'")), limit=5),
    ]  # fmt: skip
    for text in texts:
        parsed = sqlglot.parse(text, dialect="tsql")
        assert len(parsed) == 1, text
        assert isinstance(parsed[0], sqlglot.exp.Select)
        assert "LIMIT" not in text


def test_over_the_wire(mssql: Database, tmp_path: Path) -> None:
    table = table_text("lines", mssql)
    with connect(mssql) as connection:
        connection.execute(
            f"CREATE TABLE {table} (id int NOT NULL PRIMARY KEY, claim varchar(20), amount decimal(12, 2), "
            "dos date, changed datetime2(7))"
        )
        for n in range(1, 6):
            connection.execute(
                f"INSERT INTO {table} VALUES ({n}, 'C{n}', {n}.50, '2026-01-0{n}', '2026-01-0{n}T08:00:00')"
            )
    source = Source(table="lines", watermark="changed")
    fetched = fetch(mssql, Ask(source, where="id < 5", since=Since()), tmp_path / "a.parquet")
    rows = read_spill(fetched.path)
    assert rows["id"].to_list() == ["1", "2", "3", "4"]
    assert rows["amount"].to_list() == ["1.50", "2.50", "3.50", "4.50"]
    assert rows["dos"].to_list()[0] == "2026-01-01"
    again = Ask(source, where="id < 5", since=Since(fetched.mark))
    assert not look(mssql, again)
    limited = fetch(mssql, Ask(source, limit=2), tmp_path / "b.parquet")
    assert limited.rows == 2
    newer = fetch(mssql, Ask(source, since=Since(fetched.mark)), tmp_path / "c.parquet")
    assert read_spill(newer.path)["id"].to_list() == ["5"]
