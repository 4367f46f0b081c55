"""What a column and a table of a target are, and how the PHI policy changes a column."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final, Literal

from claimsctl.claim import PhiClass
from claimsctl.security.policy import Phi

if TYPE_CHECKING:
    import polars as pl

Kind = Literal["code", "text", "date", "time", "timestamp", "decimal", "integer", "bigint", "flag"]
"""Logical type: `code` is ASCII text, `text` any; `timestamp` is UTC, without a zone."""
Shape = Literal["plain", "mask", "encrypt"]
"""How wide the columns are of what names or describes a person."""
SHAPES: Final[tuple[Shape, ...]] = ("plain", "mask", "encrypt")
LOADED_AT: Final = "loaded_at"
"""The one column that an outbox does not have: the loader says when a row arrived."""
STAGE_KEY: Final = ("stage_job", "stage_batch")
PRIMARY: Final = "P"
"""payer_sequence of a claim whose file does not say it."""
VALIDATED: Final = "VALIDATED"


@dataclass(frozen=True, slots=True)
class SqlColumn:
    """One column. `length` is in characters; `fixed` codes always have it.

    `canonical` names the claim column it is filled from; `treated` says that the PHI policy changes its
    values (sql.phi).
    """

    name: str
    kind: Kind
    meaning: str
    length: int = 0
    precision: int = 0
    scale: int = 0
    fixed: bool = False
    nullable: bool = True
    phi: PhiClass = "none"
    canonical: str | None = None
    treated: bool = False

    def dtype(self) -> pl.DataType:
        """The Polars type of the column in an outbox."""
        import polars as pl

        match self.kind:
            case "code" | "text":
                return pl.String()
            case "date":
                return pl.Date()
            case "time":
                return pl.Time()
            case "timestamp":
                return pl.Datetime("ms")
            case "decimal":
                return pl.Decimal(self.precision, self.scale)
            case "integer":
                return pl.Int32()
            case "bigint":
                return pl.Int64()
            case "flag":
                return pl.Boolean()


@dataclass(frozen=True, slots=True)
class SqlTable:
    """One table. `key` is its primary key (none for staging); `indexes` are columns of further indexes."""

    name: str
    columns: tuple[SqlColumn, ...]
    meaning: str
    key: tuple[str, ...] = ()
    indexes: tuple[tuple[str, ...], ...] = ()

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the columns, in order."""
        return tuple(column.name for column in self.columns)

    @property
    def outbox_columns(self) -> tuple[SqlColumn, ...]:
        """The columns that files of an outbox have: all but `loaded_at`."""
        return tuple(column for column in self.columns if column.name != LOADED_AT)

    def column(self, name: str) -> SqlColumn:
        """The column of that name; KeyError without one."""
        for column in self.columns:
            if column.name == name:
                return column
        raise KeyError(name)

    def schema(self) -> dict[str, pl.DataType]:
        """Polars types of the outbox columns."""
        return {column.name: column.dtype() for column in self.outbox_columns}


def shortened(column: SqlColumn) -> pl.Expr:
    """Texts of our own, cut so that they fit: a long remark must not stop a load.

    A rare character counts as two, as SQL Server counts it.
    """
    import polars as pl

    value = pl.col(column.name).cast(pl.String)
    length = value.str.len_chars() + value.str.count_matches(r"[\x{10000}-\x{10ffff}]")
    kept = pl.when(length > value.str.len_chars()).then(column.length // 2 - 1).otherwise(column.length - 1)
    cut = value.str.slice(0, kept) + "\u2026"
    return pl.when(length > column.length).then(cut).otherwise(value).alias(column.name)


def shape_of(phi: Phi) -> Shape:
    """The shape of tables for a PHI policy: what is dropped or de-identified fits where plain values do."""
    return phi if phi in ("mask", "encrypt") else "plain"


def treated(column: SqlColumn, phi: Phi) -> SqlColumn:
    """The column as it is written under a PHI policy: sealed values are longer, and dates become text."""
    if not column.treated or shape_of(phi) == "plain":
        return column
    length = column.length or _DATE_LENGTH
    if phi == "mask":
        return replace(column, kind="text", length=max(length, _MASK_LENGTH), fixed=False)
    return replace(column, kind="code", length=sealed_length(length), fixed=False)


def sealed_length(characters: int) -> int:
    """Characters of a sealed text of at most so many: base64 of format, key id, nonce, text and tag."""
    return -(-(_SEALED_EXTRA + _BYTES_PER_CHARACTER * characters) // 3) * 4


_DATE_LENGTH: Final = len("2026-06-30")
_MASK_LENGTH: Final = 11
"""A masked SSN, the longest mask."""
_SEALED_EXTRA: Final = 1 + 4 + 12 + 16
_BYTES_PER_CHARACTER: Final = 4
