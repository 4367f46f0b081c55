"""The engine of the claims store: DuckDB without the relations of its package.

Those are Python, take 0.1 s to import, as long as a claim is looked up in, and nothing that is asked in SQL
needs them. Who does, for relations or Arrow, calls duckdb.sql() or duckdb.register() with the connection:
both are one engine, with the same connections and errors.
"""

from __future__ import annotations

try:
    import _duckdb as duckdb
except ModuleNotFoundError:  # of a version that is laid out differently
    import duckdb  # type: ignore[no-redef]

__all__ = ["duckdb"]
