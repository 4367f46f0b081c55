"""A sandbox and those who ask it in one event loop, whose waits are over at once.

Time stands still while anybody works and jumps to the next timer when nobody does. So a machine that stalls
changes nothing, and the same questions go the same way each time. HTTP still passes through a socket.
"""

from __future__ import annotations

import asyncio
import random
import selectors
from collections.abc import Awaitable, Callable
from datetime import UTC, date, datetime, timedelta, tzinfo
from typing import Final, TypeVar
from unittest.mock import patch

from claimsctl.payers.clock import Clock
from claimsctl.sandbox import faults
from claimsctl.sandbox.box import Sandbox
from claimsctl.sandbox.claims import EXAMPLE_DAY
from claimsctl.sandbox.server import Server

_DELIVERED: Final = 0.001
"""Real seconds within which this machine hears what it said to itself."""
_LEAP: Final = 1.0
"""At most so many seconds are skipped at once: a reply of 30 seconds ago is missed only after 30 looks."""
_Result = TypeVar("_Result")


class _Idle(selectors.DefaultSelector):
    """Sleeps for no timer: when nothing has arrived, the time until the next one is skipped."""

    now = 0.0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        if timeout is None or timeout <= 0:
            return super().select(timeout)
        arrived = super().select(0) or super().select(_DELIVERED)
        if not arrived:
            self.now += min(timeout, _LEAP)
        return arrived


class _SkippingLoop(asyncio.SelectorEventLoop):
    def __init__(self) -> None:
        self._idle = _Idle()
        super().__init__(self._idle)

    def time(self) -> float:
        return self._idle.now


class LoopClock(Clock):
    """The time of the running loop, which begins at noon of the day of the examples."""

    def monotonic(self) -> float:
        return asyncio.get_running_loop().time()

    def now(self, zone: tzinfo = UTC) -> datetime:
        noon = datetime(EXAMPLE_DAY.year, EXAMPLE_DAY.month, EXAMPLE_DAY.day, 12, tzinfo=zone)
        return noon + timedelta(seconds=self.monotonic())

    def today(self) -> date:
        return EXAMPLE_DAY


def while_served(box: Sandbox, ask: Callable[[], Awaitable[_Result]]) -> _Result:
    """What `ask` brings while the sandbox listens at its `url`."""
    served = Server(box)
    chance = random.getstate()
    random.seed(1)  # pauses between attempts are of random length
    try:
        # Retry-After may be a date.
        with (
            patch.object(faults, "datetime", LoopClock()),
            asyncio.Runner(loop_factory=_SkippingLoop) as runner,
        ):
            return runner.run(_asked(box, served, ask))
    finally:
        random.setstate(chance)
        served._socket.close()


async def _asked(box: Sandbox, served: Server, ask: Callable[[], Awaitable[_Result]]) -> _Result:
    time = asyncio.get_running_loop().time
    for contract in box.contracts.values():
        contract.tokens._clock = time
    for limit in box._limits.values():
        limit._clock = time
    # Without the server's own main loop: its ten ticks a second would be all that happens.
    server = served._server
    server.config.load()
    server.lifespan = server.config.lifespan_class(server.config)
    await server.startup([served._socket])
    try:
        return await ask()
    finally:
        await server.shutdown([served._socket])
