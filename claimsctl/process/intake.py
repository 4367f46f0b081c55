"""Pass 1: read every input once, keep its text aside, collect what joins lines together.

Per part: the raw text goes to a private spill, and a narrow key frame (digests, claim, aggregates) to a
second one. Rows that are no claim lines (repeated headers, footers) are taken out here and counted.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import partial
from itertools import count
from pathlib import Path
from typing import Protocol

import polars as pl

from claimsctl.claim import BY_NAME
from claimsctl.facts.table import Context
from claimsctl.facts.typed import VERBATIM, Layout, clean_cells, clean_text
from claimsctl.ingest.mapping import HeaderMap, required_columns
from claimsctl.ingest.sources import Source
from claimsctl.process.columns import ColumnLook
from claimsctl.process.damaged import damaged_cells
from claimsctl.process.keying import Patients, part_keys
from claimsctl.process.parallel import ordered
from claimsctl.process.screen import FOOTER_ROWS, footers, refuse_encrypted, repeated_headers
from claimsctl.process.sessions import DERIVED, SessionNumbers
from claimsctl.process.short_records import trusted_cells, without_shifted
from claimsctl.process.spilling import coded_types, read_aside, write_aside
from claimsctl.process.unread import Unread
from claimsctl.security.spills import scan_spills, write_spill
from claimsctl.validate.cross import Group


class Mending(Protocol):
    """Repairs of form, made on the raw rows of an input before anything reads them (claimsctl.fix)."""

    @property
    def cells(self) -> int:
        """Cells changed so far."""

    @property
    def repairs(self) -> Mapping[str, int]:
        """Cells that each repair has changed so far."""

    @property
    def proposals(self) -> Mapping[str, int]:
        """Cells for which each repair only proposes a change, so far."""

    def mend(self, rows: pl.DataFrame) -> tuple[pl.DataFrame, tuple[str, ...], object]:
        """The rows repaired, the raw columns that changed, and a record for `keep`."""

    def keep(self, record: object) -> None:
        """Take note of a part's repairs; parts come in file order."""


@dataclass
class Input:
    """One input as it was read: its mapping, counts, and the columns that have any value."""

    source: Source
    header_map: HeaderMap
    layout: Layout
    mending: Mending | None = None
    rows: int = 0
    claim_rows: int = 0
    text_bytes: int = 0
    present: set[str] = field(default_factory=set)
    damaged: set[str] = field(default_factory=set)
    look: ColumnLook = field(default_factory=ColumnLook)
    malformed: int = 0
    blank_rows: list[pl.Series] = field(default_factory=list)
    repeated: list[int] = field(default_factory=list)
    footers: list[int] = field(default_factory=list)
    unread: dict[str, Unread] = field(default_factory=dict)

    def take_unread(self, found: Unread) -> None:
        """Count cells of a part that could not be read; parts come in file order."""
        before = self.unread.get(found.column)
        if before is not None:
            found = Unread(found.column, before.cells + found.cells, before.first_row)
        self.unread[found.column] = found


def notes_of(inputs: Sequence[Input]) -> list[str]:
    """What is to be told of how inputs are read."""
    return [note for each in inputs for note in each.source.notes()]


@dataclass
class CellsSeen:
    """What was seen of the cells of a part before they were cleaned, by row_index.

    `trusted`: the last raw column in its place, of records of a CSV file that lack cells. `damaged`: fields
    of cells with the mark that a wrong encoding leaves.
    """

    trusted: pl.DataFrame | None = None
    damaged: pl.DataFrame | None = None


@dataclass(frozen=True)
class SpilledPart:
    """Where a part waits for pass 2: rows `first` to `first + rows` of the run.

    `people` is written only where earlier runs are read.
    """

    input: Input
    path: Path
    keys: Path
    first: int
    rows: int
    people: Path
    coded: dict[str, pl.DataType] = field(default_factory=dict)
    seen: CellsSeen = field(default_factory=lambda: CellsSeen())

    def read(self, columns: Collection[str] | None = None) -> pl.DataFrame:
        """The cleaned cells of the part, all or those of some raw columns."""
        return read_aside(self.path, self.coded, columns)


