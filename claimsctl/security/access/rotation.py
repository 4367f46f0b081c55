"""New sealing keys, wrapped for all at once; what older keys sealed is sealed anew after that, and can be
opened before, meanwhile and afterwards.

An older key stays on the ring also when nothing in the store needs it: files and databases outside may.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import date
from typing import TYPE_CHECKING

from claimsctl.errors import UsageError
from claimsctl.security import audit
from claimsctl.security.access.bundles import Bundle
from claimsctl.security.access.changing import change, granted, hold, managed_registry
from claimsctl.security.access.recovery import with_bundles
from claimsctl.security.access.registry import Generation, Practice, Registry

if TYPE_CHECKING:
    from claimsctl.security.access.holding import Held
    from claimsctl.security.keys import KeyOwner, Keys

Reencrypt = Callable[[str, "Keys", Callable[[str], None]], bool]
"""Seals anew what of a practice older keys sealed; True when nothing of them is left in the store."""


def rotate(workspace: KeyOwner, practices: frozenset[str] | None = None) -> Registry:
    """A new sealing key for each of the practices (None: all that the admin has), at once for everyone."""

    def changing(held: Held) -> Registry:
        wanted = held.practices() if practices is None else tuple(sorted(practices))
        taken = {key for each in held.registry.practices.values() for key in each.generations}
        bundles: dict[str, Bundle] = {}
        known = dict(held.registry.practices)
        for practice in wanted:
            bundles[practice], key_id = held.bundle(practice).with_new_key(taken)
            taken.add(key_id)
            generations = {**known[practice].generations, key_id: Generation(date.today())}
            known[practice] = Practice(key_id, generations)
        return with_practices(held, known, bundles)

    before = managed_registry(workspace)
    registry = change(workspace, changing)
    changed = sorted(n for n, p in registry.practices.items() if p.current != before.practices[n].current)
    audit.record(workspace, "keys rotate", practices=changed)
    return registry


def add_practice(workspace: KeyOwner, practice: str) -> Registry:
    """Keys of a further practice, for all users who have all practices."""

    def changing(held: Held) -> Registry:
        if practice in held.registry.practices:
            raise UsageError(f"The practice {practice} has keys.", hint="claimsctl keys list shows them.")
        taken = {key for each in held.registry.practices.values() for key in each.generations}
        bundle, made = new_practice(taken)
        return with_practices(held, {**held.registry.practices, practice: made}, {practice: bundle})

    registry = change(workspace, changing)
    audit.record(workspace, "keys init", practices=[practice])
    return registry


def new_practice(taken: set[str]) -> tuple[Bundle, Practice]:
    """Keys of a practice without data."""
    import os

    bundle, key_id = Bundle(os.urandom(32), {}).with_new_key(taken)
    return bundle, Practice(key_id, {key_id: Generation(date.today())})


def with_practices(held: Held, practices: Mapping[str, Practice], bundles: Mapping[str, Bundle]) -> Registry:
    """The registry with practices as they are then, the bundles wrapped for all whose they are."""
    registry, authority = held.registry, held.authority()
    users = {
        name: granted(
            registry.workspace, name, user, bundles, authority,
            {practice: each for practice, each in user.grants.items() if practice not in bundles},
        )
        for name, user in registry.users.items()
    }  # fmt: skip
    recovery = with_bundles(registry.recovery, registry.workspace, bundles)
    return replace(registry, practices=dict(practices), users=users, recovery=recovery)


def pending(registry: Registry) -> dict[str, tuple[str, ...]]:
    """Key ids by practice that are neither current nor retired: the store may still need them."""
    found = {
        name: tuple(
            key for key, each in practice.generations.items()
            if key != practice.current and each.retired is None
        )
        for name, practice in registry.practices.items()
    }  # fmt: skip
    return {name: keys for name, keys in found.items() if keys}


def resume(workspace: KeyOwner, reencrypt: Reencrypt, notify: Callable[[str], None]) -> Registry:
    """Seal anew what older keys sealed, practice after practice; keys that nothing needs are retired.

    What was cut short goes on where it stood. Practices whose keys the admin lacks are left as they are.
    """
    held = hold(workspace)
    done = {
        practice: keys
        for practice, keys in pending(held.registry).items()
        if practice in held.practices() and reencrypt(practice, held.keys(practice), notify)
    }
    if not done:
        return held.registry

    def changing(latest: Held) -> Registry:
        known = dict(latest.registry.practices)
        for practice, keys in done.items():
            retired = {
                key: replace(each, retired=date.today()) if key in keys else each
                for key, each in known[practice].generations.items()
            }
            known[practice] = replace(known[practice], generations=retired)
        return replace(latest.registry, practices=known)

    registry = change(workspace, changing)
    audit.record(workspace, "keys retire", practices=sorted(done))
    return registry
