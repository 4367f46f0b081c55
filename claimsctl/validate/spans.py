"""Spans of lines that share a group: how many overlap, and how many run at once.

Everything is counted by sorted positions, so a group of any size costs n log n, and no pair of lines is
ever written down.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
import polars as pl

from claimsctl.validate.language.aggregates import SPAN_KINDS, AggregateKind

_Ints = npt.NDArray[np.int64]
_Mask = npt.NDArray[np.bool_]

GROUP: Final = "group"
COUNTS: Final = "counts"
A, B = "a", "b"


def span_column(kind: AggregateKind, lines: pl.DataFrame) -> pl.Series:
    """The answer for each of the lines (Int64, null where a value of the line is).

    `group` is null for lines of no group, `counts` true for lines that are counted. overlapping: counted
    lines whose span a..b meets the one of the line. at_once: the most that run at one moment of it. Spans of
    dates and numbers include both ends, spans of times end before their last moment. A span that ends before
    it starts is none.
    """
    assert kind in SPAN_KINDS
    closed = lines.schema[A] != pl.Time
    frame = lines.with_columns(pl.col(A, B).to_physical().cast(pl.Int64))
    ordered = (frame[A] <= frame[B]) if closed else (frame[A] < frame[B])
    asked = frame[GROUP].is_not_null().to_numpy() & ordered.fill_null(False).to_numpy()
    counts = frame[COUNTS].fill_null(False).to_numpy() & asked
    answers = np.zeros(frame.height, np.int64)
    if asked.any():
        lined = _Lined.of(frame.filter(asked), counts[asked])
        answers[asked] = (_overlapping if kind == "overlapping" else _at_once)(lined, closed)
    return pl.DataFrame({"answer": answers, "asked": asked}).select(
        pl.when("asked").then("answer").alias("answer")
    )["answer"]


@dataclass(frozen=True)
class _Lined:
    """Values as positions on one line, group after group: of lines that ask, and those of them that count."""

    counted: dict[str, _Ints]
    asking: dict[str, _Ints]

    @staticmethod
    def of(frame: pl.DataFrame, counts: _Mask) -> _Lined:
        """Lines that ask, which have a group and both values."""
        values = pl.concat([frame[A].rename("value"), frame[B].rename("value")]).unique().sort()
        ranks = values.to_numpy()
        group = frame[GROUP].rank("dense").to_numpy().astype(np.int64)

        def place(name: str) -> _Ints:
            rank = np.searchsorted(ranks, frame[name].to_numpy())
            placed: _Ints = group * (len(ranks) + 1) + rank
            return placed

        places = {name: place(name) for name in (A, B)}
        return _Lined({name: at[counts] for name, at in places.items()}, places)


def _overlapping(lined: _Lined, closed: bool) -> _Ints:
    starts, ends = np.sort(lined.counted[A]), np.sort(lined.counted[B])
    # Every group has as many starts as ends, so those of earlier groups cancel.
    begun = np.searchsorted(starts, lined.asking[B], "right" if closed else "left")
    over = np.searchsorted(ends, lined.asking[A], "left" if closed else "right")
    overlapping: _Ints = begun - over
    return overlapping


def _at_once(lined: _Lined, closed: bool) -> _Ints:
    starts, ends = np.sort(lined.counted[A]), np.sort(lined.counted[B])

    def running(at: _Ints) -> _Ints:
        over = np.searchsorted(ends, at, "left" if closed else "right")
        return np.searchsorted(starts, at, "right") - over

    first = np.searchsorted(starts, lined.asking[A], "left")
    last = np.searchsorted(starts, lined.asking[B], "right" if closed else "left")
    return np.maximum(running(lined.asking[A]), _greatest(running(starts), first, last))


def _greatest(values: _Ints, first: _Ints, last: _Ints) -> _Ints:
    """The greatest of values[first:last] for many ranges, 0 for an empty one: two blocks of a power of two
    cover any range."""
    found = np.zeros(len(first), np.int64)
    length, block = last - first, values
    for power in range(max(int(length.max(initial=0)), 1).bit_length()):
        size = 1 << power
        here = (length >= size) & (length < 2 * size)
        found[here] = np.maximum(block[first[here]], block[last[here] - size])
        if len(block) <= size:
            break
        block = np.maximum(block[:-size], block[size:])
    return found
