"""The recovery code: what opens a workspace when all other ways in are lost. It is shown once.

The code is 160 random bits. Its X25519 pair has everything wrapped that an admin of all practices has, so
that a rotation needs no new code; a keyed hash binds the workspace's authority to it.
"""

from __future__ import annotations

import hashlib
import hmac
import os
from base64 import b32decode, b32encode
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Final

from claimsctl.errors import PermissionDenied, UsageError
from claimsctl.security import audit
from claimsctl.security.access.bundles import Bundle, unwrap_bundle, wrap_bundle
from claimsctl.security.access.changing import change, granted
from claimsctl.security.access.holding import AUTHORITY
from claimsctl.security.access.opening import account_name, refusals_recorded, remember
from claimsctl.security.access.registry import (
    Recovery,
    Registry,
    load_registry,
    parse_registry,
    registry_lock,
    registry_text,
    save_registry,
)
from claimsctl.security.access.remembering import revision_seen
from claimsctl.security.access.unlocking import open_private
from claimsctl.security.access.users import check_name, check_users, new_user, with_pairs
from claimsctl.security.access.wrapping import encrypting_half, unwrap, verifying_half, wrap
from claimsctl.security.files import create_private, disk_errors
from claimsctl.security.keys import subkey

if TYPE_CHECKING:
    from claimsctl.security.access.holding import Held
    from claimsctl.security.access.unlocking import NewMethod
    from claimsctl.security.keys import KeyOwner, Keys

NAME: Final = "*recovery"
"""What the wrapped keys of the code are bound to; no user can have this name."""
_BYTES: Final = 20
_CHECK: Final = 4
_GROUP: Final = 4


@dataclass(frozen=True, slots=True)
class Opened:
    """What a recovery code opens."""

    authority: bytes = field(repr=False)
    bundles: Mapping[str, Bundle] = field(repr=False)

    def all_keys(self, registry: Registry) -> dict[str, Keys]:
        """The keys of every practice, each with all others on its ring."""
        ring = {key: sealing for bundle in self.bundles.values() for key, sealing in bundle.ring.items()}
        return {
            name: each.keys(registry.practices[name].current, ring) for name, each in self.bundles.items()
        }


def new_recovery(workspace: str, authority: bytes, bundles: Mapping[str, Bundle]) -> tuple[Recovery, str]:
    """A recovery of everything, and its code as people write it."""
    secret = os.urandom(_BYTES)
    public = encrypting_half(_private(secret))
    recovery = Recovery(
        public, _check(secret, workspace, verifying_half(authority)), date.today(), None,
        {name: wrap_bundle(each, public, workspace, name, NAME) for name, each in bundles.items()},
        wrap(authority, public, _authority(workspace)),
    )  # fmt: skip
    return recovery, _written(secret)


def with_bundles(recovery: Recovery, workspace: str, bundles: Mapping[str, Bundle]) -> Recovery:
    """The recovery with what practices have now."""
    wrapped = {
        name: wrap_bundle(each, recovery.encrypt, workspace, name, NAME) for name, each in bundles.items()
    }
    return replace(recovery, grants={**recovery.grants, **wrapped})


def open_recovery(registry: Registry, code: str) -> Opened:
    """What the code opens, the registry checked; UsageError for a slip of the pen, PermissionDenied for a
    code that is not this workspace's, or a registry that was altered."""
    secret, workspace, said = _read(code), registry.workspace, registry.recovery
    if not hmac.compare_digest(_check(secret, workspace, registry.authority), said.check):
        raise PermissionDenied(
            "The recovery code is not that of this workspace, or access.json was altered.",
            hint="A newer `claimsctl keys export-recovery` made older codes worthless.",
        )
    private = _private(secret)
    registry.check(registry.authority)
    authority = unwrap(said.authority, private, _authority(workspace))
    bundles = {
        name: unwrap_bundle(wrapped, private, workspace, name, NAME) for name, wrapped in said.grants.items()
    }
    wanted = {name: set(practice.generations) for name, practice in registry.practices.items()}
    if {name: set(bundle.ring) for name, bundle in bundles.items()} != wanted:
        raise PermissionDenied("The recovery code does not open all keys.", hint=_ANEW)
    return Opened(authority, bundles)


