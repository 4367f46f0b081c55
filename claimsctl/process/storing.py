"""What a run keeps in the workspace: claims without identifiers, sealed patients, its findings."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Final

import polars as pl

from claimsctl.claim import BY_NAME
from claimsctl.facts.typed import typed_frame
from claimsctl.ingest.sources import unique_names
from claimsctl.process.intake import Intake
from claimsctl.process.keeping import DIRECTORY, RejectKeeper
from claimsctl.process.keying import CONTENT
from claimsctl.process.request import Duplicates
from claimsctl.process.routing import Reviewed
from claimsctl.process.scoring import KEPT
from claimsctl.process.spilling import COMPRESSION, temporary_files
from claimsctl.security.spills import read_spill
from claimsctl.store.claims import existing_claims, known_records, last_job_of
from claimsctl.store.digests import claim_digest, digest_scheme
from claimsctl.store.patients import PatientWriter, key_columns
from claimsctl.store.workspace import DETAILS
from claimsctl.validate.cross import without
from claimsctl.validate.findings import FINDING

if TYPE_CHECKING:
    from claimsctl.security.keys import Keys
    from claimsctl.store.database import Notify
    from claimsctl.store.job import Job
    from claimsctl.store.jobs import JobStore
    from claimsctl.store.workspace import Workspace

UNCHANGED, CHANGED, UPDATED, SKIPPED = "unchanged", "changed", "updated", "skipped"
_ACTIONS: Final = {"error": CHANGED, "update": UPDATED, "skip": SKIPPED}
_KEY: Final = ("claim_id", "line_number", "code")
DETAIL: Final = (*FINDING, "cause", "claim_id")
"""Columns of a finding in the directory DETAILS of a job."""
_SEALED_APART: Final = ("line_note",)
_PRICES: Final = (
    "expected_allowed_amount", "pricing_status", "pricing_source", "work_rvu", "total_rvu",
)  # fmt: skip


@dataclass
class StoreSink:
    """Writes the line parts and patients of a job into its private directory, ready to be committed.

    The columns `seal` of a patient are kept in the sealed record, not in the lines.
    """

    workspace: Workspace
    job_id: str
    keys: Keys
    practice_id: str
    notify: Notify | None = None
    seal: Sequence[str] = ()
    parts: int = 0
    _patients: PatientWriter | None = None
    _findings: list[Path] = field(default_factory=list)
    _rejects: RejectKeeper = field(init=False)

    def __post_init__(self) -> None:
        self._rejects = RejectKeeper(self.directory / DIRECTORY, self.job_id, self.keys)

    @property
    def directory(self) -> Path:
        """The private directory of the job."""
        return self.workspace.tmp_directory(self.job_id)

    def findings(self, findings: pl.DataFrame) -> None:
        """Keep what was found, as errors.csv has it: masked for identifiers."""
        place = self.directory / DETAILS
        place.mkdir(mode=0o700, exist_ok=True)
        path = place / f"found-{len(self._findings):05d}.parquet"
        findings.select(DETAIL).write_parquet(path, compression=COMPRESSION, statistics=False)
        self._findings.append(path)

    def malformed(self, input_name: str, malformed: pl.DataFrame) -> None:
        """Records that could not be read are not claims; they stand in malformed.csv."""

    def lines(self, part: Reviewed, rejected: pl.Series) -> None:
        """Write a decided part: typed lines without identifiers, each with its patient's key."""
        frame = part.frame
        if self._patients is None:
            known = known_records(self.workspace, notify=self.notify)
            self._patients = PatientWriter(self.directory, self.keys, known, self.seal)
        practice = pl.lit(self.practice_id).alias("practice_id")
        people = frame.with_columns(practice)
        found = key_columns(people, self.keys)
        self._patients.add(people, found["patient_key"])
        stored = [
            name
            for name in frame.columns
            if name in BY_NAME
            and BY_NAME[name].phi != "identifier"
            and name != "practice_id"
            and name not in self.seal
        ]
        stored += [name for name in (*_PRICES, *KEPT) if name in frame.columns]
        held = pl.lit(False) if part.held is None else part.held
        state = frame["stored_claim"] if "stored_claim" in frame.columns else None
        lines = frame.select(
            *stored,
            "claim_id",
            "row_number",
            CONTENT,
            pl.col("line_number_in_claim").alias("line_number_stored"),
            practice,
            pl.lit(part.input.source.name).alias("input"),
            pl.when(rejected)
            .then(pl.lit("rejected"))
            .when(held)
            .then(pl.lit("held"))
            .otherwise(pl.lit("accepted"))
            .alias("verdict"),
            (pl.lit(False) if state is None else (state == UNCHANGED).fill_null(False)).alias("unchanged"),
            *found.get_columns(),
        ).with_columns(pl.col("payer_sequence").fill_null("P"))
        lines = lines.drop("line_number", strict=False).rename({"line_number_stored": "line_number"})
        path = self.directory / f"lines-{self.parts:05d}.parquet"
        lines.write_parquet(path, compression="zstd", compression_level=1, row_group_size=lines.height or 1)
        self._seal_notes(part, path)
        self.parts += 1
        if rejected.any():
            self._rejects.keep(part, rejected)

    def _seal_notes(self, part: Reviewed, path: Path) -> None:
        """Notes and unmapped columns may hold anything about anybody: one sealed block per part."""
        notes = [part.frame[name] for name in _SEALED_APART if name in part.frame.columns]
        notes += [
            part.rows[f"c{n}"].cast(pl.String).alias(name)
            for n, name in part.input.header_map.x_names.items()
        ]
        if not notes:
            return
        from claimsctl.security.files import write_private
        from claimsctl.security.sealing import seal_columns

        frame = pl.DataFrame([part.frame["claim_id"], part.frame["row_number"], *notes])
        sealed = seal_columns(frame, f"{self.job_id}/{path.stem}", self.keys)
        write_private(path.with_suffix(".sealed"), sealed)

    @temporary_files()
    def keep_findings(self) -> pl.DataFrame:
        """Write what is kept of findings and rejected rows into the workspace; the narrow findings of
        claims (claim_id, line_number, code)."""
        found = (
            pl.read_parquet(self._findings, columns=list(_KEY)).filter(pl.col("claim_id").is_not_null())
            if self._findings
            else pl.DataFrame(schema={"claim_id": pl.UInt64, "line_number": pl.Int64, "code": pl.String})
        )
        path = self.workspace.findings_file(self.job_id)
        found.write_parquet(path, compression="zstd")
        path.chmod(0o600)
        if self._findings:
            for each in self._findings:
                each.chmod(0o600)
            (self.directory / DETAILS).replace(path.parent / DETAILS)
        self._rejects.finish(path.parent)
        return found


