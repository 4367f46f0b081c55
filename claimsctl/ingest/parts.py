"""What every reader hands on: a source and its parts."""

from __future__ import annotations

import os
from abc import ABC, abstractmethod
from bisect import bisect_right
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import chain
from typing import Literal, NamedTuple

import numpy as np
import polars as pl

from claimsctl.ingest.stream import InputFile

Format = Literal["csv", "parquet", "xlsx", "json", "sql"]

ROW_NUMBER = "row_number"
Telling = Callable[[Sequence[str]], int]
"""How many columns that claims need a header names."""

MALFORMED_SCHEMA = pl.Schema(
    {ROW_NUMBER: pl.Int64(), "reason": pl.String(), "raw": pl.String(), "cells": pl.List(pl.String())}
)

# A part also ends early when this much malformed text has piled up, so that memory stays bounded.
MALFORMED_TEXT_LIMIT = 32 << 20


class Malformed(NamedTuple):
    """One record that could not be read; `cells` is a best-effort split, never quoted in messages."""

    row_number: int
    reason: str
    raw: str
    cells: list[str] | None


@dataclass(frozen=True)
class RawPart:
    """One batch of records in file order.

    `rows` has `row_number` (Int64) and c0..cN (String, verbatim; null only where the format itself
    has no value: Parquet and JSON null, empty Excel cell, a field that a CSV record lacks). `malformed`
    has row_number, reason, raw and cells. `blank_rows` are records without any value; blank lines at the
    end of a file are not counted.
    `bytes_read` is the cumulative position in the input file as stored, for progress.
    """

    rows: pl.DataFrame
    malformed: pl.DataFrame
    blank_rows: pl.Series
    bytes_read: int

    def head(self, count: int) -> RawPart:
        """The first `count` rows, 1 or more, and of the other records those before the last of them."""
        if self.rows.height < count:
            return self
        last = self.rows[ROW_NUMBER][count - 1]
        return replace(
            self,
            rows=self.rows.head(count),
            malformed=self.malformed.filter(pl.col(ROW_NUMBER) < last),
            blank_rows=self.blank_rows.filter(self.blank_rows < last),
        )


@dataclass
class Piece:
    """What a reader produces at a time: any number of rows, in file order, before batching."""

    rows: pl.DataFrame | None
    malformed: list[Malformed]
    blanks: list[int]
    bytes_read: int


class UnreadSheet(NamedTuple):
    """A sheet that holds something and is not read; `claims`: its header is one of claims too."""

    name: str
    hidden: bool
    claims: bool


class Source(ABC):
    """One input file: what it is, its header as given, and its records as parts."""

    format: Format
    delimiter: str | None = None
    encoding: str | None = None
    header_row_number: int | None = None
    sheet: str | None = None
    sheets: tuple[str, ...] = ()
    sheet_asked: bool = False
    sheet_choosable: bool = False
    unread_sheets: tuple[UnreadSheet, ...] = ()

    def __init__(self, file: InputFile, index: int, name: str) -> None:
        self.file = file
        self.index = index
        self.path = file.label
        self.name = name
        self.bytes = file.size
        self.header: tuple[str, ...] = ()
        self._sha256: str | None = None

    @property
    def width(self) -> int:
        """Number of raw columns, c0..c{width-1}."""
        return len(self.header)

    @property
    def sha256(self) -> str:
        """SHA-256 of the file as stored; taken while reading where possible, else by reading it now."""
        if self._sha256 is None:
            self._sha256 = self.file.sha256()
        return self._sha256

    def told(self) -> dict[str, object]:
        """What the summary says of the input besides; nothing of most."""
        return {}

    def notes(self) -> list[str]:
        """What a person is told of how it is read; nothing of most."""
        return []

    def parts(self, batch_rows: int, *, required_indexes: frozenset[int] = frozenset()) -> Iterator[RawPart]:
        """Read the records in batches of exactly `batch_rows` rows, the last one shorter.

        A batch is shorter too when malformed records pile up, and there is always at least one part.
        A record of a CSV file that lacks trailing fields gets nulls there, except when one of
        `required_indexes` would be among them: then it is malformed. Raises InputError when the input
        changes or goes away.
        """
        if batch_rows < 1:
            raise ValueError("batch_rows must be at least 1")
        batcher = _Batcher(raw_schema(self.width), batch_rows)
        self.file.check()
        for piece in self._pieces(batch_rows, required_indexes):
            yield from batcher.add(piece)
        self.file.check()
        yield from batcher.finish(self.bytes)

    def expected_rows(self, row_bytes: float) -> float | None:
        """About how many records there are, if one takes `row_bytes` as delimited text.

        None where only reading all of the input would tell.
        """
        return 0.0 if row_bytes == 0 else None

    @abstractmethod
    def _pieces(self, batch_rows: int, required_indexes: frozenset[int]) -> Iterator[Piece]:
        """Read the records; pieces are in file order and may hold more or fewer than `batch_rows` rows."""

    def __repr__(self) -> str:
        return f"{type(self).__name__}({os.path.basename(self.path)!r}, {self.width} columns)"


