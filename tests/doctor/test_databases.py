"""`doctor` on databases of the settings: driver, password and policy, without talking to anybody unasked."""

from __future__ import annotations

from pathlib import Path

import pytest

from claimsctl.doctor import databases, surroundings
from claimsctl.doctor.check import Check
from claimsctl.errors import DriverMissing
from claimsctl.settings import load_settings
from claimsctl.sql.connect import connect
from claimsctl.sql.database import Database
from tests.commands import Command


def checks(root: Path, text: str, *, log_in: bool = False) -> list[Check]:
    (root / "claimsctl.toml").write_text(text)
    return list(databases.database_checks(load_settings(root, {}), log_in=log_in))


def test_nothing_is_said_without_databases(tmp_path: Path) -> None:
    assert checks(tmp_path, "") == []


def test_a_database_in_order_is_not_connected_to(tmp_path: Path) -> None:
    text = '[sql.staging]\nurl = "postgresql://u@db.invalid/claims"\nphi = "mask"'
    (check,) = checks(tmp_path, text)
    assert (check.name, check.state) == ("database staging", "ok")
    assert check.says.startswith("claims at db.invalid:5432 as u, by psycopg ")
    assert check.says.endswith("; not connected to.")


def test_what_is_asked_for_is_connected_to(tmp_path: Path) -> None:
    text = '[sql.staging]\nurl = "postgresql://u@db.invalid/claims"\n[sql.copy]\nurl = "sqlite:///a.db"'
    with connect(Database("copy", f"sqlite:///{tmp_path}/a.db"), create=True):
        pass
    by_name = {check.name: check for check in checks(tmp_path, text, log_in=True) if check.state != "note"}
    assert by_name["database copy"].says.endswith("logged in.")
    assert by_name["database staging"].state == "wrong"
    assert "no machine is called db.invalid" in by_name["database staging"].says


@pytest.mark.parametrize(
    ("text", "state", "says", "mend"),
    [
        ('url = "postgresql://u@h/d"\npassword = "env:NOT_SET"', "wrong", "NOT_SET is not set", "Set it"),
        ('url = "postgresql://u@h/d"\npassword = "file:gone"', "wrong", "cannot read", None),
        ('url = "sqlserver://u@h/d"', "wrong", "no database I know", "Did you mean mssql"),
        ('url = "oracle+oracledb://u@h/d"', "wrong", "needs the package oracledb", "pip install oracledb"),
        ('url = "sqlite:///gone.db"', "note", "not there yet", "claimsctl sql init --to x"),
        ('url = "sqlite:///gone.db"', "note", "Nothing says how patient data", 'phi = "mask"'),
        ('url = "postgresql://u@h/d"\nencrypt = "no"', "warning", "not encrypted", 'encrypt = "no"'),
    ],
)
def test_every_trouble_and_its_mend(tmp_path: Path, text: str, state: str, says: str, mend: str) -> None:
    found = [check for check in checks(tmp_path, f"[sql.x]\n{text}") if check.state == state]
    (check,) = (check for check in found if says in check.says)
    assert check.mend == mend or mend in str(check.mend)


def test_a_source_needs_no_policy(tmp_path: Path) -> None:
    (check,) = checks(tmp_path, '[sql.x]\nurl = "postgresql://u@h/d"\ntable = "staging"')
    assert check.state == "ok"


def test_a_driver_that_is_missing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(_: object) -> str:
        raise DriverMissing("SQL Server needs a further package.", hint="pip install 'claimsctl[sqlserver]'")

    monkeypatch.setattr(databases, "driver_for", missing)
    (check,) = checks(tmp_path, '[sql.x]\nurl = "mssql://u@h/d"')
    assert (check.state, check.mend) == ("wrong", "pip install 'claimsctl[sqlserver]'")


def test_the_command_hands_the_wish_on(
    command: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(surroundings, "edition_checks", lambda _: iter(()))
    (tmp_path / "workspace").mkdir()
    (tmp_path / "workspace" / "claimsctl.toml").write_text(
        '[sql.copy]\nurl = "duckdb:///gone.duckdb"\nphi = "mask"'
    )
    said = {each["name"]: each for each in command("--json", "doctor").json["checks"]}
    assert said["database copy"]["state"] == "note"
    said = {each["name"]: each for each in command("--json", "doctor", "--connect").json["checks"]}
    assert said["database copy"]["state"] == "wrong"
