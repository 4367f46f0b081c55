"""Parquet: read in slices, every value turned into text without loss."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TypeVar

import polars as pl

from claimsctl.errors import InputError
from claimsctl.ingest.parts import ROW_NUMBER, Format, Piece, Source, split_blank
from claimsctl.ingest.stream import InputFile, Limits
from claimsctl.security.spills import decryption

MAX_SLICE_ROWS = 1 << 17

_Result = TypeVar("_Result")


class ParquetSource(Source):
    """A Parquet file; `row_number` is the record number from 1. Without `limits` it is one of our own."""

    format: Format = "parquet"

    def __init__(self, file: InputFile, index: int, name: str, limits: Limits | None = None) -> None:
        super().__init__(file, index, name)
        self._schema = self._guarded(lambda: self._scan().collect_schema())
        if not self._schema:
            raise InputError(f"{self.path}: the Parquet file has no columns.", hint="Export it again.")
        for column, dtype in self._schema.items():
            if dtype.is_nested() or dtype in (pl.Binary, pl.Object, pl.Unknown):
                raise InputError(
                    f"{self.path}: column {column!r} holds {_kind(dtype)}, which is not claim text.",
                    hint="Leave the column out, or write it as one text or number per row.",
                )
        self.header = tuple(self._schema.names())
        self._height = int(self._guarded(lambda: self._scan().select(pl.len()).collect().item()))
        cells = self._height * len(self._schema)
        if limits and cells > limits.ratio_applies_from and cells > limits.max_ratio * file.size:
            raise InputError(
                f"{self.path}: says that it holds {self._height:,} records in {file.size:,} bytes; "
                "that looks like a bomb.",
                hint="Export it again; if it is meant so, as several files.",
            )

    def expected_rows(self, row_bytes: float) -> float:
        """The records that the footer of the file counts."""
        del row_bytes
        return self._height

    def _scan(self) -> pl.LazyFrame:
        return pl.scan_parquet(self.file.path, glob=False, hive_partitioning=False, decryption=decryption())

    def _pieces(self, batch_rows: int, required_indexes: frozenset[int]) -> Iterator[Piece]:
        texts = [
            as_text(pl.col(column), dtype).alias(f"c{i}")
            for i, (column, dtype) in enumerate(self._schema.items())
        ]
        step = min(batch_rows, MAX_SLICE_ROWS)
        for offset in range(0, self._height, step):
            self.file.check()
            lazy = self._scan().slice(offset, step).select(texts)
            rows = self._guarded(lazy.collect).with_row_index(ROW_NUMBER, offset + 1)
            rows, blanks = split_blank(rows.with_columns(pl.col(ROW_NUMBER).cast(pl.Int64)))
            yield Piece(rows, [], blanks, self.bytes * min(offset + step, self._height) // self._height)

    def _guarded(self, work: Callable[[], _Result]) -> _Result:
        """Errors of the library may quote values, so none of their text is passed on."""
        try:
            return work()
        except (pl.exceptions.PolarsError, OSError, pl.exceptions.PanicException):
            self.file.check()
            message = f"{self.path}: the Parquet file is damaged."
            raise InputError(message, hint="Export or copy it again.") from None


def as_text(value: pl.Expr, dtype: pl.DataType) -> pl.Expr:
    """Text of a typed column: dates ISO, whole floats without ".0", NaN as null, decimals exact."""
    if dtype == pl.String:
        return value
    if dtype.is_float():
        whole = (value == value.floor()) & (value.abs() < 2**63)
        integer = value.cast(pl.Int64, strict=False).cast(pl.String)
        text = pl.when(whole).then(integer).otherwise(value.cast(pl.String))
        return pl.when(value.is_not_nan()).then(text)
    if isinstance(dtype, pl.Datetime):
        text = value.dt.to_string("%Y-%m-%d %H:%M:%S%.f" + ("%:z" if dtype.time_zone else ""))
        return pl.when(value.dt.time() == pl.time(0)).then(value.dt.to_string("%Y-%m-%d")).otherwise(text)
    if dtype == pl.Time:
        return value.dt.to_string("%H:%M:%S%.f")
    if dtype == pl.Duration:
        return value.dt.to_string("iso")
    return value.cast(pl.String)


def _kind(dtype: pl.DataType) -> str:
    if dtype == pl.Binary:
        return "binary data"
    if dtype.is_nested():
        return "nested values (lists or structures)"
    return "values of an unknown kind"
