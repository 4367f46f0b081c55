"""Single cells of tables, sealed as text: bound to their column and their row, so that none can be moved.

A sealed cell is `phi1r.<table>.<base64>`, bound to its place in one table, or `phi1k.<base64>`, bound to the
key of its row, so that rows may be sorted, filtered and joined in between. `<table>` is drawn anew for each
table: cells of another one do not fit, however alike.
"""

from __future__ import annotations

import secrets
from base64 import b64decode, urlsafe_b64encode
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final, Self

import polars as pl

from claimsctl.errors import ClaimsctlError, InputError, PermissionDenied, UsageError
from claimsctl.security.keys import Keys
from claimsctl.security.sealing import seal_many, unseal

SEALED: Final = r"^phi1[rk]\."
"""How a sealed cell begins."""
RowName = Callable[[int], str]
"""How the row at a position, from 0, is called in errors."""

_BY_PLACE: Final = "phi1r."
_BY_KEY: Final = "phi1k."
_UNIT: Final = "\x1f"
# What a value was, said by the first character of what is sealed.
_TAGS: Final[Mapping[str, pl.DataType]] = MappingProxyType({
    "i": pl.Int64(), "f": pl.Float64(), "b": pl.Boolean(), "d": pl.Date(), "h": pl.Time(),
    "t": pl.Datetime("us"),
})  # fmt: skip
_DECIMAL: Final = "m"
_TEXT: Final = "s"


@dataclass(frozen=True, slots=True)
class Binding:
    """What the cells of a table are bound to: their place in it, or the key of their row.

    `rows` says it of each row: its number, or its key. `table` is "" for keys.
    """

    table: str
    rows: pl.Series

    @classmethod
    def by_place(cls, table: str, first: int, height: int) -> Self:
        """Rows `first`, `first` + 1, ... of a table (`new_table`)."""
        return cls(table, pl.int_range(first, first + height, eager=True).cast(pl.String))

    @classmethod
    def by_key(cls, keys: pl.DataFrame) -> Self:
        """Rows by what these columns say; null and blank are one."""
        texts = [pl.col(name).cast(pl.String).fill_null("") for name in keys.columns]
        return cls("", keys.select(pl.concat_str(texts, separator=_UNIT)).to_series())

    @property
    def prefix(self) -> str:
        """How its sealed cells begin."""
        return f"{_BY_PLACE}{self.table}." if self.table else _BY_KEY

    def places(self, column: str) -> pl.Series:
        """What each cell of a column is bound to."""
        said = _UNIT.join(("claimsctl cell 1", self.prefix, column, ""))
        return (said + self.rows).cast(pl.Binary)


def new_table() -> str:
    """A name for a table that is sealed, as nothing else has it."""
    return secrets.token_urlsafe(8)


def table_of(values: pl.Series) -> str | None:
    """The table that the first sealed cell among texts belongs to; "" by key, None where none is sealed."""
    found = values.filter(values.str.contains(SEALED).fill_null(False))
    if not len(found):
        return None
    first = str(found[0])
    return first.split(".")[1] if first.startswith(_BY_PLACE) else ""


def seal_cells(values: pl.Series, binding: Binding, keys: Keys) -> pl.Series:
    """Cells of a column sealed, under the column's name; null stays null.

    UsageError for a type that has no text, and where a cell is sealed already.
    """
    tag, texts = _as_text(values)
    if tag == _TEXT and texts.str.contains(SEALED).any():
        raise UsageError(
            f"The column {values.name} is encrypted already.", hint="Leave it out, or decrypt it first."
        )
    there = texts.is_not_null()
    plain = (tag + texts.filter(there)).cast(pl.Binary).to_list()
    sealed = seal_many(plain, binding.places(values.name).filter(there).to_list(), keys)
    prefix = binding.prefix
    written = [prefix + urlsafe_b64encode(each).decode() for each in sealed]
    return _spread(written, there).alias(values.name)


