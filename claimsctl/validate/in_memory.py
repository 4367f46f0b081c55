"""Both passes over a few rows held in memory: the Python API and the examples of rules use it."""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

from claimsctl.facts import ncci, originals, priced
from claimsctl.facts.originals import Originals
from claimsctl.facts.table import GIVEN, Context, fact_frame
from claimsctl.facts.typed import Layout
from claimsctl.validate.chances import likely
from claimsctl.validate.checks import Check, names_needed
from claimsctl.validate.cross import ROW, Group, key_frame, needed, only, plan_groups
from claimsctl.validate.evaluate import evaluate
from claimsctl.validate.gathering import cross_columns


def check_in_memory(
    rows: pl.DataFrame,
    layout: Layout,
    checks: Sequence[Check],
    context: Context,
    *,
    names: set[str] | None = None,
    groups: Sequence[Group] | None = None,
    overrides: pl.DataFrame | None = None,
    history: pl.DataFrame | None = None,
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """The facts frame and the hits of a cleaned part (`row_number` and cells) that fits in memory.

    `names` are columns and facts wanted beside those the checks read; `groups` may be planned ahead;
    `overrides` replaces facts (rule examples). `history` are cleaned cells of earlier lines, of the same
    layout; None where earlier runs are not known.
    """
    if groups is None:
        groups = plan_groups(set().union(*(check.aggregates for check in checks)))
    aggregates = {a.name for group in groups for a in group.aggregates}
    rows = rows.with_columns(
        pl.int_range(rows.height, dtype=pl.UInt32, eager=True).alias(ROW),
        pl.lit(None, pl.Int64).alias("line_rank"),
        pl.int_range(rows.height, dtype=pl.UInt64, eager=True).alias("row_digest"),
        pl.lit(None, pl.String).alias("stored_claim"),
        pl.lit(None, pl.String).alias("stored_job"),
    )
    given = [n for n in (overrides.columns if overrides is not None else []) if n in GIVEN]
    if overrides is not None and given:
        rows = rows.with_columns([pl.coalesce(overrides[n], rows[n]).alias(n) for n in given])
    wanted = names_needed(checks) | (names or set()) | (needed(groups) if groups else set())
    wanted |= set(ncci.NEEDED) if any(check.columns & ncci.TYPES.keys() for check in checks) else set()
    priced_for = any(check.columns & priced.TYPES.keys() for check in checks)
    wanted |= set(context.pricing.needed) if priced_for and context.pricing is not None else set()
    wanted |= set(originals.NEEDED) if context.originals else set()
    frame = fact_frame(rows, layout, (wanted | {"claim_number", "row_number"}) - aggregates, context,
                       overrides=overrides)  # fmt: skip
    frame, among = likely(frame, checks)
    live = [checks[n] for n in among]
    groups = only(groups, set().union(*(check.aggregates for check in live)))
    if groups:
        keys = key_frame(frame, groups).lazy()
        earlier = None if history is None else _earlier(history, layout, groups, context)
        found = pl.collect_all(list(cross_columns(keys, groups, history=earlier)), engine="in-memory")
        frame = frame.with_columns([column for columns in found for column in columns.get_columns()])
    if any(check.columns & ncci.TYPES.keys() for check in live):
        pairs = context.ncci
        past = None if history is None else _ncci_lines(history, layout, context)
        edits = pl.DataFrame() if pairs is None else ncci.bundled(ncci.lines(frame).lazy(), pairs, past)
        frame = frame.with_columns(
            ncci.aligned(frame.lazy(), edits).collect(engine="in-memory").get_columns()
        )
    if any(check.columns & priced.TYPES.keys() for check in live):
        frame = priced.with_prices(frame, context.pricing)
        if overrides is not None:
            said = [n for n in overrides.columns if n in priced.TYPES]
            frame = frame.with_columns([pl.coalesce(overrides[n], frame[n]).alias(n) for n in said])
    if context.originals:
        known = Originals() if history is None else _originals(history, layout, context)
        told = known.told(originals.lines(frame).lazy()).collect(engine="in-memory")
        frame = frame.with_columns(told.get_columns())
    return frame, evaluate(frame, checks, among=among)


def _ncci_lines(rows: pl.DataFrame, layout: Layout, context: Context) -> pl.LazyFrame:
    return ncci.lines(fact_frame(_numbered(rows), layout, ncci.NEEDED, context)).lazy()


def _originals(rows: pl.DataFrame, layout: Layout, context: Context) -> Originals:
    names = {"same_patient", *originals.LINE, *originals.NUMBERS}
    return Originals.of(fact_frame(_numbered(rows), layout, names, context))


def _numbered(rows: pl.DataFrame) -> pl.DataFrame:
    return rows.with_columns(pl.int_range(rows.height, dtype=pl.UInt32, eager=True).alias(ROW))


def _earlier(rows: pl.DataFrame, layout: Layout, groups: Sequence[Group], context: Context) -> pl.LazyFrame:
    """The key frame of earlier lines."""
    frame = fact_frame(_numbered(rows), layout, needed(groups, "history"), context)
    return key_frame(frame, groups, source="history").lazy()
