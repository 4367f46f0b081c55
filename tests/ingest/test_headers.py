"""What a header says on its own; what an unknown one may mean is offered where there is one good guess."""

from __future__ import annotations

import pytest

from claimsctl.ingest.headers import likely_column, recognise


@pytest.mark.parametrize(
    ("header", "missing", "taken", "meant"),
    [
        ("NPI", ("member_id", "billing_npi"), (), "billing_npi"),
        ("NPI", ("rendering_npi", "billing_npi"), (), None),
        ("Patient Frist Name", (), (), "patient_first_name"),
        ("Procedure Coed", (), (), "procedure_code"),
        ("Procedure Coed", (), ("procedure_code",), None),
        ("Patient Nmae", (), (), None),
        ("Colour", ("member_id",), (), None),
        ("", ("member_id",), (), None),
        ("#", ("member_id",), (), None),
    ],
)
def test_a_guess_is_good_or_none(
    header: str, missing: tuple[str, ...], taken: tuple[str, ...], meant: str | None
) -> None:
    assert likely_column(header, missing, taken) == meant


@pytest.mark.parametrize(
    ("header", "column"),
    [
        ("#Claim", "claim_number"),
        ("#claim_number", "claim_number"),
        ("#DOB", "patient_dob"),
        ("#Group", "group_number"),
        ("#", None),
        ("# of nothing", None),
    ],
)
def test_a_number_sign_before_a_header(header: str, column: str | None) -> None:
    found = recognise(header)
    assert (found and found[0]) == column
