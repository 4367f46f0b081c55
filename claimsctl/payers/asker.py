"""Asking one payer route about many claims."""

from __future__ import annotations

import asyncio
from collections import Counter, deque
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import islice
from typing import Final

from claimsctl.errors import OutsideError
from claimsctl.payers.access import Access
from claimsctl.payers.account import Account
from claimsctl.payers.clock import Clock
from claimsctl.payers.connector import Connector
from claimsctl.payers.dry import check_dry
from claimsctl.payers.found import Found
from claimsctl.payers.grouping import Search, plan, run_search
from claimsctl.payers.inquiry import Answer, Inquiry, RouteTotals
from claimsctl.payers.transport.client import Client
from claimsctl.payers.transport.pacer import Quota
from claimsctl.payers.verdict import Verdict
from claimsctl.payers.workflow import Workflow

__all__ = ["ask", "check_dry"]

_PER_SLOT, _FEWEST, _MOST = 4, 8, 400
"""Claims in progress for each request in flight: a claim also waits for polls and for its turn."""
_PLANNED: Final = 10_000
"""Claims among which those are found that one search may answer."""
_GRACE: Final = 5.0
_LOOK: Final = 0.1
_NOTHING: Final[frozenset[str]] = frozenset()


@dataclass(frozen=True, slots=True)
class _Claim:
    """One inquiry to answer, with what a search of many already found of it."""

    inquiry: Inquiry
    known: tuple[Found, ...] = ()
    skip: frozenset[str] = field(default=_NOTHING)
    refusal: Verdict | None = None


async def ask(
    connector: Connector,
    account: Account,
    inquiries: Iterable[Inquiry],
    on_answer: Callable[[Answer], None],
    *,
    stop: Callable[[], bool] = lambda: False,
    clock: Clock | None = None,
    quota: Quota | None = None,
) -> RouteTotals:
    """Ask about every claim and hand each answer over the moment it is known.

    Inquiries are taken as they are needed, many at once only where a search may answer many. Every one gets
    exactly one answer, in no particular order; when `stop()` says so, those not yet answered get none. What
    goes wrong with a claim is its answer. Raises SettingsError before anything is sent, and OutsideError
    after all answers when the payer never sent any reply.
    """
    clock = clock or Clock()
    access = Access(connector, account, clock.today())
    began = clock.monotonic()
    async with Client(access, clock, quota) as client:
        round_ = _Round(access, client, inquiries, on_answer, stop, clock)
        await round_.run()
        counts = client.counts
        totals = RouteTotals(
            counts.requests, counts.tokens, counts.retries, counts.throttled, clock.monotonic() - began
        )
    if round_.is_unreachable and counts.replies == 0:
        raise OutsideError(
            f"The payer route {connector.name} cannot be reached.",
            hint="Check the network, proxy and base_url, then run again: nothing is lost.",
        )
    return totals


class _Round:
    """One run over one access: searches first, then single claims, by a fixed number of workers."""

    def __init__(
        self, access: Access, client: Client, inquiries: Iterable[Inquiry],
        on_answer: Callable[[Answer], None], stop: Callable[[], bool], clock: Clock,
    ) -> None:  # fmt: skip
        self._access, self._clock, self._inquiries = access, clock, iter(inquiries)
        self._at_once = _PLANNED if access.connector.claim_status.group is not None else _MOST
        self._on_answer, self._stop = on_answer, stop
        self._workflow = Workflow(access, client, clock)
        self._waiting: deque[Search | _Claim] = deque()
        self._busy = 0
        self._changed = asyncio.Condition()
        self._stopped = False
        self._kinds: Counter[str | None] = Counter()

    @property
    def is_unreachable(self) -> bool:
        """Whether there were answers, and all of them say that the network failed."""
        return set(self._kinds) == {"network"}

    async def run(self) -> None:
        wanted = min(max(self._access.limits.concurrency * _PER_SLOT, _FEWEST), _MOST)
        workers = [asyncio.create_task(self._work()) for _ in range(wanted)]
        watcher = asyncio.create_task(self._watch(workers))
        try:
            await asyncio.gather(*workers)
        except asyncio.CancelledError:
            if not self._stopped:
                raise
        finally:
            for task in (*workers, watcher):
                task.cancel()
            await asyncio.gather(*workers, watcher, return_exceptions=True)

    async def _watch(self, workers: Sequence[asyncio.Task[None]]) -> None:
        """When told to stop: nothing new is begun, what is on its way has a little time."""
        while not self._stop():
            await asyncio.sleep(_LOOK)
        async with self._changed:
            self._stopped = True
            self._waiting.clear()
            self._changed.notify_all()
        with suppress(TimeoutError):
            async with asyncio.timeout(_GRACE):
                await asyncio.gather(*(asyncio.shield(worker) for worker in workers), return_exceptions=True)
        for worker in workers:
            worker.cancel()

    async def _work(self) -> None:
        while (work := await self._next()) is not None:
            try:
                if isinstance(work, Search):
                    await self._search(work)
                else:
                    await self._claim(work)
            finally:
                async with self._changed:
                    self._busy -= 1
                    self._changed.notify_all()

    async def _next(self) -> Search | _Claim | None:
        """The next piece of work; None when there is none and nobody can bring any more."""
        async with self._changed:
            while not self._waiting and not self._more():
                if self._stopped or not self._busy:
                    return None
                await self._changed.wait()
            if self._stop():
                return None
            self._busy += 1
            return self._waiting.popleft()

    def _more(self) -> bool:
        """Whether there are more claims to ask about; then some of them wait now."""
        some = [] if self._stopped else list(islice(self._inquiries, self._at_once))
        searches, alone = plan(some, self._access, self._clock.today())
        self._waiting.extend(searches)
        self._waiting.extend(map(_Claim, alone))
        return bool(self._waiting)

    async def _search(self, search: Search) -> None:
        group = self._access.connector.claim_status.group
        if group is None:
            return
        outcome = await run_search(search, group, self._access, self._workflow.searcher)
        # A complete search needs no repetition by the same step for one claim.
        skip = frozenset({group.step}) if outcome.is_complete else _NOTHING
        claims = [
            _Claim(inquiry, outcome.found.get(inquiry.key, ()), skip, outcome.refusal)
            for inquiry in search.inquiries
        ]
        if not self._stopped:
            self._waiting.extendleft(reversed(claims))

    async def _claim(self, claim: _Claim) -> None:
        try:
            if claim.refusal is not None:
                answer = self._workflow.refused(claim.inquiry, claim.refusal)
            else:
                answer = await self._workflow.answer(claim.inquiry, claim.known, claim.skip)
        except Exception as error:  # one claim must not end the others; its values must not be told
            trouble = Verdict("error", "INTERNAL", f"a defect of claimsctl ({type(error).__name__})")
            answer = self._workflow.refused(claim.inquiry, trouble)
        self._kinds[answer.error_type] += 1
        self._on_answer(answer)
