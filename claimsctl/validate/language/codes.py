"""Look-ups of codes in a table: small tables as expressions, large ones through what is made of them once."""

from __future__ import annotations

from collections.abc import Callable

import polars as pl

from claimsctl.validate.language.relations import periods, search
from claimsctl.validate.language.types import TableInfo
from claimsctl.validate.language.values import some

FEW_PERIODS = 8
LARGE = 5_000
"""From this many codes on a look-up is a search in the codes, sorted once: Polars would hash the whole
table anew in every expression of every part, which for ICD-10-CM costs more than all other rules."""


def is_timeless(table: TableInfo) -> bool:
    """Whether a code has one row, in force as long as the table is: then the day says nothing more."""
    if "timeless" not in table.prepared:
        dated = table.valid_from is not None or table.valid_to is not None
        table.prepared["timeless"] = not dated and table.codes.is_unique().all()
    return bool(table.prepared["timeless"])


def is_large(table: TableInfo) -> bool:
    """Whether a table is too large to be part of an expression."""
    return len(table.codes) >= LARGE


def _among(key: pl.Expr, codes: pl.Series) -> pl.Expr:
    return key.is_in(pl.lit(codes.drop_nulls().unique(maintain_order=True)).implode())


def _codes(table: TableInfo) -> pl.Series:
    if "" not in table.prepared:
        table.prepared[""] = table.codes.drop_nulls().unique(maintain_order=True)
    codes = table.prepared[""]
    assert isinstance(codes, pl.Series)
    return codes


def among_all(key: pl.Expr, table: TableInfo) -> pl.Expr:
    """Whether the table has the code, at any time."""
    if not is_large(table):
        return key.is_in(pl.lit(_codes(table)).implode())

    def known(values: pl.Series) -> pl.Series:
        return search(values, _ordered(table)[0])[1].alias(values.name)

    return key.map_batches(known, return_dtype=pl.Boolean, is_elementwise=True)


def newest_of(key: pl.Expr, table: TableInfo, column: str, series: pl.Series) -> pl.Expr:
    """What the newest row of each code says in a column."""
    if not is_large(table):
        return _mapped(key, _newest(table, column, series))

    def found(values: pl.Series) -> pl.Series:
        codes, rows = _ordered(table)
        found, met = search(values, codes)
        answers = series.gather(rows.gather(found)).alias(values.name)
        return answers.scatter((~met.fill_null(False)).arg_true(), None)

    return key.map_batches(found, return_dtype=series.dtype, is_elementwise=True)


def _ordered(table: TableInfo) -> tuple[pl.Series, pl.Series]:
    """The codes of a table, each once, sorted, and beside each the number of its newest row."""
    if "ordered" not in table.prepared:
        rows = periods(table).with_row_index("row").drop_nulls("code").sort("code")
        if rows["code"].n_unique() < rows.height:
            rows = rows.sort("from", nulls_last=False, maintain_order=True).unique("code", keep="last")
            rows = rows.sort("code")
        table.prepared["ordered"] = rows.select("code", "row")
    ordered = table.prepared["ordered"]
    assert isinstance(ordered, pl.DataFrame)
    return ordered["code"], ordered["row"]


def _newest(table: TableInfo, column: str, series: pl.Series) -> pl.DataFrame:
    """Without a date the newest row of a code speaks."""
    if column not in table.prepared:
        rows = periods(table).with_columns(series.alias("value")).drop_nulls("code")
        if rows["code"].n_unique() < rows.height:
            rows = rows.sort("from", nulls_last=False, maintain_order=True)
            rows = rows.unique("code", keep="last", maintain_order=True)
        table.prepared[column] = rows
    rows = table.prepared[column]
    assert isinstance(rows, pl.DataFrame)
    return rows


def in_force(
    key: pl.Expr, table: TableInfo, date: pl.Expr, apart: Callable[[pl.Expr, str], pl.Expr]
) -> pl.Expr:
    """True when a row of the code covers the date; an unknown date leaves a known code unknown."""
    rows = periods(table)
    spans = rows.group_by("from", "to", maintain_order=True).agg("code")
    if spans.height <= FEW_PERIODS:
        parts = [
            _covers(
                apart(_among(key, codes), f"{start} {end}"),
                pl.lit(start, pl.Date),
                pl.lit(end, pl.Date),
                date,
                start,
                end,
            )
            for start, end, codes in zip(spans["from"], spans["to"], spans["code"], strict=True)
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


def of_the_day(key: pl.Expr, table: TableInfo, series: pl.Series, date: pl.Expr) -> pl.Expr:
    """What the first row of each code that covers the date says in a column of a small table."""
    rows = periods(table).with_columns(series.alias("value"))
    numbered = rows.drop_nulls("code").with_columns(pl.int_range(pl.len()).over("code").alias("nth"))
    parts = []
    for part in numbered.partition_by("nth", maintain_order=True):
        start = key.replace_strict(part["code"], part["from"], default=None, return_dtype=pl.Date)
        end = key.replace_strict(part["code"], part["to"], default=None, return_dtype=pl.Date)
        covered = (start.is_null() | (date >= start)) & (end.is_null() | (date <= end))
        parts.append(pl.when(covered).then(_mapped(key, part)))
    return pl.coalesce(parts)


def row_of_the_day(key: pl.Expr, table: TableInfo, date: pl.Expr) -> pl.Expr:
    """Number of the first row of a large table for a code on a date; null when there is none."""

    def found(pairs: pl.Series) -> pl.Series:
        dated = table.prepared.get("rows")
        if dated is None:
            dated = table.prepared["rows"] = periods(table).with_row_index("row").drop_nulls("code")
        assert isinstance(dated, pl.DataFrame)
        asked = pairs.struct.unnest()
        distinct = asked.unique().drop_nulls("code")
        starts, ends, day = pl.col("from"), pl.col("to"), pl.col("day")
        rows = (
            distinct.join(dated, on="code")
            .filter((starts.is_null() | (day >= starts)) & (ends.is_null() | (day <= ends)))
            .group_by("code", "day")
            .agg(pl.col("row").min())
        )
        joined = asked.join(rows, on=["code", "day"], how="left", nulls_equal=True, maintain_order="left")
        return joined["row"].alias(pairs.name)

    pair = pl.struct(key.alias("code"), date.alias("day"))
    return pair.map_batches(found, return_dtype=pl.UInt32, is_elementwise=True)


def _mapped(key: pl.Expr, rows: pl.DataFrame) -> pl.Expr:
    return key.replace_strict(rows["code"], rows["value"], default=None, return_dtype=rows["value"].dtype)
