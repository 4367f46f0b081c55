"""How many requests a route takes: an honest count over any one second."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Callable
from typing import Final

_BEAT: Final = 0.005
_STALL: Final = 4 * _BEAT
"""Without a sign of life for so long the server stood still."""
_LATE: Final = 0.05
"""What came while it stood still is handled within so many seconds after."""


class Limiter:
    """At most `rate` requests within any one second; refused ones do not count. None: no limit.

    A server that stalls handles requests later than they came, and close together. So each is taken to have
    come at the earliest moment that keeps to the limit, between the last sign of life of the server
    (`pulse`) and now; right after a stall, the last one before it. It is refused when there is none.
    """

    def __init__(self, rate: int | None, clock: Callable[[], float] = time.monotonic) -> None:
        self.rate = rate
        self._clock = clock
        self._came: deque[float] = deque(maxlen=rate)
        self._alive: float | None = None
        self._stalled: tuple[float, float] | None = None
        self._beating: asyncio.AbstractEventLoop | None = None

    def pulse(self) -> None:
        """The server is alive: what it handles from now on came after this, or while it stood still."""
        now = self._clock()
        if self._alive is not None and now - self._alive > _STALL:
            self._stalled = (self._alive, now)
        self._alive = now

    def keep_pulse(self) -> None:
        """Beat for as long as the running event loop does."""
        loop = asyncio.get_running_loop()
        if self.rate is not None and self._beating is not loop:
            self._beating = loop
            self._beat(loop)

    def _beat(self, loop: asyncio.AbstractEventLoop) -> None:
        self.pulse()
        loop.call_later(_BEAT, self._beat, loop)

    def take(self) -> bool:
        """Whether one more request is allowed now."""
        if self.rate is None:
            return True
        now = self._clock()
        came = now if self._alive is None else self._alive
        if self._stalled is not None and now < self._stalled[1] + _LATE:
            came = self._stalled[0]
        if self._came:
            came = max(came, self._came[-1])
        if len(self._came) == self.rate:
            came = max(came, self._came[0] + 1.0)
        if came > now:
            return False
        self._came.append(came)
        return True
