"""Functions of one line's values: text, numbers, dates and times."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import TYPE_CHECKING, Final

import polars as pl
from polars.exceptions import PolarsError

from claimsctl.validate.language.ast import Call, Number, Text
from claimsctl.validate.language.types import LangType
from claimsctl.validate.language.values import Value, some, widest

if TYPE_CHECKING:
    from claimsctl.validate.language.compiler import Compiler

_FEW_PREFIXES = 4
_PLAIN_NUMBER = r"^[+-]?[0-9]{1,14}(\.[0-9]*)?$"


def call(compiler: Compiler, node: Call, values: list[Value]) -> Value:
    """The value of a call whose arguments have the right types."""
    if node.function in ("coalesce", "least", "greatest"):
        return _choice(compiler, node, values)
    if node.function == "matches" and not compiler.sound:
        _check_regex(compiler, node)
    expr, kind, digits = _BUILDERS[node.function](node, values)
    return Value(expr, kind, node, digits)


def _check_regex(compiler: Compiler, node: Call) -> None:
    problem = _regex_problem(_literal(node, 1))
    if problem is not None:
        hint = "it is Rust syntax, without look-ahead and back-references"
        raise compiler.error(f"the regular expression is not valid: {problem}", node.arguments[1], hint)


@lru_cache(maxsize=4096)
def _regex_problem(pattern: str) -> str | None:
    try:
        pl.Series([""]).str.contains(pattern)
    except PolarsError as invalid:
        reasons = [line.strip() for line in str(invalid).splitlines() if line.strip().startswith("error:")]
        return reasons[0].removeprefix("error:").strip() if reasons else "it cannot be read"
    return None


def _choice(compiler: Compiler, node: Call, values: list[Value]) -> Value:
    kind = compiler.unify(values, f"the arguments of {node.function}")
    if kind is LangType.BOOLEAN and node.function != "coalesce":
        raise compiler.error(f"{node.function} needs texts, numbers, dates or times", node.arguments[0])
    exprs = compiler.fitted(values, kind)
    if node.function == "coalesce":
        chosen = pl.coalesce(exprs)
    else:
        chosen = pl.min_horizontal(exprs) if node.function == "least" else pl.max_horizontal(exprs)
    return Value(chosen, kind, node, widest(values, kind))


def _literal(node: Call, index: int) -> str:
    argument = node.arguments[index]
    assert isinstance(argument, Text)
    return argument.value


def _literals(node: Call) -> list[str]:
    return [argument.value for argument in node.arguments[1:] if isinstance(argument, Text)]


def _count(node: Call, index: int, default: int = 0) -> int:
    argument = node.arguments[index] if len(node.arguments) > index else None
    return int(argument.value) if isinstance(argument, Number) else default


_Built = tuple[pl.Expr, LangType, int]


def _truth(expr: pl.Expr) -> _Built:
    return expr, LangType.BOOLEAN, 1


def _string(expr: pl.Expr) -> _Built:
    return expr, LangType.TEXT, 1


def _whole(expr: pl.Expr, digits: int = 9) -> _Built:
    return expr.cast(pl.Int64), LangType.INTEGER, digits


def _starts_with(node: Call, values: list[Value]) -> _Built:
    text = values[0].expr
    by_length: dict[int, list[str]] = {}
    for prefix in dict.fromkeys(_literals(node)):
        by_length.setdefault(len(prefix), []).append(prefix)
    parts: list[pl.Expr] = []
    for length, prefixes in by_length.items():
        if len(prefixes) > _FEW_PREFIXES:
            parts.append(text.str.head(length).is_in(prefixes))
        else:
            parts += [text.str.starts_with(prefix) for prefix in prefixes]
    return _truth(some(parts))


def _ends_with(node: Call, values: list[Value]) -> _Built:
    return _truth(some([values[0].expr.str.ends_with(suffix) for suffix in _literals(node)]))


def _contains(node: Call, values: list[Value]) -> _Built:
    return _truth(some([values[0].expr.str.contains(part, literal=True) for part in _literals(node)]))


def _substr(node: Call, values: list[Value]) -> _Built:
    length = _count(node, 2) if len(node.arguments) > 2 else None
    return _string(values[0].expr.str.slice(max(_count(node, 1), 1) - 1, length))


def _replaced(text: pl.Expr, pattern: str, new: str, *, literal: bool = False) -> _Built:
    replaced = text.str.replace_all(pattern, new, literal=literal)
    # The lazy engine cannot replace in a constant that it has moved out of a `case`.
    constant = not text.meta.root_names()
    return _string(pl.lit(pl.select(replaced).item(), dtype=pl.String) if constant else replaced)


def _listed(_: Call, values: list[Value]) -> _Built:
    listed = values[1].expr.str.replace_all(r"\s*;\s*", ";").str.strip_chars()
    among = pl.concat_str([pl.lit(";"), listed, pl.lit(";")])
    return _truth(among.str.contains(pl.concat_str([pl.lit(";"), values[0].expr, pl.lit(";")]), literal=True))


def _fits(text: pl.Expr, pattern: pl.Expr) -> pl.Expr:
    def fits(cells: pl.Series) -> pl.Series:
        frame = cells.struct.unnest()
        answer = pl.repeat(None, len(cells), dtype=pl.Boolean, eager=True)
        for each in frame["pattern"].unique().drop_nulls():
            if _regex_problem(each) is None:
                here = (frame["pattern"] == each).fill_null(False)
                whole = frame["text"].str.contains(f"^(?:{each})$")
                answer = answer.zip_with(~here, whole)
        return answer.alias(cells.name)

    if pattern.meta.is_literal() and pl.select(pattern).item() is None:  # no payer has one
        return pl.lit(None, pl.Boolean)
    cells = pl.struct(text.alias("text"), pattern.alias("pattern"))
    return cells.map_batches(fits, return_dtype=pl.Boolean, is_elementwise=True)


def _number(_: Call, values: list[Value]) -> _Built:
    text = values[0].expr
    read = pl.when(text.str.contains(_PLAIN_NUMBER)).then(text).cast(pl.Decimal(18, 4), strict=False)
    return read, LangType.DECIMAL, 14


def _rounded(node: Call, values: list[Value], step: str) -> _Built:
    value = values[0]
    if value.type is LangType.INTEGER:
        return value.expr, value.type, value.digits
    if step == "round":
        rounded = value.expr.round(_count(node, 1), mode="half_away_from_zero")
    else:
        rounded = value.expr.floor() if step == "floor" else value.expr.ceil()
    return rounded, LangType.DECIMAL, value.digits + 1


def _mod(node: Call, values: list[Value]) -> _Built:
    divisor = _count(node, 1)
    expr = values[0].expr % divisor if divisor else pl.lit(None, dtype=pl.Int64)
    return expr, values[0].type if divisor else LangType.INTEGER, values[0].digits


def _parts(date: pl.Expr) -> tuple[pl.Expr, pl.Expr, pl.Expr]:
    return date.dt.year().cast(pl.Int64), date.dt.month().cast(pl.Int64), date.dt.day().cast(pl.Int64)


def completed_years(start: pl.Expr, end: pl.Expr) -> pl.Expr:
    """Completed years from one date to another; negative when the second is earlier."""
    (y1, m1, d1), (y2, m2, d2) = _parts(start), _parts(end)
    return y2 - y1 - (m2 * 100 + d2 < m1 * 100 + d1).cast(pl.Int64)


def completed_months(start: pl.Expr, end: pl.Expr) -> pl.Expr:
    """Completed months from one date to another; negative when the second is earlier."""
    (y1, m1, d1), (y2, m2, d2) = _parts(start), _parts(end)
    return (y2 - y1) * 12 + m2 - m1 - (d2 < d1).cast(pl.Int64)


def _days(_: Call, values: list[Value]) -> _Built:
    return _whole(values[1].expr.to_physical() - values[0].expr.to_physical(), 7)


def _minutes(_: Call, values: list[Value]) -> _Built:
    return _whole((values[1].expr.to_physical() - values[0].expr.to_physical()) // 60_000_000_000, 4)


_Builder = Callable[[Call, list[Value]], _Built]

_BUILDERS: Mapping[str, _Builder] = {
    "matches": lambda node, v: _truth(v[0].expr.str.contains(_literal(node, 1))),
    "length": lambda node, v: _whole(v[0].expr.str.len_chars()),
    "upper": lambda node, v: _string(v[0].expr.str.to_uppercase()),
    "lower": lambda node, v: _string(v[0].expr.str.to_lowercase()),
    "trim": lambda node, v: _string(v[0].expr.str.strip_chars()),
    "substr": _substr,
    "left": lambda node, v: _string(v[0].expr.str.head(_count(node, 1))),
    "right": lambda node, v: _string(v[0].expr.str.tail(_count(node, 1))),
    "starts_with": _starts_with,
    "ends_with": _ends_with,
    "contains": _contains,
    "replace": lambda node, v: _replaced(v[0].expr, _literal(node, 1), _literal(node, 2), literal=True),
    "keep_digits": lambda node, v: _replaced(v[0].expr, "[^0-9]", ""),
    "keep_letters": lambda node, v: _replaced(v[0].expr, r"[^\p{L}]", ""),
    "concat": lambda node, v: _string(pl.concat_str([part.expr for part in v])),
    "listed": _listed,
    "fits": lambda node, v: _truth(_fits(v[0].expr, v[1].expr)),
    "number": _number,
    "abs": lambda node, v: (v[0].expr.abs(), v[0].type, v[0].digits),
    "floor": lambda node, v: _rounded(node, v, "floor"),
    "ceil": lambda node, v: _rounded(node, v, "ceil"),
    "round": lambda node, v: _rounded(node, v, "round"),
    "mod": _mod,
    "days_between": _days,
    "months_between": lambda node, v: _whole(completed_months(v[0].expr, v[1].expr), 6),
    "years_between": lambda node, v: _whole(completed_years(v[0].expr, v[1].expr), 5),
    "age_on": lambda node, v: _whole(completed_years(v[0].expr, v[1].expr), 5),
    "minutes_between": _minutes,
    "year": lambda node, v: _whole(v[0].expr.dt.year(), 5),
    "month": lambda node, v: _whole(v[0].expr.dt.month(), 2),
    "day": lambda node, v: _whole(v[0].expr.dt.day(), 2),
    "weekday": lambda node, v: _whole(v[0].expr.dt.weekday(), 1),
    "is_weekend": lambda node, v: _truth(v[0].expr.dt.weekday() >= 6),
}

BLANK_OF_BLANK: Final = frozenset(_BUILDERS)
"""Functions that give nothing where one of their arguments is blank."""
