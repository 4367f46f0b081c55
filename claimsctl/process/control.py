"""House control: findings put aside for a reason, and rules that differ by payer, applied to hits.

Rules run on every line as ever; what a house decides is applied where their hits are counted, so that
nothing is paid for it where nothing is configured.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from hashlib import blake2b
from typing import TYPE_CHECKING, Final

import polars as pl

from claimsctl.errors import SettingsError
from claimsctl.facts.payers import PayerIndex, resolve_payer
from claimsctl.process.file_rules import EXACT_COPY
from claimsctl.validate.checks import Check
from claimsctl.validate.ruleset import Selection, no_such_code

if TYPE_CHECKING:
    from claimsctl.house import RuleChoice, Suppression
    from claimsctl.process.rulebook import Rulebook
    from claimsctl.validate.ruleset import RuleSet

_RANK: Final = {"error": 0, "warning": 1, "info": 2}


@dataclass(frozen=True)
class Control:
    """What is in force in a run: suppressions, those that have ended, and what differs for payers."""

    suppressions: tuple[Suppression, ...] = ()
    expired: tuple[Suppression, ...] = ()
    payers: Mapping[str, Selection] = field(default_factory=dict)

    def __bool__(self) -> bool:
        return bool(self.suppressions or self.payers)


def with_control(
    rulebook: Rulebook,
    suppressions: Iterable[Suppression],
    by_payer: Mapping[str, RuleChoice],
    *,
    practice_id: str,
    practices: Collection[str],
    run_date: date,
) -> Rulebook:
    """The rulebook with a house's decisions for a practice and a day.

    SettingsError names a rule, payer or practice that there is not.
    """
    rules = rulebook.ruleset
    ours = []
    for each in suppressions:
        _refuse_unknown(each.code, rules, "[[rules.suppress]]")
        if each.practice is not None and each.practice not in practices:
            raise SettingsError(f"[[rules.suppress]] of {each.code}: there is no [practice.{each.practice}].")
        payer = _payer(each.payer_id, rulebook.payers, f"[[rules.suppress]] of {each.code}")
        if each.practice in (None, practice_id):
            ours.append(replace(each, payer_id=payer))
    payers = {}
    for name, choice in by_payer.items():
        place = f"[rules.payer.{name}]"
        for code in (*choice.without, *choice.only, *choice.severity):
            _refuse_unknown(code, rules, place)
        payer = _payer(name, rulebook.payers, place)
        assert payer is not None
        payers[payer] = Selection(frozenset(choice.only), frozenset(choice.without), choice.severity)
    control = Control(
        tuple(each for each in ours if each.in_force(run_date)),
        tuple(each for each in ours if each.until < run_date),
        payers,
    )
    if not control:
        return replace(rulebook, control=control)
    # What a run's record says about its rules must not be the same with and without these.
    digest = blake2b(f"{rules.digest}{_said(control)}".encode(), digest_size=8).hexdigest()
    return replace(rulebook, control=control, ruleset=replace(rules, digest=digest))


def _said(control: Control) -> str:
    """The same text for the same decisions, in every process."""
    suppressed = [(replace(s, procedures=frozenset()), sorted(s.procedures)) for s in control.suppressions]
    payers = [
        (name, sorted(s.only), sorted(s.without), sorted(s.severities.items()))
        for name, s in sorted(control.payers.items())
    ]
    return repr((suppressed, payers))


def _refuse_unknown(pattern: str, rules: RuleSet, place: str) -> None:
    """Only findings about lines can be steered: the others tell why an input or a record is rejected."""
    codes = [rule.code for rule in rules.rules]
    wanted = Selection(only=frozenset([pattern]))
    found = [code for code in codes if wanted.takes(code)]
    if not found:
        error = no_such_code(pattern, codes)
        raise SettingsError(f"{place}: {error.message}", hint=error.hint)
    about_files = {rule.code for rule in rules.rules if rule.builtin} | {EXACT_COPY}
    if about_files.issuperset(found):
        raise SettingsError(
            f"{place}: {pattern} is about the file or its records, not about a claim line.",
            hint="Leave such a rule out for all with without = [...] of [rules].",
        )


def _payer(name: str | None, payers: PayerIndex, place: str) -> str | None:
    if name is None:
        return None
    found = resolve_payer(name, None, payers)
    if found is None:
        raise SettingsError(
            f"{place}: there is no payer {name}.",
            hint="Payers are those of `claimsctl reference show payers` and of [payers.<id>].",
        )
    return found


@dataclass(frozen=True)
class _Payer:
    """What differs for a payer, by numbers of checks: `moved` has those with another severity."""

    payer_id: str
    left_out: pl.Series
    moved: Mapping[int, int]


@dataclass(frozen=True)
class _Aside:
    """A suppression by numbers of checks."""

    checks: pl.Series
    payer_id: str | None
    procedures: tuple[str, ...]


@dataclass(frozen=True)
class Steering:
    """A control made ready for the checks of an input.

    `checks` are those that run, then copies of some of them with another severity, for some payers.
    """

    checks: tuple[Check, ...]
    names: frozenset[str]
    _payers: tuple[_Payer, ...]
    _asides: tuple[_Aside, ...]

    @staticmethod
    def of(control: Control, checks: Sequence[Check]) -> Steering:
        """For the checks that run on an input."""
        every = list(checks)
        payers = tuple(_for_payer(name, chosen, checks, every) for name, chosen in control.payers.items())
        asides = tuple(
            _Aside(
                _numbers(n for n, check in enumerate(every) if each.covers(check.rule.code)),
                each.payer_id,
                tuple(sorted(each.procedures)),
            )
            for each in control.suppressions
        )
        names = {"payer_key"} if payers or any(each.payer_id for each in asides) else set()
        names |= {"procedure_code"} if any(each.procedures for each in asides) else set()
        return Steering(tuple(every), frozenset(names), payers, asides)

    def apply(self, hits: pl.DataFrame, frame: pl.DataFrame, counted: Counter[int]) -> pl.DataFrame:
        """The hits that are left; `counted` gets the suppressed ones, by number of the suppression."""
        for payer in self._payers:
            here = _at(hits, frame["payer_key"] == payer.payer_id)
            if not here.any():
                continue
            if payer.moved:
                old, new = list(payer.moved), list(payer.moved.values())
                moved = hits["check"].replace(old, new)
                hits = hits.with_columns(pl.when(here).then(moved).otherwise(hits["check"]).alias("check"))
            hits = hits.filter(~(here & hits["check"].is_in(payer.left_out.implode())))
        for number, aside in enumerate(self._asides):
            found = hits["check"].is_in(aside.checks.implode())
            if aside.payer_id is not None:
                found &= _at(hits, frame["payer_key"] == aside.payer_id)
            if aside.procedures:
                found &= _at(hits, frame["procedure_code"].is_in(list(aside.procedures)))
            if found.any():
                counted[number] += int(found.sum())
                hits = hits.filter(~found)
        return hits.sort("row", "check")


def _at(hits: pl.DataFrame, rows: pl.Series) -> pl.Series:
    """A mask of rows as one of their hits."""
    return rows.fill_null(False).gather(hits["row"])


def _numbers(numbers: Iterable[int]) -> pl.Series:
    return pl.Series(list(numbers), dtype=pl.UInt16)


def _for_payer(name: str, chosen: Selection, checks: Sequence[Check], every: list[Check]) -> _Payer:
    """What differs for a payer; checks with a severity that `every` does not have are added to it."""
    worst: dict[str, str] = {}
    for check in checks:
        worst[check.rule.code] = min(
            check.severity, worst.get(check.rule.code, check.severity), key=_RANK.__getitem__
        )
    moved = {}
    for number, check in enumerate(checks):
        severity = chosen.severity(check.rule.code, check.severity)
        if check.severity != worst[check.rule.code]:  # milder, since it reads a table that has ended
            severity = max(severity, check.severity, key=_RANK.__getitem__)
        if severity != check.severity:
            moved[number] = len(every)
            every.append(replace(check, severity=severity))
    left_out = (n for n, check in enumerate(every) if not chosen.takes(check.rule.code))
    return _Payer(name, _numbers(left_out), moved)
