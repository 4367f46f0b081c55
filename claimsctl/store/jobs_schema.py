"""Tables of jobs.sqlite. Imports SQLAlchemy (0.4 s), so import this module where it is used."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from sqlalchemy import (
    JSON,
    Boolean,
    Column,
    DateTime,
    Engine,
    ForeignKey,
    Integer,
    MetaData,
    Table,
    Text,
)

from claimsctl.errors import StoreError

SCHEMA_VERSION: Final = 1

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


def prepare(engine: Engine, path: Path) -> None:
    """Create the tables of a new file; refuse the file of a newer version."""
    with engine.begin() as connection:
        version = int(connection.exec_driver_sql("PRAGMA user_version").scalar_one())
        if version > SCHEMA_VERSION:
            raise StoreError(
                f"The jobs file {path} was made by a newer claimsctl (schema {version}; "
                f"this one knows {SCHEMA_VERSION}).",
                hint="Update claimsctl, or name another workspace with --workspace.",
            )
        if version == 0:
            metadata.create_all(connection)
            connection.exec_driver_sql(f"PRAGMA user_version = {SCHEMA_VERSION}")
