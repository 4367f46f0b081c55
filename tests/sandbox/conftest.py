from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest

from claimsctl.sandbox.box import Sandbox
from claimsctl.sandbox.scenarios import ROUTES
from claimsctl.sandbox.server import running_sandbox
from tests.sandbox.clients import Asker


@pytest.fixture(scope="module")
def running() -> Iterator[Sandbox]:
    """One server for a module."""
    with running_sandbox(keep_bodies=True, pace=0.01) as box:
        yield box


@pytest.fixture
def box(running: Sandbox) -> Sandbox:
    """The server with nothing seen and no scenario."""
    running.set_scenario()
    running.forget()
    return running


@pytest.fixture(scope="module")
def client() -> Iterator[httpx.Client]:
    """One client for a module: to make one takes longer than a test."""
    with httpx.Client(timeout=120) as client:
        yield client


@pytest.fixture(scope="module")
def tokens(running: Sandbox, client: httpx.Client) -> dict[str, dict[str, str]]:
    """Headers with a token for each route."""
    askers = [Asker(running, route, client) for route in ROUTES[:4]]
    assert all(each.token().status_code == 200 for each in askers)
    return {each.route: each.headers for each in askers} | {"stedi": {}}


@pytest.fixture
def ask(box: Sandbox, client: httpx.Client, tokens: dict[str, dict[str, str]]) -> dict[str, Asker]:
    """An asker with a token for each route."""
    box.forget()
    askers = {route: Asker(box, route, client) for route in ROUTES}
    for route, asker in askers.items():
        asker.headers = tokens[route]
    return askers
