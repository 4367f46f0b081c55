"""A vectorised look at raw CSV bytes: where lines and quotes are, and which lines need care.

Everything is judged per physical line and per group of lines, never for the file as a whole, so that one
stray quote cannot change how the lines after it are read. Quote state is computed on bit masks, 64 bytes
at a time, which costs a fraction of reading the cells.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from claimsctl.ingest.stream import is_utf8

Bools = NDArray[np.bool_]
Ints = NDArray[np.int64]
Words = NDArray[np.uint64]

LF, CR = 10, 13

# How far a quoted field may run over line ends.
MAX_RECORD_LINES = 1000
MAX_RECORD_BYTES = 1 << 20

# From this many columns on, a line inside a quoted field that is a complete record by itself is taken
# for a record: two damaged lines must not swallow the good ones between them.
MIN_COLUMNS_TO_GUARD = 6

_DECODE_BLOCK = 1 << 20


@dataclass(frozen=True, slots=True)
class Dialect:
    """How one delimited file is written; single bytes, `line_end` is b"\\n" (also for CRLF) or b"\\r"."""

    delimiter: bytes
    quote: bytes
    line_end: bytes
    width: int


@dataclass(frozen=True, slots=True)
class Lines:
    """The physical lines of a chunk that begins with a record; all arrays have one entry per line."""

    starts: Ints
    ends: Ints  # after the content, before its line end
    nexts: Ints  # after the line end
    delimiters: Ints  # all of them, quoted or not
    fields: Ints  # when the line is a record of its own
    odd: Bools  # an odd number of quotes: a quoted field goes on after the line, or came from before
    irregular: Bools  # as a record of its own, a quote stands where RFC 4180 has none
    usual_end: Bools  # ends the way the file's lines end
    damaged: Bools  # NUL or bytes that are not UTF-8
    record_end: Ints  # last line of the well-formed record over several lines that starts here, else -1

    def __len__(self) -> int:
        return len(self.starts)


def look(chunk: bytes, dialect: Dialect) -> Lines:
    """Describe the lines of a chunk; it must end with a line end and be valid from a record's start."""
    data = np.frombuffer(chunk, np.uint8)
    carriages = data == CR if b"\r" in chunk else None
    is_end, usual_end, last, ends = _line_ends(data == LF, carriages, dialect)
    nexts = last + 1
    starts = np.empty_like(nexts)
    starts[0] = 0
    starts[1:] = nexts[:-1]
    is_delimiter = data == dialect.delimiter[0]
    delimiters = _count_per_line(is_delimiter, starts)
    damaged = _damaged_lines(chunk, starts, nexts)
    if dialect.quote not in chunk:
        nothing = np.zeros(len(starts), np.bool_)
        return Lines(
            starts, ends, nexts, delimiters, delimiters + 1, nothing, nothing, usual_end, damaged,
            np.full(len(starts), -1, np.int64),
        )  # fmt: skip
    marks = _Marks(data == dialect.quote[0], is_delimiter, is_end, carriages)
    quotes = _Quotes(marks, starts, nexts, delimiters)
    outside = quotes.delimiters_outside
    outside = np.where(quotes.starts_inside, delimiters - outside, outside)
    irregular = np.where(quotes.starts_inside, quotes.irregular_flipped, quotes.irregular)
    lines = Lines(
        starts, ends, nexts, delimiters, outside + 1, quotes.odd, irregular, usual_end, damaged,
        np.full(len(starts), -1, np.int64),
    )  # fmt: skip
    _find_records_over_lines(lines, quotes, dialect)
    return lines


def whole_records(lines: Lines, width: int) -> Bools:
    """Lines that are complete, well-formed records when nothing else is known."""
    whole: Bools = ~(lines.odd | lines.irregular) & (lines.fields == width)
    return whole


def _line_ends(newlines: Bools, carriages: Bools | None, dialect: Dialect) -> tuple[Bools, Bools, Ints, Ints]:
    """Mask of the lines' last bytes and, per line: ends as usual for the file, last byte, end of content."""
    wants_newline = dialect.line_end == b"\n"
    if carriages is None:
        last = np.flatnonzero(newlines)
        return newlines, np.full(len(last), wants_newline), last, last
    before_newline = np.zeros(len(newlines), np.bool_)
    np.logical_and(carriages[:-1], newlines[1:], out=before_newline[:-1])
    is_end = newlines | (carriages & ~before_newline)
    last = np.flatnonzero(is_end)
    after_carriage = np.zeros(len(last), np.bool_)
    after_carriage[last > 0] = before_newline[last[last > 0] - 1]
    return is_end, newlines[last] == wants_newline, last, last - after_carriage


def _count_per_line(mask: Bools, starts: Ints) -> Ints:
    """Number of set bytes in each line."""
    counts = np.add.reduceat(mask.view(np.uint8), starts, dtype=np.uint8)
    total = np.count_nonzero(mask)
    # Counting in bytes is many times faster, and exact unless a line holds more than 255.
    if int(counts.sum(dtype=np.int64)) != total:
        return np.add.reduceat(mask, starts, dtype=np.int64)
    return counts.astype(np.int64)


class _Marks(NamedTuple):
    """Where the bytes that matter stand in a chunk."""

    quotes: Bools
    delimiters: Bools
    line_ends: Bools
    carriages: Bools | None


