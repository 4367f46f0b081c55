"""CSV and its kin: a vectorised look, one fast read per chunk, and care for the lines that need it."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

import numpy as np
import polars as pl

from claimsctl.errors import InputError
from claimsctl.ingest.careful import MAX_RAW_BYTES, CarefulReader, Read, shown
from claimsctl.ingest.parts import ROW_NUMBER, Malformed, Piece, Source, raw_schema, split_blank
from claimsctl.ingest.planning import Plan, make_plan
from claimsctl.ingest.recognise import HEAD_BYTES, Recognised
from claimsctl.ingest.sniff import Sniffed, detect_encoding, sniff
from claimsctl.ingest.stream import ByteStream, InputFile, Limits, Utf8Stream
from claimsctl.ingest.structure import MAX_RECORD_BYTES, Dialect, look

DEFAULT_CHUNK_BYTES = 8 << 20
MIN_CHUNK_BYTES = 1 << 16
MAX_LINE_BYTES = 16 << 20

_BLANKS_AT_ONCE = 1 << 18
_EXPANDED = 32 << 20
"""How much of a compressed file is expanded to learn how long its text is."""

_Item = TypeVar("_Item")


class CsvSource(Source):
    """A delimited text file, plain or compressed."""

    format = "csv"

    def __init__(
        self,
        file: InputFile,
        index: int,
        name: str,
        recognised: Recognised,
        limits: Limits,
        chunk_bytes: int | None = None,
    ) -> None:
        super().__init__(file, index, name)
        self.compression = recognised.compression
        self._limits = limits
        self._chunk_bytes = chunk_bytes
        self._stated_encoding = detect_encoding(recognised.head)
        self._sniffed, head = self._sniff()
        self._line_bytes = len(head) / max(1, head.count(b"\n") + head.count(b"\r"))
        self.header = self._sniffed.header
        self.delimiter = self._sniffed.dialect.delimiter.decode()
        self.header_row_number = self._sniffed.header_line

    @property
    def dialect(self) -> Dialect:
        """Delimiter, quote and line end, as found."""
        return self._sniffed.dialect

    def expected_rows(self, row_bytes: float) -> float:
        """The length of the text, of large compressed files as the beginning expands, by that of a row."""
        if self.compression is None:
            return self.bytes / row_bytes
        with ByteStream(self.file, self.compression, self._limits) as stream:
            stream.read(_EXPANDED)
            return stream.produced * max(1.0, self.bytes / max(1, stream.position)) / row_bytes

    def _stream(self) -> Utf8Stream:
        return Utf8Stream(self.file, self.compression, self._stated_encoding, self._limits)

    def _sniff(self) -> tuple[Sniffed, bytes]:
        """Look at the start, and at more of it when a long header or preamble takes most of that."""
        for size in (HEAD_BYTES, 16 * HEAD_BYTES):
            with self._stream() as stream:
                head = stream.read(size)
                while len(head) < size and (more := stream.read(size - len(head))):
                    head += more
                whole = not stream.read(1)
                self.encoding = stream.encoding
            try:
                sniffed = sniff(self.path, head, whole=whole)
            except InputError:
                if whole or size > HEAD_BYTES:
                    raise
                continue
            if whole or sniffed.data_offset <= len(head) // 2:
                break
        return sniffed, head

    def _pieces(self, batch_rows: int, required_indexes: frozenset[int]) -> Iterator[Piece]:
        size = self._chunk_bytes
        if size is None:
            size = min(DEFAULT_CHUNK_BYTES, max(MIN_CHUNK_BYTES, int(batch_rows * self._line_bytes)))
        plans = self._plans(size, max(required_indexes, default=-1) + 1)
        # Blank lines wait until a record follows; they always form one run, which begins here.
        waiting: int | None = None
        for plan in plans if self.bytes < size and not self.compression else _ahead(plans):
            bare = plan.bare_lines
            if plan.last_record and waiting is not None:
                for start in range(waiting, plan.number, _BLANKS_AT_ONCE):
                    stop = min(start + _BLANKS_AT_ONCE, plan.number)
                    yield Piece(None, [], list(range(start, stop)), plan.position)
                waiting = None
            if waiting is None and len(bare) and bare[-1] > plan.last_record:
                waiting = int(bare[np.searchsorted(bare, plan.last_record)])
            counted = bare[: np.searchsorted(bare, plan.last_record)].tolist()
            rows = self._rows(plan)
            blanks: list[int] = []
            if rows is not None:
                rows, blanks = split_blank(rows)
            yield Piece(rows, plan.malformed, sorted(blanks + counted), plan.position)

    def _plans(self, size: int, least: int) -> Generator[Plan, None, None]:
        """Decide the file chunk by chunk."""
        dialect, number = self.dialect, self._sniffed.data_line
        with self._stream() as stream:
            pending = self._skip_header(stream)
            at_eof = False
            while True:
                block = b"" if at_eof else stream.read(max(size, len(pending)))
                at_eof = at_eof or not block
                buffer = pending + block
                if at_eof:
                    if not buffer:
                        break
                    if not buffer.endswith((b"\n", b"\r")):
                        buffer += dialect.line_end
                cut = len(buffer) if at_eof else _last_line_end(buffer)
                if not cut:
                    pending = buffer
                    if len(buffer) > MAX_LINE_BYTES:
                        yield _oversized(buffer, number, stream.position)
                        pending = _skip_line(stream, dialect)
                        number += 1
                    continue
                chunk, rest = (buffer, b"") if cut == len(buffer) else (buffer[:cut], buffer[cut:])
                # No record can span a line that is larger than any record may be.
                at_end = at_eof or len(rest) > MAX_RECORD_BYTES
                plan = make_plan(chunk, number, dialect, least=least, at_end=at_end)
                plan.position = stream.position
                number += plan.used_lines
                pending = chunk[plan.used :] + rest if plan.used < len(chunk) else rest
                yield plan
            self.encoding = stream.encoding
            self._sha256 = stream.bytes.raw.hexdigest()

    def _skip_header(self, stream: Utf8Stream) -> bytes:
        offset = self._sniffed.data_offset
        text = b""
        while len(text) < offset and (more := stream.read(max(1 << 16, offset - len(text)))):
            text += more
        return text[offset:]

    def _rows(self, plan: Plan) -> pl.DataFrame | None:
        frames = []
        if len(plan.row_numbers):
            frames.append(self._read_fast(plan))
        if plan.read:
            cells = [[number, *fields] for number, fields in plan.read]
            frames.append(pl.DataFrame(cells, schema=raw_schema(self.width), orient="row"))
        if len(frames) == 2:
            return pl.concat(frames).sort(ROW_NUMBER)
        return frames[0] if frames else None

    def _read_fast(self, plan: Plan) -> pl.DataFrame:
        dialect = self.dialect
        schema = raw_schema(self.width)
        del schema[ROW_NUMBER]
        short = plan.lengths is not None and plan.lengths[0] < self.width
        try:
            rows = pl.read_csv(
                plan.text,
                has_header=False,
                schema=schema,
                separator=dialect.delimiter.decode(),
                quote_char=dialect.quote.decode() if dialect.quote in plan.text else None,
                eol_char=dialect.line_end.decode(),
                empty_string_is_null=False,
                missing_columns="insert" if short else "raise",
            )
        except pl.exceptions.PolarsError:
            return self._read_slowly(plan)
        if rows.height != len(plan.row_numbers):
            return self._read_slowly(plan)
        if plan.lengths is not None:
            rows = _without_lacking(rows, pl.Series(plan.lengths))
        return rows.insert_column(0, pl.Series(ROW_NUMBER, plan.row_numbers))

    def _read_slowly(self, plan: Plan) -> pl.DataFrame:
        """Read well-formed records one by one, should the fast reader ever see them differently."""
        lines = look(plan.text, self.dialect)
        reader = CarefulReader(plan.text, lines, self.dialect, least=0, at_end=True)
        cells: list[list[object]] = []
        line = 0
        for number in plan.row_numbers.tolist():
            result = reader.read(line)
            if not isinstance(result, Read):
                raise InputError(f"{self.path}: line {number} cannot be read.", hint="Look at that line.")
            cells.append([number, *(None if c is None else c.decode("utf-8") for c in result.fields)])
            line = result.last + 1
        return pl.DataFrame(cells, schema=raw_schema(self.width), orient="row")


def _without_lacking(rows: pl.DataFrame, lengths: pl.Series) -> pl.DataFrame:
    """The rows with null for fields that a record lacks: Polars reads them as empty."""
    least = lengths.min()
    assert isinstance(least, int)
    return rows.with_columns(
        pl.when(lengths > n).then(name).alias(name) for n, name in enumerate(rows.columns) if n >= least
    )


def _last_line_end(buffer: bytes) -> int:
    """Offset after the last line end; a CR at the very end may be half of one."""
    newline = buffer.rfind(b"\n")
    return max(newline, buffer.rfind(b"\r", newline + 1, len(buffer) - 1)) + 1


def _oversized(buffer: bytes, number: int, position: int) -> Plan:
    reason = f"the line is longer than {MAX_LINE_BYTES >> 20} MB (raw text cut to 64 KB)"
    malformed = Malformed(number, reason, shown(buffer[:MAX_RAW_BYTES]), None)
    nothing = np.zeros(0, np.int64)
    return Plan(number, b"", nothing, None, [], [malformed], nothing, number, 0, 0, position)


def _skip_line(stream: Utf8Stream, dialect: Dialect) -> bytes:
    """Read on to the next line end and return what follows it."""
    while block := stream.read(1 << 20):
        at = block.find(dialect.line_end)
        if at >= 0:
            return block[at + 1 :]
    return b""


def _ahead(items: Generator[_Item, None, None]) -> Iterator[_Item]:
    """Hand on the items of a generator, working on the next one in a thread meanwhile."""
    end = object()
    with ThreadPoolExecutor(max_workers=1, thread_name_prefix="ingest") as pool:
        try:
            upcoming = pool.submit(next, items, end)
            while (item := upcoming.result()) is not end:
                upcoming = pool.submit(next, items, end)
                yield item  # type: ignore[misc]
        finally:
            pool.shutdown(wait=True, cancel_futures=True)
            items.close()
