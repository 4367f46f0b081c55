"""The rules of a run: which are selected, which can run on an input, and why the others cannot."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from difflib import get_close_matches
from fnmatch import fnmatchcase
from hashlib import blake2b
from typing import TYPE_CHECKING

from claimsctl.claim import BY_NAME
from claimsctl.errors import RuleError
from claimsctl.validate.checks import Check, CheckMaker, NotRun, fields_of
from claimsctl.validate.language.types import TableInfo, expand_pattern
from claimsctl.validate.rule_keys import ANY_OF

if TYPE_CHECKING:
    from claimsctl.validate.pack import Pack, Rule


@dataclass(frozen=True)
class Selection:
    """Which rules run: `--only`, `--without`, severities from settings; codes may be patterns."""

    only: frozenset[str] = frozenset()
    without: frozenset[str] = frozenset()
    severities: Mapping[str, str] = field(default_factory=dict)

    def takes(self, code: str) -> bool:
        """Whether the rule is selected; codes may end in `*`."""
        chosen = not self.only or any(fnmatchcase(code, pattern) for pattern in self.only)
        return chosen and not any(fnmatchcase(code, pattern) for pattern in self.without)

    def severity(self, code: str, default: str) -> str:
        """The severity of a rule: by its code, else by the longest pattern that fits, else `default`."""
        if code in self.severities:
            return self.severities[code]
        fitting = [pattern for pattern in self.severities if fnmatchcase(code, pattern)]
        return self.severities[max(fitting, key=len)] if fitting else default


@dataclass(frozen=True)
class RuleSet:
    """The rules of a run, before it is known which columns the input has.

    Rules are made into checks when an input asks for them: a file with few columns can run few of them.
    """

    packs: tuple[str, ...]
    rules: tuple[Rule, ...]
    digest: str
    maker: CheckMaker
    selection: Selection = field(default_factory=Selection)

    def checks_of(self, code: str) -> tuple[Check, ...]:
        """The checks of a rule; none where it does not run."""
        return tuple(
            check
            for rule in self.rules
            if rule.code == code and not isinstance(made := self._made(rule), NotRun)
            for check in made
        )

    @property
    def checks(self) -> tuple[Check, ...]:
        """The checks of all rules."""
        made = (self._made(rule) for rule in self.rules)
        return tuple(check for found in made if not isinstance(found, NotRun) for check in found)

    @property
    def not_run(self) -> tuple[NotRun, ...]:
        """Rules that run on no input.

        Only what names a table or a fact that is not there, perhaps by a pattern, is compiled to learn it.
        """
        lacking = {*self.maker.lacking, *self.maker.declared}.difference(self.maker.tables)
        doubtful = {rule.code for rule in self.mentioning(lacking).rules} if lacking else set()
        found = (
            self._made(rule)
            if rule.code in doubtful or not lacking.isdisjoint(rule.expanded) or "*" in "".join(rule.texts)
            else self._stopped(rule)
            for rule in self.rules
        )
        return tuple(each for each in found if isinstance(each, NotRun))

    def mentions(self, names: Collection[str]) -> bool:
        """Whether a rule that is selected has one of the names in its expressions."""
        return any(self.selection.takes(rule.code) for rule in self.mentioning(names).rules)

    def mentioning(self, names: Collection[str]) -> RuleSet:
        """Only the rules that have one of the names in their expressions; checks that are made are shared."""
        named = re.compile(r"\b(?:" + "|".join(names) + r")\b")
        found = [rule for rule in self.rules if any(named.search(text) for text in rule.texts)]
        return replace(self, rules=tuple(found))

    def active(
        self,
        present: frozenset[str],
        unread: str | None = None,
        unstored: str | None = None,
        *,
        blank: frozenset[str] = frozenset(),
    ) -> tuple[tuple[Check, ...], tuple[NotRun, ...]]:
        """Checks that can run on an input with the `present` columns (some row has a value).

        `unread` says why claims of earlier runs are not read, `unstored` why the claims are not looked up in
        the store; None where they are. Of `blank` columns, which
        the header gives, errors run that a blank may be: whether a claim is rejected does not depend on what
        other rows have.
        """
        checks: list[Check] = []
        nowhere: list[NotRun] = []
        not_here: list[NotRun] = []
        for rule in self.rules:
            stopped = self._stopped(rule)
            given = present
            if blank and self.selection.severity(rule.code, rule.severity) == "error":
                given = present | blank
            if stopped is None and not rule.builtin and absent(rule, given):
                not_here.append(NotRun(rule.code, _absent_reason(rule, present)))
                continue
            made = stopped or self._made(rule, given)
            if isinstance(made, NotRun):
                nowhere.append(made)
                continue
            made = tuple(check for check in made if given is present or blank.isdisjoint(check.needs.filled))
            unknown = [
                (check.needs_history and unread) or (check.needs_store and unstored) or None for check in made
            ]
            running = [check for check, reason in zip(made, unknown, strict=True) if reason is None]
            checks += running
            if not running and not rule.builtin:
                reason = unknown[0] or "" if unknown else _absent_reason(rule, present)
                not_here.append(NotRun(rule.code, reason))
        return tuple(checks), (*nowhere, *not_here)

    def _stopped(self, rule: Rule) -> NotRun | None:
        """Why a rule runs on no input, as far as that is known without its checks."""
        if not self.selection.takes(rule.code):
            return NotRun(rule.code, "left out by --only, --without or settings")
        return self.maker.table_missing(rule)

    def _made(self, rule: Rule, present: Collection[str] | None = None) -> tuple[Check, ...] | NotRun:
        severity = self.selection.severity(rule.code, rule.severity)
        return self._stopped(rule) or self.maker.checks(rule, severity, present)


def compile_rules(
    packs: Sequence[Pack],
    tables: Mapping[str, TableInfo],
    *,
    declared: Collection[str] = (),
    selection: Selection | None = None,
    run_date: date | None = None,
    lacking: Mapping[str, str] | None = None,
    later: Collection[Pack] = (),
) -> RuleSet:
    """Compile every selected rule; a broken rule raises RuleError before any data is read.

    Those of the packs `later`, which are known to be good, are compiled when an input can run them. Codes
    in the selection that no pack has raise RuleError too, so that a typing error is not silent. `lacking`
    are facts that the run does not have, each with the reason: rules that read one do not run.
    """
    selection = selection or Selection()
    every = [*later, *packs]
    rules = [rule for pack in every for rule in pack.rules]
    _refuse_unknown(selection, [rule.code for rule in rules])
    text = "\n".join(
        f"{r.code}|{selection.severity(r.code, r.severity)}|{r.when}|{r.rule_expression}"
        + "".join(f"|{name}={text}" for name, text in r.show.items())
        for r in rules
        if selection.takes(r.code)
    )
    digest = blake2b(text.encode(), digest_size=8).hexdigest()
    sound = frozenset(rule.code for pack in later for rule in pack.rules)
    maker = CheckMaker(tables, declared, run_date, lacking or {}, sound)
    found = RuleSet(tuple(pack.name for pack in every), tuple(rules), digest, maker, selection)
    for rule in (rule for pack in packs for rule in pack.rules):
        found.checks_of(rule.code)
    return found


def runs(check: Check, present: frozenset[str]) -> bool:
    """Whether a check can be decided on an input with the `present` columns."""
    return check.field in fields_of(check.rule, present) and not absent(check.rule, present)


def absent(rule: Rule, present: frozenset[str]) -> list[str]:
    """Required fields that the input does not have; of a pattern, or of several with "or", one is enough."""
    if rule.requires is None and rule.each:
        return [] if any(name in present for name in rule.expanded) else list(rule.fields)
    return [
        pattern
        for pattern in (rule.fields if rule.requires is None else rule.requires)
        if not any(
            name in present or name not in BY_NAME
            for each in pattern.split(ANY_OF)
            for name in expand_pattern(each, tuple(BY_NAME)) or (each,)
        )
    ]


def _absent_reason(rule: Rule, present: frozenset[str]) -> str:
    lacking = absent(rule, present) or list(rule.fields)
    return f"the input has no value in {', '.join(lacking)}"


def _refuse_unknown(selection: Selection, codes: Sequence[str]) -> None:
    for pattern in (*selection.only, *selection.without, *selection.severities):
        if not any(fnmatchcase(code, pattern) for code in codes):
            raise no_such_code(pattern, codes)
    if selection.only and not any(selection.takes(code) for code in codes):
        raise RuleError("No rule is left: what --only names is left out by --without or settings.")


def no_such_code(pattern: str, codes: Sequence[str]) -> RuleError:
    """The error for a code or pattern that fits no rule."""
    near = get_close_matches(pattern, codes, n=3, cutoff=0.75)
    meant = f"Did you mean {' or '.join(near)}? " if near else ""
    return RuleError(
        f"No rule has the code {pattern}.", hint=f"{meant}`claimsctl rules list` shows all codes."
    )
