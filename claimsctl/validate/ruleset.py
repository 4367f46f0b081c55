"""Rules made ready to run: expressions compiled, the selection applied, what cannot run named."""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from difflib import get_close_matches
from fnmatch import fnmatchcase
from functools import partial
from hashlib import blake2b
from typing import TYPE_CHECKING

import polars as pl

from claimsctl.claim import BY_NAME
from claimsctl.errors import RuleError
from claimsctl.facts.table import FACT_TYPES, OF_HISTORY, STORED
from claimsctl.facts.typed import TEXT_SUFFIX
from claimsctl.validate.dated import dated_reads
from claimsctl.validate.language.aggregates import Aggregate
from claimsctl.validate.language.compiler import Compiled, compile_expression
from claimsctl.validate.language.predicates import Predicate
from claimsctl.validate.language.types import LangType, MissingTable, Names, TableInfo, expand_pattern
from claimsctl.validate.language.words import as_words

if TYPE_CHECKING:
    from claimsctl.validate.pack import Pack, Rule


@dataclass(frozen=True)
class Check:
    """One rule on one field, compiled: `fires` is true where there is a finding.

    `columns` are read by `fires` and by `shown`, what only the aggregates read left out.
    `needs_history`: it cannot be decided where claims of earlier runs are not read.
    """

    rule: Rule
    severity: str
    field: str
    fires: pl.Expr
    columns: frozenset[str]
    aggregates: frozenset[Aggregate]
    tables: frozenset[str] = frozenset()
    predicates: frozenset[Predicate] = frozenset()
    shown: Mapping[str, pl.Expr] = dataclasses.field(default_factory=dict)
    """Texts that the words of a finding quote, by name."""
    dated: frozenset[tuple[str, str]] = frozenset()
    """Tables that it reads in the edition of a day, each with the column of that day."""
    needs_history: bool = False


@dataclass(frozen=True)
class NotRun:
    """A rule that cannot be decided on this input, and why: never the same as passed."""

    code: str
    reason: str


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
    """All compiled checks of a run, before it is known which columns the input has."""

    packs: tuple[str, ...]
    rules: tuple[Rule, ...]
    checks: tuple[Check, ...]
    not_run: tuple[NotRun, ...]
    digest: str

    def active(
        self, present: frozenset[str], unread: str | None = None
    ) -> tuple[tuple[Check, ...], tuple[NotRun, ...]]:
        """Checks that can run on an input with the `present` columns (some row has a value).

        `unread` says why claims of earlier runs are not read; None where they are.
        """
        able = tuple(check for check in self.checks if runs(check, present))
        checks = tuple(check for check in able if unread is None or not check.needs_history)
        waiting = {check.rule.code for check in able}
        running = {check.rule.code for check in checks}
        stopped = {note.code for note in self.not_run} | running
        absent = [
            NotRun(rule.code, (unread or "") if rule.code in waiting else _absent_reason(rule, present))
            for rule in self.rules
            if rule.code not in stopped and not rule.builtin
        ]
        return checks, (*self.not_run, *absent)

    def severity(self, code: str, default: str) -> str:
        """The severity in force for a rule code."""
        return next((check.severity for check in self.checks if check.rule.code == code), default)


_LANGUAGE_TYPES = {
    "text": LangType.TEXT,
    "integer": LangType.INTEGER,
    "date": LangType.DATE,
    "boolean": LangType.BOOLEAN,
    "decimal": LangType.DECIMAL,
}


def rule_names() -> Names:
    """Everything a rule may name: canonical columns and facts."""
    return Names.claim({name: _LANGUAGE_TYPES[kind] for name, kind in FACT_TYPES.items()}, STORED)


def compile_rules(
    packs: Sequence[Pack],
    tables: Mapping[str, TableInfo],
    *,
    declared: Collection[str] = (),
    selection: Selection | None = None,
    run_date: date | None = None,
    lacking: Mapping[str, str] | None = None,
) -> RuleSet:
    """Compile every selected rule; a broken rule raises RuleError before any data is read.

    Codes in the selection that no pack has raise RuleError too, so that a typing error is not silent.
    `lacking` are facts that the run does not have, each with the reason: rules that read one do not run.
    """
    selection = selection or Selection()
    names = rule_names()
    rules = [rule for pack in packs for rule in pack.rules]
    _refuse_unknown(selection, [rule.code for rule in rules])
    checks: list[Check] = []
    not_run: list[NotRun] = []
    for rule in rules:
        if not selection.takes(rule.code):
            not_run.append(NotRun(rule.code, "left out by --only, --without or settings"))
            continue
        if rule.builtin:
            continue
        try:
            _refuse_missing(rule, tables, declared)
            severity = selection.severity(rule.code, rule.severity)
            compiled = _compile(rule, names, tables, declared, severity)
            absent = sorted(names_needed(compiled) & (lacking or {}).keys())
            if absent:
                not_run.append(NotRun(rule.code, (lacking or {})[absent[0]]))
                continue
            for check in compiled:
                checks += _with_old_tables(check, tables, run_date)
        except MissingTable as missing:
            tables_missing = ", ".join(missing.tables)
            not_run.append(NotRun(rule.code, f"reference table {tables_missing} is not loaded"))
    text = "\n".join(
        f"{r.code}|{selection.severity(r.code, r.severity)}|{r.when}|{r.rule_expression}"
        + "".join(f"|{name}={text}" for name, text in r.show.items())
        for r in rules
        if selection.takes(r.code)
    )
    digest = blake2b(text.encode(), digest_size=8).hexdigest()
    return RuleSet(tuple(pack.name for pack in packs), tuple(rules), tuple(checks), tuple(not_run), digest)


