"""Sending one request so that it is permitted, in its turn, repeated where safe, and always judged."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from contextlib import AsyncExitStack, nullcontext, suppress
from dataclasses import dataclass, field, replace
from types import TracebackType
from typing import Any, Final

import httpx
import stamina

from claimsctl.payers.access import Access
from claimsctl.payers.clock import Clock
from claimsctl.payers.inputs import Request, header_bytes
from claimsctl.payers.transport.allowance import Allowance
from claimsctl.payers.transport.breaker import Breaker, GivenUp
from claimsctl.payers.transport.pacer import Outdated, Pacer, Quota, QuotaUsedUp, RunQuota, Trip
from claimsctl.payers.transport.permission import token_of, token_request, token_verdict
from claimsctl.payers.transport.retry_after import retry_after
from claimsctl.payers.transport.tokens import NoToken, Token, Tokens
from claimsctl.payers.transport.wire import Connections, TooLarge, check_address, failure_code, read
from claimsctl.payers.verdict import Reply, Verdict

Judging = Callable[[Reply], Verdict]
_REPLAYS: Final = 2
_RENEWALS: Final = 2
"""So often a request gets a newer token, when that it had grew old while the request waited for its turn."""
_WRITTEN: Final = ("send_request_headers.started", "send_request_body.complete")
_FAILING: Final = frozenset({429, 500, 502, 503, 504})
_GIVEN_UP = Verdict(
    "later", "PAYER_DOWN", "the payer failed again and again; nothing more was sent to it", "network"
)


@dataclass(slots=True)
class Counts:
    """Requests sent (those for tokens apart), tokens, repeats, 429 replies, and replies of any kind."""

    requests: int = 0
    tokens: int = 0
    retries: int = 0
    throttled: int = 0
    replies: int = 0


@dataclass(frozen=True, slots=True)
class Sent:
    """What came of a request: its verdict, and the reply where there was one."""

    verdict: Verdict
    reply: Reply | None = field(default=None, repr=False)


class _Again(Exception):
    def __init__(self, wait: float | None) -> None:
        super().__init__("again")
        self.wait = wait


class Client:
    """One access to one payer; an asynchronous context that owns the connections. Without a `quota` that of
    the connector holds for this run."""

    def __init__(self, access: Access, clock: Clock, quota: Quota | None = None) -> None:
        self._access, self._clock = access, clock
        limits = self._limits = access.limits
        self._http = Connections(access.account, access.route, access.base_url, limits.concurrency)
        if quota is None and limits.requests_per_day is not None:
            quota = RunQuota(limits.requests_per_day)
        self._pacer = Pacer(
            limits.requests_per_second, limits.concurrency, quota=quota,
            longest_wait=limits.max_wait_seconds, clock=clock,
        )  # fmt: skip
        self._breaker = Breaker(limits.breaker, clock)
        self._tokens: Tokens | None = None
        if access.connector.auth.kind == "client_credentials":
            check_address(access.route, "token_url", access.token_url or "")
            self._tokens = Tokens(self._fetch_token, clock)
        self._stack = AsyncExitStack()
        self.counts = Counts()

    async def __aenter__(self) -> Client:
        await self._stack.enter_async_context(self._http)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._pacer.close()
        await self._stack.aclose()

    async def check_token(self) -> Verdict:
        """Whether the credentials bring a token."""
        try:
            if self._tokens is not None:
                await self._tokens.get()
        except NoToken as error:
            return error.verdict
        return Verdict("ok")

    async def send(self, request: Request, judge: Judging, allowance: Allowance | None = None) -> Sent:
        """Send it, again where that is safe and may help, until it is answered or attempts are used up."""
        if allowance is not None:
            allowance.requests += 1
        sent = Sent(Verdict("later", "NOT_SENT", "nothing was sent", "network"))
        try:
            async for attempt in stamina.retry_context(
                on=_how_long, attempts=self._limits.attempts if request.repeatable else 1, timeout=None,
                wait_initial=self._limits.backoff_seconds, wait_max=self._limits.max_backoff_seconds,
                wait_jitter=self._limits.backoff_seconds,
            ):  # fmt: skip
                with attempt:
                    self.counts.retries += attempt.num > 1
                    sent = await self._permitted(request, judge, allowance)
                    if sent.verdict.means == "retry":
                        raise _Again(self._asked_to_wait(sent.reply))
        except _Again:
            pass
        except NoToken as error:
            return Sent(error.verdict)
        except (GivenUp, QuotaUsedUp) as error:
            return Sent(_GIVEN_UP if isinstance(error, GivenUp) else _quota(error))
        return sent

    def _asked_to_wait(self, reply: Reply | None) -> float | None:
        if reply is None:
            return None
        if reply.status == 429:
            return 0.0  # the pacer keeps everybody quiet
        asked = retry_after(reply.headers, self._clock.now())
        return None if asked is None else min(asked, self._limits.max_wait_seconds)

    async def _permitted(self, request: Request, judge: Judging, allowance: Allowance | None) -> Sent:
        """Once, and once more with a new token where the payer does not take this one."""
        sent, token = await self._with_token(request, judge, allowance)
        for replay in range(_REPLAYS):
            if token is None or self._tokens is None or sent.reply is None or sent.reply.status != 401:
                break
            # A new token that never worked is not the trouble: the account may not ask this. One that did
            # was revoked, as happens where many share it.
            if replay and not token.served:
                break
            self._tokens.drop(token)
            sent, token = await self._with_token(request, judge, allowance)
        return sent

    async def _with_token(
        self, request: Request, judge: Judging, allowance: Allowance | None
    ) -> tuple[Sent, Token | None]:
        for attempt in range(_RENEWALS + 1):
            token = await self._token(allowance)
            is_last = token is None or attempt == _RENEWALS
            headers = {**request.headers, **self._access.auth_headers(token.value if token else "")}
            if request.content_type is not None:
                headers["Content-Type"] = request.content_type
            with suppress(Outdated):
                sent = await self._exchange(
                    request.method, self._access.url(request.path), headers, request.content,
                    request.timeout_seconds or self._limits.timeout_seconds, judge, allowance,
                    None if is_last else token,
                )  # fmt: skip
                break
        self.counts.requests += 1
        if sent.reply is not None:
            if token is not None and sent.reply.status not in (401, 403):
                token.served = True
            sent = replace(sent, verdict=self._checked(sent.reply, sent.verdict))
        return sent, token

    async def _token(self, allowance: Allowance | None) -> Token | None:
        """A token as soon as requests may pass; None where the payer wants none."""
        with allowance.paused() if allowance is not None else nullcontext():
            await self._breaker.passage()
            try:
                return await self._tokens.get() if self._tokens is not None else None
            except BaseException:
                self._breaker.abandoned()
                raise

    async def _exchange(
        self, method: str, url: str, headers: Mapping[str, str], content: bytes | None, seconds: float,
        judge: Judging, allowance: Allowance | None = None, token: Token | None = None,
    ) -> Sent:  # fmt: skip
        """Send it in its turn; raises Outdated when the token has grown old while it waited."""
        waiting = allowance.paused if allowance is not None else nullcontext[None]
        failure: tuple[str, str] | None = None
        reply: Reply | None = None
        try:
            async with self._pacer.turn(waiting, lambda: token is None or self._lasts(token)) as trip:
                try:
                    reply = await self._roundtrip(method, url, headers, content, seconds, trip)
                except (httpx.HTTPError, TimeoutError, OSError) as error:
                    failure = failure_code(error)
                except TooLarge:
                    failure = ("TOO_LARGE", "the reply is larger than allowed (limits.max_reply_bytes)")
                except (httpx.InvalidURL, ValueError, httpx.StreamError):
                    failure = ("NOT_SENT", "the request cannot be sent as it is")
        except BaseException:
            self._breaker.abandoned()
            raise
        # Raised and judged outside of `except`: an exception's context would carry the request's headers.
        if reply is None:
            code, text = failure or ("BROKEN_OFF", "the connection to the payer broke")
            if code in ("TOO_LARGE", "NOT_SENT"):
                self.counts.replies += code == "TOO_LARGE"
                self._breaker.abandoned()
                return Sent(Verdict("error", code, text))
            self._breaker.failed()
            return Sent(Verdict("retry", code, text, "network"))
        self._note(reply)
        return Sent(judge(reply), reply)

    def _lasts(self, token: Token) -> bool:
        return not token.dropped and self._clock.monotonic() < (token.renew_at + token.ends_at) / 2

    async def _roundtrip(
        self, method: str, url: str, headers: Mapping[str, str], content: bytes | None, seconds: float,
        trip: Trip,
    ) -> Reply:  # fmt: skip
        written = [(name.encode(), header_bytes(value)) for name, value in headers.items()]
        with self._http.line() as line:
            request = line.client.build_request(
                method, url, content=content, timeout=seconds, headers=written
            )
            request.extensions["trace"] = self._leaving(trip)
            async with asyncio.timeout(seconds):
                response = await line.send(request)
                try:
                    return await read(response, self._limits.max_reply_bytes)
                finally:
                    await response.aclose()

    def _leaving(self, trip: Trip) -> Callable[[str, Any], Awaitable[None]]:
        """Notes when the request is really written, which may be later than it was meant to be; others may
        have their turn before the last part of it."""

        async def note(event: str, _: Any) -> None:
            if event.endswith(_WRITTEN):
                trip.left = trip.arrived = self._clock.monotonic()

        return note

    def _note(self, reply: Reply) -> None:
        self.counts.replies += 1
        if reply.status == 429:
            self.counts.throttled += 1
            self._pacer.throttled(retry_after(reply.headers, self._clock.now()))
        elif reply.status < 500:
            self._pacer.served()
        if reply.status in _FAILING:
            self._breaker.failed()
        else:
            self._breaker.succeeded()

    def _checked(self, reply: Reply, verdict: Verdict) -> Verdict:
        """The verdict, unless the reply is not of the environment that was asked for."""
        if verdict.means != "ok":
            return verdict
        terms = self._access.environment
        missing = any(reply.headers.get(n.lower()) != value for n, value in terms.reply_headers.items())
        foreign = any(name.lower() in reply.headers for name in terms.foreign_headers)
        if missing or foreign:
            text = f"the reply is not of the payer's {self._access.account.environment} environment"
            return Verdict("error", "WRONG_ENVIRONMENT", text, trace_id=verdict.trace_id)
        return verdict

    async def _fetch_token(self) -> tuple[str, float]:
        headers, content = token_request(self._access)
        sent = Sent(Verdict("later", "NOT_SENT", "no token was asked for", "network"))
        try:
            async for attempt in stamina.retry_context(
                on=_how_long, attempts=self._limits.attempts, timeout=None,
                wait_initial=self._limits.backoff_seconds, wait_max=self._limits.max_backoff_seconds,
                wait_jitter=self._limits.backoff_seconds,
            ):  # fmt: skip
                with attempt:
                    self.counts.tokens += 1
                    sent = await self._exchange(
                        "POST", self._access.token_url or "", headers, content,
                        self._limits.timeout_seconds, token_verdict,
                    )  # fmt: skip
                    if sent.verdict.means == "retry":
                        raise _Again(self._asked_to_wait(sent.reply))
        except _Again:
            pass
        return token_of(self._access.connector.auth, sent.verdict, sent.reply)


def _how_long(error: Exception) -> bool | float:
    if not isinstance(error, _Again):
        return False
    return True if error.wait is None else error.wait


def _quota(error: QuotaUsedUp) -> Verdict:
    when = f"; it asks to wait {error.seconds / 60:,.0f} minutes" if error.seconds is not None else ""
    return Verdict("later", "QUOTA", f"the payer's quota is used up{when}", "api")
