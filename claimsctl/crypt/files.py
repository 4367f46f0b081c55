"""Columns of a file, encrypted or decrypted into a new one: part by part, complete or not at all."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Literal

import polars as pl

from claimsctl.errors import InputError, UsageError
from claimsctl.ingest.headers import fold
from claimsctl.ingest.parts import Source
from claimsctl.ingest.sources import open_sources
from claimsctl.process.beside import job_name, left_out, refuse_taken, remove_leftovers, with_blank_rows
from claimsctl.security import audit
from claimsctl.security.audit_watch import access
from claimsctl.security.cells import Binding, new_table, seal_cells, table_of, unseal_cells
from claimsctl.security.keys import Keys
from claimsctl.store.workspace import Workspace
from claimsctl.write.files import OutputDir
from claimsctl.write.lines import ENDINGS, LinesWriter
from claimsctl.write.parquet import ParquetStream
from claimsctl.write.rejected import told_apart

Way = Literal["encrypt", "decrypt"]
Progress = Callable[[int, int], None]
"""Told the bytes read and the bytes of the file."""

BATCH_ROWS: Final = 50_000


@dataclass(frozen=True, slots=True)
class Asked:
    """What to do with which columns (names as in the header) of a file; none means all encrypted ones.

    `key` are the columns that say which row a cell belongs to; without them its place in the file does.
    """

    way: Way
    source: Path
    out: Path
    columns: tuple[str, ...] = ()
    key: tuple[str, ...] = ()
    replace: bool = False


@dataclass
class Done:
    """What was done; `notes` say what the format could not hold."""

    path: Path
    rows: int = 0
    columns: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def crypt_file(workspace: Workspace, asked: Asked, keys: Keys, progress: Progress = lambda *_: None) -> Done:
    """Write the file anew with its columns encrypted or decrypted; text stays as it was, cell by cell.

    Parquet keeps the types of the other columns. UsageError for unknown columns and an output that may not
    be written, InputError where the file cannot be read whole or a cell was altered or moved (by row and
    column, never the value), PermissionDenied for another key; nothing is written then.
    """
    with workspace.scratch() as spool:
        source = open_sources([str(asked.source)], spool_dir=spool)[0]
        _check_output(asked, source)
        work = _Work(asked, keys, list(source.header))
        remove_leftovers([asked.out], asked.out.parent, "crypt")
        done = Done(asked.out)
        with OutputDir(asked.out.parent, job_name("crypt"), replaces=asked.replace) as directory:
            if source.format == "parquet":
                _parquet(work, directory, source, done, progress)
            else:
                _lines(work, directory, source, done, progress)
            _recorded(workspace, asked.way, done.rows, len(work.columns))
            directory.commit()
        done.columns = work.columns
    return done


def _recorded(workspace: Workspace, way: Way, rows: int, columns: int) -> None:
    """Before the file appears: values that are decrypted count for what may be exported."""
    if way == "decrypt":
        access(workspace, "crypt decrypt", count=rows, exported=True, columns=columns)
    else:
        audit.record(workspace, "crypt encrypt", count=rows, columns=columns)


def default_out(source: Path, way: Way) -> Path:
    """`claims.encrypted.csv` or `claims.decrypted.csv` beside claims.csv and claims.encrypted.csv."""
    stem = source.stem.removesuffix(".encrypted") if way == "decrypt" else source.stem
    return source.with_name(f"{stem}.{way}ed{source.suffix}")


class _Work:
    """The columns of one file, part by part."""

    def __init__(self, asked: Asked, keys: Keys, header: list[str]) -> None:
        self._asked = asked
        self._keys = keys
        self._key = [_named(name, header) for name in asked.key]
        self.columns = [_named(name, header) for name in asked.columns]
        both = [name for name in self.columns if name in self._key]
        if both:
            raise UsageError(f"The column {both[0]} cannot be encrypted and be the key of its row.")
        if asked.way == "encrypt" and not self.columns:
            raise UsageError("No column was named.", hint="Say --columns member_id,patient_ssn.")
        self._table: str | None = new_table() if asked.way == "encrypt" else None
        self._rows = 0

    def part(self, rows: pl.DataFrame, row_numbers: pl.Series) -> pl.DataFrame:
        """The next rows, with their numbers in the file; columns are named as in the header."""
        if self._asked.way == "decrypt":
            self._look(rows)
        table = self._table or ""
        binding = (
            Binding.by_key(rows.select(self._key)) if self._key
            else Binding.by_place(table or new_table(), self._rows, rows.height)
        )  # fmt: skip
        self._rows += rows.height

        def row_name(at: int) -> str:
            return f"{self._asked.source.name}, row {row_numbers[at]}"

        if self._asked.way == "encrypt":
            return rows.with_columns(seal_cells(rows[name], binding, self._keys) for name in self.columns)
        return rows.with_columns(
            unseal_cells(rows[name], binding, self._keys, row_name) for name in self.columns
        )

    def _look(self, rows: pl.DataFrame) -> None:
        """Find out what is encrypted, and as which table, from the first rows that have something."""
        texts = [rows[name] for name in rows.columns if rows.schema[name] == pl.String]
        sealed = {each.name: table for each in texts if (table := table_of(each)) is not None}
        if not self._asked.columns:
            found = [name for name in sealed if name not in self.columns]
            if found and self._rows:
                raise InputError(
                    f"{self._asked.source.name}: the column {found[0]} is encrypted only from row "
                    f"{self._rows:,} on.", hint="Say which columns are, with --columns.",
                )  # fmt: skip
            self.columns += found
        if self._table is None:
            self._table = next((table for table in sealed.values() if table), None)


def _lines(work: _Work, directory: OutputDir, source: Source, done: Done, progress: Progress) -> None:
    writer = LinesWriter(directory, done.path.name, source, sheet=source.sheet)
    cells = [f"c{n}" for n in range(source.width)]
    # A header may name two columns alike; those that are worked on are told apart by `_named`.
    names = told_apart(source.header)
    for part in source.parts(BATCH_ROWS):
        if part.malformed.height:
            raise InputError(
                f"{source.path}: {part.malformed.height:,} records cannot be read, the first in row "
                f"{part.malformed['row_number'][0]:,}.", hint="Repair them first; nothing was written.",
            )  # fmt: skip
        rows = with_blank_rows(part.rows, part.blank_rows)
        named = rows.select(  # a blank cell is nothing, in which there is nothing to hide
            pl.when(pl.col(cell) != "").then(pl.col(cell)).alias(name)
            for cell, name in zip(cells, names, strict=True)
        )
        made = work.part(named, rows["row_number"]).cast(pl.String)
        writer.write(made.rename(dict(zip(names, cells, strict=True))))
        progress(part.bytes_read, source.bytes)
    _, done.rows = writer.close()
    done.notes += [*left_out(source, "new file"), *writer.notes]


def _parquet(work: _Work, directory: OutputDir, source: Source, done: Done, progress: Progress) -> None:
    scanned = pl.scan_parquet(source.file.path)
    rows = scanned.select(pl.len()).collect().item()
    stream: ParquetStream | None = None
    for frame in _slices(scanned, rows):
        numbers = pl.int_range(done.rows + 1, done.rows + 1 + frame.height, eager=True)
        made = work.part(frame, numbers)
        if stream is None:
            stream, schema = ParquetStream(directory, done.path.name, made.schema), made.schema
        stream.write(made.cast(schema))  # a part may be all null, and then is text
        done.rows += frame.height
        progress(round(source.bytes * done.rows / max(rows, 1)), source.bytes)
    assert stream is not None
    stream.close()


def _slices(scanned: pl.LazyFrame, rows: int) -> Iterator[pl.DataFrame]:
    """At least one part, so that a file without rows has its columns."""
    for at in range(0, max(rows, 1), BATCH_ROWS):
        yield scanned.slice(at, BATCH_ROWS).collect()


def _named(name: str, header: Sequence[str]) -> str:
    """The header that a name means; UsageError where none or several do."""
    exact = [each for each in header if each == name]
    found = exact or [each for each in header if fold(each) == fold(name)]
    if len(found) == 1:
        return found[0]
    if found:
        raise UsageError(f"{len(found)} columns are called {name!r}.", hint="Rename one of them first.")
    raise UsageError(f"There is no column {name!r}.", hint=f"There are {', '.join(header)}.")


def _check_output(asked: Asked, source: Source) -> None:
    fitting = ENDINGS[source.format]
    if asked.out.suffix.lower() not in fitting:
        raise UsageError(
            f"{asked.out} does not end as a file of the same format does.",
            hint=f"Name one that ends in {' or '.join(fitting)} with --out.",
        )
    if not asked.out.parent.is_dir():
        raise UsageError(f"There is no directory {asked.out.parent}.", hint="Make it first.")
    refuse_taken([asked.out], [source], replace=asked.replace)
