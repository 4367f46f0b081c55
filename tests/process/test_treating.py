"""`[output] phi`: what becomes of patients' data in the files of a run, and what these are good for then."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any, get_type_hints

import polars as pl
import pytest

from claimsctl.crypt.files import Asked, crypt_file
from claimsctl.errors import InputError
from claimsctl.process.rulebook import Rulebook, load_rulebook
from claimsctl.security.access.opening import open_access
from claimsctl.security.masking import MASKED
from claimsctl.security.policy import Phi
from claimsctl.settings_tables import OutputSettings
from claimsctl.store.workspace import Workspace
from claimsctl.validate.ruleset import Selection
from tests.claims import claim, csv_text
from tests.conftest import Process

GOOD = claim("A1", patient_last_name="Quillfeather", member_id="XKW7730915", patient_ssn="536-48-2917")
BAD = claim("A2", patient_last_name="Thistledown", charge_amount="-5", patient_phone="508-555-0163")
ROWS = [{**GOOD, "Room": "Gravenstone", "patient_phone": ""}, {**BAD, "Room": "", "patient_ssn": ""}]
PERSONAL = (
    "Quillfeather", "Thistledown", "XKW7730915", "536-48-2917", "508-555-0163", "Gravenstone", "Main St",
    "1980-05-17", "Worcester", "01609", "Ostrander",
)  # fmt: skip
CLAIM = ("A1", "A2", "2026-05-04")


@pytest.fixture(scope="module")
def few() -> Rulebook:
    return load_rulebook(Selection(only=frozenset({"FIN-*", "FILE-*"})))


@pytest.fixture
def made(run: Process, few: Rulebook, tmp_path: Path) -> Any:
    """Run with a policy; the texts of its files by name."""
    path = tmp_path / "claims.csv"
    path.write_text(csv_text(ROWS) + "A3,Ostrander\n", encoding="utf-8")

    def with_policy(phi: str, **more: Any) -> dict[str, str]:
        out = tmp_path / phi
        summary = run(path, book=few, out=out, output_format="csv", phi=phi, **more)
        assert summary["claims"]["accepted"] == 1  # type: ignore[index]
        names = ("accepted.csv", "rejected.csv", "malformed.csv")
        return {name: (out / name).read_text("utf-8") for name in names}

    return with_policy


def cells(text: str) -> set[str]:
    return {cell for row in csv.reader(text.splitlines()) for cell in row}


def decrypted(path: Path, out: Path, tmp_path: Path) -> str:
    workspace = Workspace.open(tmp_path / "workspace")
    crypt_file(workspace, Asked("decrypt", path, out), open_access(workspace).keys("default"))
    return out.read_text("utf-8")


def test_encrypted_files_become_those_that_plain_makes(
    made: Any, run: Process, few: Rulebook, tmp_path: Path
) -> None:
    plain, sealed = made("plain"), made("encrypt")
    for name, text in sealed.items():
        assert not [word for word in PERSONAL if word in text], name
        again = decrypted(tmp_path / "encrypt" / name, tmp_path / f"again-{name}", tmp_path)
        assert list(csv.reader(again.splitlines())) == list(csv.reader(plain[name].splitlines()))
    corrected = tmp_path / "corrected.csv"
    corrected.write_text((tmp_path / "again-rejected.csv").read_text().replace("-5", "5.00"))
    summary: Any = run(corrected, book=few, out=tmp_path / "second")
    assert summary["claims"]["accepted"] == 1


def test_an_encrypted_file_is_not_taken_for_claims(
    made: Any, run: Process, few: Rulebook, tmp_path: Path
) -> None:
    made("encrypt")
    with pytest.raises(InputError, match=r"has encrypted values\. Decrypt it first: claimsctl crypt decrypt"):
        run(tmp_path / "encrypt" / "rejected.csv", book=few, out=tmp_path / "second")


@pytest.mark.parametrize("phi", ["mask", "drop"])
def test_masked_and_dropped_files_keep_what_rows_are_found_by(made: Any, phi: str) -> None:
    made_files = made(phi)
    whole = "".join(made_files.values())
    assert not [word for word in PERSONAL if word in whole]
    assert [word for word in CLAIM if word not in whole] == []
    header, row, *_ = csv.reader(made_files["rejected.csv"].splitlines())
    rejected = dict(zip(header, row, strict=True))
    assert rejected["charge_amount"] == "-5"
    assert (rejected["patient_last_name"], rejected["patient_dob"], rejected["patient_zip"]) == (
        ("T.", "1980-**-**", "016**") if phi == "mask" else ("", "", "")
    )
    accepted = next(csv.DictReader(made_files["accepted.csv"].splitlines()))
    if phi == "mask":
        assert (accepted["patient_last_name"], accepted["patient_dob"], accepted["x_room"]) == (
            "Q.", "1980-**-**", MASKED,
        )  # fmt: skip
    else:
        assert not {"patient_last_name", "patient_dob", "x_room"} & set(accepted)


def test_deidentified_files_name_nobody(made: Any) -> None:
    made_files = made("deidentify", dates="year")
    whole = "".join(made_files.values())
    assert not [word for word in PERSONAL if word in whole]
    assert not set(CLAIM) & cells(whole)
    header, row, *_ = csv.reader(made_files["rejected.csv"].splitlines())
    rejected = dict(zip(header, row, strict=True))
    assert (rejected["charge_amount"], rejected["service_date_from"]) == ("-5", "2026")
    assert rejected["error_messages"] == rejected["error_codes"] != ""
    accepted = next(csv.DictReader(made_files["accepted.csv"].splitlines()))
    assert (accepted["patient_age"], accepted["patient_zip"], accepted["service_date_from"]) == (
        "45",
        "016",
        "2026",
    )
    assert accepted["claim_number"].startswith("C")
    assert accepted["patient_pseudonym"].startswith("P")


def test_workbooks_and_parquet_are_treated_too(run: Process, few: Rulebook, tmp_path: Path) -> None:
    pl.DataFrame(ROWS).write_excel(tmp_path / "claims.xlsx")
    run(tmp_path / "claims.xlsx", book=few, out=tmp_path / "out", phi="mask")
    accepted = pl.read_parquet(tmp_path / "out" / "accepted.parquet")
    assert accepted["patient_last_name"].to_list() == ["Q."]
    rejected = pl.read_excel(tmp_path / "out" / "rejected.xlsx", infer_schema_length=0)
    assert rejected["patient_last_name"].to_list() == ["T."]


def test_settings_know_the_same_words() -> None:
    assert get_type_hints(OutputSettings)["phi"] == Phi
