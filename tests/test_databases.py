"""`[sql.<name>]` tables, and the database that a name or a URL means."""

from __future__ import annotations

from pathlib import Path

import pytest

from claimsctl.databases import named_database
from claimsctl.errors import SettingsError, UsageError
from claimsctl.settings import Settings, load_settings
from claimsctl.sql.database import HouseTable

FULL = """
[sql.production]
url = "mssql+pyodbc://loader@db.example:1433/claims"
password = "env:THE_PASSWORD"
schema = "dbo"
prefix = "cc_"
phi = "mask"
encrypt = "strict"
ca_file = "house.pem"
order_by = ["a", "b"]
table = "staging.claims"
[sql.production.tables]
claims = "ClaimHeader"
[sql.production.columns.claims]
claim_number = "ClaimNo"
[sql.production.columns.jobs]
status = "State"
[sql.copy]
url = "duckdb:///copy.duckdb"
"""


def settings_of(root: Path, text: str, **env: str) -> Settings:
    (root / "claimsctl.toml").write_text(text)
    return load_settings(root, env)


def test_everything_of_a_table_arrives(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("THE_PASSWORD", "Geheim7")
    database = named_database(settings_of(tmp_path, FULL), "production")
    assert database.password == "Geheim7"
    assert database.place == "claims at db.example:1433 as loader"
    assert (database.schema, database.phi, database.encrypt) == ("dbo", "mask", "strict")
    assert database.ca_file == tmp_path / "house.pem"
    assert database.source.order_by == ("a", "b")
    assert database.source.table == "staging.claims"
    assert database.tables == {
        "claims": HouseTable("ClaimHeader", {"claim_number": "ClaimNo"}),
        "jobs": HouseTable("cc_jobs", {"status": "State"}),
    }
    assert database.batch_claims == 2000


def test_a_file_lies_beside_the_settings(tmp_path: Path) -> None:
    assert named_database(settings_of(tmp_path, FULL), "copy").file == tmp_path / "copy.duckdb"


def test_a_password_that_is_not_there_names_the_setting(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"\[sql.production\] password: .* THE_PASSWORD is not set"):
        named_database(settings_of(tmp_path, FULL), "production")


def test_the_environment_can_set_a_table(tmp_path: Path) -> None:
    settings = settings_of(tmp_path, FULL, CLAIMSCTL_SQL__COPY__PHI="plain")
    assert named_database(settings, "copy").phi == "plain"


def test_a_url_takes_its_password_from_one_variable(tmp_path: Path) -> None:
    settings = settings_of(tmp_path, "", CLAIMSCTL_SQL_PASSWORD="Geheim7")
    url = "postgresql://loader@db.example/claims"
    database = named_database(settings, url, env={"CLAIMSCTL_SQL_PASSWORD": "Geheim7"})
    assert (database.name, database.password, database.given) == ("db.example-claims", "Geheim7", url)
    assert named_database(settings, url, env={}).password is None


def test_a_name_that_is_not_there_says_which_are(tmp_path: Path) -> None:
    settings = settings_of(tmp_path, FULL)
    with pytest.raises(SettingsError, match=r"no \[sql.producton\] in .* Did you mean production\?"):
        named_database(settings, "producton")
    with pytest.raises(SettingsError, match=r"It has copy, production\. A URL works too"):
        named_database(settings, "x")


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ('url = "postgresql://u:Geheim7@h/d"', "url holds a password"),
        ('url = "mssql://u@h/d?PWD=Geheim7"', "url holds a password"),
        ('url = "db.example"', "url should be as in"),
        ('url = "sqlite:///a"\npassword = "Geheim7"', "password is not a reference"),
        ('url = "sqlite:///a"\npassword = "keyring:Geheim7"', "password needs a user"),
        ('url = "sqlite:///a"\nbatch_claims = 0', "batch_claims must be from 1 to 100000"),
        ('url = "sqlite:///a"\nphi = "open"', "'plain', 'encrypt', 'mask', 'drop' or 'deidentify'"),
        ('url = "sqlite:///a"\nphii = "mask"', "Did you mean phi?"),
        ('phi = "mask"', "url"),
    ],
)
def test_what_cannot_be_meant_is_told_without_secrets(tmp_path: Path, line: str, said: str) -> None:
    with pytest.raises(SettingsError, match=r"sql\.x") as caught:
        settings_of(tmp_path, f"[sql.x]\n{line}")
    assert said in str(caught.value)
    assert "Geheim7" not in str(caught.value)


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ('url = "sqlserver://u@h/d"', "Did you mean mssql+pyodbc"),
        ('url = "sqlite:///a"\ntable = "a"\nquery = "b"', "both table and query"),
    ],
)
def test_what_shows_when_it_is_used(tmp_path: Path, line: str, said: str) -> None:
    settings = settings_of(tmp_path, f"[sql.x]\n{line}")
    with pytest.raises(UsageError, match=r"\[sql.x\]") as caught:
        named_database(settings, "x")
    assert said in str(caught.value)
    assert isinstance(caught.value, SettingsError)
