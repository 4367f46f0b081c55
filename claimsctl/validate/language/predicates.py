"""Conditions on one text column, kept apart so that they are decided once per distinct value.

A claims file repeats few codes many times: `procedure_code in (...)` costs a look at every row as text,
but next to nothing on the few hundred codes that occur. Where a column came coded (facts/coded.py), each
predicate is decided once per run on its distinct values, and the answers are spread over the rows; what
is left of a rule is logic on booleans.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, MutableMapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING

import polars as pl

from claimsctl.claim import COLUMNS
from claimsctl.facts.coded import FEW_ROWS, Coded, Coding
from claimsctl.facts.typed import TEXT_SUFFIX
from claimsctl.validate.language.ast import Call, IsNull, Name, Node, Not, Pattern, Truth, children
from claimsctl.validate.language.groups import OVER_LINES
from claimsctl.validate.language.render import render
from claimsctl.validate.language.types import LangType, Names

if TYPE_CHECKING:
    from claimsctl.validate.language.compiler import Compiler
    from claimsctl.validate.language.values import Value

_FEW_PREDICATES = 1
_SAMPLE = 2_000
_DISTINCT_SHARE = 0.5
_MOST_KNOWN = 2_000
_IDENTIFIERS = frozenset(column.name for column in COLUMNS if column.phi == "identifier")


@dataclass(frozen=True)
class Predicate:
    """A condition that reads the one text column `column`; equal when `name` is.

    With an empty `column` it is any value that several rules share (the row of a table that a code and a
    date lead to): computed once per part, on the rows.
    """

    name: str
    column: str = field(compare=False)
    expr: pl.Expr = field(compare=False, repr=False)
    known: dict[str | None, bool | None] = field(default_factory=dict, compare=False, repr=False)
    """What it is of a blank cell (null) and of some values, once that is known."""


def reads_one_text(node: Node, names: Names) -> bool:
    """Whether a condition names one text column only; cheap, before anything is compiled."""
    found: str | None = None
    parts = [node]
    while parts:
        part = parts.pop()
        if isinstance(part, Name):
            if found is not None and found != part.name:
                return False
            found = part.name
        elif isinstance(part, Pattern) or (isinstance(part, Call) and part.function in _SEVERAL_COLUMNS):
            return False
        else:
            parts += children(part)
    return found is not None and (found.endswith(":text") or _has_text(found, names))


_SEVERAL_COLUMNS = OVER_LINES | {"has_modifier"}


def _has_text(name: str, names: Names) -> bool:
    # text(column) and unreadable(column) read the text of a column of any type
    return names.types.get(name) is LangType.TEXT or name in names.columns


@dataclass(frozen=True)
class Decision:
    """What a condition that names one text column came to: a predicate, or None, and what it read."""

    predicate: Predicate | None
    columns: frozenset[str]
    tables: frozenset[str]


Met = dict[tuple[str, bool, frozenset[str]], Decision]
"""Decisions by text, whether it stands inside an aggregate, and the tables that may be missing."""


def text_of(compiler: Compiler, node: Node) -> str | None:
    """The text of a condition that names one text column only, else None; looked for once per node."""
    found = compiler.texts.get(id(node))
    if found is None:
        text = render(node) if reads_one_text(node, compiler.names) else None
        found = compiler.texts[id(node)] = node, text
    return found[1]


def decided(compiler: Compiler, node: Node, text: str) -> Decision:
    """What a condition with this text comes to, compiled once for all rules that have it."""
    key = text, compiler.inside_aggregate, compiler.optional
    if key in compiler.met:
        return compiler.met[key]
    probe = replace(compiler, columns=set(), tables_used=set(), missing=set(), aggregates={}, predicates=None)
    whole = probe.boolean(node)
    predicate = None if probe.aggregates else _predicate_of(compiler, node, whole, probe.columns, text)
    decision = Decision(predicate, frozenset(probe.columns), frozenset(probe.tables_used))
    if probe.missing:  # every rule that has it shall be told
        compiler.missing |= probe.missing
    else:
        compiler.met[key] = decision
    return decision


def column_of(compiler: Compiler, node: Node) -> str | None:
    """The boolean column that says what a condition is, that of a predicate of the whole expression or of a
    fact; None without one."""
    if isinstance(node, Name):
        return node.name if compiler.names.types.get(node.name) is LangType.BOOLEAN else None
    text = text_of(compiler, node)
    predicate = None if text is None else decided(compiler, node, text).predicate
    return predicate.name if predicate is not None and predicate.name in (compiler.predicates or {}) else None


def _predicate_of(
    compiler: Compiler, node: Node, value: Value, columns: set[str], text: str
) -> Predicate | None:
    """None where it reads other than one text column.

    Null tests stay where they are: they are cheap as they stand.
    """
    if len(columns) != 1 or isinstance(node, Truth | Name | IsNull):
        return None
    if isinstance(node, Not) and isinstance(node.operand, IsNull | Name):
        return None
    (column,) = columns
    if ":" not in column and compiler.names.types.get(column) is not LangType.TEXT:
        return None
    return named_predicate(column, value.expr, text)


def named_predicate(column: str, expr: pl.Expr, text: str) -> Predicate:
    """A predicate named by its text, so that equal conditions of several rules are one."""
    name = "is_" + hashlib.blake2b(text.encode(), digest_size=8).hexdigest()
    return Predicate(name, column, expr)


CodedColumns = Callable[[str], Coded | None]
"""The codes of a text column of the frame, where the part came with codes."""


def with_predicates(
    frame: pl.DataFrame,
    predicates: Iterable[Predicate],
    coded: CodedColumns = lambda _name: None,
    codings: MutableMapping[str, Coding] | None = None,
) -> pl.DataFrame:
    """The frame with one boolean column per predicate; those that it has are not computed again.

    `codings` are kept by the caller from part to part: here columns that come without codes get theirs.
    """
    codings = {} if codings is None else codings
    there = set(frame.columns)
    by_column: dict[str, list[Predicate]] = {}
    for predicate in sorted((p for p in set(predicates) if p.name not in there), key=lambda p: p.name):
        by_column.setdefault(predicate.column, []).append(predicate)
    directly: list[pl.Expr] = []
    spread, blank = _Spread(), list[Predicate]()
    small = frame.height < FEW_ROWS  # planning costs more than looking at the cells
    for column, members in by_column.items():
        if column and small and frame[column].null_count() == frame.height:
            blank += members
            continue
        found = (coded(column) or _coded_here(frame[column], members, codings)) if column else None
        if found is None:
            directly += [p.expr.alias(p.name) for p in members]
            continue
        key = ("answers", column, tuple(p.name for p in members))
        answers = found.coding.table(key, found.texts, partial(_decide, found, column, members))
        directly += answers.constant
        spread.add(answers, column, found)
    frame = frame.with_columns(spread.columns()).hstack(_of_blanks(blank, frame.height))
    if directly:
        frame = (
            frame.with_columns(directly)
            if small
            else frame.lazy().with_columns(directly).collect(engine="in-memory")
        )
    return frame


def _of_blanks(predicates: list[Predicate], rows: int) -> list[pl.Series]:
    """The answers on columns without any value; most columns of a small input are like that."""
    answers = {
        answer: pl.repeat(answer, rows, dtype=pl.Boolean, eager=True) for answer in (True, False, None)
    }
    return [
        answers[answer].alias(p.name) for p, answer in zip(predicates, _at_blank(predicates), strict=True)
    ]


def _at_blank(predicates: Sequence[Predicate]) -> list[bool | None]:
    """What each predicate is of a blank cell."""
    blank = pl.DataFrame(schema=dict.fromkeys((p.column for p in predicates), pl.String)).clear(1)
    said = answers_by_row(blank, predicates)
    return [said[p.name][0] for p in predicates]


def answers_by_row(frame: pl.DataFrame, predicates: Sequence[Predicate]) -> dict[str, list[bool | None]]:
    """What predicates that read a column are on each row of a small frame, by name.

    Cells are asked about once: of claim after claim the same codes, payers and places come again. Those
    that identify a person are not remembered.
    """
    cells = {column: frame[column].to_list() for column in {p.column for p in predicates}}
    values = {column: set(found) for column, found in cells.items()}
    new = [p for p in predicates if not p.known.keys() >= values[p.column]]
    asked = frame.with_columns(p.expr.alias(p.name) for p in new)  # some are one answer for all rows
    fresh = {p.name: asked[p.name].to_list() for p in new}
    for predicate in new:
        personal = predicate.column.removesuffix(TEXT_SUFFIX) in _IDENTIFIERS
        if len(predicate.known) < _MOST_KNOWN:
            for cell, answer in zip(cells[predicate.column], fresh[predicate.name], strict=True):
                if cell is None or not personal:
                    predicate.known[cell] = answer
    return {p.name: fresh.get(p.name) or list(map(p.known.__getitem__, cells[p.column])) for p in predicates}


@dataclass(frozen=True)
class _Answers:
    """Predicates decided per distinct value: `constant` have one answer for all; each of `packs` brings up
    to 62 answers as bits of one number to the rows, since spreading a number over them is cheaper than
    spreading 62 booleans, or one that is unknown for some values; `bits` are the predicates, from the packs.
    """

    constant: list[pl.Expr] = field(default_factory=list)
    packs: list[pl.Expr] = field(default_factory=list)
    bits: list[pl.Expr] = field(default_factory=list)

    def add(self, column: str, values: pl.Series) -> pl.Expr:
        """Bring one of `values` to every row, the first where the column is null, the second for code 0."""
        name = f"pack:{column}:{len(self.packs)}"
        place = (pl.col(_code(column)) + 1).fill_null(0)
        self.packs.append(pl.lit(values).gather(place).alias(name))
        return pl.col(name)


_BITS = 62
_NUMBERS = {8: pl.UInt8(), 16: pl.UInt16(), 32: pl.UInt32(), _BITS: pl.Int64()}
"""Numbers that hold so many answers: small ones are spread and tested faster."""


def _code(column: str) -> str:
    return f"code:{column}"


def _decide(coded: Coded, column: str, members: list[Predicate]) -> _Answers:
    values = pl.concat([pl.Series(column, [None], dtype=pl.String), coded.texts.alias(column)])

    def decide(new: pl.Series) -> pl.DataFrame:
        return new.to_frame().with_columns(p.expr.alias(p.name) for p in members).drop(column)

    key = ("decided", column, tuple(p.name for p in members))
    decided = coded.coding.answers(key, values, decide)
    same = decided.select(pl.all().eq_missing(pl.all().first()).all()).row(0)
    answers, single = _Answers(), list[pl.Series]()
    flags: dict[bool, list[pl.Series]] = {True: [], False: []}
    for answer, constant in zip(decided.get_columns(), same, strict=True):
        unknown = answer.null_count()
        if constant:
            answers.constant.append(pl.lit(answer[0], pl.Boolean).alias(answer.name))
        elif unknown == 0 or (unknown == 1 and answer[0] is None):
            flags[unknown == 1].append(answer)
        else:
            single.append(answer)
    for nullable, found in flags.items():
        for start in range(0, len(found), _BITS):
            some = found[start : start + _BITS]
            packed = _packed(some, nullable=nullable)
            number = answers.add(column, packed)
            for bit, answer in enumerate(some):
                mask = pl.lit(1 << bit, packed.dtype)
                answers.bits.append(((number & mask) != 0).alias(answer.name))
    answers.bits.extend(answers.add(column, answer).alias(answer.name) for answer in single)
    return answers


def _packed(answers: list[pl.Series], *, nullable: bool) -> pl.Series:
    total = pl.sum_horizontal(
        pl.col(a.name).fill_null(False).cast(pl.Int64) * (1 << bit) for bit, a in enumerate(answers)
    )
    kind = next(kind for bits, kind in _NUMBERS.items() if len(answers) <= bits)
    numbers = pl.DataFrame(answers).select(total.cast(kind).alias("pack")).to_series()
    return numbers.scatter([0], None) if nullable else numbers


@dataclass
class _Spread:
    """Answers of several columns, spread over the rows in one query."""

    codes: list[pl.Series] = field(default_factory=list)
    packs: list[pl.Expr] = field(default_factory=list)
    bits: list[pl.Expr] = field(default_factory=list)

    def add(self, answers: _Answers, column: str, coded: Coded) -> None:
        if answers.packs:
            self.codes.append(coded.codes.to_physical().alias(_code(column)))
            self.packs += answers.packs
            self.bits += answers.bits

    def columns(self) -> list[pl.Series]:
        if not self.packs:
            return []
        return (
            pl.DataFrame(self.codes)
            .lazy()
            .select(self.packs)
            .select(self.bits)
            .collect(engine="in-memory")
            .get_columns()
        )


def _coded_here(
    values: pl.Series, members: list[Predicate], codings: MutableMapping[str, Coding]
) -> Coded | None:
    """A column that came without codes (a fact), coded where that pays: with those of the parts before, or
    for this part alone where every part brings many new values."""
    if len(values) < FEW_ROWS or len(members) <= _FEW_PREDICATES:
        return None
    if values.head(_SAMPLE).n_unique() > _SAMPLE * _DISTINCT_SHARE:
        return None
    coding = codings.setdefault(values.name, Coding())
    if coding.too_many:
        coding = Coding()
    codes = coding.encode(values)
    return Coded(values.name, codes, coding.values, coding)
