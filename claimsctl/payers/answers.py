"""Answers put together; whatever they say in words holds no value of the claim."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from claimsctl.payers.clock import Clock
from claimsctl.payers.found import Found
from claimsctl.payers.headline import headline_first
from claimsctl.payers.inquiry import Answer, Inquiry, Match
from claimsctl.payers.verdict import Verdict

_SHORTEST = 3


@dataclass(frozen=True, slots=True)
class Begun:
    """An inquiry that is being answered."""

    inquiry: Inquiry
    route: str
    asked_at: datetime

    def found(self, found: Sequence[Found], partial: Verdict | None, requests: int) -> Answer:
        """The claims, headline first; with what failed of later steps."""
        matches = headline_first([_unpersonal(each.match, self.inquiry) for each in found])
        answer = Answer(self.inquiry.key, self.route, "found", self.asked_at, matches, requests=requests)
        return answer if partial is None else replace(answer, partial=True, **_error(partial))

    def without_claim(self, found: Sequence[Found], verdict: Verdict, requests: int) -> Answer:
        """Not found, with the payer's own record of the miss where it told one; or the error."""
        if verdict.means != "not_found":
            return self.failed(verdict, requests)
        misses = tuple(each.match for each in found if each.match.status == "NOT_FOUND")
        return Answer(
            self.inquiry.key, self.route, "not_found", self.asked_at, misses[:1],
            trace_id=verdict.trace_id, requests=requests,
        )  # fmt: skip

    def failed(self, verdict: Verdict, requests: int) -> Answer:
        """An explicit error."""
        return Answer(
            self.inquiry.key, self.route, "error", self.asked_at, requests=requests, **_error(verdict)
        )


class Answers:
    """Answers of one route."""

    def __init__(self, route: str, clock: Clock) -> None:
        self._route, self._clock = route, clock

    def begin(self, inquiry: Inquiry) -> Begun:
        """An answer that is asked for now."""
        return Begun(inquiry, self._route, self._clock.now())


def _error(verdict: Verdict) -> dict[str, Any]:
    return {
        "error_type": verdict.error_type, "error_code": verdict.code, "error_message": verdict.text or None,
        "retryable": verdict.is_retryable, "trace_id": verdict.trace_id,
    }  # fmt: skip


def _unpersonal(match: Match, inquiry: Inquiry) -> Match:
    """The match without a payer's text that names the person."""
    names = [
        str(value).strip().upper()
        for name, value in inquiry.values.items()
        if name.endswith(("_name", "_ssn")) or name == "member_id"
    ]
    names = [name for name in names if len(name) >= _SHORTEST]

    def clean(text: str | None) -> str | None:
        return None if text and any(name in text.upper() for name in names) else text

    return replace(match, category_text=clean(match.category_text), status_text=clean(match.status_text))
