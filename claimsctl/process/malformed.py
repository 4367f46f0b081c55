"""Whose claims records are that could not be read.

Such a record may have lost or gained a delimiter, or be the rest of a torn cell: what stands in the column of
claim numbers may be anything of anybody. A number counts only where its place is sure, or where lines that
could be read have it too.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Final

import polars as pl

from claimsctl.process.intake import Input, Intake
from claimsctl.process.short_records import in_their_places

_BESIDE: Final = (1, -1, 2, -2)
"""Where else the number may stand: a name with a comma of its own moves it on, a lost delimiter back."""
_LEAST_BESIDE: Final = 3
"""Characters of a number that counts there: a shorter one may be of any column."""


def claims_of_malformed(intake: Intake) -> list[pl.Series]:
    """Per frame of `intake.malformed` the claim numbers of its records, null where not known."""
    guesses = [_guesses(each, malformed, intake.run_date) for each, malformed in intake.malformed]
    wanted = [frame[name].drop_nulls() for frame in guesses for name in frame.columns if name != "sure"]
    known = _known(intake, wanted)
    return [_chosen(frame, known) for frame in guesses]


def _guesses(each: Input, malformed: pl.DataFrame, run_date: date) -> pl.DataFrame:
    """The cell of the claim number, whether it surely is one, and those beside it."""
    index = each.header_map.columns.get("claim_number")
    names = ["here", *(f"beside_{n}" for n in _BESIDE)]
    if index is None:
        none = [pl.repeat(None, malformed.height, dtype=pl.String, eager=True).alias(name) for name in names]
        return pl.DataFrame(none).with_columns(pl.lit(False).alias("sure"))
    cells = malformed["cells"].to_frame()
    sure = in_their_places(cells.to_series(), each, run_date) >= index
    return cells.select(_cell(index + n).alias(name) for name, n in zip(names, (0, *_BESIDE), strict=True)
                        ).with_columns(sure.alias("sure"))  # fmt: skip


def _cell(index: int) -> pl.Expr:
    """Without a quote that was opened or closed alone."""
    if index < 0:
        return pl.lit(None, pl.String)
    text = pl.col("cells").list.get(index, null_on_oob=True).str.strip_chars(" \t\r\n\"'")
    return pl.when((text != "") & (text.str.len_chars() <= 50)).then(text)


def _known(intake: Intake, wanted: Sequence[pl.Series]) -> pl.Series:
    """Those of the numbers that lines have which could be read, of any input."""
    numbers = (
        pl.concat([each.rename("number") for each in wanted]).unique()
        if wanted
        else pl.Series([], dtype=pl.String)
    )
    if not len(numbers) or not intake.parts:
        return pl.Series("claim_number", [], dtype=pl.String)
    lines = intake.keys().select("claim_number").filter(pl.col("claim_number").is_in(numbers.implode()))
    return lines.unique().collect(engine="streaming")["claim_number"]


def _chosen(guesses: pl.DataFrame, known: pl.Series) -> pl.Series:
    def met(name: str) -> pl.Expr:
        return pl.when(pl.col(name).is_in(known.implode())).then(name)

    beside = [pl.when(met(name).str.len_chars() >= _LEAST_BESIDE).then(name)
              for name in (f"beside_{n}" for n in _BESIDE)]  # fmt: skip
    found = pl.coalesce(met("here"), pl.when("sure").then("here"), *beside)
    return guesses.select(found.alias("claim_number")).to_series()
