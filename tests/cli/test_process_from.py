"""`claimsctl process --from`: claims from databases, what is new, and the outcome written back."""

from __future__ import annotations

import csv
import json
import os
import sqlite3
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from claimsctl.errors import ConnectError
from claimsctl.process.fetched import owes
from claimsctl.sql import reading, watermark
from claimsctl.sql.connect import connect
from claimsctl.sql.database import Database, parse_url
from claimsctl.store.jobs import JobStore
from claimsctl.store.workspace import Workspace
from tests.claims import claim, csv_text, write_csv
from tests.commands import Command
from tests.sql.conftest import postgres_server, postgres_url  # noqa: F401

AS_OF = ("--as-of", "2026-06-30")
SETTINGS = """
[sql.staging]
url = "{url}"
table = "claims_in"
watermark = "changed"
write_back = "claim_outcome"
write_back_create = true
"""


@pytest.fixture
def read_once(read_few: Any) -> Any:
    """Whatever is found matters little here."""
    return read_few


def workspace() -> Path:
    return Path(os.environ["CLAIMSCTL_WORKSPACE"])


class Staging:
    """A database with a table of claim lines, and the settings that name it."""

    def __init__(self, url: str) -> None:
        self.database = Database("staging", parse_url(url))
        text = "text" if self.database.dialect != "duckdb" else "varchar"
        names = [f"{name} {text}" for name in claim()]
        self.run(f"CREATE TABLE claims_in (id integer PRIMARY KEY, {', '.join(names)}, changed timestamp)")
        self.rows = 0
        workspace().mkdir(mode=0o700, exist_ok=True)
        (workspace() / "claimsctl.toml").write_text(SETTINGS.format(url=url))

    def run(self, statement: str) -> None:
        with connect(self.database, create=True) as connection:
            connection.execute(statement)

    def query(self, statement: str) -> list[tuple[Any, ...]]:
        with connect(self.database) as connection:
            return connection.rows(statement)

    def add(self, *rows: dict[str, str], day: str = "2026-06-01") -> None:
        for row in rows:
            self.rows += 1
            values = ", ".join(f"'{value}'" for value in row.values())
            self.run(
                f"INSERT INTO claims_in (id, {', '.join(row)}, changed) "
                f"VALUES ({self.rows}, {values}, '{day} 08:00:00')"
            )


@pytest.fixture
def staging(tmp_path: Path) -> Staging:
    made = Staging(f"sqlite:///{tmp_path}/staging.db")
    made.add(claim("A1"), claim("A2", charge_amount="-5"), claim("A3"))
    return made


def outcome(staging: Staging) -> dict[int, tuple[str, str | None]]:
    found = staging.query("SELECT id, status, error_codes FROM claim_outcome ORDER BY id")
    return {int(key): (status, codes) for key, status, codes in found}


def marks() -> list[str]:
    return [json.loads(file.read_text())["mark"]["value"] for file in (workspace() / "watermarks").glob("*")]


@pytest.mark.parametrize("dialect", ["postgresql", "duckdb"])
def test_a_run_from_a_database(
    command: Command, request: pytest.FixtureRequest, tmp_path: Path, dialect: str
) -> None:
    url = f"duckdb:///{tmp_path}/staging.db"
    if dialect == "postgresql":
        url = request.getfixturevalue("postgres_url")
    staging = Staging(url)
    staging.add(claim("A1"), claim("A2", charge_amount="-5"), claim("A3", place_of_service="02"))
    ended = command("process", "--from", "staging", "--since", "last", *AS_OF, "--out", "out", "--json")
    assert ended.code == 0, ended.err
    assert ended.json["rows"] == {"read": 3, "accepted": 2, "held": 0, "rejected": 1, "skipped": 0}
    (given,) = ended.json["inputs"]
    assert (given["path"], given["format"], given["rows"]) == ("staging", "sql", 3)
    assert len(given["sha256"]) == 64
    assert given["watermark"]["to"].startswith("2026-06-01")
    assert pl.read_parquet("out/accepted.parquet")["place_of_service"].to_list() == ["11", "02"]
    codes = outcome(staging)
    assert {key: status for key, (status, _) in codes.items()} == {
        1: "accepted",
        2: "rejected",
        3: "accepted",
    }
    assert "FIN-002" in str(codes[2][1])
    assert codes[1][1] is None
    job = JobStore(Workspace.open(workspace())).get(ended.json["job_id"])
    assert [(each.path, each.format) for each in job.inputs] == [("staging", "sql")]
    again = command("process", "--from", "staging", "--since", "last", *AS_OF)
    assert (again.code, again.out) == (0, "staging: nothing new since changed 2026-06-01 08:00:00.\n")
    assert not Path("claimsctl-out").exists()


