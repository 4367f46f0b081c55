"""Sealed files of a workspace: each is written aside and put in place of the old one, or left as it was."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from io import BytesIO
from pathlib import Path
from typing import Final

import polars as pl

from claimsctl.atrest.tally import Tally
from claimsctl.errors import PermissionDenied, StoreError
from claimsctl.process.keeping import place_of
from claimsctl.process.returning import outcome_place
from claimsctl.security.files import disk_errors, write_private
from claimsctl.security.sealing import columns_place
from claimsctl.sql.manifest import MANIFEST, reseal
from claimsctl.store.database import open_store
from claimsctl.store.jobs import JobStore
from claimsctl.store.records import patient_place
from claimsctl.store.workspace import Workspace

_PART: Final = re.compile(r"part-(\d+)")
_AT_ONCE: Final = 50_000
_ASIDE: Final = re.compile(r"\..+\.(sealed|parquet|json)\.[0-9a-f]{8}")
_HALF_WRITTEN_SECONDS: Final = 3_600.0


def practices_of_jobs(workspace: Workspace) -> dict[str, str]:
    """The practice of each job."""
    return {job.job_id: job.practice_id or "default" for job in JobStore(workspace).list_jobs()}


def reseal_patients(workspace: Workspace, tally: Tally) -> None:
    """Records of patients, a file at a time."""
    for path in sorted((workspace.root / "lines").glob("*/patients-*.parquet")):
        with _steady(workspace, tally):
            if path.exists():
                _reseal_records(path, tally)


def _reseal_records(path: Path, tally: Tally) -> None:
    with disk_errors(path, "read"):
        data = path.read_bytes()
    records = pl.read_parquet(BytesIO(data))
    key_id = pl.col("sealed").bin.slice(1, 4).bin.encode("hex")
    ours = (pl.col("practice_id") == tally.practice_id) & (key_id != tally.keys.key_id)
    old = records.with_row_index("row").filter(ours).select("row", "sealed", "patient_key")
    if not old.height:
        return
    anew: list[bytes] = []
    for some in old.iter_slices(_AT_ONCE):
        places = [patient_place(key) for key in some["patient_key"]]
        anew += tally.anew("patients", str(path), some["sealed"].to_list(), places)
    fresh = pl.DataFrame({"row": old["row"], "fresh": pl.Series(anew, dtype=pl.Binary)})
    records = (
        records.with_row_index("row")
        .join(fresh, on="row", how="left", maintain_order="left")
        .with_columns(pl.coalesce("fresh", "sealed").alias("sealed"))
        .drop("row", "fresh")
    )
    buffer = BytesIO()
    records.write_parquet(buffer, compression="uncompressed", statistics=False)
    write_private(path, buffer.getvalue())


def reseal_files(workspace: Workspace, tally: Tally, running: frozenset[str]) -> None:
    """Everything that is sealed as a whole file, of jobs of the practice that are not `running`."""
    practices = practices_of_jobs(workspace)
    for path in _sealed_files(workspace):
        job_id = path.relative_to(workspace.root).parts[1]
        if practices.get(job_id, "default") != tally.practice_id or job_id in running:
            continue
        place = _place(path, job_id)
        if place is None:
            tally.leave(f"{path} is sealed by something this version does not know; it is left as it is.")
            continue
        with _steady(workspace, tally) if path.parts[-3] == "lines" else suppress(FileNotFoundError):
            _reseal_file(path, place, tally)
    for path in sorted(workspace.sending_directory.glob(f"*/*/{MANIFEST}")):
        job_id = path.parent.parent.name
        if practices.get(job_id, "default") == tally.practice_id and job_id not in running:
            try:
                tally.sealed["outboxes"] += reseal(path, tally.keys)
            except (StoreError, PermissionDenied) as error:
                if path.exists():  # else it was delivered meanwhile
                    tally.leave(error.message)


def _sealed_files(workspace: Workspace) -> Iterator[Path]:
    for pattern in ("lines/*/*.sealed", "jobs/*/*.sealed", "jobs/*/*/*.sealed"):
        yield from sorted(workspace.root.glob(pattern))


def _place(path: Path, job_id: str) -> bytes | None:
    if path.parent.parent.name == "lines":
        part = _PART.match(path.name)
        return None if part is None else columns_place(f"{job_id}/lines-{part[1]}")
    if path.name.startswith("outcome-"):
        return columns_place(outcome_place(job_id, path.name))
    return place_of(path)


def _reseal_file(path: Path, place: bytes, tally: Tally) -> None:
    """Seal a file anew unless it has gone meanwhile."""
    with path.open("rb") as file:
        sealed = file.read()
    if not tally.is_old(sealed):
        return
    (fresh,) = tally.anew("files", str(path), [sealed], [place])
    if fresh != sealed and path.exists():
        write_private(path, fresh)


def clear_half_written(workspace: Workspace) -> None:
    """Remove what a kill left beside a file that was being written, once nobody can be writing it."""
    for top in ("lines", "jobs", "sending"):
        for path in (workspace.root / top).rglob(".*"):
            with suppress(FileNotFoundError):
                age = time.time() - path.stat().st_mtime
                if age > _HALF_WRITTEN_SECONDS and _ASIDE.fullmatch(path.name):
                    path.unlink()


@contextmanager
def _steady(workspace: Workspace, tally: Tally) -> Iterator[None]:
    """Nobody adds, moves or removes files of lines in the block: those who do have the store for writing."""
    if not workspace.claims_database.exists():
        yield
        return
    with open_store(workspace, write=False, notify=tally.notify):
        yield
