"""The lists that users bring, as reference_data/user_tables.toml describes them."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Final

from claimsctl.reference.locate import data_path

BEGINNINGS: Final = frozenset({"diagnosis", "bill"})
"""Types of columns whose cells are codes or the beginning of codes."""


@dataclass(frozen=True, slots=True)
class OwnList:
    """One entry: the first column is filled in every row, `keys` columns (and valid_from) tell rows apart."""

    name: str
    title: str
    source: str
    columns: Mapping[str, str]
    keys: tuple[str, ...]


@cache
def own_lists() -> Mapping[str, OwnList]:
    """All of them by name, in the order of the file."""
    with (data_path("reference_data") / "user_tables.toml").open("rb") as file:
        return {name: _entry(name, entry) for name, entry in tomllib.load(file).items()}


def _entry(name: str, entry: Mapping[str, object]) -> OwnList:
    columns = entry["columns"]
    assert isinstance(columns, dict)
    first = next(iter(columns))
    keys = entry.get("keys", [column for column in columns if column in (first, "code")])
    assert isinstance(keys, list)
    return OwnList(name, str(entry["title"]), str(entry["source"]), columns, tuple(keys))


def beginnings(table: str) -> frozenset[str]:
    """Columns of a table whose cells may be the beginning of codes; none for tables that are not listed."""
    entry = own_lists().get(table)
    if entry is None:
        return frozenset()
    return frozenset(column for column, kind in entry.columns.items() if kind in BEGINNINGS)
