"""Files and directories searched for patients' data, piece by piece: nothing is changed, no value is kept."""

from __future__ import annotations

import gzip
import sqlite3
import struct
import zipfile
import zlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import IO, Final

import polars as pl

from claimsctl.errors import ClaimsctlError, InputError
from claimsctl.ingest.sources import open_sources
from claimsctl.ingest.stream import unreadable
from claimsctl.scan.columns import kind_of_header
from claimsctl.scan.detecting import HARMLESS, Encoding, Hit, detect_lines
from claimsctl.scan.known import Known

_BLOCK: Final = 1 << 20
_OVERLAP: Final = 512
_ROWS: Final = 50_000
_DEEPEST: Final = 3
_LARGEST_MEMBER: Final = 1 << 30
_LARGEST_ARCHIVE: Final = 8 << 30
"""Bytes that are taken out of one file, archives in archives and all."""
_TABLES: Final = (".csv", ".tsv", ".psv")
_MORE_NULLS: Final = 0.2
_DAMAGE: Final = (
    ClaimsctlError, OSError, EOFError, RuntimeError, ValueError, struct.error, zlib.error,
    zipfile.BadZipFile, sqlite3.Error,
)  # fmt: skip
"""What readers raise for files that are damaged, or made to be so."""


@dataclass
class Found:
    """One kind of patients' data in one place of a file: how often, where first, and one of it, masked.

    `column` is of a table; `first` is the line, or the row of the table.
    """

    path: str
    kind: str
    certainty: str
    encoding: Encoding
    column: str | None
    first: int
    shown: str
    count: int = 0


