"""Reading one suspicious CSV line at a time: accept what is plain, name what is wrong, and go on.

A damaged record never takes good ones with it: a quote that is never closed condemns its own line only,
and reading resumes on the next physical line.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from typing import NamedTuple

from claimsctl.ingest.stream import is_utf8
from claimsctl.ingest.structure import (
    MAX_RECORD_BYTES,
    MAX_RECORD_LINES,
    MIN_COLUMNS_TO_GUARD,
    Dialect,
    Lines,
    whole_records,
)

MAX_FIELD_BYTES = 1 << 20
MAX_RAW_BYTES = 64 << 10

_BLANK = b" \t\r\n\f\v\x1a"


@dataclass(frozen=True, slots=True)
class Split:
    """A record cut into fields; `open_at` is the offset of a quoted field that does not end."""

    fields: list[bytes]
    stray: bool
    open_at: int | None


@dataclass(frozen=True, slots=True)
class Read:
    """A record that can be used; `last` is its last physical line in the chunk, None a field it lacks."""

    last: int
    fields: list[bytes | None]


@dataclass(frozen=True, slots=True)
class Refused:
    """A record that cannot be used, with the reason; its text runs to line `last`."""

    last: int
    reason: str
    fields: list[bytes]


@dataclass(frozen=True, slots=True)
class Blank:
    """A line with nothing but white space."""


class NeedMore(Exception):
    """The record may go on after the end of the chunk."""


class _Quoting(NamedTuple):
    """Where a quoted field may begin and end in a dialect: what RFC 4180 allows, or blanks beside it too."""

    first: re.Pattern[bytes]  # a record's first field is quoted
    opening: re.Pattern[bytes]  # up to the quote that opens a later field
    closing: re.Pattern[bytes]  # what follows the quote that closes a field
    record: re.Pattern[bytes]  # a record without stray quotes
    field: re.Pattern[bytes]  # a field of one, as its text within quotes and without


@cache
def _quoting(delimiter: bytes, quote: bytes, blanks: bool) -> _Quoting:
    d, q = re.escape(delimiter), re.escape(quote)
    b = rb"(?:(?!%b)[ \t])*+" % d if blanks else b""
    closing = rb"%b(?:%b|\Z)" % (b, d)
    field = rb"(?:%(b)b%(q)b((?:[^%(q)b]++|%(q)b%(q)b)*+)%(q)b%(b)b|([^%(d)b%(q)b]*+))" % {
        b"b": b, b"d": d, b"q": q
    }  # fmt: skip
    return _Quoting(
        first=re.compile(b + q),
        opening=re.compile(d + b + q),
        closing=re.compile(closing),
        record=re.compile(rb"%b(?:%b%b)*+" % (field, d, field)),
        field=re.compile(rb"(?:\A|%b)%b" % (d, field)),
    )


def split_record(
    data: bytes,
    dialect: Dialect,
    *,
    quotes_end_anywhere: bool = False,
    blanks: bool = True,
    start: int = 0,
    fields: list[bytes] | None = None,
) -> Split:
    """Cut a record into fields, from offset `start` on and after the `fields` already cut.

    A quote within an unquoted field is text. In a quoted field, a quote that is neither doubled nor
    followed by a delimiter or the end is text too, or, with `quotes_end_anywhere`, makes the whole field
    text up to the next delimiter, quotes included. Both set `stray`. With `blanks`, those between the
    quotes of a field and its delimiters are not part of it: RFC 4180 has none there, exporters do.
    """
    delimiter, quote = dialect.delimiter, dialect.quote
    quoting = _quoting(delimiter, quote, blanks)
    if not start and quoting.record.fullmatch(data):
        parts = quoting.field.findall(data)
        tidy = [quoted.replace(quote + quote, quote) if quoted else plain for quoted, plain in parts]
        return Split(tidy, False, None)
    cut = [] if fields is None else fields
    stray = False
    at = start
    while True:
        opened = quoting.first.match(data, at)
        if not opened:
            following = quoting.opening.search(data, at)
            end = following.start() if following else -1
            plain = data[at:] if end < 0 else data[at:end]
            stray = stray or quote in plain
            cut += plain.split(delimiter)
        else:
            close = opened.end()
            while True:
                close = data.find(quote, close)
                if close < 0:
                    return Split(cut, stray, at)
                if data.startswith(quote, close + 1):
                    close += 2
                elif closed := quoting.closing.match(data, close + 1):
                    cut.append(data[opened.end() : close].replace(quote + quote, quote))
                    end = closed.end() - 1 if closed.group().endswith(delimiter) else -1
                    break
                else:
                    stray = True
                    if quotes_end_anywhere:
                        end = data.find(delimiter, close)
                        cut.append(data[at:] if end < 0 else data[at:end])
                        break
                    close += 1
        if end < 0:
            return Split(cut, stray, None)
        at = end + 1


class CarefulReader:
    """Judges single records of a chunk; `at_end` says that no text follows the chunk.

    `least` is the smallest number of fields a record may have to be padded with blanks.
    """

    def __init__(self, chunk: bytes, lines: Lines, dialect: Dialect, *, least: int, at_end: bool) -> None:
        self.chunk = chunk
        self.lines = lines
        self.dialect = dialect
        self.least = least
        self.at_end = at_end
        quote = re.escape(dialect.quote)
        self._first_quote = re.compile(rb"[^Q]*+(?:QQ[^Q]*+)*+Q(?!Q)".replace(b"Q", quote))
        self._closing = _quoting(dialect.delimiter, dialect.quote, True).closing
        self._blank = _BLANK.replace(dialect.delimiter, b"")
        self._whole = whole_records(lines, dialect.width)
        self._undecided = (0, 0)

    def text(self, first: int, last: int) -> bytes:
        """Raw text of some lines without the last line end."""
        return self.chunk[int(self.lines.starts[first]) : int(self.lines.ends[last])]

    def read(self, line: int) -> Read | Refused | Blank:
        """Judge the record that starts on a line; raises NeedMore when the chunk ends too early to tell."""
        data = self.text(line, line)
        if not data.strip(self._blank):
            return Blank()
        if self.lines.damaged[line]:
            return self._refuse(line, damage(data), data)
        split = split_record(data, self.dialect)
        if split.open_at is None and len(split.fields) == self.dialect.width:
            return self._accept(line, split.fields)
        if not split.stray:
            if split.open_at is None:
                return self._fit(line, data, split.fields)
            return self._over_lines(line, data, split)
        for other in (
            split_record(data, self.dialect, blanks=False),
            split_record(data, self.dialect, quotes_end_anywhere=True),
        ):
            if other.open_at is None and len(other.fields) == self.dialect.width:
                return self._accept(line, other.fields)
        if split.open_at is None:
            return self._refuse(line, self._count(len(split.fields)), data, split.fields)
        result = self._over_lines(line, data, split)
        if isinstance(result, Refused) and result.last == line and other.open_at is None:
            return self._refuse(line, self._count(len(other.fields)), data, other.fields)
        return result

    def _fit(self, line: int, data: bytes, fields: list[bytes]) -> Read | Refused:
        """Pad a short record or drop blank surplus fields, where allowed."""
        width = self.dialect.width
        if self.least <= len(fields) < width:
            return self._accept(line, fields, lacking=width - len(fields))
        if len(fields) > width and not b"".join(fields[width:]).strip():
            return self._accept(line, fields[:width])
        return self._refuse(line, self._count(len(fields)), data, fields)

    def _over_lines(self, line: int, data: bytes, split: Split) -> Read | Refused:
        """Look for the line on which an open quoted field closes so that the record has every field."""
        open_field, fields, open_at = len(split.fields) + 1, split.fields, split.open_at
        last, text, stray = line, data, split.stray
        closes = False
        while open_at is not None and len(fields) < self.dialect.width:
            last = self._next_decided(last + 1, line)
            if last < 0:
                break
            text = self.text(line, last)
            start = int(self.lines.starts[last] - self.lines.starts[line])
            found = self._first_quote.match(text, start)
            if found is None or not self._closing.match(text, found.end()):
                break
            closes = True
            more = split_record(text, self.dialect, start=open_at, fields=fields)
            fields, open_at, stray = more.fields, more.open_at, stray or more.stray
        else:
            complete = open_at is None and len(fields) == self.dialect.width
            if complete and not self._hides_records(line, last, stray):
                if self.lines.damaged[line : last + 1].any():
                    return Refused(last, damage(text), fields)
                return self._accept(last, fields)
        reason = f"a quote opened in field {open_field} is never closed"
        if closes:
            reason += f" in a way that gives the header's {self.dialect.width} fields"
        return self._refuse(line, reason, data)

    def _hides_records(self, first: int, last: int, stray: bool) -> bool:
        """Whether joining these lines would make a line that is a record by itself part of a field.

        Without `stray` quotes few columns are no reason for doubt, as in well-formed records.
        """
        guarded = self.dialect.width >= MIN_COLUMNS_TO_GUARD
        if not stray and not guarded:
            return False
        ends = self.lines.record_end[first + 1 : last + 1]
        if self._whole[first + 1 : last + 1].any() or ((ends >= 0) & (ends <= last)).any():
            return True
        separators = self.lines.delimiters[[first, last]]
        return guarded and bool((separators == self.dialect.width - 1).all())

    def _next_decided(self, line: int, first: int) -> int:
        """First line from `line` on with a quote that can close a field, or -1 within the limits."""
        lines = self.lines
        low, high = self._undecided
        here = high if low <= line < high else line
        while here < len(lines):
            if self._too_far(first, here):
                break
            if self._first_quote.match(self.chunk, int(lines.starts[here]), int(lines.ends[here])):
                break
            here += 1
        self._undecided = (low if low <= line <= high else line, here)
        if here < len(lines):
            return -1 if self._too_far(first, here) else here
        if self.at_end or here - first >= MAX_RECORD_LINES or self._too_far(first, here - 1):
            return -1
        raise NeedMore

    def _too_far(self, first: int, line: int) -> bool:
        lines = self.lines
        return line - first >= MAX_RECORD_LINES or lines.nexts[line] - lines.starts[first] > MAX_RECORD_BYTES

    def _accept(self, last: int, fields: list[bytes], *, lacking: int = 0) -> Read | Refused:
        sizes = list(map(len, fields))
        largest = max(sizes)
        if largest > MAX_FIELD_BYTES:
            return Refused(last, f"field {sizes.index(largest) + 1} is larger than 1 MB", fields)
        return Read(last, [*fields, *[None] * lacking])

    def _count(self, count: int) -> str:
        fields = "1 field" if count == 1 else f"{count} fields"
        return f"has {fields}, the header has {self.dialect.width}"

    def _refuse(self, line: int, reason: str, data: bytes, fields: list[bytes] | None = None) -> Refused:
        if fields is None:
            split = split_record(data, self.dialect, quotes_end_anywhere=True)
            fields = split.fields if split.open_at is None else data.split(self.dialect.delimiter)
        return Refused(line, reason, fields)


def damage(data: bytes) -> str:
    """Reason for a record with bytes that text cannot have."""
    if b"\0" in data:
        return "holds a NUL byte"
    try:
        data.decode("utf-8")
    except UnicodeDecodeError as error:
        byte, position = data[error.start], error.start + 1
        return f"holds bytes that are not UTF-8 text (byte 0x{byte:02X} at position {position})"
    return "is damaged"


def shown(data: bytes) -> str:
    """Text of raw bytes; those that are not UTF-8 as backslash escapes."""
    return data.decode("utf-8", "replace" if is_utf8(data) else "backslashreplace")