def test_what_is_new_and_corrected(command: Command, staging: Staging) -> None:
    assert command("process", "--from", "staging", "--since", "last", *AS_OF, "--out", "one").code == 0
    staging.run("UPDATE claims_in SET charge_amount = '120.00', changed = '2026-06-02' WHERE id = 2")
    staging.add(claim("A4"), day="2026-06-03")
    ended = command("process", "--from", "staging", "--since", "last", *AS_OF, "--json")
    assert ended.json["rows"] == {"read": 2, "accepted": 2, "held": 0, "rejected": 0, "skipped": 0}
    assert ended.json["inputs"][0]["watermark"]["since"].startswith("2026-06-01")
    assert {status for status, _ in outcome(staging).values()} == {"accepted"}
    assert marks() == ["2026-06-03 08:00:00"]
    nothing = command("process", "--from", "staging", "--since", "last", *AS_OF, "--json")
    assert nothing.json == {
        "job_id": None, "status": "NOTHING_NEW",
        "sources": ["staging: nothing new since changed 2026-06-03 08:00:00."],
    }  # fmt: skip


def test_rejected_rows_are_corrected_as_those_of_a_file(command: Command, staging: Staging) -> None:
    first = command("process", "--from", "staging", *AS_OF, "--out", "out", "--json").json
    assert Path(first["outputs"]["rejected"]).name == "rejected.csv"
    with Path("out/rejected.csv").open(newline="") as file:
        (row,) = csv.DictReader(file)
    assert (row["id"], row["claim_number"], row["row_number"]) == ("2", "A2", "2")
    errors = pl.read_csv("out/errors.csv")
    assert set(errors["input"]) == {"staging"}
    retried = command("jobs", "retry", first["job_id"], "--json")
    assert retried.json["rows"]["rejected"] == 1
    row["charge_amount"] = "120.00"
    Path("fixed.csv").write_text(csv_text([row]))
    fixed = command("jobs", "retry", first["job_id"], "--with", "fixed.csv", "--json")
    assert fixed.json["rows"]["accepted"] == 1
    assert command("process", "out/rejected.csv", *AS_OF, "--json").json["rows"]["rejected"] == 1


def test_files_and_databases_together(command: Command, staging: Staging, tmp_path: Path) -> None:
    write_csv(tmp_path / "more.csv", [claim("B1"), claim("B2", charge_amount="-5")])
    ended = command("process", tmp_path / "more.csv", "--from", "staging", *AS_OF, "--out", "out", "--json")
    assert [each["path"].rpartition("/")[2] for each in ended.json["inputs"]] == ["more.csv", "staging"]
    assert ended.json["rows"]["read"] == 5
    assert {path.name for path in Path("out/rejected").iterdir()} == {"more.csv", "staging.csv"}
    assert len(outcome(staging)) == 3


