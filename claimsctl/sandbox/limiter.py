"""How many requests a route takes: an honest count over any one second."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Callable
from typing import Final

_BEAT: Final = 0.005


class Limiter:
    """At most `rate` requests within any one second; refused ones do not count. None: no limit.

    A server that stalls handles requests later than they came, and close together. So each is taken to have
    come at the earliest moment that keeps to the limit, between the last sign of life of the server
    (`pulse`) and now. It is refused when there is none.
    """

    def __init__(self, rate: int | None, clock: Callable[[], float] = time.monotonic) -> None:
        self.rate = rate
        self._clock = clock
        self._came: deque[float] = deque(maxlen=rate)
        self._alive: float | None = None
        self._beating: asyncio.AbstractEventLoop | None = None

    def pulse(self) -> None:
        """The server is alive: what it handles from now on came after this."""
        self._alive = self._clock()

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
        if self._came:
            came = max(came, self._came[-1])
        if len(self._came) == self.rate:
            came = max(came, self._came[0] + 1.0)
        if came > now:
            return False
        self._came.append(came)
        return True
