"""Unmapped columns of inputs, x_<name>, as the model in use reads them."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

import polars as pl

from claimsctl.process.intake import Input
from claimsctl.score.own import own_values


def own_columns(given: Input, rows: pl.DataFrame, wanted: Mapping[str, str]) -> list[pl.Series]:
    """Those `wanted` (name -> kind) that an input has, aligned with the clean raw `rows` of a part."""
    return [
        own_values(rows[f"c{index}"], wanted[name]).alias(name)
        for index, name in given.header_map.x_names.items()
        if name in wanted
    ]


def not_given(inputs: Sequence[Input], wanted: Collection[str]) -> list[str]:
    """Those `wanted` that no input has."""
    there = {name for each in inputs for name in each.header_map.x_names.values()}
    return [name for name in wanted if name not in there]
