"""Cross-row facts: what a line's claim, day or patient holds on other lines of the run and of earlier runs.

Each part gives a narrow key frame; aggregates are computed set-wise over all parts and come back as
columns aligned with the rows, so that rules see only columns of one row.

Counting different values is the dear part, and most of it asks whether a claim repeats its values: there
all lines agree nearly always. So a group with several such counts keeps one hash of all its values per
row; where a group's rows agree in it, the answer is 1 or 0 and is read off the row itself, and only the
few groups that disagree are counted exactly (`deferred`).

Lines of earlier runs (`history`) come as key frames of their own, of the same shape, and only give.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

import polars as pl

from claimsctl.claim import BY_NAME
from claimsctl.facts.coded import FEW_ROWS
from claimsctl.facts.typed import TEXT_SUFFIX
from claimsctl.validate.language.aggregates import SPAN_KINDS, Aggregate, AggregateKind
from claimsctl.validate.language.groups import DAY as SERVICE_DATE
from claimsctl.validate.language.groups import Source
from claimsctl.validate.language.predicates import CodedColumns, with_predicates

ROW = "row_index"
_WORTH_DEFERRING = 4


PARTED: frozenset[AggregateKind] = SPAN_KINDS | {"paired"}
"""What lines say of each other, not of their group: spans, near days and pairs."""
DAY = "service_day"
"""Column of key frames: the service date as a number of days, for groups with a window."""

AGGREGATED: Mapping[str, Callable[[pl.Expr], pl.Expr]] = {
    "count": lambda value: value.sum(),
    "sum": lambda value: value.sum(),
    "distinct": lambda value: value.drop_nulls().n_unique().cast(pl.UInt32),
    "several": lambda value: value.explode().drop_nulls().n_unique().cast(pl.UInt32),
    "min": lambda value: value.min(),
    "max": lambda value: value.max(),
}
"""What makes one value of those of a group; counts and sums of several days are summed once more."""


@dataclass(frozen=True)
class Group:
    """Aggregates over one set of key columns, lines of one source and one window.

    `id` names the key column in key frames; groups with equal keys share it.
    """

    id: str
    keys: tuple[str, ...]
    aggregates: tuple[Aggregate, ...]
    deferred: tuple[Aggregate, ...] = ()
    source: Source = "run"
    window: tuple[int, int] | None = None

    @property
    def at(self) -> list[str]:
        """Columns of key frames by which lines of the group meet."""
        return [self.id] if self.window is None else [self.id, DAY]

    @property
    def tuple_column(self) -> str:
        """Column of key frames that hashes the values of all deferred aggregates."""
        return f"{self.id}_tuple"


def plan_groups(aggregates: Iterable[Aggregate], *, defer: bool = False) -> tuple[Group, ...]:
    """Aggregates by key columns, source and window, in a stable order; `defer`: as the module says."""
    members: dict[tuple[tuple[str, ...], Source, tuple[int, int] | None], list[Aggregate]] = {}
    for aggregate in sorted(set(aggregates), key=lambda a: (a.group, a.source, a.window or (0, 0), a.name)):
        members.setdefault((aggregate.group, aggregate.source, aggregate.window), []).append(aggregate)
    ids = {keys: f"group_{n}" for n, keys in enumerate(dict.fromkeys(keys for keys, _, _ in members))}
    groups = []
    for (keys, source, window), found in members.items():
        distinct = tuple(a for a in found if a.kind in ("distinct", "several") and _repeats(a, keys))
        worth = len(distinct) >= _WORTH_DEFERRING or any(a.kind == "several" for a in distinct)
        deferred = distinct if defer and worth and source == "run" and window is None else ()
        now = tuple(a for a in found if a not in deferred)
        groups.append(Group(ids[keys], keys, now, deferred, source, window))
    return tuple(groups)


def only(groups: Iterable[Group], aggregates: Collection[Aggregate]) -> tuple[Group, ...]:
    """The groups with these aggregates only, those without any left out."""
    kept = (
        replace(
            group,
            aggregates=tuple(a for a in group.aggregates if a in aggregates),
            deferred=tuple(a for a in group.deferred if a in aggregates),
        )
        for group in groups
    )
    return tuple(group for group in kept if group.aggregates or group.deferred)


def _repeats(aggregate: Aggregate, keys: tuple[str, ...]) -> bool:
    """Whether the values are those that every line of a claim repeats."""
    read = aggregate.columns - set(keys)
    columns = [BY_NAME.get(name.removesuffix(TEXT_SUFFIX)) for name in read]
    return bool(columns) and all(column is not None and column.level == "claim" for column in columns)


def needed(groups: Sequence[Group], source: Source = "run") -> set[str]:
    """Columns and facts that the key frames of a source read."""
    here = [group for group in groups if source in ("run", group.source)]
    members = [a for g in here if g.source == source for a in (*g.aggregates, *g.deferred)]
    names = {ROW}.union(*(a.columns for a in members), *(g.keys for g in here))
    return names | ({SERVICE_DATE} if any(group.window for group in here) else set())


def key_frame(
    frame: pl.DataFrame,
    groups: Sequence[Group],
    coded: CodedColumns = lambda _name: None,
    source: Source = "run",
) -> pl.DataFrame:
    """Row-aligned keys (64-bit, null if a part is null) and the values that these lines give to aggregates.

    Lines of the run have the keys of all groups, since all of them ask; those of earlier runs only give.
    """
    here = [group for group in groups if source in ("run", group.source)]
    giving = [group for group in here if group.source == source]
    keys = {group.id: group.keys for group in here}
    predicates = set().union(*(a.predicates for g in giving for a in (*g.aggregates, *g.deferred)))
    day = pl.col(SERVICE_DATE).to_physical().alias(DAY)
    schema = frame.schema
    wanted = (
        [pl.col(ROW)]
        + [_key(names, schema).alias(name) for name, names in keys.items()]
        + ([day] if any(group.window for group in here) else [])
        + [_value(a).alias(a.name) for group in giving for a in group.aggregates]
        + [part.alias(a.part(n)) for group in giving for a in group.aggregates if a.kind in PARTED
           for n, part in enumerate(a.parts)]
        + [_tuple(group).alias(group.tuple_column) for group in giving if group.deferred]
    )  # fmt: skip
    frame = with_predicates(frame, predicates, coded)
    if frame.height < FEW_ROWS:  # planning a lazy query costs more than it saves
        return frame.select(wanted)
    return frame.lazy().select(wanted).collect(engine="in-memory")


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
    counts = [AGGREGATED[a.kind](pl.col(a.name)).cast(pl.Int64) for a in group.deferred]
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
