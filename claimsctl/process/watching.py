"""How a model in use is doing: what payers decided against what it said, and how claims have moved."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from claimsctl.score.outcomes import monthly
from claimsctl.security.files import write_private
from claimsctl.store.database import Notify
from claimsctl.store.decided import decided_claims
from claimsctl.store.workspace import Workspace


def note_drift(workspace: Workspace, summary: Mapping[str, Any]) -> None:
    """Keep what a run learned of how its claims have moved, for `model show`."""
    scoring = summary.get("scoring") or {}
    if not scoring.get("drift") or not scoring.get("model"):
        return
    told = {"job_id": summary["job_id"], "as_of": str(summary["as_of"]), **scoring["drift"]}
    write_private(_path(workspace, str(scoring["model"]["name"])), json.dumps(told).encode())


def watched(
    workspace: Workspace, practice_id: str, name: str, notify: Notify | None = None
) -> dict[str, Any]:
    """`drift` of the last run that a model scored, and `outcomes` by month; None where nothing is known."""
    try:
        drift = json.loads(_path(workspace, name).read_bytes())
    except (OSError, ValueError):
        drift = None
    decided = decided_claims(workspace, practice_id, notify=notify)
    return {"drift": drift, "outcomes": monthly(decided, f"model:{name}")}


def _path(workspace: Workspace, name: str) -> Path:
    return workspace.root / "models" / f"{name}.drift.json"
