"""How users open their private halves: passphrase, keyring, key file, reference, token.

Each method yields 32 bytes (the unlock key) under which the private halves are sealed. Secrets come from a
terminal, a file, a keyring or the environment, never from the command line.
"""

from __future__ import annotations

import json
import os
import secrets
from base64 import b64decode, b64encode
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from claimsctl.errors import PermissionDenied, SettingsError, UsageError
from claimsctl.security.access.registry import Method, MethodKind, User
from claimsctl.security.access.wrapping import Altered, box, encrypting_half, unbox, verifying_half
from claimsctl.security.credentials import check_reference, secret
from claimsctl.security.files import create_private, private_directory
from claimsctl.security.keys import config_directory, subkey
from claimsctl.security.logs import hide

if TYPE_CHECKING:
    from claimsctl.security.keys import KeyOwner

SCRYPT: Final = {"n": 2**16, "r": 8, "p": 1}
"""Cost of trying a passphrase: about 0.3 s and 64 MB."""
TOKEN_VARIABLE: Final = "CLAIMSCTL_TOKEN"  # noqa: S105 - its name
SHORTEST_PASSPHRASE: Final = 12
SHORTEST_SECRET: Final = 32
_MOST: Final = {"n": 2**20, "r": 16, "p": 4}
_TOKEN: Final = "cct1"  # noqa: S105 - what tokens begin with
_NO_KEY: Final = (
    "Put it back from a backup, or ask an admin: claimsctl users reset. With the recovery code anybody comes "
    "in again: claimsctl keys import-recovery."
)

Ask = Callable[[str], str]
"""Asks a person for a secret; PermissionDenied where nobody is there."""


@dataclass(frozen=True, slots=True)
class Private:
    """The opened private halves of a user, and the authority they trust (its public half)."""

    encrypt: bytes = field(repr=False)
    verify: bytes = field(repr=False)
    authority: bytes


@dataclass(frozen=True, slots=True)
class NewMethod:
    """A method with what opens it, before it is in the registry; `told` is a token, shown once."""

    method: Method
    unlock_key: bytes = field(repr=False)
    told: str | None = field(default=None, repr=False)


def seal_private(private: Private, unlock_key: bytes, workspace: str, name: str, method: Method) -> bytes:
    """Private halves under an unlock key, bound to user, method and its parameters."""
    data = private.encrypt + private.verify + private.authority
    return box(data, unlock_key, _bound(workspace, name, method))


def open_private(user: User, name: str, unlock_key: bytes, workspace: str) -> Private:
    """The private halves; Altered where the key is wrong or something was changed."""
    data = unbox(user.private, unlock_key, _bound(workspace, name, user.method))
    private = Private(data[:32], data[32:64], data[64:])
    if encrypting_half(private.encrypt) != user.encrypt or verifying_half(private.verify) != user.verify:
        raise Altered("A user's public keys in access.json were exchanged.")
    return private


def new_method(
    kind: MethodKind,
    workspace: KeyOwner,
    name: str,
    *,
    passphrase: str | None = None,
    key_file: Path | None = None,
    reference: str | None = None,
) -> NewMethod:
    """A method made ready: a key file or an entry of the keyring is written here.

    UsageError for a passphrase or a secret that is too short, and for what is missing.
    """
    if kind == "passphrase":
        if passphrase is None or len(passphrase) < SHORTEST_PASSPHRASE:
            raise UsageError(f"A passphrase needs {SHORTEST_PASSPHRASE} characters or more.")
        method = Method(kind, {"salt": b64encode(os.urandom(16)).decode(), **SCRYPT})
        return NewMethod(method, _scrypt(passphrase, method))
    if kind == "file":
        # A name of its own: what a process that died has left is in nobody's way.
        usual = config_directory() / "keys" / f"{workspace.id}.{name}-{secrets.token_hex(4)}.key"
        path, text = (key_file or usual).absolute(), secrets.token_hex(32)
        private_directory(path.parent)
        if not create_private(path, f"{text}\n".encode()):
            raise UsageError(f"The key file {path} is there already.", hint="Name another with --key-file.")
        return NewMethod(Method(kind, {"path": str(path)}), _stretched(text))
    if kind == "keyring":
        text, service = secrets.token_hex(32), f"claimsctl-{workspace.id}"
        entry = f"{name}-{secrets.token_hex(4)}"  # beside an older one, which is in force until then
        _keyring().set_password(service, entry, text)
        return NewMethod(Method(kind, {"service": service, "entry": entry}), _stretched(text))
    if kind == "env":
        if reference is None:
            raise UsageError("A service account needs --reference env:NAME or --reference file:PATH.")
        return NewMethod(Method(kind, {"reference": reference}), _of_reference(reference, workspace))
    text = secrets.token_urlsafe(32)
    return NewMethod(Method("token"), _stretched(text), f"{_TOKEN}.{name}.{text}")


