"""Text columns as codes: every distinct value of a column once, and per row a number that stands for it.

A claims file repeats few values many times: a column of a million cells has a few hundred codes, payers
or dates. Coded once, when it is read, a column is cleaned, typed, hashed and asked conditions on its
distinct values only, once per run, and spread over the rows by number. Columns whose values hardly
repeat (claim numbers, notes) stay as text; both kinds stand side by side in a raw part, and say the same.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from threading import RLock
from typing import Any, Final, TypeVar

import polars as pl

Made = TypeVar("Made")

FEW_ROWS: Final = 2_000
"""Parts with fewer rows stay as text: telling the values apart costs more than it saves."""
_SHARE: Final = 0.1
_MOST_VALUES: Final = 50_000


class Coding:
    """The distinct values of one raw column over the parts of an input, and what was derived from them."""

    def __init__(self) -> None:
        self._categories = pl.Categories.random()
        # Polars forgets categories that no series uses.
        self._anchor = pl.Series([], dtype=pl.Categorical(self._categories))
        self._lock = RLock()
        self._values = pl.Series([], dtype=pl.String)
        self._derived: dict[Hashable, pl.Series] = {}
        self._tables: dict[Hashable, tuple[int, Any]] = {}  # by key, each of the type its caller makes
        self._answers: dict[Hashable, pl.DataFrame] = {}
        self._rows = 0

    @property
    def dtype(self) -> pl.DataType:
        """Type of coded series of this column."""
        return self._anchor.dtype

    def encode(self, cells: pl.Series) -> pl.Series:
        """Text cells as codes; null stays null."""
        codes = cells.cast(self.dtype)
        top = codes.to_physical().max()
        self.seen(len(cells), None if top is None else int(str(top)))
        return codes

    def seen(self, rows: int, top: int | None) -> None:
        """Take note of coded rows, whose highest code is `top`."""
        with self._lock:
            self._rows += rows
            if top is not None and top >= len(self._values):
                # Not `to_series` of the categories: that takes them one by one, all of them every time.
                codes = pl.int_range(len(self._values), top + 1, dtype=pl.UInt32, eager=True)
                new = codes.cat.to(self.dtype).cast(pl.String)
                self._values = pl.concat([self._values, new], rechunk=True).alias("value")

    @property
    def too_many(self) -> bool:
        """Whether the values repeat too seldom to be worth it."""
        count = len(self._values)
        return (count > FEW_ROWS // 4 and count > _SHARE * self._rows) or count > _MOST_VALUES

    @property
    def values(self) -> pl.Series:
        """The distinct values so far; a code is the position of its value."""
        return self._values

    def derived(self, key: Hashable, compute: Callable[[pl.Series], pl.Series]) -> pl.Series:
        """`compute` of the distinct values, each computed once; `compute` looks at one value at a time."""
        with self._lock:
            found = self._derived.get(key)
            if found is None:
                found = compute(self._values)
            elif len(found) < len(self._values):
                found = pl.concat([found, compute(self._values.slice(len(found)))])
            self._derived[key] = found
            return found

    def answers(
        self, key: Hashable, values: pl.Series, compute: Callable[[pl.Series], pl.DataFrame]
    ) -> pl.DataFrame:
        """A row of `compute` for each of `values`, each computed once. At every call with a key these begin
        with those of the calls before; `compute` looks at one value at a time. There may be more rows."""
        with self._lock:
            found = self._answers.get(key)
            known = 0 if found is None else found.height
            if found is None or known < len(values):
                new = compute(values.slice(known))
                found = new if found is None else pl.concat([found, new], rechunk=True)
                self._answers[key] = found
            return found

    def table(self, key: Hashable, values: pl.Series, compute: Callable[[], Made]) -> Made:
        """What `compute` makes of `values`, the distinct values at some time or what was derived from them;
        made anew for more of them than before. Other parts may bring further values meanwhile."""
        with self._lock:
            count, kept = self._tables.get(key, (-1, None))
            if count >= len(values):
                known: Made = kept
                return known
            made = compute()
            self._tables[key] = (len(values), made)
            return made


@dataclass
class Codebook:
    """The codings of an input, by raw column; a column that is not in it stays text."""

    codings: dict[str, Coding] = field(default_factory=dict)
    _text: set[str] = field(default_factory=set)

    def encode(self, rows: pl.DataFrame) -> pl.DataFrame:
        """A raw part with its repetitive text columns coded."""
        if rows.height < FEW_ROWS:
            return rows
        names = [n for n, kind in rows.schema.items() if kind == pl.String and n not in self._text]
        codings = [self.codings.setdefault(name, Coding()) for name in names]
        coded = rows.select(pl.col(n).cast(c.dtype) for n, c in zip(names, codings, strict=True))
        tops = coded.select(pl.all().to_physical().max()).row(0) if names else ()
        for name, coding, top in zip(names, codings, tops, strict=True):
            coding.seen(rows.height, top)
            if coding.too_many:
                self._text.add(name)
        return rows.with_columns(coded.drop(self._text, strict=False).get_columns())


@dataclass(frozen=True)
class Coded:
    """A text column of one part as codes: `texts` has a text per code, `codes` one code per row or null."""

    name: str
    codes: pl.Series
    texts: pl.Series
    coding: Coding


def spread(values: pl.Series, column: str) -> pl.Expr:
    """One value per row of the coded column from one per code; null where a row has no code."""
    return pl.lit(values).gather(pl.col(column).to_physical())


def is_coded(series: pl.Series) -> bool:
    """Whether a raw column is coded."""
    return isinstance(series.dtype, pl.Categorical)


def as_text(rows: pl.DataFrame) -> pl.DataFrame:
    """The frame with coded columns as text again."""
    coded = [name for name, kind in rows.schema.items() if isinstance(kind, pl.Categorical)]
    return rows.with_columns(pl.col(coded).cast(pl.String)) if coded else rows
