"""Properties of the language over generated expressions."""

from __future__ import annotations

import datetime as dt
import json
import string
from decimal import Decimal
from random import Random

import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st
from language_cases import NAMES, SCHEMA, TABLES, WHERE

from claimsctl.errors import RuleError
from claimsctl.validate.language import ast, serial
from claimsctl.validate.language.actions import KEYWORDS
from claimsctl.validate.language.ast import Node
from claimsctl.validate.language.compiler import compile_expression
from claimsctl.validate.language.functions import FUNCTIONS, Parameter
from claimsctl.validate.language.parser import parse
from claimsctl.validate.language.render import render
from claimsctl.validate.language.types import LangType, Names

# --- any tree


def _words() -> st.SearchStrategy[str]:
    word = st.text(string.ascii_lowercase + string.digits + "_", min_size=1, max_size=8)
    return word.filter(lambda w: not w[0].isdigit() and w not in KEYWORDS)


_number = st.decimals(0, 99_999, places=2).map(abs) | st.integers(0, 10**14 - 1).map(Decimal)
_leaf: st.SearchStrategy[Node] = st.one_of(
    st.builds(ast.Text, st.text(st.characters(exclude_categories=["Cs"]), max_size=8)),
    st.builds(ast.Number, _number),
    st.builds(ast.Date, st.dates()),
    st.builds(ast.Time, st.times().map(lambda t: t.replace(microsecond=0, fold=0))),
    st.builds(ast.Duration, st.integers(0, 999), st.sampled_from(["days", "weeks", "months", "years"])),
    st.builds(ast.Truth, st.booleans()),
    st.builds(ast.Null),
    st.builds(ast.Name, _words()),
    st.builds(ast.Pattern, _words().map(lambda w: w.rstrip("_") + "_*").filter(lambda p: p[0] != "_")),
)


def _branch(inner: st.SearchStrategy[Node]) -> st.SearchStrategy[Node]:
    several = st.lists(inner, min_size=2, max_size=4).map(tuple)
    operator = st.sampled_from(["=", "<>", "<", "<=", ">", ">="])
    comparison = several.flatmap(
        lambda terms: st.builds(ast.Comparison, st.just(terms), st.tuples(*[operator] * (len(terms) - 1)))
    )
    pattern = st.text(st.characters(exclude_categories=["Cs"]), max_size=5)
    item = st.one_of(inner, st.builds(ast.Range, inner, inner))
    branches = st.lists(st.tuples(inner, inner), min_size=1, max_size=2).map(tuple)
    return st.one_of(
        st.builds(ast.And, several),
        st.builds(ast.Or, several),
        st.builds(ast.Not, inner),
        st.builds(ast.Minus, inner),
        comparison,
        st.builds(ast.Between, inner, inner, inner, st.booleans()),
        st.builds(ast.In, inner, st.lists(item, min_size=1, max_size=3).map(tuple), st.booleans()),
        st.builds(ast.Like, inner, pattern, st.booleans()),
        st.builds(ast.IsNull, inner, st.booleans()),
        st.builds(ast.IsTruth, inner, st.booleans(), st.booleans()),
        st.builds(ast.Case, branches, st.none() | inner),
        st.builds(ast.Arithmetic, st.sampled_from("+-*/"), inner, inner),
        st.builds(ast.Call, _words(), st.lists(inner, max_size=3).map(tuple)),
    )


trees = st.recursive(_leaf, _branch, max_leaves=15)


@settings(max_examples=300, deadline=None)
@given(trees)
def test_a_rendered_tree_parses_to_itself(tree: Node) -> None:
    text = render(tree)
    parsed = parse(text, where=WHERE)
    assert parsed.root == tree
    assert render(parsed.root) == text
    assert serial.load(json.loads(json.dumps(serial.dump(parsed.root)))) == tree


