"""Opening the DuckDB store: for one short piece of work, waiting for others, saying what is wrong."""

from __future__ import annotations

import random
import re
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING

from claimsctl.errors import ClaimsctlError, InternalError, StoreBusy, StoreError
from claimsctl.security.files import private_umask
from claimsctl.store.schema import SCHEMA_VERSION, TABLES
from claimsctl.store.workspace import Workspace

if TYPE_CHECKING:
    import duckdb

Notify = Callable[[str], None]

WAIT_SECONDS = 300.0
_ANNOUNCE_SECONDS = 1.0
MEMORY = "512MB"
# A process with the file open for writing refuses all others, readers too (DuckDB 2.0).
_BUSY = ("Could not set lock on file", "different configuration")
_NEWER = ("database file with version number", "newer version of DuckDB")
_DAMAGED = (
    "Corrupt database file",
    "not a valid DuckDB database",
    "Could not read enough bytes",
    "checksum",
    "failed to deserialize",
    "Failed to deserialize",
    "WAL file",
    "has been invalidated",
)
DISK_FULL = (
    "No space left",
    "Could not write",
    "not enough",
    "File too large",
    "Disk quota",
    "Out of Memory",
)


@contextmanager
def open_store(
    workspace: Workspace,
    *,
    write: bool,
    notify: Notify | None = None,
    waiting: Callable[[], None] | None = None,
    wait_seconds: float = WAIT_SECONDS,
) -> Iterator[duckdb.DuckDBPyConnection]:
    """A connection for the block; `write` makes file and tables when missing, and brings older ones up to
    date; a reader of an older store finds it as it is, and an empty one where a kill left a file without
    tables.

    Waits for other processes up to `wait_seconds` and tells `notify` after a second; `waiting` is called
    all the while, and ends the wait by raising. Raises StoreError when the store stays busy, is damaged, is
    of a newer version, or the disk is full.
    """
    path = workspace.claims_database
    umask = private_umask() if write else nullcontext()
    with workspace.scratch() as spill, umask, _store_errors(path):
        connection = _connect(
            path, spill, write=write, notify=notify, waiting=waiting, wait_seconds=wait_seconds
        )
        try:
            version = _check_version(connection, workspace, write=write, notify=notify)
            if version is None and not write:
                connection.close()
                connection = empty_store()
            yield connection
        finally:
            connection.close()


def empty_store() -> duckdb.DuckDBPyConnection:
    """A store that nothing was put into, in memory: what a reader finds where there is none yet."""
    from claimsctl.store.engine import duckdb

    connection = duckdb.connect(":memory:")
    connection.execute(TABLES)
    connection.execute("INSERT INTO meta VALUES ('schema_version', ?)", [str(SCHEMA_VERSION)])
    return connection


def _connect(
    path: Path,
    spill: Path,
    *,
    write: bool,
    notify: Notify | None,
    waiting: Callable[[], None] | None,
    wait_seconds: float,
) -> duckdb.DuckDBPyConnection:
    from claimsctl.store.engine import duckdb

    settings: dict[str, str | bool | int | float | list[str]] = {
        "memory_limit": MEMORY,
        "temp_directory": str(spill),
        "autoinstall_known_extensions": "false",
        "autoload_known_extensions": "false",
        "preserve_insertion_order": "false",
    }
    started, announced, pause = time.monotonic(), False, 0.01
    while True:
        try:
            opened = duckdb.connect(str(path), read_only=not write, config=settings)
            opened.execute("SET enable_progress_bar = false")  # it would write to any terminal
            return opened
        except duckdb.Error as error:
            message = str(error)
            if not any(sign in message for sign in _BUSY):
                raise
        waited = time.monotonic() - started
        if waited > wait_seconds:
            raise StoreBusy(
                f"The claims store {path} is in use by {_holder(message)} since {waited:.0f} s.",
                hint="Run again when it has finished.",
            )
        if waited > _ANNOUNCE_SECONDS and not announced and notify is not None:
            notify(f"Waiting for {_holder(message)} to finish with the claims store ...")
            announced = True
        if waiting is not None:
            waiting()
        time.sleep(pause * (0.5 + random.random()))  # noqa: S311 - jitter
        pause = min(pause * 1.5, 0.25)


