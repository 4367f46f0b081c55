"""Which rules a row is checked with before its payer is asked, and which columns a question is made of."""

from __future__ import annotations

from typing import Final

STATUS_PACK: Final = "status/status.toml"
"""The rule pack of questions, below the shipped rules; runs on claims do not load it."""

STATUS_RULES: Final = (
    "STA-*", "FILE-*", "DUP-001", "CLM-003", "CLM-022", "DAT-002", "DAT-003", "DAT-004", "DAT-015",
    "FIN-006", "FIN-008", "IDN-001", "IDN-002", "IDN-003", "IDN-004", "IDN-005", "IDN-012", "IDN-013",
    "PAT-002", "PAT-003", "PAT-006", "PAT-007", "PAT-008", "PAT-009", "PAT-028", "PRV-002", "PRV-003",
)  # fmt: skip
"""Rules about the form of what is asked with. What a claim needs to be paid is not looked at here."""

PACKS: Final = frozenset({
    "claim_structure", "dates", "duplicates", "file_integrity", "financial", "identifiers", "patient",
    "provider",
})  # fmt: skip
"""The shipped packs that have them; the others need not be read."""

FIRST: Final = (
    "claim_number", "payer_sequence", "payer_claim_number", "original_claim_number", "practice_id",
    "patient_last_name", "patient_first_name", "patient_dob", "patient_sex", "patient_ssn", "patient_id",
    "member_id", "group_number", "relationship_code", "subscriber_last_name", "subscriber_first_name",
    "subscriber_dob", "subscriber_sex", "payer_id", "payer_name", "billing_npi", "billing_tax_id",
    "billing_name", "billing_taxonomy", "rendering_npi", "bill_type_code", "place_of_service",
    "frequency_code", "claim_charge_amount",
)  # fmt: skip
"""Of several lines of a claim the first value counts."""
EARLIEST: Final = ("service_date_from", "statement_date_from")
LATEST: Final = ("service_date_to", "statement_date_to")
SUMMED: Final = "charge_amount"

ASKED: Final = (*FIRST, *EARLIEST, *LATEST, SUMMED)
"""Columns that a question is made of."""
