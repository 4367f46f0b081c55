"""Notes of staff in the history of a claim: free text may name a patient, so it is stored sealed."""

from __future__ import annotations

import base64
import re
from typing import Final

from claimsctl.errors import UsageError
from claimsctl.security.masking import MASKED
from claimsctl.store.workspace import Workspace

MARK: Final = "sealed:"
_SEALED: Final = re.compile(rf".{{{len(MARK)}}}[A-Za-z0-9+/]{{44,}}={{0,2}}", re.DOTALL)
_LONGEST: Final = 2_000


def sealed_note(text: str | None, claim_id: int, workspace: Workspace, practice_id: str) -> str | None:
    """A note as it is stored, bound to its claim, for its practice; UsageError for one that is too long."""
    if text is None or not text.strip():
        return None
    if len(text) > _LONGEST:
        raise UsageError(f"The note has {len(text):,} characters.", hint=f"It may have {_LONGEST:,}.")
    from claimsctl.security.keys import load_keys
    from claimsctl.security.sealing import seal

    sealed = seal(text.strip().encode(), note_place(claim_id), load_keys(workspace, practice_id))
    return MARK + base64.b64encode(sealed).decode()


def read_note(stored: str | None, claim_id: int, workspace: Workspace) -> str | None:
    """A note of history as text; a mark where it was altered. PermissionDenied without the secret."""
    if stored is None or not stored.startswith(MARK):
        # Notes that claimsctl itself makes are words; this is a sealed one whose mark was altered.
        return MASKED if stored is not None and _SEALED.fullmatch(stored) else stored
    from claimsctl.errors import StoreError
    from claimsctl.security.keys import load_keys
    from claimsctl.security.sealing import unseal

    try:
        sealed = base64.b64decode(stored.removeprefix(MARK), validate=True)
        return unseal(sealed, note_place(claim_id), load_keys(workspace, None)).decode()
    except (StoreError, ValueError):  # not base64
        return MASKED


def note_place(claim_id: int) -> bytes:
    """What a note is bound to."""
    return f"claimsctl note 1 {claim_id}".encode()