def _with_old_tables(
    check: Check, tables: Mapping[str, TableInfo], run_date: date | None
) -> tuple[Check, ...]:
    """The check; where a table it reads ended before the run, it only warns on later lines."""
    if run_date is None or check.severity != "error":
        return (check,)
    ends = [tables[name].ends for name in check.tables if name in tables]
    end = min((day for day in ends if day is not None and day < run_date), default=None)
    if end is None:
        return (check,)
    later = (pl.col("service_date_from") > end).fill_null(False)
    columns = check.columns | {"service_date_from"}
    return (
        replace(check, fires=check.fires & ~later, columns=columns),
        replace(check, fires=check.fires & later, columns=columns, severity="warning"),
    )


def _refuse_missing(rule: Rule, tables: Mapping[str, TableInfo], declared: Collection[str]) -> None:
    """A rule may need a table through a fact, without naming it in its condition."""
    missing = [name for name in rule.needs if name in declared and name not in tables]
    if missing:
        assert rule.holds is not None
        raise MissingTable(missing, where=rule.holds.where)


def _compile(
    rule: Rule,
    names: Names,
    tables: Mapping[str, TableInfo],
    declared: Collection[str],
    severity: str,
) -> list[Check]:
    holds, guard = rule.holds, rule.guard
    assert holds is not None
    fields = rule.expanded if rule.each else rule.expanded[:1]
    dated = dated_reads(rule)
    checks = []
    for name in fields:
        value = name if rule.each else None
        compiled = partial(
            compile_expression, names=names, tables=tables, declared=declared, value_column=value,
            optional=rule.uses,
        )  # fmt: skip
        shown = {key: compiled(expr, condition=False) for key, expr in rule.shown.items()}
        for key, said in shown.items():
            _refuse_identifiers(rule, key, said)
        conditions = [compiled(expr, split=True) for expr in (holds, guard) if expr is not None]
        fires = ~conditions[0].expr
        if guard is not None:
            fires = conditions[1].expr & fires
        parts = (*conditions, *shown.values())
        columns = set().union(*(part.columns for part in parts))
        aggregates = set().union(*(part.aggregates for part in parts))
        tables_read = set().union(*(part.tables for part in parts), *(a.tables for a in aggregates))
        if rule.valid_from is not None:
            fires = fires & (pl.col("service_date_from") >= rule.valid_from)
            columns.add("service_date_from")
        if rule.valid_to is not None:
            fires = fires & (pl.col("service_date_from") <= rule.valid_to)
            columns.add("service_date_from")
        checks.append(
            Check(
                rule,
                severity,
                name,
                fires,
                frozenset(columns),
                frozenset(aggregates),
                frozenset(tables_read),
                frozenset().union(*(part.predicates for part in conditions)),
                {key: as_words(said) for key, said in shown.items()},
                frozenset((table, name if on == "value" else on) for table, on in dated),
                any(part.needs_history for part in conditions) or not OF_HISTORY.isdisjoint(columns),
            )
        )
    return checks


def _refuse_identifiers(rule: Rule, key: str, said: Compiled) -> None:
    """What a computed value gives away could not be masked any more."""
    read = said.columns.union(*(a.columns for a in said.aggregates))
    names = {name.removesuffix(TEXT_SUFFIX) for name in read}
    found = sorted(name for name in names & BY_NAME.keys() if BY_NAME[name].phi == "identifier")
    if found:
        raise RuleError(
            f"{rule.where(f'show.{key}')}: {found[0]} identifies a person and cannot be part of a value that"
            f" is shown; write {{{found[0]}}} in the text, where it is masked"
        )


def runs(check: Check, present: frozenset[str]) -> bool:
    """Whether a check can be decided on an input with the `present` columns."""
    if check.rule.each and check.field in BY_NAME and check.field not in present:
        return False
    return not _absent(check.rule, present)


def _absent(rule: Rule, present: frozenset[str]) -> list[str]:
    """Required fields that the input does not have; of a pattern one column is enough."""
    if rule.requires is None and rule.each:
        return [] if any(name in present for name in rule.expanded) else list(rule.fields)
    return [
        pattern
        for pattern in (rule.fields if rule.requires is None else rule.requires)
        if not any(
            name in present or name not in BY_NAME
            for name in expand_pattern(pattern, tuple(BY_NAME)) or (pattern,)
        )
    ]


def _absent_reason(rule: Rule, present: frozenset[str]) -> str:
    absent = _absent(rule, present) or list(rule.fields)
    return f"the input has no value in {', '.join(absent)}"


def _refuse_unknown(selection: Selection, codes: Sequence[str]) -> None:
    for pattern in (*selection.only, *selection.without, *selection.severities):
        if not any(fnmatchcase(code, pattern) for code in codes):
            raise no_such_code(pattern, codes)


def no_such_code(pattern: str, codes: Sequence[str]) -> RuleError:
    """The error for a code or pattern that fits no rule."""
    near = get_close_matches(pattern, codes, n=3, cutoff=0.75)
    meant = f"Did you mean {' or '.join(near)}? " if near else ""
    return RuleError(
        f"No rule has the code {pattern}.", hint=f"{meant}`claimsctl rules list` shows all codes."
    )


def names_needed(checks: Iterable[Check]) -> set[str]:
    """Columns and facts that the checks read (aggregates' own columns apart)."""
    return set().union(*(check.columns for check in checks))
