"""What every dialect must say, and how most of them say it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from claimsctl.sql.database import Dialect

if TYPE_CHECKING:
    from datetime import datetime

    from claimsctl.sql.connection import Connection

LOCK_SECONDS: Final = 30
"""How long a statement waits for a lock before the whole transaction is tried again."""


@dataclass(frozen=True, slots=True)
class Stage:
    """Rows of one batch and where they go: a staging table, its quoted name and, by ours, its columns'.

    `data` is the Parquet file, compared with its checksum; `key` is what it is encrypted with.
    """

    table: str
    name: str
    columns: Mapping[str, str]
    job: str
    batch: int
    loaded_at: datetime
    data: bytes
    key: bytes | None = field(default=None, repr=False)


class Grammar(ABC):
    """One dialect: how names are quoted, how statements over several tables are written, how rows get in."""

    name: Dialect = "other"
    stages_beside = False
    """Whether rows may be staged on another connection while the batch before is brought in."""

    def quote(self, name: str) -> str:
        """A name as it stands, whatever is in it."""
        return '"' + name.replace('"', '""') + '"'

    def table(self, schema: str | None, name: str) -> str:
        """The quoted name of a table."""
        return self.quote(name) if schema is None else f"{self.quote(schema)}.{self.quote(name)}"

    def code(self, name: str) -> str:
        """The value of that name, where it is compared with a column of codes."""
        return f":{name}"

    def timestamp(self, value: datetime) -> datetime | str:
        """A time as the driver takes it."""
        return value

    def update(self, table: str, values: Mapping[str, str], sources: str, where: str) -> str:
        """Update `table`, named t in `values` and `where`, from other tables."""
        return f"UPDATE {table} AS t SET {_assigned(values)} FROM {sources} WHERE {where}"

    def delete(self, table: str, key: Sequence[str], sources: str, where: str) -> str:
        """Delete from `table`, named t in `where`; `key` identifies its rows."""
        return f"DELETE FROM {table} AS t USING {sources} WHERE {where}"

    def opening(self) -> str:
        """What every transaction begins with; "" for nothing."""
        return ""

    def lock(self, connection: Connection, *names: str) -> None:
        """Hold the locks of those names until the transaction ends; others wait for them.

        Nothing to do where a transaction that writes is alone anyway. LockTimeout or an error of the driver
        when another goes on holding one.
        """
        return

    @abstractmethod
    def prepare(self, stage: Stage) -> Any:
        """The rows in the form that `put` sends; made while the database is busy with the batch before."""

    @abstractmethod
    def put(self, connection: Connection, stage: Stage, rows: Any) -> None:
        """Put prepared rows into a staging table, within the transaction under way."""


class LockTimeout(Exception):
    """Another load holds the application lock, and went on holding it."""


def _assigned(values: Mapping[str, str]) -> str:
    return ", ".join(f"{column} = {value}" for column, value in values.items())


def text_literal(text: str) -> str:
    """A text as it stands in a statement."""
    return "'" + text.replace("'", "''") + "'"
