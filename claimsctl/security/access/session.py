"""Unlocked keys of a passphrase user, kept for some minutes in a file that only its owner may read."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path
from stat import S_ISDIR
from typing import TYPE_CHECKING

from claimsctl.errors import PermissionDenied
from claimsctl.security.access.unlocking import Private
from claimsctl.security.access.wrapping import verifying_half
from claimsctl.security.files import private_directory, write_private
from claimsctl.security.keys import config_directory

if TYPE_CHECKING:
    from claimsctl.security.access.registry import User
    from claimsctl.security.keys import KeyOwner


def session_path(workspace: KeyOwner, name: str) -> Path:
    """Where a session is kept: gone with the login where the system has such a place."""
    runtime = os.environ.get("XDG_RUNTIME_DIR")
    top = Path(runtime) / "claimsctl" if runtime and _is_private(Path(runtime)) else None
    return (top or config_directory() / "sessions") / f"{workspace.id}.{name}.session"


def _is_private(directory: Path) -> bool:
    """Whether nobody else may enter it, as the system promises of such a place."""
    try:
        found = directory.stat()
    except OSError:
        return False
    return S_ISDIR(found.st_mode) and found.st_uid == os.geteuid() and not found.st_mode & 0o077


def begin_session(workspace: KeyOwner, name: str, private: Private, minutes: int) -> float:
    """Keep opened private halves; when it ends, in seconds since 1970."""
    path, now = session_path(workspace, name), time.time()
    said = {
        "from": now, "to": now + 60 * minutes, "encrypt": private.encrypt.hex(),
        "verify": private.verify.hex(), "authority": private.authority.hex(),
    }  # fmt: skip
    private_directory(path.parent)
    write_private(path, json.dumps(said).encode())
    return now + 60 * minutes


def in_session(workspace: KeyOwner, name: str, user: User) -> tuple[Private, float] | None:
    """The private halves of an open session and its end; None where there is none.

    PermissionDenied for one that has expired, which is removed, or that others may read.
    """
    path = session_path(workspace, name)
    try:
        if path.stat().st_mode & 0o077 or path.stat().st_uid != os.geteuid():
            raise PermissionDenied(f"Others may read the session {path}.", hint="Run `claimsctl keys lock`.")
        said = json.loads(path.read_bytes())
        begins, ends = float(said["from"]), float(said["to"])
        private = Private(*(bytes.fromhex(said[each]) for each in ("encrypt", "verify", "authority")))
        known = verifying_half(private.verify) == user.verify
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, TypeError):
        return None  # as good as none: the keys are opened anew
    if not known:  # the user has got other keys since
        path.unlink(missing_ok=True)
        return None
    # Before its beginning the clock was turned back.
    if not begins <= time.time() < ends:
        path.unlink(missing_ok=True)
        raise PermissionDenied(f"The session of {name} has expired.", hint="Run `claimsctl keys unlock`.")
    return private, ends


def is_unlocked(workspace: KeyOwner, name: str, user: User) -> bool:
    """Whether a session is open."""
    try:
        return in_session(workspace, name, user) is not None
    except PermissionDenied:
        return False


def end_session(workspace: KeyOwner, name: str) -> bool:
    """Forget unlocked keys; False where there were none."""
    path = session_path(workspace, name)
    there = path.exists()
    path.unlink(missing_ok=True)
    return there
