"""Who is at the keyboard, and the keys they hold.

Without a registry (`access.json`) a workspace has one secret, and whoever has it may do everything.
"""

from __future__ import annotations

import os
import pwd
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import date
from typing import TYPE_CHECKING, Any, Final, Protocol

from claimsctl.errors import ClaimsctlError, PermissionDenied
from claimsctl.security.access.one_secret import OneSecret, forget_half, single_user_half
from claimsctl.security.keys import KeyOwner, Keys, check_unmanaged, load_secret

if TYPE_CHECKING:
    from claimsctl.security.access.holding import Held
    from claimsctl.security.access.registry import Registry, User
    from claimsctl.security.access.unlocking import Ask, Private
    from claimsctl.security.roles import Role

SINGLE_USER: Final = "*"
"""The name under which `known_verify_keys` has the key of a workspace without users and roles."""

_opened: dict[tuple[Any, ...], Access] = {}
_latest: list[str] = []
"""Whom this process opened last."""
_privates: dict[tuple[str, str, bytes, str | None], Private] = {}
_refusing = threading.local()


class Holding(Protocol):
    """The keys behind an Access."""

    def keys(self, practice_id: str) -> Keys:
        """Keys of a practice; PermissionDenied without the right."""

    def practices(self) -> tuple[str, ...]:
        """The practices with keys of their own that are held; none where one secret is for all."""

    def deidentify_key(self, practice_id: str) -> bytes:
        """32 bytes for pseudonyms of a practice; PermissionDenied without the right."""

    def sign(self, data: bytes) -> bytes:
        """Ed25519 signature (64 bytes) by the user's key."""


@dataclass(frozen=True, slots=True)
class Access:
    """Who is at the keyboard, and what they hold.

    `user` is the name in the registry, without one the account of the operating system (then an admin).
    `practices` is None for all; `npi` the rendering NPI of a therapist; `trained` the day of the last PHI
    training, None for never.
    """

    user: str
    role: Role
    managed: bool
    practices: frozenset[str] | None
    npi: str | None
    trained: date | None
    holding: Holding = field(repr=False, compare=False)

    def keys(self, practice_id: str) -> Keys:
        """Keys of a practice; PermissionDenied without the right."""
        return self.holding.keys(practice_id)

    def any_keys(self) -> Keys:
        """Keys of some practice, to read with: its ring has those of all. PermissionDenied as `keys`."""
        held = self.holding.practices()
        return self.keys(held[0] if held else "default")

    def searching_keys(self) -> tuple[Keys, ...]:
        """Keys of all practices whose keyed hashes differ; PermissionDenied as `keys`."""
        found = [self.keys(practice) for practice in self.holding.practices()] or [self.keys("default")]
        return tuple({keys.lookup: keys for keys in found}.values())

    def deidentify_key(self, practice_id: str) -> bytes:
        """32 bytes for the pseudonyms of a practice; PermissionDenied without the right."""
        return self.holding.deidentify_key(practice_id)

    def sign(self, data: bytes) -> bytes:
        """Ed25519 signature (64 bytes) by the user's key; `known_verify_keys` has the other half."""
        return self.holding.sign(data)


def open_access(workspace: KeyOwner, *, ask: Ask | None = None) -> Access:
    """Who is at the keyboard; kept for the process as long as registry and environment stay as they are.

    `ask` asks a person for a passphrase; by default the terminal does, where there is one. PermissionDenied
    for somebody unknown or disabled, keys that are locked, a session that has expired, a registry that was
    altered or removed; the refusal is recorded in the audit log here. Without users it opens no key.
    """
    state = _state(workspace)
    found = _opened.get(state)
    if found is None:
        with refusals_recorded(workspace):
            found = _open(workspace, ask)
        # An older state never comes back: what it opened is forgotten with it.
        for older in [key for key in _opened if key[0] == state[0] and key != state]:
            del _opened[older]
        _opened[state] = found
    _latest[:] = [found.user]
    return found


def forget_opened() -> None:
    """Forget what this process has opened: the next command begins anew."""
    _opened.clear()
    _latest.clear()
    _privates.clear()
    forget_half()


def remember(workspace: KeyOwner, name: str, user: User, private: Private) -> None:
    """Keep what this process has opened of a user, so that a passphrase is asked for once."""
    _privates[_remembered(workspace, name, user)] = private


def known_verify_keys(workspace: KeyOwner) -> Mapping[str, tuple[bytes, ...]]:
    """Ed25519 public keys by user, newest first, of former users and keys too.

    A record made before users and roles came into a workspace verifies with SINGLE_USER. PermissionDenied
    where there is neither registry nor secret, or the registry is not signed by its own authority.
    """
    from claimsctl.security.access.registry import load_registry

    registry = load_registry(workspace)
    if registry is None:
        return {SINGLE_USER: (single_user_half(load_secret(workspace)),)}
    registry.check(registry.authority)
    found = {name: (user.verify,) for name, user in registry.users.items()}
    for name, halves in registry.former.items():
        found[name] = (*found.get(name, ()), *halves)
    if registry.single_user is not None:
        found[SINGLE_USER] = (registry.single_user,)
    return found


