"""Whether keys open what is stored: a patient of each practice is tried."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from claimsctl.errors import StoreError
from claimsctl.store.database import open_store
from claimsctl.store.headers import quoted
from claimsctl.store.records import unseal_patient

if TYPE_CHECKING:
    from claimsctl.security.keys import Keys
    from claimsctl.store.workspace import Workspace


def opens_stored(workspace: Workspace, keys: Mapping[str, Keys]) -> int:
    """How many patients were opened: the first and the last stored of each practice that has any.

    PermissionDenied where the keys do not open one, StoreError where one was altered or its file is gone.
    """
    if not workspace.claims_database.exists():
        return 0
    with open_store(workspace, write=False) as connection:
        chosen = connection.execute(
            "SELECT practice_id, patient_key, record_hash, file FROM patients "
            "QUALIFY row_number() OVER (PARTITION BY practice_id ORDER BY file, patient_key) = 1 "
            "OR row_number() OVER (PARTITION BY practice_id ORDER BY file DESC, patient_key DESC) = 1"
        ).fetchall()
        for practice, key, record, file in chosen:
            path = workspace.root / str(file)
            if not path.exists():
                raise StoreError(f"Sealed patients are missing: {path}.", hint="Restore them from a backup.")
            found = connection.execute(
                f"SELECT sealed FROM read_parquet({quoted(path)}) WHERE patient_key = ? AND record_hash = ?",
                [key.hex, record],
            ).fetchone()
            if found is None:
                raise StoreError(f"A sealed patient is missing in {path}.", hint="Restore it from a backup.")
            unseal_patient(bytes(found[0]), key.hex, keys.get(practice) or next(iter(keys.values())))
    return len(chosen)
