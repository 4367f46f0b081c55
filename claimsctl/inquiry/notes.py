"""Notes of staff in the history of a claim: free text may name a patient, so it is stored sealed."""

from __future__ import annotations

import base64
import binascii
from typing import Final

from claimsctl.errors import UsageError
from claimsctl.security.masking import MASKED
from claimsctl.store.workspace import Workspace

_MARK: Final = "sealed:"
_LONGEST: Final = 2_000


def sealed_note(text: str | None, claim_id: int, workspace: Workspace) -> str | None:
    """A note as it is stored, bound to its claim; UsageError for one that is too long."""
    if text is None or not text.strip():
        return None
    if len(text) > _LONGEST:
        raise UsageError(f"The note has {len(text):,} characters.", hint=f"It may have {_LONGEST:,}.")
    from claimsctl.security.keys import load_keys
    from claimsctl.security.sealing import seal

    sealed = seal(text.strip().encode(), _bound(claim_id), load_keys(workspace))
    return _MARK + base64.b64encode(sealed).decode()


def read_note(stored: str | None, claim_id: int, workspace: Workspace) -> str | None:
    """A note of history as text; a mark where it was altered. PermissionDenied without the secret."""
    if stored is None or not stored.startswith(_MARK):
        return stored
    from claimsctl.errors import StoreError
    from claimsctl.security.keys import load_keys
    from claimsctl.security.sealing import unseal

    try:
        sealed = base64.b64decode(stored.removeprefix(_MARK), validate=True)
        return unseal(sealed, _bound(claim_id), load_keys(workspace)).decode()
    except (StoreError, binascii.Error):
        return MASKED


def _bound(claim_id: int) -> bytes:
    return f"claimsctl note 1 {claim_id}".encode()
