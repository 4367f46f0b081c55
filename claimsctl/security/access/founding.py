"""Bringing users and roles into a workspace: its first admin, its practices' keys, its recovery code."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass, field, replace
from datetime import date
from typing import TYPE_CHECKING

from claimsctl.errors import UsageError
from claimsctl.security import audit
from claimsctl.security.access.bundles import Bundle
from claimsctl.security.access.changing import granted
from claimsctl.security.access.one_secret import single_user_half
from claimsctl.security.access.opening import account_name, refusals_recorded, remember
from claimsctl.security.access.recovery import new_recovery
from claimsctl.security.access.registry import (
    Generation,
    Practice,
    Registry,
    load_registry,
    registry_lock,
    save_registry,
)
from claimsctl.security.access.rotation import new_practice
from claimsctl.security.access.unlocking import open_private
from claimsctl.security.access.users import check_name, new_user
from claimsctl.security.access.wrapping import new_private, verifying_half
from claimsctl.security.files import write_private
from claimsctl.security.keys import MANAGED, KeyOwner, Keys, load_secret, secret_path

if TYPE_CHECKING:
    from claimsctl.security.access.unlocking import NewMethod


@dataclass(frozen=True, slots=True)
class Founded:
    """A workspace with users and roles; `code` is the recovery code, shown once."""

    registry: Registry
    code: str = field(repr=False)


def found(
    workspace: KeyOwner,
    name: str,
    method: NewMethod,
    *,
    practices: Collection[str],
    with_data: Collection[str],
    trained: date | None = None,
    show: Callable[[Founded], None] = lambda _made: None,
) -> Founded:
    """Make the registry, with the account that runs this as its admin.

    `show` gets it before it is in force: when that raises, or the process dies, nothing has happened, and
    when it returns, the recovery code has been seen.
    Practices `with_data` take over the secret that the workspace had: it is their root, and its sealing key
    an older one of theirs. The plain secret stays until `give_up_secret`. UsageError where there is a
    registry already.
    """
    check_name(name)
    with refusals_recorded(workspace), registry_lock(workspace):
        if load_registry(workspace) is not None:
            raise UsageError(
                "This workspace has users and roles already.",
                hint="--practice adds a practice; `claimsctl keys status` says what there is.",
            )
        old = load_secret(workspace) if workspace.key_id_file.exists() else None
        bundles: dict[str, Bundle] = {}
        known: dict[str, Practice] = {}
        taken: set[str] = set()
        for practice in sorted({*practices, *with_data}):
            if old is not None and practice in with_data:
                bundles[practice], known[practice] = _taken_over(old, taken)
            else:
                bundles[practice], known[practice] = new_practice(taken)
            taken.add(known[practice].current)
        authority = new_private()
        recovery, code = new_recovery(workspace.id, authority, bundles)
        half = single_user_half(old) if old is not None else None
        registry = Registry(workspace.id, 0, verifying_half(authority), recovery, known, {}, single_user=half)
        user = new_user(registry, name, "admin", method, None, account_name(), trained=trained)
        user = granted(workspace.id, name, user, bundles, authority)
        made = Founded(replace(registry, users={name: user}).signed(authority), code)
        show(made)
        save_registry(workspace, made.registry)
        # Only now: before it, a process that dies leaves a workspace with its one secret.
        write_private(workspace.key_id_file, f"{MANAGED}\n".encode())
    remember(workspace, name, user, open_private(user, name, method.unlock_key, workspace.id))
    audit.record(workspace, "keys init", who=name, practices=sorted(known))
    return made


def plain_secret_is_left(workspace: KeyOwner) -> bool:
    """Whether the secret from before lies there yet, in plain."""
    return workspace.access_file.exists() and secret_path(workspace).exists()


def give_up_secret(workspace: KeyOwner) -> None:
    """Remove the plain secret from before users and roles, when the registry and its recovery are safe."""
    if not workspace.access_file.exists():
        raise UsageError("The secret is in use.", hint="`claimsctl keys init` takes it over first.")
    write_private(workspace.key_id_file, f"{MANAGED}\n".encode())
    path = secret_path(workspace)
    if path.exists():
        path.unlink()
        audit.record(workspace, "keys plain secret removed")


def _taken_over(secret: bytes, taken: set[str]) -> tuple[Bundle, Practice]:
    before = Keys.derive(secret)
    bundle = Bundle(secret, {before.key_id: before.sealing})
    bundle, key_id = bundle.with_new_key(taken)
    today = date.today()
    return bundle, Practice(key_id, {before.key_id: Generation(today), key_id: Generation(today)})
