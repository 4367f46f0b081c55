"""The SQL column of every claim column: types and lengths, from the one list of claim columns."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from types import MappingProxyType
from typing import Final

from claimsctl.claim import COLUMNS, Column, Level
from claimsctl.security.policy import PERSONAL
from claimsctl.sql.column import SqlColumn

# Lengths of codes. Fixed ones are those that no accepted claim has otherwise; the others leave room for what
# practices write into them, because one odd optional code must not stop a load.
_FIXED: Final = MappingProxyType({
    10: "billing_npi rendering_npi referring_npi ordering_npi supervising_npi facility_npi attending_npi"
        " purchased_service_npi billing_taxonomy rendering_taxonomy",
    5: "procedure_code",
    2: "place_of_service modifier_1 modifier_2 modifier_3 modifier_4 relationship_code unit_type",
    1: "frequency_code payer_sequence patient_sex subscriber_sex other_payer_sequence",
})  # fmt: skip
_LENGTHS: Final = MappingProxyType({
    3: " ".join(f"poa_{n}" for n in range(1, 26)),
    4: "accept_assignment_code benefits_assignment_code release_of_info_code provider_signature_code"
       " admission_type_code admission_source_code patient_status_code discharge_hour ndc_unit"
       " delay_reason_code msp_type_code bill_type_code revenue_code drg_code claim_filing_code"
       " billing_tax_id_type diagnosis_code_type",
    10: "clia_number reference_clia_number related_cause_code "
        + " ".join(f"diagnosis_{n}" for n in range(1, 13)),
    11: "ndc_code medicare_locality",
    12: "patient_zip billing_zip facility_zip pickup_zip billing_tax_id patient_ssn",
    20: "patient_state billing_state accident_state patient_country patient_name_suffix patient_phone"
        " claim_type practice_type principal_procedure_code mammography_certificate clinical_trial_number"
        " diagnosis_pointers",
    50: "claim_number payer_claim_number payer_id other_payer_id therapist_id",
    64: "practice_id",
    80: "other_member_id",
    400: "adjustment_group_code adjustment_reason_code adjustment_amount value_code value_amount"
         " occurrence_code occurrence_date condition_code",
})  # fmt: skip
_BY_NAME_FIXED: Final = {name: length for length, names in _FIXED.items() for name in names.split()}
_BY_NAME_LENGTH: Final = {name: length for length, names in _LENGTHS.items() for name in names.split()}
_NUMBERS: Final = frozenset(
    "practice_id claim_number payer_claim_number original_claim_number prior_auth_number referral_number"
    " property_casualty_claim_number patient_ssn billing_tax_id".split()
)
"""Columns of text that hold numbers: ASCII, so that they are codes here."""


def canonical_column(column: Column) -> SqlColumn:
    """The SQL column of a claim column, as it is with PHI written plain."""
    name, kind = column.name, column.cell_type
    said = SqlColumn(
        name, "text", column.meaning, phi=column.phi, canonical=name,
        treated=column.phi == "identifier" or name in PERSONAL,
    )  # fmt: skip
    match kind:
        case "date" | "time":
            return replace(said, kind=kind)
        case "integer":
            return replace(said, kind="integer")
        case "money":
            return replace(said, kind="decimal", precision=12, scale=2)
        case "decimal":
            return replace(said, kind="decimal", precision=18, scale=4)
        case "code" | "text":
            ascii_only = kind == "code" or column.is_list or name in _NUMBERS
            fixed = _BY_NAME_FIXED.get(name)
            length = fixed or _BY_NAME_LENGTH.get(name) or column.max_length
            assert length is not None, name
            return replace(
                said, kind="code" if ascii_only else "text", length=length, fixed=fixed is not None
            )


def canonical_columns(level: Level, *, without: Collection[str]) -> tuple[SqlColumn, ...]:
    """The SQL columns of all claim columns of a level, in canonical order."""
    return tuple(
        canonical_column(column) for column in COLUMNS if column.level == level and column.name not in without
    )
