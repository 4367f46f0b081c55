"""How a delimited text is written: encoding, delimiter, quote, line ends, and where its header is."""

from __future__ import annotations

import codecs
import re
from collections.abc import Sequence
from dataclasses import dataclass

from claimsctl.errors import InputError
from claimsctl.ingest.careful import split_record
from claimsctl.ingest.headers import recognise
from claimsctl.ingest.stream import is_utf8
from claimsctl.ingest.structure import Dialect

DELIMITERS = (b",", b"\t", b";", b"|")
MAX_COLUMNS = 20_000
CONTROLS = bytes(set(range(32)) - set(b"\t\n\r\f\x1a\x1b")) + b"\x7f"
"""Bytes that text has no use for."""

_SAMPLE_RECORDS = 50
_MAX_TITLE_LINES = 10
_MAX_HEADER_LINES = 50
_LEAST_NAMES = 3
_NO_LINE_ALIKE = 0.1
"""Score per column of a delimiter when no line after the header has as many fields."""
_COMMENT = (b"#", b'"#')
_LINE = re.compile(rb"([^\r\n]*)(\r\n|\n|\r|$)")


@dataclass(frozen=True, slots=True)
class Sniffed:
    """What a delimited file's start says; `data_offset` counts bytes of its UTF-8 text."""

    dialect: Dialect
    header: tuple[str, ...]
    header_line: int
    data_offset: int
    data_line: int


def detect_encoding(head: bytes) -> str:
    """Python codec name by byte order mark or by the zero bytes of UTF-16; "utf-8" when nothing tells."""
    if head.startswith(codecs.BOM_UTF8):
        return "utf-8-sig"
    if head.startswith((codecs.BOM_UTF32_LE, codecs.BOM_UTF32_BE)):
        return "utf-32"
    if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "utf-16"
    sample = head[:4096]
    zeros_even, zeros_odd = sample[::2].count(0), sample[1::2].count(0)
    if zeros_odd > len(sample) * 0.4 and zeros_even < len(sample) * 0.05:
        return "utf-16-le"
    if zeros_even > len(sample) * 0.4 and zeros_odd < len(sample) * 0.05:
        return "utf-16-be"
    return "utf-8"


def sniff(label: str, head: bytes, *, whole: bool) -> Sniffed:
    """Find the header and how the file is written; `head` is the start of its text, `whole` all of it.

    Leading blank lines and comments (lines that begin with `#` and do not name the columns of those after
    them) are passed over, as are up to ten title lines of a single field above a header of at least three.
    Raises InputError when there is no header.
    """
    if is_binary(head):
        raise InputError(
            f"{label}: is binary data, not text.",
            hint="Give a CSV, TSV, Excel (.xlsx), Parquet or JSON file of claims.",
        )
    lines = _lines(head, whole)
    candidates, forced = _candidates(lines)
    if not candidates:
        if whole:
            raise InputError(
                f"{label}: has no header line, only blank lines or # comments.",
                hint="The first line of a claim file names its columns.",
            )
        raise InputError(
            f"{label}: no header line was found in the first {len(head):,} bytes.",
            hint="Check that it is a table of claims with one line per claim line.",
        )
    chosen = 0
    delimiter, score = _best_delimiter(lines, candidates[0], forced)
    if score == 0:
        for i, candidate in enumerate(candidates[1 : _MAX_TITLE_LINES + 1], start=1):
            other, other_score = _best_delimiter(lines, candidate, forced)
            cells, _ = _record(lines, candidate, other, b'"')
            if other_score and sum(bool(cell.strip()) for cell in cells) >= 3:
                chosen, delimiter = i, other
                break
    first = candidates[chosen]
    quote = _quote(lines[first].text, delimiter)
    cells, last = _record(lines, first, delimiter, quote)
    header = tuple(_header_text(label, cell) for cell in cells)
    if len(header) > MAX_COLUMNS:
        raise InputError(
            f"{label}: the header has {len(header):,} columns; at most {MAX_COLUMNS:,} can be read.",
            hint="Check that the file is a table with one line per claim line.",
        )
    line_end = b"\n" if b"\n" in head or b"\r" not in head else b"\r"
    return Sniffed(
        Dialect(delimiter, quote, line_end, len(header)), header, first + 1, lines[last].next, last + 2
    )


def is_binary(head: bytes) -> bool:
    """Whether a text would not hold these bytes; single NUL bytes after the first line are tolerated."""
    first = _LINE.match(head)
    if first is None or len(first.group(1).translate(None, CONTROLS)) < len(first.group(1)):
        return True
    controls = len(head) - len(head.translate(None, CONTROLS))
    return controls > 16 and controls > len(head) * 0.05


