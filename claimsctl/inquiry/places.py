"""Where in the store the rows of a claim number stand.

All tables are looked through in one query, on all cores, by a column of numbers; rows are then read by their
places, for which DuckDB opens only the row groups that have one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Final

from claimsctl.store.schema import NUMBER_HASH

if TYPE_CHECKING:
    import duckdb

CLAIMS: Final = "claims"
HISTORY: Final = "claim_status_history"
ANSWERS: Final = "claim_answers"

Places = Mapping[str, str]
"""Per table a condition of its rows that may be of the number: others may be among them (NUMBER_HASH)."""


def places_of(
    number: str, connection: duckdb.DuckDBPyConnection, tables: Sequence[str] = (CLAIMS, HISTORY, ANSWERS)
) -> Places:
    """Rows of the claim number, in any capitals; good until the end of the connection's transaction."""
    hashed = NUMBER_HASH.format("$number")
    found = connection.execute(
        " UNION ALL ".join(
            f"SELECT '{table}', rowid FROM {table} WHERE number_hash = {hashed}" for table in tables
        ),
        {"number": number.strip()},
    ).fetchall()
    return {table: _at([row for of, row in found if of == table]) for table in tables}


def _at(rows: Sequence[int]) -> str:
    # As numbers in the query they are a range, which passes over row groups before they are opened.
    return f"rowid IN ({', '.join(map(str, rows))})" if rows else "false"
