"""Delivery of an outbox into a database: batch by batch, each whole or not at all, each once.

A batch goes into permanent staging tables first. Then one transaction, under an application lock, compares
it with the target, keeps the versions it replaces, updates and inserts, compares counts, notes the batch as
arrived and empties staging. Killed anywhere and delivered again, nothing is doubled and nothing lost.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import Any, Final

from claimsctl.errors import LoadError
from claimsctl.sql.checks import look_ahead
from claimsctl.sql.connect import connect
from claimsctl.sql.connection import Connection
from claimsctl.sql.database import Database
from claimsctl.sql.dialects import Stage
from claimsctl.sql.layout import layout_of
from claimsctl.sql.merging import NOTED, Merging
from claimsctl.sql.outbox import Batch, Outbox
from claimsctl.sql.tables import LOAD_BATCHES, TARGET_TABLES
from claimsctl.sql.trying import NotAsStaged, Notify, Retry, Trying

Progress = Callable[[int, int], None]
"""Called with how many batches have arrived and how many there are."""
Noted = Mapping[str, int]
"""Counts of a batch, by their names in load_batches."""

_UPSERTED: Final = ("claim_status", "jobs")
_APPENDED: Final = ("claim_findings", "claim_status_history")
_SHOWN: Final = 5


@dataclass(frozen=True, slots=True)
class Delivered:
    """What an outbox brought, `already` the batches that had arrived before; `retried` counts new tries."""

    claims: int
    inserted: int
    updated: int
    unchanged: int
    lines: int
    findings: int
    batches: int
    already: int
    retried: int


@dataclass(frozen=True, slots=True)
class _Claims:
    inserted: int = 0
    updated: int = 0
    unchanged: int = 0


@dataclass(slots=True)
class _Rows:
    """Rows of a batch as they are sent, and whether they are in staging."""

    prepared: list[tuple[Stage, Any]]
    staged: bool = False


def deliver(
    outbox: Outbox,
    database: Database,
    *,
    notify: Notify = lambda text: None,
    progress: Progress = lambda done, of: None,
    retry: Retry | None = None,
) -> Delivered:
    """Bring every batch of the outbox into the database; what has arrived before is left alone.

    What the tables could not hold is told before anything is sent. Errors that may go away are tried again as
    `retry` says. LoadError (with table, column and constraint where the driver tells them), PermissionDenied
    and ConnectError otherwise; batches before stay, and delivering again goes on after them.
    """
    with Trying(database, retry or Retry(), notify) as trying:
        return _Delivery(outbox, database, trying).run(progress)


class _Delivery:
    def __init__(self, outbox: Outbox, database: Database, trying: Trying) -> None:
        self._outbox = outbox
        self._database = database
        self._layout = layout_of(database, outbox.phi)
        self._grammar = self._layout.grammar
        self._sql = Merging(self._layout, outbox.columns)
        self._trying = trying
        self._beside: Connection | None = None
        self._now = datetime.now(UTC).replace(tzinfo=None, microsecond=0)

    def run(self, progress: Progress) -> Delivered:
        of = len(self._outbox.batches)
        arrived = dict(self._trying.run(self._all_arrived, standing=self._standing(0)))
        already = len(arrived)
        coming = [batch for batch in self._outbox.batches if batch.number not in arrived]
        if coming:
            self._look_ahead()
        for batch, rows in self._prepared(coming):
            standing = self._standing(len(arrived))
            arrived[batch.number] = self._trying.run(partial(self._bring, batch, rows), standing=standing)
            progress(len(arrived), of)

        def total(name: str) -> int:
            return sum(noted[name] for noted in arrived.values())

        return Delivered(
            claims=total("claims_rows"),
            inserted=total("claims_inserted"),
            updated=total("claims_updated"),
            unchanged=total("claims_unchanged"),
            lines=total("claim_lines_rows"),
            findings=total("claim_findings_rows"),
            batches=of,
            already=already,
            retried=self._trying.retried,
        )

    def _look_ahead(self) -> None:
        """LoadError where the tables cannot hold what will be sent."""
        troubles = self._trying.run(partial(look_ahead, self._outbox, self._database), standing="")
        if troubles:
            first = " ".join(str(trouble) for trouble in troubles[:_SHOWN])
            more = f" (showing {_SHOWN} of {len(troubles)} such troubles)" if len(troubles) > _SHOWN else ""
            raise LoadError(
                f"{self._database.name} cannot hold what would be sent, so nothing was. {first}{more}",
                hint=f"Then `claimsctl jobs resume {self._outbox.job_id}` sends it.",
            )

    def _standing(self, done: int) -> str:
        return (
            f"{done} of {len(self._outbox.batches)} batches have arrived whole, the others not at all; "
            f"claimsctl jobs resume {self._outbox.job_id} goes on after them."
        )

    def _prepared(self, batches: Sequence[Batch]) -> Iterator[tuple[Batch, _Rows]]:
        """Each batch with its rows; those of the next are made, and staged where that helps, meanwhile."""
        with ExitStack() as beside, ThreadPoolExecutor(1) as ahead:
            waiting = [ahead.submit(self._made_ready, beside, batch) for batch in batches[:1]]
            for number, batch in enumerate(batches):
                rows = waiting.pop().result()
                after = batches[number + 1 : number + 2]
                waiting += [ahead.submit(self._made_ready, beside, each) for each in after]
                yield batch, rows

    def _made_ready(self, beside: ExitStack, batch: Batch) -> _Rows:
        rows = _Rows(self._rows(batch))
        if self._grammar.stages_beside:
            try:
                if self._beside is None:
                    self._beside = beside.enter_context(connect(self._database))
                self._stage(self._beside, batch, rows)
                rows.staged = True
            except Exception:  # the delivery itself stages it then, tries again, and tells why
                self._beside = None
        return rows

    def _rows(self, batch: Batch) -> list[tuple[Stage, Any]]:
        box, stages = self._outbox, []
        for table in batch.files:
            place, data = self._layout[table], box.read_bytes(batch, table)
            stages.append(
                Stage(
                    table, place.staging, place.ours, box.job_id, batch.number, self._now, data,
                    box.key,
                )
            )  # fmt: skip
        return [(stage, self._grammar.prepare(stage)) for stage in stages]

    def _all_arrived(self, connection: Connection) -> dict[int, Noted]:
        self._trying.at = LOAD_BATCHES.name
        found = connection.rows(self._sql.arrived(), {"job": self._outbox.job_id})
        return {int(row[0]): _noted(row[1:]) for row in found}

    def _bring(self, batch: Batch, rows: _Rows, connection: Connection) -> Noted:
        """The batch's row of load_batches, written now or by another delivery before."""
        arrived = None if rows.staged else self._stage(connection, batch, rows)
        rows.staged = False  # another try stages anew
        return self._merge(connection, batch) if arrived is None else arrived

    def _opened(self, connection: Connection, batch: Batch, *locks: str) -> Noted | None:
        """Begin a transaction, under locks; what is noted of the batch if it has arrived."""
        self._trying.at = LOAD_BATCHES.name
        if self._grammar.opening():
            connection.execute(self._grammar.opening())
        # Another delivery of the same job must not change staged rows between two statements.
        name = f"{self._layout.lock}/{self._outbox.job_id}/{batch.number}"
        self._grammar.lock(connection, name, *locks)
        found = connection.rows(self._sql.done(), self._values(batch))
        return _noted(found[0][1:]) if found else None

    def _stage(self, connection: Connection, batch: Batch, rows: _Rows) -> Noted | None:
        """Put the rows into staging; None, or what is noted of a batch that has arrived."""
        with connection.transaction():
            arrived = self._opened(connection, batch)
            if arrived is not None:
                return arrived
            for stage, prepared in rows.prepared:
                self._trying.at = stage.table
                connection.execute(self._sql.clear(stage.table), self._values(batch))
                self._grammar.put(connection, stage, prepared)
        return None

    def _merge(self, connection: Connection, batch: Batch) -> Noted:
        """Bring the staged rows into their tables, all in one transaction."""
        values, tables = self._values(batch), list(batch.files)
        with connection.transaction():
            arrived = self._opened(connection, batch, self._layout.lock)
            if arrived is not None:
                return arrived
            staged = connection.rows(self._sql.staged(tables), values)[0]
            for table, there in zip(tables, staged, strict=True):
                _compare(table, batch.rows(table), there)
            claims = self._claims(connection, batch) if "claims" in tables else _Claims()
            for table in (*_APPENDED, *_UPSERTED):
                if table in tables:
                    self._trying.at = table
                    if table in _UPSERTED:
                        connection.execute(self._sql.update(table), values)
                    connection.execute(self._sql.insert(table), values)
            self._trying.at = LOAD_BATCHES.name
            noted = {
                **{f"{table}_rows": batch.rows(table) for table in TARGET_TABLES},
                "claims_inserted": claims.inserted,
                "claims_updated": claims.updated,
                "claims_unchanged": claims.unchanged,
            }
            now = self._grammar.timestamp(self._now)
            connection.execute(self._sql.note(), {**values, "loaded_at": now, **noted})
            for table in tables:
                connection.execute(self._sql.clear(table), values)
        return noted

    def _claims(self, connection: Connection, batch: Batch) -> _Claims:
        """Claims and their lines: update what changed, insert what is new, leave the rest alone."""
        execute, values, sql = connection.execute, self._values(batch), self._sql
        claims, lines = batch.rows("claims"), batch.rows("claim_lines")
        self._trying.at = "claims"
        unchanged, changed = (int(n) for n in connection.rows(sql.known_claims(), values)[0])
        same_lines = int(connection.value(sql.unchanged_lines(), values)) if unchanged else 0
        if changed:
            execute(sql.keep_claims(), values)
            self._trying.at = "claim_lines"
            execute(sql.keep_lines(), values)
            self._trying.at = "claims"
            _compare("claims", changed, execute(sql.update_claims(), values))
        inserted = execute(sql.insert("claims"), values) if unchanged + changed < claims else 0
        _compare("claims", claims, inserted + changed + unchanged)
        self._trying.at = "claim_lines"
        brought = same_lines
        if changed:
            brought += execute(sql.update_lines(), values)
            execute(sql.delete_lines(), values)
        if changed or inserted:
            brought += execute(sql.insert("claim_lines", written=bool(unchanged)), values)
        _compare("claim_lines", lines, brought)
        return _Claims(inserted, changed, unchanged)

    def _values(self, batch: Batch) -> dict[str, object]:
        return {"job": self._outbox.job_id, "batch": batch.number}


def _noted(counts: Sequence[Any]) -> Noted:
    return dict(zip(NOTED, (int(n) for n in counts), strict=True))


def _compare(table: str, sent: int, there: int) -> None:
    """NotAsStaged where counts of rows differ, which rolls the transaction back."""
    if there != sent:
        raise NotAsStaged(
            f"{table}: {sent:,} rows were sent and {there:,} arrived, so that all was taken back. "
            "A trigger of the table, or lines without their claim, can be the cause."
        )
