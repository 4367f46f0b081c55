"""Fixtures: a SQL Server to talk to. Without ODBC drivers tests skip, and say what to install."""

from __future__ import annotations

import os
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path

import pytest
from sqlalchemy import make_url

from claimsctl.errors import ClaimsctlError
from claimsctl.sql.connect import connect
from claimsctl.sql.database import Database
from claimsctl.sql.drivers import carried_driver, installed_drivers, odbc_driver
from tests.tds.remote import RemoteServer

REAL = "CLAIMSCTL_TEST_MSSQL_URL"
_NUMBERS = count(1)


def found_driver(name: str) -> str:
    """The name or path of FreeTDS's or Microsoft's driver; skips the test where it is not installed."""
    try:
        drivers = installed_drivers()
    except ClaimsctlError as error:
        pytest.skip(f"{error.message} make test-sql installs it.")
    wanted = "freetds" if name == "FreeTDS" else "odbc driver 18 for sql server"
    for each in drivers:
        if each.lower() == wanted:
            return each
    if name == "Microsoft" and (path := carried_driver()) is not None:
        return str(path)
    how = "make test-sql installs it" if name == "FreeTDS" else "ACCEPT_EULA=Y make test-sql installs it"
    pytest.skip(f"The ODBC driver {name} is not installed; {how}.")


def certificate(directory: Path) -> tuple[Path, Path]:
    """A certificate that nobody signed, and its key."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import rsa

    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(UTC)
    signed = (
        x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
        .serial_number(1).not_valid_before(now - timedelta(days=1)).not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .sign(key, hashes.SHA256())
    )  # fmt: skip
    files = directory / "server.crt", directory / "server.key"
    files[0].write_bytes(signed.public_bytes(serialization.Encoding.PEM))
    form = serialization.PrivateFormat.TraditionalOpenSSL
    files[1].write_bytes(key.private_bytes(serialization.Encoding.PEM, form, serialization.NoEncryption()))
    return files


@pytest.fixture(scope="session")
def tds_process(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RemoteServer]:
    """One server for all tests of a worker; skips where nothing could talk to it."""
    try:
        odbc_driver(None)
    except ClaimsctlError as error:
        pytest.skip(f"{error.message} make test-sql installs one.")
    directory = tmp_path_factory.mktemp("tds")
    crt, key = certificate(directory)
    with RemoteServer(directory, certificate=crt, key=key) as server:
        yield server


@pytest.fixture
def tds(tds_process: RemoteServer) -> RemoteServer:
    """The test server without tables, faults and log."""
    tds_process.clean()
    return tds_process


@pytest.fixture(params=["FreeTDS", "Microsoft"])
def driver(request: pytest.FixtureRequest) -> str:
    """Every driver that is installed, by name or path."""
    return found_driver(request.param)


@pytest.fixture
def tds_database(driver: str, tds: RemoteServer) -> Database:
    """The test server's database, through every driver."""
    return database_of(tds, driver)


def database_of(server: RemoteServer, driver: str | None, **options: object) -> Database:
    """The test server as settings would name it."""
    url = f"mssql+pyodbc://{server.user}@127.0.0.1:{server.port}/claims"
    given: dict[str, object] = {
        "password": server.password,
        "encrypt": "no",
        "odbc_driver": driver,
        **options,
    }
    return Database("production", url, **given)  # type: ignore[arg-type]


@pytest.fixture
def mssql(driver: str, request: pytest.FixtureRequest) -> Iterator[Database]:
    """An empty SQL Server: the real one that CLAIMSCTL_TEST_MSSQL_URL names, else the test server."""
    real = os.environ.get(REAL)
    if real is None:
        yield database_of(request.getfixturevalue("tds"), driver)
        return
    url = make_url(real)
    schema = f"claimsctl_test_{os.getpid()}_{next(_NUMBERS)}"
    bare = url.set(drivername="mssql+pyodbc")._replace(password=None)
    text = bare.render_as_string(hide_password=False)
    password = str(url.password) if url.password is not None else None
    options = {"odbc_driver": driver, "schema": schema, "trust_server_certificate": True}
    database = Database("production", text, password=password, **options)  # type: ignore[arg-type]
    with connect(database) as connection:
        connection.execute(f"CREATE SCHEMA [{schema}]")
    yield database
    with connect(database) as connection:
        asked = "SELECT TABLE_NAME FROM INFORMATION_SCHEMA.TABLES WHERE TABLE_SCHEMA = :schema"
        names = connection.rows(asked, {"schema": schema})
        for (name,) in names:
            connection.execute(f"DROP TABLE [{schema}].[{name}]")
        connection.execute(f"DROP SCHEMA [{schema}]")
