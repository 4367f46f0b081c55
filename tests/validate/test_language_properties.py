"""Properties of the language over generated expressions."""

from __future__ import annotations

import datetime as dt
import string
from decimal import Decimal

import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st
from language_cases import NAMES, SCHEMA, TABLES, WHERE

from claimsctl.errors import RuleError
from claimsctl.validate.language import ast
from claimsctl.validate.language.actions import KEYWORDS
from claimsctl.validate.language.ast import Node
from claimsctl.validate.language.compiler import compile_expression
from claimsctl.validate.language.functions import FUNCTIONS
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
        st.builds(
            ast.Case, st.lists(st.tuples(inner, inner), min_size=1, max_size=2).map(tuple), st.none() | inner
        ),
        st.builds(ast.Arithmetic, st.sampled_from("+-*/"), inner, inner),
        st.builds(ast.Call, _words(), st.lists(inner, max_size=3).map(tuple)),
    )


trees = st.recursive(_leaf, _branch, max_leaves=15)


@settings(max_examples=500, deadline=None)
@given(trees)
def test_a_rendered_tree_parses_to_itself(tree: Node) -> None:
    text = render(tree)
    parsed = parse(text, where=WHERE)
    assert parsed.root == tree
    assert render(parsed.root) == text


# --- agreement with pl.sql_expr on the shared subset

_INTEGERS = [None, -2, 0, 1, 3]
_TEXTS = [None, "", "a", "A1", "b%", "it's"]
_DATES = [None, dt.date(2024, 2, 29), dt.date(2026, 1, 1), dt.date(2026, 1, 31)]
_SQL_NAMES = Names.of(
    {"i": "integer", "j": "integer", "s": "text", "t": "text", "d": "date", "e": "date"}, {}
)


def _value(kind: str) -> st.SearchStrategy[Node]:
    """Columns and literals of one type; whole-number arithmetic."""
    if kind == "integer":
        atom = st.one_of(
            st.sampled_from([ast.Name("i"), ast.Name("j")]),
            st.integers(0, 4).map(lambda n: ast.Number(Decimal(n))),
        )
        return st.recursive(
            atom,
            lambda x: st.builds(ast.Arithmetic, st.sampled_from("+-*"), x, x) | st.builds(ast.Minus, atom),
            max_leaves=3,
        )
    if kind == "text":
        literals = st.sampled_from([t for t in _TEXTS if t is not None]).map(ast.Text)
        return st.sampled_from([ast.Name("s"), ast.Name("t")]) | literals
    literals = st.sampled_from([d for d in _DATES if d is not None]).map(ast.Date)
    return st.sampled_from([ast.Name("d"), ast.Name("e")]) | literals


def _comparisons(kind: str) -> st.SearchStrategy[Node]:
    value = _value(kind)
    operator = st.sampled_from(["=", "<>", "<", "<=", ">", ">="]).map(lambda o: (o,))
    return st.one_of(
        st.builds(ast.Comparison, st.tuples(value, value), operator),
        st.builds(ast.Between, value, value, value, st.booleans()),
        st.builds(ast.In, value, st.lists(value, min_size=1, max_size=4).map(tuple), st.booleans()),
        st.builds(ast.IsNull, value, st.booleans()),
    )


_like = st.builds(ast.Like, _value("text"), st.sampled_from(["a%", "%1", "%", "_1", "%t''s".replace("''", "'")]),
                  st.booleans())  # fmt: skip
_condition = st.recursive(
    st.one_of(_comparisons("integer"), _comparisons("text"), _comparisons("date"), _like),
    lambda x: st.one_of(
        st.builds(ast.And, st.lists(x, min_size=2, max_size=3).map(tuple)),
        st.builds(ast.Or, st.lists(x, min_size=2, max_size=3).map(tuple)),
        st.builds(ast.Not, x),
        st.builds(
            lambda c, a, b, y: ast.Comparison((ast.Case(((c, a),), b), y), ("=",)),
            x, _value("integer"), st.none() | _value("integer"), _value("integer"),
        ),
    ),
    max_leaves=5,
)  # fmt: skip