def claims_of(intake: Intake, copies: pl.Series) -> pl.DataFrame:
    """Every claim of the intake: claim_id, claim_number, payer_sequence, digest, lines.

    Exact copies of a row (their indexes) are skipped by the run, so they do not count here either.
    """
    keys = intake.keys()
    return (
        without(keys, copies)
        .filter(pl.col("claim_number").is_not_null())
        .group_by("claim_id")
        .agg(
            pl.col("claim_number").first(),
            pl.col("payer_sequence").fill_null("P").first(),
            claim_digest(CONTENT).alias("digest"),
            pl.len().alias("lines"),
        )
        .collect(engine="streaming")
    )


def claim_ids(intake: Intake, copies: pl.Series) -> pl.Series:
    """The claim_id of every claim of `claims_of`, without the rest: millions of claims fit in little."""
    keys = without(intake.keys(), copies).filter(pl.col("claim_number").is_not_null())
    return keys.select(pl.col("claim_id").unique()).collect(engine="streaming")["claim_id"]


def stored_claims(
    intake: Intake,
    copies: pl.Series,
    workspace: Workspace,
    keys: Keys,
    practice_id: str,
    duplicates: Duplicates,
    notify: Notify | None,
) -> pl.DataFrame | None:
    """claim_id, stored_claim, stored_job of claims that the store holds as accepted; None where it has none.

    `unchanged` claims say what they said before; others follow the strategy: `changed` (an error),
    `updated` or `skipped`.
    """
    if not workspace.claims_database.exists():
        return None
    claims = claims_of(intake, copies).with_columns(pl.lit(practice_id).alias("practice_id"))
    # What is held back is corrected and comes again, as what is rejected does.
    found = existing_claims(workspace, claims, notify=notify).filter(
        (pl.col("status") != "INVALID") & ~pl.col("held")
    )
    if not found.height:
        return None
    scheme = digest_scheme(keys.digest)
    met = claims.join(
        found.rename({"digest": "stored_digest"}),
        on=["practice_id", "claim_number", "payer_sequence"],
    )
    if (met["digest_scheme"] != scheme).any():
        met = met.join(charges_of(intake), on="claim_id", how="left")
        agrees = (pl.col("lines") == pl.col("line_count")) & (
            pl.col("charges") == pl.col("charge_total").cast(pl.Decimal(38, 4))
        ).fill_null(True)
    else:
        agrees = pl.lit(False)
    same = (
        pl.when(pl.col("digest_scheme") == scheme)
        .then(pl.col("digest") == pl.col("stored_digest"))
        .otherwise(agrees)
    )
    return met.select(
        "claim_id",
        pl.when(same).then(pl.lit(UNCHANGED)).otherwise(pl.lit(_ACTIONS[duplicates])).alias("stored_claim"),
        pl.col("job_id").alias("stored_job"),
    )


