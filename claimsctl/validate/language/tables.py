"""Reference tables and identifiers: known(), lookup(), valid_npi()."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import TYPE_CHECKING

import polars as pl

from claimsctl.validate.language.ast import Call, Node, Text
from claimsctl.validate.language.render import render
from claimsctl.validate.language.types import LangType, TableInfo, did_you_mean
from claimsctl.validate.language.values import Value, dtype_of, some

if TYPE_CHECKING:
    from claimsctl.validate.language.compiler import Compiler

_FEW_PERIODS = 8


def _table(compiler: Compiler, node: Node) -> tuple[str, TableInfo | None]:
    """The table of a literal name, None when it is declared and not loaded."""
    assert isinstance(node, Text)
    name = node.value
    if name not in compiler.declared:
        raise compiler.error(f"unknown table '{name}'", node, did_you_mean(name, compiler.declared))
    table = compiler.tables.get(name)
    (compiler.tables_used if table is not None else compiler.missing).add(name)
    if table is None:
        compiler.tables_used.add(name)
    return name, table


def _key(compiler: Compiler, node: Node, table: TableInfo | None) -> Value:
    value = compiler.compile(node)
    if table is None or value.type is LangType.UNKNOWN:
        return value
    wanted = LangType.INTEGER if table.codes.dtype.is_integer() else LangType.TEXT
    if value.type.word != wanted.word:
        raise compiler.error(
            f"the codes of table {table.name} are {wanted.word}, this is a {value.type.word}", node
        )
    return value


def _on_date(compiler: Compiler, node: Node) -> pl.Expr:
    value = compiler.compile(node)
    if value.type is not LangType.DATE:
        raise compiler.error(f"on_date must be a date, this is a {value.type.word}", node)
    return value.expr


def _known(compiler: Compiler, node: Call) -> Value:
    _, table = _table(compiler, node.arguments[1])
    value = _key(compiler, node.arguments[0], table)
    date = _on_date(compiler, node.arguments[2]) if len(node.arguments) > 2 else None
    if table is None or value.type is LangType.UNKNOWN:
        return Value(pl.lit(None, dtype=pl.Boolean), LangType.BOOLEAN, node)
    if date is None or (table.valid_from is None and table.valid_to is None and table.starts is None):
        return Value(_among_all(value.expr, table), LangType.BOOLEAN, node)

    def apart(found: pl.Expr, period: str) -> pl.Expr:
        return compiler.apart(node.arguments[0], found, f"{table.name} {period}")

    if len(table.codes) < _LARGE:
        held = _in_force(value.expr, table, date, apart)
    else:
        row = _row_of(compiler, node, value.expr, table, date)
        unknown = date.is_null() & _among_all(value.expr, table)
        held = pl.when(value.expr.is_not_null() & ~unknown).then(row.is_not_null())
    if table.starts is not None:
        # Before the oldest edition the answer is unknown, which no rule counts as a finding.
        held = pl.when(date >= pl.lit(table.starts)).then(held)
    return Value(held, LangType.BOOLEAN, node)


def _among(key: pl.Expr, codes: pl.Series) -> pl.Expr:
    return key.is_in(pl.lit(codes.drop_nulls().unique(maintain_order=True)).implode())


def _codes(table: TableInfo) -> pl.Series:
    if "" not in table.prepared:
        table.prepared[""] = table.codes.drop_nulls().unique(maintain_order=True)
    codes = table.prepared[""]
    assert isinstance(codes, pl.Series)
    return codes


def _among_all(key: pl.Expr, table: TableInfo) -> pl.Expr:
    if len(table.codes) < _LARGE:
        return key.is_in(pl.lit(_codes(table)).implode())

    def known(values: pl.Series) -> pl.Series:
        codes = table.prepared.get("known")
        if codes is None:
            codes = table.prepared["known"] = dict.fromkeys(_codes(table).to_list(), True)
        return _answered(values, lambda value: value in codes, pl.Boolean())

    return key.map_batches(known, return_dtype=pl.Boolean, is_elementwise=True)


def _row_of(compiler: Compiler, node: Call, key: pl.Expr, table: TableInfo, date: pl.Expr) -> pl.Expr:
    """Number of the first row of a large table for a code on a date; null when there is none."""

    def found(pairs: pl.Series) -> pl.Series:
        periods = table.prepared.get("rows")
        if periods is None:
            periods = table.prepared["rows"] = _periods(table).with_row_index("row").drop_nulls("code")
        assert isinstance(periods, pl.DataFrame)
        asked = pairs.struct.unnest()
        distinct = asked.unique().drop_nulls("code")
        starts, ends, day = pl.col("from"), pl.col("to"), pl.col("day")
        rows = (
            distinct.join(periods, on="code")
            .filter((starts.is_null() | (day >= starts)) & (ends.is_null() | (day <= ends)))
            .group_by("code", "day")
            .agg(pl.col("row").min())
        )
        joined = asked.join(rows, on=["code", "day"], how="left", nulls_equal=True, maintain_order="left")
        return joined["row"].alias(pairs.name)

    pair = pl.struct(key.alias("code"), date.alias("day"))
    row = pair.map_batches(found, return_dtype=pl.UInt32, is_elementwise=True)
    last = node.arguments[-1]
    return compiler.shared(row, f"row of {table.name}: {render(node.arguments[0])} on {render(last)}")


def _newest_of(key: pl.Expr, table: TableInfo, column: str, series: pl.Series) -> pl.Expr:
    if len(table.codes) < _LARGE:
        return _mapped(key, _newest(table, column, series))

    def found(values: pl.Series) -> pl.Series:
        answers = table.prepared.get(("dict", column))
        if answers is None:
            rows = _newest(table, column, series)
            answers = dict(zip(rows["code"].to_list(), rows["value"].to_list(), strict=True))
            table.prepared["dict", column] = answers
        return _answered(values, answers.get, series.dtype)

    return key.map_batches(found, return_dtype=series.dtype, is_elementwise=True)


_LARGE = 5_000
"""From this many codes on a look-up goes through a dictionary made once: Polars would hash the whole
table anew in every expression of every part, which for ICD-10-CM costs more than all other rules."""


def _answered(values: pl.Series, answer: Callable[[object], object], dtype: pl.DataType) -> pl.Series:
    """`answer` of every value, asked once per distinct one; null for null."""
    if len(values) < _FEW_VALUES:
        return pl.Series(
            values.name, [None if v is None else answer(v) for v in values.to_list()], dtype=dtype
        )
    distinct = values.unique().drop_nulls()
    answers = pl.Series("answer", [answer(v) for v in distinct.to_list()], dtype=dtype)
    table = pl.DataFrame({"value": distinct, "answer": answers})
    joined = values.alias("value").to_frame().join(table, on="value", how="left", maintain_order="left")
    return joined["answer"].alias(values.name)


_FEW_VALUES = 1_000


def _newest(table: TableInfo, column: str, series: pl.Series) -> pl.DataFrame:
    """Without a date the newest row of a code speaks."""
    if column not in table.prepared:
        rows = _periods(table).with_columns(series.alias("value")).drop_nulls("code")
        rows = rows.sort("from", nulls_last=False, maintain_order=True)
        table.prepared[column] = rows.unique("code", keep="last", maintain_order=True)
    rows = table.prepared[column]
    assert isinstance(rows, pl.DataFrame)
    return rows


def _periods(table: TableInfo) -> pl.DataFrame:
    open_end = pl.Series([None], dtype=pl.Date).new_from_index(0, len(table.codes))
    starts = open_end if table.valid_from is None else table.valid_from
    ends = open_end if table.valid_to is None else table.valid_to
    return pl.DataFrame({"code": table.codes, "from": starts, "to": ends})


def _in_force(
    key: pl.Expr, table: TableInfo, date: pl.Expr, apart: Callable[[pl.Expr, str], pl.Expr]
) -> pl.Expr:
    """True when a row of the code covers the date; an unknown date leaves a known code unknown."""
    rows = _periods(table)
    periods = rows.group_by("from", "to", maintain_order=True).agg("code")
    if periods.height <= _FEW_PERIODS:
        parts = [
            _covers(
                apart(_among(key, codes), f"{start} {end}"),
                pl.lit(start, pl.Date),
                pl.lit(end, pl.Date),
                date,
                start,
                end,
            )
            for start, end, codes in zip(periods["from"], periods["to"], periods["code"], strict=True)
        ]
        return some(parts)
    held = []
    for codes, starts, ends in _occurrences(rows):
        start = key.replace_strict(codes, starts, default=None, return_dtype=pl.Date)
        end = key.replace_strict(codes, ends, default=None, return_dtype=pl.Date)
        found = _among(key, codes)
        held.append(found & (start.is_null() | (date >= start)) & (end.is_null() | (date <= end)))
    return some(held)


def _covers(
    found: pl.Expr, start: pl.Expr, end: pl.Expr, date: pl.Expr, has_start: object, has_end: object
) -> pl.Expr:
    if has_start is not None:
        found = found & (date >= start)
    return found if has_end is None else found & (date <= end)


def _occurrences(rows: pl.DataFrame) -> list[tuple[pl.Series, pl.Series, pl.Series]]:
    """The rows split so that every code stands at most once in each part."""
    numbered = rows.drop_nulls("code").with_columns(pl.int_range(pl.len()).over("code").alias("nth"))
    parts = numbered.partition_by("nth", maintain_order=True)
    return [(part["code"], part["from"], part["to"]) for part in parts]


def _lookup(compiler: Compiler, node: Call) -> Value:
    name, table = _table(compiler, node.arguments[1])
    value = _key(compiler, node.arguments[0], table)
    date = _on_date(compiler, node.arguments[3]) if len(node.arguments) > 3 else None
    column = node.arguments[2]
    assert isinstance(column, Text)
    if table is None:
        return Value(pl.lit(None), LangType.UNKNOWN, node)
    found = table.columns.get(column.value)
    if found is None:
        hint = did_you_mean(column.value, table.columns) or f"it has {', '.join(table.columns) or 'none'}"
        raise compiler.error(f"table {name} has no column '{column.value}'", column, hint)
    kind, series = found
    if value.type is LangType.UNKNOWN:
        return Value(pl.lit(None, dtype=dtype_of(kind)), kind, node)
    if date is None:
        return Value(_newest_of(value.expr, table, column.value, series), kind, node)
    if len(table.codes) >= _LARGE:
        row = _row_of(compiler, node, value.expr, table, date)
        return Value(pl.lit(series).gather(row), kind, node)
    rows = _periods(table).with_columns(series.alias("value"))
    numbered = rows.drop_nulls("code").with_columns(pl.int_range(pl.len()).over("code").alias("nth"))
    parts = []
    for part in numbered.partition_by("nth", maintain_order=True):
        start = value.expr.replace_strict(part["code"], part["from"], default=None, return_dtype=pl.Date)
        end = value.expr.replace_strict(part["code"], part["to"], default=None, return_dtype=pl.Date)
        covered = (start.is_null() | (date >= start)) & (end.is_null() | (date <= end))
        parts.append(pl.when(covered).then(_mapped(value.expr, part)))
    return Value(pl.coalesce(parts), kind, node)


def _mapped(key: pl.Expr, rows: pl.DataFrame) -> pl.Expr:
    return key.replace_strict(rows["code"], rows["value"], default=None, return_dtype=rows["value"].dtype)


@lru_cache(maxsize=1)
def _luhn_sums() -> tuple[pl.Series, pl.Series]:
    """Luhn sum of every five-digit number, as the high and as the low half of an NPI."""
    frame = pl.DataFrame({"n": range(100_000)}, schema={"n": pl.Int32})
    digits = [pl.col("n") // 10**place % 10 for place in range(5)]
    doubled = [digit * 2 - pl.when(digit > 4).then(9).otherwise(0) for digit in digits]
    low = pl.sum_horizontal(d if place % 2 else digits[place] for place, d in enumerate(doubled))
    high = pl.sum_horizontal(digits[place] if place % 2 else d for place, d in enumerate(doubled))
    sums = frame.select(high.cast(pl.Int16).alias("high") + _PREFIX_SUM, low.cast(pl.Int16).alias("low"))
    return sums["high"], sums["low"]


_PREFIX_SUM = 24
"""What the prefix 80840 adds to the Luhn sum of an NPI."""


def luhn_npi(text: pl.Expr) -> pl.Expr:
    """True for ten digits whose last is the Luhn check digit of 80840 and the first nine; null on null."""
    high, low = _luhn_sums()
    number = pl.when(text.str.contains("^[0-9]{10}$")).then(text).cast(pl.Int64)
    total = pl.lit(high).gather(number // 100_000) + pl.lit(low).gather(number % 100_000)
    return pl.when(text.is_not_null()).then((total % 10 == 0).fill_null(False))


def _valid_npi(compiler: Compiler, node: Call) -> Value:
    value = compiler.compile(node.arguments[0])
    if value.type is LangType.UNKNOWN:
        return Value(pl.lit(None, dtype=pl.Boolean), LangType.BOOLEAN, node)
    if value.type is not LangType.TEXT:
        raise compiler.error(f"valid_npi needs a text, this is a {value.type.word}", node.arguments[0])
    return Value(luhn_npi(value.expr), LangType.BOOLEAN, node)


BUILDERS: Mapping[str, Callable[[Compiler, Call], Value]] = {
    "known": _known,
    "lookup": _lookup,
    "valid_npi": _valid_npi,
}