def test_conditions_and_limits(command: Command, staging: Staging, tmp_path: Path) -> None:
    url = str(staging.database.url)
    more = ("--table", "claims_in", *AS_OF, "--dry-run", "--json")
    some = command("process", "--from", url, *more, "--where", "claim_number <> 'A2'")
    assert (some.json["rows"]["read"], some.json["rows"]["rejected"]) == (2, 0)
    assert command("process", "--from", url, *more, "--limit", "2").json["rows"]["read"] == 2
    query = "SELECT * FROM claims_in WHERE id = 3"
    asked = command("process", "--from", url, "--query", query, *AS_OF, "--dry-run", "--json")
    assert asked.json["rows"]["read"] == 1
    assert "nothing says in which order" in asked.err
    limited = command("process", "--from", "staging", "--since", "last", "--limit", "1", *AS_OF)
    assert limited.code == 0
    assert marks() == [], "what was not read to its end is not done"


def test_preview_and_dry_run_leave_no_trace(command: Command, staging: Staging) -> None:
    seen = command("preview", "--from", "staging", "--json")
    assert seen.json["inputs"][0]["rows_looked_at"] == 3
    assert "claim_number" in seen.json["mapping"]["columns"]
    dry = command("process", "--from", "staging", "--since", "last", "--dry-run", *AS_OF, "--json")
    assert dry.json["rows"]["rejected"] == 1
    assert marks() == []
    with pytest.raises(sqlite3.OperationalError, match="no such table"):
        sqlite3.connect(str(staging.database.file)).execute("SELECT * FROM claim_outcome")


def test_a_claim_with_a_changed_line_is_read_whole(command: Command, staging: Staging) -> None:
    staging.add(claim("A5"), claim("A5", line_number="2", procedure_code="90837"))
    since = ("process", "--from", "staging", "--since", "last", *AS_OF)
    assert command(*since).code == 0
    staging.run("UPDATE claims_in SET charge_amount = '130.00', changed = '2026-06-05' WHERE id = 5")
    ended = command(*since, "--duplicates", "update", "--json")
    assert ended.json["rows"]["read"] == 2, "both lines of A5: with one it would be another claim"


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        (("--from", "stging"), 2, "Did you mean staging"),
        (("--from", "postgresql://u:secret@h/d"), 2, "holds a password"),
        (("x.csv", "--where", "id > 1"), 2, "--where goes with --from"),
        (("--from", "staging", "--table", "a", "--query", "b"), 2, "do not go together"),
        (("--from", "staging", "--table", "claimsin"), 2, "Did you mean claims_in"),
        (("--from", "staging", "--where", "idd = 1"), 2, "column"),
        (("--from", "staging", "--where", "id = 99"), 3, "no rows that the conditions leave"),
        (("--from", "staging", "--map", "Nope=units"), 2, "Nope"),
        (("--from", "staging", "--move-to", "done"), 2, "inbox"),
        ((), 2, "--from"),
    ],
)
def test_wrong_usage(
    command: Command, staging: Staging, arguments: tuple[str, ...], code: int, says: str
) -> None:
    ended = command("process", *arguments, *AS_OF)
    assert (ended.code, ended.out) == (code, "")
    assert says in ended.err
    assert "secret" not in ended.err


