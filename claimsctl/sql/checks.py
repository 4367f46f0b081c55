"""What a target could not hold, found before anything is sent: missing tables and columns, texts that are too
long, numbers out of range, characters that are lost, values that must be there."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from claimsctl.claim import BY_NAME
from claimsctl.security.masking import mask_value
from claimsctl.security.policy import Phi
from claimsctl.sql.catalog import ColumnType, columns_of
from claimsctl.sql.column import SqlColumn, SqlTable
from claimsctl.sql.fitting import misfits
from claimsctl.sql.tables import tables_for

if TYPE_CHECKING:
    import polars as pl

    from claimsctl.sql.connection import Connection
    from claimsctl.sql.database import Database
    from claimsctl.sql.outbox import Outbox

Found = Mapping[str, Mapping[str, ColumnType]]
"""Columns of each target table, by our name of the table and their names of the columns; {} is no table."""
_SHOWN: Final = 40


@dataclass(frozen=True, slots=True)
class Trouble:
    """One thing that a column (or, without one, a table) cannot take.

    `rows` of the outbox are concerned; `first` says which is the first of them, as messages may, and `value`
    what it has there, masked.
    """

    table: str
    column: str | None
    what: str
    rows: int = 0
    first: str = ""
    value: str = ""

    def __str__(self) -> str:
        place = self.table if self.column is None else f"{self.table}.{self.column}"
        if not self.rows:
            return f"{place} {self.what}."
        count = "1 row" if self.rows == 1 else f"{self.rows:,} rows"
        value = f" has {self.value}" if self.value else ""
        return f"{place} {self.what}: {count}; the first, {self.first},{value}.".replace(",.", ".")


def look_ahead(outbox: Outbox, database: Database, connection: Connection) -> list[Trouble]:
    """`check_ahead` against the tables as they are in the database."""
    found = {
        table: columns_of(connection, database.table_name(table), database.schema) for table in outbox.columns
    }
    return check_ahead(outbox, found, database)


def check_ahead(outbox: Outbox, found: Found, database: Database) -> list[Trouble]:
    """Everything in the outbox that the tables could not take; empty when it can be sent.

    Every file is read once. Lengths and ranges are not looked at for SQLite, which has none. A column that
    the house's table does not take is no trouble.
    """
    troubles: list[Trouble] = []
    for table, names in outbox.columns.items():
        ours = tables_for(outbox.phi)[table]
        theirs = database.table_name(table)
        if not found.get(table):
            hint = f"claimsctl sql init --to {database.name}"
            troubles.append(Trouble(theirs, None, f"is not there, or may not be seen; `{hint}` makes it"))
            continue
        wanted = [*names, "loaded_at"]
        asked = _Asked(ours, theirs, _mapped(database, table, ours), found[table], database.dialect)
        troubles += asked.missing(wanted)
        troubles += asked.misfits(outbox, names)
    if database.dialect == "mssql" and "claims" in outbox.columns:
        troubles += _folded(outbox, database.table_name("claims"))
    return troubles


def _mapped(database: Database, table: str, ours: SqlTable) -> dict[str, str]:
    """Their name of each of our columns that the table takes."""
    house = database.tables.get(table)
    if house is not None and house.columns:
        return {name: house.columns[name] for name in ours.names if name in house.columns}
    return {name: name for name in ours.names}


@dataclass(frozen=True)
class _Asked:
    """One table: ours, theirs, and how they belong together."""

    ours: SqlTable
    name: str
    mapped: Mapping[str, str]
    found: Mapping[str, ColumnType]
    dialect: str

    def missing(self, wanted: list[str]) -> Iterator[Trouble]:
        for name in wanted:
            theirs = self.mapped.get(name)
            if theirs is not None and theirs not in self.found:
                yield Trouble(self.name, theirs, f"is not there; it would get {name}")

    def misfits(self, outbox: Outbox, names: tuple[str, ...]) -> list[Trouble]:

        there = {name: self.found[to] for name, to in self.mapped.items() if to in self.found}
        checks: list[tuple[SqlColumn, str, pl.Expr]] = []
        troubles = []
        for name, kind in there.items():
            column = self.ours.column(name)
            if name in names:
                checks += [(column, what, bad) for what, bad in misfits(column, kind, self.dialect)]
            elif not kind.nullable and name != "loaded_at":
                troubles.append(
                    Trouble(self.name, self.mapped[name], f"must have values, but no row has any {name}")
                )
        met: dict[tuple[str, str], Trouble] = {}
        for batch in outbox.batches:
            if self.ours.name not in batch.files or not checks:
                continue
            rows = outbox.read(batch, self.ours.name)
            counts = rows.select(
                bad.fill_null(False).sum().alias(f"{n}") for n, (_, _, bad) in enumerate(checks)
            ).row(0)
            for count, (column, what, bad) in zip(counts, checks, strict=True):
                if not count:
                    continue
                before = met.get((column.name, what))
                if before is not None:
                    met[column.name, what] = replace(before, rows=before.rows + count)
                    continue
                first = rows.filter(bad.fill_null(False)).row(0, named=True)
                met[column.name, what] = Trouble(
                    self.name, self.mapped[column.name], what, count, _place(first),
                    _shown(column, first[column.name], outbox.phi),
                )  # fmt: skip
        return [*troubles, *met.values()]


def _place(row: Mapping[str, object]) -> str:
    """Which row it is, as messages may say it."""
    number = row.get("claim_number")
    if number is not None:
        said = f"claim {mask_value(BY_NAME['claim_number'], str(number))}"
        return said if row.get("line_number") is None else f"{said} line {row['line_number']}"
    return f"row {row['row_number']}" if row.get("row_number") is not None else "the job's own"


def _shown(column: SqlColumn, value: object, phi: Phi) -> str:
    """A value as messages may show it: masked, and cut."""
    if value is None:
        return ""
    text = str(value)
    if column.treated and phi == "encrypt":
        return f"a sealed text of {len(text)} characters"
    canonical = BY_NAME.get(column.canonical or "")
    masked = column.treated and phi == "mask"
    shown = text if canonical is None or masked else mask_value(canonical, text)
    if len(shown) > _SHOWN:
        shown = shown[: _SHOWN - 1] + "\u2026"
    size = f" ({len(text)} characters)" if isinstance(value, str) and len(text) > 1 else ""
    return f"{shown}{size}"


def _folded(outbox: Outbox, table: str) -> Iterator[Trouble]:
    """Claims that SQL Server takes for one: it compares without regard to capitals and trailing blanks."""
    import polars as pl

    number = pl.col("claim_number")
    folded = pl.struct("payer_sequence", number.str.to_uppercase().str.strip_chars_end(" ")).hash(seed=1)
    batches = [batch for batch in outbox.batches if "claims" in batch.files]
    hashes = pl.concat(
        [pl.Series("folded", [], dtype=pl.UInt64)]
        + [outbox.read(batch, "claims").select(folded.alias("folded"))["folded"] for batch in batches]
    )
    twice = hashes.is_duplicated()
    if not twice.any():
        return
    first = twice.arg_max() or 0
    for batch in batches:
        if first < batch.rows("claims"):
            row = outbox.read(batch, "claims").row(first, named=True)
            what = "is the same for SQL Server where only capitals differ"
            yield Trouble(table, "claim_number", what, int(twice.sum()), _place(row))
            return
        first -= batch.rows("claims")
