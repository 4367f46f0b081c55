"""Spans of lines that share a group: how many overlap, and how many run at once.

Everything is counted by sorted positions, so a group of any size costs n log n, and no pair of lines is
ever written down.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

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
    ordered = (lines[A] <= lines[B]) if closed else (lines[A] < lines[B])
    asked = lines[GROUP].is_not_null().to_numpy() & ordered.fill_null(False).to_numpy()
    counts = lines[COUNTS].fill_null(False).to_numpy()[asked]
    answers = np.zeros(lines.height, np.int64)
    ends = pl.col(A, B).to_physical()
    if lines.schema[A] != lines.schema[B]:  # whole numbers may have several widths
        ends = ends.cast(pl.Int64)
    lines = lines.filter(asked).select(GROUP, ends)
    if len(counts):
        lined = _Lined.of(lines, counts)
        del lines, counts  # a run has millions of them
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
        values = pl.concat([frame[name].unique().rename("value") for name in (A, B)]).unique().sort()
        ranks = values.to_numpy()
        group = frame[GROUP].rank("dense").to_numpy()

        def place(name: str) -> _Ints:
            placed = group.astype(np.int64)
            placed *= len(ranks) + 1
            placed += np.searchsorted(ranks, frame[name].to_numpy())
            return placed

        places = {name: place(name) for name in (A, B)}
        return _Lined({name: at[counts] for name, at in places.items()}, places)


def _overlapping(lined: _Lined, closed: bool) -> _Ints:
    # Every group has as many starts as ends, so those of earlier groups cancel.
    begun = _before(np.sort(lined.counted[A]), lined.asking[B], "right" if closed else "left")
    begun -= _before(np.sort(lined.counted[B]), lined.asking[A], "left" if closed else "right")
    return begun


def _before(places: _Ints, asked: _Ints, side: Literal["left", "right"]) -> _Ints:
    """How many of the sorted places come before each one asked for. Asked in their order: one look after the
    other at places far apart takes many times as long."""
    order = pl.Series(asked).arg_sort().to_numpy()
    found = np.empty(len(asked), np.int64)
    found[order] = np.searchsorted(places, asked[order], side)
    return found


def _at_once(lined: _Lined, closed: bool) -> _Ints:
    starts, ends = np.sort(lined.counted[A]), np.sort(lined.counted[B])

    def running(at: _Ints) -> _Ints:
        return _before(starts, at, "right") - _before(ends, at, "left" if closed else "right")

    first = _before(starts, lined.asking[A], "left")
    last = _before(starts, lined.asking[B], "right" if closed else "left")
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
