"""`claimsctl sql`: tables are made, printed and tested from the command line."""

from __future__ import annotations

from pathlib import Path

import pytest

from claimsctl.sql.connect import connect
from claimsctl.sql.database import Database
from tests.cli.test_confirming import at_a_terminal
from tests.commands import Command


@pytest.fixture
def settings(tmp_path: Path) -> Path:
    (tmp_path / "workspace").mkdir()
    file = tmp_path / "workspace" / "claimsctl.toml"
    file.write_text('[sql.copy]\nurl = "sqlite:///copy.db"\nphi = "mask"\nprefix = "cc_"\n')
    return file


def test_init_makes_and_then_looks(command: Command, settings: Path) -> None:
    made = command("sql", "init", "--to", "copy", "--json")
    assert made.code == 0
    assert {table["state"] for table in made.json["tables"]} == {"made"}
    assert {"cc_claims", "cc_jobs"} < {table["name"] for table in made.json["tables"]}
    again = command("sql", "init", "--to", "copy")
    assert (again.code, "0 tables made, 15 tables there." in again.out) == (0, True)


def test_init_exits_with_1_where_a_table_does_not_fit(command: Command, settings: Path) -> None:
    with connect(Database("copy", f"sqlite:///{settings.parent}/copy.db"), create=True) as connection:
        connection.execute("CREATE TABLE cc_jobs (job_id varchar(3))")
    ended = command("sql", "init", "--to", "copy")
    assert ended.code == 1
    assert "job_id is varchar(3); varchar(32) is needed" in ended.out
    assert "1 table cannot take what claimsctl writes." in ended.out


def test_init_asks_how_patient_data_is_written(
    command: Command, settings: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = f"duckdb:///{tmp_path}/b.duckdb"
    refused = command("sql", "init", "--to", url)
    assert (refused.code, 'phi = "mask"' in refused.err) == (2, True)
    assert not (tmp_path / "b.duckdb").exists()
    assert command("sql", "init", "--to", url, "--phi", "encrypt").code == 0
    shown = at_a_terminal(monkeypatch, "")
    assert command("sql", "init", "--to", f"sqlite:///{tmp_path}/c.db").code == 0
    assert "plain, encrypt, mask, drop or deidentify [mask]" in shown.getvalue()


def test_ddl_is_printed_for_a_dialect_or_a_database(command: Command, settings: Path) -> None:
    printed = command("sql", "ddl", "--dialect", "mssql", "--phi", "encrypt", "--schema", "house")
    assert (printed.code, "CREATE TABLE [house].[claimsctl_claims]" in printed.out) == (0, True)
    assert "sealed with the key" in printed.out
    settings.write_text(settings.read_text() + 'password = "env:NOT_SET"\n')
    printed = command("sql", "ddl", "--to", "copy")  # needs no password
    assert (printed.code, 'EXISTS "cc_claims"' in printed.out, "masked" in printed.out) == (0, True, True)
    assert command("sql", "ddl").code == 2


def test_test_tells_what_is_wrong_and_how_to_mend_it(command: Command, settings: Path) -> None:
    command("sql", "init", "--to", "copy")
    sound = command("--json", "sql", "test", "--to", "copy")
    assert (sound.code, sound.json["wrong"]) == (0, 0)
    assert [step["name"] for step in sound.json["steps"]] == [
        "driver", "login", "server", "encryption", "tables", "rights", "types", "lock",
    ]  # fmt: skip
    assert "Claims can be written there." in command("sql", "test", "--to", "copy").out
    settings.write_text(settings.read_text().replace("mask", "encrypt"))
    ended = command("sql", "test", "--to", "copy")
    assert (ended.code, "They were made for phi = mask" in ended.out) == (1, True)


@pytest.mark.parametrize(
    ("to", "code", "said"),
    [
        ("copi", 2, "Did you mean copy?"),
        ("copy", 4, "claimsctl sql init --to copy makes it"),
        ("postgresql://u:Geheim7@h/d", 2, "holds a password"),
        ("postgresql://u@db.invalid/d", 4, "no machine is called db.invalid"),
        ("mysql+pymysql://u@h/d", 2, "cannot be written to"),
    ],
)
def test_what_cannot_be_tested(command: Command, settings: Path, to: str, code: int, said: str) -> None:
    ended = command("sql", "test", "--to", to)
    assert (ended.code, said in ended.err) == (code, True), ended.err
    assert "Geheim7" not in ended.err


def test_a_source_is_tested_by_reading_a_row(command: Command, settings: Path) -> None:
    file = settings.parent / "copy.db"
    with connect(Database("copy", f"sqlite:///{file}"), create=True) as connection:
        connection.execute("CREATE TABLE ready (id integer PRIMARY KEY, name text)")
        connection.execute("INSERT INTO ready VALUES (1, 'Okafor')")
    nothing = command("--json", "sql", "test", "--from", "copy")
    assert (nothing.code, nothing.json["steps"][-1]["state"]) == (0, "note")
    text = settings.read_text()
    settings.write_text(text + 'table = "ready"\n')
    ended = command("sql", "test", "--from", "copy")
    assert (ended.code, "ready can be read: 2 columns; rows are known by id." in ended.out) == (0, True)
    assert "Okafor" not in ended.out + ended.err
    settings.write_text(text + 'table = "readdy"\n')
    ended = command("sql", "test", "--from", "copy")
    assert (ended.code, "Did you mean ready?" in ended.out) == (1, True)
    settings.write_text(text + 'table = "ready"\nwatermark = "nam"\n')
    ended = command("sql", "test", "--from", "copy")
    assert (ended.code, "Did you mean name?" in ended.out) == (1, True)
    assert command("sql", "test", "--from", "copy", "--to", "copy").code == 2
