"""One flipped bit in anything that is sealed: reading is refused without values, and a rotation goes on.

Cells of `crypt`, records of audit and registry and temporary files have such tests beside their own.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Iterator, Sized
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import polars as pl
import pytest

from claimsctl.asking.cache import CACHE, AnswerCache
from claimsctl.asking.checkpoint import CHECKPOINT, Checkpoint
from claimsctl.asking.stored import bound_to
from claimsctl.atrest.reencrypting import reencrypt
from claimsctl.errors import PermissionDenied, StoreError
from claimsctl.inquiry.notes import MARK, read_note
from claimsctl.payers.account import Account
from claimsctl.payers.inquiry import Answer, Inquiry
from claimsctl.process import returning
from claimsctl.process.keeping import (
    keep_sources,
    kept_constants,
    kept_inputs,
    kept_parts,
    kept_sources,
)
from claimsctl.security.masking import MASKED
from claimsctl.security.sealing import unseal, unseal_columns
from claimsctl.sql.manifest import MANIFEST
from claimsctl.sql.outbox import Outbox
from claimsctl.sql.phi import treat, unseal_text
from claimsctl.sql.tables import tables_for
from claimsctl.store.database import open_store
from claimsctl.store.patients import read_patient
from tests.atrest.conftest import Sealed

REFUSED = (StoreError, PermissionDenied)
VALUES = (
    "Quillfeather",
    "QUILLFEATHER",
    "Zabrowski",
    "745-38-2916",
    "745382916",
    "MRN1",
    "blue",
    "second visit",
)
PLACES = (0, 1, 4, 5, 16, 17, 0.5, -17, -16, -1)
"""Format, both ends of key id, nonce, body and tag."""


def flipped(data: bytes, place: int, bit: int) -> bytes:
    altered = bytearray(data)
    altered[place] ^= 1 << bit
    return bytes(altered)


def flips(data: bytes) -> Iterator[bytes]:
    """The sealed value with one bit flipped, at each of PLACES."""
    for number, place in enumerate(PLACES):
        yield flipped(data, int(len(data) * place) if isinstance(place, float) else place, number * 3 % 8)


def refused(read: Callable[[], object]) -> None:
    with pytest.raises(REFUSED) as caught:
        read()
    assert not [value for value in VALUES if value in str(caught.value)]


def _file(sealed: Sealed, pattern: str) -> Path:
    (path,) = sealed.workspace.root.glob(pattern)
    return path


def _patient(sealed: Sealed) -> object:
    path = next(sealed.workspace.root.glob("lines/*/patients-*.parquet"))
    return read_patient(sealed.workspace, pl.read_parquet(path)["patient_key"][0], sealed.old)


def _notes(sealed: Sealed) -> pl.DataFrame:
    data = _file(sealed, "lines/*/part-00000.sealed").read_bytes()
    return unseal_columns(data, f"{sealed.job_id}/lines-00000", sealed.old)


def _outcome(sealed: Sealed) -> pl.DataFrame:
    owed = {"file": "outcome-0.sealed", "practice": "default"}
    return returning._kept(sealed.workspace, sealed.job_id, owed)


WHOLE: dict[str, Callable[[Sealed], Sized]] = {
    "lines/*/part-00000.sealed": _notes,
    "jobs/*/rejects/part-00000.sealed": lambda s: list(kept_parts(s.workspace, s.job_id, s.old)),
    "jobs/*/rejects/inputs.sealed": lambda s: kept_inputs(s.workspace, s.job_id, s.old),
    "jobs/*/request.sealed": lambda s: kept_constants(s.workspace, s.job_id, s.old),
    "jobs/*/sources.sealed": lambda s: kept_sources(s.workspace, s.job_id, s.old),
    "jobs/*/outcome-0.sealed": _outcome,
}


@pytest.mark.parametrize("pattern", WHOLE)
def test_a_file_that_is_sealed_as_a_whole(sealed: Sealed, pattern: str) -> None:
    asked: Any = SimpleNamespace(typed={"where": "patient_last_name = 'Quillfeather'"})
    keep_sources(sealed.workspace, sealed.job_id, [asked], sealed.old)
    path, read = _file(sealed, pattern), WHOLE[pattern]
    assert len(read(sealed))
    data = path.read_bytes()
    for altered in flips(data):
        path.write_bytes(altered)
        refused(lambda: read(sealed))
    path.write_bytes(data[:20])
    refused(lambda: read(sealed))


def test_records_of_patients(sealed: Sealed) -> None:
    path = _file(sealed, "lines/*/patients-*.parquet")
    people = pl.read_parquet(path)
    assert _patient(sealed)
    for several in zip(*(flips(each) for each in people["sealed"]), strict=True):
        people.with_columns(pl.Series("sealed", several, dtype=pl.Binary)).write_parquet(path)
        refused(lambda: _patient(sealed))


def _update(path: Path, table: str, payload: bytes) -> None:
    with closing(sqlite3.connect(path)) as database:
        database.execute(f"UPDATE {table} SET payload = ?", [payload])
        database.commit()


def _payload(path: Path, table: str) -> bytes:
    with closing(sqlite3.connect(path)) as database:
        return bytes(database.execute(f"SELECT payload FROM {table} ORDER BY 1").fetchone()[0])


@pytest.mark.parametrize(("table", "key"), [("questions", 0), ("answers", 1)])
def test_what_was_asked_and_answered(sealed: Sealed, table: str, key: int) -> None:
    path = sealed.workspace.job_directory(sealed.job_id) / CHECKPOINT
    with closing(sqlite3.connect(path)) as database:
        query = f"SELECT payload FROM {table} WHERE key = ?"
        data = bytes(database.execute(query, [key]).fetchone()[0])
        database.execute(f"DELETE FROM {table} WHERE key <> ?", [key])
        if table == "answers":
            database.execute("DELETE FROM questions WHERE key <> ?", [key])
        database.commit()
    with closing(Checkpoint(path, sealed.job_id, sealed.old)) as checkpoint:
        assert list(checkpoint.told_of())
    for altered in flips(data):
        _update(path, table, altered)
        with closing(Checkpoint(path, sealed.job_id, sealed.old)) as checkpoint:
            refused(lambda: list(checkpoint.told_of()))


def test_fresh_answers(sealed: Sealed) -> None:
    path = sealed.workspace.root / CACHE
    path.unlink()
    asked = Inquiry(1, {"patient_last_name": "Quillfeather"}, "87726", {"npi": "1234567893"})
    answer = Answer(1, "uhc", "not_found", datetime.now(UTC))
    with closing(AnswerCache(path, sealed.old)) as cache:
        cache.keep([(asked, answer)], "uhc", Account(), 60)
        assert cache.find([asked], "uhc", Account())
        for altered in flips(_payload(path, "answers")):
            _update(path, "answers", altered)
            refused(lambda: cache.find([asked], "uhc", Account()))


def _note(sealed: Sealed) -> tuple[str, int]:
    with open_store(sealed.workspace, write=False) as connection:
        (found,) = connection.execute(
            "SELECT note, claim_id FROM claim_status_history JOIN claims USING (claim_number) "
            f"WHERE note LIKE '{MARK}%'"
        ).fetchall()
    return str(found[0]), int(found[1])


def test_notes_of_staff(sealed: Sealed) -> None:
    """A note is shown beside others, so that an altered one is masked; text that is no base64 too."""
    note, claim = _note(sealed)
    assert read_note(note, claim, sealed.workspace) == "Quillfeather called"
    altered, last = [], len(note.rstrip("=")) - 1
    for at in (*range(len(MARK)), *range(len(MARK), last, 5), last - 1):
        altered += [note[:at] + chr(ord(note[at]) ^ 1 << bit) + note[at + 1 :] for bit in (0, 3, 7)]
    masked = 0
    for each in altered:
        try:
            assert read_note(each, claim, sealed.workspace) == MASKED
            masked += 1
        except PermissionDenied:
            continue
    assert masked > len(altered) / 2


def test_questions_about_claims_without_lines(sealed: Sealed) -> None:
    place = bound_to("default", "Q-1")
    with open_store(sealed.workspace, write=True) as connection:
        for altered in flips(connection.execute("SELECT asked FROM claim_answers").fetchall()[0][0]):
            connection.execute("UPDATE claim_answers SET asked = ?", [altered])
            stored = bytes(connection.execute("SELECT asked FROM claim_answers").fetchall()[0][0])
            refused(lambda: unseal(stored, place, sealed.old))  # noqa: B023


def test_cells_sealed_for_a_database(sealed: Sealed) -> None:
    columns = tables_for("plain")["claims"].columns
    rows = pl.DataFrame({"patient_last_name": ["Quillfeather"]})
    text = treat(rows, columns, "claims", "encrypt", sealed.old)["patient_last_name"][0]
    assert unseal_text(text, "claims", "patient_last_name", sealed.old) == "Quillfeather"
    for at in range(len(text.rstrip("=")) - 1):
        for bit in (0, 5, 7):
            altered = text[:at] + chr(ord(text[at]) ^ 1 << bit) + text[at + 1 :]
            refused(lambda: unseal_text(altered, "claims", "patient_last_name", sealed.old))  # noqa: B023


def test_the_manifest_of_an_outbox(sealed: Sealed) -> None:
    """Counts, checksums, columns and target are bound to its key, which opens nothing if one is altered."""
    place = sealed.workspace.outbox_directory(sealed.job_id) / "box"
    path, same = place / MANIFEST, 0
    data, whole = path.read_bytes(), Outbox.open(place, lambda _practice: sealed.old)
    for at in range(0, len(data), 3):
        path.write_bytes(flipped(data, at, at * 5 % 8))
        try:
            assert Outbox.open(place, lambda _practice: sealed.old) == whole
            same += 1
        except REFUSED as error:
            told = str(error)
            assert not [value for value in VALUES if value in told]
    assert same <= 1, "bits of the last character of base64 that say nothing"


def test_a_manifest_is_not_taken_for_an_earlier_one(sealed: Sealed) -> None:
    place = sealed.workspace.outbox_directory(sealed.job_id) / "box"
    said = json.loads((place / MANIFEST).read_bytes())
    for version in (1, 2):
        (place / MANIFEST).write_text(json.dumps({**said, "version": version}))
        with pytest.raises(StoreError, match="has version"):
            Outbox.open(place, lambda _practice: sealed.old)


def test_the_files_of_an_outbox(sealed: Sealed) -> None:
    place = sealed.workspace.outbox_directory(sealed.job_id) / "box"
    box = Outbox.open(place, lambda _practice: sealed.old)
    for batch in box.batches:
        for table, file in batch.files.items():
            data = (place / file.file).read_bytes()
            for altered in flips(data):
                (place / file.file).write_bytes(altered)
                refused(lambda: box.read(batch, table))  # noqa: B023
            (place / file.file).write_bytes(data)


@pytest.mark.parametrize("at", [1, 17], ids=["key id", "body"])
def test_a_rotation_goes_on_past_all_of_it(sealed: Sealed, at: int) -> None:
    """Each is told and left as it is; the rest is sealed anew."""
    root = sealed.workspace.root
    outcome = _file(sealed, "jobs/*/outcome-0.sealed")
    manifest = root / "sending" / sealed.job_id / "box" / MANIFEST
    patients = _file(sealed, "lines/*/patients-*.parquet")
    people = pl.read_parquet(patients)
    blobs = people["sealed"].to_list()
    people.with_columns(
        pl.Series("sealed", [flipped(blobs[0], at, 2), *blobs[1:]], dtype=pl.Binary)
    ).write_parquet(patients)
    outcome.write_bytes(flipped(outcome.read_bytes(), at, 2))
    said = json.loads(manifest.read_bytes())
    manifest.write_text(json.dumps({**said, "target": "elsewhere"}))
    note, _ = _note(sealed)
    with open_store(sealed.workspace, write=True) as connection:
        connection.execute(
            "UPDATE claim_status_history SET note = ? WHERE note = ?", [note[:-9] + "é" + note[-8:], note]
        )
    told: list[str] = []
    assert not reencrypt(sealed.workspace, "default", sealed.turned, told.append)
    for name in (outcome.name, patients.name, MANIFEST, "claims.duckdb"):
        assert [each for each in told if name in each], (name, told)
    assert list(kept_parts(sealed.workspace, sealed.job_id, sealed.only_new))
    assert kept_constants(sealed.workspace, sealed.job_id, sealed.only_new)
    ids = pl.read_parquet(patients)["sealed"].bin.slice(1, 4).bin.encode("hex").to_list()
    assert ids.count(sealed.turned.key_id) == len(blobs) - 1
