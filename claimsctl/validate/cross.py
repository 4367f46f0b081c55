"""Cross-row facts: what a line's claim, day or patient holds on other lines of the run.

Each part gives a narrow key frame; aggregates are computed set-wise over all parts and come back as
columns aligned with the rows, so that rules see only columns of one row.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import polars as pl

from claimsctl.validate.language.aggregates import Aggregate

ROW = "row_index"


@dataclass(frozen=True)
class Group:
    """Aggregates over one set of key columns; `id` names the key column in key frames."""

    id: str
    keys: tuple[str, ...]
    aggregates: tuple[Aggregate, ...]


def plan_groups(aggregates: Iterable[Aggregate]) -> tuple[Group, ...]:
    """Aggregates by key columns, in a stable order."""
    by_keys: dict[tuple[str, ...], list[Aggregate]] = {}
    for aggregate in sorted(set(aggregates), key=lambda a: (a.group, a.name)):
        by_keys.setdefault(aggregate.group, []).append(aggregate)
    return tuple(
        Group(f"group_{n}", keys, tuple(members)) for n, (keys, members) in enumerate(by_keys.items())
    )


def needed(groups: Sequence[Group]) -> set[str]:
    """Columns and facts that the key frames read."""
    return {ROW}.union(*(a.columns for g in groups for a in g.aggregates), *(g.keys for g in groups))


def key_frame(frame: pl.DataFrame, groups: Sequence[Group]) -> pl.DataFrame:
    """Row-aligned keys (64-bit, null if a part is null) and aggregated values of a part."""
    return frame.lazy().select(
        [pl.col(ROW)]
        + [_key(group.keys, frame.schema).alias(group.id) for group in groups]
        + [_value(a).alias(a.name) for group in groups for a in group.aggregates]
    ).collect()  # fmt: skip


def _key(keys: tuple[str, ...], schema: pl.Schema) -> pl.Expr:
    if len(keys) == 1 and schema[keys[0]] == pl.UInt64:
        return pl.col(keys[0])
    known = pl.all_horizontal([pl.col(k).is_not_null() for k in keys])
    return pl.when(known).then(pl.struct(list(keys)).hash(seed=5))


def _value(aggregate: Aggregate) -> pl.Expr:
    if aggregate.inner is None:
        return pl.lit(True)
    if aggregate.kind == "distinct":  # only equality matters: eight bytes instead of a text
        return pl.when(aggregate.inner.is_not_null()).then(aggregate.inner.hash(seed=7))
    return aggregate.inner


def cross_columns(
    keys: pl.LazyFrame,
    groups: Sequence[Group],
    excluded: pl.Series | None = None,
    keep: Sequence[str] = (),
) -> pl.LazyFrame:
    """The aggregates as columns aligned with `keys`, in its order.

    Rows whose index is in `excluded` (exact duplicates) do not count, but get their columns. A null key
    gives null; `keep` are further columns of `keys` to keep; an empty count or sum is 0; an empty minimum or maximum is null.
    """
    counted = keys if excluded is None or excluded.is_empty() else keys.filter(
        ~pl.col(ROW).is_in(excluded.implode())
    )  # fmt: skip
    joined = keys
    for group in groups:
        joined = joined.join(
            _table(counted, group), on=group.id, how="left", maintain_order="left", suffix="__all"
        )
    return joined.select(
        [pl.col(ROW), *keep] + [_result(a, group).alias(a.name) for group in groups for a in group.aggregates]
    )


def _table(counted: pl.LazyFrame, group: Group) -> pl.LazyFrame:
    """One row per group that has anything to say."""
    says = [pl.col(a.name) if a.kind == "count" else pl.col(a.name).is_not_null() for a in group.aggregates]
    return (
        counted.select([group.id, *[a.name for a in group.aggregates]])
        .filter(pl.col(group.id).is_not_null() & pl.any_horizontal(says))
        .group_by(group.id)
        .agg([_AGGREGATE[a.kind](pl.col(a.name)).alias(a.name + "__all") for a in group.aggregates])
    )


_AGGREGATE = {
    "count": lambda value: value.sum().cast(pl.Int64),
    "sum": lambda value: value.sum(),
    "distinct": lambda value: value.drop_nulls().n_unique().cast(pl.Int64),
    "min": lambda value: value.min(),
    "max": lambda value: value.max(),
}


def _result(aggregate: Aggregate, group: Group) -> pl.Expr:
    value = pl.col(aggregate.name + "__all")
    if aggregate.kind in ("count", "distinct", "sum"):
        value = value.fill_null(0)
    return pl.when(pl.col(group.id).is_not_null()).then(value)