def account_name() -> str:
    """The account of the operating system by its number, whatever the environment says."""
    number = os.geteuid()
    try:
        return pwd.getpwuid(number).pw_name
    except KeyError:
        return f"uid {number}"


def user_name() -> str:
    """Who works: the user this process opened last, before that the account of the operating system."""
    return _latest[0] if _latest else account_name()


def named_user(registry: Registry) -> str:
    """Who is there: whose CLAIMSCTL_TOKEN it is, else the user bound to the account of the system.

    PermissionDenied for nobody, and for a user who was disabled.
    """
    from claimsctl.security.access.unlocking import token_of

    given = token_of()
    if given is not None:
        name = given[0] if given[0] in registry.users else None
    else:
        account = account_name()
        name = next((name for name, user in registry.users.items() if user.account == account), None)
    if name is None:
        raise PermissionDenied(
            "This workspace has users and roles, and you are none of them.",
            hint="Ask an admin: claimsctl users add. With a token, set CLAIMSCTL_TOKEN.",
        )
    if registry.users[name].disabled is not None:
        raise PermissionDenied(f"{name} was disabled.", hint="Ask an admin: claimsctl users enable.")
    return name


def open_held(workspace: KeyOwner, registry: Registry, ask: Ask | None = None) -> Held:
    """What the user who is there holds, the registry checked; PermissionDenied as of `open_access`."""
    from claimsctl.security.access.holding import Held

    name = named_user(registry)
    private = _private(workspace, name, registry.users[name], ask or terminal())
    registry.check(private.authority)
    return Held(registry, name, private)


def terminal() -> Ask | None:
    """Asks at the terminal, without showing what is typed; None where nobody is there."""
    if sys.stdin is None or not sys.stdin.isatty() or not sys.stderr.isatty():
        return None
    from getpass import getpass

    return getpass


@contextmanager
def refusals_recorded(workspace: KeyOwner) -> Iterator[None]:
    """A refusal in the block is recorded in the audit log before it goes on its way, once."""
    try:
        yield
    except PermissionDenied as error:
        if not error.recorded and not getattr(_refusing, "now", False):
            _refusing.now = True  # writing the record asks who is there again
            try:
                with suppress(ClaimsctlError):  # a workspace that cannot be written to refuses all the same
                    from claimsctl.security import audit

                    audit.refused(workspace, error, why=error.message)
            finally:
                _refusing.now = False
        raise


def _registry(workspace: KeyOwner) -> Registry | None:
    if not workspace.access_file.exists():
        return None
    from claimsctl.security.access.registry import load_registry

    return load_registry(workspace)


def _open(workspace: KeyOwner, ask: Ask | None) -> Access:
    from claimsctl.security.access.remembering import check_revision, revision_seen

    seen = revision_seen(workspace)
    registry = _registry(workspace)
    if registry is None:
        check_unmanaged(workspace)
        return Access(account_name(), "admin", False, None, None, None, OneSecret(workspace))
    held = open_held(workspace, registry, ask)
    check_revision(workspace, registry, seen)
    user = held.user
    return Access(held.name, user.role, True, user.practices, user.npi, user.trained, held)


def _private(workspace: KeyOwner, name: str, user: User, ask: Ask | None) -> Private:
    """The user's private halves: opened before, of their session, or by their method."""
    from claimsctl.security.access.session import in_session
    from claimsctl.security.access.unlocking import open_private, unlock_key
    from claimsctl.security.access.wrapping import Altered

    known = _privates.get(_remembered(workspace, name, user))
    if known is not None:
        return known
    if user.method.kind == "passphrase":
        try:
            found = in_session(workspace, name, user)
        except PermissionDenied:
            if ask is None:
                raise
            found = None
        if found is not None:
            return found[0]
    key = unlock_key(user, name, workspace, ask)
    try:
        private = open_private(user, name, key, workspace.id)
    except Altered:
        raise PermissionDenied(
            f"The {user.method.kind} does not open the keys of {name}: it is another one, or access.json was "
            "altered.",
            hint="Try again, or ask an admin: claimsctl users reset.",
        ) from None
    remember(workspace, name, user, private)
    return private


def _remembered(workspace: KeyOwner, name: str, user: User) -> tuple[str, str, bytes, str | None]:
    token = os.environ.get("CLAIMSCTL_TOKEN")
    return workspace.id, name, user.private, token


def _state(workspace: KeyOwner) -> tuple[Any, ...]:
    """What an opened access hangs on."""
    said = tuple(
        os.environ.get(name) for name in ("CLAIMSCTL_TOKEN", "CLAIMSCTL_CONFIG_DIR", "XDG_RUNTIME_DIR")
    )
    try:
        found = workspace.access_file.stat()
    except FileNotFoundError:
        return (workspace.access_file, None, said)
    return (workspace.access_file, (found.st_mtime_ns, found.st_size, found.st_ino), said, account_name())
