"""Claims of the store that payers have decided: what runs know of denials before, and models learn from."""

from __future__ import annotations

from typing import Final

import polars as pl

from claimsctl.store.database import Notify, open_store, schema_version
from claimsctl.store.schema import ANSWERS_VERSION, KEY, RISK_VERSION, STATUS_ONLY
from claimsctl.store.workspace import Workspace

DENIED: Final = ("DENIED",)
PAID: Final = ("PAID", "ADJUSTED")
"""The first of these statuses that a claim got is its outcome: an appeal that is won later does not unmake a
denial. Claims that a payer closed otherwise, as without payment for a deductible, are neither."""

CLAIMS: Final = pl.Schema(
    {
        "practice_id": pl.String(),
        "claim_id": pl.UInt64(),
        "job_id": pl.String(),
        "denied": pl.Boolean(),
        "decided_on": pl.Date(),
        "recorded_on": pl.Date(),
        "provider": pl.String(),
        "payer_id": pl.String(),
        "payer_name": pl.String(),
        "procedure_code": pl.String(),
        "service_from": pl.Date(),
        "denial_risk": pl.Float64(),
        "risk_source": pl.String(),
    }
)
"""A decided claim: `decided_on` is the day that the payer names, else the day its status was learnt;
`provider` is the rendering, else the billing NPI; `recorded_on` the day the claim was stored. A claim of
which only the status is known has no lines (job_id null). `denial_risk` is what `risk_source` said of it."""


def decided_claims(workspace: Workspace, practice_id: str, *, notify: Notify | None = None) -> pl.DataFrame:
    """The decided claims of a practice (CLAIMS), in an order that depends on nothing else; none without a
    store, or in one of a version that kept no answers."""
    if not workspace.claims_database.exists():
        return pl.DataFrame(schema=CLAIMS)
    with workspace.scratch() as scratch:
        found = scratch / "decided.parquet"
        with open_store(workspace, write=False, notify=notify) as connection:
            version = schema_version(connection) or 0
            if version < ANSWERS_VERSION:
                return pl.DataFrame(schema=CLAIMS)
            risk = "c.denial_risk, c.risk_source"
            if version < RISK_VERSION:
                risk = "NULL AS denial_risk, NULL AS risk_source"
            same = " AND ".join(f"h.{name} IS NOT DISTINCT FROM c.{name}" for name in KEY)
            answered = " AND ".join(f"a.{name} IS NOT DISTINCT FROM c.{name}" for name in KEY)
            connection.execute(
                f"""
                COPY (
                    WITH first AS (
                        SELECT {", ".join(KEY)}, arg_min(to_status, changed_at) AS status,
                            min(changed_at)::DATE AS learnt_on
                        FROM claim_status_history
                        WHERE to_status IN {DENIED + PAID} AND practice_id = $practice
                        GROUP BY ALL
                    ), said AS (
                        SELECT {", ".join(KEY)}, min(coalesce(processed_date, paid_date)) AS decided_on
                        FROM claim_answers WHERE status IN {DENIED + PAID} AND practice_id = $practice
                        GROUP BY ALL
                    )
                    SELECT c.practice_id, c.claim_id,
                        CASE WHEN c.origin IS DISTINCT FROM '{STATUS_ONLY}' THEN c.job_id END AS job_id,
                        h.status = '{DENIED[0]}' AS denied,
                        coalesce(a.decided_on, h.learnt_on) AS decided_on,
                        c.recorded_at::DATE AS recorded_on,
                        coalesce(c.rendering_npi, c.billing_npi) AS provider, c.payer_id, c.payer_name,
                        c.codes[1] AS procedure_code, c.service_from, {risk}
                    FROM claims c JOIN first h ON {same} LEFT JOIN said a ON {answered}
                    WHERE c.is_current ORDER BY c.claim_number, c.payer_sequence
                ) TO '{str(found).replace("'", "''")}' (FORMAT parquet, COMPRESSION uncompressed)
                """,
                {"practice": practice_id},
            )
        return pl.read_parquet(found).cast(CLAIMS)
