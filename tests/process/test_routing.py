"""Parts go out in file order, each row once, with the verdict of its whole claim."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, cast

import polars as pl
from hypothesis import given
from hypothesis import strategies as st

from claimsctl.process.intake import Input
from claimsctl.process.routing import CLAIM_LAST, Reviewed, Router

INPUT = cast(Input, object())
FINDINGS = {"row_number": pl.Int64, "code": pl.String}


def routed(claims: Sequence[int], bad: set[int], size: int) -> list[tuple[Reviewed, pl.Series]]:
    """What is delivered of rows of these claims, the rows `bad` with an error, in parts of `size`."""
    delivered: list[tuple[Reviewed, pl.Series]] = []
    last = {claim: row for row, claim in enumerate(claims)}
    with TemporaryDirectory() as spill:
        router = Router(Path(spill), lambda part, rejected: delivered.append((part, rejected)))
        for first in range(0, len(claims), size):
            here = list(enumerate(claims))[first : first + size]
            end = first + len(here)
            claim_id = pl.Series("claim_id", [claim for _, claim in here], dtype=pl.UInt64)
            failed = claim_id.filter(pl.Series([row in bad for row, _ in here]))
            spread = [
                c for c in set(failed) if not all(first <= r < end for r, x in enumerate(claims) if x == c)
            ]
            router.add(
                Reviewed(
                    INPUT,
                    pl.DataFrame(
                        {"row_number": [row + 1 for row, _ in here], "c0": [str(c) for _, c in here]}
                    ),
                    pl.DataFrame({CLAIM_LAST: [last[claim] for _, claim in here]}),
                    claim_id,
                    max(last[claim] for _, claim in here),
                    failed.unique(),
                    pl.DataFrame(
                        {"row_number": [r + 1 for r, _ in here if r in bad], "code": "X"},
                        schema_overrides=FINDINGS,
                    ),
                ),
                pl.Series("claim_id", spread, dtype=pl.UInt64),
                end,
            )
        router.finish()
    return delivered


@given(
    steps=st.lists(st.integers(-3, 1), min_size=1, max_size=40),
    bad=st.sets(st.integers(0, 39), max_size=4),
    size=st.integers(1, 12),
)
def test_rows_keep_their_order_and_claims_their_verdict(steps: list[int], bad: set[int], size: int) -> None:
    claims: list[int] = []
    for step in steps:  # lines of a claim mostly stand together; some come later
        claims.append(max(0, (max(claims, default=0) if step > 0 else claims[-1] if claims else 0) + step))
    delivered = routed(claims, bad, size)
    failed = {claims[row] for row in bad if row < len(claims)}
    rows = [n for part, _ in delivered for n in part.rows["row_number"].to_list()]
    assert rows == list(range(1, len(claims) + 1))
    assert [c for part, _ in delivered for c in part.claim_id.to_list()] == claims
    assert [c for part, _ in delivered for c in part.rows["c0"].to_list()] == [str(c) for c in claims]
    assert [r for _, rejected in delivered for r in rejected.to_list()] == [c in failed for c in claims]
    for part, _ in delivered:
        here: list[Any] = [row + 1 for row in sorted(bad) if row + 1 in part.rows["row_number"]]
        told = part.findings["row_number"].to_list()
        assert [row for row in told if row in part.rows["row_number"]] == here


def test_the_rest_of_a_part_goes_out_with_the_next_one() -> None:
    claims = [row // 3 for row in range(40)]  # parts of 10 and 20 rows end within a claim
    delivered = routed(claims, {9}, 10)
    assert [part.rows.height for part, _ in delivered] == [9, 9, 12, 10]
    (_, before), (part, rejected), *_ = delivered
    assert not before.any()
    assert rejected.to_list() == [row in (9, 10, 11) for row in range(9, 18)]
    assert part.findings["row_number"].to_list() == [10]
