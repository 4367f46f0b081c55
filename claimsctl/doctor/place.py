"""The workspace as a place: identity, rights, key, disk, work in progress."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from claimsctl.doctor.check import Check
from claimsctl.doctor.words import size
from claimsctl.security.access.founding import plain_secret_is_left
from claimsctl.security.access.opening import open_access
from claimsctl.security.keys import load_keys, secret_path
from claimsctl.store.workspace import Workspace, owner_of

_LITTLE: Final = 2_000_000_000
_TOO_LITTLE: Final = 200_000_000
_PRIVATE: Final = ("lines", "jobs", "tmp", "claims.duckdb", "jobs.sqlite", "audit.log")


def workspace_checks(workspace: Workspace, settings_file: Path | None) -> Iterator[Check]:
    """Where it is, and runs that work in it now."""
    found = (
        f"settings in {settings_file}" if settings_file else "no claimsctl.toml: all settings are defaults"
    )
    yield Check("workspace", "ok", f"{workspace.root}, {found}.")
    running = []
    for path in sorted((workspace.root / "tmp").glob("[!.]*")):
        owner = owner_of(path)
        if owner is not None and owner.pid != os.getpid():
            running.append(f"{path.name} (process {owner.pid})")
    if running:
        yield Check("workspace", "note", f"At work now: {', '.join(running)}.")
    kept = sorted(workspace.root.glob("*.backup"))
    if kept:
        names = " ".join(f"'{path}'" for path in kept)
        yield Check(
            "workspace", "note",
            f"Stores of an older claimsctl are kept: {size(sum(path.stat().st_size for path in kept))}.",
            f"When all has worked for a while: rm {names}",
        )  # fmt: skip


def permission_checks(workspace: Workspace) -> Iterator[Check]:
    """Whether others may look in, and we may write."""
    root = workspace.root
    if not os.access(root, os.W_OK | os.X_OK):
        yield Check(
            "permissions", "wrong", f"{root} cannot be written to.", f"Ask its owner: ls -ld '{root}'"
        )
        return
    open_root = bool(root.stat().st_mode & 0o077)
    loose = [name for name in _PRIVATE if (root / name).exists() and (root / name).stat().st_mode & 0o077]
    mend = f"chmod -R go-rwx '{root}'"
    if open_root and loose:
        yield Check("permissions", "wrong", f"Others may read {', '.join(loose)} of {root}.", mend)
    elif open_root or loose:
        what = f"Others may enter {root}" if open_root else f"{', '.join(loose)} may be read by others"
        yield Check("permissions", "warning", f"{what}; what is inside is closed to them all the same.", mend)
    else:
        yield Check("permissions", "ok", "Only you may read it.")


def key_checks(workspace: Workspace) -> Iterator[Check]:
    """Whether the secret of the workspace is there and the right one."""
    if not workspace.key_id_file.exists():
        yield Check("key", "ok", "It is made by the first run.")
        return
    if workspace.access_file.exists():
        access = open_access(workspace)
        held = ", ".join(access.holding.practices()) or "none"
        yield Check("key", "ok", f"You are {access.user} ({access.role}); keys of practices: {held}.")
        if plain_secret_is_left(workspace):
            yield Check(
                "key", "warning", "The secret from before users and roles lies there in plain.",
                "When the recovery code is safe: claimsctl keys init",
            )  # fmt: skip
        return
    keys = load_keys(workspace)
    place = secret_path(workspace)
    yield Check("key", "ok", f"{keys.key_id} in {place}. Keep a copy elsewhere: nothing else opens names.")


def disk_checks(workspace: Workspace) -> Iterator[Check]:
    """Free space where the workspace lies."""
    free = shutil.disk_usage(workspace.root).free
    stored = sum(p.stat().st_size for p in (workspace.claims_database, workspace.jobs_database) if p.exists())
    says = f"{size(free)} free; the stores have {size(stored)}."
    mend = "Free some space there: a run needs about the size of its input several times."
    if free < _TOO_LITTLE:
        yield Check("disk", "wrong", says, mend)
    elif free < max(_LITTLE, stored // 5):
        yield Check("disk", "warning", says, mend)
    else:
        yield Check("disk", "ok", says)
