"""The time one claim may take; time spent waiting for our own limits is not the claim's."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from types import TracebackType


class Allowance:
    """Seconds for one claim, and the requests made for it. An asynchronous context: ends in TimeoutError."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._timeout: asyncio.Timeout | None = None
        self.requests = 0

    async def __aenter__(self) -> Allowance:
        self._timeout = asyncio.timeout(self._seconds)
        await self._timeout.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._timeout is not None:
            await self._timeout.__aexit__(kind, error, trace)

    @contextmanager
    def paused(self) -> Iterator[None]:
        """The clock of the claim stands still."""
        timeout = self._timeout
        when = timeout.when() if timeout is not None else None
        if timeout is None or when is None:
            yield
            return
        loop = asyncio.get_running_loop()
        began = loop.time()
        timeout.reschedule(None)
        try:
            yield
        finally:
            timeout.reschedule(when + loop.time() - began)
