"""Trying again what failed: the rows that a job rejected, as they were or from a corrected file."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, cast

import polars as pl

from claimsctl.errors import UsageError
from claimsctl.ingest.kept import KeptSource, WithoutRows
from claimsctl.ingest.parts import Format, Source
from claimsctl.ingest.sources import open_sources
from claimsctl.jobs.correcting import Corrected, compare
from claimsctl.jobs.gone import KEY, Gone, accepted_since, keyed, unreadable, unreadable_rows
from claimsctl.jobs.outputs import outputs_left
from claimsctl.jobs.story import EDITS, RETRIED
from claimsctl.pipeline import Again
from claimsctl.process.intake import Input
from claimsctl.process.keeping import KeptInput, by_input, kept_inputs, kept_parts
from claimsctl.process.prepare import map_sources
from claimsctl.process.request import Request
from claimsctl.process.sessions import DERIVED
from claimsctl.security.files import FILE_MODE, disk_errors
from claimsctl.security.keys import Keys
from claimsctl.store.claims import existing_claims
from claimsctl.store.job import Job
from claimsctl.store.workspace import Workspace

RETRYABLE = ("COMPLETED", "COMPLETED_WITH_ERRORS")


@dataclass
class Retry:
    """What is to be tried again: sources to read, which row is which, and what to tell.

    `told` has the numbers for the summary; `notes` are sentences for the user. Without sources nothing is
    left to try.
    """

    sources: Sequence[Source]
    rows: pl.DataFrame
    told: dict[str, Any]
    notes: list[str] = field(default_factory=list)
    edits: pl.DataFrame | None = None

    def again(self, workspace: Workspace, job: Job) -> Again:
        """How the pipeline runs it."""

        def keep(job_id: str) -> None:
            directory = workspace.job_directory(job_id)
            for name, frame in ((RETRIED, self.rows), (EDITS, self.edits)):
                if frame is not None:
                    with disk_errors(directory / name, "write"):
                        frame.write_parquet(directory / name, compression="zstd")
                        (directory / name).chmod(FILE_MODE)

        def inputs(request: Request, _spool: Path, house: Mapping[str, str]) -> list[Input]:
            return map_sources(self.sources, request, house)

        return Again("retry", job.job_id, inputs, keep, {"retry": self.told})


def kept_of(workspace: Workspace, job: Job, keys: Keys) -> dict[int, KeptInput]:
    """The inputs of the rejected rows that a job kept; UsageError where there is nothing to retry."""
    if job.status not in RETRYABLE:
        hint = (
            f"Run it again with `claimsctl jobs resume {job.job_id}`."
            if job.status in ("INTERRUPTED", "CANCELLED", "FAILED")
            else None
        )
        raise UsageError(
            f"Job {job.job_id} is {job.status}; only a job that ended has rows to retry.", hint=hint
        )
    inputs = kept_inputs(workspace, job.job_id, keys)
    rejected = (job.ledger.get("rows") or {}).get("rejected", 0)
    if not inputs and rejected > unreadable_rows(workspace, job):
        raise UsageError(
            f"The rejected rows of job {job.job_id} are not kept (any more).",
            hint=_other_way(job),
        )
    return inputs


def _other_way(job: Job) -> str:
    """What to run where the rejected rows are not kept."""
    rejected = [str(path) for name, path in outputs_left(job).items() if name.startswith("rejected")]
    if rejected:
        return f"Correct {' and '.join(rejected)} and run that with `claimsctl process`."
    return "Run its inputs again with `claimsctl process`; claims that have not changed are not stored again."


def from_store(workspace: Workspace, job: Job, keys: Keys) -> Retry:
    """The rejected rows of a job as they were given.

    Left out are rows of claims that a later job has accepted meanwhile, and of claims of which some record
    could not be read: without it they would pass incomplete. Only keys are held in memory; the cells are read
    part by part.
    """
    inputs = kept_of(workspace, job, keys)
    numbered: set[int] = set()

    def narrow() -> Iterator[pl.DataFrame]:
        for part in kept_parts(workspace, job.job_id, keys):
            if DERIVED in part.columns:
                numbered.add(part["input"][0])
            yield part.select("input", "row_number", "claim_number", "payer_sequence")

    kept = by_input(narrow())
    gone = Gone(accepted_since(workspace, job, kept), unreadable(workspace, job))
    notes, told = [], {"of": job.job_id, "with": None, "rows": 0}
    every = pl.concat([keyed(frame) for frame in kept.values()]) if kept else keyed(pl.DataFrame(schema=KEY))
    for name, left_out, why in (
        ("accepted_since", gone.accepted_of(every), "were accepted by a later job and are left alone"),
        (
            "unreadable",
            gone.broken_of(every),
            "have records that could not be read; correct those and use --with",
        ),
    ):
        if left_out.height:
            claims = left_out.n_unique(["claim_number", "payer_sequence"])
            notes.append(f"{claims:,} of the rejected claims ({left_out.height:,} rows) {why}.")
        told[f"{name}_rows"] = left_out.height
    if not kept and job.counts.get("error"):
        notes.append("What it rejected are records that could not be read; correct those and use --with.")
    sources: list[Source] = []
    mappings = []
    for index, frame in sorted(kept.items()):
        left = gone.left_of(frame)
        if left.height:
            each = inputs[index]
            frames = partial(_kept_frames, workspace, job, keys, index, gone)
            sources.append(_source(each, frames, len(sources), numbered=index in numbered))
            mappings.append(left.select(
                pl.lit(each.name).alias("input"), "row_number", pl.lit(each.name).alias("parent_input"),
                pl.col("row_number").alias("parent_row"),
            ))  # fmt: skip
    mapped = pl.concat(mappings) if mappings else pl.DataFrame()
    told["rows"] = mapped.height
    return Retry(sources, mapped, told, notes)


def from_file(
    workspace: Workspace,
    job: Job,
    keys: Keys,
    path: Path,
    request: Request,
    house: Mapping[str, str],
    spool: Path,
) -> Retry:
    """A corrected file of the rejected rows. Rows of claims that were not rejected, and that the store has
    as accepted, are left out; further rows are taken as new."""
    inputs = kept_of(workspace, job, keys)
    kept = by_input(kept_parts(workspace, job.job_id, keys))
    if not (job.ledger.get("rows") or {}).get("rejected"):
        raise UsageError(f"Job {job.job_id} rejected nothing; there is nothing to correct.")
    opened = open_sources([str(path)], spool_dir=spool)
    if len(opened) != 1:
        raise UsageError(
            f"{path} holds {len(opened)} files: {', '.join(each.name for each in opened)}.",
            hint="Name one file with --with, and retry again for each of the others.",
        )
    (source,) = opened
    (each,) = map_sources([source], request, house)
    rows = pl.concat([part.rows for part in source.parts(request.batch_size)])
    corrected = compare(rows, each, kept, inputs)
    left_out = _left_out(workspace, job, corrected, kept)
    names = {index: one.name for index, one in inputs.items()} or {0: ""}
    mapped = corrected.rows.filter(pl.col("parent_row").is_not_null()).select(
        pl.lit(source.name).alias("input"), "row_number",
        pl.col("parent_input").replace_strict(names, return_dtype=pl.String), "parent_row",
    )  # fmt: skip
    told = {"of": job.job_id, "with": str(path), "rows": rows.height - len(left_out), **corrected.told(),
            "left_out_rows": len(left_out)}  # fmt: skip
    told["added_rows"] -= len(left_out)
    chosen: Source = WithoutRows(source, left_out) if len(left_out) else source
    sources = [chosen] if rows.height > len(left_out) else []
    return Retry(sources, mapped, told, _notes(told, corrected), corrected.edits)


def _kept_frames(
    workspace: Workspace, job: Job, keys: Keys, index: int, gone: Gone
) -> Iterator[pl.DataFrame]:
    """The kept rows of an input, without those of the claims `gone`."""
    for part in kept_parts(workspace, job.job_id, keys):
        if part["input"][0] == index:
            yield gone.left_of(part)


def _source(
    each: KeptInput, frames: Callable[[], Iterator[pl.DataFrame]], index: int, *, numbered: bool
) -> Source:
    """A source of kept rows; a claim number that a run made for a session (`numbered`) stays as it was."""
    header = dict(each.header)
    if not numbered:
        header.pop(DERIVED, None)
    return KeptSource(
        frames, header, index=index, name=each.name, path=each.path, form=cast(Format, each.format),
        delimiter=each.delimiter, encoding=each.encoding,
    )  # fmt: skip


def _left_out(
    workspace: Workspace,
    job: Job,
    corrected: Corrected,
    kept: Mapping[int, pl.DataFrame],
) -> pl.Series:
    """Row numbers of a corrected file that belong to claims which the job did not reject and which are
    stored as accepted, as in a copy of the whole file."""
    more = corrected.rows.filter(pl.col("parent_row").is_null(), pl.col("claim").is_not_null())
    if not more.height:
        return pl.Series("row_number", [], dtype=pl.Int64)
    claims = more.with_columns(
        pl.lit(job.practice_id or "default").alias("practice_id"), pl.col("claim").alias("claim_number")
    )
    failed = pl.concat([pl.DataFrame(schema=KEY), *(keyed(frame).select(*KEY) for frame in kept.values())])
    claims = claims.join(failed, on=list(KEY), how="anti", maintain_order="left")
    found = existing_claims(workspace, claims).filter(pl.col("status") != "INVALID")
    return claims.join(found, on=["claim_number", "payer_sequence"], how="semi")["row_number"]


def _notes(told: Mapping[str, Any], corrected: Corrected) -> list[str]:
    """What a person wants to know of a corrected file before it runs."""
    matched, edited, cells = (told[name] for name in ("matched_rows", "edited_rows", "edited_cells"))
    notes = [
        f"{_rows(matched, 'is one', 'are those')} that failed; {cells:,} {_one(cells, 'cell')} in"
        f" {edited:,} of them {_one(cells, 'was', 'were')} edited."
    ]
    if removed := told["removed_rows"]:
        short = told["claims_with_removed_rows"]
        stays = _one(
            removed, "is not in the file and stays as it is", "are not in the file and stay as they are"
        )
        lacking = _one(
            short, "claim lacks some of its rows; it is", "claims lack some of their rows; they are"
        )
        notes.append(
            f"{removed:,} of the failed rows {stays}."
            + (f" {short:,} {lacking} taken without them." * bool(short))
        )
    if told["added_rows"]:
        notes.append(f"{_rows(told['added_rows'], 'more is', 'more are')} taken as new.")
    if told["left_out_rows"]:
        left = _rows(told["left_out_rows"], "of a claim that was", "of claims that were")
        notes.append(f"{left} accepted already: left out.")
    shown = corrected.edits.head(20)
    notes += [
        f"row {row['row_number']}: {row['column']} {row['before'] or 'blank'} -> {row['after'] or 'blank'}"
        for row in shown.iter_rows(named=True)
    ]
    if corrected.edits.height > shown.height:
        notes.append(f"and {corrected.edits.height - shown.height:,} more edited cells")
    return notes


def _one(number: int, word: str, words: str | None = None) -> str:
    return word if number == 1 else words or f"{word}s"


def _rows(number: int, one: str, many: str) -> str:
    return f"{number:,} {_one(number, f'row {one}', f'rows {many}')}"
