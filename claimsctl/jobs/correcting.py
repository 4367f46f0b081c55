"""A corrected file beside the rows that failed: which row is which, and what was changed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import polars as pl

from claimsctl.claim import BY_NAME
from claimsctl.facts.typed import clean_cells, clean_text
from claimsctl.ingest.headers import fold
from claimsctl.jobs.gone import KEY, keyed
from claimsctl.process.intake import Input
from claimsctl.process.keeping import KeptInput, canonical_columns
from claimsctl.security.masking import mask_expr

_EDIT: Final = {
    "input": pl.String, "row_number": pl.Int64, "parent_row": pl.Int64, "column": pl.String,
    "before": pl.String, "after": pl.String,
}  # fmt: skip


@dataclass(frozen=True)
class Corrected:
    """How a corrected file compares with the failed rows.

    `rows` has row_number in the corrected file, its claim and, where it stands for a failed row,
    parent_input (number) and parent_row. `edits` are the changed cells, masked for identifiers. `removed`
    are failed rows that it does not have; `short` counts claims of which it has some rows only.
    """

    rows: pl.DataFrame
    edits: pl.DataFrame
    removed: int
    short: int

    def told(self) -> dict[str, Any]:
        """Numbers for the summary."""
        matched = self.rows["parent_row"].is_not_null()
        by_column = (
            self.edits.group_by("column").len("cells").sort("cells", "column", descending=[True, False])
        )
        return {
            "matched_rows": int(matched.sum()),
            "added_rows": int((~matched).sum()),
            "removed_rows": self.removed,
            "claims_with_removed_rows": self.short,
            "edited_rows": self.edits["row_number"].n_unique(),
            "edited_cells": self.edits.height,
            "edited_by_column": dict(by_column.rows()),
        }


def compare(
    rows: pl.DataFrame, each: Input, kept: dict[int, pl.DataFrame], inputs: dict[int, KeptInput]
) -> Corrected:
    """Match the rows of a corrected file (row_number, c0, ...) with the kept rows, and list edited cells.

    By row_number and claim where the file has the column row_number that rejected files have; a row that
    came without a claim number is known by its row_number alone. Else by claim, of its payer sequence, and
    place in it.
    """
    cleaned = clean_cells(rows)
    given = _keys(cleaned, each)
    nothing = pl.DataFrame(schema={"parent_input": pl.Int64, "parent_row": pl.Int64, **KEY})
    nothing = nothing.rename({"claim_number": "claim"})
    failed = pl.concat([nothing, *(
        frame.select(pl.lit(index, pl.Int64).alias("parent_input"), pl.col("row_number").alias("parent_row"),
                     pl.col("claim_number").alias("claim"), "payer_sequence")
        for index, frame in ((index, keyed(frame)) for index, frame in kept.items())
    )])  # fmt: skip
    own = next((n for n, name in each.header_map.own_columns.items() if name == "row_number"), None)
    if own is not None:
        number = cleaned[f"c{own}"].cast(pl.Int64, strict=False)
        given = given.with_columns(number.alias("parent_row"))
        matched = _by_row_number(given, failed)
    else:
        matched = _by_place(given, failed)
    # A row copied in a spreadsheet carries the number of the first one along: that one is meant.
    copied = (
        matched["parent_row"].is_not_null()
        & ~matched.select(pl.struct("parent_input", "parent_row").is_first_distinct()).to_series()
    )
    matched = matched.with_columns(
        pl.when(copied).then(None).otherwise(pl.col(name)).alias(name)
        for name in ("parent_input", "parent_row")
    )
    there = failed.join(matched, on=["parent_input", "parent_row"], how="semi")
    claims = failed.group_by("claim").len("all").join(there.group_by("claim").len("here"), on="claim")
    edits = [pl.DataFrame(schema=_EDIT)]
    edits += [_edits(rows, each, matched, kept[index], inputs[index], index) for index in kept]
    return Corrected(
        matched,
        pl.concat(edits).sort("row_number", maintain_order=True),
        failed.height - there.height,
        claims.filter(pl.col("here") < pl.col("all")).height,
    )


def _keys(cleaned: pl.DataFrame, each: Input) -> pl.DataFrame:
    """row_number and claim of each row; null where the file has no claim numbers (lists of sessions)."""
    raw = each.layout.columns.get("claim_number")
    if raw is None or raw not in cleaned.columns:
        claim = pl.repeat(None, cleaned.height, dtype=pl.String, eager=True)
    else:
        claim = clean_text(cleaned, each.layout, ["claim_number"])["claim_number"]
    sequence = clean_text(cleaned, each.layout, ["payer_sequence"]).get_column("payer_sequence", default=None)
    if sequence is None:
        sequence = pl.repeat(None, cleaned.height, dtype=pl.String, eager=True)
    return cleaned.select("row_number").with_columns(
        claim.alias("claim"), sequence.cast(pl.String).fill_null("P").alias("payer_sequence")
    )


def _by_row_number(given: pl.DataFrame, failed: pl.DataFrame) -> pl.DataFrame:
    failed = failed.drop("payer_sequence")
    keys = failed.unique(["parent_row", "claim"], keep="first", maintain_order=True)
    both = given.join(keys, on=["parent_row", "claim"], how="left", nulls_equal=True, maintain_order="left")
    blank = keys.filter(pl.col("claim").is_null()).unique("parent_row", keep="first", maintain_order=True)
    either = given.join(
        blank.select("parent_row", "parent_input"), on="parent_row", how="left", maintain_order="left"
    )
    if given["claim"].null_count() == given.height:  # a list of sessions: its numbers are ours
        some = keys.unique("parent_row", keep="first", maintain_order=True)
        either = given.join(
            some.select("parent_row", "parent_input"), on="parent_row", how="left", maintain_order="left"
        )
    found = both["parent_input"].fill_null(either["parent_input"]) if both.height else both["parent_input"]
    return both.with_columns(found.alias("parent_input")).with_columns(
        pl.when(pl.col("parent_input").is_not_null()).then("parent_row").alias("parent_row")
    )


def _by_place(given: pl.DataFrame, failed: pl.DataFrame) -> pl.DataFrame:
    key = ["claim", "payer_sequence"]
    place = pl.int_range(pl.len()).over(key).alias("place")
    keys = failed.with_columns(place)
    return given.with_columns(place).join(
        keys, on=[*key, "place"], how="left", maintain_order="left"
    ).drop("place")  # fmt: skip


def _edits(
    rows: pl.DataFrame, each: Input, matched: pl.DataFrame, kept: pl.DataFrame, was: KeptInput, index: int
) -> pl.DataFrame:
    """Cells that differ, by header, or by canonical column where a header was renamed; blanks at the ends of
    a cell do not count."""
    headers = {fold(text): f"c{n}" for n, text in reversed(list(enumerate(each.source.header)))}
    common = {raw: headers[fold(text)] for raw, text in was.header.items() if fold(text) in headers}
    named = {name: raw for raw, name in canonical_columns(each.header_map).items()}
    renamed = {raw: named[name] for raw, name in was.columns.items() if raw not in common and name in named}
    common |= {raw: new for raw, new in renamed.items() if new not in common.values()}
    pairs = (
        matched.filter(pl.col("parent_input") == index)
        .select("row_number", "parent_row")
        .join(rows.select("row_number", *(pl.col(new).alias(f"new {raw}") for raw, new in common.items())),
              on="row_number", maintain_order="left")
        .join(kept.select(pl.col("row_number").alias("parent_row"), *common), on="parent_row",
              maintain_order="left")
    )  # fmt: skip
    found = [pl.DataFrame(schema=_EDIT)]
    for raw in common:
        before, after = (pl.col(name).cast(pl.String).str.strip_chars() for name in (raw, f"new {raw}"))
        changed = pairs.filter(before.fill_null("") != after.fill_null(""))
        column = BY_NAME.get(was.columns.get(raw, ""))
        found.append(changed.select(
            pl.lit(each.source.name).alias("input"), "row_number", "parent_row",
            pl.lit(was.header[raw]).alias("column"),
            mask_expr(column, before).alias("before"), mask_expr(column, after).alias("after"),
        ))  # fmt: skip
    return pl.concat(found)
