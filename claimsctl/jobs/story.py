"""The whole story of one row: what it said, what was found, what became of its claim, what came later."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any, Final

import polars as pl

from claimsctl.claim import BY_NAME
from claimsctl.errors import UsageError
from claimsctl.jobs.findings import COLUMNS, Filter, findings_of
from claimsctl.process.keeping import KeptInput, kept_inputs, kept_parts
from claimsctl.process.short_records import last_in_its_place
from claimsctl.security.keys import Keys
from claimsctl.security.masking import MASKED, mask_expr
from claimsctl.store.claims import existing_claims
from claimsctl.store.job import Job
from claimsctl.store.jobs import JobStore
from claimsctl.store.unread import readable
from claimsctl.store.workspace import Workspace
from claimsctl.write.rejected import AS_CSV

RETRIED: Final = "retried.parquet"
"""File of a retry's job: input and row_number of each of its rows, parent_input and parent_row."""
NOTHING_KEPT: Final = "nothing is kept of it"
"""Verdict on a row of which the job has neither a finding nor its cells or line."""
EDITS: Final = "edits.parquet"
"""File of a retry's job: the cells that a corrected file changed, masked."""


def row_story(
    workspace: Workspace, jobs: JobStore, job: Job, row: int, input_name: str | None, keys: Keys
) -> dict[str, Any]:
    """What a job knows of a row of one of its inputs; UsageError for a row of several inputs."""
    found = findings_of(workspace, job)
    here = found.filter(Filter(row=row, input=input_name).expression()).collect()
    kept = _kept(workspace, job, row, input_name, keys)
    stored = _stored(workspace, job, row, input_name)
    names = {*here["input"].to_list(), *(name for name, _, _ in kept), *(s["input"] for s in stored)}
    if len(names) > 1:
        raise UsageError(
            f"Row {row} stands in several inputs: {', '.join(sorted(map(str, names)))}.",
            hint="Name one with --input.",
        )
    claim_ids = [*here["claim_id"].drop_nulls().unique(), *(frame["claim_id"][0] for _, frame, _ in kept)]
    claim_ids += [each["claim_id"] for each in stored]
    other = found.filter(
        pl.col("claim_id").is_in(claim_ids), pl.col("row_number") != row, pl.col("severity") == "error"
    )
    numbers = [*here["claim_number"].drop_nulls(), *(frame["claim_number"][0] for _, frame, _ in kept)]
    numbers += [each["claim_number"] for each in stored]
    number = next((each for each in numbers if each), None)
    return {
        "job_id": job.job_id,
        "input": next(iter(names), input_name),
        "row_number": row,
        "claim_number": number,
        "verdict": _verdict(here, bool(kept), stored),
        "cells": next((cells for _, _, cells in kept), {}),
        "findings": here.select(COLUMNS).to_dicts(),
        "other_lines": other.select(COLUMNS).collect().head(100).to_dicts(),
        "claim_now": _claim_now(workspace, job, number),
        "later": _later(workspace, jobs, job, row, next(iter(names), input_name)),
    }


def _verdict(here: pl.DataFrame, kept: bool, stored: list[dict[str, Any]]) -> str:
    if kept:
        return "rejected"
    if stored:
        return str(stored[0]["verdict"])
    codes = set(here["code"])
    if codes & {"FILE-005", "FILE-006"}:
        return "could not be read"
    if codes & {"FILE-007", "FILE-008", "FILE-009", "DUP-001"}:
        return "skipped"
    return "not among the rejected rows" if here.height else NOTHING_KEPT