def export_recovery(
    workspace: KeyOwner, show: Callable[[Registry, str], None] = lambda _registry, _code: None
) -> tuple[Registry, str]:
    """A new code, which makes the one before worthless; PermissionDenied for who has not all practices.

    `show` gets registry and code before they are in force: when it raises, the code before stays good.
    """
    made: list[str] = []

    def changing(held: Held) -> Registry:
        bundles = {practice: held.bundle(practice) for practice in held.registry.practices}
        recovery, code = new_recovery(held.registry.workspace, held.authority(), bundles)
        made.append(code)
        return replace(held.registry, recovery=recovery)

    registry = change(workspace, changing, show=lambda following: show(following, made[-1]))
    audit.record(workspace, "keys export-recovery")
    return registry, made[-1]


def write_kit(registry: Registry, path: Path) -> None:
    """Copy a registry, which its code needs, to a place apart; UsageError where something is there."""
    if not create_private(path, registry_text(registry)):
        raise UsageError(f"There is a file {path} already.", hint="Name another.")


def note_test(workspace: KeyOwner, code: str) -> Opened:
    """Try a code, and note in the registry that it works; PermissionDenied as `open_recovery`."""
    found: list[Opened] = []

    def changing(held: Held) -> Registry:
        found.append(open_recovery(held.registry, code))
        return replace(held.registry, recovery=replace(held.registry.recovery, tested=date.today()))

    change(workspace, changing)
    audit.record(workspace, "keys test-recovery")
    return found[-1]


def import_recovery(
    workspace: KeyOwner,
    code: str,
    name: str,
    method: NewMethod,
    *,
    kit: Path | None = None,
) -> Registry:
    """Make `name` an admin of everything, bound to the account that runs this, by the recovery code.

    A user of that name gets new keys. `kit` is the copy of a registry to be put back.
    """
    check_name(name)
    with refusals_recorded(workspace), registry_lock(workspace):
        registry = _of_kit(workspace, kit) if kit is not None else load_registry(workspace)
        if registry is None:
            raise UsageError("There is no access.json.", hint="Give the copy of your kit with --kit FILE.")
        opened = open_recovery(registry, code)
        registry = replace(registry, revision=max(registry.revision, revision_seen(workspace)))
        account, former = account_name(), dict(registry.former)
        users = {
            each: replace(user, account=None) if user.account == account else user
            for each, user in registry.users.items()
        }
        if name in users:
            former[name] = (users[name].verify, *former.get(name, ()))
            user = replace(users[name], role="admin", practices=None, disabled=None, account=account)
            user = with_pairs(user, registry, name, method)
        else:
            user = new_user(registry, name, "admin", method, None, account)
        users[name] = granted(registry.workspace, name, user, opened.bundles, opened.authority)
        following = check_users(replace(registry, users=users, former=former)).signed(opened.authority)
        save_registry(workspace, following)
    private = open_private(users[name], name, method.unlock_key, workspace.id)
    remember(workspace, name, users[name], private)
    audit.record(workspace, "keys import-recovery", who=name)
    return following


def _of_kit(workspace: KeyOwner, kit: Path) -> Registry:
    with disk_errors(kit, "read"):
        data = kit.expanduser().read_bytes()
    return parse_registry(data, workspace.id, kit)


_ANEW: Final = "An admin makes a new one: claimsctl keys export-recovery."


def _private(secret: bytes) -> bytes:
    return subkey(secret, b"recovery", 32)


def _check(secret: bytes, workspace: str, authority: bytes) -> bytes:
    key = subkey(secret, b"recovery check", 32)
    return hmac.digest(key, workspace.encode() + authority, "sha256")


def _authority(workspace: str) -> bytes:
    return AUTHORITY + f"{workspace} {NAME}".encode()


def _written(secret: bytes) -> str:
    text = b32encode(secret).decode() + b32encode(hashlib.sha256(secret).digest()).decode()[:_CHECK]
    return "-".join(text[at : at + _GROUP] for at in range(0, len(text), _GROUP))


def _read(code: str) -> bytes:
    text = "".join(c for c in code.upper() if c.isalnum()).translate(str.maketrans("018", "OIB"))
    try:
        secret = b32decode(text[:-_CHECK])
    except ValueError:
        secret = b""
    if len(secret) != _BYTES or _written(secret).replace("-", "") != text:
        raise UsageError("This is no recovery code: a character is wrong or missing.", hint="Type it again.")
    return secret
