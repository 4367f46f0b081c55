"""What a workspace works with: settings, rules, reference tables, drivers, the software itself."""

from __future__ import annotations

import configparser
import ctypes.util
import os
import platform
from collections.abc import Iterator
from datetime import date
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path
from typing import Final

from claimsctl import __version__
from claimsctl.doctor.check import Check
from claimsctl.doctor.words import counted
from claimsctl.process.house_terms import house_rulebook
from claimsctl.reference.editions import EditionStore
from claimsctl.reference.names import DECLARED
from claimsctl.reference.publishers import publishers
from claimsctl.reference.tables import Tables
from claimsctl.settings import Settings
from claimsctl.validate.ruleset import Selection

_PACKAGES: Final = ("polars", "duckdb", "sqlalchemy", "pydantic", "cryptography")


def rules_checks(settings: Settings) -> Iterator[Check]:
    """Whether settings and rule packs fit together, as a run would read them today."""
    yield Check("settings", "ok", f"{settings.file} is in order." if settings.file else "All are defaults.")
    practice = settings.process.practice or next(iter(settings.practice), "default")
    settings.practice_named(practice)
    book = house_rulebook(settings, Selection(), (), practice_id=practice, run_date=date.today())
    own = sorted((settings.workspace / "rules").glob("*.toml"))
    says = f"{counted(len(book.ruleset.rules), 'rule')}, {counted(len(own), 'pack')} of the house."
    yield Check("rules", "ok", says)
    for ended in book.control.expired:
        yield Check(
            "rules", "warning", f"The suppression of {ended.code} ended on {ended.until}.",
            "Take it out of claimsctl.toml, or give it a new day and reason.",
        )  # fmt: skip


def edition_checks(directory: Path) -> Iterator[Check]:
    """Loaded editions as they were loaded; tables whose newest edition has ended; tables nobody has."""
    store = EditionStore(directory)
    for edition, problem in store.verify():
        if problem is not None:
            yield Check(
                "editions", "wrong", f"{edition.table} {edition.name}: {problem}.",
                f"claimsctl reference remove {edition.table} {edition.name}, and load it again.",
            )  # fmt: skip
    tables = Tables.shipped().with_editions(store)
    today, fetched = date.today(), publishers()
    old = [(name, tables[name].ends) for name in tables]
    ended: dict[date, list[str]] = {}
    for name, end in old:
        if end is not None and end < today:
            ended.setdefault(end, []).append(name)
    for end, names in sorted(ended.items()):
        age = counted((today - end).days, "day")
        orders = [f"claimsctl reference fetch {name}" for name in names if name in fetched]
        yield Check(
            "editions", "warning",
            f"{', '.join(names)} ended on {end}, {age} ago; later lines meet the old edition.",
            "; ".join(orders) or "claimsctl reference load FILE",
        )  # fmt: skip
    absent = sorted(DECLARED - set(tables))
    if absent:
        yield Check(
            "editions", "note", f"{counted(len(absent), 'table')} that rules ask for and nobody has loaded.",
            "claimsctl reference list names them; rules on them are reported as not run.",
        )  # fmt: skip
    yield Check("editions", "ok", f"{counted(len(tables), 'table')}, {len(store.tables()):,} of them loaded.")


def driver_checks() -> Iterator[Check]:
    """ODBC, which SQL Server needs; nothing else does."""
    drivers = odbc_drivers()
    manager = ctypes.util.find_library("odbc") is not None
    if find_spec("pyodbc") is not None and manager and drivers:
        yield Check("drivers", "ok", f"ODBC: {', '.join(drivers)}.")
        return
    lacks = [
        what
        for what, there in (
            ("the Python package pyodbc", find_spec("pyodbc") is not None),
            ("a driver manager (unixODBC)", manager),
            ("a driver for SQL Server", bool(drivers)),
        )
        if not there
    ]
    yield Check(
        "drivers", "note", f"ODBC is not set up; missing: {', '.join(lacks)}.",
        "Nothing to do unless you use SQL Server (docs/sql.md).",
    )  # fmt: skip


def odbc_drivers() -> list[str]:
    """Names of installed ODBC drivers, as odbcinst.ini lists them."""
    folder = os.environ.get("ODBCSYSINI")
    places = [Path(folder)] if folder else [Path("/etc"), Path("/usr/local/etc"), Path("/opt/homebrew/etc")]
    names: set[str] = set()
    for path in (*(place / "odbcinst.ini" for place in places), Path.home() / ".odbcinst.ini"):
        listed = configparser.ConfigParser(strict=False, interpolation=None)
        try:
            listed.read(path)
        except (configparser.Error, UnicodeDecodeError):
            continue
        names.update(name for name in listed.sections() if name != "ODBC Drivers")
    return sorted(names)


def software_checks() -> Iterator[Check]:
    """Versions, for reports of trouble."""
    found = []
    for name in _PACKAGES:
        try:
            found.append(f"{name} {version(name)}")
        except PackageNotFoundError:  # an unusual installation; imports tell when it matters
            continue
    python = f"Python {platform.python_version()} on {platform.system()}"
    yield Check("software", "ok", f"claimsctl {__version__}, {python}, {', '.join(found)}.")
