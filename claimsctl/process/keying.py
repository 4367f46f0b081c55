"""The narrow frame that joins the lines of a run: claim, digests, keys of groups and their values."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from functools import partial
from typing import ClassVar, Final, Protocol

import polars as pl

from claimsctl.facts import ncci, originals
from claimsctl.facts.table import Context, fact_frame
from claimsctl.facts.typed import VERBATIM, Layout, coded_text
from claimsctl.process.sessions import DERIVED
from claimsctl.store.digests import row_digests
from claimsctl.validate.cross import Group, key_frame, needed

CONTENT: Final = "content_digest"


class Patients(Protocol):
    """Takes note of a run's patients, to find their claims of earlier runs (process.history)."""

    names: ClassVar[Collection[str]]
    """Columns and facts that `people_of` reads."""

    def people_of(self, frame: pl.DataFrame) -> pl.DataFrame:
        """The patients of a part."""


def part_keys(
    rows: pl.DataFrame,
    layout: Layout,
    groups: Sequence[Group],
    context: Context,
    digest_key: bytes,
    patients: Patients | None = None,
) -> tuple[pl.DataFrame, pl.DataFrame | None]:
    """Row-aligned keys of a raw part (claim, digests, group keys and aggregated values), and its patients."""
    digests = digest_columns(rows, layout, digest_key)
    rows = rows.with_columns(digests[1])
    names = needed(groups) | {"claim_id", "claim_number", "payer_sequence", "line_number"}
    names |= set(ncci.NEEDED) if context.ncci is not None else set()
    names |= set(originals.NEEDED) if context.originals else set()
    names |= set(patients.names) if patients is not None else set()
    names |= set(context.pricing.needed) if context.pricing is not None else set()
    frame = fact_frame(rows, layout, names, context)
    coded = partial(coded_text, rows, layout, run_date=context.run_date)
    keys = key_frame(frame, groups, coded)
    if context.ncci is not None:
        keys = keys.with_columns(ncci.lines(frame).drop(ncci.ROW).get_columns())
    if context.pricing is not None:
        keys = keys.with_columns(context.pricing.candidates(frame).drop(ncci.ROW).get_columns())
    if context.originals:
        keys = keys.with_columns(originals.lines(frame).get_columns())
    keys = keys.with_columns(
        frame["claim_id"], frame["claim_number"], frame["payer_sequence"],
        frame["line_number"].is_null().alias("unnumbered"), *digests,
    )  # fmt: skip
    return keys, None if patients is None else patients.people_of(frame)


def digest_columns(rows: pl.DataFrame, each: Layout, key: bytes) -> list[pl.Series]:
    """`content_digest` over the canonical columns, `row_digest` over all of them.

    The content digest does not depend on which column stands where, so that a corrected or re-exported
    file is compared by what it says.
    """
    raw_names = {raw: name for name, raw in each.columns.items()}
    cells = [
        name
        for name in rows.columns
        if name not in ("row_number", "row_index", DERIVED) and not name.startswith(VERBATIM)
    ]
    known = {raw_names[cell]: cell for cell in cells if cell in raw_names}
    other = {cell: cell for cell in cells if cell not in raw_names}
    codings = each.codebook.codings
    content = row_digests(rows, known, key, codings).alias(CONTENT)
    if not other:
        return [content, content.alias("row_digest")]
    rest = row_digests(rows, other, key, codings)
    return [content, (content * 31 + rest).alias("row_digest")]
