"""Tables of jobs.sqlite. Imports SQLAlchemy (0.4 s), so import this module where it is used."""

from __future__ import annotations

import secrets
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Final

from sqlalchemy import (
    JSON,
    Boolean,
    Column,
    Connection,
    DateTime,
    Engine,
    ForeignKey,
    Integer,
    MetaData,
    Table,
    Text,
)

from claimsctl.errors import StoreError
from claimsctl.security.files import create_private
from claimsctl.store.jobs_database import READS

SCHEMA_VERSION: Final = 2

metadata = MetaData()

jobs = Table(
    "jobs",
    metadata,
    Column("job_id", Text, primary_key=True),
    Column("command", Text, nullable=False),
    Column("status", Text, nullable=False),
    Column("user", Text, nullable=False),
    Column("created_at", DateTime, nullable=False),
    Column("started_at", DateTime),
    Column("finished_at", DateTime),
    Column("heartbeat_at", DateTime),
    Column("practice_id", Text),
    Column("payer", Text),
    Column("priority", Integer, nullable=False, default=0),
    Column("parent_job", Text),
    Column("options", JSON),
    Column("rows_done", Integer, nullable=False, default=0),
    Column("rows_total", Integer),
    Column("cancel_requested", Boolean, nullable=False, default=False),
    Column("owner", JSON(none_as_null=True)),
    Column("ledger", JSON),
    Column("counts", JSON),
    Column("timings", JSON),
    Column("editions", JSON),
    Column("outputs", JSON),
    Column("mapping", JSON),
    Column("rules_digest", Text),
    Column("error", Text),
    Column("progress", JSON),
)

job_inputs = Table(
    "job_inputs",
    metadata,
    Column("job_id", Text, ForeignKey("jobs.job_id", ondelete="CASCADE"), primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("path", Text, nullable=False),
    Column("sha256", Text, nullable=False, index=True),
    Column("bytes", Integer, nullable=False, default=0),
    Column("rows", Integer),
    Column("format", Text, nullable=False, default=""),
)


UPGRADES: Final = {1: ("ALTER TABLE jobs ADD COLUMN progress JSON",)}
"""Statements that make a file of a version one of the next."""


def prepare(engine: Engine, path: Path) -> None:
    """Create the tables of a new file, bring an older one up to date; refuse one of a newer version.

    An older file is copied to jobs.sqlite.schema-<version>.backup before it is changed.
    """
    with engine.execution_options(**{READS: True}).begin() as connection:  # who only lists waits for nobody
        version = _version(connection)
    if version > SCHEMA_VERSION:
        raise StoreError(
            f"The jobs file {path} was made by a newer claimsctl (schema {version}; "
            f"this one knows {SCHEMA_VERSION}).",
            hint="Update claimsctl, or name another workspace with --workspace.",
        )
    if version == 0:
        with engine.begin() as connection:
            metadata.create_all(connection)  # leaves alone what another process was faster to make
            connection.exec_driver_sql(f"PRAGMA user_version = {SCHEMA_VERSION}")
    if 0 < version < SCHEMA_VERSION:
        _back_up(path, version)
        with engine.begin() as connection:
            for older in range(_version(connection), SCHEMA_VERSION):  # another process may have been here
                for statement in UPGRADES[older]:
                    connection.exec_driver_sql(statement)
            connection.exec_driver_sql(f"PRAGMA user_version = {SCHEMA_VERSION}")


def _version(connection: Connection) -> int:
    return int(connection.exec_driver_sql("PRAGMA user_version").scalar_one())


def _back_up(path: Path, version: int) -> None:
    aside = path.with_name(f"{path.name}.{secrets.token_hex(4)}.aside")
    create_private(aside, b"")
    with closing(sqlite3.connect(path)) as source, closing(sqlite3.connect(aside)) as target:
        source.backup(target)
    aside.replace(path.with_name(f"{path.name}.schema-{version}.backup"))