@dataclass
class Intake:
    """Everything pass 1 learned."""

    inputs: list[Input]
    run_date: date
    parts: list[SpilledPart] = field(default_factory=list)
    malformed: list[tuple[Input, pl.DataFrame]] = field(default_factory=list)
    rows: int = 0
    digest_key: bytes = b""

    @property
    def people(self) -> list[Path]:
        """The patients of each part, where they were noted."""
        return [part.people for part in self.parts if part.people.exists()]

    def keys(self) -> pl.LazyFrame:
        """The key frames of all parts, in file order."""
        return scan_spills([part.keys for part in self.parts])


def take_in(
    intake: Intake,
    spill: Path,
    groups: Sequence[Group],
    context: Context,
    *,
    batch_size: int,
    profile: str,
    limit: int | None = None,
    digest_key: bytes = b"",
    patients: Patients | None = None,
    progress: Callable[[Input, int, int], None] = lambda *_: None,
) -> Intake:
    """Read all inputs of `intake` in order; `limit` stops after that many rows of each input."""
    intake.digest_key = digest_key
    for each in intake.inputs:
        raw = _raw_parts(intake, each, spill, batch_size, profile, context.practice_id, limit, progress)
        work = partial(_spill, groups=groups, context=context, digest_key=digest_key, patients=patients)
        for part, present, look, mended in ordered(raw, work):
            intake.parts.append(part)
            if each.mending is not None:
                each.mending.keep(mended)
            each.present |= present
            if part.seen.damaged is not None:
                each.damaged.update(part.seen.damaged["field"].unique().to_list())
            each.look.add(look)
    return intake


def _raw_parts(
    intake: Intake,
    each: Input,
    spill: Path,
    batch_size: int,
    profile: str,
    practice_id: str,
    limit: int | None,
    progress: Callable[[Input, int, int], None],
) -> Iterator[tuple[SpilledPart, pl.DataFrame]]:
    """Raw rows part by part, without what is no claim line, each with its place in the spill."""
    named = required_columns(profile)
    required = frozenset(index for name, index in each.header_map.columns.items() if name in named)
    numbers = count(len(intake.parts))
    held: pl.DataFrame | None = None
    numbered = DERIVED in each.layout.columns.values()
    sessions = SessionNumbers(practice_id, intake.run_date) if numbered else None
    for part in each.source.parts(batch_size, required_indexes=required):
        part = without_shifted(part, each, intake.run_date)
        if limit is not None:
            part = part.head(limit - each.rows)
        rows = part.rows.drop([f"c{index}" for index in each.header_map.own_columns], strict=False)
        refuse_encrypted(rows, each.source.path)
        each.rows += rows.height
        each.text_bytes += _text_bytes(rows)
        each.blank_rows.append(part.blank_rows)
        malformed: pl.DataFrame = part.malformed
        if malformed.height:
            each.malformed += malformed.height
            intake.malformed.append((each, malformed))
        if sessions is not None:
            repaired = rows if each.mending is None else each.mending.mend(rows)[0]
            rows = rows.with_columns(sessions.of(repaired, each.layout))
        rows = rows if held is None else pl.concat([held, rows])
        # What looks like a report's footer waits for the next part: it is one only at the end.
        waiting = _possible_footer(rows, each.layout)
        held = rows.tail(waiting) if waiting else None
        yield from _placed(intake, each, _screen(each, rows.head(rows.height - waiting)), spill, numbers)
        bytes_read = part.bytes_read
        del part, rows  # or this part would stay in memory while the next one is read
        progress(each, bytes_read, each.rows)
        if limit is not None and each.rows >= limit:
            break
    if held is not None:
        tail = footers(clean_cells(held), each.layout)
        each.footers += held.filter(tail)["row_number"].to_list()
        yield from _placed(intake, each, _screen(each, held.filter(~tail)), spill, numbers)


