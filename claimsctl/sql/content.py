"""A number that says what is written of a claim, so that an unchanged claim is left alone.

It must mean the same after an update of claimsctl, Polars or the machine, so it is BLAKE2b over a text of
our own (Polars' hashes hold within one version only). It is keyed by the workspace: without the key it helps
nobody to guess an SSN from the rest of a row. It is made before PHI is treated, because a sealed value is
another one each time; the policy counts, so that a change of it rewrites the claims.
"""

from __future__ import annotations

from collections.abc import Collection
from hashlib import blake2b
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    import polars as pl

    from claimsctl.security.keys import Keys
    from claimsctl.security.policy import Phi

_BYTES: Final = 8
_LINES: Final = "lines"
_OF_A_LINE: Final = frozenset({"input", "row_number"})
"""Where a line stood: the same claim in another file is the same claim."""


def content_hashes(
    claims: pl.DataFrame,
    lines: pl.DataFrame,
    by: str,
    without: Collection[str],
    phi: Phi,
    keys: Keys,
) -> pl.Series:
    """`content_hash` (Int64, never negative) of each row of `claims`, from it and its `lines` in order.

    `by` is the column that joins the two; columns `without` count for nothing. A column that is null counts
    for nothing either, so that a new column of a later version changes no claim.
    """
    import polars as pl

    of_lines = (
        lines.select(by, _text(lines, {by, *without, *_OF_A_LINE}).alias(_LINES))
        .group_by(by, maintain_order=True)
        .agg(pl.col(_LINES).str.join("\n"))
    )
    both = claims.select(by, _text(claims, {by, *without}).alias("claim")).join(
        of_lines, on=by, how="left", maintain_order="left"
    )
    texts = both.select(pl.concat_str("claim", pl.lit("\n"), pl.col(_LINES).fill_null("")))
    start = blake2b(f"claimsctl content 1 {phi}\n".encode(), digest_size=_BYTES, key=keys.digest)
    return pl.Series("content_hash", [_hash(start, text) for text in texts.to_series()], dtype=pl.Int64)


def _hash(start: blake2b, text: str) -> int:
    digest = start.copy()
    digest.update(text.encode())
    return int.from_bytes(digest.digest(), "big") >> 1


def _text(frame: pl.DataFrame, without: Collection[str]) -> pl.Expr:
    """What a row says: name and value of each column that has one, in order of the names."""
    import polars as pl

    said = [
        pl.lit(f"{name}=") + _exact(name, frame.schema[name])
        for name in sorted(set(frame.columns) - set(without))
    ]
    return pl.concat_str(said, separator="\x1f", ignore_nulls=True) if said else pl.lit("")


def _exact(name: str, dtype: pl.DataType) -> pl.Expr:
    """A value as text that no version writes otherwise: numbers and dates as whole numbers."""
    import polars as pl

    if dtype == pl.String:
        return pl.col(name)
    return pl.col(name).to_physical().cast(pl.Int128).cast(pl.String)
