"""Columns of the house's own, which a model reads as x_<name>: the same in training and in runs."""

from __future__ import annotations

from typing import Final

import polars as pl

from claimsctl.facts.values import read_amounts

OWN: Final = "x_"
"""Columns of the house's own begin so; other features are those of claimsctl."""
_FLAGS: Final = {"yes": 1.0, "y": 1.0, "true": 1.0, "t": 1.0, "no": 0.0, "n": 0.0, "false": 0.0, "f": 0.0}


def own_type(kind: str) -> pl.DataType:
    """Text for a category, a number for all else."""
    return pl.String() if kind == "category" else pl.Float64()


def own_values(text: pl.Series, kind: str) -> pl.Series:
    """Cells as what a model reads of them; null where a number or a flag cannot be read.

    `kind` is number, flag or category. Yes and no, true and false count as 1 and 0.
    """
    if kind == "category":
        return text.cast(pl.String)
    given = text.cast(pl.String)
    return read_flags(given).fill_null(read_amounts(given).cast(pl.Float64)).alias(text.name)


def read_flags(text: pl.Series) -> pl.Series:
    """1 for yes and true, 0 for no and false, null for all else."""
    lower = text.str.to_lowercase()
    return lower.replace_strict(list(_FLAGS), list(_FLAGS.values()), default=None, return_dtype=pl.Float64)
