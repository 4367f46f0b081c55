"""A first look over an input: what its date columns prove, before any date is rewritten."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

import polars as pl

from claimsctl.facts.typed import Layout
from claimsctl.fix.changes import (
    without_invisible,
    without_stray_spaces,
    without_text_formula,
    without_text_marks,
)
from claimsctl.fix.dates import DateEvidence, evidence_in
from claimsctl.fix.repairs import DATES

_CLEANED: Final = (without_invisible, without_stray_spaces, without_text_formula, without_text_marks)
"""Dates are judged as they stand after these repairs, so that a repaired file proves the same."""


def survey(parts: Iterable[pl.DataFrame], layout: Layout) -> Mapping[str, DateEvidence]:
    """What the date columns of all raw parts of an input prove."""
    places = {name: raw for name, raw in layout.columns.items() if name in DATES}
    found = dict.fromkeys(places, DateEvidence())
    for rows in parts:
        for name, raw in places.items():
            text = rows[raw].drop_nulls().unique()
            for change in _CLEANED:
                text = pl.DataFrame({"before": text, "after": change(text)}).select(
                    pl.coalesce("after", "before")
                ).to_series()  # fmt: skip
            found[name] |= evidence_in(text)
    return found
