"""Population stability: nothing for the same claims, much for others."""

from __future__ import annotations

import polars as pl

from claimsctl.score.drift import MOVED, OTHER, RISK, reference_of, stability

KINDS = {"charge": "number", "payer": "category"}
THEN = pl.DataFrame({"charge": [float(n) for n in range(100)], "payer": ["A"] * 50 + ["B"] * 50})
RISKS = pl.Series([n / 100 for n in range(100)])


def test_the_same_claims_have_not_moved() -> None:
    found = stability(reference_of(THEN, KINDS, RISKS), THEN, RISKS)
    assert found == {"charge": 0.0, "payer": 0.0, RISK: 0.0}


def test_another_mix_has() -> None:
    now = pl.DataFrame({"charge": [float(n) for n in range(100)], "payer": ["A"] * 70 + ["B"] * 30})
    found = stability(reference_of(THEN, KINDS, RISKS), now, RISKS + 0.3)
    assert found["charge"] == 0
    assert MOVED < found["payer"] < OTHER  # (0.2 * ln 1.4) + (0.2 * ln 1/0.6)
    assert round(found["payer"], 4) == 0.1695
    assert found[RISK] > OTHER


def test_values_that_lack_and_levels_that_are_new_are_groups_of_their_own() -> None:
    reference = reference_of(THEN, KINDS, RISKS)
    now = pl.DataFrame(
        {"charge": [None] * 100, "payer": ["new"] * 100}, schema={"charge": pl.Float64, "payer": pl.String}
    )
    found = stability(reference, now, RISKS)
    assert found["charge"] > OTHER
    assert found["payer"] > OTHER
    assert "payer" not in stability(reference, now.drop("payer"), RISKS)
    assert stability(reference, now.clear(), RISKS.clear()) == {}
