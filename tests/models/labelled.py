"""Invented labelled claims: what denies them is known, so that a model must find it."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import polars as pl

from claimsctl.models.training import Labelled

KINDS = {"charge": "number", "payer": "category", "has_authorization": "flag", "warnings": "number"}


def labelled(rows: int = 400, seed: int = 1, *, dated: bool = True, **more: object) -> Labelled:
    """Claims of 200 days; denied more often by payer B, with warnings, and without authorisation."""
    rng = np.random.default_rng(seed)
    payer = rng.choice(["A", "B", "C"], rows)
    warnings = rng.poisson(0.6, rows).astype(float)
    authorised = rng.random(rows) < 0.5
    charge = np.round(rng.gamma(2.0, 90.0, rows), 2)
    odds = -1.6 + 1.6 * (payer == "B") + 1.1 * warnings - 1.0 * authorised
    denied = rng.random(rows) < 1 / (1 + np.exp(-odds))
    days = [date(2026, 1, 1) + timedelta(days=int(n)) for n in rng.integers(0, 200, rows)]
    features = pl.DataFrame(
        {
            "claim_id": pl.Series(range(rows), dtype=pl.UInt64),
            "charge": pl.Series(charge).set(pl.Series(rng.random(rows) < 0.1), None),
            "payer": payer,
            "has_authorization": authorised,
            "warnings": warnings,
        }
    )
    return Labelled(
        features,
        dict(KINDS),
        pl.Series(denied),
        pl.Series(days if dated else [None] * rows, dtype=pl.Date),
        pl.Series(charge),
        "0" * 64,
        **more,  # type: ignore[arg-type]
    )
