"""Which scenarios are on, for whom, and which of them a request meets."""

from __future__ import annotations

import math
import re
import zlib
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime
from difflib import get_close_matches
from random import Random
from typing import Final

from claimsctl.errors import UsageError
from claimsctl.sandbox.exchange import Hit, Question
from claimsctl.sandbox.scenarios import ROUTES, SCENARIOS, Scenario, Where

_WRITTEN: Final = re.compile(
    r"(?:(?P<route>[a-z-]+):)?(?P<name>[a-z0-9-]+)(?:=(?P<value>[^@=]+))?(?:@(?P<target>.+))?"
)
# Read where tokens are checked; no single request meets it.
_STANDING: Final = frozenset(("token-revoked",))


@dataclass(frozen=True, slots=True)
class Switch:
    """A scenario that is on: for one route or all (""), for one claim number or tax id or all ("")."""

    scenario: Scenario
    value: float
    route: str = ""
    target: str = ""

    @property
    def text(self) -> str:
        """As it is written: "availity:polling=3@MS-1004"."""
        value = "always" if math.isinf(self.value) else f"{self.value:g}"
        return (
            (f"{self.route}:" if self.route else "")
            + self.scenario.name
            + (f"={value}" if self.scenario.value else "")
            + (f"@{self.target}" if self.target else "")
        )

    @property
    def times(self) -> float:
        """How often one question meets it."""
        if self.scenario.value == "times":
            return self.value
        return math.inf if self.scenario.times is None else self.scenario.times


def read_switch(text: str) -> Switch:
    """The switch of "[ROUTE:]NAME[=VALUE][@CLAIM]"; UsageError says what is wrong with it."""
    written = _WRITTEN.fullmatch(text.strip())
    if written is None:
        raise UsageError(
            f"The scenario {text} cannot be read.",
            hint="Write [ROUTE:]NAME[=VALUE][@CLAIM], as in uhc:slow=5.",
        )
    name, route = written["name"], written["route"] or ""
    scenario = SCENARIOS.get(name)
    if scenario is None:
        near = get_close_matches(name, SCENARIOS, 1)
        hint = f"Did you mean {near[0]}? " if near else ""
        raise UsageError(
            f"There is no scenario {name}.", hint=f"{hint}claimsctl sandbox --list-scenarios shows all."
        )
    if route and route not in scenario.routes:
        known = ", ".join(scenario.routes)
        problem = f"does not happen at {route}" if route in ROUTES else f"names no route: {route}"
        raise UsageError(f"The scenario {name} {problem}.", hint=f"Its routes: {known}.")
    return Switch(scenario, _value(scenario, written["value"]), route, written["target"] or "")


def _value(scenario: Scenario, text: str | None) -> float:
    if text is None:
        return scenario.default
    if not scenario.value:
        raise UsageError(
            f"The scenario {scenario.name} takes no number.", hint=f"Write {scenario.name} alone."
        )
    if text == "always" and scenario.value == "times":
        return math.inf
    try:
        value = float(text)
    except ValueError:
        value = -1
    if not math.isfinite(value) or value < 0 or (scenario.value == "share" and value > 1):
        raise UsageError(
            f"The scenario {scenario.name} cannot have {text} {scenario.value}.",
            hint=f"Give a number, as in {scenario.name}={scenario.default:g}.",
        )
    return value


class Switches:
    """The scenarios of a running sandbox; may be changed while it runs."""

    def __init__(self, texts: Iterable[str] = (), seed: int = 0) -> None:
        self.seed = seed
        self.set(texts)

    def set(self, texts: Iterable[str]) -> None:
        """Put these on in place of all before; what was counted is forgotten."""
        self.on = [read_switch(text) for text in texts]
        self._met: Counter[tuple[int, str, str, str]] = Counter()
        self._calls: Counter[tuple[int, date]] = Counter()

    def standing(self, name: str, route: str) -> float | None:
        """The value of a scenario that is on for a route, None when it is not."""
        for switch in self.on:
            if (
                switch.scenario.name == name
                and switch.route in ("", route)
                and route in switch.scenario.routes
            ):
                return switch.value
        return None

    def pick(self, route: str, step: str, where: Where, question: Question) -> Hit | None:
        """The fault that this request meets, None for none; the first switch that applies decides."""
        for index, switch in enumerate(self.on):
            hit = self._met_by(index, switch, route, step, where, question)
            if hit is not None:
                return hit
        return None

    def _met_by(
        self, index: int, switch: Switch, route: str, step: str, where: Where, question: Question
    ) -> Hit | None:
        name = switch.scenario.name
        if switch.route not in ("", route) or name in _STANDING or not _aimed(switch.target, question):
            return None
        if name == "chaos":
            return self._chance(index, switch, route, step, where, question)
        if not _happens(switch.scenario, route, step, where):
            return None
        if name == "mixed":
            return Hit(name, switch.value) if _bad_one(question, switch.value) else None
        if name == "daily-cap":
            today = (index, datetime.now(UTC).date())
            self._calls[today] += 1
            return Hit(name, switch.value) if self._calls[today] > switch.value else None
        counted = (index, route, step, question.key)
        before = self._met[counted]
        if before >= switch.times:
            return None
        self._met[counted] += 1
        return Hit(name, switch.value, before)

    def _chance(
        self, index: int, switch: Switch, route: str, step: str, where: Where, question: Question
    ) -> Hit | None:
        counted = (index, route, step, question.key)
        self._met[counted] += 1
        # The same seed gives the same faults, in whatever order questions come.
        random = Random(f"{self.seed}|{route}|{step}|{question.key}|{self._met[counted]}")  # noqa: S311
        if random.random() >= switch.value:
            return None
        drawn = [each for each in SCENARIOS.values() if each.chance and _happens(each, route, step, where)]
        if not drawn:
            return None
        scenario = random.choice(drawn)
        return Hit(scenario.name, scenario.default)


def _happens(scenario: Scenario, route: str, step: str, where: Where) -> bool:
    return (
        scenario.where == where
        and route in scenario.routes
        and (not scenario.steps or step in scenario.steps)
    )


def _aimed(target: str, question: Question) -> bool:
    if not target or target == question.tax_id:
        return True
    if not question.single:
        return False
    return any(target in (claim.claim_number, claim.payer_claim_number) for claim in question.claims)


def _bad_one(question: Question, every: float) -> bool:
    if not question.single or every < 1:
        return False
    name = question.claims[0].payer_claim_number if question.claims else question.key
    return zlib.crc32(name.encode()) % int(every) == 0
