"""A few rows of tables that are not shipped: the examples of rules run on them, claims never do."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from functools import cache

import polars as pl

from claimsctl.reference.locate import data_path
from claimsctl.reference.manifest import TYPES


@cache
def sample_frames() -> Mapping[str, pl.DataFrame]:
    """The tables of reference_data/example_tables.toml; an empty cell that is no text is null."""
    with (data_path("reference_data") / "example_tables.toml").open("rb") as file:
        tables = tomllib.load(file)
    return {name: _frame(table["columns"], table["rows"]) for name, table in tables.items()}


def _frame(columns: Mapping[str, str], rows: list[list[object]]) -> pl.DataFrame:
    cells = [[None if cell == "" else cell for cell in row] for row in rows]
    texts = {name: pl.String() if kind == "decimal" else TYPES[kind] for name, kind in columns.items()}
    frame = pl.DataFrame(cells, schema=texts, orient="row")  # numbers stand as texts, so that they are exact
    return frame.cast({name: TYPES[kind] for name, kind in columns.items() if kind == "decimal"})
