"""The databases of the settings: whether all is there that a connection to them needs."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from claimsctl.databases import named_database
from claimsctl.doctor.check import Check, guarded
from claimsctl.settings import Settings
from claimsctl.sql.connect import connect
from claimsctl.sql.database import Database
from claimsctl.sql.drivers import driver_for


def database_checks(settings: Settings, *, log_in: bool = False) -> Iterator[Check]:
    """URL, password and driver of every database; `log_in` connects to each as well."""
    for name in sorted(settings.sql):
        yield from guarded(f"database {name}", partial(_database, settings, name, log_in))


def _database(settings: Settings, name: str, log_in: bool) -> Iterator[Check]:
    said = f"database {name}"
    database = named_database(settings, name)
    driver = driver_for(database)
    if log_in:
        with connect(database, read_only=True) as connection:
            connection.value("SELECT 1")
    reached = "logged in" if log_in else "not connected to"
    yield Check(said, "ok", f"{database.place}, by {driver}; {reached}.")
    if database.file is not None and not database.file.exists():
        yield Check(said, "note", "The file is not there yet.", f"claimsctl sql init --to {name} makes it.")
    if _goes_unprotected(database):
        yield Check(
            said, "warning", "The connection is not encrypted, and patient data goes over the network.",
            f'Take encrypt = "no" out of [sql.{name}].',
        )  # fmt: skip
    if database.phi is None and database.source.table is None and database.source.query is None:
        yield Check(
            said, "note", "Nothing says how patient data is written there; a script would be refused.",
            f'Add to [sql.{name}]: phi = "mask" (or "encrypt", "plain", "drop", "deidentify").',
        )  # fmt: skip


def _goes_unprotected(database: Database) -> bool:
    return database.encrypt == "no" and database.file is None and not database.local
