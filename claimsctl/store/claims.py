"""Reading the claims store in bulk: what is known of the claims of a run, and which run saw them last."""

from __future__ import annotations

from typing import Final

import polars as pl

from claimsctl.store.database import Notify, open_store, schema_version
from claimsctl.store.schema import (
    ANSWERS_VERSION,
    KEY,
    NUMBER_HASH,
    NUMBER_HASH_VERSION,
    RISK_VERSION,
    STATUS_ONLY,
)
from claimsctl.store.workspace import Workspace

EXISTING: Final = pl.Schema(
    {
        "practice_id": pl.String(),
        "claim_number": pl.String(),
        "payer_sequence": pl.String(),
        "digest": pl.UInt64(),
        "digest_scheme": pl.String(),
        "status": pl.String(),
        "version": pl.Int32(),
        "job_id": pl.String(),
        "payer_id": pl.String(),
        "frequency": pl.String(),
        "line_count": pl.Int32(),
        "charge_total": pl.Decimal(12, 2),
        "service_from": pl.Date(),
        "service_to": pl.Date(),
        "patient_key": pl.String(),
        "held": pl.Boolean(),
    }
)
"""Columns of `existing_claims`."""

_MADE: Final = ("patient_key", "held")
_JOBS_LOOKED_AT = 50


def existing_claims(
    workspace: Workspace, keys: pl.DataFrame, *, notify: Notify | None = None
) -> pl.DataFrame:
    """The current version of each claim that is stored, of those in `keys` (the columns of KEY).

    A null payer_sequence is a value like others. Where `digest_scheme` is not the scheme of this run the
    digests cannot be compared; compare charge_total, line_count and dates, and call the claim unchanged
    when they agree (`commit_run` then brings the digest up to date). Without a store this costs nothing.
    Claims of which only the payer told are none here.
    """
    if not keys.height or not workspace.claims_database.exists():
        return pl.DataFrame(schema=EXISTING)
    with workspace.scratch() as scratch:
        asked, found = scratch / "keys.parquet", scratch / "found.parquet"
        keys.select(KEY).unique().write_parquet(asked, compression="uncompressed")
        with open_store(workspace, write=False, notify=notify) as connection:
            # By number alone first: a join of all claims by the whole key takes several times as long.
            version = schema_version(connection) or 0
            hashed = version >= NUMBER_HASH_VERSION
            # Of a claim that only its payer told of nothing is stored that a file could change.
            known = f"AND c.origin IS DISTINCT FROM '{STATUS_ONLY}'" if version >= ANSWERS_VERSION else ""
            # A claim that has gone out since is held no more.
            held = (
                "coalesce(c.held AND c.status = 'VALIDATED', false)" if version >= RISK_VERSION else "false"
            )
            near = (
                f"number_hash IN (SELECT {NUMBER_HASH.format('claim_number')} FROM k)"
                if hashed
                else "claim_number IN (SELECT claim_number FROM k)"
            )
            # Parquet both ways: Arrow would import pyarrow, 0.2 s.
            connection.execute(f"""
                COPY (
                    WITH k AS MATERIALIZED (SELECT * FROM read_parquet('{_escaped(asked)}')),
                    numbered AS MATERIALIZED (
                        SELECT c.rowid AS place, {", ".join(f"c.{name}" for name in KEY)} FROM claims c
                        WHERE c.is_current {known} AND {near}
                    )
                    SELECT {", ".join(f"c.{name}" for name in EXISTING if name not in _MADE)},
                        replace(c.patient_key::VARCHAR, '-', '') AS patient_key, {held} AS held
                    FROM claims c WHERE c.rowid IN (
                        SELECT n.place FROM numbered n WHERE EXISTS (
                            SELECT 1 FROM k WHERE n.practice_id = k.practice_id
                              AND n.claim_number = k.claim_number
                              AND n.payer_sequence IS NOT DISTINCT FROM k.payer_sequence))
                    ORDER BY ALL
                ) TO '{_escaped(found)}' (FORMAT parquet, COMPRESSION uncompressed)
            """)
        return pl.read_parquet(found).cast(EXISTING)


def known_records(workspace: Workspace, *, notify: Notify | None = None) -> pl.Series:
    """Hashes of all sealed patient records (UInt64), so that they are not sealed again."""
    nothing = pl.Series("record_hash", [], dtype=pl.UInt64)
    if not workspace.claims_database.exists():
        return nothing
    with workspace.scratch() as scratch:
        found = scratch / "found.parquet"
        with open_store(workspace, write=False, notify=notify) as connection:
            connection.execute(
                f"COPY (SELECT record_hash FROM patients) TO '{_escaped(found)}' (FORMAT parquet)"
            )
        return pl.read_parquet(found)["record_hash"]


def last_job_of(workspace: Workspace, claim_ids: pl.Series, *, before: str | None = None) -> str | None:
    """The earlier job that saw most of these claims, the later one of equals; None without any.

    Looks at the 50 jobs before `before` (a job id) that were committed. Does not open the store.
    """
    wanted = claim_ids.unique()
    files = sorted((workspace.root / "jobs").glob("*/claims.parquet"), reverse=True)
    files = [file for file in files if before is None or file.parent.name < before][:_JOBS_LOOKED_AT]
    best, most = None, 0
    for file in files:
        shared = int(pl.read_parquet(file)["claim_id"].is_in(wanted.implode()).sum())
        if shared > most:
            best, most = file.parent.name, shared
        if most == len(wanted):
            break
    return best


def _escaped(path: object) -> str:
    return str(path).replace("'", "''")
