"""Asking: every open question of a checkpoint, route by route, until all are answered or it is stopped."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields
from functools import lru_cache
from itertools import chain
from typing import Any, Final, Protocol

from claimsctl.asking.cache import AnswerCache
from claimsctl.asking.checkpoint import Checkpoint, Question
from claimsctl.errors import OutputError, OutsideError, SettingsError, StoreError
from claimsctl.payers.account import Account
from claimsctl.payers.inquiry import Answer, Inquiry, RouteTotals
from claimsctl.settings import Settings
from claimsctl.settings_tables import PracticeSettings

_PAGE: Final = 50
"""Questions read at once: nobody else has a turn meanwhile."""
_CACHED: Final = 1_000

Group = tuple[str, str | None]
"""A route, and the id in the payer map of the claims' payer."""


class Asker(Protocol):
    """What asks one route about many claims (claimsctl.payers, or a fake)."""

    @property
    def routes(self) -> Collection[str]:
        """The routes there are."""

    def dry(self, route: str, account: Account, inquiry: Inquiry) -> list[dict[str, Any]]:
        """The requests about one claim as plain JSON, masked; nothing is sent, no credential needed."""

    def cache_minutes(self, route: str) -> float:
        """How long an answer of a route counts as fresh, as its connector says."""

    async def ask(
        self,
        route: str,
        account: Account,
        inquiries: Iterable[Inquiry],
        on_answer: Callable[[Answer], None],
        *,
        stop: Callable[[], bool],
    ) -> RouteTotals:
        """Ask; each inquiry is answered once, through `on_answer`, or, after `stop`, not at all. They are
        taken as they are needed.

        OutsideError where the route cannot be reached at all, SettingsError where it is not set up.
        """


@dataclass
class Heard:
    """What the payers said so far, by kind, and what asking took, by route.

    `lost` says of a route that could not be reached or used why that is.
    """

    checked: int = 0
    counts: Counter[str] = field(default_factory=Counter)
    totals: dict[str, RouteTotals] = field(default_factory=dict)
    asked: Counter[str] = field(default_factory=Counter)
    network: Counter[str] = field(default_factory=Counter)
    unreachable: dict[str, str] = field(default_factory=dict)
    unset: dict[str, str] = field(default_factory=dict)

    @staticmethod
    def of(counts: Mapping[str, Any]) -> Heard:
        """What a checkpoint has on record already (its `counts`)."""
        heard = Heard(sum(counts["outcomes"].values()))
        for status, number in counts["statuses"].items():
            heard.counts[kind_of_status(status)] += number
        heard.counts["failed"] += counts["outcomes"].get("error", 0)
        return heard

    def take(self, answer: Answer) -> None:
        """Count an answer."""
        self.checked += 1
        self.counts[kind_of(answer)] += 1

    def add(self, route: str, totals: RouteTotals) -> None:
        """Add what a call took."""
        before = self.totals.get(route, RouteTotals())
        self.totals[route] = RouteTotals(
            **{each.name: getattr(before, each.name) + getattr(totals, each.name) for each in fields(totals)}
        )

    @property
    def out_of_reach(self) -> dict[str, str]:
        """Routes that nothing was heard of; those included of which every claim ended so."""
        silent = {
            route: f"Route {route} could not be reached: all {asked:,} questions ended in network errors."
            for route, asked in self.asked.items()
            if asked and self.network[route] == asked
        }
        return silent | self.unreachable


def kind_of(answer: Answer) -> str:
    """paid, denied, pending, not_found, failed or other."""
    if answer.outcome != "found":
        return "not_found" if answer.outcome == "not_found" else "failed"
    status = answer.matches[0].status if answer.matches else "UNKNOWN"
    return kind_of_status(status)


def kind_of_status(status: str) -> str:
    """The kind under which progress counts a status."""
    kinds = {
        "PAID": "paid", "DENIED": "denied", "REJECTED": "denied", "SUBMITTED": "pending",
        "PENDING": "pending", "ACTION_REQUIRED": "pending", "NOT_FOUND": "not_found",
    }  # fmt: skip
    return kinds.get(status, "other")


