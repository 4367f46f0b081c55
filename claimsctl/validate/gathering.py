"""Aggregates over groups of lines, as columns aligned with the lines that ask."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Final

import polars as pl

from claimsctl.validate.cross import AGGREGATED, DAY, PARTED, ROW, Group, without
from claimsctl.validate.language.aggregates import Aggregate
from claimsctl.validate.language.groups import Source
from claimsctl.validate.language.relations import DAY as PAIR_DAY
from claimsctl.validate.language.types import LangType
from claimsctl.validate.language.values import dtype_of
from claimsctl.validate.pairing import COUNTS, GROUP, VALUE, paired_column
from claimsctl.validate.spans import A, B, span_column

NOTHING: Final = pl.LazyFrame()
"""The key frame of earlier runs that have no line to give."""
_DTYPES: Final = {kind: dtype_of(kind) for kind in LangType}


def cross_columns(
    keys: pl.LazyFrame,
    groups: Sequence[Group],
    excluded: pl.Series | None = None,
    counted: Mapping[str, pl.DataFrame] | None = None,
    *,
    history: pl.LazyFrame | None = None,
    most: int | None = None,
) -> Iterator[pl.LazyFrame]:
    """The aggregates of each group as columns aligned with `keys`, in its order, some at a time.

    Rows whose index is in `excluded` (exact duplicates) do not count, but get their columns. A null key
    gives null; an empty count or sum is 0; an empty minimum or maximum is null. `counted` has the exact
    counts of groups that disagree (`count_exactly`); deferred aggregates are null where `settle` has the
    answer. Apart, because one chain of joins would drag all columns through every join. Each frame joins
    one table with a row per group; `most` aggregates at once bound the memory that takes (without it the
    rows are few, and fewer, simpler queries are what counts). `history` is the key frame of earlier runs,
    or NOTHING; without it, aggregates over them are null.
    """
    given_by: dict[Source, pl.LazyFrame | None] = {"run": without(keys, excluded), "history": history}
    silent = set().union(*(_silent(given_by[s], groups, s, few=most is None) for s in given_by))
    simple = [(g, a) for g in groups for a in g.aggregates if a.name in silent]
    if simple:
        yield keys.select(_empty(g, a, known=given_by[g.source] is not None) for g, a in simple)
    for group in groups:
        given = given_by[group.source]
        for members in _together(group, silent, most):
            assert given is not None
            saying, at = _saying(given, group.at, members), group.at
            if group.window is not None:
                table = _near(keys, saying, at, members, group.window)
            elif most and members[0].kind == "distinct":
                table = _distinct(saying, group.id, members)
            else:
                table = _table(saying, at, members)
            joined = keys.select(at).join(table, on=at, how="left", maintain_order="left")
            yield joined.select(_result(a, at).alias(a.name) for a in members)
        for aggregate in group.aggregates:
            if aggregate.kind in PARTED:
                yield _parted(keys, group, aggregate, excluded)
        if group.deferred:
            yield _settled(keys, group, (counted or {}).get(group.id))


def _parted(
    keys: pl.LazyFrame, group: Group, aggregate: Aggregate, excluded: pl.Series | None
) -> pl.LazyFrame:
    """Spans and pairs: what lines say of each other, not of their group."""
    names = (A, B) if aggregate.pair is None else (VALUE, PAIR_DAY)
    counts = pl.col(aggregate.name)
    if excluded is not None and len(excluded):
        counts &= ~pl.col(ROW).is_in(excluded.implode())
    parts = [pl.col(aggregate.part(n)).alias(names[n]) for n in range(len(aggregate.parts))]
    lines = keys.select(pl.col(group.id).alias(GROUP), counts.alias(COUNTS), *parts)
    # Nothing here holds the lines that are brought together, so that what reads them can let go of them.
    if aggregate.pair is None:
        found = span_column(aggregate.kind, lines.collect(engine="in-memory"))
    else:
        found = paired_column(lines.collect(engine="in-memory"), *aggregate.pair)
    return found.alias(aggregate.name).to_frame().lazy()


def _settled(keys: pl.LazyFrame, group: Group, counted: pl.DataFrame | None) -> pl.LazyFrame:
    """Deferred counts where they are known exactly, null elsewhere."""
    names = [a.name for a in group.deferred]
    if counted is None:
        return keys.select(pl.when(False).then(group.id).cast(pl.Int64).alias(name) for name in names)
    joined = keys.select(group.id).join(counted.lazy(), on=group.id, how="left", maintain_order="left")
    return joined.select(names)


def _silent(rows: pl.LazyFrame | None, groups: Sequence[Group], source: Source, *, few: bool) -> set[str]:
    """Aggregates to which no line of a source has anything to give, and so need no table: most conditions
    are about codes that a file does not have."""
    members = [a for g in groups if g.source == source for a in g.aggregates if a.kind not in PARTED]
    if rows is None or rows is NOTHING:
        return {a.name for a in members}
    asked = [_says(a).any().alias(a.name) for a in members if a.inner is not None]
    if not asked:
        return set()
    found = rows.select(asked).collect(engine="in-memory" if few else "streaming").row(0, named=True)
    return {name for name, says in found.items() if not says}


def _empty(group: Group, aggregate: Aggregate, *, known: bool) -> pl.Expr:
    """What no line gives anything to: nothing is counted, or where that is not `known`, null."""
    counted = known and aggregate.kind in ("count", "sum", "distinct", "several")
    nothing = pl.lit(0 if counted else None).cast(_DTYPES[aggregate.result_type])
    return pl.when(_complete(group.at)).then(nothing).alias(aggregate.name)


def _near(
    keys: pl.LazyFrame,
    saying: pl.LazyFrame,
    at: Sequence[str],
    members: Sequence[Aggregate],
    window: tuple[int, int],
) -> pl.LazyFrame:
    """The aggregates of one sort over the days of the window around each key and day that asks.

    Lines are summed up by day first and met by distinct days, so that a key with very many lines (a blank
    filled with a dummy) costs its days squared, not its lines squared.
    """
    daily = saying.unique() if members[0].kind == "distinct" else _table(saying, at, members)
    key, _ = at
    asking = keys.select(at).drop_nulls().join(daily.select(key).unique(), on=key, how="semi").unique()
    near = asking.join(daily.rename({DAY: "day"}), on=key).filter(
        (pl.col("day") - pl.col(DAY)).is_between(*window)
    )
    if members[0].kind == "distinct":
        return _table(near, at, members)
    return near.group_by(at).agg(AGGREGATED[a.kind](pl.col(a.name + _ALL)) for a in members)


def _together(group: Group, silent: Collection[str], most: int | None) -> Iterator[Sequence[Aggregate]]:
    """Aggregates of one sort: counts are apart since few rows meet a condition, distinct ones see above."""
    aggregates = [a for a in group.aggregates if a.name not in silent]
    sorts = (("count",), ("distinct",), ("several",), ("sum", "min", "max"))
    few = (("count",), ("distinct", "several", "sum", "min", "max"))
    for kinds in sorts if most or group.window else few:
        members = [a for a in aggregates if a.kind in kinds]
        step = most or len(members) or 1
        if most and kinds == ("distinct",):
            step = max(1, most // 2)  # each keeps two values for a group
        for first in range(0, len(members), step):
            yield members[first : first + step]


def _saying(rows: pl.LazyFrame, at: Sequence[str], members: Sequence[Aggregate]) -> pl.LazyFrame:
    """The rows that have anything to say."""
    says = pl.any_horizontal(_says(a) for a in members)
    return rows.select([*at, *[a.name for a in members]]).filter(_complete(at) & says)


def _says(aggregate: Aggregate) -> pl.Expr:
    value = pl.col(aggregate.name)
    return value if aggregate.kind == "count" else value.is_not_null()


def _complete(at: Sequence[str]) -> pl.Expr:
    return pl.all_horizontal(pl.col(name).is_not_null() for name in at)


def _table(saying: pl.LazyFrame, at: Sequence[str], members: Sequence[Aggregate]) -> pl.LazyFrame:
    """One row per group (and day) with its aggregates."""
    return saying.group_by(at).agg([AGGREGATED[a.kind](pl.col(a.name)).alias(a.name + _ALL) for a in members])


def _distinct(saying: pl.LazyFrame, key: str, members: Sequence[Aggregate]) -> pl.LazyFrame:
    """Counts of different values: nearly always one, which the smallest and the greatest tell; a set of
    values for every group would take many times the memory."""
    names = [a.name for a in members]
    agree = [pl.col(f"{name}__low") == pl.col(f"{name}__high") for name in names]
    ends = [pl.col(names).min().name.suffix("__low"), pl.col(names).max().name.suffix("__high")]
    found = (
        saying.group_by(key)
        .agg(ends)
        .select(
            key,
            pl.all_horizontal(each.fill_null(True) for each in agree).alias("agree"),
            *(pl.col(f"{name}__low").is_not_null().cast(pl.UInt32).alias(name + _ALL) for name in names),
        )
        .collect(engine="streaming")
    )
    several = found.filter(~pl.col("agree"))[key]
    agreed = found.lazy().filter("agree").drop("agree")
    if several.is_empty():
        return agreed
    exact = _table(saying.filter(pl.col(key).is_in(several.implode())), [key], members)
    return pl.concat([agreed, exact.collect(engine="streaming").lazy()])


_ALL = "__all"


def _result(aggregate: Aggregate, at: Sequence[str]) -> pl.Expr:
    value = pl.col(aggregate.name + _ALL)
    if aggregate.kind in ("count", "distinct", "several"):
        value = value.cast(pl.Int64)
    if aggregate.kind in ("count", "distinct", "several", "sum"):
        value = value.fill_null(0)
    return pl.when(_complete(at)).then(value)
