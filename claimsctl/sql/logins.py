"""What drivers are given to log in: TLS over every network unless settings say otherwise, and timeouts."""

from __future__ import annotations

import re
from typing import Any, Final

from claimsctl.errors import SettingsError
from claimsctl.sql.database import Database
from claimsctl.sql.drivers import OdbcDriver

LOGIN_SECONDS: Final = 15
"""How long a server may take to let us in."""


def postgresql_options(database: Database) -> dict[str, Any]:
    """What psycopg is given to connect: encrypted over a network, with timeouts, text as UTF-8."""
    parts = database.parts
    given: dict[str, Any] = {
        "host": parts.host, "port": parts.port, "dbname": parts.database, "user": parts.username,
        "password": database.password, "connect_timeout": LOGIN_SECONDS, "application_name": "claimsctl",
        "client_encoding": "utf8", "keepalives_idle": 30, "keepalives_interval": 10, "keepalives_count": 3,
        "sslmode": _sslmode(database),
    }  # fmt: skip
    if given["sslmode"] == "verify-full":
        given["sslrootcert"] = str(database.ca_file) if database.ca_file else "system"
    given |= {**parts.query, "host": database.host or None}
    return {name: value for name, value in given.items() if value is not None}


def checks_certificate(database: Database, driver: OdbcDriver | None) -> bool:
    """Whether the server must prove who it is."""
    if database.dialect == "postgresql":
        return str(postgresql_options(database).get("sslmode", "")).startswith("verify")
    if driver is None or driver.freetds or database.encrypt == "no":
        return False
    return database.encrypt == "strict" or not database.trust_server_certificate


def _sslmode(database: Database) -> str | None:
    """libpq's word; None: as libpq does it, which tries TLS first."""
    if database.encrypt == "no":
        return "disable"
    if (
        database.ca_file is not None
        or database.encrypt == "strict"
        or database.trust_server_certificate is False
    ):
        return "verify-full"
    return None if database.local and database.encrypt is None else "require"


def odbc_text(database: Database, driver: OdbcDriver) -> str:
    """The connection string for pyodbc; it holds the password."""
    parts = database.parts
    login = {"UID": parts.username or None, "PWD": database.password}
    if database.trusted_connection:
        login = {"Trusted_Connection": "yes"}
    own = _freetds_words(database) if driver.freetds else _microsoft_words(database)
    given: dict[str, str | None] = {
        "DRIVER": driver.name, **own, "DATABASE": parts.database, "APP": "claimsctl", **login
    }  # fmt: skip
    said = {name: str(value) for name, value in parts.query.items() if name.lower() != "driver"}
    spelt = {name.lower() for name in said}
    given = {**{name: value for name, value in given.items() if name.lower() not in spelt}, **said}
    return "".join(f"{name}={_braced(value)};" for name, value in given.items() if value is not None)


def _microsoft_words(database: Database) -> dict[str, str | None]:
    if database.ca_file is not None and database.encrypt != "strict":
        raise SettingsError(
            f"{database.name}: Microsoft's driver trusts the certificates of the system, and takes ca_file "
            'only with encrypt = "strict".',
            hint="Add the certificate to those of the system, and take ca_file out.",
        )
    return {
        "SERVER": f"tcp:{database.host or 'localhost'}" + (f",{database.port}" if database.port else ""),
        "Encrypt": database.encrypt or "yes",
        "TrustServerCertificate": "yes" if database.trust_server_certificate else "no",
        "ServerCertificate": str(database.ca_file) if database.ca_file is not None else None,
        "UseFMTONLY": "yes",  # else fast_executemany asks for a description of the parameters at every call
    }


def _freetds_words(database: Database) -> dict[str, str | None]:
    verified = database.encrypt == "strict" or database.trust_server_certificate is False
    if verified or database.ca_file is not None:
        raise SettingsError(
            f"{database.name}: a connection of FreeTDS cannot be told to check the server's certificate.",
            hint='Use Microsoft\'s driver; or set "ca file" in freetds.conf, '
            "and take encrypt, trust_server_certificate and ca_file out.",
        )
    return {
        "SERVER": database.host or "localhost",
        "PORT": str(database.port) if database.port else None,
        "TDS_Version": "7.4",
        "ClientCharset": "UTF-8",
        "Encryption": "off" if database.encrypt == "no" else "require",
    }


def _braced(value: str) -> str:
    """A value that cannot end where it should not."""
    return value if re.fullmatch(r"[\w.:,/-]*", value) else "{" + value.replace("}", "}}") + "}"
