"""A payer that does not answer is left alone, tried again with one request, and given up in the end."""

from __future__ import annotations

import asyncio

from claimsctl.payers.clock import Clock
from claimsctl.payers.connector import Breaker as Terms


class GivenUp(Exception):
    """The payer failed again and again; nothing more is sent in this run."""


class Breaker:
    """One per access to a payer. Closed: requests pass. Open: they wait. Then one tries for all."""

    def __init__(self, terms: Terms, clock: Clock) -> None:
        self._terms, self._clock = terms, clock
        self._failures = 0
        self._openings = 0
        self._open_until: float | None = None
        self._trying = asyncio.Lock()

    @property
    def is_open(self) -> bool:
        """Whether requests wait."""
        return self._open_until is not None

    async def passage(self) -> float:
        """Wait until a request may pass and tell for how long; raises GivenUp."""
        if not self.is_open:
            return 0.0
        began = self._clock.monotonic()
        while self._open_until is not None:
            if self._openings >= self._terms.openings:
                raise GivenUp
            wait = self._open_until - self._clock.monotonic()
            if wait <= 0 and not self._trying.locked():
                await self._trying.acquire()
                break
            await self._clock.sleep(min(max(wait, 0.05), 1.0))
        return self._clock.monotonic() - began

    def succeeded(self) -> None:
        """A request was answered, whatever the answer."""
        self._failures = self._openings = 0
        self._open_until = None
        self._release()

    def failed(self) -> None:
        """No answer, or one that says the payer is not working."""
        self._failures += 1
        if self.is_open and not self._trying.locked():
            return  # was on its way when it opened
        if self.is_open or self._failures >= self._terms.failures:
            self._openings += 1
            pause = self._terms.pause_seconds * 2 ** (self._openings - 1)
            self._open_until = self._clock.monotonic() + pause
        self._release()

    def abandoned(self) -> None:
        """The request was not made, or its reply says nothing about the payer: another one may try."""
        self._release()

    def _release(self) -> None:
        if self._trying.locked():
            self._trying.release()
