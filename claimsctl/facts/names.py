"""Whether patient and subscriber are called the same, as far as spellings in two systems allow."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from typing import TYPE_CHECKING

import polars as pl

if TYPE_CHECKING:
    from claimsctl.facts.table import Context

_COMPARED = 3


def subscriber_differs(frame: pl.DataFrame, _context: Context) -> Sequence[pl.Series]:
    """For last and first name: true where both are given and do not begin alike; null where one is blank.

    The first three letters are compared, upper case, without accents and punctuation: initials,
    suffixes and double names make no difference.
    """
    return [
        _differs(frame[f"patient_{part}"], frame[f"subscriber_{part}"])
        for part in ("last_name", "first_name")
    ]


def _differs(patient: pl.Series, subscriber: pl.Series) -> pl.Series:
    name = f"{subscriber.name}_differs"
    written = (patient != subscriber).alias(name)
    if not written.any():
        return written
    pairs = pl.DataFrame({"a": patient, "b": subscriber}).filter(written).unique()
    alike = [_begin(a) == _begin(b) for a, b in pairs.iter_rows()]
    known = pairs.with_columns(pl.Series("alike", alike, dtype=pl.Boolean))
    found = pl.DataFrame({"a": patient, "b": subscriber}).join(
        known, on=["a", "b"], how="left", maintain_order="left"
    )
    return (written & ~found["alike"].fill_null(False)).alias(name)


def _begin(name: str) -> str:
    plain = unicodedata.normalize("NFKD", name.upper())
    letters = "".join(c for c in plain if c.isalpha())
    return letters[:_COMPARED]
