"""What the server answers where nothing is declared: types of columns by their values, its own properties."""

from __future__ import annotations

from typing import Any

from tests.tds.errors import SqlError
from tests.tds.functions import convert
from tests.tds.tokens import Column
from tests.tds.types import BIGINT, INT, MAX, TEXT, SqlType


def typed(columns: list[Column], rows: list[tuple[Any, ...]]) -> list[Column]:
    """The columns, those of unknown type with the type of their first values."""
    return [
        column if column.type is not None else Column(column.name, _kind_of([row[at] for row in rows]))
        for at, column in enumerate(columns)
    ]


def _kind_of(values: list[Any]) -> SqlType:
    known = [value for value in values if value is not None]
    if known and all(isinstance(value, int) for value in known):
        return INT if all(abs(value) < 2**31 for value in known) else BIGINT
    if known and all(isinstance(value, int | float) for value in known):
        return SqlType("float")
    if known and all(isinstance(value, bytes) for value in known):
        return SqlType("varbinary", MAX)
    return TEXT if all(len(str(value)) <= 4000 for value in known) else SqlType("nvarchar", MAX)


def tried(value: Any, kind: SqlType) -> Any:
    try:
        return convert(value, kind)
    except SqlError:
        return None


def server_property(name: str) -> Any:
    known = {"productversion": "16.0.0.0", "edition": "TDS test server", "engineedition": 3,
             "productlevel": "RTM",
             "collation": "SQL_Latin1_General_CP1_CI_AS", "servername": "TdsTest"}  # fmt: skip
    return known.get(name.lower())
