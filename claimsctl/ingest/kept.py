"""Rows that are read again: those a run kept, or those of a file without the ones left out."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping

import polars as pl

from claimsctl.ingest.parts import (
    MALFORMED_SCHEMA,
    ROW_NUMBER,
    Format,
    Piece,
    RawPart,
    Source,
    raw_schema,
    split_blank,
)


class KeptSource(Source):
    """Rows of an earlier input, with the row numbers they had there.

    `frames` gives them, as often as it is called, in file order and as many at a time as it likes: row_number
    and the columns that `header` names, as they were given. The content is known by a hash of its own: it is
    a part of the file it came from, not that file.
    """

    def __init__(
        self,
        frames: Callable[[], Iterator[pl.DataFrame]],
        header: Mapping[str, str],
        *,
        index: int,
        name: str,
        path: str,
        form: Format,
        delimiter: str | None,
        encoding: str | None,
    ) -> None:
        self.index = index
        self.name = name
        self.path = path
        self.format = form
        self.delimiter = delimiter
        self.encoding = encoding
        self.header = tuple(header.values())
        self._frames = frames
        named = {raw: f"c{n}" for n, raw in enumerate(header)}
        self._columns = [pl.col(ROW_NUMBER), *(pl.col(raw).alias(new) for raw, new in named.items())]
        self.bytes = self._height = 0
        content = hashlib.sha256(repr(self.header).encode())
        for rows in self._rows():
            text = rows.write_csv(include_header=False).encode()
            content.update(text)
            self.bytes += len(text)
            self._height += rows.height
        self._sha256 = content.hexdigest()

    def parts(self, batch_rows: int, *, required_indexes: frozenset[int] = frozenset()) -> Iterator[RawPart]:
        """The rows in batches; there is always at least one."""
        done = 0
        for batch in self._batches(batch_rows):
            rows, blanks = split_blank(batch)
            done += batch.height
            read = self.bytes * done // max(self._height, 1)
            yield RawPart(rows, _no_malformed(), pl.Series(blanks, dtype=pl.Int64), read)

    def _rows(self) -> Iterator[pl.DataFrame]:
        for frame in self._frames():
            yield frame.select(self._columns)

    def _batches(self, batch_rows: int) -> Iterator[pl.DataFrame]:
        """Exactly `batch_rows` rows each, the last one fewer."""
        held = pl.DataFrame(schema=raw_schema(self.width))
        for rows in self._rows():
            held = pl.concat([held, rows])
            while held.height > batch_rows:
                yield held.head(batch_rows)
                held = held.slice(batch_rows)
        yield held

    def _pieces(self, batch_rows: int, required_indexes: frozenset[int]) -> Iterator[Piece]:
        for rows in self._rows():
            yield Piece(rows, [], [], self.bytes)


class WithoutRows(Source):
    """A source without some of its rows (their row numbers)."""

    def __init__(self, whole: Source, left_out: pl.Series) -> None:
        self.__dict__.update(whole.__dict__)
        self.format = whole.format
        self.delimiter = whole.delimiter
        self.encoding = whole.encoding
        self._whole = whole
        self._left_out = left_out

    @property
    def sha256(self) -> str:
        """Of the file, as stored."""
        return self._whole.sha256

    def parts(self, batch_rows: int, *, required_indexes: frozenset[int] = frozenset()) -> Iterator[RawPart]:
        """The parts of the source, without the rows left out."""
        for part in self._whole.parts(batch_rows, required_indexes=required_indexes):
            rows = part.rows.filter(~pl.col(ROW_NUMBER).is_in(self._left_out.implode()))
            yield RawPart(rows, part.malformed, part.blank_rows, part.bytes_read)

    def _pieces(self, batch_rows: int, required_indexes: frozenset[int]) -> Iterator[Piece]:
        return self._whole._pieces(batch_rows, required_indexes)


def _no_malformed() -> pl.DataFrame:
    return pl.DataFrame(schema=MALFORMED_SCHEMA)
