"""What to tell of a database that refuses to be read."""

from __future__ import annotations

from difflib import get_close_matches
from typing import Any

from claimsctl.errors import ClaimsctlError, ConnectError, PermissionDenied, UsageError
from claimsctl.sql.connect import connect
from claimsctl.sql.database import Database, Source
from claimsctl.sql.statement import literal, table_parts
from claimsctl.sql.transient import Fault


def reading_error(database: Database, source: Source, error: BaseException, fault: Fault) -> ClaimsctlError:
    """The error of a statement that read `source`; it holds no value of a row."""
    what = f"{database.name}: "
    if fault.transient:
        return ConnectError(
            f"{what}{fault.reason}, several times; nothing was taken.", hint="Run again later."
        )
    if fault.verdict == "forbidden":
        of = f" {fault.table or source.table}" if fault.table or source.table else ""
        return PermissionDenied(
            f"{what}the user may not read{of}.",
            hint="Have its owner grant SELECT to the user of the database.",
        )
    if fault.reason == "a table is missing":
        return _no_table(database, source, fault.table)
    words = _words(error)
    if fault.reason == "a column is missing":
        column = f" {fault.column}" if fault.column else ""
        return UsageError(
            f"{what}a column{column} is missing{f' ({words})' if words and not column else ''}.",
            hint="Check --where, where, and the query of the source.",
        )
    return UsageError(
        f"{what}the database cannot read this{f': {words}' if words else f' ({fault.reason})'}.",
        hint="Check --where, --since, where, and the query of the source.",
    )


def _no_table(database: Database, source: Source, named: str) -> ClaimsctlError:
    if source.query is not None:
        return UsageError(
            f"{database.name}: the query names {named or 'a table'}, which is not there.",
            hint="Check the query.",
        )
    name = str(source.table)
    near = get_close_matches(
        name.lower(), [each.lower() for each in _tables(database, name)], n=1, cutoff=0.5
    )
    return UsageError(
        f"{database.name}: there is no table or view {name} at {database.place}.",
        hint=f"Did you mean {near[0]}?" if near else "Check its name and schema, and what the user may see.",
    )


def _tables(database: Database, name: str) -> list[str]:
    """Tables and views beside one that is not there; empty where nobody can tell."""
    *schema, _ = table_parts(name, database)
    if database.dialect == "sqlite":
        statement = "SELECT name FROM sqlite_master WHERE type IN ('table', 'view')"
    else:
        where = literal(schema[-1], database.dialect) if schema else "CURRENT_SCHEMA"
        where = "SCHEMA_NAME()" if database.dialect == "mssql" and not schema else where
        statement = f"SELECT table_name FROM information_schema.tables WHERE table_schema = {where}"
    try:
        with connect(database, read_only=True) as connection:
            found = [str(row[0]) for row in connection.rows(statement)]
    except Exception:  # only for a hint
        return []
    return [f"{schema[-1]}.{each}" if "." in name else each for each in found]


def _words(error: BaseException) -> str:
    """What the database says of a statement that it does not understand: of its text, not of a value."""
    driver: Any = getattr(error, "orig", None) or error
    module, kind = type(driver).__module__.partition(".")[0], type(driver).__name__
    if module == "psycopg" and str(driver.sqlstate or "").startswith("42"):
        return str(driver.diag.message_primary)
    if module == "sqlite3" and kind == "OperationalError":
        return str(driver)
    if kind in ("BinderException", "ParserException", "CatalogException"):
        return str(driver).splitlines()[0]
    return ""
