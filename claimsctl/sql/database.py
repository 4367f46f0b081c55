"""A database to read from or write to: where it is, how it is reached, what its tables are called.

The password is apart from the URL, and neither `repr` nor a message shows it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal

from claimsctl.errors import UsageError
from claimsctl.security.policy import Phi

if TYPE_CHECKING:
    from sqlalchemy import URL

    from claimsctl.security.keys import KeyOwner

Dialect = Literal["mssql", "postgresql", "duckdb", "sqlite", "other"]
Encrypt = Literal["yes", "no", "strict"]

PASSWORD_VARIABLE: Final = "CLAIMSCTL_SQL_PASSWORD"  # noqa: S105 - its name
"""The environment variable that holds the password of a URL of the command line."""
EXAMPLES: Final[Mapping[str, str]] = {
    "postgresql": "postgresql://user@host/database",
    "mssql+pyodbc": "mssql+pyodbc://user@host:1433/database",
    "sqlite": "sqlite:////path/file.db",
    "duckdb": "duckdb:////path/file.duckdb",
}
"""A URL of every kind of database that claims can be written to."""

_DIALECTS: Final[Mapping[str, Dialect]] = {
    "postgresql": "postgresql", "postgres": "postgresql", "mssql": "mssql", "duckdb": "duckdb",
    "sqlite": "sqlite",
}  # fmt: skip
_PORTS: Final[Mapping[Dialect, int]] = {"postgresql": 5432, "mssql": 1433}
_FILES: Final = ("sqlite", "duckdb")
_SECRET_WORDS: Final = frozenset({"password", "pwd", "passwd", "odbc_connect", "sslpassword", "passfile"})
_LOCAL: Final = frozenset({"", "localhost", "127.0.0.1", "::1"})
_SIMILAR: Final = {
    "sqlserver": "mssql+pyodbc", "jdbc": "mssql+pyodbc", "odbc": "mssql+pyodbc", "tds": "mssql+pyodbc",
    "pg": "postgresql", "psql": "postgresql", "file": "sqlite", "sqlite3": "sqlite",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class HouseTable:
    """A table of the house that takes the place of one of ours; `columns` gives theirs by our name."""

    table: str
    columns: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Source:
    """What is read from a database: a table or view, or a query; `order_by` makes its order stable.

    `watermark` is the column that grows with every new row; `write_back` the table that gets the outcome,
    by the columns `write_back_key` of the source (none: its primary key), made where `write_back_create`.
    """

    table: str | None = None
    query: str | None = None
    where: str | None = None
    order_by: tuple[str, ...] = ()
    watermark: str | None = None
    write_back: str | None = None
    write_back_key: tuple[str, ...] = ()
    write_back_create: bool = False


@dataclass(frozen=True, slots=True)
class Database:
    """A database; `name` is that of its settings table, or is made from the URL.

    None for `phi`: not decided yet. None for `encrypt` and `trust_server_certificate`: as is safe for the
    place (see logins.py). Paths in `url` are absolute. `given` is what the user typed for it.
    """

    name: str
    url: str
    password: str | None = field(default=None, repr=False)
    schema: str | None = None
    prefix: str = "claimsctl_"
    phi: Phi | None = None
    tables: Mapping[str, HouseTable] = field(default_factory=dict)
    batch_claims: int = 2000
    encrypt: Encrypt | None = None
    trust_server_certificate: bool | None = None
    ca_file: Path | None = None
    odbc_driver: str | None = None
    trusted_connection: bool = False
    source: Source = field(default_factory=Source)
    given: str = ""

    def recorded(self, workspace: KeyOwner) -> str:
        """Its name for the audit file: that of the settings; of a URL, which may name a file, a hash."""
        from claimsctl.security.audit_names import hidden

        return hidden(workspace, self.url) if is_url(self.given) else self.name

    @property
    def dialect(self) -> Dialect:
        """The dialect by the scheme of the URL; "other" for what SQLAlchemy may know besides."""
        return _DIALECTS.get(self.url.partition(":")[0].partition("+")[0].lower(), "other")

    @property
    def file(self) -> Path | None:
        """The file of a DuckDB or SQLite database."""
        if self.dialect not in _FILES:
            return None
        return Path(self.url.partition(":///")[2])

    @property
    def parts(self) -> URL:
        """The URL taken apart."""
        from sqlalchemy import make_url

        return make_url(self.url)

    @property
    def local(self) -> bool:
        """Whether the server is this machine, so that nothing travels over a network."""
        return self.host in _LOCAL or self.host.startswith("/")

    @property
    def host(self) -> str:
        """The server as the URL names it: a machine, several by commas, a directory of sockets, or "".

        SQL Server may be named with an instance, as in "machine\\SQLEXPRESS".
        """
        said = self.parts.query.get("host")
        return (said if isinstance(said, str) else ",".join(said or ())) or self.parts.host or ""

    @property
    def port(self) -> int | None:
        """The port; None where an instance is named, which has a port of its own."""
        return self.parts.port or (None if "\\" in self.host else _PORTS.get(self.dialect))

    @property
    def place(self) -> str:
        """Where it is, for messages: "claims at db.example:5432 as loader", or its file."""
        if self.file is not None:
            return str(self.file)
        parts = self.parts
        host, port = self.host or "this machine", self.port
        user = f" as {parts.username}" if parts.username else ""
        return f"{parts.database or 'the default database'} at {host}{f':{port}' if port else ''}{user}"

    def table_name(self, table: str) -> str:
        """The name of one of our tables in this database, without schema."""
        house = self.tables.get(table)
        return house.table if house is not None else f"{self.prefix}{table}"


def is_url(text: str) -> bool:
    """Whether a text is meant as a URL rather than as the name of a settings table."""
    return "://" in text or (text.partition(":")[0].lower() in (*_DIALECTS, *_SIMILAR) and ":" in text)


def parse_url(text: str, *, base: Path | None = None, said: str = "The database URL") -> str:
    """The URL in its one form: known scheme, no password, files by absolute path (beside `base`).

    UsageError says what is wrong without repeating what may be a password; `said` names the setting
    where it is one.
    """
    from sqlalchemy import make_url
    from sqlalchemy.exc import ArgumentError

    scheme = text.partition(":")[0].lower()
    _check_scheme(scheme, said)
    if scheme in _FILES:
        return _of_file(text, scheme, base, said)
    try:
        url = make_url(text)
    except (ArgumentError, ValueError):
        raise UsageError(f"{said} cannot be read.", hint=f"Write it as {_example(scheme)}.") from None
    if url.password or _SECRET_WORDS & {name.lower() for name in url.query}:
        raise UsageError(
            f"{said} holds a password, which others could read. Take it out.", hint=_instead(scheme)
        )
    if not url.database and _DIALECTS.get(scheme.partition("+")[0]) in _PORTS:
        raise UsageError(f"{said} names no database.", hint=f"Write it as {_example(scheme)}.")
    url = url._replace(password=None)  # which was empty, as some tools write it
    if scheme in ("postgres", "postgresql", "mssql"):
        url = url.set(drivername={"mssql": "mssql+pyodbc"}.get(scheme, "postgresql+psycopg"))
    return url.render_as_string(hide_password=False)


def name_of(url: str) -> str:
    """A name made from a URL, fit for a directory: "db.example-claims"."""
    from sqlalchemy import make_url

    if url.startswith(_FILES):
        words = [Path(url).stem]
    else:
        parts = make_url(url)
        words = [parts.host or "", parts.database or parts.get_backend_name()]
    return (
        re.sub(r"[^A-Za-z0-9._-]+", "_", "-".join(word for word in words if word)).strip("._-") or "database"
    )


def _of_file(text: str, scheme: str, base: Path | None, said: str) -> str:
    """By hand: a name of a file may hold what means something in a URL."""
    _, _, name = text.partition(":///")
    if not name or name == ":memory:":
        raise UsageError(f"{said} names no file.", hint=f"Write it as {EXAMPLES[scheme]}.")
    path = Path(name).expanduser()
    path = path if path.is_absolute() else (base or Path.cwd()) / path
    return f"{scheme}:///{path}"


def _check_scheme(scheme: str, said: str) -> None:
    from sqlalchemy.dialects import registry
    from sqlalchemy.exc import NoSuchModuleError

    if scheme in (*_DIALECTS, "postgresql+psycopg", "mssql+pyodbc"):
        return
    known = scheme.partition("+")[0]
    if known not in _DIALECTS:
        try:
            registry.load(scheme.replace("+", "."))
        except (NoSuchModuleError, ImportError):
            pass
        else:
            return
    raise UsageError(f"{said} begins with {scheme}:, which is no database I know.", hint=_near(scheme))


def _near(scheme: str) -> str:
    from difflib import get_close_matches

    known = scheme.partition("+")[0]
    canonical = {"mssql": "mssql+pyodbc", "postgres": "postgresql"}
    near = _SIMILAR.get(known) or next(iter(get_close_matches(known, _DIALECTS, n=1, cutoff=0.6)), None)
    if near is None:
        return f"Known are {_listed(EXAMPLES.values())}."
    return f"Did you mean {EXAMPLES[canonical.get(near, near)]}?"


def _instead(scheme: str) -> str:
    own = " PostgreSQL's own PGPASSWORD and ~/.pgpass work too." if scheme.startswith("postgres") else ""
    return (
        "Say where it is kept in a table [sql.<name>] of claimsctl.toml and name that table: "
        'password = "env:NAME", "file:PATH" or "keyring:service/user". Or, for a URL of the command line, '
        f"set the environment variable {PASSWORD_VARIABLE}.{own}"
    )


def _example(scheme: str) -> str:
    canonical = {"mssql": "mssql+pyodbc", "postgres": "postgresql", "postgresql+psycopg": "postgresql"}
    return EXAMPLES.get(canonical.get(scheme, scheme), EXAMPLES["postgresql"])


def _listed(texts: Iterable[str]) -> str:
    return ", ".join(texts)
