"""Accepted claims of earlier runs, for the patients of a run: one short read of the store, then its files."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import polars as pl

from claimsctl.claim import BY_NAME
from claimsctl.errors import StoreError
from claimsctl.facts.typed import DTYPES
from claimsctl.store.database import Notify, open_store, schema_version
from claimsctl.store.schema import HISTORY_VERSION
from claimsctl.store.workspace import Workspace

NOT_BILLED: Final = ("INVALID", "REJECTED", "NOT_FOUND", "VOIDED")
"""States of claims that count as never billed: refused here or by the payer, unknown there, or taken back."""

CLAIMS: Final = pl.Schema(
    {
        "claim": pl.UInt32(),
        "claim_id": pl.UInt64(),
        "job": pl.UInt32(),
        "history_key": pl.UInt64(),
        "again": pl.Boolean(),
    }
)
"""A claim of an earlier run; `claim` numbers them, `job` is a place in `EarlierClaims.jobs`, `again` says
that it stands in this run too. There may be millions, so there are no texts."""


ROWS_AT_ONCE: Final = 300_000
FILES_AT_ONCE: Final = 1_000
"""How much of the line parts is read at once; reading them one by one would be slow after years of runs."""


@dataclass(frozen=True)
class Part:
    """A stored line part."""

    job_id: str
    path: Path
    rows: int


@dataclass(frozen=True)
class EarlierClaims:
    """Claims found, the ids of jobs, the line parts of those that have claims here, and how many claims
    could not be compared: those stored by a version that kept nothing to know patients by.
    """

    claims: pl.DataFrame
    jobs: Sequence[str] = ()
    parts: Sequence[Part] = ()
    not_compared: int = 0

    def batches(self) -> Iterator[Sequence[Part]]:
        """The parts, as many at once as may be read together."""
        batch: list[Part] = []
        for part in self.parts:
            full = len(batch) == FILES_AT_ONCE or sum(each.rows for each in batch) + part.rows > ROWS_AT_ONCE
            if batch and full:
                yield batch
                batch = []
            batch.append(part)
        if batch:
            yield batch


def earlier_claims(
    workspace: Workspace,
    practice_id: str,
    history_keys: pl.Series,
    again: pl.DataFrame,
    *,
    left_out: Collection[tuple[str, str | None]] = (),
    notify: Notify | None = None,
) -> EarlierClaims | None:
    """The current version of each accepted claim whose patient is in `history_keys`; None in an older store.

    `again`: claim_number and payer_sequence of the claims of this run. `left_out`: pairs of job and input
    whose claims do not count, with None all of the job. Ordered, so that equal stores give equal answers.
    """
    nothing = EarlierClaims(pl.DataFrame(schema=CLAIMS))
    if not workspace.claims_database.exists():
        return nothing
    with workspace.scratch() as scratch:
        asked, numbers, jobs, aside, found = (
            scratch / f"{name}.parquet" for name in ("asked", "numbers", "jobs", "aside", "found")
        )
        history_keys.drop_nulls().unique().alias("history_key").to_frame().write_parquet(asked)
        again.select("claim_number", "payer_sequence").write_parquet(numbers)
        pl.DataFrame(
            sorted(left_out, key=str), schema={"job": pl.String, "input": pl.String}, orient="row"
        ).write_parquet(aside)
        with open_store(workspace, write=False, notify=notify) as connection:
            version = schema_version(connection)
            if version is None:
                return nothing
            if version < HISTORY_VERSION:
                return None
            parts = [
                Part(str(job), workspace.root / str(file), int(rows))
                for job, file, rows in connection.execute(
                    "SELECT job_id, file, rows FROM job_parts ORDER BY job_id, part"
                ).fetchall()
            ]
            ids = pl.Series("job_id", list(dict.fromkeys(part.job_id for part in parts)), dtype=pl.String)
            ids.to_frame().with_row_index("job").write_parquet(jobs)
            billed = f"c.is_current AND c.practice_id = ? AND c.status NOT IN {NOT_BILLED}"
            connection.execute(
                f"""
                COPY (
                    SELECT c.claim_id, j.job, c.history_key, EXISTS (
                        SELECT 1 FROM read_parquet('{_escaped(numbers)}') n
                        WHERE n.claim_number = c.claim_number AND n.payer_sequence = c.payer_sequence
                    ) AS again
                    FROM claims c SEMI JOIN read_parquet('{_escaped(asked)}') k USING (history_key)
                    JOIN read_parquet('{_escaped(jobs)}') j ON j.job_id = c.job_id
                    WHERE {billed} AND NOT EXISTS (
                        SELECT 1 FROM read_parquet('{_escaped(aside)}') a
                        WHERE a.job = c.job_id AND (a.input IS NULL OR a.input = c.input))
                    ORDER BY j.job, c.claim_id
                ) TO '{_escaped(found)}' (FORMAT parquet, COMPRESSION uncompressed)
                """,
                [practice_id],
            )
            old = connection.execute(
                f"SELECT count(*) FROM claims c WHERE {billed} AND c.history_key IS NULL AND c.job_id IN "
                "(SELECT value FROM meta WHERE key = 'without_history_key')",
                [practice_id],
            ).fetchone()
        claims = pl.read_parquet(found).with_row_index("claim").cast(CLAIMS)
    mentioned = set(ids.gather(claims["job"].unique()))
    parts = [part for part in parts if part.job_id in mentioned]
    return EarlierClaims(claims, list(ids), parts, 0 if old is None else int(old[0]))


def read_lines(
    parts: Sequence[Part], earlier: EarlierClaims, claims: pl.DataFrame, columns: Collection[str]
) -> pl.DataFrame:
    """Lines of stored parts that belong to `claims`, which are some of `earlier`; in the order of parts.

    The canonical `columns` of each, null where its job did not have them, with `claim`, `job`, history_key.
    """
    kinds = {name: DTYPES[BY_NAME[name].cell_type] for name in sorted(columns)}
    places = {job_id: place for place, job_id in enumerate(earlier.jobs)}
    jobs = pl.DataFrame(
        {"file": [str(part.path) for part in parts], "job": [places[part.job_id] for part in parts]},
        schema_overrides={"job": pl.UInt32},
    )
    # Of the jobs at hand only, and those are next to each other: a table of all claims for each few files
    # would cost more than the files.
    few = claims.filter(pl.col("job").is_between(jobs["job"].min(), jobs["job"].max()))
    try:
        return (
            pl.scan_parquet(
                [part.path for part in parts],
                schema={"claim_id": pl.UInt64, **kinds},
                missing_columns="insert",
                extra_columns="ignore",
                include_file_paths="file",
                glob=False,
            )
            .join(jobs.lazy(), on="file", maintain_order="left")
            .join(
                few.lazy().select("claim", "claim_id", "job", "history_key"),
                on=["claim_id", "job"],
                maintain_order="left",
            )
            .drop("claim_id", "file")
            .collect(engine="streaming")
        )
    except (OSError, pl.exceptions.ComputeError):
        raise StoreError(
            "Lines of earlier runs cannot be read, in " + _shown(parts) + ".",
            hint="Run again if another process was just removing such a run; else restore the files from a "
            "backup.",
        ) from None


def _shown(parts: Sequence[Part]) -> str:
    folders = list(dict.fromkeys(str(part.path.parent) for part in parts))
    return folders[0] if len(folders) == 1 else f"one of {len(folders):,} directories from {folders[0]}"


def _escaped(path: Path) -> str:
    return str(path).replace("'", "''")
