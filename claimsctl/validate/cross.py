"""Cross-row facts: what a line's claim, day or patient holds on other lines of the run.

Each part gives a narrow key frame; aggregates are computed set-wise over all parts and come back as
columns aligned with the rows, so that rules see only columns of one row.

Counting different values is the dear part, and most of it asks whether a claim repeats its values: there
all lines agree nearly always. So a group with several such counts keeps one hash of all its values per
row; where a group's rows agree in it, the answer is 1 or 0 and is read off the row itself, and only the
few groups that disagree are counted exactly (`deferred`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import polars as pl

from claimsctl.claim import BY_NAME
from claimsctl.facts.typed import TEXT_SUFFIX
from claimsctl.validate.language.aggregates import SPAN_KINDS, Aggregate, AggregateKind
from claimsctl.validate.language.predicates import CodedColumns, with_predicates
from claimsctl.validate.language.relations import DAY
from claimsctl.validate.pairing import COUNTS, GROUP, VALUE, paired_column
from claimsctl.validate.spans import A, B, C, span_column

ROW = "row_index"
_WORTH_DEFERRING = 4


@dataclass(frozen=True)
class Group:
    """Aggregates over one set of key columns; `id` names the key column in key frames."""

    id: str
    keys: tuple[str, ...]
    aggregates: tuple[Aggregate, ...]
    deferred: tuple[Aggregate, ...] = ()

    @property
    def tuple_column(self) -> str:
        """Column of key frames that hashes the values of all deferred aggregates."""
        return f"{self.id}_tuple"


def plan_groups(aggregates: Iterable[Aggregate], *, defer: bool = False) -> tuple[Group, ...]:
    """Aggregates by key columns, in a stable order; `defer`: as the module says."""
    by_keys: dict[tuple[str, ...], list[Aggregate]] = {}
    for aggregate in sorted(set(aggregates), key=lambda a: (a.group, a.name)):
        by_keys.setdefault(aggregate.group, []).append(aggregate)
    groups = []
    for n, (keys, members) in enumerate(by_keys.items()):
        distinct = tuple(a for a in members if a.kind in ("distinct", "several") and _repeats(a, keys))
        worth = len(distinct) >= _WORTH_DEFERRING or any(a.kind == "several" for a in distinct)
        deferred = distinct if defer and worth else ()
        now = tuple(a for a in members if a not in deferred)
        groups.append(Group(f"group_{n}", keys, now, deferred))
    return tuple(groups)


def _repeats(aggregate: Aggregate, keys: tuple[str, ...]) -> bool:
    """Whether the values are those that every line of a claim repeats."""
    read = aggregate.columns - set(keys)
    columns = [BY_NAME.get(name.removesuffix(TEXT_SUFFIX)) for name in read]
    return bool(columns) and all(column is not None and column.level == "claim" for column in columns)


def needed(groups: Sequence[Group]) -> set[str]:
    """Columns and facts that the key frames read."""
    members = [a for g in groups for a in (*g.aggregates, *g.deferred)]
    return {ROW}.union(*(a.columns for a in members), *(g.keys for g in groups))


def key_frame(
    frame: pl.DataFrame, groups: Sequence[Group], coded: CodedColumns = lambda _name: None
) -> pl.DataFrame:
    """Row-aligned keys (64-bit, null if a part is null) and aggregated values of a part."""
    predicates = set().union(*(a.predicates for g in groups for a in (*g.aggregates, *g.deferred)))
    return with_predicates(frame, predicates, coded).lazy().select(
        [pl.col(ROW)]
        + [_key(group.keys, frame.schema).alias(group.id) for group in groups]
        + [_value(a).alias(a.name) for group in groups for a in group.aggregates]
        + [part.alias(a.part(n)) for group in groups for a in group.aggregates if a.kind in _PARTED
           for n, part in enumerate(a.parts)]
        + [_tuple(group).alias(group.tuple_column) for group in groups if group.deferred]
    ).collect()  # fmt: skip


def _key(keys: tuple[str, ...], schema: pl.Schema) -> pl.Expr:
    if len(keys) == 1 and schema[keys[0]] == pl.UInt64:
        return pl.col(keys[0])
    known = pl.all_horizontal([pl.col(k).is_not_null() for k in keys])
    return pl.when(known).then(pl.struct(list(keys)).hash(seed=5))


def _value(aggregate: Aggregate) -> pl.Expr:
    if aggregate.inner is None:
        return pl.lit(True)
    if aggregate.kind == "several":
        return pl.concat_list(pl.when(part.is_not_null()).then(part.hash(seed=7)) for part in aggregate.parts)
    if aggregate.kind == "distinct":  # only equality matters: eight bytes instead of a text
        return pl.when(aggregate.inner.is_not_null()).then(aggregate.inner.hash(seed=7))
    return aggregate.inner


def _tuple(group: Group) -> pl.Expr:
    total = pl.lit(0, pl.UInt64)
    for aggregate in group.deferred:
        assert aggregate.inner is not None
        total = total * 31 + aggregate.inner.hash(seed=7)
    return total


def cross_columns(
    keys: pl.LazyFrame,
    groups: Sequence[Group],
    excluded: pl.Series | None = None,
    counted: Mapping[str, pl.DataFrame] | None = None,
    *,
    most: int | None = None,
) -> Iterator[pl.LazyFrame]:
    """The aggregates of each group as columns aligned with `keys`, in its order, some at a time.

    Rows whose index is in `excluded` (exact duplicates) do not count, but get their columns. A null key
    gives null; an empty count or sum is 0; an empty minimum or maximum is null. `counted` has the exact
    counts of groups that disagree (`count_exactly`); deferred aggregates are null where `settle` has the
    answer. Apart, because one chain of joins would drag all columns through every join. Each frame joins
    one table with a row per group; `most` aggregates at once bound the memory that takes (without it the
    rows are few, and fewer, simpler queries are what counts).
    """
    rows = without(keys, excluded)
    for group in groups:
        for members in _together(group.aggregates, most):
            table = _distinct if most and members[0].kind == "distinct" else _table
            joined = keys.select(group.id).join(
                table(_saying(rows, group, members), group.id, members),
                on=group.id,
                how="left",
                maintain_order="left",
            )
            yield joined.select(_result(a, group).alias(a.name) for a in members)
        for aggregate in group.aggregates:
            if aggregate.kind in _PARTED:
                yield _parted(keys, group, aggregate, excluded)
        if group.deferred:
            yield _settled(keys, group, (counted or {}).get(group.id))


_PARTED: frozenset[AggregateKind] = SPAN_KINDS | {"paired"}


def _parted(
    keys: pl.LazyFrame, group: Group, aggregate: Aggregate, excluded: pl.Series | None
) -> pl.LazyFrame:
    """Spans and pairs: what lines say of each other, not of their group."""
    names = (A, B, C) if aggregate.pair is None else (VALUE, DAY)
    counts = pl.col(aggregate.name)
    if excluded is not None and len(excluded):
        counts &= ~pl.col(ROW).is_in(excluded.implode())
    parts = [pl.col(aggregate.part(n)).alias(names[n]) for n in range(len(aggregate.parts))]
    lines = keys.select(pl.col(group.id).alias(GROUP), counts.alias(COUNTS), *parts).collect()
    if aggregate.pair is None:
        return span_column(aggregate.kind, lines).alias(aggregate.name).to_frame().lazy()
    return paired_column(lines, *aggregate.pair).alias(aggregate.name).to_frame().lazy()


def _settled(keys: pl.LazyFrame, group: Group, counted: pl.DataFrame | None) -> pl.LazyFrame:
    """Deferred counts where they are known exactly, null elsewhere."""
    names = [a.name for a in group.deferred]
    if counted is None:
        return keys.select(group.id).select(pl.lit(None, pl.Int64).alias(name) for name in names)
    joined = keys.select(group.id).join(counted.lazy(), on=group.id, how="left", maintain_order="left")
    return joined.select(names)


def _together(aggregates: Sequence[Aggregate], most: int | None) -> Iterator[Sequence[Aggregate]]:
    """Aggregates of one sort: counts are apart since few rows meet a condition, distinct ones see above."""
    sorts = (("count",), ("distinct",), ("several",), ("sum", "min", "max"))
    for kinds in sorts if most else (("count",), ("distinct", "several", "sum", "min", "max")):
        members = [a for a in aggregates if a.kind in kinds]
        for first in range(0, len(members), most or len(members) or 1):
            yield members[first : first + (most or len(members))]


def without(keys: pl.LazyFrame, excluded: pl.Series | None) -> pl.LazyFrame:
    """`keys` without the rows whose index is in `excluded`."""
    if excluded is None or excluded.is_empty():
        return keys
    return keys.filter(~pl.col(ROW).is_in(excluded.implode()))


def disagreeing(keys: pl.LazyFrame, group: Group, excluded: pl.Series | None = None) -> pl.Series:
    """Keys of groups whose rows differ in some deferred value."""
    found = (
        without(keys, excluded)
        .select(group.id, group.tuple_column)
        .filter(pl.col(group.id).is_not_null())
        .group_by(group.id)
        .agg(pl.col(group.tuple_column).min().alias("low"), pl.col(group.tuple_column).max().alias("high"))
        .filter(pl.col("low") != pl.col("high"))
    )
    return found.select(group.id).collect(engine="streaming")[group.id]


def deferred_values(frame: pl.DataFrame, group: Group) -> pl.DataFrame:
    """Key and values of the deferred aggregates of some rows."""
    frame = with_predicates(frame, set().union(*(a.predicates for a in group.deferred)))
    return frame.select(
        _key(group.keys, frame.schema).alias(group.id), *[_value(a).alias(a.name) for a in group.deferred]
    )


def count_exactly(values: pl.DataFrame, group: Group) -> pl.DataFrame:
    """Exact counts of the deferred aggregates, one row per group."""
    counts = [_AGGREGATE[a.kind](pl.col(a.name)).cast(pl.Int64) for a in group.deferred]
    return values.group_by(group.id).agg(counts)


def settle(
    frame: pl.DataFrame, groups: Sequence[Group], coded: CodedColumns = lambda _name: None
) -> pl.DataFrame:
    """Deferred aggregates of groups whose rows agree: 1 where the row has a value, else 0."""
    deferred = [(group, a) for group in groups for a in group.deferred]
    if not deferred:
        return frame
    frame = with_predicates(frame, set().union(*(a.predicates for _, a in deferred)), coded)
    return frame.with_columns(
        pl.when(_known(group.keys)).then(pl.coalesce(pl.col(a.name), _alone(a))).alias(a.name)
        for group, a in deferred
    )


def _known(keys: tuple[str, ...]) -> pl.Expr:
    return pl.all_horizontal([pl.col(key).is_not_null() for key in keys])


def _alone(aggregate: Aggregate) -> pl.Expr:
    """How many different values a line has by itself."""
    if aggregate.own is not None:
        return aggregate.own
    assert aggregate.inner is not None
    return aggregate.inner.is_not_null().cast(pl.Int64)


def _saying(rows: pl.LazyFrame, group: Group, members: Sequence[Aggregate]) -> pl.LazyFrame:
    """The rows that have anything to say."""
    says = [pl.col(a.name) if a.kind == "count" else pl.col(a.name).is_not_null() for a in members]
    return rows.select([group.id, *[a.name for a in members]]).filter(
        pl.col(group.id).is_not_null() & pl.any_horizontal(says)
    )


def _table(saying: pl.LazyFrame, key: str, members: Sequence[Aggregate]) -> pl.LazyFrame:
    """One row per group with its aggregates."""
    return saying.group_by(key).agg(
        [_AGGREGATE[a.kind](pl.col(a.name)).alias(a.name + _ALL) for a in members]
    )


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
    exact = _table(saying.filter(pl.col(key).is_in(several.implode())), key, members)
    return pl.concat([agreed, exact.collect(engine="streaming").lazy()])


_ALL = "__all"
_AGGREGATE: Mapping[str, Callable[[pl.Expr], pl.Expr]] = {
    "count": lambda value: value.sum(),
    "sum": lambda value: value.sum(),
    "distinct": lambda value: value.drop_nulls().n_unique().cast(pl.UInt32),
    "several": lambda value: value.explode().drop_nulls().n_unique().cast(pl.UInt32),
    "min": lambda value: value.min(),
    "max": lambda value: value.max(),
}


def _result(aggregate: Aggregate, group: Group) -> pl.Expr:
    value = pl.col(aggregate.name + _ALL)
    if aggregate.kind in ("count", "distinct", "several"):
        value = value.cast(pl.Int64)
    if aggregate.kind in ("count", "distinct", "several", "sum"):
        value = value.fill_null(0)
    return pl.when(pl.col(group.id).is_not_null()).then(value)
