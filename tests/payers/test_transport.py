"""Pace, circuit breaker and tokens, on a clock that the tests drive."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from contextlib import nullcontext
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any, cast

import pytest

from claimsctl.payers.clock import Clock
from claimsctl.payers.connector import Breaker as Terms
from claimsctl.payers.transport.allowance import Allowance
from claimsctl.payers.transport.breaker import Breaker, GivenUp
from claimsctl.payers.transport.client import Client
from claimsctl.payers.transport.pacer import Pacer, QuotaUsedUp, RunQuota, Trip
from claimsctl.payers.transport.retry_after import retry_after
from claimsctl.payers.transport.tokens import NoToken, Tokens
from claimsctl.payers.verdict import Verdict


class Driven(Clock):
    """Time that passes only while somebody sleeps."""

    def __init__(self) -> None:
        self.time = 1000.0

    def monotonic(self) -> float:
        return self.time

    async def sleep(self, seconds: float) -> None:
        self.time += max(seconds, 0)
        await asyncio.sleep(0)


def run(work: Coroutine[Any, Any, Any]) -> Any:
    return asyncio.run(work)


def pacer(clock: Clock, rate: float = 50, in_flight: int = 100, **more: Any) -> Pacer:
    return Pacer(rate, in_flight, clock=clock, **{"quota": None, "longest_wait": 60.0, **more})


async def departures(pace: Pacer, clock: Driven, number: int, served: bool = True) -> list[float]:
    left = []
    for _ in range(number):
        async with pace.turn(nullcontext):
            left.append(clock.time)
        if served:
            pace.served()
    return left


def most_within(seconds: float, times: list[float]) -> int:
    return max(sum(start <= t < start + seconds for t in times) for start in times)


def test_no_second_has_more_requests_than_allowed_and_few_are_lost() -> None:
    clock = Driven()
    times = run(departures(pacer(clock), clock, 1000))
    assert most_within(1.0, times) <= 50
    steady = times[200:]
    assert 48 <= (len(steady) - 1) / (steady[-1] - steady[0]) <= 50


def test_after_a_stall_the_limit_still_holds() -> None:
    async def stalled() -> list[float]:
        clock = Driven()
        pace = pacer(clock)
        times: list[float] = []
        for _ in range(6):
            times += await departures(pace, clock, 60)
            clock.time += 0.4
        return times

    assert most_within(1.0, run(stalled())) <= 50


def test_low_rates_are_kept_too() -> None:
    clock = Driven()
    times = run(departures(pacer(clock, 1.6), clock, 60))
    assert most_within(10.0, times) <= 17
    assert times[-1] - times[30] < 30 / 1.6 * 1.05


def test_only_so_many_are_in_flight() -> None:
    async def crowd() -> int:
        clock = Driven()
        pace = pacer(clock, 400, 3)
        inside = most = 0

        async def one() -> None:
            nonlocal inside, most
            async with pace.turn(nullcontext):
                inside += 1
                most = max(most, inside)
                await asyncio.sleep(0.001)
                inside -= 1

        await asyncio.gather(*(one() for _ in range(30)))
        return most

    assert run(crowd()) == 3


def test_too_many_requests_keep_everybody_quiet() -> None:
    async def throttled(asked: float | None, times: int) -> float:
        clock = Driven()
        pace = pacer(clock)
        await departures(pace, clock, 5)
        for _ in range(times):
            pace.throttled(asked)
        before = clock.time
        await departures(pace, clock, 1)
        return clock.time - before

    assert 7 <= run(throttled(7.0, 1)) < 7.1
    assert 0.8 <= run(throttled(None, 1)) < 1.3
    assert run(throttled(None, 10)) < 1.3, "those on their way when one was refused count once"


def test_a_quota_that_is_used_up_ends_the_requests() -> None:
    clock = Driven()
    pace = pacer(clock)
    pace.throttled(8 * 3600.0)
    with pytest.raises(QuotaUsedUp) as caught:
        run(departures(pace, clock, 1))
    assert caught.value.seconds == 8 * 3600


@pytest.mark.parametrize(("most", "sent"), [(10, 7), (10, 10), (120, 60)])
def test_a_run_gives_back_what_it_did_not_send(most: int, sent: int) -> None:
    clock, quota = Driven(), RunQuota(most)
    daily = pacer(clock, quota=quota)
    run(departures(daily, clock, sent))
    daily.close()
    assert quota.take(most) == most - sent
    with pytest.raises(QuotaUsedUp):
        run(departures(daily, clock, 1))


def breaker(clock: Clock) -> Breaker:
    return Breaker(Terms(failures=3, pause_seconds=10, openings=3), clock)


def test_a_payer_that_fails_is_left_alone_then_tried_by_one() -> None:
    async def story() -> None:
        clock = Driven()
        switch = breaker(clock)
        for _ in range(2):
            switch.failed()
        switch.succeeded()
        for _ in range(3):
            assert not switch.is_open
            switch.failed()
        assert switch.is_open
        waited = await switch.passage()
        assert waited >= 10
        other = asyncio.create_task(switch.passage())
        await asyncio.sleep(0)
        assert not other.done(), "one tries for all"
        switch.succeeded()
        assert await other >= 0
        assert not switch.is_open

    run(story())


def test_a_payer_that_goes_on_failing_is_given_up() -> None:
    async def story() -> float:
        clock = Driven()
        switch = breaker(clock)
        for _ in range(3):
            switch.failed()
        began = clock.time
        for _ in range(2):
            await switch.passage()
            switch.failed()
        with pytest.raises(GivenUp):
            await switch.passage()
        return clock.time - began

    assert 30 <= run(story()) < 33, "pauses of 10 and 20 seconds"


def test_a_trial_that_was_never_made_lets_the_next_one_try() -> None:
    async def story() -> None:
        clock = Driven()
        switch = breaker(clock)
        for _ in range(3):
            switch.failed()
        await switch.passage()
        switch.abandoned()
        await switch.passage()
        switch.succeeded()
        assert not switch.is_open

    run(story())


class Issuer:
    """Issues tokens of 100 seconds, or what it is told to."""

    def __init__(self) -> None:
        self.calls = 0
        self.trouble: Verdict | None = None

    async def __call__(self) -> tuple[str, float]:
        self.calls += 1
        await asyncio.sleep(0)
        if self.trouble is not None:
            raise NoToken(self.trouble)
        return f"token-{self.calls}", 100.0


def test_many_callers_share_one_token_which_is_renewed_at_four_fifths_of_its_life() -> None:
    async def story() -> None:
        clock, issuer = Driven(), Issuer()
        tokens = Tokens(issuer, clock)
        assert {(await t).value for t in [asyncio.create_task(tokens.get()) for _ in range(20)]} == {
            "token-1"
        }
        clock.time += 79
        assert (await tokens.get()).value == "token-1"
        clock.time += 2
        assert {(await t).value for t in [asyncio.create_task(tokens.get()) for _ in range(20)]} == {
            "token-2"
        }
        assert issuer.calls == 2

    run(story())


def test_a_dropped_token_is_fetched_once_by_those_who_had_it() -> None:
    async def story() -> None:
        clock, issuer = Driven(), Issuer()
        tokens = Tokens(issuer, clock)
        old = await tokens.get()
        tokens.drop(old)
        new = await tokens.get()
        tokens.drop(old)  # told late by another caller
        assert (await tokens.get()) is new
        assert issuer.calls == 2

    run(story())


def test_refused_credentials_are_not_tried_again_and_a_failing_issuer_is_waited_out() -> None:
    async def story() -> None:
        clock, issuer = Driven(), Issuer()
        tokens = Tokens(issuer, clock)
        first = await tokens.get()
        issuer.trouble = Verdict("later", "TOKEN_HTTP_503", "", "network")
        clock.time += 85
        assert (await tokens.get()) is first, "it lives on"
        clock.time += 20
        with pytest.raises(NoToken):
            await tokens.get()
        issuer.trouble = Verdict("auth", "invalid_client", "", "auth")
        for _ in range(5):
            with pytest.raises(NoToken):
                await tokens.get()
        assert issuer.calls == 4

    run(story())


def test_a_token_shows_in_no_representation() -> None:
    async def story() -> str:
        return repr(await Tokens(Issuer(), Driven()).get())

    assert "token-1" not in run(story())


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("7", 7.0), ("0", 0.0), ("Mon, 02 Mar 2026 12:00:30 GMT", 30.0),
        ("Mon, 02 Mar 2026 11:00:00 GMT", 0.0),
        ("soon", None), ("", None), ("-5", None), ("9999999999999", None),
    ],
)  # fmt: skip
def test_retry_after(header: str, seconds: float | None) -> None:
    now = datetime(2026, 3, 2, 12, 0, 0, tzinfo=UTC)
    assert retry_after({"retry-after": header}, now) == seconds


def test_waiting_for_our_own_limits_is_not_the_claims_time() -> None:
    async def story() -> str:
        async with Allowance(0.05) as allowance:
            with allowance.paused():
                await asyncio.sleep(0.12)
        return "done"

    async def too_long() -> None:
        async with Allowance(0.05) as allowance:
            with allowance.paused():
                await asyncio.sleep(0.01)
            await asyncio.sleep(5)

    assert run(story()) == "done"
    with pytest.raises(TimeoutError):
        run(too_long())


@pytest.mark.parametrize("protocol", ["http11", "http2"])
def test_a_request_leaves_with_its_last_part(protocol: str) -> None:
    """Its head is written, then others have their turn: the payer has it when it has the body."""
    clock, trip = Driven(), Trip(0.0, 0.0)
    note = Client._leaving(cast(Client, SimpleNamespace(_clock=clock)), trip)
    left = []
    for event in ("send_request_headers.started", "send_request_headers.complete",
                  "send_request_body.started", "send_request_body.complete",
                  "receive_response_headers.started", "receive_response_headers.complete"):  # fmt: skip
        clock.time += 0.05
        run(note(f"{protocol}.{event}", {}))
        left.append((trip.left, trip.arrived))
    assert left == [pytest.approx((1000.05, 1000.05))] * 3 + [pytest.approx((1000.2, 1000.2))] * 3