def _around(x: Node) -> list[Node]:
    """Every kind of node with `x` in every place below it."""
    n, t = ast.Name("n"), ast.Truth(True)
    pairs: list[Node] = [
        made for pair in ((x, n), (n, x))
        for made in (
            ast.And(pair), ast.Or(pair), ast.Comparison(pair, ("=",)), ast.Call("f", pair), ast.Case((pair,)),
            ast.Comparison((*pair, n), ("<", "<=")), *[ast.Arithmetic(op, *pair) for op in "+-*/"],
            ast.In(pair[0], (pair[1], n)), ast.In(n, (ast.Range(*pair),)), ast.Between(n, *pair),
        )
    ]  # fmt: skip
    single: list[Node] = [
        ast.Not(x), ast.Minus(x), ast.IsNull(x), ast.IsTruth(x, True), ast.Like(x, "a"), ast.Between(x, n, n),
        ast.Case(((n, n),), x), ast.Call("f", (x,)), t,
    ]  # fmt: skip
    return pairs + single


def test_every_nesting_of_two_parses_to_itself() -> None:
    for inner in _around(ast.Name("a")):
        for tree in _around(inner):
            assert parse(render(tree), where=WHERE).root == tree, render(tree)


# --- agreement with pl.sql_expr on the shared subset

_INTEGERS = [None, -2, 0, 1, 3]
_TEXTS = [None, "", "a", "A1", "b%", "it's"]
_DATES = [None, dt.date(2024, 2, 29), dt.date(2026, 1, 1), dt.date(2026, 1, 31)]
_SQL_NAMES = Names.of(
    {"i": "integer", "j": "integer", "s": "text", "t": "text", "d": "date", "e": "date"}, {}
)
_OPERATORS = ["=", "<>", "<", "<=", ">", ">="]


class SharedSubset:
    """Random conditions that SQL and the rule language write and mean alike."""

    def __init__(self, random: Random) -> None:
        self.random = random

    def value(self, kind: str, depth: int = 2) -> Node:
        pick = self.random.choice
        if kind == "text":
            return pick([ast.Name("s"), ast.Name("t"), *[ast.Text(t) for t in _TEXTS if t is not None]])
        if kind == "date":
            return pick([ast.Name("d"), ast.Name("e"), *[ast.Date(d) for d in _DATES if d is not None]])
        if depth and self.random.random() < 0.4:
            left, right = self.value(kind, depth - 1), self.value(kind, depth - 1)
            return pick([ast.Arithmetic(pick("+-*"), left, right), ast.Minus(ast.Name("i"))])
        return pick([ast.Name("i"), ast.Name("j"), *[ast.Number(Decimal(n)) for n in range(4)]])

    def condition(self, depth: int = 3) -> Node:
        pick, flag = self.random.choice, self.random.random() < 0.5
        if depth and self.random.random() < 0.5:
            terms = tuple(self.condition(depth - 1) for _ in range(self.random.randint(2, 3)))
            case = ast.Case(((terms[0], self.value("integer")),), self.value("integer") if flag else None)
            equal = ast.Comparison((case, self.value("integer")), ("=",))
            return pick([ast.And(terms), ast.Or(terms), ast.Not(terms[0]), equal])
        kind = pick(["integer", "text", "date"])
        one, two, three = (self.value(kind) for _ in range(3))
        shapes = [
            ast.Comparison((one, two), (pick(_OPERATORS),)),
            ast.Between(one, two, three, flag),
            ast.In(one, (two, three, self.value(kind)), flag),
            ast.IsNull(one, flag),
        ]
        if kind == "text":
            shapes.append(ast.Like(one, pick(["a%", "%1", "%", "_1", "%t's"]), flag))
        return pick(shapes)


