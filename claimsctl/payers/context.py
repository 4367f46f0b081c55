"""What the inputs of a request may be filled from, for one claim or for a search of many."""

from __future__ import annotations

import random
import uuid
from collections.abc import Mapping
from datetime import date
from typing import Any, Final

from claimsctl.payers.inquiry import Inquiry, Match

_UNDECIDED: Final = frozenset({"SUBMITTED", "PENDING", "UNKNOWN", "NOT_FOUND"})


def claim_context(shared: Mapping[str, Any], inquiry: Inquiry) -> dict[str, Any]:
    """Claim, practice and payer of one inquiry, with the settings of the route."""
    return {
        "settings": shared.get("settings", {}),
        "claim": dict(inquiry.values),
        "practice": dict(inquiry.practice),
        "payer": {"id": inquiry.payer_id},
        "steps": {},
    }


def request_context(context: Mapping[str, Any]) -> dict[str, Any]:
    """The same for one request, which has a number of its own."""
    number = random.randint(1, 999_999_999)  # noqa: S311 - a number of a message, no secret
    return {**context, "request": {"uuid": str(uuid.uuid4()), "number9": f"{number:09d}"}}


def with_window(context: Mapping[str, Any], first: date, last: date) -> dict[str, Any]:
    """The context of a search between two service dates."""
    return {**context, "window": {"from": first, "to": last}}


def match_context(context: Mapping[str, Any], match: Match) -> dict[str, Any]:
    """The context of a step about a claim that was found."""
    return {
        **context,
        "steps": {},
        "match": {
            "payer_claim_number": match.payer_claim_number,
            "claim_number": match.claim_number,
            "status": match.status,
            "is_decided": match.status not in _UNDECIDED,
            "is_paid": match.paid_amount is not None and match.paid_amount > 0,
        },
    }
