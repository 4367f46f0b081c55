"""Output files of a job that are still there: people move them, and `prune` removes them."""

from __future__ import annotations

from pathlib import Path

from claimsctl.store.job import Job
from claimsctl.write.marker import SUMMARY, job_of


def output_directory(job: Job) -> Path | None:
    """Where the job wrote; None for one that wrote nothing."""
    given = job.options.get("out")
    return Path(given) if isinstance(given, str) else None


def outputs_left(job: Job) -> dict[str, Path]:
    """Output files of the job by their names in the summary: those that are there and are its own."""
    out = output_directory(job)
    if out is None or job_of(out / SUMMARY) != job.job_id:
        return {}
    paths = {name: Path(path) for name, path in job.outputs.items()}
    return {name: path for name, path in paths.items() if path.is_relative_to(out) and path.is_file()}
