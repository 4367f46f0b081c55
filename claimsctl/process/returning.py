"""What a run owes the databases it read from: how far it read, and what became of their rows.

Both are kept with the job before it is stored, and settled when all else is done: a run that is stopped in
between leaves the source as it was, or is settled by `jobs resume`.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import polars as pl

from claimsctl.errors import UsageError
from claimsctl.facts.typed import verbatim_cells
from claimsctl.process.fetched import OWED, FetchedSource, fetched_of
from claimsctl.process.intake import Input
from claimsctl.process.routing import Reviewed
from claimsctl.security.files import disk_errors, write_private
from claimsctl.security.keys import load_keys
from claimsctl.security.sealing import seal_columns, unseal_columns
from claimsctl.security.spills import scan_spills, write_spill
from claimsctl.sql import watermark
from claimsctl.sql.database import Database, Source
from claimsctl.sql.statement import Column, find_column
from claimsctl.sql.writeback import prepare, write_back

if TYPE_CHECKING:
    from claimsctl.store.workspace import Workspace


class Returning:
    """Collects the outcome of rows whose source wants it (process.core.Sink)."""

    def __init__(self, inputs: Sequence[Input], spill: Path) -> None:
        self._spill = spill
        self._sources = fetched_of(inputs)
        self._keys = {
            each.index: key_columns(each) for each in self._sources
            if each.asked.database.source.write_back is not None
        }  # fmt: skip
        for each in self._sources:
            if each.index in self._keys:
                prepare(each.asked.database, each.asked.database.source, self._keys[each.index])
        self._parts: dict[int, list[Path]] = {index: [] for index in self._keys}

    def findings(self, findings: pl.DataFrame) -> None:
        """Findings come again with the lines they are on."""

    def malformed(self, input_name: str, malformed: pl.DataFrame) -> None:
        """Rows of a database can always be read."""

    def lines(self, part: Reviewed, rejected: pl.Series) -> None:
        """Take note of a decided part."""
        source = part.input.source
        key = self._keys.get(source.index)
        if key is None:
            return
        cells = [source.header.index(name) for name in key]
        rows = verbatim_cells(part.rows, blank=None)
        codes = (
            part.findings.filter(pl.col("severity") == "error", pl.col("row_number").is_not_null())
            .group_by("row_number")
            .agg(pl.col("code").unique().sort().alias("codes"))
        )
        outcome = rows.select(
            "row_number",
            *(pl.col(f"c{cell}").cast(pl.String).alias(name) for cell, name in zip(cells, key, strict=True)),
            pl.when(part.accepted(rejected))
            .then(pl.lit("accepted"))
            .when(rejected)
            .then(pl.lit("rejected"))
            .otherwise(pl.lit("held"))
            .alias("status"),
        ).join(codes, on="row_number", how="left", maintain_order="left")
        path = self._spill / f"outcome-{source.index}-{len(self._parts[source.index]):05d}.parquet"
        write_spill(outcome.drop("row_number"), path)
        self._parts[source.index].append(path)

    def keep(self, workspace: Workspace, job_id: str, practice_id: str) -> None:
        """Keep with the job what is to be settled at its end; sealed, for the key of a row may be a patient's
        number."""
        place = workspace.job_directory(job_id)
        watermark.note(place, [reached for each in self._sources for reached in _reached(each)])
        owed = []
        for number, (index, parts) in enumerate(self._parts.items()):
            if not parts:
                continue
            path = place / f"outcome-{number}.sealed"
            outcome = _by_key(parts, self._keys[index])
            sealed = seal_columns(
                outcome, outcome_place(job_id, path.name), load_keys(workspace, practice_id)
            )
            write_private(path, sealed)
            database = next(each for each in self._sources if each.index == index).asked.database
            owed.append({
                "database": database.given or database.name, "file": path.name, "key": self._keys[index],
                "source": asdict(database.source), "practice": practice_id,
            })  # fmt: skip
        if owed:
            write_private(place / OWED, json.dumps(owed).encode())


def _by_key(parts: Sequence[Path], key: Sequence[str]) -> pl.DataFrame:
    """One row for each key: rejected where any row of it is, with the codes of all of them."""
    return (
        scan_spills(parts)
        .group_by(list(key))
        .agg(
            pl.col("status").max(),  # "rejected" sorts after "held", and that after "accepted"
            pl.col("codes")
            .explode(keep_nulls=False, empty_as_null=False)
            .unique()
            .sort()
            .str.join("; ")
            .alias("error_codes"),
        )
        .with_columns(pl.col("error_codes").replace("", None))
        .collect(engine="streaming")
    )


def _reached(source: FetchedSource) -> Iterator[watermark.Reached]:
    asked, mark = source.asked, source.fetched.mark
    database = asked.database
    if mark is None or asked.since is None or not asked.since.moves:
        return
    if database.source.watermark is not None:
        yield watermark.Reached(
            watermark.key_of(database, asked.where), database.name, database.source.watermark, mark,
            asked.since.mark,
        )  # fmt: skip


def key_columns(source: FetchedSource) -> list[str]:
    """The columns that name a row in the outcome: those of settings, else the primary key of the table."""
    database = source.asked.database
    wanted = database.source.write_back_key or source.fetched.key
    if not wanted:
        raise UsageError(
            f"{database.name}: nothing says which columns name a row in {database.source.write_back}.",
            hint=f'Set write_back_key = ["..."] in [sql.{database.name}].',
        )
    columns = [Column(name) for name in source.header]
    return [find_column(columns, name, "write_back_key").name for name in wanted]


def outcome_place(job_id: str, name: str) -> str:
    """What a kept outcome is bound to."""
    return f"{job_id}/{name}"


def _kept(workspace: Workspace, job_id: str, owed: dict[str, Any]) -> pl.DataFrame:
    path = workspace.job_directory(job_id) / str(owed["file"])
    with disk_errors(path, "read"):
        data = path.read_bytes()
    if path.suffix == ".parquet":  # kept by an earlier version
        return pl.read_parquet(data)
    keys = load_keys(workspace, owed["practice"])
    return unseal_columns(data, outcome_place(job_id, path.name), keys)


def settle(workspace: Workspace, job_id: str, database_named: Callable[[str], Database]) -> dict[str, Any]:
    """Write the outcomes and then move the watermarks that a job owes; doing it twice does no harm.

    Call it when the job is stored and all that it had to deliver is delivered. `database_named` gives a
    database by name or URL. What was done, for the summary: rows written by table, marks by source.
    """
    place = workspace.job_directory(job_id)
    told: dict[str, Any] = {"written_back": {}, "watermarks": {}}
    if (place / OWED).exists():
        for each in json.loads((place / OWED).read_bytes()):
            said = each["source"]
            source = Source(**{**said, "order_by": tuple(said["order_by"]),
                               "write_back_key": tuple(said["write_back_key"])})  # fmt: skip
            rows = write_back(
                database_named(each["database"]), source, each["key"], _kept(workspace, job_id, each), job_id
            )
            told["written_back"][str(source.write_back)] = rows
        (place / OWED).unlink()
        for path in [*place.glob("outcome-*.sealed"), *place.glob("outcome-*.parquet")]:
            path.unlink()
    for reached in watermark.confirm(workspace.root, place, job_id):
        told["watermarks"][reached.name] = reached.mark.value
    return told
