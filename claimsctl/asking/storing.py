"""Answers of a job made ready for the store: Parquet parts in its private directory, then one commit."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import polars as pl

from claimsctl.asking.checkpoint import Checkpoint, Question
from claimsctl.asking.stored import bound_to
from claimsctl.payers.inquiry import Answer, Match
from claimsctl.security.files import FILE_MODE
from claimsctl.security.sealing import seal
from claimsctl.store.answers import ANSWER, Stored, commit_answers

if TYPE_CHECKING:
    from claimsctl.security.keys import Keys
    from claimsctl.store.database import Notify
    from claimsctl.store.workspace import Workspace


def store_answers(
    workspace: Workspace,
    job_id: str,
    checkpoint: Checkpoint,
    directory: Path,
    keys: Keys,
    notify: Notify | None = None,
) -> Stored:
    """Make the answers of a job part of the store; doing it twice changes nothing."""
    parts = []
    for number, batch in enumerate(checkpoint.told_of()):
        rows = [_row(question, answer, keys) for question, answer, _ in batch if answer is not None]
        if rows:
            path = directory / f"answers-{number:05d}.parquet"
            pl.DataFrame(rows, schema=ANSWER, orient="row").write_parquet(path, compression="zstd")
            path.chmod(FILE_MODE)
            parts.append(path)
    return commit_answers(workspace, job_id, parts, notify)


def _row(question: Question, answer: Answer, keys: Keys) -> list[Any]:
    values = question.values
    match = answer.matches[0] if answer.matches else Match("UNKNOWN")
    number = _text(values, "claim_number")
    known = match.payer_claim_number or _text(values, "payer_claim_number")
    named = number or match.claim_number or known
    asked = None
    if named is not None:
        said = json.dumps({name: str(value) for name, value in values.items()})
        asked = seal(said.encode(), bound_to(question.practice_id, named), keys)
    found: dict[str, Any] = {
        "key": question.key, "practice_id": question.practice_id, "claim_number": number,
        "payer_sequence": _text(values, "payer_sequence") or "P", "known_claim_number": match.claim_number,
        "known_payer_number": known, "asked_at": answer.asked_at.replace(tzinfo=None),
        "route": answer.route, "payer_id": question.there, "outcome": answer.outcome,
        "status": "NOT_FOUND" if answer.outcome == "not_found" else
                  match.status if answer.outcome == "found" else None,
        "adjustments": ";".join(match.adjustments) or None, "flags": ";".join(match.flags) or None,
        "matches": len(answer.matches), "partial": answer.partial, "error_type": answer.error_type,
        "error_code": answer.error_code, "trace_id": answer.trace_id,
        "raw": json.dumps(dict(match.raw), sort_keys=True) if match.raw else None,
        "service_from": values.get("service_date_from"), "service_to": values.get("service_date_to"),
        "charged": values.get("charge_amount"),
        "asked_payer": _text(values, "payer_id") or _text(values, "payer_name"), "asked": asked,
    }  # fmt: skip
    return [found[name] if name in found else getattr(match, name) for name in ANSWER]


def _text(values: Any, name: str) -> str | None:
    value = values.get(name)
    return None if value is None else str(value)