def raw_schema(width: int) -> pl.Schema:
    """Schema of `RawPart.rows` for a number of columns."""
    schema = pl.Schema({ROW_NUMBER: pl.Int64()})
    for i in range(width):
        schema[f"c{i}"] = pl.String()
    return schema


def split_blank(rows: pl.DataFrame) -> tuple[pl.DataFrame, list[int]]:
    """Take the records without any value out of `rows` and return their row numbers."""
    if rows.is_empty():
        return rows, []
    columns = rows.columns[1:]
    suspects = rows
    # The first column of a claim file is rarely blank, so few rows reach the second test.
    for name in columns:
        text = pl.col(name)
        suspects = suspects.filter(text.is_null() | (text.str.strip_chars() == ""))
        if suspects.is_empty():
            return rows, []
    numbers = suspects[ROW_NUMBER]
    return rows.filter(~pl.col(ROW_NUMBER).is_in(numbers.implode())), numbers.to_list()


def _malformed_frame(malformed: list[Malformed]) -> pl.DataFrame:
    if not malformed:
        return pl.DataFrame(schema=MALFORMED_SCHEMA)
    # Lists of text are many times faster to build by grouping than one by one.
    owners = np.repeat(np.arange(len(malformed)), [len(record.cells or ()) for record in malformed])
    cells = list(chain.from_iterable(record.cells or () for record in malformed))
    lists = (
        pl.DataFrame({"owner": owners, "cells": pl.Series(cells, dtype=pl.String)})
        .group_by("owner", maintain_order=True)
        .agg("cells")
    )
    numbers, reasons, raws, _ = zip(*malformed, strict=True)
    return (
        pl.DataFrame(
            {"owner": np.arange(len(malformed)), ROW_NUMBER: numbers, "reason": reasons, "raw": raws}
        )
        .join(lists, on="owner", how="left", maintain_order="left")
        .select(MALFORMED_SCHEMA.names())
        .cast(MALFORMED_SCHEMA)
    )


@dataclass
class _Batcher:
    """Cuts pieces into parts; malformed and blank records go with the rows they follow."""

    schema: pl.Schema
    batch_rows: int
    rows: list[pl.DataFrame] = field(default_factory=list)
    row_count: int = 0
    malformed: list[Malformed] = field(default_factory=list)
    malformed_text: int = 0
    blanks: list[int] = field(default_factory=list)
    emitted: bool = False

    def add(self, piece: Piece) -> Iterator[RawPart]:
        if piece.rows is not None and not piece.rows.is_empty():
            self.rows.append(piece.rows)
            self.row_count += piece.rows.height
        self.malformed += piece.malformed
        self.malformed_text += sum(len(m.raw) for m in piece.malformed)
        self.blanks += piece.blanks
        # One row is kept back: only the next row or the end tells which malformed records go with a part.
        while self.row_count > self.batch_rows:
            yield self._take(self.batch_rows, piece.bytes_read)
        if (
            len(self.malformed) >= self.batch_rows
            or self.malformed_text > MALFORMED_TEXT_LIMIT
            or len(self.blanks) >= 10 * self.batch_rows
        ):
            yield self._take(self.row_count, piece.bytes_read, everything=True)

    def finish(self, size: int) -> Iterator[RawPart]:
        if self.row_count or self.malformed or self.blanks or not self.emitted:
            yield self._take(self.row_count, size, everything=True)

    def _take(self, count: int, bytes_read: int, *, everything: bool = False) -> RawPart:
        if self.rows:
            joined = self.rows[0] if len(self.rows) == 1 else pl.concat(self.rows)
            rows, rest = joined.head(count), joined.slice(count)
        else:
            rows = rest = pl.DataFrame(schema=self.schema)
        self.rows = [] if rest.is_empty() else [rest]
        self.row_count = rest.height
        if everything:
            malformed, self.malformed = self.malformed, []
            blanks, self.blanks = self.blanks, []
        else:
            before = rest[ROW_NUMBER][0]
            at = bisect_right(self.malformed, before, key=lambda m: m.row_number)
            malformed, self.malformed = self.malformed[:at], self.malformed[at:]
            at = bisect_right(self.blanks, before)
            blanks, self.blanks = self.blanks[:at], self.blanks[at:]
        self.malformed_text = sum(len(m.raw) for m in self.malformed)
        self.emitted = True
        return RawPart(
            rows=rows.rechunk(),
            malformed=_malformed_frame(malformed),
            blank_rows=pl.Series("row_number", blanks, dtype=pl.Int64),
            bytes_read=bytes_read,
        )
