"""Lines that do not stand as billed: those of voids, and of claims that the run itself replaces or voids.

A month's export often holds a claim together with what corrects it. Both describe one service, so only the
newer one counts where rules ask what was done for a patient or by a provider. Of earlier runs the same is
left out (process.history).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

import polars as pl

from claimsctl.facts.originals import NUMBERS, frequency, number, replaces
from claimsctl.facts.table import Context, fact_frame
from claimsctl.process.intake import Intake
from claimsctl.process.spilling import raw_columns
from claimsctl.validate.cross import ROW, Group

_FREQUENCY: Final = ("frequency_code", "bill_type_code")
_LINKS: Final = (*_FREQUENCY, "claim_id", "same_patient", "original_claim_number", *NUMBERS)
_SERVICES: Final = frozenset({"same_patient", "rendering_npi"})


def taken_back(intake: Intake, context: Context) -> pl.Series:
    """Row indexes of the lines that are taken back; most files have none, and are only asked whether."""
    naming = [found for found in map(_naming, _frames(intake, context)) if found.height]
    if not naming:
        return pl.Series(ROW, [], dtype=pl.UInt32)
    named = pl.concat(naming).unique()
    rows = [_taken(frame, named) for frame in _frames(intake, context, every=True)]
    return pl.concat(rows).sort()


def set_aside(keys: pl.LazyFrame, groups: Sequence[Group], rows: pl.Series) -> pl.LazyFrame:
    """Key frames in which `rows` belong to no group of services; those of their claim stay."""
    of_services = {group.id for group in groups if _SERVICES.intersection(group.keys)}
    if rows.is_empty() or not of_services:
        return keys
    stands = ~pl.col(ROW).is_in(rows.implode())
    return keys.with_columns(pl.when(stands).then(pl.col(name)).alias(name) for name in sorted(of_services))


def _frames(intake: Intake, context: Context, *, every: bool = False) -> Iterator[pl.DataFrame]:
    """The links of each part that may have a replacement or void, or of every part."""
    for part in intake.parts:
        layout = part.input.layout
        if not every:
            if not any(layout.gives(name) for name in _FREQUENCY):
                continue
            rows = part.read(raw_columns(layout, _FREQUENCY))
            if not fact_frame(rows, layout, _FREQUENCY, context).select(replaces().any()).item():
                continue
        yield fact_frame(part.read(raw_columns(layout, _LINKS)), layout, _LINKS, context)


def _naming(frame: pl.DataFrame) -> pl.DataFrame:
    """Replacements and voids of a part: their claims, and the keys of the claims that they name."""
    return frame.filter(replaces()).select("claim_id", _key("original_claim_number").alias("key")).unique()


def _taken(frame: pl.DataFrame, named: pl.DataFrame) -> pl.Series:
    """Rows of voids, of an original under the number of what corrects it, and of claims that another
    claim names."""
    void = (frequency() == "8").fill_null(False)
    replaced = pl.col("claim_id").is_in(named["claim_id"].implode()) & ~replaces()
    names = named.drop_nulls().rename({"claim_id": "by"})
    by_another = [
        frame.select(ROW, "claim_id", _key(name).alias("key"))
        .join(names, on="key")
        .filter(pl.col("by") != pl.col("claim_id"))[ROW]
        for name in NUMBERS
    ]
    return pl.concat([frame.filter(void | replaced)[ROW], *by_another]).unique()


def _key(name: str) -> pl.Expr:
    known = pl.col("same_patient").is_not_null() & number(name).is_not_null()
    return pl.when(known).then(pl.struct("same_patient", number(name).alias("number")).hash(seed=13))
