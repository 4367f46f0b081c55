"""Asking a sandbox with the product's own engine, in no time."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from unittest.mock import patch

import httpx

from claimsctl.payers.account import Account
from claimsctl.payers.asker import ask
from claimsctl.payers.connector import Connector
from claimsctl.payers.connectors import load_connectors
from claimsctl.payers.inquiry import Answer, Inquiry, RouteTotals
from claimsctl.sandbox.box import Sandbox
from claimsctl.sandbox.claims import InventedClaim
from tests.payers.skipped_time import LoopClock, while_served

PAYER = {
    "uhc": "87726", "optum-real": "87726", "availity": "AETNA", "optum-network": "62308", "stedi": "62308",
}  # fmt: skip
PRACTICE = {"npi": "1234567893", "tax_id": "123456789", "name": "Sample Practice"}


def quick(connector: Connector, **limits: Any) -> Connector:
    """The connector with pauses between attempts that are hardly there, and no polite pace."""
    usual = {
        "backoff_seconds": 0.005, "max_backoff_seconds": 0.02, "requests_per_second": 400.0, "concurrency": 8,
    }  # fmt: skip
    changed = connector.limits.model_copy(update={**usual, **limits})
    return connector.model_copy(update={"limits": changed})


# To make one takes longer than most tests here.
_CONTEXT = httpx.create_ssl_context()
CONNECTORS = load_connectors(None)


def inquiry(key: int, claim: InventedClaim, route: str, *names: str) -> Inquiry:
    """A question about a claim by the columns named, else by number, patient, dates and charge."""
    values: dict[str, Any] = {
        "claim_number": claim.claim_number, "payer_claim_number": claim.payer_claim_number,
        "patient_last_name": claim.last_name, "patient_first_name": claim.first_name,
        "patient_dob": claim.dob, "member_id": claim.member_id, "service_date_from": claim.service_from,
        "service_date_to": claim.service_to, "charge_amount": claim.charge,
    }  # fmt: skip
    return Inquiry(key, {n: v for n, v in values.items() if not names or n in names}, PAYER[route], PRACTICE)


def asked(
    box: Sandbox, route: str, inquiries: Sequence[Inquiry], *, connector: Connector | None = None,
    limits: dict[str, Any] | None = None, **overrides: Any,
) -> tuple[dict[int, Answer], RouteTotals]:  # fmt: skip
    """What a route of the sandbox says by key, and what it took; an inquiry that is answered twice fails.

    `connector` is in place of the shipped one. Waits take no time (tests.payers.skipped_time).
    """
    connector = connector or quick(CONNECTORS[route], **(limits or {}))
    answers: dict[int, Answer] = {}

    def note(answer: Answer) -> None:
        assert answer.key not in answers, "answered twice"
        answers[answer.key] = answer

    async def asking() -> RouteTotals:
        account = Account(**{**box.route_settings(route), **overrides})
        return await ask(connector, account, inquiries, note, clock=LoopClock())

    with patch.object(httpx, "create_ssl_context", return_value=_CONTEXT):
        totals = while_served(box, asking)
    return answers, totals
