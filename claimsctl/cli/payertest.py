"""What `claimsctl payers test` does and prints."""

from __future__ import annotations

import asyncio
from contextlib import AbstractContextManager, nullcontext
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from claimsctl.asking.accounts import account_of
from claimsctl.asking.asker import STARTED, sandbox_accounts
from claimsctl.cli.joblist import print_document, screen_of
from claimsctl.cli.state import State
from claimsctl.errors import OutsideError, PermissionDenied, UsageError
from claimsctl.payers.access import Access
from claimsctl.payers.account import Account
from claimsctl.payers.asker import ask
from claimsctl.payers.clock import Clock
from claimsctl.payers.connector import Connector
from claimsctl.payers.connectors import load_connectors, route_named
from claimsctl.payers.inquiry import Answer, Inquiry
from claimsctl.payers.transport.client import Client
from claimsctl.payers.verdict import Verdict
from claimsctl.settings import Settings, load_settings

_DAYS = 30


def test_route(state: State, route: str, *, question: bool, payer_id: str | None, sandbox: bool) -> None:
    """Go as far as the user wants, and say how far it went."""
    settings = load_settings(state.workspace)
    connector = route_named(load_connectors(settings.workspace), route)
    playing: AbstractContextManager[dict[str, Account]] = (
        sandbox_accounts(STARTED) if sandbox else nullcontext({})
    )
    with playing as accounts:
        if sandbox and route not in accounts:
            raise UsageError(f"The sandbox does not play {route}.", hint=f"It plays {', '.join(accounts)}.")
        account = accounts[route] if sandbox else account_of(settings, route, None)
        access = Access(connector, account, date.today())
        told: dict[str, Any] = {
            "route": route, "environment": account.environment, "address": access.base_url,
            "token": _token(access),
        }  # fmt: skip
        if question:
            told["question"] = _asked(connector, account, _invented(connector, settings, state, payer_id))
        elif connector.auth.kind != "client_credentials":
            told["question"] = "not asked; only a question shows whether the key is accepted (--question)"
    if state.json:
        print_document(told)
        return
    screen = screen_of(state)
    for label, value in told.items():
        screen.labelled(label, str(value), width=13)


def _token(access: Access) -> str:
    async def fetch() -> Verdict:
        async with Client(access, Clock()) as client:
            return await client.check_token()

    if access.connector.auth.kind != "client_credentials":
        return "none needed"
    verdict = asyncio.run(fetch())
    if verdict.means == "ok":
        return "granted"
    if verdict.error_type == "auth":
        raise PermissionDenied(f"{access.route}: {verdict.text} ({verdict.code}).")
    raise OutsideError(
        f"{access.route}: {verdict.text} ({verdict.code}).", hint="Check network, proxy, token_url."
    )


def _asked(connector: Connector, account: Account, inquiry: Inquiry) -> str:
    answers: list[Answer] = []
    asyncio.run(ask(connector, account, [inquiry], answers.append))
    (answer,) = answers
    if answer.outcome != "error":
        return f"answered: {answer.outcome.replace('_', ' ')}, with {answer.requests} requests"
    trouble = f"{connector.name}: {answer.error_message} ({answer.error_code})."
    if answer.error_type == "auth":
        raise PermissionDenied(trouble)
    if answer.retryable:
        raise OutsideError(trouble)
    return f"answered: refused, {answer.error_message} ({answer.error_code})"


def _invented(connector: Connector, settings: Settings, state: State, payer_id: str | None) -> Inquiry:
    """A question about a claim that nobody has, from the practice of the settings where there is one."""
    day = date.today() - timedelta(days=_DAYS)
    practice = {"npi": "1234567893", "tax_id": "123456789", "name": "SAMPLE PRACTICE"}
    chosen = settings.practice.get(state.practice or "")
    if chosen is not None:
        own = {name: getattr(chosen, name) for name in ("npi", "tax_id", "name", "taxonomy")}
        practice |= {name: value for name, value in own.items() if value}
    payer = payer_id or (connector.payer_ids[0] if connector.payer_ids else "TEST")
    values: dict[str, str | date | Decimal] = {
        "claim_number": "TEST0001", "payer_claim_number": "TEST0001", "member_id": "000000000",
        "patient_last_name": "SAMPLE", "patient_first_name": "PAT", "patient_dob": date(1980, 1, 2),
        "service_date_from": day, "service_date_to": day, "charge_amount": Decimal("150.00"),
    }  # fmt: skip
    return Inquiry(0, values, payer, practice)
