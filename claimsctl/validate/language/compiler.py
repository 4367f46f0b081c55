"""A parsed expression to a Polars expression, with every type checked first.

Null follows SQL: `and`, `or`, `not` are Kleene logic, a comparison with null is null.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from functools import partial

import polars as pl

from claimsctl.validate.language import (
    aggregates,
    columns,
    comparisons,
    identifiers,
    partners,
    parts,
    scalar,
    tables,
    windows,
)
from claimsctl.validate.language.aggregates import Aggregate
from claimsctl.validate.language.arguments import argument_of, check_literal, counted
from claimsctl.validate.language.ast import (
    And,
    Arithmetic,
    Between,
    Call,
    Case,
    Comparison,
    Date,
    Duration,
    In,
    IsNull,
    IsTruth,
    Like,
    Minus,
    Name,
    Node,
    Not,
    Null,
    Number,
    Or,
    Pattern,
    Range,
    Several,
    Text,
    Time,
    Truth,
)
from claimsctl.validate.language.functions import FUNCTIONS
from claimsctl.validate.language.groups import OVER_LINES, SOURCES
from claimsctl.validate.language.needs import NOTHING, Forms, Needs, needs
from claimsctl.validate.language.parser import Expr
from claimsctl.validate.language.places import replace_name, stand_in
from claimsctl.validate.language.predicates import (
    Met,
    Predicate,
    column_of,
    decided,
    named_predicate,
    text_of,
)
from claimsctl.validate.language.types import (
    ExpressionError,
    LangType,
    MissingTable,
    Names,
    TableInfo,
)
from claimsctl.validate.language.unknown import unknown_function, unknown_name
from claimsctl.validate.language.values import (
    COLUMN_DIGITS,
    WHOLE_DIGITS,
    Value,
    dtype_of,
    every,
    number_literal,
    some,
    widest,
)

__all__ = ["Compiled", "Compiler", "MissingTable", "compile_expression"]


@dataclass(frozen=True)
class Compiled:
    """What a rule needs from the engine.

    `expr` reads `columns`, one column per aggregate, named `Aggregate.name`, and one per predicate.
    `columns` leaves out what only the aggregates read. Predicates are made on request, and with them
    what a condition needs `if_true`, and `if_false`, not only unknown. `needs_history`: it cannot be
    decided where earlier runs are not read.
    """

    expr: pl.Expr
    type: LangType
    columns: frozenset[str]
    tables: frozenset[str]
    aggregates: frozenset[Aggregate]
    predicates: frozenset[Predicate] = frozenset()
    needs_history: bool = False
    if_true: Needs = NOTHING
    if_false: Needs = NOTHING


def compile_expression(
    expr: Expr,
    names: Names,
    tables: Mapping[str, TableInfo],
    *,
    declared: Collection[str] = (),
    value_column: str | None = None,
    condition: bool = True,
    split: bool = False,
    optional: Collection[str] = (),
    met: Met | None = None,
    sound: bool = False,
) -> Compiled:
    """Compile against the names and tables there are; a condition must be boolean.

    `value` in the expression stands for `value_column`, `column` for its name as a text. Raises
    RuleError with a position for anything wrong, MissingTable when it is right but needs tables of
    `declared` that are not in `tables`; look-ups in those of `optional` are unknown instead. `met` keeps
    the predicates of earlier compilations against the same names and tables: rules repeat many. Of an
    expression known to be `sound` the regular expressions are not tried once more.
    """
    known = frozenset(declared) | frozenset(tables)
    compiler = Compiler(expr, names, tables, known, optional=frozenset(optional), sound=sound)
    if met is not None:
        compiler.met = met
    compiler.predicates = {} if split else None
    root = expr.root
    if value_column is not None:
        root = replace_name(stand_in(root, "value", value_column), "column", Text(value_column))
    value = compiler.boolean(root) if condition else compiler.compile(root)
    if value.type is LangType.DURATION:
        raise compiler.error("a duration stands only after a date and + or -", value.node)
    if compiler.missing:
        raise MissingTable(compiler.missing, where=expr.where)
    forms = Forms(
        partial(column_of, compiler), {key: either for key, (_, either) in compiler.spelled.items()}
    )
    return Compiled(
        value.expr,
        value.type,
        frozenset(compiler.columns),
        frozenset(compiler.tables_used),
        frozenset(compiler.aggregates.values()),
        frozenset((compiler.predicates or {}).values()),
        compiler.needs_history,
        *(needs(root, wanted, forms) if split and condition else NOTHING for wanted in (True, False)),
    )


@dataclass
class Compiler:
    """One compilation: gathers the columns, tables and aggregates while it descends."""

    source: Expr
    names: Names
    tables: Mapping[str, TableInfo]
    declared: frozenset[str]
    columns: set[str] = field(default_factory=set)
    tables_used: set[str] = field(default_factory=set)
    missing: set[str] = field(default_factory=set)
    aggregates: dict[str, Aggregate] = field(default_factory=dict)
    inside_aggregate: bool = False
    predicates: dict[str, Predicate] | None = None
    needs_history: bool = False
    optional: frozenset[str] = frozenset()
    sound: bool = False
    met: Met = field(default_factory=dict)
    texts: dict[int, tuple[Node, str | None]] = field(default_factory=dict)
    """By the id of a node, which is kept so that no other one gets it: see predicates.text_of."""
    spelled: dict[int, tuple[Node, Node]] = field(default_factory=dict)
    """By the id of a call, which is kept too: conditions of which one must hold where the call does."""

    def error(self, problem: str, node: Node, hint: str | None = None) -> ExpressionError:
        """An error that points at `node`."""
        return self.source.error(problem, node, hint)

    def inner(self) -> Compiler:
        """A compiler for the inside of an aggregate: same tables, its own columns."""
        apart: dict[str, Predicate] | None = None if self.predicates is None else {}
        return dataclasses.replace(
            self, columns=set(), aggregates={}, inside_aggregate=True, predicates=apart
        )

    def spell(self, call: Call, either: Or) -> None:
        """Note what a call over several columns comes to, where it is true."""
        self.spelled[id(call)] = call, either

    def compile(self, node: Node) -> Value:
        """The typed expression of a node."""
        match node:
            case Name():  # the commonest first: they are tried in this order
                return self._name(node)
            case Call():
                return self._call(node)
            case Text(text):
                return Value(pl.lit(text), LangType.TEXT, node)
            case Comparison():
                return self._truth(comparisons.comparison(self, node), node)
            case Number():
                return number_literal(node)
            case Date(date):
                return Value(pl.lit(date), LangType.DATE, node)
            case Time(time):
                return Value(pl.lit(time), LangType.TIME, node)
            case Truth(truth):
                return Value(pl.lit(truth), LangType.BOOLEAN, node)
            case Null():
                return Value(pl.lit(None), LangType.NULL, node)
            case Duration():
                return Value(pl.lit(None), LangType.DURATION, node)
            case And(terms):
                return self._truth(every([self.boolean(term).expr for term in terms]), node)
            case Or(terms):
                return self._truth(some([self.boolean(term).expr for term in terms]), node)
            case Not(operand):
                return self._truth(~self.boolean(operand).expr, node)
            case IsNull(operand, negated):
                expr = self.compile(operand).expr
                return self._truth(expr.is_not_null() if negated else expr.is_null(), node)
            case IsTruth(operand, wanted, negated):
                expr = self.boolean(operand).expr
                held = (expr if wanted else ~expr).fill_null(False)
                return self._truth(~held if negated else held, node)
            case Between():
                return self._truth(comparisons.between(self, node), node)
            case In():
                return self._truth(comparisons.membership(self, node), node)
            case Like():
                return self._truth(comparisons.like(self, node), node)
            case Arithmetic():
                return comparisons.arithmetic(self, node)
            case Minus(operand):
                value = self.number(operand, "-")
                return Value(-value.expr, value.type, node, value.digits)
            case Case():
                return self._case(node)
            case Pattern(pattern):
                raise self.error(f"{pattern} stands for several columns", node,
                          f"use it as first argument: any_of({pattern}, it = ...)")  # fmt: skip
            case Several():
                raise self.error("values in brackets stand only as first argument of known and lookup",
                          node, "join conditions with and, or")  # fmt: skip
            case Range():
                raise self.error("a range stands only inside in (...)", node)

    @staticmethod
    def _truth(expr: pl.Expr, node: Node) -> Value:
        return Value(expr, LangType.BOOLEAN, node)

    def boolean(self, node: Node) -> Value:
        """The node as a condition; on one text column it becomes a predicate."""
        text = None if self.predicates is None else text_of(self, node)
        if self.predicates is not None and text is not None:
            decision = decided(self, node, text)
            predicate = decision.predicate
            if predicate is not None:
                self.predicates[predicate.name] = predicate
                self.columns |= decision.columns
                self.tables_used |= decision.tables
                return Value(pl.col(predicate.name), LangType.BOOLEAN, node)
        value = self.compile(node)
        if value.type in (LangType.NULL, LangType.UNKNOWN):
            return Value(pl.lit(None, dtype=pl.Boolean), LangType.BOOLEAN, node)
        if value.type is not LangType.BOOLEAN:
            raise self.error(f"a condition is needed here, this is a {value.type.word}", node,
                      "compare it with something")  # fmt: skip
        return value

    def apart(self, key: Node, expr: pl.Expr, label: str) -> pl.Expr:
        """A condition on `key` alone, kept apart as a predicate where that is a text column."""
        if (
            self.predicates is None
            or not isinstance(key, Name)
            or self.names.types.get(key.name) is not LangType.TEXT
        ):
            return expr
        predicate = named_predicate(key.name, expr, f"{key.name} {label}")
        self.predicates[predicate.name] = predicate
        return pl.col(predicate.name)

    def shared(self, expr: pl.Expr, text: str) -> pl.Expr:
        """A value that other rules want too, computed once; equal texts mean equal values."""
        if self.predicates is None:
            return expr
        predicate = named_predicate("", expr, text)
        self.predicates[predicate.name] = predicate
        return pl.col(predicate.name)

    def number(self, node: Node, use: str) -> Value:
        """The node as a number."""
        value = self.compile(node)
        if value.type is LangType.UNKNOWN:
            return Value(pl.lit(None, dtype=pl.Int64), LangType.INTEGER, node)
        if not value.type.is_number:
            raise self.error(f"{use} needs a number, this is a {value.type.word}", node,
                      "write number(...) around it" if value.type is LangType.TEXT else None)  # fmt: skip
        return value

    def _name(self, node: Name) -> Value:
        kind = self.names.types.get(node.name)
        if kind is None:
            raise unknown_name(self, node)
        self.columns.add(node.name)
        digits = WHOLE_DIGITS if kind is LangType.INTEGER else COLUMN_DIGITS
        return Value(pl.col(node.name), kind, node, digits)

    def unify(self, values: list[Value], use: str) -> LangType:
        """The one type of several values that must agree; nulls fit everything."""
        kinds = [v.type for v in values if v.type not in (LangType.NULL, LangType.UNKNOWN)]
        if not kinds:
            return LangType.UNKNOWN if any(v.type is LangType.UNKNOWN for v in values) else LangType.NULL
        if all(kind.is_number for kind in kinds):
            return LangType.DECIMAL if LangType.DECIMAL in kinds else LangType.INTEGER
        for value in values:
            if value.type in (LangType.NULL, LangType.UNKNOWN):
                continue
            if value.type is LangType.DURATION:
                raise self.error("a duration stands only after a date and + or -", value.node)
            if value.type.word != kinds[0].word:
                raise self.error(
                    f"{use} must be of one type: {kinds[0].word} and {value.type.word}", value.node
                )
        return kinds[0]

    def fitted(self, values: list[Value], kind: LangType) -> list[pl.Expr]:
        """The values as expressions of one Polars type."""
        return [
            pl.lit(None, dtype=dtype_of(kind)) if v.type in (LangType.NULL, LangType.UNKNOWN) else v.expr
            for v in values
        ]

    def _case(self, node: Case) -> Value:
        conditions = [self.boolean(condition).expr for condition, _ in node.branches]
        results = [self.compile(result) for _, result in node.branches]
        if node.otherwise is not None:
            results.append(self.compile(node.otherwise))
        kind = self.unify(results, "the results of case")
        exprs = self.fitted(results, kind)
        chain = pl.when(conditions[0]).then(exprs[0])
        for condition, expr in zip(conditions[1:], exprs[1:], strict=False):
            chain = chain.when(condition).then(expr)  # type: ignore[assignment]
        whole = chain if node.otherwise is None else chain.otherwise(exprs[-1])
        return Value(whole, kind, node, widest(results, kind))

    def _call(self, node: Call) -> Value:
        function = FUNCTIONS.get(node.function)
        if function is None:
            if node.function in SOURCES or node.function == "days":
                place = "last in by, history and with_history" if node.function == "days" else (
                    "as the group of count_in and its like")  # fmt: skip
                raise self.error(f"{node.function}(...) stands only {place}", node)
            raise unknown_function(self, node)
        count = len(node.arguments)
        if count < function.least or (function.most is not None and count > function.most):
            raise self.error(f"{function.name} takes {counted(function)}, here are {count}", node,
                      f"write {function.signature}")  # fmt: skip
        for index, argument in enumerate(node.arguments):
            check_literal(self, argument, function.parameter(index), function)
        build = _BUILDERS.get(function.name)
        if build is not None:
            return build(self, node)
        values = [argument_of(self, argument, function.parameter(i), function)
                  for i, argument in enumerate(node.arguments)]  # fmt: skip
        return scalar.call(self, node, values)


_BUILDERS: Mapping[str, Callable[[Compiler, Call], Value]] = {
    **aggregates.BUILDERS,
    **columns.BUILDERS,
    **identifiers.BUILDERS,
    **partners.BUILDERS,
    **parts.BUILDERS,
    **tables.BUILDERS,
    **windows.BUILDERS,
}
assert {*aggregates.BUILDERS, *windows.BUILDERS} == OVER_LINES