def unseal_cells(values: pl.Series, binding: Binding, keys: Keys, row_name: RowName) -> pl.Series:
    """Cells of a column again, of the type they had (integers as Int64); null and blank stay.

    PermissionDenied for another key, InputError for a cell that was altered, is not sealed, or belongs to
    another row, column or table: each names row and column and never a value.
    """
    texts = values.cast(pl.String)
    there = (texts != "").fill_null(False)
    prefix = binding.prefix
    cut = len(prefix)
    at = there.arg_true().to_list()
    places = binding.places(values.name).filter(there).to_list()
    plain: list[str] = []
    for place, row, text in zip(places, at, texts.filter(there).to_list(), strict=True):
        try:
            if not text.startswith(prefix):
                raise InputError("")
            plain.append(unseal(_decoded(text[cut:]), place, keys).decode())
        except PermissionDenied as error:
            raise PermissionDenied(
                f"{row_name(row)}, column {values.name}: encrypted with a key that is not at hand.",
                hint=error.hint,
            ) from None
        except (ClaimsctlError, ValueError):
            raise InputError(
                f"{row_name(row)}, column {values.name}: {_trouble(text, prefix)}.",
                hint="Nothing was decrypted. Take the file as it was encrypted.",
            ) from None
    return _typed(_spread(plain, there)).alias(values.name)


def _decoded(text: str) -> bytes:
    """Base64, ValueError also for another spelling of the same bytes."""
    data = b64decode(text, altchars=b"-_", validate=True)
    if urlsafe_b64encode(data).decode() != text:
        raise ValueError
    return data


def _trouble(text: str, prefix: str) -> str:
    if text.startswith(prefix):
        return "the encrypted value was altered, or moved from another row or column"
    if text.startswith(_BY_PLACE) and prefix.startswith(_BY_PLACE):
        return "the encrypted value comes from another file"
    if text.startswith((_BY_PLACE, _BY_KEY)):
        return "the encrypted value is bound to " + (
            "the key of its row; say which columns these are (--key)"
            if text.startswith(_BY_KEY)
            else "its place in the file, not to a key"
        )
    return "the value is not encrypted"


def _spread(written: list[str], there: pl.Series) -> pl.Series:
    """Texts at the rows that have one, null at the others."""
    places = pl.DataFrame(
        {"at": there.arg_true().cast(pl.Int64), "text": pl.Series(written, dtype=pl.String)}
    )
    rows = pl.int_range(0, len(there), eager=True).alias("at").to_frame()
    return rows.join(places, on="at", how="left", maintain_order="left")["text"]


def _as_text(values: pl.Series) -> tuple[str, pl.Series]:
    kind = values.dtype
    if kind in (pl.String, pl.Categorical, pl.Enum, pl.Null):
        return _TEXT, values.cast(pl.String)
    if kind.is_integer():
        return "i", values.cast(pl.Int64).cast(pl.String)
    if kind.is_float():
        return "f", values.cast(pl.Float64).cast(pl.String)
    if kind.is_decimal():
        return _DECIMAL, values.cast(pl.String)
    if isinstance(kind, pl.Datetime) and kind.time_zone is None:
        return "t", values.dt.strftime("%Y-%m-%dT%H:%M:%S%.6f")
    if kind == pl.Time:
        return "h", values.cast(pl.Int64).cast(pl.String)
    for tag in ("b", "d"):
        if kind == _TAGS[tag]:
            return tag, values.cast(pl.String)
    raise UsageError(
        f"The column {values.name} is of type {kind}, which is not encrypted.", hint="Make it text first."
    )


def _typed(texts: pl.Series) -> pl.Series:
    """Unsealed texts without their tags, of the type that all of them had; else as text."""
    tags, values = texts.str.slice(0, 1).drop_nulls().unique().to_list(), texts.str.slice(1)
    tag = tags[0] if len(tags) == 1 else _TEXT
    match tag:
        case "b":
            return values == "true"
        case "d":
            return values.str.to_date("%Y-%m-%d")
        case "h":
            return values.cast(pl.Int64).cast(pl.Time)
        case "t":
            return values.str.to_datetime("%Y-%m-%dT%H:%M:%S%.f", time_unit="us")
        case "i" | "f":
            return values.cast(_TAGS[tag])
        case "m":
            digits = values.str.extract(r"\.(\d+)$").str.len_bytes().max()
            return values.cast(pl.Decimal(38, int(str(digits or 0))))
        case _:
            return values
