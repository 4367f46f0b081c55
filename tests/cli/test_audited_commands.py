"""Which command writes which record: the table of `security.audited` is what the commands do."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer.main

from claimsctl.cli.app import app
from claimsctl.security.access import unlocking
from claimsctl.security.audit_verifying import verify
from claimsctl.security.audited import ACTIONS, KINDS, RECORDS
from claimsctl.store.jobs import JobStore
from claimsctl.store.workspace import Workspace
from tests.claims import claim, write_csv
from tests.commands import EXAMPLES, Command

AS_OF = ("--as-of", "2026-06-30")
PERSON = {
    "patient_last_name": "Quillfeather", "patient_first_name": "Zebulonia", "patient_ssn": "536-48-2917",
    "member_id": "XKW7730915", "patient_phone": "508-555-0163", "patient_address": "9471 Thistledown",
    "patient_dob": "1984-03-17", "claim_number": "ZQ-77310",
}  # fmt: skip
ELSEWHERE = {
    "claims refresh": "as check-status, whose record it is",
    "jobs resume": "as process: a run records the command of its job",
    "reference fetch": "as reference load; tests/cli/test_fetch.py has a publisher",
    **dict.fromkeys(
        ("model train", "model evaluate", "model compare", "model use", "model export", "model import"),
        "tests/cli/test_help.py runs their examples",
    ),
}
"""Commands that record, which other tests run."""


def leaves(group: Any, *path: str) -> Iterator[str]:
    for name, command in group.commands.items():
        if hasattr(command, "commands"):
            yield from leaves(command, *path, name)
        else:
            yield " ".join((*path, name))


COMMANDS = sorted(leaves(typer.main.get_command(app)))


def test_every_command_has_its_records() -> None:
    assert set(COMMANDS) - set(RECORDS) == set()
    assert {action for actions in RECORDS.values() for action in actions} <= set(ACTIONS)
    assert set(ACTIONS.values()) <= set(KINDS)


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Files whose names hold a name, as names of files do."""
    here = tmp_path / PERSON["patient_last_name"]
    here.mkdir()
    monkeypatch.chdir(here)
    rows = [claim("A1"), claim("A2", charge_amount="-5"), claim("A3", **PERSON), PERSON | claim("A4")]
    write_csv(here / "Quillfeather.csv", rows)
    return here


def walked(command: Command, workspace: Workspace) -> Iterator[tuple[str, tuple[object, ...]]]:
    """Command lines that do their work, each with the command it is."""
    yield "process", ("process", "Quillfeather.csv", "--out", "out", *AS_OF)
    yield "process", ("process", "Quillfeather.csv", "--dry-run", *AS_OF)
    yield "preview", ("preview", "Quillfeather.csv", *AS_OF)
    yield "fix", ("fix", "Quillfeather.csv", "--out", "fixed.csv")
    yield "price", ("price", "Quillfeather.csv", "--locality", "14212/99")
    yield "rules test", ("rules", "test", "Quillfeather.csv", "--expect", "e.csv", "--update", *AS_OF)
    packs = (EXAMPLES / "house_rules.toml", EXAMPLES / "house_rules.toml")
    yield "rules diff", ("rules", "diff", *packs, "--claims", "Quillfeather.csv", *AS_OF)
    yield "check-status", ("check-status", EXAMPLES / "status.csv", "--sandbox", "--out", "status")
    yield "check-status", ("check-status", EXAMPLES / "status.csv", "--dry-run", *AS_OF)
    yield "reference load", ("reference", "load", EXAMPLES / "practice_fees.csv")
    (loaded,) = command("reference", "list", "practice_fees", "--json").json["tables"]
    yield "reference remove", ("reference", "remove", "practice_fees", loaded["edition"])
    yield "payers map add", ("payers", "map", "add", "14212", "--route", "uhc")
    yield "payers map remove", ("payers", "map", "remove", "14212")
    yield "sql init", ("sql", "init", "--to", "sqlite:///Quillfeather.db", "--phi", "mask")
    yield "claims list", ("claims", "list", "--search", PERSON["member_id"])
    yield "claims show", ("claims", "show", "A1", "--show-phi")
    yield "worklist", ("worklist",)
    yield "claims history", ("claims", "history", "A1")
    yield "claims stats", ("claims", "stats", "--search", PERSON["member_id"])
    yield "claims export", ("claims", "export", "--out", "Quillfeather.parquet", "--show-phi")
    yield "claims export", ("claims", "export")
    yield "claims set-status", ("claims", "set-status", "A1", "PENDING", "--note", PERSON["patient_phone"])
    yield "claims delete", ("claims", "delete", "A1", "--yes", "--note", PERSON["patient_last_name"])
    yield "claims restore", ("claims", "restore", "A1")
    yield "patients list", ("patients", "list", "--search", "Quillfeather, Zebulonia")
    yield "patients delete", ("patients", "delete", PERSON["member_id"], "--yes")
    yield "patients restore", ("patients", "restore", PERSON["member_id"])
    columns = ("--columns", "patient_last_name", "--out", "Quillfeather.sealed.csv")
    yield "crypt encrypt", ("crypt", "encrypt", "Quillfeather.csv", *columns)
    yield "crypt decrypt", ("crypt", "decrypt", "Quillfeather.sealed.csv", *columns[:2], "--out", "again.csv")
    yield "scan", ("scan", "Quillfeather.csv")
    yield "jobs errors", ("jobs", "errors", "last")
    jobs = [job for job in JobStore(workspace).list_jobs() if job.command == "process"]
    yield (
        "jobs errors",
        ("jobs", "errors", jobs[0].job_id, "--export", "csv", "--out", "Quillfeather.err.csv"),
    )
    yield "jobs retry", ("jobs", "retry", jobs[0].job_id, "--out", "retried", *AS_OF)
    yield "jobs rollback", ("jobs", "rollback", "last", "--yes")
    waiting = workspace.new_job_id()
    JobStore(workspace).create_job(waiting, "process")
    yield "jobs cancel", ("jobs", "cancel", waiting, "--wait", 0)
    yield "jobs prune", ("jobs", "prune", "--older-than", 0, "--yes")
    yield "practices add", ("practices", "add", "oak", "--name", "Oak")
    yield "practices edit", ("practices", "edit", "oak", "--npi", "1234567893")
    for reading in (
        "jobs list",
        "jobs show",
        "practices list",
        "payers map list",
        "audit list",
        "audit verify",
    ):
        yield reading, (*reading.split(), *(["last"] if reading == "jobs show" else []))
    yield "audit export", ("audit", "export", "--out", "Quillfeather.audit.csv")
    yield "audit anchor", ("audit", "anchor")