@dataclass(frozen=True)
class Work:
    """What asking needs. `told` hears of every answer, `stop` is asked whether to end."""

    checkpoint: Checkpoint
    settings: Settings
    asker: Asker
    accounts: Mapping[Group, Account]
    cache: AnswerCache | None
    told: Callable[[Heard], None]
    stop: Callable[[], bool]

    def run(self, heard: Heard) -> None:
        """Ask what is open; every answer is on record before it counts."""
        by_route: dict[str, list[Group]] = {}
        for group in self.checkpoint.open_groups():
            if group in self.accounts:
                by_route.setdefault(group[0], []).append(group)
        asyncio.run(self._all(by_route, heard))

    async def _all(self, by_route: Mapping[str, Sequence[Group]], heard: Heard) -> None:
        # One route has one limit, whoever asks it, so its groups follow each other.
        await asyncio.gather(*(self._route(route, groups, heard) for route, groups in by_route.items()))

    async def _route(self, route: str, groups: Sequence[Group], heard: Heard) -> None:
        try:
            for group in groups:
                await self._group(group, heard)
        except OutsideError as error:
            if isinstance(error, StoreError | OutputError):
                raise
            heard.unreachable[route] = error.message
        except SettingsError as error:
            heard.unset[route] = str(error)

    async def _group(self, group: Group, heard: Heard) -> None:
        route, account = group[0], self.accounts[group]
        minutes = self._minutes(route)
        inquiries = self._open(group, minutes, heard)
        first = next(inquiries, None)
        if first is None:
            return
        kept = _Kept(self, heard, route, account, minutes)
        try:
            wanted = kept.remembered(chain([first], inquiries))
            totals = await self.asker.ask(route, account, wanted, kept.answer, stop=self.stop)
            heard.add(route, totals)
        finally:
            kept.flush()

    def _open(self, group: Group, minutes: float, heard: Heard) -> Iterator[Inquiry]:
        """Questions of a group that are not answered yet, nor by a fresh answer to an earlier job."""
        last = -1
        while not self.stop() and (page := self.checkpoint.open_questions(*group, last, _PAGE)):
            last = page[-1].key
            inquiries = [inquiry_of(each, self.settings) for each in page]
            yield from self._without_cached(inquiries, group, heard) if minutes else inquiries

    def _minutes(self, route: str) -> float:
        said = self.settings.payer_route.get(route)
        if said is not None and said.cache_minutes is not None:
            return said.cache_minutes
        return self.asker.cache_minutes(route)

    def _without_cached(self, inquiries: list[Inquiry], group: Group, heard: Heard) -> list[Inquiry]:
        if self.cache is None:
            return inquiries
        found = self.cache.find(inquiries, group[0], self.accounts[group])
        if found:
            self.checkpoint.record(found, cached=True)
        for answer in found:
            heard.take(answer)
            self.told(heard)
        known = {answer.key for answer in found}
        return [each for each in inquiries if each.key not in known]


@dataclass
class _Kept:
    """Puts the answers of one call on record as they come, and keeps them for later questions."""

    work: Work
    heard: Heard
    route: str
    account: Account
    minutes: float
    asked: dict[int, Inquiry] = field(default_factory=dict)
    waiting: list[tuple[Inquiry, Answer]] = field(default_factory=list)

    def remembered(self, inquiries: Iterable[Inquiry]) -> Iterator[Inquiry]:
        """Those that are asked, until their answers come."""
        for inquiry in inquiries:
            self.asked[inquiry.key] = inquiry
            yield inquiry

    def answer(self, answer: Answer) -> None:
        self.work.checkpoint.record([answer])
        self.heard.asked[self.route] += 1
        if answer.outcome == "error" and answer.error_type == "network":
            self.heard.network[self.route] += 1
        self.heard.take(answer)
        self.waiting.append((self.asked.pop(answer.key), answer))
        if len(self.waiting) >= _CACHED:
            self.flush()
        self.work.told(self.heard)

    def flush(self) -> None:
        if self.work.cache is not None and self.minutes:
            self.work.cache.keep(self.waiting, self.route, self.account, self.minutes)
        self.waiting.clear()


def inquiry_of(question: Question, settings: Settings) -> Inquiry:
    """A question as the route takes it; what the row says of who bills goes before the practice's settings,
    what the payer map says of it before both."""
    values = question.values
    practice = settings.practice.get(question.practice_id, PracticeSettings())
    said = {
        "name": practice.name, "npi": practice.npi, "tax_id": practice.tax_id, "taxonomy": practice.taxonomy,
        "address": practice.address, "city": practice.city, "state": practice.state, "zip": practice.zip,
    }  # fmt: skip
    row = {
        name: str(values[f"billing_{name}"])
        for name in ("name", "npi", "tax_id", "taxonomy")
        if f"billing_{name}" in values
    }
    known = {name: value for name, value in said.items() if value} | row | dict(question.provider or {})
    if "tax_id" in known:
        known["tax_id"] = "".join(c for c in known["tax_id"] if c.isdigit())
    return Inquiry(question.key, values, question.there, _shared(tuple(known.items())))


@lru_cache(maxsize=64)
def _shared(practice: tuple[tuple[str, str], ...]) -> Mapping[str, str]:
    """Most claims of a job are of the same practice, so they have one record of it."""
    return dict(practice)
