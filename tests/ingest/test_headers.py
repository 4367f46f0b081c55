"""What an unknown header may mean is offered where there is one good guess."""

from __future__ import annotations

import pytest

from claimsctl.ingest.headers import likely_column


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
