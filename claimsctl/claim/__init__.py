"""The one list of claim columns: everything that knows a column by name reads it here.

Casts, header mapping, templates, masking, sealing and docs/columns.md all derive from `COLUMNS`.
Sources: CMS-1500 (02/12) boxes, UB-04 form locators (FL) and ASC X12N 005010X222A1/X223A2 segments.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final, Literal

from claimsctl.claim.column import Column, ColumnType, Level, PhiClass
from claimsctl.claim.others import OTHERS
from claimsctl.claim.parties import PARTIES
from claimsctl.claim.services import SERVICES

__all__ = [
    "BY_NAME", "COLUMNS", "INSTITUTIONAL_INSTEAD", "INSURANCE_ID_SYNONYMS", "PATIENT_NAME",
    "PATIENT_NAME_FALLBACKS", "PATIENT_NAME_SYNONYMS", "PRICE_COLUMNS", "PROFILES", "REQUIRED_TO_RUN",
    "RISK_COLUMNS", "SUBSCRIBER_NAME", "SUBSCRIBER_NAME_SYNONYMS", "Column", "ColumnType", "Level",
    "PhiClass", "Profile", "Requirement", "columns_where",
]  # fmt: skip

Profile = Literal["professional", "session", "status"]

PROFILES: Final[tuple[Profile, ...]] = ("professional", "session", "status")
PATIENT_NAME: Final = "patient_name"
"""Pseudo column of one "Last, First" header; it is split and never reaches a rule."""
SUBSCRIBER_NAME: Final = "subscriber_name"

COLUMNS: Final[tuple[Column, ...]] = tuple(
    column for group in (*PARTIES, *SERVICES, *OTHERS) for column in group.columns
)
"""Every canonical column, once, in the order of docs/columns.md and of accepted files."""

BY_NAME: Final[Mapping[str, Column]] = MappingProxyType({column.name: column for column in COLUMNS})

PATIENT_NAME_SYNONYMS: Final = (
    "Patient Name", "Pt Name", "Client Name", "Member Name", "Patient Full Name", "Patient's Name",
    "Name of Patient",
)  # fmt: skip
PATIENT_NAME_FALLBACKS: Final = ("Patient", "Client", "Name")
SUBSCRIBER_NAME_SYNONYMS: Final = (
    "Insured Name", "Policy Holder", "Subscriber Name", "Insured's Name", "Policy Holder Name", "Subscriber",
)  # fmt: skip
INSURANCE_ID_SYNONYMS: Final = ("Ins ID", "Insurance ID")
"""Headers of `member_id` that some practices fill with the payer's code (as in INS001)."""

PRICE_COLUMNS: Final = (
    "expected_allowed_amount", "pricing_status", "pricing_source", "work_rvu", "pe_rvu", "mp_rvu",
    "total_rvu", "gpci_work", "gpci_pe", "gpci_mp", "conversion_factor", "modifier_adjustment",
    "limiting_charge", "statutory_adjustment", "adjusted_allowed_amount", "expected_net_amount",
    "pricing_note",
)  # fmt: skip
"""Columns that pricing adds to lines; a file that is fed back may still have them."""

RISK_COLUMNS: Final = ("denial_risk", "risk_band", "risk_source", "risk_reasons", "expected_loss")
"""Columns that scoring adds to lines, two of them also to held ones."""

Requirement = tuple[tuple[str, ...], ...]
"""Alternatives of which one must be there; an alternative is the columns it needs together."""


def _any(*alternatives: str) -> Requirement:
    return tuple(tuple(alternative.split()) for alternative in alternatives)


REQUIRED_TO_RUN: Final[Mapping[str, tuple[Requirement, ...]]] = MappingProxyType({
    "professional": (
        _any("claim_number"), _any("patient_dob"), _any("payer_id", "payer_name"), _any("member_id"),
        _any("billing_npi"), _any("service_date_from", "statement_date_from"), _any("diagnosis_1"),
        _any("units"), _any("charge_amount"), _any("place_of_service"), _any("procedure_code"),
    ),
    "session": (
        _any("patient_id", "patient_last_name patient_first_name"), _any("service_date_from"),
        _any("procedure_code"), _any("diagnosis_1"), _any("charge_amount"), _any("payer_id", "payer_name"),
    ),
    "status": (
        _any("claim_number", "payer_claim_number",
             "patient_last_name patient_first_name patient_dob service_date_from"),
    ),
})  # fmt: skip
"""What a file must bring for a profile (FILE-001); narrower than `Column.required`."""

INSTITUTIONAL_INSTEAD: Final[Mapping[str, str]] = MappingProxyType(
    {"place_of_service": "bill_type_code", "procedure_code": "revenue_code"}
)
"""Professional requirement -> what stands in its place when the file has a bill_type_code column."""


def columns_where(
    *, phi: PhiClass | None = None, kind: ColumnType | None = None, level: Level | None = None
) -> tuple[str, ...]:
    """Names of the columns with the given class, type and level, in canonical order."""
    return tuple(
        column.name
        for column in COLUMNS
        if (phi is None or column.phi == phi)
        and (kind is None or column.type == kind)
        and (level is None or column.level == level)
    )
