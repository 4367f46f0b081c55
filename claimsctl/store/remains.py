"""Lines and patients of a rolled-back job that other jobs still need, and files that nobody needs."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Final

import polars as pl

from claimsctl.security.files import FILE_MODE, disk_errors, private_directory, sync_directory, write_private
from claimsctl.store.headers import quoted
from claimsctl.store.placing import sync
from claimsctl.store.unread import readable
from claimsctl.store.workspace import Workspace

if TYPE_CHECKING:
    import duckdb


ROLLED_BACK: Final = "SELECT job_id FROM commits WHERE result LIKE '%rolled_back%'"
"""Jobs that were rolled back. They may still hold patients of claims that became other jobs'."""


@dataclass
class Remains:
    """What stays of a job: its tables `staying` (claim_id, version, job) are in the connection."""

    connection: duckdb.DuckDBPyConnection
    workspace: Workspace
    job_id: str
    tmp: Path

    def move_lines(self) -> None:
        """Write the lines of versions that stay as further parts of the jobs that saw them; the registry of
        the rolled-back job is empty afterwards."""
        run = self.connection.execute
        parts = run(
            "SELECT part, file FROM job_parts WHERE job_id = ? ORDER BY part", [self.job_id]
        ).fetchall()
        listed = self.tmp / "staying.parquet"
        run(f"COPY (SELECT claim_id, job FROM staying ORDER BY ALL) TO {quoted(listed)} (FORMAT parquet)")
        staying = pl.read_parquet(listed)
        run("DELETE FROM job_parts WHERE job_id = ?", [self.job_id])
        if not staying.height:
            return
        moved = []
        for (job,), claims in sorted(staying.partition_by("job", as_dict=True).items()):
            row = run("SELECT coalesce(max(part), -1) + 1 FROM job_parts WHERE job_id = ?", [job]).fetchone()
            number = int(row[0]) if row is not None else 0
            directory = self.workspace.lines_directory(str(job))
            private_directory(directory)
            for part, file in parts:
                first = (
                    f"else take job {job} back first, which saw claims of it: claimsctl jobs rollback {job}"
                )
                with readable([self.workspace.root / file], hint=f"Restore it from a backup; {first}"):
                    rows = pl.read_parquet(self.workspace.root / file)
                rows = rows.filter(pl.col("claim_id").is_in(claims["claim_id"].implode()))
                if not rows.height:
                    continue
                target = directory / f"part-{number:05d}.parquet"
                with disk_errors(target, "write"):
                    rows.write_parquet(target, compression="zstd")
                    target.chmod(FILE_MODE)
                    sync(target)
                self._move_notes(self.workspace.root / file, int(part), target, str(job), number, rows)
                run(
                    "INSERT INTO job_parts VALUES (?, ?, ?, ?)",
                    [job, number, f"lines/{job}/{target.name}", rows.height],
                )
                moved.append(rows.select(
                    pl.col("claim_id").unique(), pl.lit(number, pl.Int32).alias("part"),
                    pl.lit(job).alias("job"),
                ))  # fmt: skip
                number += 1
            sync_directory(directory)
        if moved:
            self._give(moved)

    def _move_notes(
        self, source: Path, part: int, target: Path, job: str, number: int, rows: pl.DataFrame
    ) -> None:
        """Seal notes and unmapped columns of moved lines anew: they are bound to their place."""
        sealed = source.with_suffix(".sealed")
        if not sealed.exists():
            return
        from claimsctl.security.keys import load_keys
        from claimsctl.security.sealing import seal_columns, unseal_columns

        keys = load_keys(self.workspace, rows["practice_id"][0])
        notes = unseal_columns(sealed.read_bytes(), f"{self.job_id}/lines-{part:05d}", keys)
        notes = notes.filter(pl.col("claim_id").is_in(rows["claim_id"].implode()))
        write_private(target.with_suffix(".sealed"), seal_columns(notes, f"{job}/lines-{number:05d}", keys))

    def _give(self, moved: Sequence[pl.DataFrame]) -> None:
        """The versions become those of the jobs that hold their lines now."""
        places = pl.concat(moved).group_by("claim_id", "job").agg(
            pl.col("part").min().alias("first_part"), pl.col("part").max().alias("last_part")
        )  # fmt: skip
        listed = self.tmp / "moved.parquet"
        places.write_parquet(listed)
        self.connection.execute(
            f"""
            UPDATE claims SET job_id = x.job, first_part = x.first_part, last_part = x.last_part
            FROM read_parquet({quoted(listed)}) x
            WHERE claims.claim_id = x.claim_id AND claims.job_id = $job
            """,
            {"job": self.job_id},
        )

    def keep_patients(self) -> None:
        """Of the patients that the job, and others rolled back before, added keep those whom a stored claim
        names; others go."""
        run = self.connection.execute
        jobs = [self.job_id, *(str(job) for (job,) in run(ROLLED_BACK).fetchall())]
        run(
            f"DELETE FROM patients p WHERE (p.job_id = ? OR p.job_id IN ({ROLLED_BACK})) AND NOT EXISTS ("
            "SELECT 1 FROM claims c WHERE c.patient_key = p.patient_key)",
            [self.job_id],
        )
        for job in jobs:
            for path in sorted(self.workspace.lines_directory(job).glob("patients-*.parquet")):
                keep_records(self.connection, path, f"lines/{job}/{path.name}", self.tmp)


