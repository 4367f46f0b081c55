"""Why a database cannot be reached, in words a person can act on; drivers say it in many ways."""

from __future__ import annotations

import re
import socket
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from claimsctl.errors import ClaimsctlError, ConnectError, DriverMissing, LoginRefused, PermissionDenied
from claimsctl.sql.database import PASSWORD_VARIABLE, Database

if TYPE_CHECKING:
    from claimsctl.sql.drivers import OdbcDriver

_PROBE_SECONDS: Final = 3.0
_LOGIN: Final = (
    "password authentication failed", "authentication failed", "login failed", "no password supplied",
    "role .* does not exist", "no pg_hba.conf entry", "not permitted to log in", "access denied for user",
    "permission denied for database", "pg_hba.conf rejects", "user name or password",
)  # fmt: skip
_NO_PASSWORD: Final = ("no password supplied",)
_NO_DATABASE: Final = ('database ".*" does not exist', "cannot open database", "unknown database")
_TLS: Final = (
    "does not support ssl", "ssl was required", "certificate", "ssl error", "ssl provider", "tls", "openssl",
    "encryption",
)  # fmt: skip
_FULL: Final = ("too many clients", "too many connections", "remaining connection slots")
_NOT_YET: Final = ("starting up", "shutting down", "in recovery")
_LOCKED: Final = ("could not set lock", "database is locked", "conflicting lock")
_DENIED: Final = (
    "permission denied", "permission was denied", "must be owner", "readonly database", "read-only",
    "do(es)? not have permission", "insufficient privilege",
)  # fmt: skip
_NO_LIBRARY: Final = ("can't open lib", "data source name not found", "specified driver could not be loaded")


def refusal(database: Database, error: BaseException | None, driver: OdbcDriver | None) -> ClaimsctlError:
    """The error to tell of one of a driver. It names user and place, never the password."""
    said = words_of(error, database.password)
    if database.file is not None:
        return _of_file(database, said)
    if _has(said, _NO_LIBRARY):
        name = driver.name if driver is not None else "of the database"
        return DriverMissing(f"The ODBC driver {name} cannot be loaded: {said}", hint="Check odbc_driver.")
    for about in (_login, _of_server, _tls):
        found = about(database, said)
        if found is not None:
            return found
    why = unreachable(database)
    if why is not None:
        return why
    hint = "Running again may help."
    if database.dialect == "mssql" and "unable to connect" in said.lower():  # FreeTDS says no more than that
        hint = "Something answers there: perhaps it does not encrypt connections, or is no SQL Server."
    return ConnectError(f"{_named(database)} cannot be reached: {said}", hint=hint)


def words_of(error: BaseException | None, password: str | None) -> str:
    """What a driver says, as one line without names of drivers and without the password."""
    text = str(error.args[-1] if error is not None and error.args else error)
    if password:
        text = text.replace(password, "***")
    text = re.sub(r"(^|; )(\[[^\[\]]*\]\s*)+", r"\1", text)
    text = re.sub(r"\(SQL\w+\)", "", text)
    words = " ".join(text.split())
    words = words if len(words) <= 300 else words[:297] + "..."
    return words.rstrip(" .") + "."


def statement_refusal(database: Database, error: BaseException, doing: str) -> ClaimsctlError:
    """The error to tell of a statement without patient data in it that a database refused."""
    original = getattr(error, "orig", None) or error
    said = words_of(original, database.password)
    state = str(getattr(original, "sqlstate", None) or original.args[0] if original.args else "")
    if state == "42501" or _has(said, _DENIED):
        return PermissionDenied(
            f"{_named(database)}: the user may not {doing}: {said}",
            hint="Ask its administrator for the right.",
        )
    return ConnectError(f"{_named(database)} could not {doing}: {said}")


def _login(database: Database, said: str) -> ClaimsctlError | None:
    parts = database.parts
    if _has(said, _NO_DATABASE):
        return ConnectError(
            f"{_named(database)}: the server has no database {parts.database}, or {parts.username} may not "
            "enter it.",
            hint="Check its name, or have it created; claimsctl creates tables, not databases.",
        )
    if "no pg_hba.conf entry" in said or "pg_hba.conf rejects" in said:
        return LoginRefused(
            f"{_named(database)}: the server lets {parts.username} not in from here (pg_hba.conf).",
            hint="Have its administrator allow this user, database, address and encryption.",
        )
    if not _has(said, _LOGIN):
        return None
    if _has(said, _NO_PASSWORD) or (database.password is None and not database.trusted_connection):
        return LoginRefused(
            f"{_named(database)}: the server asks for a password, and none is set.",
            hint=f'Set password = "env:NAME" in [sql.{database.name}], or {PASSWORD_VARIABLE} for a URL.',
        )
    return LoginRefused(
        f"{_named(database)}: the server refuses the user {parts.username} or the password.",
        hint="Check both, and whether the user may log in from here.",
    )


def _of_server(database: Database, said: str) -> ClaimsctlError | None:
    if _has(said, _FULL):
        return ConnectError(f"{_named(database)} has no connection left.", hint="Run again later.")
    if _has(said, _NOT_YET):
        return ConnectError(f"{_named(database)} is starting or stopping.", hint="Run again in a moment.")
    return None


def _tls(database: Database, said: str) -> ClaimsctlError | None:
    if not _has(said, _TLS):
        return None
    if "does not support ssl" in said.lower():
        return ConnectError(
            f"{_named(database)} does not encrypt connections, and patient data would go unprotected.",
            hint='Have TLS turned on there; in a network you trust, set encrypt = "no".',
        )
    if "certificate" in said.lower():
        return ConnectError(
            f"{_named(database)}: the certificate of the server is not trusted: {said}",
            hint="Name the certificate of its issuer (ca_file, or those of the system); in a network you "
            "trust, set trust_server_certificate = true.",
        )
    return ConnectError(
        f"{_named(database)}: no encrypted connection came about: {said}",
        hint="Check encrypt, trust_server_certificate and ca_file of the database.",
    )


def unreachable(database: Database) -> ClaimsctlError | None:
    """What the network itself says: drivers fold several causes into one."""
    host, port = database.host or "localhost", database.port
    if host.startswith("/") or "," in host or port is None:
        return None
    try:
        socket.create_connection((host, port), timeout=_PROBE_SECONDS).close()
    except socket.gaierror:
        return ConnectError(
            f"{_named(database)}: no machine is called {host}.",
            hint="Check the name, and the network or VPN.",
        )
    except TimeoutError:
        return ConnectError(
            f"{_named(database)}: {host} does not answer.", hint="Check the network, the VPN and firewalls."
        )
    except OSError as error:
        return ConnectError(
            f"{_named(database)}: nothing listens at port {port} of {host} ({error.strerror}).",
            hint="Check whether the server runs, and the port.",
        )
    return None


def _of_file(database: Database, said: str) -> ClaimsctlError:
    if _has(said, _LOCKED):
        return ConnectError(
            f"Another process has {database.file} open.", hint="Wait for it to end, then run again."
        )
    return ConnectError(f"{database.file} cannot be opened as a {database.dialect} database: {said}")


def _named(database: Database) -> str:
    return f"Database {database.name} ({database.place})"


def _has(said: str, patterns: Sequence[str]) -> bool:
    return any(re.search(pattern, said, re.IGNORECASE) for pattern in patterns)