def _kept(
    workspace: Workspace, job: Job, row: int, input_name: str | None, keys: Keys
) -> list[tuple[str, pl.DataFrame, dict[str, str]]]:
    """The row as it was given, where it was rejected: input, row, masked cells by header."""
    inputs = kept_inputs(workspace, job.job_id, keys)
    found = []
    for rows in kept_parts(workspace, job.job_id, keys):
        one, each = rows.filter(pl.col("row_number") == row), inputs[rows["input"][0]]
        if one.height and input_name in (None, each.name):
            sure = _last_sure(one, each)
            doubtful = {
                raw for raw in each.header if sure is not None and raw[1:].isdecimal() and sure < int(raw[1:])
            }
            masked = one.select(
                mask_expr(BY_NAME.get(each.columns.get(raw, "")), pl.col(raw)).alias(raw)
                if raw not in doubtful
                else pl.when(pl.col(raw) != "").then(pl.lit(MASKED)).alias(raw)
                for raw in each.header
            ).row(0, named=True)
            told = {each.header[raw]: text for raw, text in masked.items() if text}
            if any(each.columns.get(raw) == "claim_number" for raw in doubtful):
                one = one.with_columns(pl.lit(None, pl.String).alias("claim_number"))
            found.append((each.name, one, told))
    return found


def _last_sure(one: pl.DataFrame, each: KeptInput) -> int | None:
    """The last cell that surely stands in its column, where the row may have lost a delimiter; else None."""
    if each.format not in AS_CSV:
        return None
    cells = one.select(raw for raw in each.header if raw in one.columns)
    return last_in_its_place(cells, each.columns, date.today())


def _stored(workspace: Workspace, job: Job, row: int, input_name: str | None) -> list[dict[str, Any]]:
    """The row as a stored line; empty where it was not stored (unchanged, skipped, unreadable)."""
    paths = sorted(workspace.lines_directory(job.job_id).glob("part-*.parquet"))
    if not paths:
        return []
    wanted = pl.col("row_number") == row
    if input_name is not None:
        wanted &= pl.col("input") == input_name
    columns = ["input", "claim_id", "claim_number", "verdict"]
    with readable(paths):
        return pl.scan_parquet(paths).filter(wanted).select(columns).collect(engine="streaming").to_dicts()


def _claim_now(workspace: Workspace, job: Job, number: str | None) -> list[dict[str, Any]]:
    """The version in force of the row's claim, by payer sequence; empty where there is none."""
    if number is None:
        return []
    keys = pl.DataFrame(
        {
            "practice_id": [job.practice_id or "default"] * 3,
            "claim_number": [number] * 3,
            "payer_sequence": ["P", "S", "T"],
        }
    )
    found = existing_claims(workspace, keys).select("payer_sequence", "status", "version", "job_id")
    return found.sort("payer_sequence").to_dicts()


def _later(
    workspace: Workspace, jobs: JobStore, job: Job, row: int, name: str | None
) -> list[dict[str, Any]]:
    """What retries made of the row, the oldest first, and of what came of them."""
    told = []
    for child in jobs.children_of(job.job_id):
        path: Path = workspace.job_directory(child.job_id) / RETRIED
        if not path.exists() or not child.ledger:  # one that did not end made nothing of it
            continue
        same = (pl.col("parent_row") == row) & (pl.col("parent_input") == name)
        for child_input, child_row in pl.read_parquet(path).filter(same).select("input", "row_number").rows():
            wanted = Filter(row=child_row, input=child_input, severity="error").expression()
            left = findings_of(workspace, child).filter(wanted).select("code", "message").collect()
            told.append({
                "job_id": child.job_id, "status": child.status, "input": child_input,
                "row_number": child_row, "edited": _edits(workspace, child, child_input, child_row),
                "errors": left.to_dicts(),
            })  # fmt: skip
            told += _later(workspace, jobs, child, child_row, child_input)
    return told


def _edits(workspace: Workspace, child: Job, name: str, row: int) -> list[dict[str, Any]]:
    path = workspace.job_directory(child.job_id) / EDITS
    if not path.exists():
        return []
    here = (pl.col("row_number") == row) & (pl.col("input") == name)
    return pl.read_parquet(path).filter(here).select("column", "before", "after").to_dicts()