def unlock_key(user: User, name: str, workspace: KeyOwner, ask: Ask | None = None) -> bytes:
    """What opens the user's private halves; PermissionDenied where it is not there."""
    method = user.method
    if method.kind == "token":
        given = token_of()
        if given is None or given[0] != name:
            raise PermissionDenied(f"{name} comes in with a token.", hint=f"Set {TOKEN_VARIABLE} to it.")
        return _stretched(given[1])
    if method.kind == "file":
        return _stretched(_lines(Path(_said(method, "path"))))
    if method.kind == "keyring":
        found = _keyring().get_password(_said(method, "service"), _said(method, "entry"))
        if not found:
            raise PermissionDenied(f"The keyring has no key of {name}.", hint=_NO_KEY)
        return _stretched(str(found))
    if method.kind == "env":
        return _of_reference(_said(method, "reference"), workspace)
    if ask is None:
        raise PermissionDenied(f"The keys of {name} are locked.", hint="Run `claimsctl keys unlock` first.")
    return _scrypt(ask(f"Passphrase of {name}: "), method)


def token_of() -> tuple[str, str] | None:
    """User and secret of CLAIMSCTL_TOKEN; None where it is not set, PermissionDenied where it is no token."""
    text = os.environ.get(TOKEN_VARIABLE, "").strip()
    if not text:
        return None
    kind, _, rest = text.partition(".")
    name, _, token = rest.partition(".")
    if kind != _TOKEN or not name or not token:
        raise PermissionDenied(f"{TOKEN_VARIABLE} is no token.", hint="Ask an admin: claimsctl users reset.")
    return name, hide(token)


def _bound(workspace: str, name: str, method: Method) -> bytes:
    said = ["claimsctl private 1", workspace, name, method.kind, dict(method.parameters)]
    return json.dumps(said, sort_keys=True).encode()


def _said(method: Method, name: str) -> str:
    if name not in method.parameters:
        raise Altered("The way in of a user in access.json is not whole: it was altered.")
    return str(method.parameters[name])


def _scrypt(passphrase: str, method: Method) -> bytes:
    from unicodedata import normalize

    from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

    try:
        cost, salt = {name: int(_said(method, name)) for name in _MOST}, b64decode(_said(method, "salt"))
    except ValueError:
        raise Altered("The cost of a passphrase in access.json is no number.") from None
    if any(not 1 <= cost[name] <= most for name, most in _MOST.items()):
        raise Altered("The cost of a passphrase in access.json is out of bounds.")
    kdf = Scrypt(salt=salt, length=32, **cost)
    return kdf.derive(normalize("NFC", passphrase).encode())


def _stretched(text: str) -> bytes:
    """Of a secret with 32 random bytes or more: it needs no slow function."""
    return subkey(text.encode(), b"unlock", 32)


def _of_reference(reference: str, workspace: KeyOwner) -> bytes:
    try:
        check_reference("--reference", reference)
    except ValueError as error:
        raise UsageError(f"{error}.") from None
    kind = reference.partition(":")[0]
    try:
        text = secret("The key of this account", reference, workspace.access_file.parent)
    except SettingsError as error:
        raise PermissionDenied(error.message, hint=error.hint) from None
    if len(text) < SHORTEST_SECRET:
        raise PermissionDenied(
            f"The secret behind {kind}: is not there, or shorter than {SHORTEST_SECRET} characters.",
            hint="Make one with: openssl rand -hex 32",
        )
    return _stretched(text)


def _lines(path: Path) -> str:
    try:
        if path.stat().st_mode & 0o077:
            raise PermissionDenied(f"Others may read the key file {path}.", hint=f"chmod 600 '{path}'")
        return path.read_text("utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is no text"
        raise PermissionDenied(f"Cannot read the key file {path}: {why}.", hint=_NO_KEY) from None


def _keyring() -> Any:
    try:
        import keyring
    except ImportError:
        raise UsageError(
            "The keyring of the system needs a further package.", hint="pip install 'claimsctl[keyring]'"
        ) from None
    return keyring
