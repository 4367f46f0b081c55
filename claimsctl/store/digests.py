"""Digests of what rows say, to recognise a claim that is stored already.

Polars hashes are fast but promised stable only within a version, so a digest counts only together with
its scheme, which names what is hashed and how this version hashes a fixed probe. The hash is seeded from
the workspace secret: without it a digest does not help to guess a name from the rest of a row.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from hashlib import blake2b
from typing import Final

import polars as pl

from claimsctl.facts.coded import Coding, is_coded, spread

Saying = Callable[[str, pl.Series], pl.Series]
"""What the texts of a named column say, each for itself; texts that say the same become alike."""

_SAID: Final = "said"
"""What is hashed of a cell: what it says, not how it is written. Another word when that changes."""


def digest_scheme(key: bytes) -> str:
    """Name of the scheme; digests of different schemes cannot be compared."""
    probe = pl.DataFrame({"a": ["", "claimsctl", "é", None], "b": ["1", None, "x" * 40, ""]})
    digests = row_digests(probe, {"a": "a", "b": "b"}, key)
    found = blake2b(repr(digests.to_list()).encode(), digest_size=4).hexdigest()
    return f"polars-{_SAID}-{found}"


def row_digests(
    frame: pl.DataFrame,
    columns: Mapping[str, str],
    key: bytes,
    codings: Mapping[str, Coding] | None = None,
    saying: Saying | None = None,
) -> pl.Series:
    """UInt64 digest of each row; `columns` maps the name that counts to the text column of the frame.

    Null and empty cells add nothing, so an absent and a blank column digest alike; the order of columns
    does not matter. `codings` are those of the coded columns, which digest as the text they stand for.
    With `saying` cells digest as what it makes of them.
    """
    if not columns:
        return pl.repeat(0, frame.height, dtype=pl.UInt64, eager=True).alias("digest")
    digests = list[pl.Expr]()
    for name, column in columns.items():
        digest = _cell(_seed(name, key))
        if is_coded(frame[column]):
            assert codings is not None
            known = codings[column].derived(("digest", name), partial(_digests, digest, name, saying))
            digests.append(spread(known, column))
        else:
            digests.append(digest(pl.col(column) if saying is None else pl.lit(saying(name, frame[column]))))
    # One sum of all, nulls left out: planning a chain of hundreds takes longer than the hashes do.
    total = pl.sum_horizontal(digests)
    # Hashed once more: a claim's digest is a sum over its rows, and a sum of plain sums would not notice
    # two lines that swap a value.
    return frame.select(total.hash(seed=_seed("", key)).alias("digest")).to_series()


def _cell(seed: int) -> Callable[[pl.Expr], pl.Expr]:
    return lambda cell: pl.when(cell != "").then(cell.hash(seed=seed))


def _digests(
    digest: Callable[[pl.Expr], pl.Expr], name: str, saying: Saying | None, values: pl.Series
) -> pl.Series:
    texts = values if saying is None else saying(name, values)
    return texts.to_frame("v").select(digest(pl.col("v"))).to_series()


def claim_digest(row_digest: str) -> pl.Expr:
    """Digest of a claim from those of its rows, in a group_by: their sum modulo 2**64, in any order."""
    return pl.col(row_digest).sum()


def _seed(name: str, key: bytes) -> int:
    return int.from_bytes(blake2b(name.encode(), key=key, digest_size=8).digest(), "little")
