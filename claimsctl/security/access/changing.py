"""Changing the registry: by an admin, one at a time, signed, all at once or not at all."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from claimsctl.errors import PermissionDenied, UsageError
from claimsctl.security.access.bundles import Bundle, grant
from claimsctl.security.access.holding import AUTHORITY, Held
from claimsctl.security.access.opening import open_held, refusals_recorded
from claimsctl.security.access.registry import Registry, User, load_registry, registry_lock, save_registry
from claimsctl.security.access.remembering import check_revision, revision_seen
from claimsctl.security.access.wrapping import wrap
from claimsctl.security.keys import check_unmanaged

if TYPE_CHECKING:
    from claimsctl.security.access.unlocking import Ask
    from claimsctl.security.keys import KeyOwner


def managed_registry(workspace: KeyOwner) -> Registry:
    """The registry, not yet checked; UsageError in a workspace without users and roles, PermissionDenied
    where they were lost."""
    registry = load_registry(workspace)
    if registry is None:
        check_unmanaged(workspace)
        raise UsageError(
            "This workspace has no users and roles.", hint="`claimsctl keys init` brings them in."
        )
    return registry


def hold(workspace: KeyOwner, ask: Ask | None = None) -> Held:
    """What the user who is there holds in the registry, checked; a refusal is recorded."""
    with refusals_recorded(workspace):
        return open_held(workspace, managed_registry(workspace), ask)


def change(
    workspace: KeyOwner,
    changing: Callable[[Held], Registry],
    *,
    show: Callable[[Registry], None] = lambda _following: None,
) -> Registry:
    """Put what `changing` makes of the registry in its place, signed; the registry as it is then.

    `show` gets it before it is in force: when that raises, nothing has happened. PermissionDenied,
    recorded, for who is no admin, and for an older registry that was put back. A passphrase is asked before
    others have to wait.
    """
    private = hold(workspace)
    with refusals_recorded(workspace):
        private.authority()
        with registry_lock(workspace):
            seen = revision_seen(workspace)
            registry = managed_registry(workspace)
            registry.check(private.private.authority)
            check_revision(workspace, registry, seen)
            user = registry.users.get(private.name)
            if user is None or user.verify != private.user.verify or user.disabled is not None:
                raise PermissionDenied(f"{private.name} was changed by another admin meanwhile.")
            held = Held(registry, private.name, private.private)
            following = changing(held).signed(held.authority())
            show(following)
            save_registry(workspace, following)
            return following


def with_grants(held: Held, name: str, user: User, practices: Iterable[str] | None = None) -> User:
    """The user with the keys that role and practices give them, of these practices or of all.

    PermissionDenied where whoever changes it has no keys of such a practice.
    """
    registry = held.registry
    wanted = registry.practices if practices is None else practices
    kept = {} if practices is None else {n: g for n, g in user.grants.items() if n not in set(practices)}
    bundles = {practice: held.bundle(practice) for practice in wanted if _gets(user, practice)}
    return granted(registry.workspace, name, user, bundles, held.authority(), kept)


def granted(
    workspace: str,
    name: str,
    user: User,
    bundles: Mapping[str, Bundle],
    authority: bytes,
    kept: Mapping[str, bytes] | None = None,
) -> User:
    """The user with what their role gets of bundles, beside grants that are kept; nothing when disabled."""
    found = dict(kept or {}) if user.disabled is None else {}
    for practice, bundle in bundles.items():
        wrapped = grant(bundle, user.role, user.encrypt, workspace, practice, name)
        if wrapped is not None and _gets(user, practice):
            found[practice] = wrapped
    is_admin = user.role == "admin" and user.disabled is None
    sealed = wrap(authority, user.encrypt, AUTHORITY + f"{workspace} {name}".encode()) if is_admin else None
    return replace(user, grants=found, authority=sealed)


def _gets(user: User, practice: str) -> bool:
    return user.disabled is None and user.role != "auditor" and user.has_practice(practice)