def keep_records(connection: duckdb.DuckDBPyConnection, path: Path, name: str, tmp: Path) -> None:
    """Leave the records of a file (`name` in the store) that are no patient's any more out of it.

    The old file stays until `clear_up`. Call it in a transaction.
    """
    run, listed = connection.execute, tmp / "patients.parquet"
    run(f"COPY (SELECT record_hash FROM patients WHERE file = '{name}') TO {quoted(listed)} (FORMAT parquet)")
    needed = pl.read_parquet(listed)["record_hash"]
    if not needed.len():
        return
    with readable([path], hint="Restore it from a backup."):
        records = pl.read_parquet(path)
    kept = records.filter(pl.col("record_hash").is_in(needed.implode()))
    if not kept.height or kept.height == records.height:
        return
    target = path.with_name(f"{path.stem}-kept.parquet")
    with disk_errors(target, "write"):
        kept.write_parquet(target, compression="uncompressed", statistics=False)
        target.chmod(FILE_MODE)
        sync(target)
    run("UPDATE patients SET file = ? WHERE file = ?", [name.removesuffix(path.name) + target.name, name])


def clear_up(
    connection: duckdb.DuckDBPyConnection, workspace: Workspace, job_id: str | None, targets: Sequence[str]
) -> None:
    """Remove files of a job that neither the registry of parts nor a patient names, and such parts and sealed
    patients of the `targets`; the list of its claims too where it was rolled back. Safe to repeat, without a
    job too."""
    named = {row[0] for row in connection.execute(
        "SELECT file FROM job_parts UNION SELECT DISTINCT file FROM patients").fetchall()}  # fmt: skip
    row = connection.execute("SELECT result FROM commits WHERE job_id = ?", [job_id]).fetchone()
    if job_id is not None and row is not None and "rolled_back" in str(row[0]):
        with suppress(OSError):
            workspace.claim_ids_file(job_id).unlink(missing_ok=True)
            workspace.risks_file(job_id).unlink(missing_ok=True)
    ours = {
        *([] if job_id is None else [job_id]),
        *(str(row[0]) for row in connection.execute(ROLLED_BACK).fetchall()),
    }
    for job in sorted({*ours, *targets}):
        directory = workspace.lines_directory(job)
        theirs = chain(directory.glob("part-*"), directory.glob("patients-*"))
        for path in sorted(directory.glob("*") if job in ours else theirs):
            # Notes stand beside their part.
            if f"lines/{job}/{path.with_suffix('.parquet').name}" not in named:
                with suppress(OSError):
                    path.unlink()
        with suppress(OSError):
            directory.rmdir()
