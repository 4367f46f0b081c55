"""One step of a connector as asked: its request, its polls, its pages, its window of dates."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Any, Final

from claimsctl.payers.access import Access
from claimsctl.payers.clock import Clock
from claimsctl.payers.connector import Paging, Poll, Step
from claimsctl.payers.context import request_context, with_window
from claimsctl.payers.found import Found, once_each
from claimsctl.payers.inputs import Request, all_inputs, build, path_of, rendered
from claimsctl.payers.mapping import Unreadable, read_claims
from claimsctl.payers.paths import find
from claimsctl.payers.transport.allowance import Allowance
from claimsctl.payers.transport.client import Client
from claimsctl.payers.verdict import Judge, Verdict

_NOTHING: Final[frozenset[str]] = frozenset()
_OK: Final = Verdict("ok")
_SOONER: Final = 4
"""The first poll comes after this part of the time between polls: many answers are there at once."""


@dataclass(frozen=True, slots=True)
class Finding:
    """What a search brought; with a verdict other than ok or not_found it may be incomplete."""

    found: tuple[Found, ...]
    verdict: Verdict

    @property
    def is_complete(self) -> bool:
        """Whether the payer told everything it has."""
        return self.verdict.means in ("ok", "not_found")


class Searcher:
    """Runs single steps over one access."""

    def __init__(self, access: Access, client: Client, clock: Clock) -> None:
        self._access, self._client, self._clock = access, client, clock
        self._judge = Judge(access.connector)

    async def search(self, step: Step, context: Mapping[str, Any], allowance: Allowance) -> Finding:
        """The claims a step finds for one inquiry; raises MissingInput."""
        first = context["claim"].get("service_date_from")
        if isinstance(first, date) and _has_window(step):
            last = context["claim"].get("service_date_to")
            last = last if isinstance(last, date) and last >= first else first
            return await self.window(step, context, first, last, allowance)
        return await self.pages(step, context, allowance)

    async def window(
        self, step: Step, context: Mapping[str, Any], first: date, last: date, allowance: Allowance
    ) -> Finding:
        """A search between two dates: in halves where the payer cannot do it at once, wider where it says
        that the claim has another date."""
        finding = await self.pages(step, with_window(context, first, last), allowance)
        if finding.verdict.means == "split" and first < last:
            middle = first + (last - first) // 2
            early = await self.window(step, context, first, middle, allowance)
            late = await self.window(step, context, middle + timedelta(days=1), last, allowance)
            return _together(early, late)
        if finding.verdict.means == "widen" and step.widen_days:
            around = timedelta(days=step.widen_days)
            wider = with_window(context, first - around, min(last + around, self._clock.today()))
            return await self.pages(step, wider, allowance)
        return finding

    async def pages(self, step: Step, context: Mapping[str, Any], allowance: Allowance) -> Finding:
        """All pages of one search; begun anew once when a token is gone or a reply is not as it should be."""
        finding = await self._all_pages(step, context, allowance)
        again = finding.verdict.means == "restart" or finding.verdict.code == "SCHEMA"
        return await self._all_pages(step, context, allowance) if again else finding

    async def _all_pages(self, step: Step, context: Mapping[str, Any], allowance: Allowance) -> Finding:
        found: list[Found] = []
        token: str | None = None
        used: set[str] = set()
        while True:
            document, verdict = await self.fetch(step, {**context, "page": {"token": token}}, allowance)
            if verdict.means == "not_found" and token is not None:
                verdict = _OK  # the last page still carried a token
            elif verdict.means == "input" and token is not None:
                verdict = replace(verdict, means="restart")
            if verdict.means != "ok" or document is None:
                return Finding(tuple(once_each(found)), verdict)
            try:
                page = read_claims(step.reply, document, self._access.connector, context["payer"]["id"])
            except Unreadable as error:
                return Finding((), _unreadable(error, verdict))
            before = len(once_each(found))
            found += [each.marked(*verdict.flags) for each in page] if verdict.flags else page
            unique = once_each(found)
            token = _next_token(step.paging, document)
            if token is None or token in used or len(unique) == before:
                return Finding(tuple(unique), verdict)
            used.add(token)
            if step.paging is not None and len(used) >= step.paging.max_pages:
                text = "the search has more pages than it should"
                return Finding(tuple(unique), replace(verdict, means="split", code="PAGES", text=text))

    async def fetch(
        self, step: Step, context: Mapping[str, Any], allowance: Allowance
    ) -> tuple[Any, Verdict]:
        """One request of a step and, where it has them, its polls: the document and what it means."""
        page = context.get("page") or {}
        omit = frozenset(step.paging.omit) if step.paging is not None and page.get("token") else _NOTHING
        request = build(step, self._access.headers, request_context(context), self._access.form, omit)
        sent = await self._client.send(request, lambda reply: self._judge(reply, step), allowance)
        document = sent.reply.body if sent.reply is not None else None
        if step.poll is not None and document is not None and sent.verdict.means in ("ok", "poll"):
            number = find(step.poll.id, document)
            if number is not None:
                return await self._polled(step, step.poll, str(number), context, allowance)
        return document, sent.verdict

    async def _polled(
        self, step: Step, poll: Poll, number: str, context: Mapping[str, Any], allowance: Allowance
    ) -> tuple[Any, Verdict]:
        asked = {**request_context(context), "poll": {"id": number}}
        form, shared = self._access.form, self._access.headers
        path = path_of(poll.path, asked, form)
        headers = rendered({**shared, **poll.headers}, asked, form)
        request = Request(
            step.name, "GET", path, headers, repeatable=True, timeout_seconds=step.timeout_seconds
        )
        until = self._clock.monotonic() + poll.budget_seconds
        wait = poll.every_seconds / _SOONER
        while True:
            await self._clock.sleep(wait)
            sent = await self._client.send(request, lambda r: self._judge(r, step, poll.http), allowance)
            if sent.verdict.means != "poll":
                return (sent.reply.body if sent.reply is not None else None), sent.verdict
            wait = poll.every_seconds
            if self._clock.monotonic() + wait > until:
                text = f"the payer has not answered after {poll.budget_seconds:g} seconds"
                return None, replace(sent.verdict, means="later", code="POLL_BUDGET", text=text)


def _has_window(step: Step) -> bool:
    return any("${window." in text for _, _, text in all_inputs(step))


def _next_token(paging: Paging | None, document: Any) -> str | None:
    if paging is None or (paging.more and find(paging.more, document) is False):
        return None
    token = find(paging.token, document)
    return str(token) if token not in (None, "") else None


def _unreadable(error: Unreadable, verdict: Verdict) -> Verdict:
    text = f"the reply does not hold {error.key}: the payer's format is not the one this route knows"
    return Verdict("error", "SCHEMA", text, trace_id=verdict.trace_id)


def _together(first: Finding, second: Finding) -> Finding:
    worse = next((f.verdict for f in (first, second) if not f.is_complete), None)
    found = tuple(once_each([*first.found, *second.found]))
    best = first.verdict if first.verdict.means == "ok" else second.verdict
    return Finding(found, worse or best)
