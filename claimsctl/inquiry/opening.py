"""The claims store, opened to be asked."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from claimsctl.store.database import (
    Notify,
    bring_up_to_date,
    empty_store,
    open_store,
    schema_version,
)
from claimsctl.store.schema import SCHEMA_VERSION
from claimsctl.store.workspace import Workspace

if TYPE_CHECKING:
    import duckdb

WAIT_SECONDS: Final = 60.0
"""A run holds the store only while it commits."""


@contextmanager
def reading(workspace: Workspace, notify: Notify | None = None) -> Iterator[duckdb.DuckDBPyConnection]:
    """A connection for the block; an older store is upgraded first, one that is not there yet is empty.

    Raises StoreError, as when a writer keeps it longer than WAIT_SECONDS.
    """
    if not workspace.claims_database.exists():
        with empty_store() as nothing:
            yield nothing
        return
    with open_store(workspace, write=False, notify=notify, wait_seconds=WAIT_SECONDS) as connection:
        if schema_version(connection) == SCHEMA_VERSION:
            yield connection
            return
    bring_up_to_date(workspace, notify=notify)
    with open_store(workspace, write=False, notify=notify, wait_seconds=WAIT_SECONDS) as connection:
        yield connection
