"""Reading a sealed record of a patient. Without Polars, whose import takes longer than showing a claim."""

from __future__ import annotations

import json

from claimsctl.errors import StoreError
from claimsctl.security.keys import Keys
from claimsctl.security.sealing import unseal


def patient_place(patient_key: str) -> bytes:
    """What the record of a patient is bound to."""
    return f"claimsctl patient 1 {patient_key}".encode()


def unseal_patient(sealed: bytes, patient_key: str, keys: Keys) -> dict[str, str]:
    """The identifiers of a patient that are not blank; errors as `unseal`."""
    try:
        record = json.loads(unseal(sealed, patient_place(patient_key), keys))
    except ValueError:
        raise StoreError("A sealed patient record is damaged.", hint="Restore a backup.") from None
    return {name: value for name, value in record.items() if value is not None}
