"""The pace of requests to payers that stand still now and then, by a clock that waits for nobody."""

from __future__ import annotations

import asyncio
import random
import selectors
from contextlib import nullcontext

import pytest

from claimsctl.payers.clock import Clock
from claimsctl.payers.transport.pacer import Pacer

RATE = 50
LATENCY = 0.2
HANDLING = 0.003


class _Impatient(selectors.DefaultSelector):
    now = 0.0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        self.now += max(timeout or 0.0, 0.0)
        return super().select(0)


class _Loop(asyncio.SelectorEventLoop):
    def __init__(self) -> None:
        self._passing = _Impatient()
        super().__init__(self._passing)

    def time(self) -> float:
        return self._passing.now


class _LoopClock(Clock):
    def monotonic(self) -> float:
        return asyncio.get_running_loop().time()


def arrivals(number: int, stall: float, jitter: float, seed: int) -> list[float]:
    """When so many requests are handled by a payer who stands still for `stall` seconds each 3 s."""
    chance = random.Random(seed)
    stalls = [(start, start + stall * chance.uniform(0.7, 1)) for start in range(2, 10_000, 3)]
    came: list[float] = []

    def until_awake(now: float) -> float:
        start, end = stalls[max(int((now - 2) // 3), 0)]
        return end if start <= now < end else now

    async def asked() -> None:
        pace = Pacer(RATE, 40, quota=None, longest_wait=60, clock=_LoopClock())

        async def one() -> None:
            async with pace.turn(nullcontext):
                now = asyncio.get_running_loop().time()
                came.append(max(until_awake(now + 0.001), came[-1] + HANDLING if came else 0.0))
                back = until_awake(came[-1] + LATENCY + chance.uniform(0, jitter))
                await asyncio.sleep(back - now)
            pace.served()

        await asyncio.gather(*(one() for _ in range(number)))

    with asyncio.Runner(loop_factory=_Loop) as runner:
        runner.run(asked())
    return came


def in_one_second(came: list[float]) -> int:
    """The most that were handled within any one second."""
    return max(
        sum(1 for each in came[first : first + 2 * RATE] if each < came[first] + 1)
        for first in range(len(came))
    )


@pytest.mark.parametrize("stall", [0.03, 0.05, 0.08, 0.12, 0.2])
def test_requests_that_a_stall_held_up_count_when_they_arrived(stall: float) -> None:
    """Two of them are enough to see it; a stall of a tenth of a second holds up five."""
    came = arrivals(1_000, stall, 0.0, seed=1)
    assert in_one_second(came) <= RATE


@pytest.mark.parametrize(("jitter", "share"), [(0.0, 0.96), (0.01, 0.94), (0.3, 0.85)])
def test_replies_that_take_longer_now_and_then_cost_little(jitter: float, share: float) -> None:
    came = arrivals(1_500, 0.0, jitter, seed=1)
    assert in_one_second(came) <= RATE
    assert (len(came) - 1) / (came[-1] - came[0]) >= share * RATE
