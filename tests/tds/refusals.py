"""SQLite's errors in SQL Server's words."""

from __future__ import annotations

import re

from tests.tds.catalogue import TableDef
from tests.tds.errors import SqlError, untranslatable
from tests.tds.translate import Translated


def refusal(text: str, statement: Translated, tables: dict[str, TableDef]) -> SqlError:
    """What SQL Server would have said."""
    if match := re.match(r"UNIQUE constraint failed: (.*)", text):
        columns = [each.rpartition(".")[2].lower() for each in match[1].split(", ")]
        return _duplicate(columns, tables[statement.target.lower()])
    if match := re.match(r"NOT NULL constraint failed: (.*)\.(.*)", text):
        return SqlError(
            515,
            f"Cannot insert the value NULL into column '{match[2]}', table 'claims.{match[1]}'; column does "
            "not allow nulls.",
        )
    if text.startswith("CHECK constraint failed"):
        return SqlError(547, f"The statement conflicted with a CHECK constraint in '{statement.target}'.")
    if match := re.match(r"no such column: (.*)", text):
        return SqlError(207, f"Invalid column name '{match[1]}'.")
    if match := re.match(r"no such function: (.*)", text):
        return SqlError(195, f"'{match[1]}' is not a recognized built-in function name.")
    if match := re.match(r"no such table: (.*)", text):
        return SqlError(208, f"Invalid object name '{match[1]}'.")
    return untranslatable(f"SQLite refuses this ({text})", statement.sql)


def _duplicate(columns: list[str], table: TableDef) -> SqlError:
    key = next((k for k in table.keys if k.unique and [c.lower() for c in k.columns] == columns), None)
    if key is not None and not key.constraint:
        place = f"'{table.name}' with unique index '{key.name}'"
        return SqlError(2601, f"Cannot insert duplicate key row in object {place}.")
    kind = "PRIMARY KEY" if key is None or key.primary else "UNIQUE KEY"
    name = key.name if key is not None else "PK"
    said = f"Violation of {kind} constraint '{name}'. Cannot insert duplicate key in object '{table.name}'."
    return SqlError(2627, said)
