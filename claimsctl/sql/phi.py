"""What becomes of a person's data in a target: plain, masked, or sealed with the workspace's key.

Treated are identifiers (names, numbers, addresses, phones, notes) and what else describes the person: birth
and death dates, city, ZIP. Service dates and claim numbers stay, for the target is worked with by them.
"""

from __future__ import annotations

from base64 import b64decode, b64encode
from collections.abc import Iterable
from typing import TYPE_CHECKING, Final

from claimsctl.claim import BY_NAME
from claimsctl.errors import StoreError
from claimsctl.security.masking import MASKED, mask_expr
from claimsctl.security.policy import Phi
from claimsctl.security.sealing import seal_many, unseal
from claimsctl.sql.column import SqlColumn

if TYPE_CHECKING:
    import polars as pl

    from claimsctl.security.keys import Keys

_ZIP_SHOWN: Final = 3
_SSN_LENGTH: Final = len("745-38-2916")


def treat(
    frame: pl.DataFrame, columns: Iterable[SqlColumn], table: str, phi: Phi, keys: Keys
) -> pl.DataFrame:
    """The rows of `table` with the PHI policy applied; `columns` are as plain writes them.

    Columns that the frame does not have are passed over; null stays null. A sealed text is base64, bound to
    its table and column, made once for each distinct value of the frame.
    """
    there = [column for column in columns if column.name in frame.columns]
    if phi == "mask":
        return frame.with_columns(_masked(column) for column in there if _is_masked(column))
    if phi == "encrypt":
        return frame.with_columns(
            _sealed(frame[column.name], table, keys) for column in there if column.treated
        )
    return frame


def unseal_text(sealed: str, table: str, column: str, keys: Keys) -> str:
    """A sealed text again; dates as YYYY-MM-DD.

    Raises PermissionDenied for another workspace's key, StoreError where the text was altered or comes from
    another table or column.
    """
    try:
        data = b64decode(sealed, validate=True)
    except ValueError:  # not base64, or no ASCII
        raise StoreError(
            f"A value of {table}.{column} is not sealed.", hint="Was it written with another PHI policy?"
        ) from None
    return unseal(data, _place(table, column), keys).decode()


def _is_masked(column: SqlColumn) -> bool:
    """Treated columns, and texts that could hold an SSN by a wrong mapping; keys stay as they are."""
    holds_ssn = column.kind in ("code", "text") and column.nullable and not column.fixed
    return column.treated or (holds_ssn and column.length >= _SSN_LENGTH and column.canonical is not None)


def _masked(column: SqlColumn) -> pl.Expr:
    import polars as pl

    values = pl.col(column.name)
    if column.kind == "date":
        return (values.dt.strftime("%Y") + pl.lit("-**-**")).alias(column.name)
    if column.phi == "quasi" and column.treated:
        if column.name.endswith("_zip"):
            return (values.str.slice(0, _ZIP_SHOWN) + "**").alias(column.name)
        return pl.when(values.is_not_null()).then(pl.lit(MASKED)).alias(column.name)
    return mask_expr(BY_NAME[column.canonical or column.name], values).alias(column.name)


def _sealed(values: pl.Series, table: str, keys: Keys) -> pl.Series:
    import polars as pl

    texts = values.cast(pl.String)
    distinct = texts.unique(maintain_order=True).drop_nulls()
    place = _place(table, values.name)
    sealed = seal_many([text.encode() for text in distinct], [place] * len(distinct), keys)
    written = pl.Series([b64encode(value).decode() for value in sealed], dtype=pl.String)
    return texts.replace_strict(distinct, written, default=None, return_dtype=pl.String).alias(values.name)


def _place(table: str, column: str) -> bytes:
    return f"claimsctl sql 1 {table}.{column}".encode()
