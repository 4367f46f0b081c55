"""Lines that do not stand as billed: those of voids, and of claims that the run itself replaces or voids.

A month's export often holds a claim together with what corrects it. Both describe one service, so only the
newer one counts where rules ask what was done for a patient or by a provider. Of earlier runs the same is
left out (process.history).
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Final

import polars as pl

from claimsctl.facts.originals import NUMBERS, frequency, number, replaces
from claimsctl.facts.table import Context, fact_frame
from claimsctl.process.intake import Intake, SpilledPart
from claimsctl.process.spilling import raw_columns
from claimsctl.validate.cross import ROW, Group

_FREQUENCY: Final = ("frequency_code", "bill_type_code")
_LINKS: Final = (*_FREQUENCY, "claim_id", "same_patient", "original_claim_number", *NUMBERS)
_SERVICES: Final = frozenset({"same_patient", "rendering_npi"})


def taken_back(intake: Intake, context: Context) -> pl.Series:
    """Row indexes of the lines that are taken back; most files have none, and are only asked whether."""
    newer = [_links(part, replaces(), context, _FREQUENCY) for part in intake.parts if _may_replace(part)]
    found = [frame for frame in newer if frame is not None]
    if not found:
        return pl.Series(ROW, [], dtype=pl.UInt32)
    naming = pl.concat(found)
    named = naming.select("claim_id", _key("original_claim_number").alias("key")).unique()
    numbers = (
        pl.concat(
            naming.select(number(name).alias("number")).to_series()
            for name in ("claim_number", "original_claim_number")
        )
        .drop_nulls()
        .unique()
    )
    concerned = pl.any_horizontal(number(name).is_in(numbers.implode()) for name in NUMBERS) & ~replaces()
    older = (_links(part, concerned, context, (*_FREQUENCY, *NUMBERS)) for part in intake.parts)
    frames = [naming, *(frame for frame in older if frame is not None)]
    return pl.concat(_taken(frame, named) for frame in frames).sort()


def set_aside(keys: pl.LazyFrame, groups: Sequence[Group], rows: pl.Series) -> pl.LazyFrame:
    """Key frames in which `rows` belong to no group of services; those of their claim stay."""
    of_services = {group.id for group in groups if _SERVICES.intersection(group.keys)}
    if rows.is_empty() or not of_services:
        return keys
    stands = ~pl.col(ROW).is_in(rows.implode())
    return keys.with_columns(pl.when(stands).then(pl.col(name)).alias(name) for name in sorted(of_services))


def _may_replace(part: SpilledPart) -> bool:
    return any(part.input.layout.gives(name) for name in _FREQUENCY)


def _links(part: SpilledPart, which: pl.Expr, context: Context, read: Collection[str]) -> pl.DataFrame | None:
    """_LINKS of the lines of a part that `which` is true of, which reads little; None without any."""
    layout = part.input.layout
    asked = fact_frame(part.read(raw_columns(layout, read)), layout, read, context)
    wanted = asked.select(which.fill_null(False).alias("wanted")).to_series()
    if not wanted.any():
        return None
    rows = part.read(raw_columns(layout, _LINKS)).filter(wanted)
    return fact_frame(rows, layout, _LINKS, context).select(ROW, *_LINKS)


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