def charges_of(intake: Intake) -> pl.DataFrame:
    """Charge total of each claim; read only where digests of another Polars version cannot be compared."""
    totals = []
    for part in intake.parts:
        rows = part.read()
        columns = ["charge_amount", "revenue_code"]
        lines = typed_frame(rows, part.input.layout, columns, run_date=intake.run_date)
        service = pl.col("revenue_code").cast(pl.String).str.strip_chars_start("0").ne_missing("1")
        charges = lines.select(pl.when(service).then("charge_amount"))
        claims = read_spill(part.keys, ["claim_id"])
        totals.append(pl.concat([claims, charges], how="horizontal").group_by("claim_id").agg(
            pl.col("charge_amount").sum()))  # fmt: skip
    return pl.concat(totals).group_by("claim_id").agg(
        pl.col("charge_amount").sum().cast(pl.Decimal(38, 4)).alias("charges")
    )  # fmt: skip


def since_last(
    workspace: Workspace, job_id: str, found: pl.DataFrame, claim_ids: pl.Series, once: Collection[str]
) -> dict[str, object] | None:
    """Findings fixed, new and same against the last job that saw most of these claims; None without one.

    Rules that report `once` per file are left out: the claim they name is that of the first row.
    """
    previous = last_job_of(workspace, claim_ids, before=job_id)
    if previous is None or not workspace.findings_file(previous).exists():
        return None
    before = pl.read_parquet(workspace.findings_file(previous)).filter(
        pl.col("claim_id").is_in(claim_ids.implode())
    )
    lasting = ~pl.col("code").is_in(list(once))
    now, before = (each.filter(lasting).select(_KEY).unique() for each in (found, before))
    same = now.join(before, on=list(_KEY), how="semi", nulls_equal=True).height
    return {"job": previous, "fixed": before.height - same, "new": now.height - same, "same": same}


def seen_inputs(hashes: Sequence[str], previous: Sequence[Job]) -> dict[str, tuple[str, str]]:
    """sha256 -> (job, date) of the newest job that finished with the same content."""
    seen: dict[str, tuple[str, str]] = {}
    for job in previous:
        if job.status not in ("COMPLETED", "COMPLETED_WITH_ERRORS"):
            continue
        for each in job.inputs:
            if each.sha256 in hashes:
                seen.setdefault(each.sha256, (job.job_id, f"{job.created_at:%Y-%m-%d}"))
    return seen


def not_history(
    hashes: Sequence[str], jobs: JobStore, sheet: str | None = None
) -> list[tuple[str, str | None]]:
    """Earlier jobs whose claims are no history of a run with these inputs: (job, input name), None for all.

    Those of the same content, which came again, and those that were rolled back; another `sheet` of the same
    workbook is other content.
    """
    left_out: list[tuple[str, str | None]] = []
    for job in jobs.find_by_input_hash(hashes):
        if not job.read_sheet(sheet):
            continue
        names = unique_names(each.path for each in job.inputs)
        left_out += [
            (job.job_id, name) for each, name in zip(job.inputs, names, strict=True) if each.sha256 in hashes
        ]
    return left_out + [(job.job_id, None) for job in jobs.list_jobs("ROLLED_BACK")]
