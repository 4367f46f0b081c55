"""What drivers are given: encrypted over networks, checked where settings ask for it, no way to break out."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from claimsctl.errors import SettingsError
from claimsctl.sql.database import Database, parse_url
from claimsctl.sql.drivers import OdbcDriver
from claimsctl.sql.logins import checks_certificate, odbc_text, postgresql_options

MICROSOFT = OdbcDriver("ODBC Driver 18 for SQL Server", "/opt/microsoft/libmsodbcsql-18.so")
FREETDS = OdbcDriver("TDS", "/usr/lib/odbc/libtdsodbc.so")
SERVER = Database("production", parse_url("mssql://loader@db.example:1444/claims"), password="a;b}c")
STAGING = Database("staging", parse_url("postgresql://u@db.example/claims"), password="x")


@pytest.mark.parametrize(
    ("url", "options", "sslmode", "root"),
    [
        ("postgresql://u@db.example/claims", {}, "require", None),
        ("postgresql://u@localhost/claims", {}, None, None),
        ("postgresql:///claims?host=/run/postgresql", {}, None, None),
        ("postgresql://u@localhost/claims", {"encrypt": "yes"}, "require", None),
        ("postgresql://u@db.example/claims", {"encrypt": "no"}, "disable", None),
        ("postgresql://u@db.example/claims", {"ca_file": Path("/h.pem")}, "verify-full", "/h.pem"),
        ("postgresql://u@db.example/claims", {"trust_server_certificate": False}, "verify-full", "system"),
        ("postgresql://u@db.example/claims", {"encrypt": "strict"}, "verify-full", "system"),
        ("postgresql://u@db.example/claims?sslmode=verify-ca", {}, "verify-ca", None),
    ],
)
def test_postgresql_is_encrypted_over_a_network(
    url: str, options: dict[str, Any], sslmode: str | None, root: str | None
) -> None:
    given = postgresql_options(replace(STAGING, url=parse_url(url), **options))
    assert (given.get("sslmode"), given.get("sslrootcert")) == (sslmode, root)
    assert given["connect_timeout"] == 15


def test_microsofts_driver_checks_the_certificate() -> None:
    text = odbc_text(SERVER, MICROSOFT)
    assert text == (
        "DRIVER={ODBC Driver 18 for SQL Server};SERVER=tcp:db.example,1444;Encrypt=yes;"
        "TrustServerCertificate=no;UseFMTONLY=yes;DATABASE=claims;APP=claimsctl;UID=loader;PWD={a;b}}c};"
    )
    assert MICROSOFT.fast
    trusting = odbc_text(replace(SERVER, trust_server_certificate=True, encrypt="no"), MICROSOFT)
    assert "Encrypt=no;TrustServerCertificate=yes;" in trusting


def test_what_a_url_says_goes_before() -> None:
    text = odbc_text(replace(SERVER, url=f"{SERVER.url}?encrypt=no&driver=x&App=night"), MICROSOFT)
    assert "encrypt=no;App=night;" in text
    assert "Encrypt=" not in text
    assert text.count("river=") == text.count("APP=") == 0


def test_freetds_is_named_by_its_library() -> None:
    text = odbc_text(SERVER, FREETDS)
    assert "SERVER=db.example;PORT=1444;TDS_Version=7.4;ClientCharset=UTF-8;Encryption=require;" in text
    assert "UseFMTONLY" not in text
    assert not FREETDS.fast
    assert "Encryption=off;" in odbc_text(replace(SERVER, encrypt="no"), FREETDS)


def test_an_instance_of_sql_server_has_a_port_of_its_own() -> None:
    instance = replace(SERVER, url=parse_url("mssql://loader@db\\EXPRESS/claims"))
    assert "SERVER={tcp:db\\EXPRESS};" in odbc_text(instance, MICROSOFT)
    freetds = odbc_text(instance, FREETDS)
    assert "SERVER={db\\EXPRESS};" in freetds
    assert "PORT" not in freetds
    assert instance.place == "claims at db\\EXPRESS as loader"


def test_several_hosts_of_postgresql_are_tried() -> None:
    several = replace(STAGING, url=parse_url("postgresql://u@/claims?host=a.example&host=b.example"))
    assert postgresql_options(several)["host"] == "a.example,b.example"
    assert several.place == "claims at a.example,b.example:5432 as u"


def test_a_trusted_login_sends_neither_user_nor_password() -> None:
    text = odbc_text(replace(SERVER, trusted_connection=True), MICROSOFT)
    assert text.endswith("Trusted_Connection=yes;")
    assert "UID" not in text
    assert "PWD" not in text


@pytest.mark.parametrize(
    ("driver", "options"),
    [
        (MICROSOFT, {"ca_file": Path("/h.pem")}),
        (FREETDS, {"ca_file": Path("/h.pem")}),
        (FREETDS, {"trust_server_certificate": False}),
        (FREETDS, {"encrypt": "strict"}),
    ],
)
def test_a_check_that_a_driver_cannot_make_is_not_passed_over(
    driver: OdbcDriver, options: dict[str, Any]
) -> None:
    with pytest.raises(SettingsError, match="production: "):
        odbc_text(replace(SERVER, **options), driver)


def test_strict_encryption_takes_a_certificate() -> None:
    text = odbc_text(replace(SERVER, encrypt="strict", ca_file=Path("/h.pem")), MICROSOFT)
    assert "Encrypt=strict;" in text
    assert "ServerCertificate=/h.pem;" in text


@pytest.mark.parametrize(
    ("database", "driver", "checks"),
    [
        (SERVER, MICROSOFT, True), (SERVER, FREETDS, False),
        (replace(SERVER, trust_server_certificate=True), MICROSOFT, False),
        (replace(SERVER, encrypt="no"), MICROSOFT, False),
        (replace(SERVER, encrypt="strict", trust_server_certificate=True), MICROSOFT, True),
        (STAGING, None, False), (replace(STAGING, ca_file=Path("/h.pem")), None, True),
    ],
)  # fmt: skip
def test_whether_a_server_must_prove_who_it_is(
    database: Database, driver: OdbcDriver | None, checks: bool
) -> None:
    assert checks_certificate(database, driver) is checks
