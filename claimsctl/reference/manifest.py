"""Reading `reference_data/tables.toml` and the CSV files it describes."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from functools import cache
from pathlib import Path
from typing import Final

import polars as pl

from claimsctl.errors import InternalError
from claimsctl.reference.locate import data_path

TYPES: Final[Mapping[str, pl.DataType]] = {
    "text": pl.String(),
    "integer": pl.Int64(),
    "boolean": pl.Boolean(),
    "date": pl.Date(),
    "decimal": pl.Decimal(12, 4),
}
"""Column types of reference tables; blank cells are null in all of them."""

TRUE_FALSE: Final = {"yes": True, "no": False}


@dataclass(frozen=True, slots=True)
class ColumnSpec:
    """A column of a shipped table. A `values` set lists all texts it may hold."""

    name: str
    type: str
    meaning: str
    values: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class EditionSpec:
    """A release that a shipped table holds, and its service dates.

    They are null when the table is not published in editions that replace each other.
    """

    name: str
    valid_from: date | None = None
    valid_to: date | None = None


@dataclass(frozen=True, slots=True)
class TableSpec:
    """One entry of tables.toml; its editions stand in the order of their dates.

    `layout` is "list" (a row per code) or "ranges" (rows group, from, to: expanded to a row per code and
    a boolean column per group). Where there are several editions, the rows carry the dates they hold for.
    """

    name: str
    file: str
    title: str
    source: str
    licence: str
    editions: tuple[EditionSpec, ...]
    layout: str
    columns: tuple[ColumnSpec, ...]


@cache
def shipped_specs() -> Mapping[str, TableSpec]:
    """All shipped tables by name, in the order of the file."""
    with (data_path("reference_data") / "tables.toml").open("rb") as file:
        return {name: _spec(name, entry) for name, entry in tomllib.load(file).items()}


def _spec(name: str, entry: Mapping[str, object]) -> TableSpec:
    columns, editions = entry["columns"], entry.get("editions", [entry])
    assert isinstance(columns, dict)
    assert isinstance(editions, list)
    return TableSpec(
        name=name,
        file=str(entry.get("file", f"{name}.csv")),
        title=str(entry["title"]),
        source=str(entry["source"]),
        licence=str(entry["licence"]),
        editions=tuple(EditionSpec(e["edition"], e.get("valid_from"), e.get("valid_to")) for e in editions),
        layout=str(entry.get("layout", "list")),
        columns=tuple(
            ColumnSpec(column, str(spec["type"]), str(spec["meaning"]), tuple(spec.get("values", ())))
            for column, spec in columns.items()
        ),
    )


def read_shipped(spec: TableSpec) -> pl.DataFrame:
    """The rows of a shipped table, typed, key first; InternalError when the file does not fit its entry."""
    path = data_path("reference_data") / spec.file
    names = ["group", "from", "to"] if spec.layout == "ranges" else [c.name for c in spec.columns]
    raw = _read_text(path, names)
    if spec.layout == "ranges":
        return expand_ranges(raw, tuple(column.name for column in spec.columns[1:]))
    return typed(raw, spec.columns, f"{spec.file} of the installation")


def _read_text(path: Path, names: list[str]) -> pl.DataFrame:
    try:
        raw = pl.read_csv(path, infer_schema=False)
    except (OSError, pl.exceptions.PolarsError) as error:
        raise InternalError(f"{path.name} of the installation cannot be read.") from error
    if raw.columns != names:
        raise InternalError(f"{path.name} of the installation has columns {', '.join(raw.columns)}.")
    return raw


def typed(raw: pl.DataFrame, columns: tuple[ColumnSpec, ...], where: str) -> pl.DataFrame:
    """Text columns cast to their types; InternalError when a filled cell does not fit."""
    casts = []
    for column in columns:
        text = pl.col(column.name)
        if column.type == "boolean":
            casts.append(text.replace_strict(TRUE_FALSE, default=None, return_dtype=pl.Boolean))
        elif column.type == "date":
            casts.append(text.str.to_date("%Y-%m-%d", strict=False))
        else:
            casts.append(text.cast(TYPES[column.type], strict=False))
    frame = raw.select(casts)
    for column in columns:
        if frame[column.name].null_count() != raw[column.name].null_count():
            raise InternalError(f"{where}: column {column.name} holds a value that is no {column.type}.")
    return frame


def expand_ranges(raw: pl.DataFrame, groups: tuple[str, ...]) -> pl.DataFrame:
    """Rows (group, from, to) as a row per code with a boolean column per group.

    A range has ends of one shape: equal letters at the same places and digits that count up
    (`99202`..`99215`, `G2250`..`G2252`, `0001F`..`9999F`).
    """
    codes: list[str] = []
    of: list[str] = []
    for group, low, high in raw.iter_rows():
        before = len(codes)
        codes += codes_between(low, high)
        of += [group] * (len(codes) - before)
    members = pl.DataFrame({"code": codes, "group": of}, schema={"code": pl.String, "group": pl.String})
    unknown = set(members["group"].unique()) - set(groups)
    if unknown:
        raise InternalError(f"Groups without an entry in tables.toml: {', '.join(sorted(unknown))}.")
    return (
        members.group_by("code")
        .agg([(pl.col("group") == group).any().alias(group) for group in groups])
        .sort("code")
    )


def codes_between(low: str, high: str) -> Iterator[str]:
    """Codes from `low` to `high`, both included, counting in the digits between equal letters."""
    head = len(low) - len(low.lstrip("ABCDEFGHIJKLMNOPQRSTUVWXYZ"))
    tail = len(low.rstrip("ABCDEFGHIJKLMNOPQRSTUVWXYZ"))
    if len(low) != len(high) or (low[:head], low[tail:]) != (high[:head], high[tail:]) or low > high:
        raise InternalError(f"{low}..{high} is no range of codes.")
    if low == high:
        yield low
        return
    for number in range(int(low[head:tail]), int(high[head:tail]) + 1):
        yield f"{low[:head]}{number:0{tail - head}d}{low[tail:]}"