def _holder(message: str) -> str:
    found = re.search(r"PID (\d+)", message)
    return f"process {found[1]}" if found else "another run"


def bring_up_to_date(
    workspace: Workspace, *, notify: Notify | None = None, wait_seconds: float = WAIT_SECONDS
) -> bool:
    """Upgrade a store that an older version made, keeping a backup; False where there is no store."""
    if not workspace.claims_database.exists():
        return False
    with open_store(workspace, write=False, notify=notify, wait_seconds=wait_seconds) as connection:
        version = schema_version(connection)
    if version != SCHEMA_VERSION:
        with open_store(workspace, write=True, notify=notify, wait_seconds=wait_seconds):
            pass  # opening it for writing is what upgrades it
    return True


def _check_version(
    connection: duckdb.DuckDBPyConnection, workspace: Workspace, *, write: bool, notify: Notify | None
) -> int | None:
    """The version that the store had; a writer brings it up to date."""
    path = workspace.claims_database
    version = schema_version(connection)
    if version is not None and version > SCHEMA_VERSION:
        raise StoreError(
            f"The claims store {path} was made by a newer claimsctl (schema {version}; "
            f"this one knows {SCHEMA_VERSION}).",
            hint="Update claimsctl, or name another workspace with --workspace.",
        )
    if not write or version == SCHEMA_VERSION:
        return version
    if version is not None:
        from claimsctl.store.upgrading import back_up, upgrade

        backup = back_up(connection, path, version)
        if notify is not None:
            notify(f"Upgrading the claims store; the old one is kept as {backup}.")
        connection.execute("BEGIN")
        upgrade(connection, workspace, version)
        connection.execute("UPDATE meta SET value = ? WHERE key = 'schema_version'", [str(SCHEMA_VERSION)])
    else:
        connection.execute("BEGIN")
        connection.execute(TABLES)
        connection.execute("INSERT INTO meta VALUES ('schema_version', ?)", [str(SCHEMA_VERSION)])
    connection.execute("COMMIT")
    return version


def schema_version(connection: duckdb.DuckDBPyConnection) -> int | None:
    """The version of the store's tables; None where there are none yet."""
    from claimsctl.store.engine import duckdb

    try:  # to ask which tables there are takes ten times as long
        row = connection.execute("SELECT value FROM meta WHERE key = 'schema_version'").fetchone()
    except duckdb.CatalogException:
        return None
    return None if row is None else int(row[0])


@contextmanager
def _store_errors(path: Path) -> Iterator[None]:
    try:
        yield
    except ClaimsctlError:
        raise
    except Exception as error:
        from claimsctl.store.engine import duckdb

        # DuckDB 2.0 turns Ctrl-C in a query into this.
        if isinstance(error, RuntimeError) and "interrupted" in str(error):
            raise KeyboardInterrupt from None
        if not isinstance(error, duckdb.Error):
            raise
        raise _translated(error, path) from None  # DuckDB quotes values in its messages


def _translated(error: Exception, path: Path) -> ClaimsctlError:
    message = str(error)
    if any(sign in message for sign in DISK_FULL):
        return StoreError(
            f"Cannot write the claims store {path}: disk or memory is full.",
            hint="Free some space there and run again; what was stored before is untouched.",
        )
    if any(sign in message for sign in _NEWER):
        return StoreError(
            f"The claims store {path} was made by a newer DuckDB than this claimsctl uses.",
            hint="Update claimsctl and its packages, or name another workspace with --workspace.",
        )
    if any(sign in message for sign in _DAMAGED):
        return StoreError(
            f"The claims store {path} is damaged.",
            hint=f"Restore it from a backup, or move it away (mv '{path}' '{path}.damaged') and run the "
            "files again; lines of earlier runs stay in lines/.",
        )
    if "IO Error" in message:
        reason = "permission denied" if "ermission" in message else "the file cannot be opened"
        return StoreError(
            f"Cannot use the claims store {path}: {reason}.",
            hint="Check who may read and write it, or name another workspace with --workspace.",
        )
    return InternalError(f"The claims store refused a query ({type(error).__name__}).")