@dataclass
class Scan:
    """A search under way; `notes` are files that could not be searched, and why."""

    known: Known | None
    spool: Path
    files: int = 0
    size: int = 0
    notes: list[str] = field(default_factory=list)
    _found: dict[tuple[str, str | None, str, str, str], Found] = field(default_factory=dict)
    _spooled: int = 0
    _left: int = 0

    @property
    def found(self) -> list[Found]:
        """What was found, what is certain first, by file."""
        return sorted(self._found.values(), key=lambda each: (each.path, each.certainty, each.first))

    def path(self, path: Path) -> None:
        """Search a file, or everything below a directory; links in it are not followed."""
        if not path.exists():
            raise InputError(f"{path}: there is no such file.", hint="Check the name.")
        files = [path] if path.is_file() else sorted(p for p in path.rglob("*") if not p.is_symlink())
        for each in files:
            if each.is_file():
                self.files += 1
                self.size += each.stat().st_size
                self._left = _LARGEST_ARCHIVE
                self._file(each, str(each), 0)

    def _file(self, path: Path, where: str, depth: int) -> None:
        try:
            with path.open("rb") as stream:
                head = stream.read(16)
        except OSError as error:
            self.notes.append(str(unreadable(where, error)))
            return
        try:
            if head.startswith(b"PK\x03\x04"):
                self._archive(path, where, depth)
            elif head.startswith(b"\x1f\x8b"):
                self._compressed(path, where, depth)
            elif head.startswith(b"PAR1"):
                self._sources(path, where)
            elif head.startswith(b"SQLite format 3\0"):
                self._sqlite(path, where)
            elif head[8:12] == b"DUCK":
                self._duckdb(path, where)
            elif path.name.lower().endswith(_TABLES):
                self._sources(path, where)
            else:
                with path.open("rb") as stream:
                    self._text(stream, where)
        except _DAMAGE as error:
            self.notes.append(f"{where}: could not be searched whole ({type(error).__name__}).")

    def _text(self, stream: IO[bytes], where: str) -> None:
        """Text in blocks that end at a line, or overlap; other bytes are searched as Latin-1 and UTF-16."""
        rest, line = b"", 1
        encodings: tuple[str, ...] = ()
        while True:
            block = stream.read(_BLOCK)
            data = rest + block
            if not data:
                return
            encodings = encodings or _encodings(data)
            wide = encodings[0].startswith("utf-16")
            cut = len(data)
            if block:
                end = data.rfind(b"\n")
                cut = end + (2 if wide else 1) if end >= 0 else max(len(data) - _OVERLAP, _OVERLAP)
                cut -= cut % 2 if wide else 0
            piece, rest = data[:cut], data[cut:]
            for encoding in encodings:
                text = piece.decode(encoding, "replace")
                coded: Encoding = "utf-16" if encoding.startswith("utf-16") else "plain"
                lines = pl.Series(text.split("\n"), dtype=pl.String)
                self._hits(where, None, detect_lines(lines, self.known, coded), partial(_later, line - 1))
            line += piece.count(b"\n")
            if not block:
                return

    def _sources(self, path: Path, where: str) -> None:
        """A table of any format that claims are read from; what of it is no record is searched as text."""
        first = open_sources([str(path)], spool_dir=self.spool)[0]
        for sheet in first.sheets or (None,):
            source = open_sources([str(path)], spool_dir=self.spool, sheet=sheet)[0] if sheet else first
            place = f"{where}[{sheet}]" if len(first.sheets) > 1 else where
            for part in source.parts(_ROWS):
                rows = part.rows
                named = [(text, rows[f"c{n}"]) for n, text in enumerate(source.header)]
                self._table(place, named, rows["row_number"])
                bad = part.malformed
                self._column(place, None, bad["raw"], bad["row_number"])

    def _table(self, where: str, columns: Iterable[tuple[str, pl.Series]], rows: pl.Series) -> None:
        for name, values in columns:
            texts = values.cast(pl.String, strict=False)
            kind = kind_of_header(name)
            if kind is None:
                self._column(where, name, texts, rows)
                continue
            bare = ~texts.str.contains(f"(?i){HARMLESS.pattern}").fill_null(True)
            if bare.any():
                first = int(rows.filter(bare)[0])
                hits = [Hit(kind, first, "***", "likely")] * int(bare.sum())
                self._hits(where, name, hits, partial(_later, 0))

    def _column(self, where: str, name: str | None, texts: pl.Series, rows: pl.Series) -> None:
        """Cells of a column that is not known, each text once."""
        once = pl.DataFrame([texts.alias("text"), rows.alias("row")]).drop_nulls("text")
        once = once.group_by("text", maintain_order=True).agg(pl.col("row").first(), pl.len().alias("times"))
        if not once.height:
            return
        for hit in detect_lines(once["text"].str.replace_all(r"[\r\n]", " "), self.known):
            at = hit.line - 1
            row = int(once["row"][at])
            self._hits(where, name, [hit] * int(once["times"][at]), partial(_later, row - hit.line))

    def _hits(self, where: str, column: str | None, hits: Sequence[Hit], place: Callable[[int], int]) -> None:
        for hit in hits:
            key = (where, column, hit.kind, hit.certainty, hit.encoding)
            if key not in self._found:
                first = place(hit.line)
                self._found[key] = Found(
                    where, hit.kind, hit.certainty, hit.encoding, column, first, hit.shown
                )
            self._found[key].count += 1

    def _archive(self, path: Path, where: str, depth: int) -> None:
        with zipfile.ZipFile(path) as archive:
            names = archive.namelist()
            if "xl/workbook.xml" in names:
                self._sources(path, where)
                return
            for member in archive.infolist():
                if not member.is_dir() and self._left >= 0:
                    with archive.open(member) as stream:
                        self._inner(stream, f"{where}/{member.filename}", Path(member.filename).suffix, depth)

    def _compressed(self, path: Path, where: str, depth: int) -> None:
        with gzip.open(path) as stream:
            self._inner(stream, where, Path(where.lower().removesuffix(".gz")).suffix, depth)

    def _inner(self, stream: IO[bytes] | gzip.GzipFile, where: str, suffix: str, depth: int) -> None:
        """A member of an archive, copied to a private file and searched; not deeper than three archives."""
        if depth >= _DEEPEST:
            self.notes.append(f"{where}: not searched, it lies in too many archives.")
            return
        self._spooled += 1
        path = self.spool / f"member-{self._spooled}{suffix.lower()}"
        try:
            with path.open("xb") as copy:
                path.chmod(0o600)
                size = 0
                while block := stream.read(_BLOCK):
                    size += len(block)
                    self._left -= len(block)
                    if size > _LARGEST_MEMBER or self._left < 0:
                        self.notes.append(
                            f"{where}: only its first {size - len(block):,} bytes were searched."
                        )
                        break
                    copy.write(block)
            self._file(path, where, depth + 1)
        finally:
            path.unlink(missing_ok=True)

    def _sqlite(self, path: Path, where: str) -> None:
        with closing(sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True)) as base:
            base.text_factory = lambda data: data.decode("utf-8", "replace")
            tables = base.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()
            for (table,) in tables:
                cursor = base.execute(f'SELECT * FROM "{table.replace(chr(34), chr(34) * 2)}"')
                names = [column[0] for column in cursor.description]
                for rows, first in _batches(cursor):
                    columns = [
                        (name, pl.Series([None if cell is None else _cell(cell) for cell in cells]))
                        for name, cells in zip(names, zip(*rows, strict=True), strict=True)
                    ]
                    numbers = pl.int_range(first, first + len(rows), eager=True)
                    self._table(f"{where}[{table}]", columns, numbers)

    def _duckdb(self, path: Path, where: str) -> None:
        import duckdb

        try:
            self._tables(path, where)
        except duckdb.Error as error:  # damaged, in use, or of another version; its words may quote cells
            raise InputError(type(error).__name__) from None

    def _tables(self, path: Path, where: str) -> None:
        import duckdb

        with duckdb.connect(str(path), read_only=True, config={"enable_external_access": "false"}) as base:
            base.execute("SET enable_progress_bar = false")
            tables = base.execute(
                "SELECT schema_name, table_name FROM duckdb_tables() WHERE NOT internal"
            ).fetchall()
            for schema, table in tables:
                first = 1
                named = ".".join('"' + name.replace('"', '""') + '"' for name in (schema, table))
                for batch in base.sql(f"SELECT COLUMNS(*)::VARCHAR FROM {named}").to_arrow_reader(_ROWS):
                    frame = pl.DataFrame(batch)
                    numbers = pl.int_range(first, first + frame.height, eager=True)
                    self._table(f"{where}[{table}]", ((n, frame[n]) for n in frame.columns), numbers)
                    first += frame.height


def _later(lines: int, line: int) -> int:
    return lines + line


def _batches(cursor: sqlite3.Cursor) -> Iterator[tuple[list[tuple[object, ...]], int]]:
    first = 1
    while rows := cursor.fetchmany(_ROWS):
        yield rows, first
        first += len(rows)


def _cell(cell: object) -> str:
    return cell.decode("latin-1") if isinstance(cell, bytes) else str(cell)


def _encodings(data: bytes) -> tuple[str, ...]:
    """How the bytes of a file may be read as text."""
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        return ("utf-16-le" if data.startswith(b"\xff\xfe") else "utf-16-be",)
    head = data[:4096]
    if b"\0" not in head:
        return ("utf-8",)
    even, odd = head[::2].count(0), head[1::2].count(0)
    if max(even, odd) >= _MORE_NULLS * len(head):
        return ("utf-16-le" if odd >= even else "utf-16-be",)
    return ("latin-1", "utf-16-le", "utf-16-be")
