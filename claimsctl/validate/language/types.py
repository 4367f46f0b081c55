"""What the language knows: its types, the names and tables an expression may use, and where it stands."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from enum import Enum
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from claimsctl.errors import RuleError

if TYPE_CHECKING:
    import polars as pl


class LangType(Enum):
    """Type of a value; `INTEGER` and `DECIMAL` are one type, "number", to the writer of a rule.

    In frames: text String, integer Int64, decimal Decimal(18, 4) (facts may have another precision and
    scale), date Date, time Time, boolean Boolean. `NULL` is the bare null, `UNKNOWN` a value of a table
    that is not loaded, `DURATION` a literal such as `30 days`.
    """

    TEXT = "text"
    INTEGER = "whole number"
    DECIMAL = "decimal number"
    DATE = "date"
    TIME = "time"
    BOOLEAN = "boolean"
    DURATION = "duration"
    NULL = "null"
    UNKNOWN = "unknown"

    @property
    def is_number(self) -> bool:
        """True for whole and decimal numbers."""
        return self in (LangType.INTEGER, LangType.DECIMAL)

    @property
    def word(self) -> str:
        """The name users see: "number" for both kinds of number."""
        return "number" if self.is_number else self.value


FROM_COLUMN_TYPE: Mapping[str, LangType] = {
    "text": LangType.TEXT,
    "code": LangType.TEXT,
    "date": LangType.DATE,
    "time": LangType.TIME,
    "integer": LangType.INTEGER,
    "decimal": LangType.DECIMAL,
    "money": LangType.DECIMAL,
    "boolean": LangType.BOOLEAN,
}
"""The language type of a `claimsctl.claim.Column.type`, or of a fact."""


def text_column(name: str) -> str:
    """Column of the typed frame that holds the original stripped text of `name` (blank is null)."""
    return f"{name}:text"


@dataclass(frozen=True, slots=True)
class Where:
    """Where an expression stands, for messages: file, rule code, key of the rule, line of the rule."""

    file: str
    rule: str = ""
    key: str = "rule_expression"
    line: int | None = None

    def __str__(self) -> str:
        place = self.file if self.line is None else f"{self.file}, line {self.line}"
        return ", ".join(part for part in (place, self.rule, self.key) if part)


class ExpressionError(RuleError):
    """An expression cannot be used; `line` and `column` (from 1) are positions inside the expression.

    The message's first line says where, what and what to do; the source line and a caret follow.
    """

    def __init__(self, problem: str, *, text: str, pos: int, where: Where, hint: str | None = None) -> None:
        pos = min(max(pos, 0), len(text))
        self.problem = problem
        self.where = where
        self.line = text.count("\n", 0, pos) + 1
        start = text.rfind("\n", 0, pos) + 1
        self.column = pos - start + 1
        end = text.find("\n", pos)
        source = text[start : len(text) if end < 0 else end]
        place = f"column {self.column}" if "\n" not in text else f"line {self.line}, column {self.column}"
        marks = max(1, min(_token_length(text, pos), len(source) - self.column + 1))
        shown, offset = _window(source, self.column - 1)
        caret = " " * offset + "^" * max(1, min(marks, len(shown) - offset))
        advice = "" if hint is None else f"; {hint}"
        super().__init__(f"{where}, {place}: {problem}{advice}\n    {shown}\n    {caret}")
        self.hint = hint


_TOKEN = re.compile(r"'(?:[^']|'')*'|[A-Za-z0-9_]+(?:\.\d+)?|<=|>=|<>|!=|\.\.|.")


def _token_length(text: str, pos: int) -> int:
    found = _TOKEN.match(text, pos)
    return 1 if found is None else len(found.group().split("\n")[0])


def _window(source: str, offset: int, width: int = 100) -> tuple[str, int]:
    """The part of a long line around `offset`, control characters and tabs as spaces."""
    clean = "".join(c if c.isprintable() else " " for c in source)
    if len(clean) <= width:
        return clean, offset
    start = max(0, min(offset - width // 2, len(clean) - width))
    head, tail = ("…" if start else ""), ("…" if start + width < len(clean) else "")
    return head + clean[start : start + width] + tail, offset - start + len(head)


class MissingTable(RuleError):
    """An expression needs reference tables that are not loaded: the rule is to be reported as not run."""

    def __init__(self, tables: Iterable[str], *, where: Where) -> None:
        self.tables = tuple(sorted(set(tables)))
        self.table = self.tables[0]
        super().__init__(f"{where}: needs the reference table {', '.join(self.tables)}, which is not loaded")


def did_you_mean(name: str, known: Iterable[str]) -> str | None:
    """ "did you mean x?" for the nearest known names, None when nothing is near."""
    near = difflib.get_close_matches(name.lower(), sorted(known), n=2, cutoff=0.6)
    if len(near) == 2 and _likeness(name, near[0]) - _likeness(name, near[1]) > 0.05:
        near.pop()
    return f"did you mean {' or '.join(near)}?" if near else None


def _likeness(name: str, other: str) -> float:
    return difflib.SequenceMatcher(None, name.lower(), other).ratio()


def expand_pattern(pattern: str, names: Iterable[str]) -> tuple[str, ...]:
    """Names a pattern stands for, in their order; the star of `diagnosis_*` is a number, `*_npi` ends so."""
    return _expanded(pattern, tuple(names))


@lru_cache(maxsize=4096)
def _expanded(pattern: str, names: tuple[str, ...]) -> tuple[str, ...]:
    if pattern.endswith("_*"):
        matcher = re.compile(re.escape(pattern[:-1]) + r"[0-9]+")
    elif pattern.startswith("*_"):
        matcher = re.compile(r"[a-z0-9_]+" + re.escape(pattern[1:]))
    else:
        matcher = re.compile(re.escape(pattern))
    return tuple(name for name in names if matcher.fullmatch(name))


@dataclass(frozen=True)
class Names:
    """Columns and facts an expression may use, with their types.

    `rewritten` names text columns whose typed value may differ from the text in the file (upper-cased
    codes, aliases): `text()` reads `text_column(name)` for these and for every type but text. `columns`
    are the names that come from the file, so that `given`, `unreadable` and `text` accept them. `lists`
    are columns whose cells may hold several values, with the type of one. `stored` are the names known of
    lines of earlier runs, None for all.
    """

    types: Mapping[str, LangType]
    columns: frozenset[str]
    rewritten: frozenset[str] = frozenset()
    lists: Mapping[str, LangType] = field(default_factory=dict)
    stored: frozenset[str] | None = None
    _expanded: dict[str, tuple[str, ...]] = field(default_factory=dict, compare=False, repr=False)

    @classmethod
    def of(cls, columns: Mapping[str, str], facts: Mapping[str, str | LangType]) -> Names:
        """From canonical columns (name to `Column.type`: text, code, date, ...) and facts."""
        types = {name: FROM_COLUMN_TYPE[kind] for name, kind in columns.items()}
        known = {
            name: kind if isinstance(kind, LangType) else FROM_COLUMN_TYPE[kind]
            for name, kind in facts.items()
        }
        rewritten = frozenset(name for name, kind in columns.items() if kind == "code")
        return cls({**types, **known}, frozenset(columns), rewritten)

    @classmethod
    def claim(cls, facts: Mapping[str, str | LangType], stored: frozenset[str] | None = None) -> Names:
        """From the columns of `claimsctl.claim` and the given facts; `stored` as above."""
        from claimsctl.claim import COLUMNS

        names = cls.of({column.name: column.cell_type for column in COLUMNS}, facts)
        aliased = frozenset(column.name for column in COLUMNS if column.value_aliases)
        lists = {column.name: FROM_COLUMN_TYPE[column.type] for column in COLUMNS if column.is_list}
        return cls(names.types, names.columns, names.rewritten | aliased, lists, stored)

    def expand(self, pattern: str) -> tuple[str, ...]:
        """Names a pattern stands for, in the order of the columns: `diagnosis_*` is followed by a number."""
        if pattern not in self._expanded:
            self._expanded[pattern] = expand_pattern(pattern, self.types)
        return self._expanded[pattern]

    def patterns(self) -> tuple[str, ...]:
        """Numbered patterns that exist, and `*_npi`; for messages and documentation."""
        stems = dict.fromkeys(re.sub(r"\d+$", "*", name) for name in self.types if re.search(r"_\d+$", name))
        return (*stems, "*_npi") if self.expand("*_npi") else tuple(stems)


@dataclass(frozen=True)
class TableInfo:
    """A reference table as the language sees it: aligned series, one element per row.

    `codes` is the key; a code may stand in several rows when `valid_from`/`valid_to` (dates, null means
    open, both ends included) tell them apart. `starts`: before it the table knows nothing, which is not
    the same as not knowing a code; nor does it in `gaps` between editions (first and last day). `ends`:
    the last day its newest edition is published for.
    """

    name: str
    codes: pl.Series
    columns: Mapping[str, tuple[LangType, pl.Series]] = field(default_factory=dict)
    valid_from: pl.Series | None = None
    valid_to: pl.Series | None = None
    starts: date | None = None
    ends: date | None = None
    gaps: tuple[tuple[date, date], ...] = ()
    beginnings: frozenset[str] = frozenset()
    """Columns whose cells are codes or the beginning of codes: `E11` stands for every code below it."""
    prepared: dict[Any, Any] = field(default_factory=dict, compare=False, repr=False)
    """What compiled look-ups share: made once, not once per rule."""

    @property
    def key(self) -> str:
        """Name of the key column."""
        return self.codes.name

    def names(self) -> tuple[str, ...]:
        """Its columns, the key first, without validity dates."""
        return (self.key, *self.columns)

    def says(self, name: str) -> bool:
        """Whether a column has a filled cell at all."""
        cells = self.column(name)[1]
        return cells.null_count() < len(cells)

    def column(self, name: str) -> tuple[LangType, pl.Series]:
        """Type and values of a column, the key included."""
        if name in self.columns:
            return self.columns[name]
        return (LangType.INTEGER if self.codes.dtype.is_integer() else LangType.TEXT), self.codes
