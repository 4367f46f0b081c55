"""Look-ups by several columns and by the beginning of codes."""

from __future__ import annotations

import datetime as dt

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from claimsctl.errors import RuleError
from claimsctl.validate.checks import rule_names
from claimsctl.validate.language.compiler import compile_expression
from claimsctl.validate.language.parser import parse
from claimsctl.validate.language.predicates import with_predicates
from claimsctl.validate.language.relations import anywhere, rows_of
from claimsctl.validate.language.render import render
from claimsctl.validate.language.types import LangType, TableInfo, Where

NAMES = rule_names()
T = LangType.TEXT


def table(
    rows: list[tuple[object, ...]],
    *columns: str,
    beginnings: tuple[str, ...] = (),
    starts: dt.date | None = None,
) -> TableInfo:
    """A table whose last two columns are its days."""
    cells = [list(column) for column in zip(*rows, strict=True)] or [[] for _ in (*columns, 1, 2)]
    series = {name: pl.Series(name, cells[n], dtype=pl.String) for n, name in enumerate(columns)}
    first, *others = columns
    days = [pl.Series(cells[n], dtype=pl.Date) for n in (-2, -1)]
    return TableInfo(
        "payers", series[first], {name: (T, series[name]) for name in others}, *days, starts,
        beginnings=frozenset(beginnings),
    )  # fmt: skip


def day(text: str | None) -> dt.date | None:
    return None if text is None else dt.date.fromisoformat(text)


POLICY = table(
    [
        ("A", "99213", "yes", None, day("2025-12-31")),
        ("A", "99213", "no", day("2026-01-01"), None),
        ("A", None, "any", None, None),
        ("B", "90837", "yes", day("2026-03-01"), None),
        (None, "97110", "lost", None, None),
    ],
    "payer", "code", "accepted",
)  # fmt: skip


def ask(text: str, tables: TableInfo, *, split: bool, **columns: list[object]) -> list[object]:
    made = compile_expression(
        parse(text, where=Where("test")), NAMES, {"payers": tables}, condition=False, split=split
    )
    kinds = {T: pl.String, LangType.DATE: pl.Date}
    frame = pl.DataFrame(
        [pl.Series(name, values, dtype=kinds[NAMES.types[name]]) for name, values in columns.items()]
    )
    return with_predicates(frame, made.predicates).select(made.expr.alias("x"))["x"].to_list()


@pytest.mark.parametrize("split", [False, True])
def test_pairs(split: bool) -> None:
    lines: dict[str, list[object]] = {
        "payer_key": ["A", "A", "A", "B", "B", "B", "C", None, "A", "B"],
        "procedure_code": ["99213", "99213", "1", "90837", "90837", "1", "1", "1", None, "90837"],
        "service_date_from": [
            day("2025-06-01"), day("2026-06-01"), day("2026-06-01"), day("2026-02-28"), day("2026-03-01"),
            day("2026-06-01"), None, day("2026-06-01"), day("2026-06-01"), None,
        ],
    }  # fmt: skip
    known = "known((payer_key, procedure_code), 'payers', service_date_from)"
    assert ask(known, POLICY, split=split, **lines) == [
        True, True, True, False, True, False, False, None, None, None,
    ]  # fmt: skip
    said = "lookup((payer_key, procedure_code), 'payers', 'accepted', service_date_from)"
    assert ask(said, POLICY, split=split, **lines) == [
        "yes", "no", "any", None, "yes", None, None, None, None, None,
    ]  # fmt: skip


def test_without_a_date_the_newest_row_answers() -> None:
    lines: dict[str, list[object]] = {"payer_key": ["A", "B", "C"], "procedure_code": ["99213", "90837", "1"]}
    pair = "(payer_key, procedure_code)"
    assert ask(f"lookup({pair}, 'payers', 'accepted')", POLICY, split=True, **lines) == ["no", "yes", None]
    assert ask(f"known({pair}, 'payers')", POLICY, split=True, **lines) == [True, True, False]


def test_columns_by_name() -> None:
    codes: dict[str, list[object]] = {"procedure_code": ["99213", "97110", "90837", "1", None]}
    text = "lookup(procedure_code, 'payers(code)', 'payer')"
    assert ask(text, POLICY, split=True, **codes) == ["A", None, "B", None, None]
    both = "known((procedure_code, 'A'), 'payers( code,payer )')"
    assert ask(both, POLICY, split=True, **codes) == [True, True, False, False, None]


def test_before_the_oldest_edition_nothing_is_said() -> None:
    late = table([("A", "99213", "yes", None, None)], "payer", "code", "accepted", starts=dt.date(2026, 1, 1))
    lines: dict[str, list[object]] = {
        "payer_key": ["A", "C", "A", "C"],
        "procedure_code": ["99213"] * 4,
        "service_date_from": [day("2026-01-01"), day("2026-01-01"), day("2025-12-31"), day("2025-12-31")],
    }
    text = "known((payer_key, procedure_code), 'payers', service_date_from)"
    assert ask(text, late, split=True, **lines) == [True, False, None, None]


