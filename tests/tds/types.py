"""SQL Server's types by name, as declarations write them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

from tests.tds.errors import SqlError

COLLATION = bytes([0x09, 0x04, 0xD0, 0x00, 0x34])  # SQL_Latin1_General_CP1_CI_AS
CODE_PAGE = "cp1252"
MAX = -1

_INTEGERS = ("tinyint", "smallint", "int", "bigint")
_SIZED = ("varchar", "char", "nvarchar", "nchar", "varbinary", "binary")


@dataclass(frozen=True)
class SqlType:
    """`length` in characters or bytes (MAX for max), `scale` also of times."""

    name: str
    length: int = 0
    precision: int = 0
    scale: int = 0

    def __str__(self) -> str:
        if self.name in _SIZED:
            return f"{self.name}({'max' if self.length == MAX else self.length})"
        if self.name in ("decimal", "numeric"):
            return f"{self.name}({self.precision},{self.scale})"
        return (
            f"{self.name}({self.scale})"
            if self.name in ("datetime2", "time", "datetimeoffset")
            else self.name
        )

    @property
    def national(self) -> bool:
        return self.name in ("nvarchar", "nchar")

    @property
    def is_text(self) -> bool:
        return self.name in ("varchar", "char", "nvarchar", "nchar")


TEXT = SqlType("nvarchar", 4000)
INT = SqlType("int")
BIGINT = SqlType("bigint")


@lru_cache
def parse_type(text: str, *, length: int = 1) -> SqlType:
    """The type of a declaration such as `decimal(12, 2)`; `length` where a text has none."""
    match = re.fullmatch(
        r"\s*\[?(\w+)\]?\s*(?:\(\s*(\w+)\s*(?:,\s*(\d+)\s*)?\))?\s*(?:output|out)?\s*", text, re.I
    )
    if match is None:
        raise SqlError(2715, f"Cannot find data type {text}.")
    name, first, second = match[1].lower(), match[2], match[3]
    name = {
        "integer": "int",
        "dec": "decimal",
        "sysname": "nvarchar",
        "boolean": "bit",
        "text": "varchar",
        "ntext": "nvarchar",
        "image": "varbinary",
        "double": "float",
        "timestamp": "datetime2",
    }.get(name, name)
    if name in _SIZED:
        if first is None:
            first = {"sysname": "128"}.get(
                match[1].lower(), "max" if match[1].lower() in _LONG_NAMES else str(length)
            )
        return SqlType(name, MAX if first.lower() == "max" else int(first))
    if name in ("decimal", "numeric"):
        return SqlType(name, precision=int(first or 18), scale=int(second or 0))
    if name in ("datetime2", "time", "datetimeoffset"):
        return SqlType(name, scale=int(first or 7))
    if name in _INTEGERS or name in (
        "bit",
        "float",
        "real",
        "date",
        "datetime",
        "smalldatetime",
        "uniqueidentifier",
    ):
        return SqlType(name)
    raise SqlError(2715, f"Cannot find data type {text}.")


_LONG_NAMES = ("text", "ntext", "image")
