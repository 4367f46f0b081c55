"""Which columns of any table hold patients' data, by their headers: those that claims are read by."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from claimsctl.claim import BY_NAME, PATIENT_NAME_SYNONYMS, SUBSCRIBER_NAME_SYNONYMS
from claimsctl.ingest.headers import fold

if TYPE_CHECKING:
    from claimsctl.scan.detecting import Kind

_KINDS: dict[str, Kind] = {
    "patient_last_name": "name", "patient_first_name": "name", "subscriber_last_name": "name",
    "subscriber_first_name": "name", "patient_ssn": "ssn", "member_id": "member id",
    "other_member_id": "member id", "patient_id": "patient id", "patient_dob": "birth date",
    "subscriber_dob": "birth date", "patient_phone": "phone", "patient_address": "address",
    "dropoff_address": "address",
}  # fmt: skip


@cache
def _headers() -> dict[str, Kind]:
    found: dict[str, Kind] = {}
    for name, kind in _KINDS.items():
        for header in (name, *BY_NAME[name].synonyms):
            found[fold(header)] = kind
    for header in ("patient_name", "subscriber_name", *PATIENT_NAME_SYNONYMS, *SUBSCRIBER_NAME_SYNONYMS):
        found[fold(header)] = "name"
    return found


def kind_of_header(header: str) -> Kind | None:
    """What a column of that header holds of a patient; None where the header does not say it."""
    return _headers().get(fold(header))
