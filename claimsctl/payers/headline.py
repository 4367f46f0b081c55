"""Which status of a claim, and which of several claims, is told first."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from typing import Any, Final

from claimsctl.payers.codes import Normalised, category
from claimsctl.payers.inquiry import Match

_DUPLICATE: Final = "54"
_DECISIVE: Final = (
    "PAID", "ADJUSTED", "DENIED", "CLOSED_NO_PAY", "FINALIZED", "REJECTED", "ACTION_REQUIRED", "PENDING",
    "SUBMITTED", "UNKNOWN", "NOT_FOUND",
)  # fmt: skip
_FIRST_DAY: Final = date.min


def headline_first(matches: Sequence[Match]) -> tuple[Match, ...]:
    """Latest effective date first; denials as duplicates and misses behind the claims they speak of."""
    return tuple(sorted(matches, key=_claim_rank))


def _claim_rank(match: Match) -> tuple[int, int, int]:
    behind = 2 if match.status == "NOT_FOUND" else int(_is_duplicate(match.status, match.status_code))
    day = match.effective_date or match.processed_date or _FIRST_DAY
    return behind, -day.toordinal(), _DECISIVE.index(match.status)


def chosen_status(statuses: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """The status that speaks for a claim: the latest, then the most decisive; {} without any."""
    return min(statuses, key=_status_rank, default={})


def _status_rank(status: dict[str, Any]) -> tuple[int, int, int]:
    meant = category(status.get("category_code")).status
    rank = _DECISIVE.index(meant) if meant in _DECISIVE else len(_DECISIVE)
    day = status.get("effective_date") or _FIRST_DAY
    duplicate = _is_duplicate(meant, status.get("status_code"))
    return int(duplicate), -day.toordinal(), rank


def _is_duplicate(status: str, code: str | None) -> bool:
    return status in ("DENIED", "REJECTED") and (code or "").lstrip("0") == _DUPLICATE


def normalised(code: str | None, word: Normalised | None, paid: Decimal | None) -> Normalised:
    """The status a category stands for; amounts decide where it gives no outcome, the word without one."""
    meant = category(code)
    status, use_amounts = meant.status, meant.use_amounts
    if not code and word is not None:
        status, use_amounts = word, word == "FINALIZED"
    if use_amounts and status == "FINALIZED" and paid is not None and paid > 0:
        return "PAID"
    return status
