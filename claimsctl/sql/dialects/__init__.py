"""Dialects of the databases that claims are written to: one writer, and here what they say differently."""

from __future__ import annotations

from claimsctl.errors import UsageError
from claimsctl.sql.database import Database
from claimsctl.sql.dialects.duckdb import DuckDB
from claimsctl.sql.dialects.grammar import LOCK_SECONDS, Grammar, LockTimeout, Stage
from claimsctl.sql.dialects.mssql import SQLServer
from claimsctl.sql.dialects.postgresql import PostgreSQL
from claimsctl.sql.dialects.sqlite import SQLite

__all__ = ["LOCK_SECONDS", "Grammar", "LockTimeout", "Stage", "grammar_of"]


def grammar_of(database: Database) -> Grammar:
    """How statements for that database are written; UsageError for one that claims are only read from."""
    for grammar in (SQLServer(), PostgreSQL(), SQLite(), DuckDB()):
        if grammar.name == database.dialect:
            return grammar
    scheme = database.url.partition(":")[0]
    raise UsageError(
        f"{database.name}: claims cannot be written to {scheme}.",
        hint="Write to SQL Server, PostgreSQL, SQLite or DuckDB; other databases are read from.",
    )
