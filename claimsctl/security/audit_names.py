"""Names of files and databases as records have them: hashed, since they hold names of patients."""

from __future__ import annotations

import hashlib
import hmac
import os
import secrets
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Final

from claimsctl.errors import PermissionDenied
from claimsctl.security.access.opening import open_access
from claimsctl.security.keys import subkey

if TYPE_CHECKING:
    from claimsctl.security.keys import KeyOwner

_SIGNED: Final = b"claimsctl audit names 1"


def named(workspace: KeyOwner, path: str | Path) -> str:
    """A path as a record has it, whole and hashed."""
    return hidden(workspace, str(Path(path).expanduser().absolute()))


def hidden(workspace: KeyOwner, text: str) -> str:
    """A text as a record may have it: a keyed hash of 16 digits, which cannot be guessed by trying names.

    Users of a practice write the same for the same text: by the key of the practice `default`, or of the
    first they have. Who holds no key of patients has a key of their own, which comes of what they sign.
    """
    return hmac.new(_key(workspace), os.fsencode(text), hashlib.sha256).hexdigest()[:16]


def _key(workspace: KeyOwner) -> bytes:
    with suppress(PermissionDenied):
        access = open_access(workspace)
        with suppress(PermissionDenied):
            return access.keys("default").digest
        with suppress(PermissionDenied):
            return access.any_keys().digest
        return subkey(access.sign(_SIGNED), _SIGNED, 32)
    return secrets.token_bytes(32)  # a secret that is lost, or nobody known: nobody can find it again
