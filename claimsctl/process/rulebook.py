"""The rules of a run, compiled, with the tables they look codes up in."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

import polars as pl

from claimsctl.facts.ncci import HOSPITAL
from claimsctl.facts.ncci import TYPES as NCCI
from claimsctl.facts.payers import PayerIndex
from claimsctl.facts.priced import TYPES as PRICED
from claimsctl.facts.table import OF_HISTORY, Context
from claimsctl.price.schedule import Schedule
from claimsctl.price.terms import Terms
from claimsctl.process.control import Control
from claimsctl.process.file_rules import EXACT_COPY, FileRules
from claimsctl.process.pricing import SchedulePricing
from claimsctl.process.request import Request
from claimsctl.reference.editions import EditionStore
from claimsctl.reference.locate import cache_folder, data_path
from claimsctl.reference.names import DECLARED
from claimsctl.reference.tables import Table, Tables
from claimsctl.reference.views import table_view
from claimsctl.validate.checks import Check
from claimsctl.validate.language.types import FROM_COLUMN_TYPE, LangType, TableInfo
from claimsctl.validate.pack import load_packs
from claimsctl.validate.ruleset import RuleSet, Selection, compile_rules

UNPRICED = "lines are not priced"
EXAMPLE_TERMS = Terms()
"""With these, rules that read prices compile; their examples say themselves what a line should pay."""


@dataclass(frozen=True)
class Rulebook:
    """The rules of a run and the tables they look codes up in; warm for any number of runs."""

    ruleset: RuleSet
    tables: Tables
    payers: PayerIndex
    file_rules: FileRules
    ncci: pl.LazyFrame | None = None
    control: Control = field(default_factory=Control)
    pricing: SchedulePricing | None = None

    def context(self, request: Request) -> Context:
        """What the facts of a run depend on."""
        asks = self.ruleset.mentions(OF_HISTORY)
        return Context(request.run_date, request.practice_id, self.payers, self.ncci, self.pricing, asks)

    def example_context(self, day: date) -> Context:
        """What the facts of rule examples depend on; what a line should pay is said by the example."""
        return Context(day, payers=self.payers, ncci=self.ncci)

    @property
    def repeat_check(self) -> Check | None:
        """The check that reports exact copies of a row (catalogue DUP-001)."""
        return next(iter(self.ruleset.checks_of(EXACT_COPY)), None)


def load_rulebook(
    selection: Selection,
    extra_packs: Sequence[Path] = (),
    payers: Mapping[str, Mapping[str, object]] | None = None,
    editions: EditionStore | None = None,
    *,
    samples: bool = False,
    run_date: date | None = None,
    left_out: Collection[Path] = (),
    pinned: Table | None = None,
    terms: Terms | None = None,
) -> Rulebook:
    """Shipped packs, then `extra_packs`, compiled against the shipped tables, the loaded `editions` and
    the user's payers.

    `terms`: lines are priced on them; without, rules that read prices do not run.

    `run_date`: lines after the end of a table that is older are checked against it, with a warning.
    `samples`: tables that are not shipped have a few known rows, for the examples of rules.
    `left_out`: shipped packs that shall not load. `pinned` stands for all editions of its table.
    """
    tables = Tables.shipped()
    if editions is not None:
        tables = tables.with_editions(editions)
    if samples:
        tables = tables.with_samples()
    if pinned is not None:
        tables = tables.with_table(pinned)
    if payers:
        tables = tables.with_entries("payers", payers)
    shipped = [path for path in shipped_packs() if path not in left_out]
    packs = load_packs([*shipped, *extra_packs], cache=cache_folder())
    ruleset = compile_rules(
        packs[len(shipped) :], _TableInfos(tables), declared=DECLARED, selection=selection, run_date=run_date,
        lacking=dict.fromkeys(PRICED, UNPRICED) if terms is None else {}, later=packs[: len(shipped)],
    )  # fmt: skip
    return Rulebook(
        ruleset,
        tables,
        payer_index(tables),
        FileRules.of(ruleset.rules, selection),
        _ncci_edits(tables) if "ncci_ptp" in tables and ruleset.mentions(NCCI) else None,
        pricing=SchedulePricing(Schedule(tables, terms)) if terms is not None else None,
    )


def _ncci_edits(tables: Tables) -> pl.LazyFrame:
    """The edits for practitioners and, where they are loaded, those for outpatient hospitals."""
    given = [
        tables.scan(name).with_columns(pl.lit(hospital).alias(HOSPITAL))
        for name, hospital in (("ncci_ptp", False), ("ncci_ptp_hospital", True))
        if name in tables
    ]
    return pl.concat(given, how="diagonal_relaxed")


def payer_index(tables: Tables) -> PayerIndex:
    """The payers of the registry, found by id, name or alias."""
    registry = tables["payers"].frame
    return PayerIndex.of(registry.select("payer_id", "name", "aliases", "type").iter_rows(named=True))


class _TableInfos(Mapping[str, TableInfo]):
    """Tables as the rule language sees them, loaded when a rule first names one."""

    def __init__(self, tables: Tables) -> None:
        self._tables = tables
        self._infos: dict[str, TableInfo] = {}

    def __getitem__(self, name: str) -> TableInfo:
        if name not in self._infos:
            self._infos[name] = _info(self._tables[name])
        return self._infos[name]

    def __contains__(self, name: object) -> bool:
        return name in self._tables

    def __iter__(self) -> Iterator[str]:
        return iter(self._tables)

    def __len__(self) -> int:
        return len(self._tables)


def shipped_packs() -> list[Path]:
    """The packs that come with claimsctl."""
    return sorted(data_path("rules").glob("*.toml"))


def rule_packs(pack_names: Sequence[str], workspace: Path | None) -> list[Path]:
    """The user's packs: `--rules` files, and the workspace's rules/*.toml, which load by themselves.

    A pack named twice, or named though it loads by itself, is there once.
    """
    house = sorted((workspace / "rules").glob("*.toml")) if workspace is not None else []
    found: dict[Path, Path] = {}
    for path in (*house, *(Path(name) for name in pack_names)):
        found.setdefault(path.resolve(), path)
    return list(found.values())


def _info(table: Table) -> TableInfo:
    view = table_view(table)
    columns = {
        name: (LangType.BOOLEAN if kind == "boolean" else FROM_COLUMN_TYPE[kind], values)
        for name, (kind, values) in view.columns.items()
    }
    return TableInfo(
        view.name,
        view.codes,
        columns,
        view.valid_from,
        view.valid_to,
        view.starts,
        view.ends,
        view.gaps,
        view.beginnings,
    )
