"""Payers asked through their connectors, or a sandbox that stands for them."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from claimsctl.asking.accounts import account_from
from claimsctl.asking.cache import CACHE
from claimsctl.asking.quota import DayQuota
from claimsctl.errors import UsageError
from claimsctl.payers.account import Account
from claimsctl.payers.connector import Connector
from claimsctl.payers.inquiry import Answer, Inquiry, RouteTotals

STARTED: Final = ""
"""Address of a sandbox that is started for the run."""
_LOCAL: Final = ("127.0.0.1", "localhost", "::1")


class ConnectorAsker:
    """Asks by the connectors of a workspace, which are read when the first one is needed."""

    def __init__(self, workspace: Path) -> None:
        self._workspace = workspace

    @cached_property
    def connectors(self) -> dict[str, Connector]:
        """The routes by name; ConnectorError for a file that cannot be used."""
        from claimsctl.payers.connectors import load_connectors

        return load_connectors(self._workspace)

    @property
    def routes(self) -> Collection[str]:
        """Names of the connectors."""
        return self.connectors.keys()

    def dry(self, route: str, account: Account, inquiry: Inquiry) -> list[dict[str, Any]]:
        """What the connector would send (claimsctl.payers.dry)."""
        from claimsctl.payers.dry import check_dry

        return check_dry(self.connectors[route], account, inquiry)

    def cache_minutes(self, route: str) -> float:
        """As the connector says."""
        return self.connectors[route].limits.cache_minutes

    async def ask(
        self,
        route: str,
        account: Account,
        inquiries: Iterable[Inquiry],
        on_answer: Callable[[Answer], None],
        *,
        stop: Callable[[], bool],
    ) -> RouteTotals:
        """Ask by the connector of the route (claimsctl.payers.asker)."""
        from claimsctl.payers.asker import ask

        quota = self._quota(route, account)
        return await ask(self.connectors[route], account, inquiries, on_answer, stop=stop, quota=quota)

    def _quota(self, route: str, account: Account) -> DayQuota | None:
        """The payer's quota of a day; its test environment, and a sandbox, have one apart."""
        most = account.requests_per_day or self.connectors[route].limits.requests_per_day
        if most is None:
            return None
        return DayQuota(self._workspace / CACHE, f"{route} {account.base_url or account.environment}", most)


@contextmanager
def sandbox_accounts(address: str) -> Iterator[dict[str, Account]]:
    """Accounts for every route of a sandbox; one is started for the block where the address is STARTED.

    UsageError for an address that is not of this machine, unless it is https: claims are sent there.
    """
    from claimsctl.sandbox.box import Sandbox

    if address == STARTED:
        from claimsctl.sandbox.server import running_sandbox

        with running_sandbox() as running:
            yield _accounts(running)
        return
    parts = urlsplit(address)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise UsageError(
            f"--sandbox {address!r} is no address.", hint="As in --sandbox http://127.0.0.1:8765"
        )
    if parts.scheme == "http" and parts.hostname not in _LOCAL:
        raise UsageError(
            f"--sandbox {address}: claims would go to another machine without encryption.",
            hint="Take a sandbox on this machine, or one behind https.",
        )
    box = Sandbox(())
    box.url = address.rstrip("/")
    yield _accounts(box)


def _accounts(box: Any) -> dict[str, Account]:
    return {route: account_from(box.route_settings(route)) for route in box.contracts}
