"""Quotas of a day, kept over runs."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

from claimsctl.asking.asker import ConnectorAsker, sandbox_accounts
from claimsctl.asking.quota import DayQuota
from claimsctl.payers.account import Account
from claimsctl.payers.inquiry import Answer
from claimsctl.sandbox.claims import EXAMPLES
from claimsctl.sandbox.server import running_sandbox
from tests.payers.rehearsal import inquiry

DAY = date(2026, 6, 30)


def test_runs_share_the_requests_of_a_day(tmp_path: Path) -> None:
    days = [DAY]
    first, second, other = (
        DayQuota(tmp_path / "answers.sqlite", route, 100, lambda: days[0]) for route in ("a", "a", "b")
    )
    assert (first.take(50), second.take(40), first.take(50), second.take(1)) == (50, 40, 10, 0)
    first.give_back(4)
    assert (second.take(50), other.take(50)) == (4, 50)
    days[0] += timedelta(days=1)
    assert first.take(50) == 50


def test_a_second_run_of_a_day_has_what_the_first_left(tmp_path: Path) -> None:
    claims = [inquiry(key, claim, "stedi") for key, claim in enumerate(EXAMPLES[:3])]

    def codes(account: Account) -> set[str | None]:
        answers: list[Answer] = []
        asker = ConnectorAsker(tmp_path)
        asyncio.run(asker.ask("stedi", account, claims, answers.append, stop=lambda: False))
        return {each.error_code for each in answers}

    with running_sandbox() as box, sandbox_accounts(box.url) as accounts:
        free = replace(accounts["stedi"], requests_per_second=200.0)
        assert codes(free) == {None}
        needed = len(box.log)
        bound = replace(free, requests_per_day=needed + 1)
        assert codes(bound) == {None}
        assert "QUOTA" in codes(bound)
        assert len(box.log) == needed + needed + 1
