"""Drivers: which are installed, what they can do, and how to install what is missing."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from functools import cache
from importlib import metadata
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final

from claimsctl.errors import DriverMissing
from claimsctl.sql.database import Database

_CARRIED: Final = {"sqlite": "Python's sqlite3", "duckdb": "duckdb"}
_MICROSOFT: Final = ("ODBC Driver 18 for SQL Server", "ODBC Driver 17 for SQL Server")
_PACKAGE: Final = "mssql-python-odbc"
"""A package that carries Microsoft's driver as a library; its licence is Microsoft's."""

UNIXODBC: Final = (
    "Install it: apt-get install unixodbc (Debian/Ubuntu), dnf install unixODBC (Fedora/RHEL), "
    "brew install unixodbc (macOS)."
)
MICROSOFT: Final = (
    "Install Microsoft's, after adding its package source (learn.microsoft.com, \"Install the Microsoft ODBC "
    'driver for SQL Server"): ACCEPT_EULA=Y apt-get install msodbcsql18 (Debian/Ubuntu), ACCEPT_EULA=Y dnf '
    "install msodbcsql18 (Fedora/RHEL), brew tap microsoft/mssql-release "
    "https://github.com/Microsoft/homebrew-mssql-release && HOMEBREW_ACCEPT_EULA=Y brew install msodbcsql18 "
    "(macOS). FreeTDS works too, slower: apt-get install tdsodbc, dnf install freetds-libs, brew install "
    "freetds. A driver elsewhere is named by odbc_driver."
)


@dataclass(frozen=True, slots=True)
class OdbcDriver:
    """An ODBC driver for SQL Server, by its name in odbcinst.ini or the path of its library."""

    name: str
    library: str = ""

    @property
    def freetds(self) -> bool:
        """FreeTDS crashes with fast_executemany, and its connections are spoilt by an aborted transaction."""
        words = f"{self.name} {self.library}".lower()
        return "freetds" in words or "tdsodbc" in words

    @property
    def fast(self) -> bool:
        """Whether whole batches of parameters can be sent at once (fast_executemany)."""
        return not self.freetds


def driver_for(database: Database) -> str:
    """The driver that a database is reached by, in words; DriverMissing where it is not installed."""
    if database.dialect == "mssql":
        return odbc_driver_of(database).name
    if database.dialect == "postgresql":
        return f"psycopg {psycopg().__version__}"
    if database.dialect in _CARRIED:
        return _CARRIED[database.dialect]
    try:
        return str(database.parts.get_dialect().import_dbapi().__name__)
    except ImportError as error:
        missing = error.name or database.parts.get_driver_name()
        raise DriverMissing(
            f"{database.name} needs the package {missing}, which is not installed.",
            hint=f"pip install {missing}",
        ) from None


def odbc_driver_of(database: Database) -> OdbcDriver:
    """The ODBC driver for a database, which its settings or `?driver=` of its URL may name."""
    said = {name.lower(): str(value) for name, value in database.parts.query.items()}
    return odbc_driver(database.odbc_driver or said.get("driver"))


def odbc_driver(wanted: str | None) -> OdbcDriver:
    """The driver that settings name (by name or path), else Microsoft's 18 or 17, else FreeTDS.

    DriverMissing says what to install.
    """
    drivers = installed_drivers()
    if wanted is not None:
        return _wanted(wanted, drivers)
    for name in _MICROSOFT:
        if name in drivers:
            return OdbcDriver(name, drivers[name])
    carried = carried_driver()
    if carried is not None:
        return OdbcDriver(str(carried), str(carried))
    for name, library in drivers.items():
        if OdbcDriver(name, library).freetds:
            return OdbcDriver(name, library)
    others = f" (there are {', '.join(drivers)})" if drivers else ""
    raise DriverMissing(f"No ODBC driver for SQL Server is installed{others}.", hint=MICROSOFT)


def _wanted(wanted: str, drivers: dict[str, str]) -> OdbcDriver:
    if "/" in wanted:
        if not Path(wanted).expanduser().is_file():
            raise DriverMissing(f"odbc_driver names {wanted}, which is not there.", hint=MICROSOFT)
        library = str(Path(wanted).expanduser().resolve())
        return OdbcDriver(library, library)
    for name, library in drivers.items():
        if name.lower() == wanted.strip("{}").lower():
            return OdbcDriver(name, library)
    known = f"Installed are {', '.join(drivers)}." if drivers else MICROSOFT
    raise DriverMissing(f"odbc_driver names {wanted}, which odbcinst.ini does not know.", hint=known)


def installed_drivers() -> dict[str, str]:
    """Library by name of every driver in odbcinst.ini."""
    odbc = pyodbc()
    return {name: _library(name) for name in odbc.drivers()}


@cache
def _library(name: str) -> str:
    """The library of a driver, as odbcinst.ini says; "" where it cannot be found."""
    import configparser
    import ctypes

    try:  # unixODBC knows best which files it reads
        odbcinst = ctypes.CDLL("libodbcinst.so.2" if sys.platform != "darwin" else "libodbcinst.2.dylib")
        answer = ctypes.create_string_buffer(4096)
        odbcinst.SQLGetPrivateProfileString(
            name.encode(), b"Driver", b"", answer, len(answer), b"odbcinst.ini"
        )
        return answer.value.decode(errors="replace")
    except (OSError, AttributeError):
        pass
    reader = configparser.ConfigParser(strict=False, interpolation=None)
    reader.read(["/etc/odbcinst.ini", "/usr/local/etc/odbcinst.ini", "/opt/homebrew/etc/odbcinst.ini"])
    return reader.get(name, "Driver", fallback="")


def carried_driver() -> Path | None:
    """Microsoft's driver from the package that carries it, for this system."""
    try:
        files = metadata.files(_PACKAGE) or []
    except metadata.PackageNotFoundError:
        return None
    found = [
        Path(str(each.locate())) for each in files if "msodbcsql" in each.name and _is_library(each.name)
    ]
    return next((path for path in found if _loads(path)), None)


def _is_library(name: str) -> bool:
    return ".so" in name or name.endswith(".dylib")


def _loads(path: Path) -> bool:
    """Packages carry libraries for several systems."""
    import ctypes

    try:
        ctypes.CDLL(str(path))
    except OSError:
        return False
    return True


def pyodbc() -> Any:
    """The module; DriverMissing where it, or unixODBC below it, is not installed."""
    try:
        import pyodbc as module
    except ImportError as error:
        if find_spec("pyodbc") is None:
            raise DriverMissing(
                "SQL Server needs a further package.", hint="pip install 'claimsctl[sqlserver]'"
            ) from None
        if "libodbc" in str(error):
            raise DriverMissing("unixODBC is not installed.", hint=f"{UNIXODBC} {MICROSOFT}") from None
        raise DriverMissing(
            f"pyodbc cannot be loaded: {error}.", hint="pip install --force-reinstall 'claimsctl[sqlserver]'"
        ) from None
    return module


def psycopg() -> Any:
    """The module; DriverMissing where it, or libpq below it, is not installed."""
    try:
        import psycopg as module
    except ImportError:
        raise DriverMissing(
            "PostgreSQL needs a further package.", hint="pip install 'claimsctl[postgres]'"
        ) from None
    return module