def test_an_outcome_that_cannot_be_written_is_settled_later(
    command: Command, staging: Staging, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise sqlite3.OperationalError("disk I/O error")

    with monkeypatch.context() as patched:
        patched.setattr("claimsctl.sql.writeback._replace", full)
        ended = command("process", "--from", "staging", "--since", "last", *AS_OF)
    assert ended.code == 4
    assert "complete and stored" in ended.err
    assert "jobs resume" in ended.err
    assert (outcome(staging), marks()) == ({}, []), "not before the source has been told"
    job = next((workspace() / "jobs").glob("2*")).name
    resumed = command("jobs", "resume", job)
    assert resumed.code == 0
    assert len(outcome(staging)) == 3
    assert marks() == ["2026-06-01 08:00:00"]
    assert not owes(Workspace.open(workspace()), job)


def test_from_one_database_into_another(
    command: Command, staging: Staging, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = f"sqlite:///{tmp_path}/production.db"
    with (workspace() / "claimsctl.toml").open("a") as settings:
        settings.write(f'\n[sql.production]\nurl = "{target}"\nphi = "plain"\n')
    assert command("sql", "init", "--to", "production").code == 0
    transfer = ("process", "--from", "staging", "--to", "production", "--since", "last", *AS_OF)

    def gone(*_: object, **__: object) -> None:
        raise ConnectError("nothing listens there")

    with monkeypatch.context() as patched:
        patched.setattr("claimsctl.pipeline.send", gone)
        assert command(*transfer).code == 4
    assert (outcome(staging), marks()) == ({}, []), "what has not arrived is not done"
    job = next((workspace() / "jobs").glob("2*")).name
    assert command("jobs", "resume", job).code == 0
    assert marks() == ["2026-06-01 08:00:00"]
    assert len(outcome(staging)) == 3
    with connect(Database("production", target)) as connection:
        arrived = connection.rows("SELECT claim_number FROM claimsctl_claims ORDER BY 1")
    assert arrived == [("A1",), ("A3",)]
    assert command(*transfer).out == "staging: nothing new since changed 2026-06-01 08:00:00.\n"


def test_a_job_that_is_stopped_moves_nothing(
    command: Command, staging: Staging, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patched:
        patched.setattr("claimsctl.pipeline.commit_run", _interrupt)
        assert command("process", "--from", "staging", "--since", "last", *AS_OF).code == 130
    assert marks() == []
    job = next((workspace() / "jobs").glob("2*")).name
    staging.add(claim("A4"), day="2026-06-03")
    resumed = command("jobs", "resume", job, "--json")
    assert (resumed.code, resumed.json["rows"]["read"]) == (0, 4)
    assert marks() == ["2026-06-03 08:00:00"]


def _interrupt(*_: object, **__: object) -> None:
    raise KeyboardInterrupt


def test_a_value_and_a_rollback(command: Command, staging: Staging) -> None:
    since = ("process", "--from", "staging", *AS_OF, "--json", "--since")
    staging.add(claim("A0"), day="2026-05-01")
    first = command(*since, "2026-06-01").json
    assert first["rows"]["read"] == 3
    assert marks() == ["2026-06-01 08:00:00"], "the first mark"
    staging.add(claim("A4"), day="2026-06-03")
    assert command(*since, "2026-06-02").json["rows"]["read"] == 1
    assert marks() == ["2026-06-01 08:00:00"], "rows between could be jumped over"
    second = command(*since, "last").json
    assert second["rows"]["read"] == 1
    rolled = command("jobs", "rollback", second["job_id"], "--yes")
    assert (rolled.code, marks()) == (0, ["2026-06-01 08:00:00"])
    assert command(*since, "last").json["rows"]["read"] == 1


def test_conditions_are_sealed(command: Command, staging: Staging) -> None:
    condition = "member_id <> 'XYQ0000000042'"
    ended = command("process", "--from", "staging", "--where", condition, *AS_OF, "--json")
    assert ended.code == 0
    for path in workspace().rglob("*"):
        assert not path.is_file() or b"XYQ0000000042" not in path.read_bytes(), path


def test_marks_go_back_only_to_where_they_were(tmp_path: Path) -> None:
    def job(name: str, value: str, before: str | None) -> Path:
        place = tmp_path / name
        place.mkdir()
        was = reading.Mark(before) if before else None
        watermark.note(place, [watermark.Reached("k", "staging", "changed", reading.Mark(value), was)])
        return place

    first, second, third = (
        job("20260101-1", "1", None),
        job("20260101-2", "2", "1"),
        job("20260101-3", "3", "1"),
    )
    watermark.confirm(tmp_path, first, first.name)
    watermark.confirm(tmp_path, third, third.name)
    watermark.confirm(tmp_path, second, second.name)
    assert watermark.last(tmp_path, "k") == reading.Mark("3"), "a later job has read further"
    assert watermark.take_back(tmp_path, second.name) == ()
    assert watermark.take_back(tmp_path, third.name) == ("staging",)
    assert watermark.last(tmp_path, "k") == reading.Mark("1")
    assert watermark.pending(third) == ()
