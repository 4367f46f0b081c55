"""What a target gets of a person: as it is, masked or sealed."""

from __future__ import annotations

from pathlib import Path

import pytest

from claimsctl.claim import BY_NAME
from claimsctl.errors import PermissionDenied, StoreError
from claimsctl.security.keys import Keys
from claimsctl.security.masking import MASKED
from claimsctl.sql.phi import unseal_text
from claimsctl.sql.tables import CLAIM_LINES, CLAIMS, tables_for
from tests.sql.lines import KEYS, LINE, line, many, outbox, rows

PERSON = (
    "patient_last_name", "patient_first_name", "patient_dob", "patient_ssn", "patient_city", "patient_zip",
    "member_id",
)  # fmt: skip


def test_what_is_treated_is_every_identifier_and_what_else_describes_a_person() -> None:
    treated = {column.name for table in (CLAIMS, CLAIM_LINES) for column in table.columns if column.treated}
    identifiers = {name for name, column in BY_NAME.items() if column.phi == "identifier"}
    assert treated - identifiers == {
        "patient_dob", "patient_death_date", "subscriber_dob", "patient_city", "patient_zip", "pickup_zip",
    }  # fmt: skip
    assert identifiers <= treated


def test_masked_values_recognise_a_row_and_name_nobody(tmp_path: Path) -> None:
    box = outbox(tmp_path / "box", [line(), line("B2", payer_id="745-38-2916")], phi="mask")
    claims = rows(box, "claims")
    assert claims.select(PERSON).row(0) == (
        "Ñ.", "P.", "1980-**-**", "***-**-2916", MASKED, "016**", "***0078"
    )  # fmt: skip
    assert rows(box, "claim_lines")["line_note"][0] == MASKED
    assert claims["payer_id"].to_list() == ["87726", "***-**-2916"]
    assert claims["claim_number"].to_list() == ["A1", "B2"]


def test_sealed_values_can_be_read_again_where_they_belong(tmp_path: Path) -> None:
    box = outbox(tmp_path / "box", [line(), line("A1", 2), line("B2", patient_ssn=None)], phi="encrypt")
    claims, of_lines = rows(box, "claims"), rows(box, "claim_lines")
    for name in PERSON:
        sealed = claims[name][0]
        assert unseal_text(sealed, "claims", name, KEYS) == str(LINE[name])
        assert len(sealed) <= tables_for("encrypt")["claims"].column(name).length
    assert claims["patient_ssn"][1] is None
    assert unseal_text(of_lines["line_note"][0], "claim_lines", "line_note", KEYS) == "Left knee"
    assert claims["patient_last_name"].n_unique() == 1  # sealed once per distinct value
    with pytest.raises(StoreError, match="wrong place"):
        unseal_text(claims["patient_ssn"][0], "claims", "member_id", KEYS)
    with pytest.raises(PermissionDenied):
        unseal_text(claims["patient_ssn"][0], "claims", "patient_ssn", Keys.derive(b"x" * 32))
    with pytest.raises(StoreError, match=r"claims\.patient_ssn is not sealed"):
        unseal_text("745-38-2916", "claims", "patient_ssn", KEYS)


def test_the_longest_sealed_text_fits_its_column(tmp_path: Path) -> None:
    longest = "\U00020bb7" * 60
    box = outbox(tmp_path / "box", [line(patient_last_name=longest)], phi="encrypt")
    sealed = rows(box, "claims")["patient_last_name"][0]
    assert len(sealed) == tables_for("encrypt")["claims"].column("patient_last_name").length
    assert unseal_text(sealed, "claims", "patient_last_name", KEYS) == longest


@pytest.mark.parametrize("phi", ["mask", "encrypt"])
def test_no_identifier_stands_in_any_file_afterwards(tmp_path: Path, phi: str) -> None:
    box = outbox(tmp_path / "box", many(20), phi=phi, part=7)  # type: ignore[arg-type]
    for batch in box.batches:
        for table in batch.files:
            text = box.read(batch, table).write_csv()
            for value in ("Name3", "MEM0000004", "745-38-2916", "1980-05-17", "Worcester", "Left knee"):
                assert value not in text, (table, value)


def test_columns_are_as_wide_as_the_policy_needs() -> None:
    for phi in ("mask", "encrypt"):
        for name in ("claims", "claim_lines"):
            dtypes = tables_for(phi)[name].schema()
            plain = tables_for("plain")[name].schema()
            assert dtypes.keys() == plain.keys()
    encrypted = tables_for("encrypt")["claims"]
    assert encrypted.column("patient_dob").kind == "code"
    assert encrypted.column("patient_last_name").length == 364
