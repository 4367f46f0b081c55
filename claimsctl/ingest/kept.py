"""Rows that are read again: those a run kept, or those of a file without the ones left out."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping

import polars as pl

from claimsctl.ingest.parts import MALFORMED_SCHEMA, ROW_NUMBER, Format, Piece, RawPart, Source, split_blank


class KeptSource(Source):
    """Rows of an earlier input, with the row numbers they had there.

    `rows` has row_number and the columns that `header` names, as they were given, in file order. The
    content is known by a hash of its own: it is a part of the file it came from, not that file.
    """

    def __init__(
        self,
        rows: pl.DataFrame,
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
        named = {raw: f"c{n}" for n, raw in enumerate(header)}
        self._rows = rows.select(pl.col(ROW_NUMBER), *(pl.col(raw).alias(new) for raw, new in named.items()))
        text = self._rows.write_csv(include_header=False).encode()
        self.bytes = len(text)
        self._sha256 = hashlib.sha256(repr(self.header).encode() + text).hexdigest()

    def parts(self, batch_rows: int, *, required_indexes: frozenset[int] = frozenset()) -> Iterator[RawPart]:
        """The rows in batches; there is always at least one."""
        for first in range(0, max(self._rows.height, 1), batch_rows):
            rows, blanks = split_blank(self._rows.slice(first, batch_rows))
            read = self.bytes * min(first + batch_rows, self._rows.height) // max(self._rows.height, 1)
            yield RawPart(rows, _no_malformed(), pl.Series(blanks, dtype=pl.Int64), read)

    def _pieces(self, batch_rows: int, required_indexes: frozenset[int]) -> Iterator[Piece]:
        yield Piece(self._rows, [], [], self.bytes)


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
