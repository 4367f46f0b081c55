"""The statements that bring a batch from staging into its tables, and those that undo a job.

All work on whole sets, and under the locks of `load.py`. Values are `:job`, `:batch`; in all of them t is the
target, s the staging table, c the claims of the target beside another table, b a version kept before.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Final

from claimsctl.sql.layout import Layout, Place
from claimsctl.sql.tables import CLAIM_KEY, LOAD_BATCHES, LOADED_AT

NOTED: Final = tuple(name for name in LOAD_BATCHES.names if name not in (*LOAD_BATCHES.key, LOADED_AT))
"""The counts that load_batches has of a batch."""


class Merging:
    """Statements for one layout. `filled` are the columns that staged rows have; the rest of them is null."""

    def __init__(self, layout: Layout, filled: Mapping[str, Collection[str]] | None = None) -> None:
        self._layout = layout
        self._filled = filled or {}
        self._grammar = layout.grammar
        self._claims = layout["claims"]
        self._lines = layout["claim_lines"]
        self._job = layout.grammar.code("job")

    def staged(self, tables: Sequence[str]) -> str:
        """One row: how many rows of the batch each table's staging holds."""
        counts = (
            f"(SELECT count(*) FROM {self._layout[table].staging} AS s WHERE {self._batch()})"
            for table in tables
        )
        return f"SELECT {', '.join(counts)}"

    def clear(self, table: str) -> str:
        """Delete the batch from staging."""
        return f"DELETE FROM {self._layout[table].staging} WHERE {self._batch('')}"

    def known_claims(self) -> str:
        """One row: staged claims that the target has with the same content, and with another."""
        same, other = self._same(), self._changed()
        return (
            f"SELECT coalesce(sum(CASE WHEN {same} THEN 1 ELSE 0 END), 0),"
            f" coalesce(sum(CASE WHEN {other} THEN 1 ELSE 0 END), 0)"
            f" FROM {self._claims.staging} AS s, {self._claims.table} AS t"
            f" WHERE {self._batch()} AND {self._on(self._claims)}"
        )

    def unchanged_lines(self) -> str:
        """One row: staged lines of claims that the target has with the same content."""
        return (
            f"SELECT count(*) FROM {self._lines.staging} AS s, {self._claims.table} AS t"
            f" WHERE {self._batch()} AND {self._on(self._claims)} AND {self._same()}"
        )

    def keep_claims(self) -> str:
        """Copy the target's version of every changed claim into claims_before."""
        return (
            f"INSERT INTO {self._claims.before} ({self._kept_names(self._claims)})"
            f" SELECT {self._kept_values(self._claims)} FROM {self._claims.staging} AS s,"
            f" {self._claims.table} AS t WHERE {self._batch()} AND {self._on(self._claims)}"
            f" AND {self._changed()}"
        )

    def keep_lines(self) -> str:
        """Copy the target's lines of every changed claim; before the claims themselves are updated."""
        claims = self._on(self._claims, target="c")
        return (
            f"INSERT INTO {self._lines.before} ({self._kept_names(self._lines)})"
            f" SELECT {self._kept_values(self._lines)} FROM {self._claims.staging} AS s,"
            f" {self._claims.table} AS c, {self._lines.table} AS t WHERE {self._batch()} AND {claims}"
            f" AND {self._changed('c')} AND {self._on(self._lines, CLAIM_KEY)}"
        )

    def update_claims(self) -> str:
        """Give changed claims their new content."""
        return self._grammar.update(
            self._claims.table, self._new_values(self._claims), f"{self._claims.staging} AS s",
            f"{self._batch()} AND {self._on(self._claims)} AND {self._changed()}",
        )  # fmt: skip

    def update_lines(self) -> str:
        """Give lines of the claims this job has written their new content, where they are there already."""
        return self._grammar.update(
            self._lines.table, self._new_values(self._lines),
            f"{self._lines.staging} AS s, {self._claims.table} AS c",
            f"{self._batch()} AND {self._on(self._lines)} AND {self._written()}",
        )  # fmt: skip

    def delete_lines(self) -> str:
        """Delete the lines that claims of this batch had and have no more: those of another job."""
        job = self._lines.theirs["job_id"]
        return self._grammar.delete(
            self._lines.table, self._key(self._lines),
            f"{self._claims.staging} AS s, {self._claims.table} AS c",
            f"{self._batch()} AND {self._on(self._lines, CLAIM_KEY)} AND {self._written()}"
            f" AND (t.{job} <> {self._job} OR t.{job} IS NULL)",
        )  # fmt: skip

    def insert(self, table: str, *, written: bool = False) -> str:
        """Insert staged rows that are not there; `written`: only of claims that this job has written."""
        place = self._layout[table]
        beside = f", {self._claims.table} AS c" if written else ""
        only = f" AND {self._written()}" if written else ""
        filled = (*self._filled.get(table, place.theirs), LOADED_AT)
        names = [name for name in place.theirs if name in filled]
        return (
            f"INSERT INTO {place.table} ({', '.join(place.theirs[name] for name in names)})"
            f" SELECT {', '.join(f's.{place.ours[name]}' for name in names)}"
            f" FROM {place.staging} AS s{beside} WHERE {self._batch()}{only}"
            f" AND NOT EXISTS (SELECT 1 FROM {place.table} AS t WHERE {self._on(place)})"
        )

    def update(self, table: str) -> str:
        """Update staged rows that are there, whatever they hold."""
        place = self._layout[table]
        return self._grammar.update(
            place.table,
            self._new_values(place),
            f"{place.staging} AS s",
            f"{self._batch()} AND {self._on(place)}",
        )

    def done(self) -> str:
        """One row where the batch has arrived: its number, then NOTED."""
        return f"{self.arrived()} AND {self._own('batch')} = :batch"

    def arrived(self) -> str:
        """Number and NOTED of every batch of the job that has arrived."""
        return (
            f"SELECT {', '.join(self._own(name) for name in ('batch', *NOTED))}"
            f" FROM {self._layout.load_batches} WHERE {self._own('job_id')} = {self._job}"
        )

    def note(self) -> str:
        """Note that the batch has arrived, with values by the names of NOTED, and `loaded_at`."""
        names = ", ".join(self._own(name) for name in ("job_id", "batch", "loaded_at", *NOTED))
        values = ", ".join(f":{name}" for name in ("job", "batch", "loaded_at", *NOTED))
        return f"INSERT INTO {self._layout.load_batches} ({names}) VALUES ({values})"

    # Undoing a job

    def replaced_by(self) -> str:
        """Jobs that replaced a version this job wrote."""
        own = self._own
        return (
            f"SELECT DISTINCT {own('replaced_by')} FROM {self._claims.before}"
            f" WHERE {own('job_id')} = {self._job} AND {own('replaced_by')} <> {self._job} ORDER BY 1"
        )

    def delete_written(self, table: str) -> str:
        """Delete rows of the job: lines altogether, claims that have no version to bring back."""
        place = self._layout[table]
        job = f"{place.theirs['job_id']} = {self._job}"
        if table != "claims":
            return f"DELETE FROM {place.table} WHERE {job}"
        kept = " AND ".join(f"b.{place.ours[n]} = {place.table}.{place.theirs[n]}" for n in place.key)
        return (
            f"DELETE FROM {place.table} WHERE {job} AND NOT EXISTS (SELECT 1 FROM {place.before} AS b"
            f" WHERE b.{self._own('replaced_by')} = {self._job} AND {kept})"
        )

    def bring_back(self) -> str:
        """Give claims of the job the content they had before."""
        values = {self._claims.theirs[n]: self._restored(self._claims, n) for n in self._claims.theirs}
        keys = {self._claims.theirs[n] for n in self._claims.key}
        return self._grammar.update(
            self._claims.table, {column: value for column, value in values.items() if column not in keys},
            f"{self._claims.before} AS b",
            f"b.{self._own('replaced_by')} = {self._job} AND {self._on_before(self._claims)}"
            f" AND t.{self._claims.theirs['job_id']} = {self._job}",
        )  # fmt: skip

    def reinsert(self, table: str) -> str:
        """Insert the versions before that are not there."""
        place = self._layout[table]
        return (
            f"INSERT INTO {place.table} ({', '.join(place.theirs.values())})"
            f" SELECT {', '.join(self._restored(place, name) for name in place.theirs)}"
            f" FROM {place.before} AS b WHERE b.{self._own('replaced_by')} = {self._job}"
            f" AND NOT EXISTS (SELECT 1 FROM {place.table} AS t WHERE {self._on_before(place)})"
        )

    def forget_before(self, table: str) -> str:
        """Delete the versions that have been brought back."""
        return f"DELETE FROM {self._layout[table].before} WHERE {self._own('replaced_by')} = {self._job}"

    def forget_staged(self, table: str) -> str:
        """Delete what a load of the job left in staging."""
        return f"DELETE FROM {self._layout[table].staging} WHERE {self._own('stage_job')} = {self._job}"

    def forget_batches(self) -> str:
        """Delete the notes that batches of the job have arrived."""
        return f"DELETE FROM {self._layout.load_batches} WHERE {self._own('job_id')} = {self._job}"

    def mark_job(self) -> str:
        """Say in `jobs` that the job has been rolled back; "" where the house has no column for it."""
        place = self._layout["jobs"]
        if "status" not in place.theirs:
            return ""
        job, status = place.theirs["job_id"], place.theirs["status"]
        return f"UPDATE {place.table} SET {status} = 'ROLLED_BACK' WHERE {job} = {self._job}"

    # Parts of statements

    def _own(self, name: str) -> str:
        return self._layout.own(name)

    def _batch(self, alias: str = "s") -> str:
        dot = f"{alias}." if alias else ""
        return f"{dot}{self._own('stage_job')} = {self._job} AND {dot}{self._own('stage_batch')} = :batch"

    def _key(self, place: Place) -> tuple[str, ...]:
        return tuple(place.theirs[name] for name in place.key)

    def _on(self, place: Place, names: Sequence[str] | None = None, target: str = "t") -> str:
        """A row of the target and its staged one: by the key, or those of its columns that are in `names`."""
        key = place.key if names is None else [name for name in place.key if name in names]
        return " AND ".join(f"{target}.{place.theirs[name]} = s.{place.ours[name]}" for name in key)

    def _on_before(self, place: Place) -> str:
        return " AND ".join(f"t.{place.theirs[name]} = b.{place.ours[name]}" for name in place.key)

    def _same(self) -> str:
        return f"t.{self._claims.theirs['content_hash']} = s.{self._own('content_hash')}"

    def _changed(self, target: str = "t") -> str:
        theirs, ours = f"{target}.{self._claims.theirs['content_hash']}", f"s.{self._own('content_hash')}"
        unknown = f" OR {theirs} IS NULL" if self._claims.house else ""
        return f"({theirs} <> {ours}{unknown})"

    def _written(self) -> str:
        """The claim `c` of a staged row is one that this job has written."""
        return f"{self._on(self._claims, target='c')} AND c.{self._claims.theirs['job_id']} = {self._job}"

    def _new_values(self, place: Place) -> dict[str, str]:
        return {theirs: f"s.{place.ours[n]}" for n, theirs in place.theirs.items() if n not in place.key}

    def _kept_names(self, place: Place) -> str:
        return ", ".join([self._own("replaced_by"), *(self._own(name) for name in place.kept)])

    def _kept_values(self, place: Place) -> str:
        """The target's values; the new one where a house table has none for a column that must have one."""
        values = [f"s.{self._own('stage_job')}"]
        for name in place.kept:
            staged, theirs = f"s.{self._own(name)}", place.theirs.get(name)
            if theirs is None:
                values.append(staged)
            elif place.house and name in place.required:
                values.append(f"coalesce(t.{theirs}, {_UNKNOWN.get(name, staged)})")
            else:
                values.append(f"t.{theirs}")
        return ", ".join(values)

    def _restored(self, place: Place, name: str) -> str:
        value = f"b.{place.ours[name]}"
        return f"nullif({value}, {_UNKNOWN[name]})" if place.house and name in _UNKNOWN else value


_UNKNOWN = {"job_id": "''", "content_hash": "0"}
"""What stands in `*_before` for a NULL of a house table whose rows were there before claimsctl."""