def _rows() -> pl.DataFrame:
    """Every pair of values of two columns, the others rotating."""
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


@settings(max_examples=2_000, deadline=None)
@given(_condition)
def test_the_shared_subset_agrees_with_sql(tree: Node) -> None:
    text = render(tree)
    ours = compile_expression(parse(text, where=WHERE), _SQL_NAMES, {}).expr
    both = _ROWS.with_columns(ours.alias("ours"), pl.sql_expr(text).alias("sql"))
    assert both["ours"].to_list() == both["sql"].to_list(), text


# --- whatever compiles also runs

_NAMES_OF = {
    "text": ["procedure_code", "line_note", "modifier_1", "billing_npi"],
    "number": ["units", "charge_amount", "minutes", "patient_age"],
    "date": ["service_date_from", "patient_dob"],
    "time": ["session_start_time", "session_end_time"],
    "boolean": ["is_medicare", "is_medicaid"],
}
_LITERALS: dict[str, st.SearchStrategy[Node]] = {
    "text": st.sampled_from(["", "A", "99213", "1234567893", "12.5"]).map(ast.Text),
    "number": st.builds(ast.Number, _number)
    | st.sampled_from([Decimal(0), Decimal(10**14 - 1)]).map(ast.Number),
    "date": st.sampled_from([dt.date(2024, 2, 29), dt.date(1, 1, 1), dt.date(9999, 12, 31)]).map(ast.Date),
    "time": st.just(ast.Time(dt.time(8))),
    "boolean": st.booleans().map(ast.Truth),
}
_UNITS = st.sampled_from(["days", "weeks", "months", "years"])
_DURATION = st.builds(ast.Duration, st.sampled_from([0, 1, 30, 99_999]), _UNITS)
_OPERATORS = ["=", "<>", "<", "<=", ">", ">="]


@st.composite
def _typed(draw: st.DrawFn, kind: str, depth: int, it: bool = False) -> Node:
    """An expression that has the given type, nearly always."""
    if depth == 0:
        names = [*_NAMES_OF[kind], "it"] if it and kind == "text" else _NAMES_OF[kind]
        return draw(st.sampled_from(names).map(ast.Name) | _LITERALS[kind])

    def part(wanted: str) -> Node:
        return draw(_typed(wanted, depth - 1, it))

    shapes = ["leaf", "call", "call", "case"]
    shapes += {"boolean": ["not", "and", "or", "compare", "between", "in", "null", "truth", "like"],
               "number": ["arithmetic", "arithmetic", "minus", "days"], "date": ["shift"]}.get(kind, [])  # fmt: skip
    other = draw(st.sampled_from(["text", "number", "date", "time"]))
    match draw(st.sampled_from(shapes)):
        case "call":
            return draw(_calls(kind, depth, it))
        case "case":
            return ast.Case(((part("boolean"), part(kind)),), draw(st.sampled_from([None, part(kind)])))
        case "not":
            return ast.Not(part("boolean"))
        case "and":
            return ast.And((part("boolean"), part("boolean")))
        case "or":
            return ast.Or((part("boolean"), part("boolean")))
        case "compare":
            return ast.Comparison((part(other), part(other)), (draw(st.sampled_from(_OPERATORS)),))
        case "between":
            return ast.Between(part(other), part(other), part(other), draw(st.booleans()))
        case "in":
            return ast.In(part(other), (part(other), part(other), ast.Null()), draw(st.booleans()))
        case "null":
            return ast.IsNull(part(other), draw(st.booleans()))
        case "truth":
            return ast.IsTruth(part("boolean"), draw(st.booleans()), draw(st.booleans()))
        case "like":
            return ast.Like(part("text"), draw(st.sampled_from(["A%", "%9", "_", "%(%"])), False)
        case "arithmetic":
            return ast.Arithmetic(draw(st.sampled_from("+-*/")), part("number"), part("number"))
        case "minus":
            return ast.Minus(part("number"))
        case "days":
            return ast.Arithmetic("-", part("date"), part("date"))
        case "shift":
            return ast.Arithmetic(draw(st.sampled_from("+-")), part("date"), draw(_DURATION))
        case _:
            return part(kind)