def _rows() -> pl.DataFrame:
    """Every pair of values of the first two columns; the others rotate."""
    pairs = [(i, j) for i in _INTEGERS for j in _INTEGERS]
    return pl.DataFrame(
        {
            "i": [i for i, _ in pairs],
            "j": [j for _, j in pairs],
            "s": [_TEXTS[n % 6] for n in range(25)],
            "t": [_TEXTS[n // 6 % 6] for n in range(25)],
            "d": [_DATES[n % 4] for n in range(25)],
            "e": [_DATES[n // 4 % 4] for n in range(25)],
        },
        schema={"i": pl.Int64, "j": pl.Int64, "s": pl.String, "t": pl.String, "d": pl.Date, "e": pl.Date},
    )


_ROWS = _rows()


@settings(max_examples=100, deadline=None)
@given(st.integers(0, 2**32))
def test_the_shared_subset_agrees_with_sql(seed: int) -> None:
    subset = SharedSubset(Random(seed))
    texts = [render(subset.condition()) for _ in range(20)]
    ours = _ROWS.select(
        compile_expression(parse(text, where=WHERE), _SQL_NAMES, {}).expr.alias(str(n))
        for n, text in enumerate(texts)
    )
    sql = _ROWS.select(pl.sql_expr(text).alias(str(n)) for n, text in enumerate(texts))
    for n, text in enumerate(texts):
        assert ours[str(n)].to_list() == sql[str(n)].to_list(), text


# --- whatever compiles also runs

_NAMES_OF = {
    "text": ["procedure_code", "line_note", "modifier_1", "billing_npi"],
    "number": ["units", "charge_amount", "minutes", "patient_age"],
    "date": ["service_date_from", "patient_dob"],
    "time": ["session_start_time", "session_end_time"],
    "boolean": ["is_medicare", "is_medicaid"],
}
_LITERALS: dict[str, list[Node]] = {
    "text": [ast.Text(t) for t in ("", "A", "99213", "1234567893", "12.5")],
    "number": [ast.Number(Decimal(n)) for n in ("0", "1", "1.50", "0.000001", "99999999999999")],
    "date": [ast.Date(d) for d in (dt.date(2024, 2, 29), dt.date(1, 1, 1), dt.date(9999, 12, 31))],
    "time": [ast.Time(dt.time(8))],
    "boolean": [ast.Truth(True), ast.Truth(False)],
}
_SHAPES = {
    "boolean": ["not", "and", "or", "compare", "between", "in", "null", "truth", "like"],
    "number": ["arithmetic", "arithmetic", "minus", "days"],
    "date": ["shift"],
}
_ARGUMENTS: dict[str, list[Node]] = {
    "count": [ast.Number(Decimal(n)) for n in (0, 1, 5, 9)],
    "column": [ast.Name("units"), ast.Name("patient_dob"), ast.Name("procedure_code")],
    "pattern": [ast.Pattern("modifier_*"), ast.Pattern("diagnosis_*"), ast.Pattern("*_npi")],
    "values": [ast.Name("units"), ast.Pattern("modifier_*"), ast.Pattern("diagnosis_*")],
    "group": [ast.Name("claim"), ast.Call("by", (ast.Name("units"), ast.Name("line_note")))],
}
_WORDS = {"table": ["pos", "payers", "dated"], "column": ["limit", "fee", "status"]}


class Plausible:
    """Random expressions of a type; nearly all are right."""

    def __init__(self, random: Random) -> None:
        self.random, self.in_pattern = random, False

    def leaf(self, kind: str) -> Node:
        names = [ast.Name(name) for name in _NAMES_OF[kind]]
        it = [ast.Name("it")] * 3 if self.in_pattern and kind == "text" else []
        return self.random.choice([*names, *it, *_LITERALS[kind]])

    def of(self, kind: str, depth: int = 3) -> Node:
        pick, flag = self.random.choice, self.random.random() < 0.5

        def part(wanted: str) -> Node:
            return self.of(wanted, depth - 1)

        if depth == 0:
            return self.leaf(kind)
        other = pick(["text", "number", "date", "time"])
        match pick(["call", "call", "case", "leaf", *_SHAPES.get(kind, [])]):
            case "call":
                return self.call(kind, depth)
            case "case":
                return ast.Case(((part("boolean"), part(kind)),), part(kind) if flag else None)
            case "not":
                return ast.Not(part("boolean"))
            case "and":
                return ast.And((part("boolean"), part("boolean")))
            case "or":
                return ast.Or((part("boolean"), part("boolean")))
            case "compare":
                return ast.Comparison((part(other), part(other)), (pick(_OPERATORS),))
            case "between":
                return ast.Between(part(other), part(other), part(other), flag)
            case "in":
                return ast.In(part(other), (part(other), part(other), ast.Null()), flag)
            case "null":
                return ast.IsNull(part(other), flag)
            case "truth":
                return ast.IsTruth(part("boolean"), flag)
            case "like":
                return ast.Like(part("text"), pick(["A%", "%9", "_", "%(%"]), flag)
            case "arithmetic":
                return ast.Arithmetic(pick("+-*/"), part("number"), part("number"))
            case "minus":
                return ast.Minus(part("number"))
            case "days":
                return ast.Arithmetic("-", part("date"), part("date"))
            case "shift":
                duration = ast.Duration(pick([0, 1, 99_999]), pick(["days", "weeks", "months", "years"]))
                return ast.Arithmetic(pick("+-"), part("date"), duration)
            case _:
                return self.leaf(kind)

    def call(self, kind: str, depth: int) -> Node:
        able = [f for f in FUNCTIONS.values() if f.result in (kind, "same", "column")]
        function = self.random.choice(able)
        count = self.random.randint(function.least, min(function.most or 4, 4))
        before = self.in_pattern
        self.in_pattern = before or function.parameters[0].kind == "pattern"
        arguments = tuple(
            self.argument(function.parameter(n), kind if function.result == "same" else "text", depth)
            for n in range(count)
        )
        self.in_pattern = before
        return ast.Call(function.name, arguments)

    def argument(self, parameter: Parameter, any_kind: str, depth: int) -> Node:
        if parameter.kind == "'text'":
            return ast.Text(self.random.choice(_WORDS.get(parameter.name, ["A", "25", "^[0-9]", ""])))
        if parameter.kind in _ARGUMENTS:
            return self.random.choice(_ARGUMENTS[parameter.kind])
        return self.of(any_kind if parameter.kind == "any" else parameter.kind, depth - 1)


_EXTREMES: dict[LangType, list[object]] = {
    LangType.TEXT: [None, "", "99213", "A", "é\n\x00", "9" * 40],
    LangType.INTEGER: [None, 0, -1, 53, 999_999_999, 2**63 - 1],
    LangType.DECIMAL: [None, Decimal(0), Decimal("-0.0001"), Decimal("1.5"), 10**14 - 1, 1 - 10**14],
    LangType.DATE: [
        None,
        dt.date(1, 1, 1),
        dt.date(9999, 12, 31),
        dt.date(2024, 2, 29),
        dt.date(2026, 1, 1),
        None,
    ],
    LangType.TIME: [None, dt.time(0), dt.time(23, 59, 59), dt.time(8), dt.time(12), None],
    LangType.BOOLEAN: [None, True, False, True, False, None],
}


def _extreme(name: str, kind: LangType, shift: int = 0) -> pl.Series:
    values = [Decimal(v) if kind is LangType.DECIMAL and v is not None else v for v in _EXTREMES[kind]]  # type: ignore[arg-type]
    return pl.Series(name, values[shift:] + values[:shift], dtype=SCHEMA[kind])


_EXTREME = pl.DataFrame(
    [_extreme(name, kind, n % 6) for n, (name, kind) in enumerate(NAMES.types.items())]
    + [pl.Series(f"{name}:text", [None, "", "x", "1", " ", "é"]) for name in NAMES.columns]
)


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**32))
def test_what_compiles_runs_on_extreme_values(seed: int) -> None:
    random, ran = Random(seed), 0
    for _ in range(20):
        text = render(Plausible(random).of(random.choice(list(_NAMES_OF))))
        try:
            made = compile_expression(parse(text, where=WHERE), NAMES, TABLES, condition=False)
        except RuleError:
            continue
        ran += 1
        with_results = _EXTREME.with_columns(_extreme(a.name, a.result_type) for a in made.aggregates)
        with_results.select(made.columns)
        inner = [a.inner.alias(a.name) for a in made.aggregates if a.inner is not None]
        try:
            _EXTREME.lazy().select(inner).collect()
            with_results.lazy().select(made.expr).collect()
        except pl.exceptions.PolarsError as error:
            raise AssertionError(text) from error
    assert ran > 5
