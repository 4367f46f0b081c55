"""Many claims by one search: which go together, and what is left to be asked one by one."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, Final

from claimsctl.payers.access import Access
from claimsctl.payers.connector import Group
from claimsctl.payers.found import Found
from claimsctl.payers.inquiry import Inquiry
from claimsctl.payers.narrowing import Index
from claimsctl.payers.searching import Searcher
from claimsctl.payers.template import MissingInput, look_up
from claimsctl.payers.transport.allowance import Allowance
from claimsctl.payers.verdict import Verdict

_FULL: Final = 0.6
"""A search is planned for so much of what it may hold: the practice has claims we do not ask about."""
_MORE_TIME: Final = 6


@dataclass(frozen=True, slots=True)
class Search:
    """Inquiries that one search between two service dates may answer."""

    inquiries: tuple[Inquiry, ...]
    first: date
    last: date


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a search brought: claims by the key of their inquiry, and whether it told of all there are."""

    found: Mapping[int, tuple[Found, ...]]
    is_complete: bool
    refusal: Verdict | None = None


def plan(inquiries: Sequence[Inquiry], access: Access, today: date) -> tuple[list[Search], list[Inquiry]]:
    """Searches worth their while, and the inquiries that are asked one by one."""
    group = access.connector.claim_status.group
    if group is None:
        return [], list(inquiries)
    oldest = today - timedelta(days=group.max_age_days)
    shared: dict[tuple[Any, ...], list[tuple[date, Inquiry]]] = defaultdict(list)
    alone: list[Inquiry] = []
    ids = access.connector.payer_ids
    for inquiry in inquiries:
        day = inquiry.values.get(group.date)
        if isinstance(day, date) and oldest <= day <= today and (not ids or inquiry.payer_id in ids):
            shared[_key(inquiry, group)].append((day, inquiry))
        else:
            alone.append(inquiry)
    searches: list[Search] = []
    for members in shared.values():
        for window in _windows(sorted(members, key=lambda each: (each[0], each[1].key)), group):
            if len(window.inquiries) >= group.at_least:
                searches.append(window)
            else:
                alone += window.inquiries
    return searches, alone


def _key(inquiry: Inquiry, group: Group) -> tuple[Any, ...]:
    context = {"claim": inquiry.values, "practice": inquiry.practice, "payer": {"id": inquiry.payer_id}}
    return tuple(look_up(source, context) for source in group.by)


def _windows(members: Sequence[tuple[date, Inquiry]], group: Group) -> list[Search]:
    """Windows over dates in order: not longer and not fuller than one search may be."""
    most = max(int(group.most_claims * _FULL), group.at_least)
    windows: list[list[tuple[date, Inquiry]]] = []
    for day, inquiry in members:
        current = windows[-1] if windows else None
        if (
            current is None
            or (day - current[0][0]).days >= group.window_days
            or (len(current) >= most and day != current[-1][0])
        ):
            current = []
            windows.append(current)
        current.append((day, inquiry))
    return [Search(tuple(i for _, i in window), window[0][0], window[-1][0]) for window in windows]


async def run_search(search: Search, group: Group, access: Access, searcher: Searcher) -> Outcome:
    """Ask once, and find each inquiry's claims among what came."""
    step = access.connector.claim_status.step(group.step)
    one = search.inquiries[0]
    common = {name.partition(".")[2] for name in group.by if name.startswith("claim.")}
    context = {
        "settings": access.context["settings"],
        "claim": {name: value for name, value in one.values.items() if name in common},
        "practice": dict(one.practice),
        "payer": {"id": one.payer_id},
        "steps": {},
    }
    try:
        async with Allowance(access.limits.claim_timeout_seconds * _MORE_TIME) as allowance:
            finding = await searcher.window(step, context, search.first, search.last, allowance)
    except (TimeoutError, MissingInput):
        return Outcome({}, False)
    index = Index(group.match, finding.found)
    found = {inquiry.key: index.matches(inquiry) for inquiry in search.inquiries}
    refusal = finding.verdict if finding.verdict.means == "auth" else None
    return Outcome({key: claims for key, claims in found.items() if claims}, finding.is_complete, refusal)