class _Quotes:
    """Quote state of a chunk under the assumption that every quote in it is right; lines correct it later."""

    def __init__(self, marks: _Marks, starts: Ints, nexts: Ints, all_delimiters: Ints) -> None:
        quotes, delimiters = _pack(marks.quotes), _pack(marks.delimiters)
        inside = _prefix_xor(quotes)
        edges = quotes | delimiters | _pack(marks.line_ends)
        before_line_end = edges if marks.carriages is None else edges | _pack(marks.carriages)
        # The byte before an opening quote and the one after a closing quote must be an edge; for the
        # latter CR counts too, as the first half of CRLF.
        no_edge_before = quotes & ~_towards_end(edges, first=True)
        no_edge_after = quotes & ~_towards_start(before_line_end)
        opening, closing = quotes & inside, quotes & ~inside
        size = len(marks.quotes)
        ends_inside = _bits_at(inside, nexts - 1)
        self.starts_inside = np.zeros(len(starts), np.bool_)
        self.starts_inside[1:] = ends_inside[:-1]
        self.odd = self.starts_inside ^ ends_inside
        self.delimiters_outside = all_delimiters
        if (delimiters & inside).any():
            self.delimiters_outside = _count_per_line(_unpack(delimiters & ~inside, size), starts)
        self.irregular = _any_per_line((opening & no_edge_before) | (closing & no_edge_after), size, starts)
        self.irregular_flipped = self.irregular
        if self.starts_inside.any():
            self.irregular_flipped = _any_per_line(
                (closing & no_edge_before) | (opening & no_edge_after), size, starts
            )


def _pack(mask: Bools) -> Words:
    packed = np.packbits(mask, bitorder="little")
    padded = np.zeros(-(-len(packed) // 8) * 8, np.uint8)
    padded[: len(packed)] = packed
    return padded.view(np.uint64)


def _bits_at(words: Words, places: Ints) -> Bools:
    shifts = (places & 63).astype(np.uint64)
    bits: Bools = ((words[places >> 6] >> shifts) & np.uint64(1)).astype(np.bool_)
    return bits


def _unpack(words: Words, size: int) -> Bools:
    return np.unpackbits(words.view(np.uint8), count=size, bitorder="little").view(np.bool_)


def _prefix_xor(words: Words) -> Words:
    """Bit i of the result is the parity of bits 0..i."""
    parity = words.copy()
    for shift in (1, 2, 4, 8, 16, 32):
        parity ^= parity << np.uint64(shift)
    word_parity = (parity >> np.uint64(63)).astype(np.uint8)
    before = np.cumsum(word_parity[:-1], dtype=np.uint8) & 1
    parity[1:] ^= np.uint64(0) - before.astype(np.uint64)
    return parity


def _towards_end(words: Words, *, first: bool) -> Words:
    """Move every bit one place on; `first` fills the place that becomes free."""
    moved = words << np.uint64(1)
    moved[1:] |= words[:-1] >> np.uint64(63)
    moved[0] |= np.uint64(first)
    return moved


def _towards_start(words: Words) -> Words:
    moved = words >> np.uint64(1)
    moved[:-1] |= words[1:] << np.uint64(63)
    return moved


def _any_per_line(words: NDArray[Any], size: int, starts: Ints) -> Bools:
    if not words.any():
        return np.zeros(len(starts), np.bool_)
    return np.logical_or.reduceat(_unpack(words, size), starts)


def _damaged_lines(chunk: bytes, starts: Ints, nexts: Ints) -> Bools:
    damaged = np.zeros(len(starts), np.bool_)
    if b"\0" in chunk:
        zeros = np.flatnonzero(np.frombuffer(chunk, np.uint8) == 0)
        damaged[np.searchsorted(nexts, zeros, side="right")] = True
    if not chunk.isascii():
        line = 0
        while line < len(starts):
            stop = int(np.searchsorted(nexts, starts[line] + _DECODE_BLOCK, side="right"))
            stop = max(stop, line + 1)
            if not is_utf8(chunk[starts[line] : nexts[stop - 1]]):
                for i in range(line, stop):
                    damaged[i] |= not is_utf8(chunk[starts[i] : nexts[i]])
            line = stop
    return damaged


def _find_records_over_lines(lines: Lines, quotes: _Quotes, dialect: Dialect) -> None:
    """Fill `record_end`: a line with an odd quote count and the next such one, when they form a record."""
    odd = np.flatnonzero(lines.odd)
    first, last = odd[:-1], odd[1:]
    if not len(first):
        return
    flipped = quotes.starts_inside[first]
    outside = _between(quotes.delimiters_outside, first, last)
    outside = np.where(flipped, _between(lines.delimiters, first, last) - outside, outside)
    irregular = np.where(
        flipped, _between(quotes.irregular_flipped, first, last), _between(quotes.irregular, first, last)
    )
    valid = (
        (outside == dialect.width - 1)
        & (irregular == 0)
        & (last - first < MAX_RECORD_LINES)
        & (lines.nexts[last] - lines.starts[first] <= MAX_RECORD_BYTES)
        & lines.usual_end[last]
    )
    if dialect.width >= MIN_COLUMNS_TO_GUARD:
        unquoted = lines.delimiters == dialect.width - 1
        valid &= ~(unquoted[first] & unquoted[last])
        valid &= _between(whole_records(lines, dialect.width), first, last) == 0
    lines.record_end[first[valid]] = last[valid]


def _between(values: NDArray[np.bool_] | Ints, first: Ints, last: Ints) -> Ints:
    """Sum of `values` over each inclusive range of lines."""
    total = np.zeros(len(values) + 1, np.int64)
    np.cumsum(values, out=total[1:])
    return total[last + 1] - total[first]
