"""Parquet written part by part through Polars' own writer."""

from __future__ import annotations

import queue
import threading
from collections.abc import Iterator, Mapping
from typing import Final

import polars as pl
from polars.io.plugins import register_io_source

from claimsctl.errors import InternalError
from claimsctl.write.files import OutputDir
from claimsctl.write.trouble import output_error

Schema = Mapping[str, pl.DataType | type[pl.DataType]]
"""Names and types of the columns of a file, in file order."""
ROW_GROUP_ROWS: Final = 32_768
"""Small, because a row group of a wide file waits in memory until it is full."""
_COMPRESSION_LEVEL: Final = 1
_PATIENCE_SECONDS: Final = 0.2


class _Stopped(Exception):
    """The writer was told to let go before the last part."""


class ParquetStream:
    """One Parquet file fed with frames of any size; at most two of them are held.

    The bytes depend on the rows alone, not on part sizes or threads. Polars has no incremental
    writer, so a thread runs `sink_parquet` over a source that takes parts from a queue: a third of
    the time pyarrow's ParquetWriter needs.
    """

    def __init__(self, out: OutputDir, name: str, schema: Schema) -> None:
        self.path = out.path / name
        self.rows = 0
        self._out = out
        self._schema = pl.Schema(schema)
        self._temp = out.temp_path(name)
        self._parts: queue.Queue[pl.DataFrame | type[_Stopped] | None] = queue.Queue(maxsize=1)
        self._error: BaseException | None = None
        # A daemon: an interpreter that dies of something else must not wait for the next part.
        self._thread = threading.Thread(target=self._run, name=f"write {name}", daemon=True)
        self._thread.start()
        out.register(self)

    def write(self, part: pl.DataFrame) -> None:
        """Append rows; the part has exactly the columns and types of the schema."""
        if part.schema != self._schema:
            raise InternalError(f"A part for {self.path.name} does not have the schema of the file.")
        if part.height:
            self.rows += part.height
            self._put(part)

    def close(self) -> None:
        """Finish the file; OutputError when it could not be written."""
        self._put(None)
        self._thread.join()
        self._raise()
        self._out.release(self)

    def stop(self) -> None:
        """Give the file up without waiting for parts still queued."""
        while self._thread.is_alive():
            try:
                self._parts.put(_Stopped, timeout=_PATIENCE_SECONDS)
                break
            except queue.Full:
                continue
        self._thread.join()

    def _put(self, item: pl.DataFrame | None) -> None:
        while True:
            self._raise()
            try:
                return self._parts.put(item, timeout=_PATIENCE_SECONDS)
            except queue.Full:
                continue

    def _raise(self) -> None:
        if self._error is None:
            return
        if isinstance(self._error, KeyboardInterrupt):  # Polars interrupts every running query
            raise KeyboardInterrupt
        raise output_error(self.path, self._error) or self._error

    def _run(self) -> None:
        try:
            register_io_source(self._source, schema=self._schema).sink_parquet(
                self._temp,
                compression="zstd",
                compression_level=_COMPRESSION_LEVEL,
                row_group_size=ROW_GROUP_ROWS,
            )
        except BaseException as error:
            self._error = error

    def _source(
        self, columns: list[str] | None, predicate: pl.Expr | None, rows: int | None, batch: int | None
    ) -> Iterator[pl.DataFrame]:
        while True:
            part = self._parts.get()
            if part is None:
                return
            if not isinstance(part, pl.DataFrame):
                raise _Stopped
            yield part
