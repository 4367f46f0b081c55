"""Rules compiled once for all rulebooks of a test process: for one of them it takes longer than most runs.

A check is taken again only for an equal rule, and where every table that was asked for is the same.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from typing import Any

from claimsctl.process.rulebook import _TableInfos
from claimsctl.reference.tables import Table
from claimsctl.validate.checks import Check
from claimsctl.validate.language.types import TableInfo
from claimsctl.validate.rule import Rule

_Compile = Callable[..., Check]


class _Noting(Mapping[str, TableInfo]):
    """Tables that note which of them were asked for; None for one that is not there."""

    def __init__(self, tables: _TableInfos) -> None:
        self._tables = tables
        self.asked: dict[str, Table | None] = {}

    def __getitem__(self, name: str) -> TableInfo:
        self.asked[name] = self._tables._tables[name] if name in self._tables else None
        return self._tables[name]

    def __contains__(self, name: object) -> bool:
        return name in self._tables

    def __iter__(self) -> Iterator[str]:
        return iter(self._tables)

    def __len__(self) -> int:
        return len(self._tables)


def compiled_once(compile_check: _Compile) -> _Compile:
    """`checks._compiled` that keeps what it made."""
    kept: dict[tuple[object, ...], list[tuple[Check, dict[str, Table | None]]]] = {}
    compared: dict[tuple[int, int], tuple[Table, Table, bool]] = {}

    def equal(one: Table | None, other: Table | None) -> bool:
        if one is None or other is None or one is other:
            return one is other
        if (id(one), id(other)) not in compared:  # the tables are kept, so that no other one gets their ids
            same = one.editions == other.editions and one.frame.equals(other.frame)
            compared[id(one), id(other)] = (one, other, same)
        return compared[id(one), id(other)][2]

    def compiled(
        rule: Rule, name: str, names: Any, tables: Any, declared: Collection[str], severity: str, met: Any,
        *, sound: bool,
    ) -> Check:  # fmt: skip
        if not isinstance(tables, _TableInfos):
            return compile_check(rule, name, names, tables, declared, severity, met, sound=sound)
        there = tables._tables
        made = kept.setdefault((rule.code, name, severity, frozenset(declared), sound), [])
        for check, asked in made:
            if check.rule == rule and all(equal(table, there.get(each)) for each, table in asked.items()):
                return check
        noting = _Noting(tables)
        check = compile_check(rule, name, names, noting, declared, severity, met, sound=sound)
        # What an earlier rule compiled is not asked for again.
        asked = {each: there.get(each) for each in check.tables} | noting.asked
        made.append((check, asked))
        return check

    return compiled
