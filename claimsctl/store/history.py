"""Accepted claims of earlier runs, for the patients of a run: one short read of the store, then its files."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import polars as pl

from claimsctl.errors import StoreError
from claimsctl.store.database import Notify, open_store, schema_version
from claimsctl.store.schema import HISTORY_VERSION
from claimsctl.store.workspace import Workspace

NOT_BILLED: Final = ("INVALID", "REJECTED", "NOT_FOUND", "VOIDED")
"""States of claims that count as never billed: refused here or by the payer, unknown there, or taken back."""

CLAIMS: Final = pl.Schema(
    {
        "claim": pl.UInt32(),
        "claim_id": pl.UInt64(),
        "claim_number": pl.String(),
        "payer_sequence": pl.String(),
        "job_id": pl.String(),
        "history_key": pl.UInt64(),
    }
)
"""A claim of an earlier run; `claim` numbers them."""


@dataclass(frozen=True)
class EarlierClaims:
    """Claims found, the files of their jobs (job -> line parts), and how many could not be compared.

    Those were stored by a version that kept nothing to know patients by.
    """

    claims: pl.DataFrame
    parts: dict[str, list[Path]]
    not_compared: int = 0


def earlier_claims(
    workspace: Workspace,
    practice_id: str,
    history_keys: pl.Series,
    *,
    left_out: Collection[tuple[str, str | None]] = (),
    notify: Notify | None = None,
) -> EarlierClaims | None:
    """The current version of each accepted claim whose patient is in `history_keys`; None in an older store.

    `left_out`: pairs of job and input whose claims do not count, with None all of the job. Ordered, so
    that equal stores give equal answers.
    """
    nothing = EarlierClaims(pl.DataFrame(schema=CLAIMS), {})
    if not workspace.claims_database.exists():
        return nothing
    with workspace.scratch() as scratch:
        asked, aside, found = (scratch / f"{name}.parquet" for name in ("asked", "aside", "found"))
        history_keys.drop_nulls().unique().alias("history_key").to_frame().write_parquet(asked)
        pl.DataFrame(
            sorted(left_out, key=str), schema={"job": pl.String, "input": pl.String}, orient="row"
        ).write_parquet(aside)
        with open_store(workspace, write=False, notify=notify) as connection:
            version = schema_version(connection)
            if version is None:
                return nothing
            if version < HISTORY_VERSION:
                return None
            billed = f"c.is_current AND c.practice_id = ? AND c.status NOT IN {NOT_BILLED}"
            connection.execute(
                f"""
                COPY (
                    SELECT c.claim_id, c.claim_number, c.payer_sequence, c.job_id, c.history_key
                    FROM claims c SEMI JOIN read_parquet('{_escaped(asked)}') k USING (history_key)
                    WHERE {billed} AND NOT EXISTS (
                        SELECT 1 FROM read_parquet('{_escaped(aside)}') a
                        WHERE a.job = c.job_id AND (a.input IS NULL OR a.input = c.input))
                    ORDER BY c.job_id, c.claim_number, c.payer_sequence
                ) TO '{_escaped(found)}' (FORMAT parquet, COMPRESSION uncompressed)
                """,
                [practice_id],
            )
            parts: dict[str, list[Path]] = {}
            for job, file in connection.execute(
                "SELECT job_id, file FROM job_parts ORDER BY job_id, part"
            ).fetchall():
                parts.setdefault(str(job), []).append(workspace.root / str(file))
            old = connection.execute(
                f"SELECT count(*) FROM claims c WHERE {billed} AND c.history_key IS NULL AND c.job_id IN "
                "(SELECT value FROM meta WHERE key = 'without_history_key')",
                [practice_id],
            ).fetchone()
        claims = pl.read_parquet(found).with_row_index("claim").cast(CLAIMS)
    mentioned = set(claims["job_id"].unique())
    return EarlierClaims(
        claims, {job: parts[job] for job in sorted(mentioned)}, 0 if old is None else int(old[0])
    )


def read_lines(path: Path, claims: pl.DataFrame, columns: Collection[str]) -> pl.DataFrame:
    """Lines of a stored part that belong to `claims` (claim, claim_id, history_key), in file order.

    Of `columns`, those that the part has; `claim` and history_key are added.
    """
    try:
        part = pl.scan_parquet(path)
        there = part.collect_schema()
        return (
            part.select("claim_id", *(name for name in there if name in columns))
            .join(
                claims.lazy().select("claim", "claim_id", "history_key"), on="claim_id", maintain_order="left"
            )
            .drop("claim_id")
            .collect(engine="streaming")
        )
    except OSError:
        raise StoreError(
            f"Lines of an earlier run cannot be read: {path}.",
            hint="Run again if another process was just removing that run; else restore it from a backup.",
        ) from None


def _escaped(path: Path) -> str:
    return str(path).replace("'", "''")