def _placed(
    intake: Intake, each: Input, rows: pl.DataFrame, spill: Path, numbers: Iterator[int]
) -> Iterator[tuple[SpilledPart, pl.DataFrame]]:
    """Rows with their run-wide index, and where they will lie."""
    if not rows.height:
        return
    number, first = next(numbers), intake.rows
    index = pl.int_range(first, first + rows.height, dtype=pl.UInt32, eager=True).alias("row_index")
    part = SpilledPart(
        each, spill / f"rows-{number:05d}.parquet", spill / f"keys-{number:05d}.parquet", first, rows.height,
        spill / f"people-{number:05d}.parquet",
    )  # fmt: skip
    intake.rows += rows.height
    each.claim_rows += rows.height
    yield part, rows.with_columns(index)


def _possible_footer(rows: pl.DataFrame, layout: Layout) -> int:
    """How many rows at the end of a part stand from its first possible footer on."""
    tail = footers(clean_cells(rows.tail(FOOTER_ROWS)), layout)
    first = tail.arg_max() if tail.any() else None
    return 0 if first is None else len(tail) - first


def _text_bytes(rows: pl.DataFrame) -> int:
    """Length of the rows as delimited text, to foretell how many rows a file has; looks at 1,000."""
    cells = [name for name, kind in rows.schema.items() if kind == pl.String]
    head = rows.head(1_000)
    if not cells or not head.height:
        return 0
    length = head.select(pl.sum_horizontal(pl.col(cells).str.len_bytes().fill_null(0).sum())).item()
    return int((length / head.height + len(cells)) * rows.height)


def _screen(each: Input, rows: pl.DataFrame) -> pl.DataFrame:
    """The rows without repeated headers."""
    repeated = repeated_headers(rows, each.source.header)
    if not repeated.any():
        return rows
    each.repeated += rows.filter(repeated)["row_number"].to_list()
    return rows.filter(~repeated)


def _spill(
    placed: tuple[SpilledPart, pl.DataFrame],
    *,
    groups: Sequence[Group],
    context: Context,
    digest_key: bytes,
    patients: Patients | None,
) -> tuple[SpilledPart, set[str], ColumnLook, object]:
    """Write a part's cleaned cells and its keys aside; what was seen of its columns, what was repaired."""
    part, rows = placed
    each = part.input
    codebook = each.layout.codebook
    given, mended = [], None
    trusted = trusted_cells(rows, each, context.run_date)
    if each.mending is not None:
        came = rows
        rows, changed, mended = each.mending.mend(rows)
        given = [came[raw].alias(VERBATIM + raw) for raw in changed]
    rows = codebook.encode(rows)
    part.seen.damaged = damaged_cells(rows, each.layout)
    if trusted is not None:
        part.seen.trusted = rows.select("row_index", trusted).drop_nulls()
    rows = clean_cells(rows, codebook, keep_empty=each.source.format in ("json", "parquet", "sql"))
    rows = rows.with_columns(given)
    look = ColumnLook()
    look.look(rows, each.layout)
    carried = {f"c{index}": name for index, name in each.header_map.x_names.items()}
    keys, people = part_keys(rows, each.layout, groups, context, digest_key, patients, carried)
    write_aside(rows, part.path)
    part.coded.update(coded_types(rows))
    write_spill(keys, part.keys)
    if people is not None:
        write_spill(people, part.people)
    return part, columns_present(each, rows), look, mended


def columns_present(each: Input, rows: pl.DataFrame) -> set[str]:
    """Canonical columns that have a value here, of those that had none in the parts before."""
    unseen = [name for name in BY_NAME if each.layout.gives(name) and name not in each.present]
    plain = {name: raw for name in unseen if (raw := each.layout.columns.get(name)) is not None}
    found = {name for name, raw in plain.items() if rows[raw].null_count() < rows.height}
    text = clean_text(rows, each.layout, [name for name in unseen if name not in found])
    return found | {name for name in text.columns if text[name].null_count() < text.height}
