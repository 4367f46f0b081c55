"""What an account remembers of a registry, apart from the workspace, so that an older one is noticed.

Somebody who was disabled could put back a copy of `access.json` from before; it is signed as well.
"""

from __future__ import annotations

import hashlib
import os
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from claimsctl.errors import ClaimsctlError, PermissionDenied
from claimsctl.security.files import private_directory, write_private
from claimsctl.security.keys import config_directory

if TYPE_CHECKING:
    from claimsctl.security.access.registry import Registry
    from claimsctl.security.keys import KeyOwner


def revision_seen(workspace: KeyOwner) -> int:
    """The newest revision this account has opened; 0 where it has opened none. Read it before the registry:
    then a change by somebody else meanwhile does not look like an older registry."""
    try:
        return int(_memory(workspace).read_text("ascii"))
    except (OSError, ValueError):
        return 0


def check_revision(workspace: KeyOwner, registry: Registry, seen: int) -> None:
    """Remember the revision; PermissionDenied for one older than what was seen."""
    if registry.revision < seen:
        raise PermissionDenied(
            "An older registry of users (access.json) was put back: who was disabled since could be in it.",
            hint="Restore the newest one. If this is it, restored on purpose, an admin removes "
            f"{_memory(workspace)}",
        )
    if registry.revision > seen:
        path = _memory(workspace)
        with suppress(ClaimsctlError):  # an account without a place of its own remembers nothing
            private_directory(path.parent)
            write_private(path, f"{registry.revision}\n".encode())


def _memory(workspace: KeyOwner) -> Path:
    """A copy of the workspace in another place has a memory of its own."""
    place = hashlib.sha256(os.fsencode(workspace.access_file.absolute())).hexdigest()[:8]
    return config_directory() / "keys" / f"{workspace.id}-{place}.revision"
