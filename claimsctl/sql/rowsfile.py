"""The Parquet file that the rows of a source are put into; only this process can read it."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from claimsctl.errors import OutputError
from claimsctl.security.spills import arrow_encryption
from claimsctl.sql.statement import Column

if TYPE_CHECKING:
    import pyarrow as pa


class RowsFile:
    """The Parquet file that rows go to; started anew where a fetch is.

    It is written while the next rows arrive, one batch behind: what the disk refuses is told at the next one.
    """

    def __init__(self, path: Path, worker: ThreadPoolExecutor) -> None:
        self.path = path
        self.rows = 0
        self._worker = worker
        self._writing: Future[None] | None = None
        self._writer: Any = None

    def write(self, rows: pa.Table) -> None:
        """Append rows of text."""
        self._written()
        self._writing = self._worker.submit(self._append, rows)
        self.rows += rows.num_rows

    def again(self, *, keep: bool) -> None:
        """Before another try: what is there stays, or goes."""
        self._written()
        if not keep and self._writer is not None:
            self._writer.close()
            self._writer, self.rows = None, 0

    def close(self, columns: Sequence[Column] | None = None) -> None:
        """Finish the file; one without rows has `columns`."""
        import pyarrow as pa

        self._written()
        if self._writer is None and columns is not None:
            self._writer = self._open(pa.schema([(each.name, pa.large_string()) for each in columns]))
        if self._writer is not None:
            with self._disk():
                self._writer.close()

    def _append(self, rows: pa.Table) -> None:
        if self._writer is None:
            self._writer = self._open(rows.schema)
        with self._disk():
            self._writer.write_table(rows, row_group_size=max(rows.num_rows, 1))

    def _written(self) -> None:
        if self._writing is not None:
            writing, self._writing = self._writing, None
            writing.result()

    def _open(self, schema: Any) -> Any:
        from pyarrow import parquet

        with self._disk():
            os.close(os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600))
            # Read once and thrown away: dictionaries and statistics took two thirds of the writing.
            return parquet.ParquetWriter(
                self.path, schema, compression="zstd", compression_level=1, use_dictionary=False,
                write_statistics=False, encryption_properties=arrow_encryption(),
            )  # fmt: skip

    @contextmanager
    def _disk(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise OutputError(
                f"The rows of the database cannot be put aside in {self.path.parent}: {error.strerror}.",
                hint="Free some space there, or name another workspace with --workspace.",
            ) from None


@contextmanager
def writing_rows(path: Path) -> Iterator[RowsFile]:
    """A file for the block, removed where that fails."""
    with ThreadPoolExecutor(1, "rows") as worker:
        file = RowsFile(path, worker)
        try:
            yield file
        except BaseException:
            with suppress(OutputError):
                file.again(keep=False)
            path.unlink(missing_ok=True)
            raise
