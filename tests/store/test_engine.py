"""The store's engine is DuckDB's, without what its package adds in Python."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path


def test_a_store_is_asked_without_the_relations_of_the_package(tmp_path: Path) -> None:
    code = (
        "import sys; from pathlib import Path\n"
        "from claimsctl.store.database import open_store, schema_version\n"
        "from claimsctl.store.schema import SCHEMA_VERSION\n"
        "from claimsctl.store.workspace import Workspace\n"
        f"workspace = Workspace.open(Path({str(tmp_path)!r}))\n"
        "for write in (True, False):\n"
        "    with open_store(workspace, write=write) as connection:\n"
        "        assert schema_version(connection) == SCHEMA_VERSION\n"
        "print(sorted({'duckdb', '_duckdb'} & set(sys.modules)))\n"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert ran.stdout == "['_duckdb']\n", ran.stderr


def test_whoever_imports_the_package_has_the_same_engine() -> None:
    import duckdb

    from claimsctl.store.engine import duckdb as engine

    assert engine.DuckDBPyConnection is duckdb.DuckDBPyConnection
    assert engine.Error is duckdb.Error
    with engine.connect(":memory:") as connection:
        assert connection.sql("SELECT 1").fetchall() == [(1,)]
