"""Entries of claimsctl.toml, such as `[payers.<payer_id>]`, as rows of a shipped table."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from difflib import get_close_matches

import polars as pl

from claimsctl.errors import SettingsError
from claimsctl.reference.manifest import TYPES, TableSpec


def entries_frame(spec: TableSpec, entries: Mapping[str, Mapping[str, object]], origin: str) -> pl.DataFrame:
    """Settings entries as rows of a shipped table, checked against its columns."""
    key, columns = spec.columns[0], {column.name: column for column in spec.columns[1:]}
    rows: list[dict[str, object]] = []
    for entry, values in entries.items():
        place = f"{origin}, [{spec.name}.{entry}]"
        if key.type == "integer" and not entry.isdecimal():
            raise SettingsError(f"{place}: {key.name} is a whole number.")
        row: dict[str, object] = {key.name: int(entry) if key.type == "integer" else entry}
        for name, value in values.items():
            if name not in columns:
                near = get_close_matches(name, columns, n=1)
                hint = f"Did you mean {near[0]}?" if near else f"Columns: {', '.join(columns)}."
                raise SettingsError(f"{place}: {name} is no column of {spec.name}.", hint=hint)
            row[name] = _checked(value, columns[name].type, columns[name].values, f"{place}, {name}")
        rows.append(row)
    schema = {column.name: TYPES[column.type] for column in spec.columns}
    return pl.DataFrame(rows, schema=schema, orient="row")


def _checked(value: object, kind: str, allowed: tuple[str, ...], place: str) -> object:
    if kind == "text" and isinstance(value, list) and all(isinstance(item, str) for item in value):
        value = ";".join(value)
    wanted = {"text": str, "integer": int, "boolean": bool, "date": date}[kind]
    if not isinstance(value, wanted) or (kind == "integer" and isinstance(value, bool)):
        words = {"text": "a text in quotes", "integer": "a whole number", "boolean": "true or false"}
        raise SettingsError(f"{place}: give {words.get(kind, 'a date such as 2026-01-31')}.")
    if allowed and value not in allowed:
        raise SettingsError(f"{place}: give one of {', '.join(allowed)}.")
    return value
