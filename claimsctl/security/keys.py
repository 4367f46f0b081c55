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


@dataclass(frozen=True, slots=True)
class Keys:
    """Subkeys of one workspace secret. `key_id` is public: it tells secrets apart, not what they are."""

    key_id: str
    lookup: bytes = field(repr=False)
    """Keyed hashes of identifiers: patient keys and search."""
    sealing: bytes = field(repr=False)
    """AES-256-GCM of identifiers."""
    digest: bytes = field(repr=False)
    """Content digests of rows, so that they cannot be guessed from the rest of the row."""

    @staticmethod
    def derive(secret: bytes) -> Keys:
        """All subkeys of a secret."""
        return Keys(
            _subkey(secret, b"key id", 4).hex(),
            _subkey(secret, b"lookup", 32),
            _subkey(secret, b"sealing", 32),
            _subkey(secret, b"digest", 32),
        )


def config_directory(env: Mapping[str, str] | None = None) -> Path:
    """The user's configuration directory; CLAIMSCTL_CONFIG_DIR names another one."""
    named = (os.environ if env is None else env).get("CLAIMSCTL_CONFIG_DIR")
    if named:
        return Path(named).expanduser()
    from platformdirs import user_config_path

    return user_config_path("claimsctl", appauthor=False)


def secret_path(workspace: KeyOwner, env: Mapping[str, str] | None = None) -> Path:
    """Where the secret of a workspace lies."""
    return config_directory(env) / "keys" / f"{workspace.id}.secret"


def load_keys(workspace: KeyOwner, env: Mapping[str, str] | None = None) -> Keys:
    """The keys of a workspace; makes the secret on first use.

    Raises PermissionDenied (exit 5) when the workspace was made with a secret that is not here, is
    damaged or is another one: what is sealed cannot be read then, and new secrets would split the store.
    """
    path = secret_path(workspace, env)
    expected = _noted(workspace.key_id_file)
    if expected is None:
        private_directory(path.parent)
        line = f"{_HEADER} {secrets.token_hex(_BYTES)}\n"
        create_private(path, line.encode())
    keys = Keys.derive(_read(path, workspace))
    if expected is None:
        create_private(workspace.key_id_file, f"{keys.key_id}\n".encode())
        expected = _noted(workspace.key_id_file)
    if keys.key_id != expected:
        raise PermissionDenied(
            f"The secret {path} does not belong to this workspace.",
            hint="Put back the secret the workspace was made with (a copy or a backup of that file).",
        )
    return keys


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


def _subkey(secret: bytes, purpose: bytes, length: int) -> bytes:
    from cryptography.hazmat.primitives.hashes import SHA256
    from cryptography.hazmat.primitives.kdf.hkdf import HKDF

    return HKDF(SHA256(), length, salt=None, info=b"claimsctl 1 " + purpose).derive(secret)
