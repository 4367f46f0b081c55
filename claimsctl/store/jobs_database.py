"""Opening jobs.sqlite, and its errors in plain words."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from claimsctl.errors import ClaimsctlError, InternalError, StoreBusy, StoreError
from claimsctl.security.files import disk_hint

if TYPE_CHECKING:
    import sqlalchemy as sa

BUSY_SECONDS: Final = 60.0
_ANNOUNCE_SECONDS: Final = 1.0
READS: Final = "claimsctl_reads"
"""Execution option of a connection whose transaction only reads: it waits for no writer."""


def jobs_engine(path: Path, notify: Callable[[str], None] | None = None) -> sa.Engine:
    """The engine of a jobs file, its tables made where they are missing. Who writes waits for others up to
    BUSY_SECONDS, and `notify` hears of it after a second.
    """
    import sqlalchemy as sa

    engine = sa.create_engine(
        sa.URL.create("sqlite", database=str(path)),
        poolclass=sa.pool.NullPool,  # a connection per transaction: nothing stays open between them
        connect_args={"timeout": BUSY_SECONDS, "isolation_level": None},
    )

    @sa.event.listens_for(engine, "connect")
    def _configure(connection: Any, _record: Any) -> None:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("PRAGMA foreign_keys = ON")

    @sa.event.listens_for(engine, "begin")
    def _take_the_write_lock(connection: sa.Connection) -> None:
        # The driver's own BEGIN takes the lock late, and two upgrading transactions fail at once.
        if connection.get_execution_options().get(READS, False):
            connection.exec_driver_sql("BEGIN")
        else:
            _begin_immediate(connection, notify)

    from claimsctl.store.jobs_schema import prepare

    prepare(engine, path)
    return engine


def _begin_immediate(connection: sa.Connection, notify: Callable[[str], None] | None) -> None:
    from sqlalchemy.exc import OperationalError

    connection.exec_driver_sql(f"PRAGMA busy_timeout = {int(_ANNOUNCE_SECONDS * 1000)}")
    try:
        connection.exec_driver_sql("BEGIN IMMEDIATE")
        return
    except OperationalError as error:
        if "locked" not in str(error.orig):
            raise
    finally:
        rest = BUSY_SECONDS - _ANNOUNCE_SECONDS
        connection.exec_driver_sql(f"PRAGMA busy_timeout = {int(rest * 1000)}")
    if notify is not None:
        notify("Waiting for another run to finish with the jobs file ...")
    connection.exec_driver_sql("BEGIN IMMEDIATE")


@contextmanager
def sqlite_errors(path: Path) -> Iterator[None]:
    """What SQLite refuses in the block, of the file `path`, as an error of ours (`translated`)."""
    from sqlalchemy.exc import SQLAlchemyError

    try:
        yield
    except SQLAlchemyError as error:
        raise translated(error, path) from None


def translated(error: Exception, path: Path) -> ClaimsctlError:
    """What SQLite refused, without the values that its messages quote."""
    message = str(getattr(error, "orig", error))
    if "locked" in message or "busy" in message:
        return StoreBusy(
            f"The jobs file {path} is in use by another run for {BUSY_SECONDS:.0f} s.",
            hint="Run again when it has finished.",
        )
    if "malformed" in message or "not a database" in message:
        return StoreError(
            f"The jobs file {path} is damaged.",
            hint=f"Restore it from a backup, or move it away (mv '{path}' '{path}.damaged'); claims are "
            "kept elsewhere and stay.",
        )
    if "full" in message or "disk I/O" in message:
        return StoreError(f"Cannot write the jobs file {path}: the disk is full.", hint=disk_hint(28))
    if "unable to open" in message or "readonly" in message:
        return StoreError(f"Cannot use the jobs file {path}: {message}.", hint=disk_hint(13))
    return InternalError(f"The jobs file refused a statement ({type(error).__name__}).")
