"""A payer that answers at once, and what it was asked."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from claimsctl.payers.account import Account
from claimsctl.payers.inquiry import Answer, Inquiry, Match, RouteTotals

AT = datetime(2026, 6, 30, 12, tzinfo=UTC)


def paid(inquiry: Inquiry) -> Answer:
    """Every claim is paid in full."""
    number = inquiry.values.get("claim_number")
    match = Match(
        "PAID", category_code="F1", status_code="65", payer_claim_number=f"ICN-{number or inquiry.key}",
        claim_number=str(number) if number else None, charge_amount=Decimal("150.00"),
        paid_amount=Decimal("100.00"), raw={"clm507Cd": "F1"},
    )  # fmt: skip
    return Answer(inquiry.key, "uhc", "found", AT, (match,), trace_id="tr-1", requests=1)


def error(inquiry: Inquiry, kind: str = "api", code: str = "E1", *, retryable: bool = False) -> Answer:
    """The payer refuses."""
    return Answer(
        inquiry.key, "uhc", "error", AT, error_type=kind, error_code=code,  # type: ignore[arg-type]
        error_message="The payer refuses.", retryable=retryable, requests=1,
    )  # fmt: skip


@dataclass
class FakeAsker:
    """Answers by a function of the question; None leaves it without an answer. `fails` is raised by route."""

    answer: Callable[[Inquiry], Answer | None] = paid
    fails: dict[str, Exception] = field(default_factory=dict)
    minutes: float = 15
    asked: list[Inquiry] = field(default_factory=list)
    accounts: list[Account] = field(default_factory=list)
    times: Counter[str] = field(default_factory=Counter)
    before: Callable[[int], None] = lambda _n: None

    routes = ("uhc", "optum-real", "availity", "optum-network", "stedi")

    def dry(self, route: str, account: Account, inquiry: Inquiry) -> list[dict[str, Any]]:
        return [{"step": "ask", "method": "GET", "url": "https://payer.example", "route": route}]

    def cache_minutes(self, route: str) -> float:
        return self.minutes

    async def ask(
        self,
        route: str,
        account: Account,
        inquiries: Iterable[Inquiry],
        on_answer: Callable[[Answer], None],
        *,
        stop: Callable[[], bool],
    ) -> RouteTotals:
        self.accounts.append(account)
        requests = 0
        if route in self.fails:
            raise self.fails[route]
        for inquiry in inquiries:
            if stop():
                break
            self.before(len(self.asked))
            self.asked.append(inquiry)
            self.times[str(inquiry.values.get("claim_number"))] += 1
            requests += 1
            answer = self.answer(inquiry)
            if answer is not None:
                on_answer(answer)
        return RouteTotals(requests=requests, seconds=0.1)
