"""Claims of the store as an input of questions: one row per claim, with what its payer needs to find it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import polars as pl

from claimsctl.asking.columns import ASKED, EARLIEST, FIRST, LATEST, SUMMED
from claimsctl.inquiry.exporting import export_claims
from claimsctl.inquiry.filters import Filters, condition
from claimsctl.inquiry.opening import reading
from claimsctl.security.keys import load_keys
from claimsctl.security.sealing import unseal
from claimsctl.security.spills import scan_spills, write_spill
from claimsctl.store.database import Notify
from claimsctl.store.schema import STATUS_ONLY

if TYPE_CHECKING:
    from claimsctl.store.workspace import Workspace

CHOSEN: Final = "workspace.parquet"
"""Name of the input in findings and results."""
_KEY: Final = ("practice_id", "claim_number", "payer_sequence")


def claims_to_ask(
    workspace: Workspace, filters: Filters, directory: Path, notify: Notify | None = None
) -> Path | None:
    """Write the claims that fit into a file that only this process can read; None where none fits."""
    whole = directory / "lines.parquet"
    export_claims(workspace, filters, directory, whole.name, "spill", show_phi=True, notify=notify)
    frames = [_by_claim(scan_spills(whole))]
    known = _status_only(workspace, filters, notify)
    if known:
        frames.append(pl.DataFrame(known, schema=dict.fromkeys(ASKED, pl.String)))
    whole.unlink()
    claims = pl.concat(frames, how="diagonal").sort(_KEY)
    if not claims.height:
        return None
    path = directory / CHOSEN
    write_spill(claims, path)
    return path


def _by_claim(lines: pl.LazyFrame) -> pl.DataFrame:
    """Lines put together; all columns as text, as an input has them."""
    there = lines.collect_schema()
    columns: list[pl.Expr] = []
    for name in ASKED:
        if name not in there or name in _KEY:
            continue
        column = pl.col(name)
        if name in FIRST:
            columns.append(column.first(ignore_nulls=True))
        elif name in EARLIEST:
            columns.append(column.min())
        elif name in LATEST:
            first = pl.col(dict(zip(LATEST, EARLIEST, strict=True))[name])
            columns.append(pl.coalesce(column, first).max().alias(name))
        elif name == SUMMED:
            columns.append(pl.when(column.count() > 0).then(column.sum().round(2)).alias(name))
    found = lines.group_by(_KEY).agg(columns).collect(engine="streaming")
    texts = [pl.col(name).cast(pl.String) for name in found.columns]
    missing = [pl.lit(None, pl.String).alias(name) for name in ASKED if name not in found.columns]
    return found.with_columns(*texts, *missing).select(ASKED)


def _status_only(workspace: Workspace, filters: Filters, notify: Notify | None) -> list[dict[str, Any]]:
    """What was asked last about claims without lines."""
    with reading(workspace, notify) as connection:
        where = condition(filters, connection, workspace)
        rows = connection.execute(
            "SELECT c.claim_number, c.practice_id, c.payer_sequence, a.asked FROM claims c JOIN "
            "claim_answers a USING (practice_id, claim_number) "
            f"WHERE c.rowid IN (SELECT rowid FROM claims WHERE {where.sql}) "
            f"AND c.origin = '{STATUS_ONLY}' AND a.asked IS NOT NULL "
            "QUALIFY row_number() OVER (PARTITION BY c.rowid ORDER BY a.asked_at DESC) = 1",
            where.parameters,
        ).fetchall()
    if not rows:
        return []
    keys = load_keys(workspace, None)
    found = []
    for number, practice, sequence, asked in rows:
        said = json.loads(unseal(bytes(asked), bound_to(practice, number), keys))
        found.append({name: said.get(name) for name in ASKED} | {
            "claim_number": number, "practice_id": practice, "payer_sequence": sequence,
        })  # fmt: skip
    return found


def bound_to(practice: str, number: str) -> bytes:
    """What a question kept with its answer is bound to."""
    return f"claimsctl question 1 {practice} {number.upper()}".encode()
