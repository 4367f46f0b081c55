"""Stores as older versions of claimsctl left them, made from those of this version."""

from __future__ import annotations

from claimsctl.store.database import open_store
from claimsctl.store.headers import LINE_FACTS, RISK_FACTS
from claimsctl.store.workspace import Workspace

ADDED = {
    2: {"claims": ("history_key",)},
    3: {
        "claims": ("deleted_at", "number_hash", *LINE_FACTS),
        "claim_status_history": ("number_hash", "action", "changed_by", "payer_reference"),
    },
    4: {"claims": ("origin", "queried_at", "payer_claim_number")},
    5: {"claims": (*RISK_FACTS, "held")},
}
"""Version -> table -> columns that came with it."""
TOTALS = ("line_totals", "finding_totals")
"""Tables that came with version 3."""


def make_older(workspace: Workspace, version: int) -> None:
    """Take from a store what came after `version`."""
    with open_store(workspace, write=True) as connection:
        for later, tables in ADDED.items():
            for table, columns in tables.items() if later > version else ():
                for column in columns:
                    connection.execute(f"ALTER TABLE {table} DROP COLUMN {column}")
        if version < 4:
            connection.execute("DROP TABLE claim_answers")
        if version < 3:
            for table in TOTALS:
                connection.execute(f"DROP TABLE {table}")
        connection.execute("UPDATE meta SET value = ? WHERE key = 'schema_version'", [str(version)])
