"""Time as the engine sees it; tests give one that they drive."""

from __future__ import annotations

import asyncio
import time
from datetime import UTC, date, datetime


class Clock:
    """The machine's clock."""

    def monotonic(self) -> float:
        """Seconds that only grow."""
        return time.monotonic()

    def now(self) -> datetime:
        """This moment, UTC."""
        return datetime.now(UTC)

    def today(self) -> date:
        """The local day of the biller."""
        return date.today()

    async def sleep(self, seconds: float) -> None:
        """Let others run for so long."""
        await asyncio.sleep(max(seconds, 0))
