"""The secret of a workspace and the keys derived from it.

The secret (32 random bytes) is made on first use in the user's configuration directory, not in the
workspace, so that a copied workspace alone gives away no identifier. Subkeys come from HKDF-SHA256.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from claimsctl.errors import PermissionDenied
from claimsctl.security.files import FILE_MODE, create_private, disk_errors, private_directory, tighten

MANAGED = "access.json"
"""What `key.id` says where users have keys of their own: no secret is made then."""
_HEADER = "claimsctl-secret-1"
_BYTES = 32


class KeyOwner(Protocol):
    """What keys need of a workspace."""

    @property
    def id(self) -> str:
        """Random identity of the workspace; names the secret."""

    @property
    def key_id_file(self) -> Path:
        """Where the workspace notes which secret it was made with."""

    @property
    def audit_log(self) -> Path:
        """The audit file."""

    @property
    def access_file(self) -> Path:
        """Registry of users and their wrapped keys; where there is none, one secret opens everything."""


@dataclass(frozen=True, slots=True)
class Keys:
    """Keys of one practice. `key_id` is public: it tells sealing keys apart, not what they are."""

    key_id: str
    """Which sealing key is the current one."""
    lookup: bytes = field(repr=False)
    """Keyed hashes of identifiers: patient keys and search."""
    sealing: bytes = field(repr=False)
    """AES-256-GCM of identifiers."""
    digest: bytes = field(repr=False)
    """Content digests of rows, so that they cannot be guessed from the rest of the row."""
    ring: Mapping[str, bytes] = field(default_factory=dict, repr=False, compare=False)
    """Sealing keys by key id: of older generations, and of the other practices the user has."""

    @staticmethod
    def derive(secret: bytes) -> Keys:
        """All subkeys of a secret."""
        key_id, sealing = subkey(secret, b"key id", 4).hex(), subkey(secret, b"sealing", 32)
        lookup, digest = subkey(secret, b"lookup", 32), subkey(secret, b"digest", 32)
        return Keys(key_id, lookup, sealing, digest, {key_id: sealing})

    def opening(self, key_id: str) -> bytes:
        """The sealing key with this id; PermissionDenied where it is not among those of the user."""
        found = self.sealing if key_id == self.key_id else self.ring.get(key_id)
        if found is None:
            raise PermissionDenied(
                "A value in the store was sealed with another secret than those at hand.",
                hint="Put back the secret the workspace was made with; where users have roles, ask an admin "
                "for the practice: claimsctl users grant.",
            )
        return found


def config_directory() -> Path:
    """The user's configuration directory; CLAIMSCTL_CONFIG_DIR names another one."""
    named = os.environ.get("CLAIMSCTL_CONFIG_DIR")
    if named:
        return Path(named).expanduser()
    from platformdirs import user_config_path

    return user_config_path("claimsctl", appauthor=False)


def secret_path(workspace: KeyOwner) -> Path:
    """Where the secret of a workspace lies."""
    return config_directory() / "keys" / f"{workspace.id}.secret"


def load_keys(workspace: KeyOwner, practice_id: str | None = "default") -> Keys:
    """The keys of a practice for who is at the keyboard; without users and roles made on first use.

    `practice_id` None stands for whichever the user has, to read with: its ring opens what any of them
    sealed. One secret serves all practices of a workspace without users and roles.

    Raises PermissionDenied (exit 5), recorded in the audit log, without the right, and when the workspace
    was made with a secret that is not here, is damaged or is another one: what is sealed cannot be read
    then, and new secrets would split the store.
    """
    if not workspace.access_file.exists():
        return Keys.derive(load_secret(workspace))
    from claimsctl.security.access.opening import open_access, refusals_recorded

    with refusals_recorded(workspace):
        access = open_access(workspace)
        return access.any_keys() if practice_id is None else access.keys(practice_id)


def searching_keys(workspace: KeyOwner) -> tuple[Keys, ...]:
    """Keys of all practices of the user whose keyed hashes differ: what is looked for may have been stored
    under each of them. PermissionDenied as of `load_keys`."""
    if not workspace.access_file.exists():
        return (Keys.derive(load_secret(workspace)),)
    from claimsctl.security.access.opening import open_access, refusals_recorded

    with refusals_recorded(workspace):
        return open_access(workspace).searching_keys()


def load_secret(workspace: KeyOwner) -> bytes:
    """The secret of a workspace without users and roles, made on first use; errors as `load_keys`."""
    path = secret_path(workspace)
    expected = _noted(workspace.key_id_file)
    if expected is None:
        from claimsctl.security.access.registry import registry_lock

        with registry_lock(workspace):  # nobody may bring in users and roles meanwhile
            expected = _noted(workspace.key_id_file)
            if expected is None:
                expected = _make_secret(path, workspace)
    if expected == MANAGED:
        raise _users_lost(workspace)
    secret = _read(path, workspace)
    if subkey(secret, b"key id", 4).hex() != expected:
        raise PermissionDenied(
            f"The secret {path} does not belong to this workspace.",
            hint="Put back the secret the workspace was made with (a copy or a backup of that file).",
        )
    return secret


def check_unmanaged(workspace: KeyOwner) -> None:
    """PermissionDenied for a workspace that had users and roles and whose registry is gone: who removes it
    does not come to have all rights."""
    if _noted(workspace.key_id_file) == MANAGED:
        raise _users_lost(workspace)


def _users_lost(workspace: KeyOwner) -> PermissionDenied:
    return PermissionDenied(
        f"The users and keys of this workspace are not there: {workspace.access_file} is missing.",
        hint="Restore it from a backup, or run `claimsctl keys import-recovery --kit FILE`.",
    )


def _make_secret(path: Path, workspace: KeyOwner) -> str:
    """A secret, unless one is there from a first use that was cut short; its key id, noted."""
    private_directory(path.parent)
    create_private(path, f"{_HEADER} {secrets.token_hex(_BYTES)}\n".encode())
    key_id = subkey(_read(path, workspace), b"key id", 4).hex()
    create_private(workspace.key_id_file, f"{key_id}\n".encode())
    return key_id


def _noted(path: Path) -> str | None:
    with disk_errors(path, "read"):
        try:
            return path.read_text("ascii").strip()
        except FileNotFoundError:
            return None


def _read(path: Path, workspace: KeyOwner) -> bytes:
    with disk_errors(path, "read"):
        try:
            text = path.read_text("ascii", errors="replace")
        except FileNotFoundError:
            raise PermissionDenied(
                f"The secret of this workspace ({workspace.id}) is missing: {path}.",
                hint="It was made under the account that first used the workspace; copy the file from there, "
                "restore it from a backup, or start a new workspace. Without it patient identifiers in "
                "the store stay sealed.",
            ) from None
        tighten(path, FILE_MODE)
    header, _, digits = text.strip().partition(" ")
    try:
        secret = bytes.fromhex(digits)
    except ValueError:
        secret = b""
    if header != _HEADER or len(secret) != _BYTES:
        raise PermissionDenied(
            f"The secret {path} is damaged.", hint="Restore it from a backup; nothing was changed."
        )
    return secret


def subkey(secret: bytes, purpose: bytes, length: int) -> bytes:
    """A key of `length` bytes for one purpose (HKDF-SHA256)."""
    from cryptography.hazmat.primitives.hashes import SHA256
    from cryptography.hazmat.primitives.kdf.hkdf import HKDF

    return HKDF(SHA256(), length, salt=None, info=b"claimsctl 1 " + purpose).derive(secret)