@pytest.mark.usefixtures("place")
def test_commands_record_what_the_table_says_and_nothing_of_a_patient(
    command: Command, tmp_path: Path
) -> None:
    workspace = Workspace.open(tmp_path / "workspace")
    seen, wrong, done = 0, [], set()
    for path, line in walked(command, workspace):
        ended = command("--yes", *line)
        lines = workspace.audit_log.read_bytes().splitlines() if workspace.audit_log.exists() else []
        actions = tuple(json.loads(each)["action"] for each in lines[seen:])
        expected = ("export findings",) if "--export" in line else RECORDS[path]
        if ended.code not in (0, 1) or actions != expected:
            wrong.append((path, ended.code, ended.err, actions))
        seen = len(lines)
        done.add(path)
    assert wrong == []
    others = {path for path, _ in of_keys()} | set(ELSEWHERE)
    assert {path for path in COMMANDS if RECORDS[path]} - done - others == set()
    assert verify(workspace).problems == ()
    written = workspace.audit_log.read_text()
    told = [*PERSON.values(), "536482917", "5085550163", "Zebulonia", str(tmp_path)]
    assert [value for value in told if value in written] == []


def of_keys() -> Iterator[tuple[str, tuple[object, ...]]]:
    """The same of users and keys."""
    yield "keys init", ("keys", "init", "--user", "owner", "--passphrase-from", "env:OWNERS_PASSPHRASE")
    yield "keys unlock", ("keys", "unlock", "--passphrase-from", "env:OWNERS_PASSPHRASE")
    yield "keys lock", ("keys", "lock")
    yield "keys unlock", ("keys", "unlock", "--passphrase-from", "env:OWNERS_PASSPHRASE")
    yield "users add", ("users", "add", "pat", "--role", "billing")
    yield "users grant", ("users", "grant", "pat", "--role", "auditor")
    yield "users training", ("users", "training", "pat")
    yield "users disable", ("users", "disable", "pat")
    yield "users enable", ("users", "enable", "pat")
    yield "users reset", ("users", "reset", "pat")
    yield "users list", ("users", "list")
    yield "keys status", ("keys", "status")
    yield "keys rotate", ("keys", "rotate")
    yield "keys export-recovery", ("keys", "export-recovery", "--json")
    way = ("--code-from", "env:RECOVERY_CODE", "--user", "rescue", "--method", "token")
    yield "keys import-recovery", ("keys", "import-recovery", *way)


def test_commands_on_keys_record_what_the_table_says_and_no_secret(
    command: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(unlocking.SCRYPT, "n", 2**12)
    monkeypatch.setenv("OWNERS_PASSPHRASE", "a long enough passphrase")
    workspace, seen, wrong = Workspace.open(tmp_path / "workspace"), 0, []
    secrets = ["a long enough passphrase"]
    for path, line in of_keys():
        ended = command("--yes", *line)
        lines = workspace.audit_log.read_bytes().splitlines()
        actions = tuple(json.loads(each)["action"] for each in lines[seen:])
        if ended.code or set(actions) - {"keys retire", "keys plain secret removed"} != set(RECORDS[path]):
            wrong.append((path, ended.code, ended.err, actions))
        if path == "keys export-recovery":
            secrets.append(ended.json["recovery_code"])
            monkeypatch.setenv("RECOVERY_CODE", secrets[-1])
        seen = len(lines)
    assert wrong == []
    assert verify(workspace).problems == ()
    assert [secret for secret in secrets if secret in workspace.audit_log.read_text()] == []
