"""Features as numbers: what a model multiplies. Learnt once in training, kept with the model.

Every column is centred on its mean in training, so 0 stands for what is typical, and a weight times a column
is what it adds to the risk of a typical claim.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import combinations
from typing import Any, Final, Literal

import numpy as np
import polars as pl

from claimsctl.score.own import OWN, own_type, own_values

Form = Literal["number", "above", "missing", "level", "both"]
Floats = np.ndarray[Any, np.dtype[np.float64]]

MOST_LEVELS: Final = 25
MOST_FLAGS: Final = 16
"""Flags whose pairs are columns: the one that is wanted and the one that is there."""
KNOTS: Final = (0.25, 0.5, 0.75, 0.9)
_TAIL: Final = 0.005
_FEW: Final = 5


@dataclass(frozen=True)
class Column:
    """A column of numbers: (value - mean) / scale.

    `number`: the feature, `fill` where it is null, cut at `low` and `high`. `above`: how far that is above
    `knot`. `missing`: 1 where it is null. `level`: 1 where it is the text `level`. `both`: 1 where the
    feature and `other`, filled, are both above a half.
    """

    feature: str
    form: Form
    mean: float = 0.0
    scale: float = 1.0
    fill: float = 0.0
    low: float | None = None
    high: float | None = None
    knot: float = 0.0
    level: str = ""
    other: str = ""
    other_fill: float = 0.0

    def raw(self) -> pl.Expr:
        """The value before it is centred."""
        given = pl.col(self.feature)
        if self.form == "level":
            return given.eq_missing(pl.lit(self.level)).cast(pl.Float64)
        if self.form == "missing":
            return given.is_null().cast(pl.Float64)
        value = _filled(self.feature, self.fill)
        if self.form == "both":
            return ((value > 0.5) & (_filled(self.other, self.other_fill) > 0.5)).cast(pl.Float64)
        if self.low is not None or self.high is not None:
            value = value.clip(self.low, self.high)
        return (value - self.knot).clip(0.0, None) if self.form == "above" else value

    def expr(self) -> pl.Expr:
        """The column; never null."""
        return (self.raw() - self.mean) / self.scale

    def as_dict(self) -> dict[str, object]:
        """For JSON: what differs from the default."""
        plain = Column("", self.form)
        return {k: v for k, v in asdict(self).items() if k == "form" or v != getattr(plain, k)}


def _filled(name: str, fill: float) -> pl.Expr:
    value = pl.col(name).cast(pl.Float64)
    return pl.when(value.is_finite()).then(value).otherwise(fill)


def encode(features: pl.DataFrame, columns: Sequence[Column]) -> Floats:
    """The matrix of the columns, a row per claim; features that are absent count as null.

    Numbers are those of 32 bits, which ONNX and the trees of scikit-learn see, so that all of them agree on
    which side of a threshold a claim is.
    """
    given = with_absent(features, columns)
    found = given.select(column.expr().alias(str(n)) for n, column in enumerate(columns))
    return found.to_numpy().astype(np.float32).astype(np.float64)


def with_absent(features: pl.DataFrame, columns: Sequence[Column]) -> pl.DataFrame:
    """The features with nulls for those that the columns need and that are not there.

    A column of the house's own that is text here and a number there is read as what the columns were made of.
    """
    texts = {c.feature for c in columns if c.form == "level"}
    kinds = {
        name: "category" if name in texts else "number"
        for c in columns
        for name in (c.feature, c.other)
        if name
    }
    made = [
        own_values(features[name], kind)
        for name, kind in kinds.items()
        if name.startswith(OWN) and name in features.columns
        and (features.schema[name] == pl.String) != (kind == "category")
    ]  # fmt: skip
    absent = [
        pl.lit(None, own_type(kinds[name])).alias(name)
        for name in sorted(kinds.keys() - set(features.columns))
    ]
    return features.with_columns(*made, *absent)


def learn(features: pl.DataFrame, kinds: Mapping[str, str], *, shaped: bool) -> tuple[Column, ...]:
    """The columns for features of some kinds (number, category, flag), as these claims have them.

    `shaped`: with columns that let a weighted sum bend (above) and see pairs of flags (both); trees and
    networks find both themselves. What is the same on every claim is left out.
    """
    columns: list[Column] = []
    flags: list[Column] = []
    for name, kind in kinds.items():
        given = features[name]
        if kind == "category":
            columns += _levels(name, given, features.height)
            continue
        found = _numbers(name, given.cast(pl.Float64), shaped=shaped)
        columns += found
        if shaped and found and found[0].form == "number" and _two_valued(given):
            flags.append(found[0])
    for one, two in combinations(flags[:MOST_FLAGS], 2):
        columns.append(Column(one.feature, "both", fill=one.fill, other=two.feature, other_fill=two.fill))
    return _centred(features, columns)


def _two_valued(given: pl.Series) -> bool:
    return set(given.drop_nulls().cast(pl.Float64).unique()) == {0.0, 1.0}


def _levels(name: str, given: pl.Series, height: int) -> list[Column]:
    # A level of few claims tells of people, not of payers, and is not kept.
    least = max(10, height // 200)
    counted = given.drop_nulls().value_counts().rename({given.name: "level"})
    kept = counted.filter(pl.col("count") >= least).sort(["count", "level"], descending=[True, False])
    columns = [Column(name, "level", level=level) for level in kept["level"].head(MOST_LEVELS).sort()]
    if given.null_count() >= least:
        columns.append(Column(name, "missing"))
    return columns


def _numbers(name: str, given: pl.Series, *, shaped: bool) -> list[Column]:
    known = given.filter(given.is_finite()).sort()
    if not len(known):
        return []
    fill, low, high = (_float(known.quantile(q)) for q in (0.5, _TAIL, 1 - _TAIL))
    distinct = known.n_unique()
    if distinct <= _FEW:
        low, high = _float(known.min()), _float(known.max())
    columns = [Column(name, "number", fill=fill, low=low, high=high)] if distinct > 1 else []
    if shaped and distinct > _FEW:
        knots = sorted({_float(known.quantile(q)) for q in KNOTS} - {low, high})
        columns += [Column(name, "above", fill=fill, low=low, high=high, knot=knot) for knot in knots]
    if given.null_count():
        columns.append(Column(name, "missing"))
    return columns


def _centred(features: pl.DataFrame, columns: Sequence[Column]) -> tuple[Column, ...]:
    if not columns:
        return ()
    raw = features.select(column.raw().alias(str(n)) for n, column in enumerate(columns)).to_numpy()
    means, spreads = raw.mean(axis=0), raw.std(axis=0)
    kept = []
    for column, mean, spread in zip(columns, means, spreads, strict=True):
        if spread > 1e-9:
            scale = float(spread) if column.form in ("number", "above") else 1.0
            kept.append(Column(**{**asdict(column), "mean": float(mean), "scale": scale}))
    return tuple(kept)


def _float(value: object) -> float:
    return float(value)  # type: ignore[arg-type]


def columns_of(entries: Sequence[Mapping[str, Any]]) -> tuple[Column, ...]:
    """Columns from what `as_dict` gave."""
    return tuple(Column(**entry) for entry in entries)