@dataclass(frozen=True, slots=True)
class _Line:
    text: bytes
    next: int


def _lines(head: bytes, whole: bool) -> list[_Line]:
    """Physical lines at the start; a line that may go on after `head` is left out."""
    lines: list[_Line] = []
    at = 0
    while at < len(head) and len(lines) < 2000:
        match = _LINE.match(head, at)
        assert match is not None
        if not match.group(2) and not whole:
            break
        lines.append(_Line(match.group(1), match.end()))
        at = match.end()
    return lines


def _candidates(lines: Sequence[_Line]) -> tuple[list[int], bytes | None]:
    """Lines that may be the header, and the delimiter that an Excel `sep=` line states."""
    forced: bytes | None = None
    found: list[int] = []
    for i, line in enumerate(lines):
        text = line.text.strip()
        if not text.strip(b"\x1a"):
            continue
        if not found:
            stated = re.fullmatch(rb'"?sep=([,;|\t])"?', line.text, re.IGNORECASE)
            if stated:
                forced = stated.group(1)
                continue
            if text.startswith(_COMMENT) and not _names_columns(lines, i, forced):
                continue
        found.append(i)
    return found, forced


def _names_columns(lines: Sequence[_Line], i: int, forced: bytes | None) -> bool:
    """Whether a line that begins with `#` is the header, its first column `#` (a row number) or `#Claim`.

    It then names known columns, more than the next line does, and has as many fields as lines after it.
    """
    delimiter, score = _best_delimiter(lines, i, forced)
    quote = _quote(lines[i].text, delimiter)
    cells, last = _record(lines, i, delimiter, quote)
    known = _known_columns(cells)
    if known < _LEAST_NAMES or re.match(rb"\s*#\s+\S", cells[0]):
        return False
    for following in range(last + 1, len(lines)):
        text = lines[following].text.strip()
        if text and not text.startswith(_COMMENT):
            others, _ = _record(lines, following, delimiter, quote)
            return score > len(cells) * _NO_LINE_ALIKE and known > _known_columns(others)
    return True


def _known_columns(cells: Sequence[bytes]) -> int:
    found = (recognise(cell.decode("utf-8", "replace")) for cell in cells)
    return len({column for column, _ in filter(None, found)})


def _best_delimiter(lines: Sequence[_Line], first: int, forced: bytes | None) -> tuple[bytes, float]:
    """The delimiter that makes most columns of the header and is borne out by the lines after it."""
    best, best_score = forced or DELIMITERS[0], 0.0
    for delimiter in (forced,) if forced else DELIMITERS:
        quote = _quote(lines[first].text, delimiter)
        cells, last = _record(lines, first, delimiter, quote)
        if len(cells) < 2:
            continue
        seen = same = 0
        at = last + 1
        while at < len(lines) and seen < _SAMPLE_RECORDS:
            if lines[at].text.strip():
                record, at = _record(lines, at, delimiter, quote)
                seen += 1
                same += len(record) == len(cells)
            at += 1
        score = len(cells) * (_NO_LINE_ALIKE + (same / seen if seen else 0.0))
        if score > best_score:
            best, best_score = delimiter, score
    return best, best_score


def _record(lines: Sequence[_Line], first: int, delimiter: bytes, quote: bytes) -> tuple[list[bytes], int]:
    """Fields of the record on a line, going on over line ends within quotes, and its last line."""
    dialect = Dialect(delimiter, quote, b"\n", 0)
    text = lines[first].text
    for last in range(first, min(first + _MAX_HEADER_LINES, len(lines))):
        if last > first:
            text += b"\n" + lines[last].text
        split = split_record(text, dialect)
        if split.open_at is None:
            return split.fields, last
    return lines[first].text.split(delimiter), first


def _quote(header: bytes, delimiter: bytes) -> bytes:
    """The single quote when it surrounds the header's names, else the double quote."""
    text = header.strip()
    if len(text) < 2 or not text[:1] == b"'" == text[-1:] or b'"' in text:
        return b'"'
    between = rb"'[ \t]*%b[ \t]*'" % re.escape(delimiter)
    return b"'" if delimiter not in text or re.search(between, text) else b'"'


def _header_text(label: str, cell: bytes) -> str:
    if not is_utf8(cell):
        raise InputError(
            f"{label}: the header is neither UTF-8 nor Windows-1252 text.",
            hint="Export the file again as UTF-8.",
        )
    return cell.decode("utf-8")
