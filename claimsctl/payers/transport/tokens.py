"""Access tokens: fetched once for all who wait, renewed before they end, dropped when refused."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Final

from claimsctl.payers.clock import Clock
from claimsctl.payers.verdict import Verdict

_RENEWED_AT: Final = 0.8


@dataclass(slots=True)
class Token:
    """An access token; when to renew it and when it ends (seconds of the clock); whether it ever worked."""

    value: str = field(repr=False)
    renew_at: float
    ends_at: float
    served: bool = False
    dropped: bool = False


class NoToken(Exception):
    """There is no token to be had; `verdict` says why."""

    def __init__(self, verdict: Verdict) -> None:
        super().__init__(verdict.code)
        self.verdict = verdict


class Tokens:
    """The token of one access. `fetch` brings value and life in seconds, or raises NoToken."""

    def __init__(self, fetch: Callable[[], Awaitable[tuple[str, float]]], clock: Clock) -> None:
        self._fetch, self._clock = fetch, clock
        self._token: Token | None = None
        self._one_at_a_time = asyncio.Lock()
        self._refused: NoToken | None = None
        self.fetched = 0

    async def get(self) -> Token:
        """A token with more than a fifth of its life left; many callers cause one request."""
        token = self._token
        if token is not None and self._clock.monotonic() < token.renew_at:
            return token
        async with self._one_at_a_time:
            token = self._token
            if token is not None and self._clock.monotonic() < token.renew_at:
                return token
            return await self._renewed(token)

    async def _renewed(self, old: Token | None) -> Token:
        # Refused credentials stay refused: asking again for every claim could lock the account.
        if self._refused is not None:
            raise NoToken(self._refused.verdict)
        asked = self._clock.monotonic()
        try:
            value, life = await self._fetch()
        except NoToken as error:
            if error.verdict.means == "auth":
                self._refused = error
            elif old is not None and self._clock.monotonic() < old.ends_at:
                return old
            raise
        self.fetched += 1
        self._token = Token(value, asked + life * _RENEWED_AT, asked + life)
        return self._token

    def drop(self, token: Token) -> None:
        """The payer does not take this token; a newer one, fetched meanwhile, stays."""
        token.dropped = True
        if self._token is token:
            self._token = None
