"""What payers answered, on its way into databases: put aside when it is stored."""

from __future__ import annotations

from typing import Final

import polars as pl

from claimsctl.process.sending import Outboxes
from claimsctl.sql.tables import CLAIM_STATUS, CLAIM_STATUS_HISTORY
from claimsctl.store.database import Notify, open_store
from claimsctl.store.workspace import Workspace

_AT_ONCE: Final = 20_000
_CLAIM: Final = "practice_id, claim_number, coalesce(payer_sequence, 'P')"
_SAID: Final = f"""
SELECT practice_id, claim_number, coalesce(payer_sequence, 'P') AS payer_sequence, status, asked_at, payer_id,
    payer_claim_number, category_code, status_code, entity_code, charge_amount, allowed_amount, paid_amount,
    patient_responsibility_amount, processed_date, paid_date, check_number
FROM claim_answers WHERE job_id = ? AND status IS NOT NULL AND claim_number IS NOT NULL
QUALIFY row_number() OVER (PARTITION BY {_CLAIM} ORDER BY asked_at DESC) = 1
ORDER BY practice_id, claim_number, payer_sequence
"""
_CHANGED: Final = f"""
SELECT practice_id, claim_number, coalesce(payer_sequence, 'P') AS payer_sequence,
    row_number() OVER (PARTITION BY {_CLAIM} ORDER BY changed_at, version) AS change_number,
    from_status, to_status, changed_at, note
FROM claim_status_history WHERE job_id = ? AND to_status IS NOT NULL
ORDER BY practice_id, claim_number, payer_sequence, change_number
"""


def put_aside(outboxes: Outboxes, workspace: Workspace, job_id: str, notify: Notify | None = None) -> None:
    """Put aside what a job learned of its claims: the last answer on each, and every change of a status."""
    if not workspace.claims_database.exists():
        return
    with open_store(workspace, write=False, notify=notify) as connection:
        for table, query in ((CLAIM_STATUS, _SAID), (CLAIM_STATUS_HISTORY, _CHANGED)):
            found = connection.execute(query, [job_id])
            names = [column[0] for column in found.description]
            schema = {name: table.schema()[name] for name in names}
            while rows := found.fetchmany(_AT_ONCE):
                outboxes.rows(table.name, pl.DataFrame(rows, schema=schema, orient="row"))
