"""How a claim's payer is asked: by the payer map of the settings, else by the usual way to that payer."""

from __future__ import annotations

import csv
import shlex
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import date
from functools import cache
from typing import TYPE_CHECKING, Final

from claimsctl.facts.payers import resolve_payer
from claimsctl.reference.locate import data_path

if TYPE_CHECKING:
    from claimsctl.facts.payers import PayerIndex
    from claimsctl.settings import Settings
    from claimsctl.settings_payers import PayerMapSettings

ROUTES: Final = "payer_routes"
Usual = tuple[str, str]
"""A route and the payer's id on it, "" where the route has one of its own that nobody publishes."""


@dataclass(frozen=True, slots=True)
class Way:
    """How a claim is asked about. `payer_id` is the id on the route, `entry` the id in the payer map, if any.

    `provider` has the ids under which the payer knows the practice, where they differ from its own.
    """

    route: str
    payer_id: str
    entry: str | None = None
    provider: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class NoWay:
    """Why a claim cannot be asked about, and what helps."""

    code: str
    message: str
    suggestion: str


@cache
def usual_ways() -> Mapping[str, tuple[Usual, ...]]:
    """Payer of the registry -> its usual routes, the first one first."""
    found: dict[str, tuple[Usual, ...]] = {}
    path = data_path("reference_data") / ROUTES / "usual.csv"
    with path.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(line for line in file if not line.startswith("#")):
            found[row["payer_id"]] = (*found.get(row["payer_id"], ()), (row["route"], row["id"]))
    return found


class Routing:
    """Ways by payer and practice; what was found once is remembered.

    `ready` are routes that have their credentials: of the usual ways to a payer the first ready one counts.
    """

    def __init__(
        self,
        settings: Settings,
        payers: PayerIndex,
        routes: Collection[str],
        ready: Collection[str],
        day: date,
    ) -> None:
        self._settings = settings
        self._payers = payers
        self._routes = routes
        self._ready = ready
        self._day = day
        self._found: dict[tuple[str | None, str | None, str], Way | NoWay] = {}

    def way(self, payer_id: str | None, payer_name: str | None, practice: str) -> Way | NoWay:
        """How to ask the payer of a claim for a practice, or why that cannot be."""
        key = (payer_id, payer_name, practice)
        if key not in self._found:
            self._found[key] = self._find(payer_id, payer_name, practice)
        return self._found[key]

    def _find(self, payer_id: str | None, payer_name: str | None, practice: str) -> Way | NoWay:
        shown = payer_id or payer_name
        if shown is None:
            return NoWay(
                "ASK-001", "The claim names no payer.", "Fill its payer_id, or name the payer with --payer."
            )
        registered = resolve_payer(payer_id, payer_name, self._payers)
        entries = self._entries(shown, registered, practice)
        used = [(name, entry) for name, entry in entries if entry.in_force(self._day)]
        if used:
            return self._by_entry(*used[0])
        if entries and _folded(entries[0][0]) == _folded(shown):
            name = entries[0][0]
            return NoWay(
                "ASK-003",
                f"Payer {shown} is in the payer map, but not in force on {self._day}.",
                f"Look at it: claimsctl payers map show {shlex.quote(name)}",
            )
        ways = self._usual(registered)
        if not ways:
            return self._unknown(shown, registered)
        route, there = next((way for way in ways if way[0] in self._ready), ways[0])
        return Way(route, there)

    def _entries(
        self, shown: str, registered: str | None, practice: str
    ) -> list[tuple[str, PayerMapSettings]]:
        """Entries for a payer: those of the claim's own text first, those of one practice before others."""
        found = []
        for name, entry in self._settings.payer_map.items():
            if entry.practice not in (None, practice):
                continue
            same = _folded(name) == _folded(shown)
            if same or (registered is not None and self._registered(entry) == registered):
                found.append((not same, entry.practice is None, name, entry))
        return [(name, entry) for *_, name, entry in sorted(found, key=lambda each: each[:3])]

    def _by_entry(self, name: str, entry: PayerMapSettings) -> Way | NoWay:
        usual = self._usual(self._registered(entry))
        routes = [entry.route] if entry.route else [*entry.ids, *(route for route, _ in usual)]
        if not routes:
            return NoWay(
                "ASK-002",
                f"The payer map names no route for {name}, and none is usual for its payer.",
                f"Name one: claimsctl payers map add {shlex.quote(name)} --payer-id ID --route ROUTE --yes",
            )
        route = next((each for each in routes if each in self._ready), routes[0])
        if route not in self._routes:
            return NoWay(
                "ASK-004",
                f"The payer map sends {name} to route {route}, which there is not.",
                f"There are {', '.join(sorted(self._routes))}.",
            )
        there = entry.ids.get(route) or dict(usual).get(route) or entry.payer_id or name
        return Way(route, there, name, entry.provider())

    def _usual(self, registered: str | None) -> list[Usual]:
        """Usual ways with the payer's id on them."""
        ways = usual_ways().get(registered or "", ())
        return [(route, there) for route, there in ways if there and route in self._routes]

    def _unknown(self, shown: str, registered: str | None) -> NoWay:
        add = f"claimsctl payers map add {shlex.quote(shown)}"
        route = next((route for route, _ in usual_ways().get(registered or "", ())), None)
        if route is not None:
            return NoWay(
                "ASK-002",
                f"Route {route} reaches payer {shown} under an id of its own, which is not known.",
                f"Look it up in the route's list of payers, then: {add} --route {route} --id {route}=ID",
            )
        return NoWay(
            "ASK-002",
            f"No way is known to ask payer {shown}.",
            f"Add it: {add} --route ROUTE --id ROUTE=ID (its id there, as at your clearinghouse)",
        )

    def _registered(self, entry: PayerMapSettings) -> str | None:
        return resolve_payer(entry.payer_id, None, self._payers) if entry.payer_id else None


def _folded(text: str) -> str:
    return text.strip().upper()
