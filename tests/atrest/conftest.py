"""A workspace with something of every kind that is sealed."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from claimsctl.asking.checkpoint import CHECKPOINT, Checkpoint, Question
from claimsctl.asking.stored import bound_to
from claimsctl.inquiry.notes import read_note
from claimsctl.payers.inquiry import Answer
from claimsctl.process.keeping import kept_constants, kept_inputs, kept_parts
from claimsctl.process.returning import outcome_place
from claimsctl.security.files import write_private
from claimsctl.security.keys import Keys, load_keys
from claimsctl.security.sealing import seal, seal_columns, unseal, unseal_columns
from claimsctl.sql.outbox import Outbox
from claimsctl.store.database import open_store
from claimsctl.store.records import unseal_patient
from claimsctl.store.workspace import Workspace
from tests.claims import claim, write_csv
from tests.cli.conftest import Prepared, command, prepared
from tests.cli.conftest import read_few as read_once
from tests.commands import Command
from tests.conftest import AS_OF
from tests.sql.lines import line, outbox, rows

__all__ = ["command", "prepared", "read_once"]  # fixtures

NEW = Keys.derive(b"n" * 32)


@dataclass
class Sealed:
    """The workspace, its job, and the keys: the `old` ones, and those after a `turned` key."""

    workspace: Workspace
    job_id: str
    old: Keys

    @property
    def turned(self) -> Keys:
        """The new sealing key, with the old one on the ring."""
        return replace(
            self.old, key_id=NEW.key_id, sealing=NEW.sealing, ring={self.old.key_id: self.old.sealing}
        )

    @property
    def only_new(self) -> Keys:
        """The new sealing key alone."""
        return replace(self.turned, ring={})

    def read(self, keys: Keys, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
        """Everything that is sealed, opened with these keys."""
        workspace, job = self.workspace, self.job_id
        lines, place = workspace.lines_directory(job), workspace.job_directory(job)
        found: dict[str, Any] = {}
        for path in sorted(lines.glob("patients-*.parquet")):
            for key, sealed in pl.read_parquet(path).select("patient_key", "sealed").rows():
                found[key] = unseal_patient(sealed, key, keys)
        notes = unseal_columns((lines / "part-00000.sealed").read_bytes(), f"{job}/lines-00000", keys)
        found["notes of lines"] = notes.sort("row_number").rows()
        found["rejected"] = [part.rows() for part in kept_parts(workspace, job, keys)]
        found["inputs"] = kept_inputs(workspace, job, keys)
        found["constants"] = kept_constants(workspace, job, keys)
        outcome = (place / "outcome-0.sealed").read_bytes()
        found["outcome"] = unseal_columns(outcome, outcome_place(job, "outcome-0.sealed"), keys).rows()
        found["outbox"] = rows(
            Outbox.open(workspace.outbox_directory(job) / "box", lambda _practice: keys), "claims"
        ).rows()
        checkpoint = Checkpoint(place / CHECKPOINT, job, keys)
        found["asked"] = [each for batch in checkpoint.told_of() for each in batch]
        checkpoint.close()
        with open_store(workspace, write=False) as connection:
            note, claim_id = connection.execute(
                "SELECT note, claim_id FROM claim_status_history JOIN claims USING (claim_number) "
                "WHERE note LIKE 'sealed:%'"
            ).fetchall()[0]
            asked = connection.execute("SELECT asked FROM claim_answers").fetchall()[0][0]
        with monkeypatch.context() as patched:
            patched.setattr("claimsctl.security.keys.load_keys", lambda *_: keys)
            found["note"] = read_note(note, claim_id, workspace)
        found["question"] = unseal(bytes(asked), bound_to("default", "Q-1"), keys)
        return found


def _fill(command: Command, place: Path) -> str:
    lines = [
        claim("A", line_note="Quillfeather, second visit", favourite="blue"),
        claim("B", charge_amount="-5", line_note="fell at Zabrowski's"),
        claim("C", patient_last_name="Quillfeather"),
    ]
    path = write_csv(place / "claims.csv", lines)
    ran = command(
        "process", path, "--out", place / "out", "--as-of", AS_OF.isoformat(), "--json",
        "--set", "patient_ssn=745-38-2916",
    )  # fmt: skip
    job_id = str(ran.json["job_id"])
    noted = command("claims", "set-status", "A", "PENDING", "--note", "Quillfeather called")
    assert noted.code == 0, noted.err
    workspace = Workspace.open(place / "workspace")
    keys = load_keys(workspace)
    directory = workspace.job_directory(job_id)
    outcome = pl.DataFrame({"mrn": ["MRN1"], "status": ["accepted"]})
    write_private(
        directory / "outcome-0.sealed", seal_columns(outcome, outcome_place(job_id, "outcome-0.sealed"), keys)
    )
    box = workspace.outbox_directory(job_id) / "box"
    outbox(box, [line(patient_last_name="Quillfeather")], keys=keys)
    checkpoint = Checkpoint(directory / CHECKPOINT, job_id, keys)
    checkpoint.add([
        Question(n, "claims.csv", n, 1, "default", {"patient_last_name": "Quillfeather"}, "uhc")
        for n in range(3)
    ])  # fmt: skip
    checkpoint.record([Answer(1, "uhc", "not_found", datetime(2026, 6, 1, tzinfo=UTC))])
    checkpoint.close()
    with open_store(workspace, write=True) as connection:
        connection.execute(
            "INSERT INTO claim_answers (practice_id, claim_number, job_id, asked) VALUES (?, ?, ?, ?)",
            ["default", "Q-1", job_id, seal(b"{}", bound_to("default", "Q-1"), keys)],
        )
    _cache(workspace, seal(b"{}", b"claimsctl cached answer 1 q", keys))
    return job_id


def _cache(workspace: Workspace, payload: bytes) -> None:
    database = sqlite3.connect(workspace.root / "answers.sqlite")
    database.execute("CREATE TABLE answers (question BLOB PRIMARY KEY, until TEXT, payload BLOB)")
    database.execute("INSERT INTO answers VALUES (?, '2099-01-01', ?)", [b"q", payload])
    database.commit()
    database.close()


@pytest.fixture
def sealed(command: Command, prepared: Prepared, tmp_path: Path) -> Sealed:
    """That workspace, for this test alone."""
    job_id = prepared.copy("sealed", lambda place: _fill(command, place), tmp_path)
    workspace = Workspace.open(tmp_path / "workspace")
    return Sealed(workspace, job_id, load_keys(workspace))
