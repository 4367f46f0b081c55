"""Which claims train a model and which measure it: earlier ones and later ones."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from typing import Any, Final, Literal

import numpy as np
import polars as pl

from claimsctl.errors import UsageError

Ints = np.ndarray[Any, np.dtype[np.int64]]

TEST_SHARE: Final = 0.25
FOLDS: Final = 4


@dataclass(frozen=True)
class Split:
    """Row numbers: `train` in the order of time, and `test`; how they were told apart.

    `date` is the first day of the test. With `by` random, no claim has a date, and the order is by chance.
    """

    train: Ints
    test: Ints
    by: Literal["time", "random"]
    date: date | None = None

    def folds(self) -> Iterator[tuple[Ints, Ints]]:
        """Earlier rows of training, and those that follow them; at random where time is unknown."""
        parts = np.array_split(self.train, FOLDS + 1 if self.by == "time" else FOLDS)
        if self.by == "random":
            for n, held in enumerate(parts):
                yield np.concatenate([part for m, part in enumerate(parts) if m != n]), held
            return
        for n in range(1, len(parts)):
            yield np.concatenate(parts[:n]), parts[n]


def split(days: pl.Series, claims: pl.Series, split_date: date | None = None, seed: int = 0) -> Split:
    """Claims from `split_date` on measure; without it, about the last quarter by day.

    `days` has the day of each claim, null where unknown; those train, before all others. `claims` are texts
    that settle the order within a day, so that the order of the input does not matter.
    """
    rows = pl.DataFrame({"day": days, "claim": claims.cast(pl.String)}).with_row_index("row")
    if not days.drop_nulls().len():
        if split_date is not None:
            raise UsageError(
                "--split-date needs dates, and no claim has one.",
                hint="Name the column of the claim's date with --date COLUMN.",
            )
        ordered = rows.sort("claim", "row")["row"].to_numpy().astype(np.int64)
        ordered = np.random.default_rng(seed).permutation(ordered)
        tested = round(len(ordered) * TEST_SHARE)
        return Split(ordered[tested:], ordered[:tested], "random")
    rows = rows.sort("day", "claim", "row", nulls_last=False)
    if split_date is None:
        known = rows["day"].drop_nulls()
        at = known[min(len(known) - 1, round(len(known) * (1 - TEST_SHARE)))]
        # A day is not parted; where the last one is large it is the test.
        split_date = at if at > known[0] else _second(known)
    train = rows.filter(pl.col("day").is_null() | (pl.col("day") < split_date))
    test = rows.filter(pl.col("day") >= split_date)
    if not train.height or not test.height:
        known = rows["day"].drop_nulls()
        raise UsageError(
            f"No claim is {'before' if not train.height else 'on or after'} {split_date}.",
            hint=f"The claims are of {known[0]} to {known[-1]}: give --split-date a day between.",
        )
    return Split(
        train["row"].to_numpy().astype(np.int64), test["row"].to_numpy().astype(np.int64), "time", split_date
    )


def _second(known: pl.Series) -> date:
    later = known.filter(known > known[0])
    if not len(later):
        raise UsageError(
            f"All claims are of one day, {known[0]}: there is no later time to measure a model on.",
            hint="Train on claims of several months, or without dates.",
        )
    first: date = later[0]
    return first
