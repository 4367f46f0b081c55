"""What is known of a claim as a whole: the columns of `claims list`, and how they are sorted by."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from difflib import get_close_matches
from types import MappingProxyType
from typing import Final

from claimsctl.errors import UsageError

COLUMNS: Final[Mapping[str, str]] = MappingProxyType({
    "claim_number": "claim_number", "payer_sequence": "payer_sequence", "practice_id": "practice_id",
    "status": "status", "payer_id": "payer_id", "payer_name": "payer_name",
    "billing_npi": "billing_npi", "rendering_npi": "rendering_npi",
    "service_date_from": "service_from", "service_date_to": "service_to", "lines": "line_count",
    "charge_amount": "charge_total", "expected_allowed_amount": "expected_allowed_amount",
    "allowed_amount": "allowed_amount", "paid_amount": "paid_amount",
    "work_rvu": "work_rvu", "total_rvu": "total_rvu",
    "procedure_codes": "codes", "diagnoses": "diagnoses", "frequency_code": "frequency",
    "version": "version", "job_id": "job_id", "input": "input", "recorded_at": "recorded_at",
    "deleted_at": "deleted_at", "queried_at": "queried_at", "payer_claim_number": "payer_claim_number",
    "denial_risk": "denial_risk", "risk_band": "risk_band", "risk_source": "risk_source",
    "risk_reasons": "risk_reasons", "expected_loss": "expected_loss", "filing_deadline": "filing_deadline",
    "held": "held",
})  # fmt: skip
"""Name -> column of the store. Amounts are in dollars, sums over the lines; null where no line has one."""

DEFAULT: Final = (
    "claim_number", "status", "payer_id", "service_date_from", "procedure_codes", "charge_amount",
    "expected_allowed_amount", "rendering_npi",
)  # fmt: skip
RIGHT: Final = frozenset(
    {"lines", "charge_amount", "expected_allowed_amount", "allowed_amount", "paid_amount", "work_rvu"}
    | {"total_rvu", "version", "denial_risk", "expected_loss"}
)
_SHORT: Final = MappingProxyType({
    "claim": "claim_number", "payer": "payer_id", "practice": "practice_id", "provider": "rendering_npi",
    "service_from": "service_date_from", "service_to": "service_date_to", "amount": "charge_amount",
    "expected": "expected_allowed_amount", "allowed": "allowed_amount", "paid": "paid_amount",
    "codes": "procedure_codes", "job": "job_id", "diagnosis": "diagnoses",
    "risk": "denial_risk", "loss": "expected_loss", "deadline": "filing_deadline",
})  # fmt: skip


def chosen(text: str | None, hidden: Collection[str] = ()) -> tuple[str, ...]:
    """Columns named by commas; DEFAULT for None, all for `all`, but for `hidden` ones.

    UsageError for one that is not there.
    """
    if text is None or text.strip().lower() == "all":
        return tuple(name for name in (DEFAULT if text is None else COLUMNS) if name not in hidden)
    return tuple(dict.fromkeys(_name(part) for part in _parts(text, "--columns")))


def ordering(text: str | None) -> str:
    """ORDER BY of `-expected_allowed_amount,service_date_from`; a minus means the largest first.

    The newest services come first where nothing is asked for. Blanks are last; equals follow by claim
    number, so that pages do not overlap.
    """
    keys: list[str] = []
    for part in _parts(text or "-service_date_from", "--sort"):
        descending = part.startswith("-")
        keys.append(f"{COLUMNS[_name(part.lstrip('+-'))]} {'DESC' if descending else 'ASC'} NULLS LAST")
    return ", ".join([*keys, "practice_id", "claim_number", "payer_sequence", "version"])


def _parts(text: str, option: str) -> Sequence[str]:
    parts = [part.strip() for part in text.split(",") if part.strip(" +-")]
    if not parts:
        raise UsageError(f"{option} names no column.", hint=f"There are {', '.join(COLUMNS)}.")
    return parts


def _name(text: str) -> str:
    name = text.strip().lower().replace("-", "_")
    name = _SHORT.get(name, name)
    if name in COLUMNS:
        return name
    near = get_close_matches(name, [*COLUMNS, *_SHORT], n=2)
    meant = f"Did you mean {' or '.join(near)}? " if near else ""
    raise UsageError(f"Claims have no column {text!r}.", hint=f"{meant}There are {', '.join(COLUMNS)}.")
