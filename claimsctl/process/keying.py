"""The narrow frame that joins the lines of a run: claim, digests, keys of groups and their values."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import date
from functools import partial
from types import MappingProxyType
from typing import ClassVar, Final, Protocol

import polars as pl

from claimsctl.claim import BY_NAME, PATIENT_NAME, SUBSCRIBER_NAME
from claimsctl.facts import ncci, originals
from claimsctl.facts.cells import said
from claimsctl.facts.table import Context, fact_frame
from claimsctl.facts.typed import VERBATIM, Layout, coded_text
from claimsctl.process.sessions import DERIVED
from claimsctl.store.digests import row_digests
from claimsctl.validate.cross import Group, key_frame, needed

CONTENT: Final = "content_digest"
_WHOSE: Final = {"patient": PATIENT_NAME, "subscriber": SUBSCRIBER_NAME}


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
    carried: Mapping[str, str] = MappingProxyType({}),
) -> tuple[pl.DataFrame, pl.DataFrame | None]:
    """Row-aligned keys of a raw part (claim, digests, group keys and aggregated values), and its patients.

    `carried` has the x_ names of raw columns that are carried through.
    """
    digests = digest_columns(rows, layout, digest_key, context.run_date, carried)
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


def digest_columns(
    rows: pl.DataFrame,
    each: Layout,
    key: bytes,
    run_date: date,
    carried: Mapping[str, str] = MappingProxyType({}),
) -> list[pl.Series]:
    """`content_digest` over the canonical columns and full names, `row_digest` over all columns.

    What cells say counts, not how they are written nor which column stands where, so that a corrected,
    repaired or re-exported file is compared by what it says.
    """
    raw_names = {raw: name for name, raw in each.columns.items()}
    raw_names |= {raw: _WHOSE[who] for who, raw in each.full_names.items()}
    cells = [
        name
        for name in rows.columns
        if name not in ("row_number", "row_index", DERIVED) and not name.startswith(VERBATIM)
    ]
    known = {raw_names[cell]: cell for cell in cells if cell in raw_names}
    other = {carried.get(cell, cell): cell for cell in cells if cell not in raw_names}
    codings = each.codebook.codings
    content = row_digests(rows, known, key, codings, partial(_saying, run_date)).alias(CONTENT)
    if not other:
        return [content, content.alias("row_digest")]
    rest = row_digests(rows, other, key, codings)
    return [content, (content * 31 + rest).alias("row_digest")]


def _saying(run_date: date, name: str, texts: pl.Series) -> pl.Series:
    return said(texts, BY_NAME[name], run_date) if name in BY_NAME else texts
