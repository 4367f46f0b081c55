"""What changed between two editions of a reference table."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby

import polars as pl

from claimsctl.errors import UsageError
from claimsctl.reference.dating import dated_rows
from claimsctl.reference.editions import EditionStore
from claimsctl.reference.names import SAME_AS
from claimsctl.reference.tables import Edition, Table, Tables

Row = Mapping[str, object]


@dataclass(frozen=True)
class CodeChange:
    """A code in both, with its rows that stand in one edition only.

    Where it has one row on either side, only the columns that differ are there.
    """

    code: str
    before: tuple[Row, ...]
    after: tuple[Row, ...]


@dataclass(frozen=True)
class EditionChanges:
    """Codes only in the second edition, only in the first, and with other values; rows in code order.

    `new_columns` and `lost_columns` stand in one edition only; their values are not compared.
    """

    key: str
    added: pl.DataFrame
    removed: pl.DataFrame
    was: pl.DataFrame
    now: pl.DataFrame
    new_columns: tuple[str, ...]
    lost_columns: tuple[str, ...]

    def __bool__(self) -> bool:
        frames = (self.added, self.removed, self.was, self.now)
        return bool(any(f.height for f in frames) or self.new_columns or self.lost_columns)

    @property
    def counts(self) -> dict[str, int]:
        """Codes added, removed and changed."""
        changed = pl.concat([self.was[self.key], self.now[self.key]]).n_unique()
        return {
            "added": self.added[self.key].n_unique(),
            "removed": self.removed[self.key].n_unique(),
            "changed": changed if self.was.height or self.now.height else 0,
        }

    def changes(self, most: int | None = None) -> Iterator[CodeChange]:
        """The changed codes, the first `most` of them."""
        codes = pl.concat([self.was[self.key], self.now[self.key]]).unique().sort()
        codes = codes if most is None else codes.head(most)
        old, new = (_by_code(frame, self.key, codes) for frame in (self.was, self.now))
        for code in codes.to_list():
            before, after = old.get(code, ()), new.get(code, ())
            if len(before) == len(after) == 1:
                differs = [name for name, value in before[0].items() if value != after[0][name]]
                before, after = (({name: row[name] for name in differs},) for row in (before[0], after[0]))
            yield CodeChange(str(code), tuple(before), tuple(after))


def _by_code(frame: pl.DataFrame, key: str, codes: pl.Series) -> dict[object, Sequence[Row]]:
    rows = frame.filter(pl.col(key).is_in(codes.implode())).sort(key, maintain_order=True)
    grouped = groupby(rows.iter_rows(named=True), key=lambda row: row[key])
    return {code: [{n: v for n, v in row.items() if n != key} for row in each] for code, each in grouped}


def edition_of(tables: Tables, store: EditionStore, table: str, name: str) -> Table:
    """One edition of a table, loaded or shipped, for all service dates; UsageError when there is none."""
    table = SAME_AS.get(table, table)
    there = [edition.name for edition in store.editions(table)]
    if name in there:
        edition = store.find(table, name)
        frame, source, licence = store.read(edition), edition.source, edition.licence
    elif table in tables and name in (shipped := {e.name: e for e in tables[table].editions}):
        frame, source, licence = tables[table].frame, tables[table].source, tables[table].licence
        if len(shipped) > 1:
            frame = dated_rows([(shipped[name].valid_from, shipped[name].valid_to, frame)])
            frame = frame.drop("valid_from", "valid_to")
    else:
        there += shipped if table in tables else []
        raise UsageError(
            f"{table} has no edition {name}.",
            hint=f"Editions: {', '.join(there) or 'none'}. `claimsctl reference list` shows all.",
        )
    rows = dated_rows([(None, None, frame)])
    rows = rows.select(frame.columns[0], pl.all().exclude(frame.columns[0]))
    return Table(table, rows, (Edition(name, None, None, rows.height),), source, licence)


def _common_types(old: pl.Schema, new: pl.Schema) -> dict[str, pl.DataType]:
    """Types for columns that the two editions were read in different types of."""
    return {
        name: pl.Float64() if kind.is_numeric() and new[name].is_numeric() else pl.String()
        for name, kind in old.items()
        if kind != new[name]
    }


def compare_editions(before: Table, after: Table) -> EditionChanges:
    """What changed between two editions of one table."""
    key = before.key
    old, new = before.frame, after.frame.rename({after.key: key})
    new_columns = tuple(name for name in new.columns if name not in old.columns)
    lost_columns = tuple(name for name in old.columns if name not in new.columns)
    common = [name for name in old.columns if name in new.columns]
    casts = _common_types(old.select(common).schema, new.schema)
    old, new = (frame.with_columns(pl.col(n).cast(kind) for n, kind in casts.items()) for frame in (old, new))
    old, new = old.select(common), new.select(common)
    was = old.join(new, on=common, how="anti", nulls_equal=True).unique()
    now = new.join(old, on=common, how="anti", nulls_equal=True).unique()
    return EditionChanges(
        key,
        new.join(old, on=key, how="anti").sort(key, maintain_order=True),
        old.join(new, on=key, how="anti").sort(key, maintain_order=True),
        was.join(new, on=key, how="semi").sort(common),
        now.join(old, on=key, how="semi").sort(common),
        new_columns,
        lost_columns,
    )
