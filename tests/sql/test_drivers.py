"""Which ODBC driver is taken, and what is said where one is missing."""

from __future__ import annotations

import builtins
import sys
from pathlib import Path
from typing import Any

import pytest

from claimsctl.errors import DriverMissing
from claimsctl.sql import drivers
from claimsctl.sql.database import Database, parse_url

FREETDS = "/usr/lib/odbc/libtdsodbc.so"


@pytest.fixture
def installed(monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    there: dict[str, str] = {}
    monkeypatch.setattr(drivers, "installed_drivers", lambda: there)
    monkeypatch.setattr(drivers, "carried_driver", lambda: None)
    return there


def test_microsofts_newest_goes_first(installed: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(DriverMissing, match="No ODBC driver for SQL Server is installed\\.") as caught:
        drivers.odbc_driver(None)
    assert "msodbcsql18" in str(caught.value)
    installed["SQLite3"] = "libsqlite3odbc.so"
    with pytest.raises(DriverMissing, match="there are SQLite3"):
        drivers.odbc_driver(None)
    installed["TDS"] = FREETDS
    assert drivers.odbc_driver(None).freetds
    monkeypatch.setattr(drivers, "carried_driver", lambda: Path("/site/libmsodbcsql-18.6.so.2.1"))
    assert drivers.odbc_driver(None).name == "/site/libmsodbcsql-18.6.so.2.1"
    installed["ODBC Driver 17 for SQL Server"] = "/opt/17.so"
    assert drivers.odbc_driver(None).library == "/opt/17.so"
    installed["ODBC Driver 18 for SQL Server"] = "/opt/18.so"
    assert drivers.odbc_driver(None).fast


def test_settings_name_a_driver_by_name_or_path(installed: dict[str, str], tmp_path: Path) -> None:
    installed["TDS"] = FREETDS
    assert drivers.odbc_driver("tds").freetds
    assert drivers.odbc_driver_of(Database("x", parse_url("mssql://u@h/d?driver=tds"))).freetds
    (tmp_path / "libtdsodbc.so").touch()
    assert drivers.odbc_driver(str(tmp_path / "libtdsodbc.so")).freetds
    with pytest.raises(DriverMissing, match=r"odbcinst.ini does not know. Installed are TDS"):
        drivers.odbc_driver("ODBC Driver 18 for SQL Server")
    with pytest.raises(DriverMissing, match="which is not there"):
        drivers.odbc_driver("/nowhere/lib.so")


@pytest.mark.parametrize(
    ("module", "trouble", "said"),
    [
        ("pyodbc", None, "pip install 'claimsctl[sqlserver]'"),
        (
            "pyodbc",
            "libodbc.so.2: cannot open shared object file",
            "apt-get install unixodbc (Debian/Ubuntu)",
        ),
        ("pyodbc", "undefined symbol: x", "pip install --force-reinstall"),
        ("psycopg", None, "pip install 'claimsctl[postgres]'"),
    ],
)
def test_what_is_not_installed_is_told_with_the_steps(
    monkeypatch: pytest.MonkeyPatch, module: str, trouble: str | None, said: str
) -> None:
    real = builtins.__import__

    def importing(name: str, *rest: Any, **more: Any) -> Any:
        if name == module:
            raise ImportError(trouble or f"No module named '{module}'")
        return real(name, *rest, **more)

    monkeypatch.delitem(sys.modules, module, raising=False)
    monkeypatch.setattr(builtins, "__import__", importing)
    monkeypatch.setattr(drivers, "find_spec", lambda _: None if trouble is None else object())
    with pytest.raises(DriverMissing) as caught:
        getattr(drivers, module)()
    assert said in str(caught.value)
    assert caught.value.exit_code == 2


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("sqlite:////a.db", "Python's sqlite3"),
        ("duckdb:////a.db", "duckdb"),
        ("postgresql://u@h/d", "psycopg "),
    ],
)
def test_every_database_has_a_driver(url: str, said: str) -> None:
    assert drivers.driver_for(Database("x", parse_url(url))).startswith(said)
