"""HTTP/2 as payers speak it: over TLS, many requests on one connection, and connections that payers end."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from claimsctl.payers.account import Account
from claimsctl.payers.asker import ask
from claimsctl.payers.inquiry import Answer
from claimsctl.sandbox.app import build_app
from claimsctl.sandbox.box import Sandbox
from claimsctl.sandbox.claims import EXAMPLES
from tests.certificates import own_certificate
from tests.payers import rehearsal
from tests.payers.http2_payer import Http2Payer
from tests.payers.rehearsal import CONNECTORS, inquiry, quick

Told = dict[int, Any]


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return own_certificate(tmp_path_factory.mktemp("tls") / "own.pem")


def told(answers: dict[int, Answer]) -> Told:
    return {key: (each.outcome, [(m.status, m.paid_amount) for m in each.matches])
            for key, each in answers.items()}  # fmt: skip


def asked(box: Sandbox, route: str, certificate: Path, per_connection: int = 0) -> tuple[Told, Http2Payer]:
    """What is told of all example claims, and the payer that was asked."""
    payer = Http2Payer(build_app(box, lambda _: None), per_connection)
    answers: dict[int, Answer] = {}

    async def both() -> None:
        async with payer.serving(certificate) as box.url:
            account = Account(**box.route_settings(route), ca_file=certificate)
            inquiries = [inquiry(key, claim, route) for key, claim in enumerate(EXAMPLES)]
            await ask(quick(CONNECTORS[route]), account, inquiries, lambda a: answers.update({a.key: a}))

    asyncio.run(both())
    return told(answers), payer


@pytest.mark.parametrize("route", ["uhc", "optum-real", "optum-network", "stedi"])
def test_routes_speak_http2_with_the_same_answers(route: str, certificate: Path) -> None:
    claims = [inquiry(key, claim, route) for key, claim in enumerate(EXAMPLES)]
    over_one, totals = rehearsal.asked(Sandbox(), route, claims)
    over_two, payer = asked(Sandbox(), route, certificate)
    assert over_two == told(over_one)
    assert len(over_two) == len(EXAMPLES)
    assert sum(payer.requests) == totals.requests + totals.tokens


def test_many_requests_are_under_way_on_one_connection(certificate: Path) -> None:
    _, payer = asked(Sandbox(latency=0.02), "stedi", certificate)
    assert payer.at_once > 1
    assert len(payer.requests) < sum(payer.requests)


def test_a_connection_that_the_payer_ends_loses_no_claim(certificate: Path) -> None:
    found, payer = asked(Sandbox(), "stedi", certificate, per_connection=2)
    assert {outcome for outcome, _ in found.values()} <= {"found", "not_found"}
    assert len(found) == len(EXAMPLES)
    assert len(payer.requests) >= len(EXAMPLES) // 2