@st.composite
def _calls(draw: st.DrawFn, kind: str, depth: int, it: bool) -> Node:
    """A call of a function that gives the type."""
    able = [
        f
        for f in FUNCTIONS.values()
        if f.result in (kind, "same", "column") and (f.name != "lookup" or kind != "time")
    ]
    function = draw(st.sampled_from(able))
    count = draw(st.integers(function.least, min(function.most or 4, 4)))
    inside = it or function.parameters[0].kind == "pattern"
    arguments: list[Node] = []
    for parameter in [function.parameter(i) for i in range(count)]:
        match parameter.kind:
            case "'text'":
                texts = {"table": ["pos", "payers", "dated"], "column": ["limit", "fee", "status"]}
                words = texts.get(parameter.name, ["A", "25", "^[0-9]", ""])
                arguments.append(draw(st.sampled_from(words).map(ast.Text)))
            case "count":
                arguments.append(ast.Number(Decimal(draw(st.integers(0, 9)))))
            case "column":
                arguments.append(
                    draw(st.sampled_from(["units", "patient_dob", "procedure_code"]).map(ast.Name))
                )
            case "pattern":
                arguments.append(
                    draw(st.sampled_from(["modifier_*", "diagnosis_*", "*_npi"]).map(ast.Pattern))
                )
            case "group":
                arguments.append(
                    draw(st.sampled_from([ast.Name("claim"), ast.Call("by", (ast.Name("units"),))]))
                )
            case "any":
                wanted = kind if function.result == "same" else "text"
                arguments.append(draw(_typed(wanted, depth - 1, inside)))
            case wanted:
                arguments.append(draw(_typed(wanted, depth - 1, inside)))
    return ast.Call(function.name, tuple(arguments))


_plausible = st.sampled_from(sorted(_NAMES_OF)).flatmap(lambda kind: _typed(kind, 3))
_EXTREMES: dict[LangType, list[object]] = {
    LangType.TEXT: [None, "", "99213", "A", "é\n\x00", "9" * 40],
    LangType.INTEGER: [None, 0, -1, 53, 999_999_999, 2**63 - 1],
    LangType.DECIMAL: [
        None,
        Decimal(0),
        Decimal("-0.0001"),
        Decimal("1.5"),
        Decimal(10**14) - 1,
        -Decimal(10**14) + 1,
    ],
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


def _extreme_frame() -> pl.DataFrame:
    columns = [
        pl.Series(name, _EXTREMES[kind][n % 6 :] + _EXTREMES[kind][: n % 6], dtype=SCHEMA[kind])  # type: ignore[index]
        for n, (name, kind) in enumerate(NAMES.types.items())
    ]
    texts = [pl.Series(f"{name}:text", [None, "", "x", "1", " ", "é"]) for name in NAMES.columns]
    return pl.DataFrame([*columns, *texts])


_EXTREME = _extreme_frame()


@settings(max_examples=8_000, deadline=None)
@given(_plausible)
def test_what_compiles_runs_on_extreme_values(tree: Node) -> None:
    text = render(tree)
    try:
        made = compile_expression(parse(text, where=WHERE), NAMES, TABLES, condition=False)
    except RuleError as error:
        assert str(error).startswith("rules/test.toml, TST-001")
        return
    results = {
        a.name: pl.Series(a.name, _EXTREMES[a.result_type], dtype=SCHEMA[a.result_type])
        for a in made.aggregates
    }  # type: ignore[index]
    assert made.columns <= set(_EXTREME.columns)
    for aggregate in made.aggregates:
        assert aggregate.columns <= set(_EXTREME.columns)
        if aggregate.inner is not None:
            _EXTREME.select(aggregate.inner)
    _EXTREME.with_columns(results.values()).select(made.expr)
