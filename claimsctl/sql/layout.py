"""Where rows go in a target: each table with its staging table and the columns that both have.

A table of the house takes some of our columns under names of its own; `*_before`, `load_batches` and
staging are always ours.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from claimsctl.errors import SettingsError
from claimsctl.security.policy import Phi
from claimsctl.sql.column import SqlTable
from claimsctl.sql.database import Database
from claimsctl.sql.dialects import Grammar, grammar_of
from claimsctl.sql.tables import TARGET_TABLES, staging_of, tables_for

# What the statements cannot do without: the claim, whether it changed, and which job wrote it.
_NEEDED: Final[Mapping[str, tuple[str, ...]]] = {
    "claims": ("claim_number", "content_hash", "job_id"),
    "claim_lines": ("claim_number", "line_number", "job_id"),
    "claim_findings": ("job_id", "finding_number"),
    "claim_status": ("claim_number", "job_id"),
    "claim_status_history": ("claim_number", "job_id", "change_number"),
    "jobs": ("job_id",),
}


@dataclass(frozen=True, slots=True)
class Place:
    """A target table: quoted names of it, of its staging table and, by ours, of the columns it takes.

    `ours` are the columns' names in our own tables (staging and before); `key` the columns of the key;
    `kept` the columns that a version before keeps: those the target has, and those it must have (`required`).
    """

    table: str
    staging: str
    before: str
    theirs: Mapping[str, str]
    ours: Mapping[str, str]
    key: tuple[str, ...]
    kept: tuple[str, ...]
    required: frozenset[str]
    house: bool


@dataclass(frozen=True, slots=True)
class Layout:
    """Every table of a target, as statements name them."""

    grammar: Grammar
    places: Mapping[str, Place]
    load_batches: str
    lock: str

    def __getitem__(self, table: str) -> Place:
        return self.places[table]

    def own(self, name: str) -> str:
        """The quoted name of a column in our own tables."""
        return self.grammar.quote(name)


def layout_of(database: Database, phi: Phi) -> Layout:
    """The layout of a target; SettingsError where a table of the house lacks a column that must be there."""
    grammar = grammar_of(database)
    tables = tables_for(phi)
    places = {name: _place(database, grammar, tables[name]) for name in TARGET_TABLES}
    return Layout(
        grammar,
        places,
        grammar.table(database.schema, database.table_name("load_batches")),
        f"claimsctl/{database.schema or ''}/{database.prefix}",
    )


def _place(database: Database, grammar: Grammar, table: SqlTable) -> Place:
    house = database.tables.get(table.name)
    mapped = dict(house.columns) if house is not None and house.columns else {n: n for n in table.names}
    for needed in _NEEDED[table.name]:
        if needed not in mapped:
            raise SettingsError(
                f"{database.name}: the table {database.table_name(table.name)} has no column for {needed}"
                f" of {table.name}.",
                hint=f'Name it: [sql.{database.name}.columns.{table.name}] {needed} = "..."',
            )
    names = [name for name in table.names if name in mapped]
    staging = staging_of(table)
    required = frozenset(column.name for column in table.columns if not column.nullable)

    def own(name: str) -> str:
        return grammar.table(database.schema, f"{database.prefix}{name}")

    return Place(
        table=grammar.table(database.schema, database.table_name(table.name)),
        staging=own(staging.name),
        before=own(f"{table.name}_before"),
        theirs={name: grammar.quote(mapped[name]) for name in names},
        ours={name: grammar.quote(name) for name in staging.names},
        key=tuple(name for name in table.key if name in mapped),
        kept=tuple(name for name in table.names if name in mapped or name in required),
        required=required,
        house=house is not None,
    )