def test_the_longest_beginning_answers() -> None:
    notes = table(
        [("E11", "all", None, None), ("E1121", "kidney", None, None), ("E112", "E112", None, None)],
        "code", "says", beginnings=("code",),
    )  # fmt: skip
    codes: dict[str, list[object]] = {"diagnosis_1": ["E119", "E1121", "E1122", "E1", "E11", None, "F32"]}
    assert ask("lookup(diagnosis_1, 'payers', 'says')", notes, split=True, **codes) == [
        "all", "kidney", "E112", None, "all", None, None,
    ]  # fmt: skip
    assert ask("known(diagnosis_1, 'payers')", notes, split=True, **codes) == [
        True, True, True, False, True, None, False,
    ]  # fmt: skip


def test_any_of_looks_up_pairs() -> None:
    covered = table([("97110", "M", None, None)], "code", "diagnosis", beginnings=("diagnosis",))
    lines: dict[str, list[object]] = {"procedure_code": ["97110", "97110", "97112", None]}
    lines |= {f"diagnosis_{n}": [None] * 4 for n in range(1, 13)} | {
        "diagnosis_2": ["M545", "F32", "M545", "M545"]
    }
    text = "any_of(diagnosis_*, known((procedure_code, it), 'payers'))"
    assert ask(text, covered, split=True, **lines) == [True, False, False, False]


CELLS = st.sampled_from(["A", "AB", "ABC", "B", None])
DAYS = st.sampled_from([None, day("2026-01-01"), day("2026-02-01"), day("2026-03-01")])
ROWS = st.lists(st.tuples(CELLS, CELLS, DAYS, DAYS), max_size=8)
ASKED = st.lists(st.tuples(CELLS, CELLS, DAYS), min_size=1, max_size=6)


@settings(deadline=None, max_examples=150)
@given(ROWS, ASKED, st.booleans(), st.booleans())
def test_rows_agree_with_a_loop(
    rows: list[tuple[str | None, str | None, dt.date | None, dt.date | None]],
    asked: list[tuple[str | None, str | None, dt.date | None]],
    dated: bool,
    begins: bool,
) -> None:
    held = table(rows, "one", "two", beginnings=("two",) if begins else ())
    frame = pl.DataFrame(asked, schema={"k0": pl.String, "k1": pl.String, "day": pl.Date}, orient="row")
    found = rows_of(held, ("one", "two"), frame if dated else frame.drop("day")).to_list()

    def fits(row: int, one: str | None, two: str | None, on: dt.date | None) -> tuple[object, ...] | None:
        first, second, start, end = rows[row]
        if one is None or two is None or first != one:
            return None
        if second is not None and not (two.startswith(second) if begins else two == second):
            return None
        if dated and on is not None and ((start or on) > on or (end or on) < on):
            return None
        newest = () if dated else (start or dt.date(1970, 1, 1),)
        return (second is not None, len(second or "") if begins else 0, *newest, -row)

    for (one, two, on), got in zip(asked, found, strict=True):
        ranked = [(rank, n) for n in range(len(rows)) if (rank := fits(n, one, two, on)) is not None]
        assert got == (max(ranked)[1] if ranked else None)


TEXTS = st.lists(st.one_of(st.none(), st.text("ABÄ1", max_size=3)), max_size=12)


@settings(deadline=None, max_examples=150)
@given(TEXTS, TEXTS, st.booleans())
def test_anywhere_agrees_with_a_loop(cells: list[str | None], asked: list[str | None], begins: bool) -> None:
    held = table(
        [("key", cell, None, None) for cell in cells], "one", "two", beginnings=("two",) if begins else ()
    )
    filled = [cell for cell in cells if cell is not None]
    found = anywhere(held, "two", pl.Series(asked, dtype=pl.String)).to_list()
    for text, got in zip(asked, found, strict=True):
        if text is None:
            assert got is None
        else:
            assert got is any(text.startswith(cell) if begins else text == cell for cell in filled)


def test_brackets_are_rendered_and_parsed() -> None:
    text = "known((payer_key, upper(procedure_code)), 'payers(payer, code)', service_date_from)"
    root = parse(text, where=Where("test")).root
    assert render(root) == text
    assert parse(render(root), where=Where("test")).root == root


@pytest.mark.parametrize(
    ("text", "column", "words"),
    [
        ("(payer_key, units) = 1", 2, "only as first argument of known and lookup"),
        ("any_of(diagnosis_*, (it, it))", 22, "only as first argument"),
        ("known((payer_key, units), 'payers')", 19, "the code of table payers are text, this is a number"),
        ("known(payer_key, 'payers(payer, code)')", 18, "2 columns for 1 value; name as many"),
        ("known((payer_key, payer_key, payer_key, payer_key), 'payers')", 53, "has only 3 columns"),
        ("known(payer_key, 'payers(cod)')", 18, "has no column 'cod'; did you mean code"),
        ("known(payer_key, 'payers(code')", 18, "is no table; write 'table', or"),
        ("known(payer_key, 'payer(code)')", 18, "unknown table 'payer'; did you mean payers"),
        ("lookup((payer_key, procedure_code), 'payers', 'accept') = 'a'", 47, "did you mean accepted"),
    ],
)
def test_errors(text: str, column: int, words: str) -> None:
    with pytest.raises(RuleError) as caught:
        compile_expression(parse(text, where=Where("test")), NAMES, {"payers": POLICY})
    message, _, caret = str(caught.value).split("\n")
    assert f"column {column}: " in message
    assert words in message
    assert caret.index("^") == 4 + column - 1
