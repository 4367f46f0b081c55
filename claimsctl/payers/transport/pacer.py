"""When a request may leave: at most so many a second, evenly, and none while the payer wants quiet."""

from __future__ import annotations

import asyncio
import random
from collections import deque
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractContextManager, asynccontextmanager
from dataclasses import dataclass
from typing import Protocol

from claimsctl.payers.clock import Clock

# Requests that leave within one second may arrive within less, when one of two machines stalls: a second
# counts as this long. It costs the same share of the allowed rate.
_SECOND = 1.015
_LATE = 0.3
"""At most so much later than it left a request is taken to have arrived, judged by when its reply came."""
_NEIGHBOURS = 4
"""A stall delays requests that follow each other; one slow reply among quick ones is only slow."""
_TOGETHER = 0.3
"""All that waited for the end of a stall arrive at once: two that seem to have arrived within this part of
the usual distance, but left further apart, did; where replies usually take much the same time."""
_CLOSEST = 0.5
"""After a stall requests catch up with the pace at this part of the usual distance."""
_LAG = 0.1
"""Seconds by which the even pace may be caught up with after a stall."""
_START, _SLOWER, _SLOWEST = 0.4, 0.85, 0.25
_QUICKLY_BETTER, _SLOWLY_BETTER = 1.04, 1.002
"""Each served request speeds up by this: from the start, while connections are made, and after a 429."""
_SMALL_RATE = 8
_REMEMBERED = 50
_TAKEN = 50
"""Requests of a day's quota taken at once."""


@dataclass(slots=True)
class Trip:
    """A request: when it left, and when it is taken to have arrived (seconds of the clock)."""

    left: float
    arrived: float


class QuotaUsedUp(Exception):
    """The payer takes no more requests for a long time; `seconds` from when it said so."""

    def __init__(self, seconds: float | None) -> None:
        super().__init__("quota used up")
        self.seconds = seconds


class Outdated(Exception):
    """What was to be sent has grown old while it waited for its turn."""


class Quota(Protocol):
    """What may be sent in a day."""

    def take(self, wanted: int) -> int:
        """So many of its requests, fewer where fewer are left, 0 where none are."""

    def give_back(self, unused: int) -> None:
        """Requests that were taken last and not sent."""


class RunQuota:
    """A quota that begins with each run."""

    def __init__(self, most: int) -> None:
        self._left = most

    def take(self, wanted: int) -> int:
        """As Quota says."""
        granted = min(wanted, self._left)
        self._left -= granted
        return granted

    def give_back(self, unused: int) -> None:
        """As Quota says."""
        self._left += unused


class Pacer:
    """One per access to a payer; every request of it, tokens and polls too, passes here."""

    def __init__(
        self, rate: float, in_flight: int, *, quota: Quota | None, longest_wait: float, clock: Clock
    ) -> None:
        self._rate, self._clock = rate, clock
        self._quota, self._longest_wait = quota, longest_wait
        self._taken = 0
        self._share, self._better = _START, _QUICKLY_BETTER
        self._next = 0.0
        self._quiet_until = 0.0
        self._counted = rate >= _SMALL_RATE
        self._recent: deque[Trip] = deque(maxlen=int(rate) if self._counted else 1)
        self._quickest: deque[float] = deque(maxlen=_REMEMBERED)
        self._delays: deque[float] = deque(maxlen=_NEIGHBOURS)
        self._lately: deque[float] = deque(maxlen=_REMEMBERED)
        self._before = (Trip(0.0, 0.0), 0.0)
        self._queue = asyncio.Lock()
        self._slots = asyncio.Semaphore(in_flight)
        self._used_up: QuotaUsedUp | None = None
        self._throttled_in_a_row = 0

    @asynccontextmanager
    async def turn(
        self,
        waiting: Callable[[], AbstractContextManager[None]],
        is_current: Callable[[], bool] = lambda: True,
    ) -> AsyncIterator[Trip]:
        """Wait for the next turn, and keep a place among those in flight meanwhile; raises QuotaUsedUp.

        `waiting` is entered while waiting for the turn. When it has come and the request is not
        `is_current` any more, the turn is another one's: raises Outdated. Who knows better when the request
        really left tells the trip.
        """
        with waiting():
            # Only who is next takes a place: those behind must not hold places that nobody uses.
            async with self._queue:
                await self._until_due()
                await self._slots.acquire()
                try:
                    await self._until_due()
                    if not is_current():
                        raise Outdated
                except BaseException:
                    self._slots.release()
                    raise
                trip = self._leave()
        try:
            yield trip
        finally:
            self._slots.release()
            self._returned(trip)

    def _leave(self) -> Trip:
        now = self._clock.monotonic()
        # Where the second is counted too, the pace need not keep away from it: it would only add up.
        distance = (1.0 if self._counted else _SECOND) / (self._rate * self._share)
        self._next = max(max(self._next, now - _LAG) + distance, now + distance * _CLOSEST)
        trip = Trip(now, now)
        self._recent.append(trip)
        self._taken -= 1
        return trip

    def _returned(self, trip: Trip) -> None:
        """A reply that took longer than others may mean that its request arrived later."""
        took = self._clock.monotonic() - trip.left
        self._quickest.append(took)
        delay = min(took - min(self._quickest), _LATE)
        self._delays.append(delay)
        self._lately.append(delay)
        trip.arrived = trip.left + min(self._delays)
        seems = trip.left + delay
        before, seemed = self._before
        distance, usual = 1 / self._rate, sorted(self._lately)[len(self._lately) // 2]
        if usual < distance and abs(seems - seemed) < _TOGETHER * distance < abs(trip.left - before.left):
            before.arrived, trip.arrived = max(before.arrived, seemed), seems
        self._before = (trip, seems)

    def close(self) -> None:
        """Nothing more is sent."""
        if self._quota is not None and self._taken > 0:
            self._quota.give_back(self._taken)
            self._taken = 0

    async def _until_due(self) -> None:
        while (wait := self._wait()) > 0:
            await self._clock.sleep(wait)

    def _wait(self) -> float:
        if self._used_up is not None:
            raise self._used_up
        if self._quota is not None and self._taken <= 0:
            self._taken = self._quota.take(_TAKEN)
            if self._taken <= 0:
                raise QuotaUsedUp(None)
        now = self._clock.monotonic()
        until = max(self._next, self._quiet_until)
        if self._counted and self._recent.maxlen == len(self._recent):
            until = max(until, self._recent[0].arrived + _SECOND)
        return until - now

    def throttled(self, asked: float | None) -> None:
        """The payer said "too many": be quiet as long as it asked, or longer each time, and go slower."""
        now = self._clock.monotonic()
        if asked is not None and asked > self._longest_wait:
            self._used_up = QuotaUsedUp(asked)
            return
        if now < self._quiet_until and asked is None:
            return  # it was on its way when another one was refused
        self._throttled_in_a_row += 1
        doubled = min(2.0 ** min(self._throttled_in_a_row - 1, 5), self._longest_wait)
        pause = asked if asked is not None else doubled * random.uniform(0.8, 1.2)  # noqa: S311 - jitter
        self._quiet_until = max(self._quiet_until, now + pause)
        self._share, self._better = max(self._share * _SLOWER, _SLOWEST), _SLOWLY_BETTER

    def served(self) -> None:
        """The payer took a request: slowly back to the full pace."""
        self._throttled_in_a_row = 0
        self._share = min(self._share * self._better, 1.0)
