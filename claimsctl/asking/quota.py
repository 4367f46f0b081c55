"""What a route may be sent in a day, counted over all runs of a workspace, also those at the same time."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import Final

from claimsctl.security.files import create_private
from claimsctl.store.jobs_database import sqlite_errors

_TABLE: Final = (
    "CREATE TABLE IF NOT EXISTS sent (route TEXT, day TEXT, requests INTEGER, granted INTEGER, "
    "PRIMARY KEY (route, day))"
)
_TAKE: Final = """
INSERT INTO sent VALUES (:route, :day, min(:wanted, :most), min(:wanted, :most))
ON CONFLICT DO UPDATE SET granted = max(min(:wanted, :most - requests), 0),
    requests = requests + max(min(:wanted, :most - requests), 0)
RETURNING granted
"""
_RETURN: Final = "UPDATE sent SET requests = requests - :unused WHERE route = :route AND day = :day"


class DayQuota:
    """The quota of one route, in the file of fresh answers. A run takes some requests at a time and gives
    back what it did not send, so that a killed one has counted too many rather than too few.

    Methods raise StoreError when the file is damaged, full or busy.
    """

    def __init__(self, path: Path, route: str, most: int, today: Callable[[], date] = date.today) -> None:
        self._path, self._route, self._most, self._today = path, route, most, today
        self._day = ""

    def take(self, wanted: int) -> int:
        """So many requests of this day, fewer where fewer are left."""
        self._day = self._today().isoformat()
        with self._transaction() as execute:
            execute("DELETE FROM sent WHERE day < :day", {"day": self._day})
            return execute(
                _TAKE, {"route": self._route, "day": self._day, "wanted": wanted, "most": self._most}
            )

    def give_back(self, unused: int) -> None:
        """Requests that were taken last and not sent."""
        with self._transaction() as execute:
            execute(_RETURN, {"route": self._route, "day": self._day, "unused": unused})

    @contextmanager
    def _transaction(self) -> Iterator[Callable[[str, dict[str, str | int]], int]]:
        import sqlalchemy as sa

        create_private(self._path, b"")
        engine = sa.create_engine(
            sa.URL.create("sqlite", database=str(self._path)), connect_args={"timeout": 60.0}
        )
        try:
            with sqlite_errors(self._path), engine.begin() as connection:
                connection.exec_driver_sql(_TABLE)

                def execute(statement: str, values: dict[str, str | int]) -> int:
                    result = connection.execute(sa.text(statement), values)
                    return int(result.scalar_one()) if result.returns_rows else 0

                yield execute
        finally:
            engine.dispose()
