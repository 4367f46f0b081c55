"""One rule made ready to run: its expressions compiled to checks, or why it cannot run."""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from functools import partial
from typing import TYPE_CHECKING

import polars as pl

from claimsctl.claim import BY_NAME
from claimsctl.errors import RuleError
from claimsctl.facts.table import FACT_TYPES, OF_HISTORY, OF_STORE, STORED
from claimsctl.facts.typed import TEXT_SUFFIX
from claimsctl.validate.dated import dated_reads
from claimsctl.validate.language.aggregates import Aggregate
from claimsctl.validate.language.compiler import Compiled, compile_expression
from claimsctl.validate.language.needs import NOTHING, Needs
from claimsctl.validate.language.predicates import Met, Predicate
from claimsctl.validate.language.types import LangType, MissingTable, Names, TableInfo
from claimsctl.validate.language.words import as_words

if TYPE_CHECKING:
    from claimsctl.validate.pack import Rule


@dataclass(frozen=True)
class Check:
    """One rule on one field, compiled: `fires` is true where there is a finding.

    `columns` are read by `fires` and by `shown`, what only the aggregates read left out.
    `needs_history`: it cannot be decided where claims of earlier runs are not read; `needs_store`: nor where
    the claims are not looked up in the store.
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
    needs_store: bool = False
    needs: Needs = NOTHING
    """What is so wherever it fires."""


@dataclass(frozen=True)
class NotRun:
    """A rule that cannot be decided on this input, and why: never the same as passed."""

    code: str
    reason: str


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


@dataclass(frozen=True)
class CheckMaker:
    """Makes rules into checks, each field of a rule once, against the tables there are.

    `lacking` are facts that the run does not have, each with the reason: rules that read one do not run.
    Where a table that a check reads ended before `run_date`, it only warns on later lines. `sound` are the
    codes of rules that were compiled before, in tests.
    """

    tables: Mapping[str, TableInfo]
    declared: Collection[str] = ()
    run_date: date | None = None
    lacking: Mapping[str, str] = field(default_factory=dict)
    sound: frozenset[str] = frozenset()
    names: Names = field(default_factory=rule_names)
    _met: Met = field(default_factory=dict, repr=False)
    _made: dict[tuple[str, str], tuple[Check, ...] | NotRun] = field(default_factory=dict, repr=False)

    def checks(
        self, rule: Rule, severity: str, present: Collection[str] | None = None
    ) -> tuple[Check, ...] | NotRun:
        """The checks of a rule, of a rule on `each` of its fields only those on `present` ones (or all).

        None for a rule that claimsctl finds in code. RuleError for a broken rule.
        """
        if rule.builtin:
            return ()
        found: list[Check] = []
        for name in fields_of(rule, present):
            key = rule.code, name
            if key not in self._made:
                self._made[key] = self._make(rule, name, severity)
            made = self._made[key]
            if isinstance(made, NotRun):
                return made
            found += made
        return tuple(found)

    def table_missing(self, rule: Rule) -> NotRun | None:
        """Why a rule cannot run, where a table that it names as needed is not loaded."""
        missing = [name for name in rule.needs if name in self.declared and name not in self.tables]
        return _not_loaded(rule, missing) if missing else None

    def _make(self, rule: Rule, name: str, severity: str) -> tuple[Check, ...] | NotRun:
        missing = self.table_missing(rule)
        if missing is not None:
            return missing
        try:
            check = _compiled(
                rule, name, self.names, self.tables, self.declared, severity, self._met,
                sound=rule.code in self.sound,
            )  # fmt: skip
        except MissingTable as error:
            return _not_loaded(rule, error.tables)
        absent = sorted(check.columns & self.lacking.keys())
        if absent:
            return NotRun(rule.code, self.lacking[absent[0]])
        return self._with_old_tables(check)

    def _with_old_tables(self, check: Check) -> tuple[Check, ...]:
        if self.run_date is None or check.severity != "error":
            return (check,)
        ends = [self.tables[name].ends for name in check.tables if name in self.tables]
        end = min((day for day in ends if day is not None and day < self.run_date), default=None)
        if end is None:
            return (check,)
        later = (pl.col("service_date_from") > end).fill_null(False)
        columns = check.columns | {"service_date_from"}
        return (
            replace(check, fires=check.fires & ~later, columns=columns),
            replace(check, fires=check.fires & later, columns=columns, severity="warning"),
        )


def _not_loaded(rule: Rule, tables: Collection[str]) -> NotRun:
    return NotRun(rule.code, f"reference table {', '.join(tables)} is not loaded")


def fields_of(rule: Rule, present: Collection[str] | None = None) -> tuple[str, ...]:
    """The fields on which a rule is checked, where it is on `each` those that are `present`; no field of the
    claim (a fact) is absent."""
    if not rule.each:
        return rule.expanded[:1]
    return tuple(name for name in rule.expanded if present is None or name in present or name not in BY_NAME)


def _compiled(
    rule: Rule,
    name: str,
    names: Names,
    tables: Mapping[str, TableInfo],
    declared: Collection[str],
    severity: str,
    met: Met,
    *,
    sound: bool,
) -> Check:
    """The check of a rule on one of its fields."""
    holds, guard = rule.holds, rule.guard
    assert holds is not None
    compiled = partial(
        compile_expression, names=names, tables=tables, declared=declared,
        value_column=name if rule.each else None, optional=rule.uses, met=met, sound=sound,
    )  # fmt: skip
    shown = {key: compiled(expr, condition=False) for key, expr in rule.shown.items()}
    for key, said in shown.items():
        _refuse_identifiers(rule, key, said)
    conditions = [compiled(expr, split=True) for expr in (holds, guard) if expr is not None]
    fires, needed = ~conditions[0].expr, conditions[0].if_false
    if guard is not None:
        fires, needed = conditions[1].expr & fires, conditions[1].if_true | needed
    parts = (*conditions, *shown.values())
    columns = set().union(*(part.columns for part in parts))
    aggregates = frozenset().union(*(part.aggregates for part in parts))
    if rule.valid_from is not None:
        fires = fires & (pl.col("service_date_from") >= rule.valid_from)
        columns.add("service_date_from")
    if rule.valid_to is not None:
        fires = fires & (pl.col("service_date_from") <= rule.valid_to)
        columns.add("service_date_from")
    return Check(
        rule,
        severity,
        name,
        fires,
        frozenset(columns),
        aggregates,
        frozenset().union(*(part.tables for part in parts), *(a.tables for a in aggregates)),
        frozenset().union(*(part.predicates for part in conditions)),
        {key: as_words(said) for key, said in shown.items()},
        frozenset((table, name if on == "value" else on) for table, on in dated_reads(rule)),
        any(part.needs_history for part in conditions) or not OF_HISTORY.isdisjoint(columns),
        not OF_STORE.isdisjoint(columns),
        needed,
    )


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


def names_needed(checks: Iterable[Check]) -> set[str]:
    """Columns and facts that the checks read (aggregates' own columns apart)."""
    return set().union(*(check.columns for check in checks))
