"""Patients apart: one key per patient, one sealed record, no name in any file of the workspace."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from run_commit import SCHEME, lines, spill

from claimsctl.errors import StoreError
from claimsctl.security.keys import Keys, load_keys
from claimsctl.store.claims import known_records
from claimsctl.store.commit import commit_run
from claimsctl.store.database import open_store
from claimsctl.store.patients import (
    RECORD_COLUMNS,
    PatientWriter,
    key_columns,
    patient_keys,
    read_patient,
    seal_patients,
    search_hash,
    unseal_patient,
)
from claimsctl.store.workspace import Workspace

KEYS = Keys.derive(bytes(range(32)))
JANE = {
    "practice_id": "default",
    "member_id": "XQW918273645",
    "patient_dob": date(1984, 3, 9),
    "patient_last_name": "Quillfeather",
    "patient_first_name": "Jane",
    "patient_ssn": "745-38-2916",
    "patient_address": "18 Alderwick Court",
}


def people(*changes: dict[str, object]) -> pl.DataFrame:
    return pl.DataFrame([{**JANE, **change} for change in changes], schema_overrides={"patient_dob": pl.Date})


def key(**change: object) -> str | None:
    found: str | None = patient_keys(people(change), KEYS).item()
    return found


def test_key_is_what_it_was_in_earlier_versions() -> None:
    """Lines in existing stores carry it: a change here orphans them."""
    assert key() == "47706914635c00d0cf3a55a6557ee569"


@pytest.mark.parametrize(
    "change",
    [
        {"patient_last_name": " QUILLFEATHER "},
        {"member_id": "xqw918273645"},
        {"patient_ssn": None},
        {"patient_address": "elsewhere"},
        {"practice_id": None},
    ],
)
def test_same_patient(change: dict[str, object]) -> None:
    assert key(**change) == key()


@pytest.mark.parametrize(
    "change",
    [
        {"patient_last_name": "Quillfeathers"},
        {"patient_first_name": "John"},
        {"patient_dob": date(1984, 3, 10)},
        {"member_id": "XQW918273646"},
        {"practice_id": "other"},
        {"patient_last_name": "Quill", "patient_first_name": "featherJane"},
    ],
)
def test_other_patient(change: dict[str, object]) -> None:
    assert key(**change) != key()


def test_patient_id_counts_only_where_name_or_birth_date_is_missing() -> None:
    assert key(patient_id="1") == key(patient_id="2")
    assert key(patient_dob=None, patient_id="1") != key(patient_dob=None, patient_id="2")


def test_nobody_has_no_key() -> None:
    nobody = dict.fromkeys(("member_id", "patient_dob", "patient_last_name", "patient_first_name"))
    assert key(**nobody, patient_ssn=None) is None
    assert key(**nobody) is not None, "an SSN identifies"
    assert patient_keys(pl.DataFrame({"x": [1, 2]}), KEYS).to_list() == [None, None]


def test_keys_are_secret() -> None:
    assert patient_keys(people({}), Keys.derive(b"z" * 32)).item() != key()


def test_rows_keep_their_order_and_absent_columns_are_blank() -> None:
    rows = people({}, {"member_id": "B"}, {}, {"member_id": None})
    found = patient_keys(rows, KEYS).to_list()
    assert found[0] == found[2]
    assert len(set(found)) == 3
    fewer = people({"member_id": None}).drop("member_id", "patient_address", "practice_id")
    assert patient_keys(fewer, KEYS).item() == found[3]


@pytest.mark.parametrize("column", [None, "patient_id", "member_id", "patient_dob", "patient_first_name"])
def test_keys_of_rows_that_have_one_column_only(column: str | None) -> None:
    rows = pl.DataFrame({"row_number": [1, 2, 3]})
    if column:
        rows = rows.with_columns(pl.Series(["1990-02-01", None, "1990-02-03"]).alias(column))
    found = key_columns(rows, KEYS)
    assert found["patient_key"].is_not_null().to_list() == ([True, False, True] if column else [False] * 3)
    history = [True, False, True] if column == "member_id" else [False] * 3
    assert found["history_key"].is_not_null().to_list() == history


def test_record_takes_the_first_value_that_is_not_blank() -> None:
    rows = people({"patient_ssn": None}, {"patient_phone": "916-555-0142"}, {"patient_ssn": "other"})
    sealed = seal_patients(rows, patient_keys(rows, KEYS), KEYS)
    assert sealed.height == 1
    record = unseal_patient(sealed["sealed"][0], sealed["patient_key"][0], KEYS)
    assert record == {
        "member_id": "XQW918273645",
        "patient_last_name": "Quillfeather",
        "patient_first_name": "Jane",
        "patient_ssn": "745-38-2916",
        "patient_address": "18 Alderwick Court",
        "patient_phone": "916-555-0142",
    }


@settings(deadline=None)
@given(st.dictionaries(st.sampled_from(RECORD_COLUMNS), st.text(min_size=1, max_size=20), min_size=1))
def test_any_text_comes_back(values: dict[str, str]) -> None:
    rows = people(values)  # type: ignore[arg-type]
    found = patient_keys(rows, KEYS)
    sealed = seal_patients(rows, found, KEYS)
    if found.item() is None:
        assert sealed.height == 0
    else:
        record = unseal_patient(sealed["sealed"][0], found.item(), KEYS)
        assert {name: record[name] for name in values} == values


def test_nulls_in_values_are_not_taken_for_blanks() -> None:
    tricky = 'x","patient_ssn":null,"patient_phone":null}'
    rows = people({"patient_address": tricky})
    found = patient_keys(rows, KEYS)
    record = unseal_patient(seal_patients(rows, found, KEYS)["sealed"][0], found.item(), KEYS)
    assert record["patient_address"] == tricky
    assert record["patient_ssn"] == "745-38-2916"


def test_record_of_another_patient_is_refused() -> None:
    rows = people({}, {"member_id": "B"})
    found = patient_keys(rows, KEYS)
    sealed = seal_patients(rows, found, KEYS)
    with pytest.raises(StoreError):
        unseal_patient(sealed["sealed"][0], found[1], KEYS)


def test_records_hash_alike_with_absent_and_blank_columns() -> None:
    blank = people({"patient_phone": None, "line_note": None})
    one = seal_patients(blank, patient_keys(blank, KEYS), KEYS)
    other = people({})
    two = seal_patients(other, patient_keys(other, KEYS), KEYS, known=one["record_hash"])
    assert two.height == 0


def test_search_is_exact_after_normalisation() -> None:
    rows = people({})
    sealed = seal_patients(rows, patient_keys(rows, KEYS), KEYS).row(0, named=True)
    assert search_hash("member", "xqw-918273645", KEYS) == sealed["member_hash"]
    assert search_hash("ssn", "745382916", KEYS) == sealed["ssn_hash"]
    assert search_hash("name", "quillfeather\tJANE", KEYS) == sealed["name_hash"]
    assert search_hash("name", "Jane\tQuillfeather", KEYS) != sealed["name_hash"]
    assert search_hash("ssn", "n/a", KEYS) is None
    assert search_hash("member", "745382916", KEYS) != search_hash("ssn", "745382916", KEYS)


def test_patients_of_several_parts_are_sealed_once(tmp_path: Path) -> None:
    writer = PatientWriter(tmp_path, KEYS)
    first = writer.add(people({}, {"member_id": "B"}, {}))
    assert writer.add(people({}, {"member_id": "B"}))[0] == first[0]
    writer.add(people({"member_id": "C"}, {"member_id": "B"}))
    written = pl.read_parquet(tmp_path / "patients-*.parquet")
    assert written.height == 3
    assert writer.written == 2


def test_no_identifier_stands_in_the_workspace(workspace: Workspace) -> None:
    keys = load_keys(workspace)
    job_id = commit_patients(workspace, people({}, {"member_id": "B"}), keys)
    for file in [p for p in workspace.root.rglob("*") if p.is_file()]:
        data = file.read_bytes()
        for name in ("member_id", "patient_last_name", "patient_ssn", "patient_address"):
            value = str(JANE[name])
            for form in (value.encode(), value.encode("utf-16-le"), value.encode().hex().encode()):
                assert form not in data, (file.name, name)
    with open_store(workspace, write=False) as connection:
        found = connection.execute("SELECT version, job_id, file FROM patients").fetchall()
    assert found == [(1, job_id, f"lines/{job_id}/patients-00000.parquet")] * 2


def commit_patients(workspace: Workspace, rows: pl.DataFrame, keys: Keys) -> str:
    job_id = workspace.new_job_id()
    writer = PatientWriter(workspace.tmp_directory(job_id), keys, known_records(workspace))
    number = len(list((workspace.root / "jobs").iterdir())) * 10
    part = lines(range(number, number + rows.height), per_claim=1)
    spill(workspace, job_id, part.with_columns(writer.add(rows)))
    commit_run(workspace, job_id, digest_scheme=SCHEME)
    workspace.remove_tmp(job_id)
    return job_id


def test_patient_is_stored_once_and_again_when_it_changed(workspace: Workspace) -> None:
    keys = load_keys(workspace)
    commit_patients(workspace, people({}, {"member_id": "B"}), keys)
    commit_patients(workspace, people({}, {"member_id": "B"}), keys)
    assert len(known_records(workspace)) == 2
    commit_patients(workspace, people({"patient_address": "2 New Street"}), keys)
    found: str = patient_keys(people({}), keys).item()
    assert len(known_records(workspace)) == 3
    now = read_patient(workspace, found, keys)
    assert now is not None
    assert now["patient_address"] == "2 New Street"
    assert read_patient(workspace, "0" * 32, keys) is None
