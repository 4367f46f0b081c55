"""Users of a workspace: add, change, disable, give them new keys. All of it is for admins, and recorded."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from datetime import date
from typing import TYPE_CHECKING, Final

from claimsctl.errors import UsageError
from claimsctl.security import audit
from claimsctl.security.access.changing import change, with_grants
from claimsctl.security.access.opening import named_user, remember
from claimsctl.security.access.registry import Registry, User
from claimsctl.security.access.unlocking import NewMethod, Private, open_private, seal_private
from claimsctl.security.access.wrapping import encrypting_half, new_private, verifying_half

if TYPE_CHECKING:
    from claimsctl.security.access.holding import Held
    from claimsctl.security.keys import KeyOwner
    from claimsctl.security.roles import Role

_NAME: Final = re.compile(r"[a-z][a-z0-9_-]{0,31}")
_NPI: Final = re.compile(r"\d{10}")


def check_name(name: str) -> str:
    """The name; UsageError where it cannot be one."""
    if not _NAME.fullmatch(name):
        raise UsageError(
            f"{name!r} cannot be the name of a user.",
            hint="Small letters, digits, - and _, up to 32, a letter first.",
        )
    return name


def add_user(
    workspace: KeyOwner,
    name: str,
    role: Role,
    method: NewMethod,
    *,
    practices: frozenset[str] | None,
    account: str | None = None,
    npi: str | None = None,
    trained: date | None = None,
) -> Registry:
    """A new user. `practices` None: all, also those to come; `account` is bound to them alone."""
    check_name(name)

    def changing(held: Held) -> Registry:
        if name in held.registry.users:
            raise UsageError(f"There is a user {name} already.", hint="claimsctl users grant changes one.")
        user = new_user(held.registry, name, role, method, practices, account, npi, trained)
        return _with_user(held, name, user)

    done = change(workspace, changing)
    audit.record(workspace, "users add", who=name, role=role, method=method.method.kind)
    return done


def grant_user(
    workspace: KeyOwner,
    name: str,
    *,
    role: Role | None = None,
    practices: frozenset[str] | None = None,
    all_practices: bool = False,
    npi: str | None = None,
) -> Registry:
    """Another role, other practices (all that the user has from then on), another NPI; None: as it is."""

    def changing(held: Held) -> Registry:
        user = named(held.registry, name)
        wanted = None if all_practices else practices if practices is not None else user.practices
        changed = replace(user, role=role or user.role, practices=wanted, npi=npi or user.npi)
        return _with_user(held, name, changed)

    done = change(workspace, changing)
    user = done.users[name]
    audit.record(
        workspace, "users grant", who=name, role=user.role,
        practices="all" if user.practices is None else sorted(user.practices),
    )  # fmt: skip
    return done


def disable_user(workspace: KeyOwner, name: str) -> Registry:
    """Take a user's keys away; what they sealed and signed stays as it is. UsageError for oneself."""

    def changing(held: Held) -> Registry:
        user = replace(named(held.registry, name), disabled=date.today())
        following = _with_user(held, name, user)
        if held.name == name:  # who has no key any more cannot sign the record of it
            raise UsageError("Nobody disables themselves.", hint="Another admin does it.")
        return following

    return _done(workspace, changing, "users disable", name)


def enable_user(workspace: KeyOwner, name: str) -> Registry:
    """Give a disabled user their keys again."""
    return _changed(workspace, name, "users enable", lambda user: replace(user, disabled=None))


def note_training(workspace: KeyOwner, name: str, day: date) -> Registry:
    """Note the day of a user's PHI training; UsageError for a day to come."""
    if day > date.today():
        raise UsageError(f"{day} is still to come.", hint="Give the day on which the training was.")
    return _changed(workspace, name, "users training", lambda user: replace(user, trained=day))


def reset_user(workspace: KeyOwner, name: str, method: NewMethod) -> Registry:
    """New pairs and another way in for a user who lost theirs; the old way opens nothing any more."""

    def changing(held: Held) -> Registry:
        before = named(held.registry, name)
        fresh = with_pairs(before, held.registry, name, method)
        former = dict(held.registry.former)
        former[name] = (before.verify, *former.get(name, ()))
        following = _with_user(held, name, fresh)
        return replace(following, former=former)

    done = change(workspace, changing)
    user = done.users[name]
    if named_user(done) == name:  # who reset themselves signs the record with the new keys
        private = open_private(user, name, method.unlock_key, done.workspace)
        remember(workspace, name, user, private)
    audit.record(workspace, "users reset", who=name, method=method.method.kind)
    return done


def new_user(
    registry: Registry,
    name: str,
    role: Role,
    method: NewMethod,
    practices: frozenset[str] | None,
    account: str | None,
    npi: str | None = None,
    trained: date | None = None,
) -> User:
    """A user with fresh pairs and no keys yet."""
    user = User(role, practices, account, npi, trained, date.today(), None, method.method, b"", b"", b"")
    return with_pairs(user, registry, name, method)


def with_pairs(user: User, registry: Registry, name: str, method: NewMethod) -> User:
    """The user with fresh pairs, sealed under another unlock key, and no keys yet."""
    private = Private(new_private(), new_private(), registry.authority)
    return replace(
        user,
        method=method.method,
        encrypt=encrypting_half(private.encrypt),
        verify=verifying_half(private.verify),
        private=seal_private(private, method.unlock_key, registry.workspace, name, method.method),
        grants={},
        authority=None,
    )


def named(registry: Registry, name: str) -> User:
    """The user; UsageError with the known ones where there is none."""
    if name not in registry.users:
        raise UsageError(f"There is no user {name}.", hint=f"There are {', '.join(sorted(registry.users))}.")
    return registry.users[name]


def check_users(registry: Registry) -> Registry:
    """The registry; UsageError where it would be without an admin, or a user would not fit it."""
    if not any(
        u.role == "admin" and u.disabled is None and u.practices is None for u in registry.users.values()
    ):
        raise UsageError(
            "The workspace would be without an admin of all practices.", hint="Make another one first."
        )
    accounts = [user.account for user in registry.users.values() if user.account is not None]
    twice = {account for account in accounts if accounts.count(account) > 1}
    if twice:
        raise UsageError(
            f"The account {min(twice)} is bound to another user.",
            hint="One account is one user; use a token.",
        )
    for name, user in registry.users.items():
        unknown = sorted((user.practices or frozenset()) - set(registry.practices))
        if unknown:
            raise UsageError(
                f"The practice {unknown[0]} has no keys yet.",
                hint=f"Make them: claimsctl keys init --practice {unknown[0]}",
            )
        if user.npi is not None and not _NPI.fullmatch(user.npi):
            raise UsageError(f"{user.npi!r} is no NPI: ten digits.")
        if user.role == "therapist" and user.npi is None:
            raise UsageError(f"The therapist {name} needs --npi: it says which patients are theirs.")
    return registry


def _with_user(held: Held, name: str, user: User) -> Registry:
    """The registry with the user and the keys their role and practices give them."""
    users = {**held.registry.users, name: user}
    checked = check_users(replace(held.registry, users=users))
    return replace(checked, users={**users, name: with_grants(held, name, user)})


def _changed(workspace: KeyOwner, name: str, action: str, changing: Callable[[User], User]) -> Registry:
    return _done(
        workspace, lambda held: _with_user(held, name, changing(named(held.registry, name))), action, name
    )


def _done(workspace: KeyOwner, changing: Callable[[Held], Registry], action: str, name: str) -> Registry:
    done = change(workspace, changing)
    audit.record(workspace, action, who=name)
    return done
