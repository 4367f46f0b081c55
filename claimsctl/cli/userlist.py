"""What `claimsctl users` does and prints."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date
from typing import TYPE_CHECKING, Any

from claimsctl.cli.entries import print_entries, print_entry
from claimsctl.cli.keyways import Given
from claimsctl.cli.run import open_workspace
from claimsctl.cli.state import State
from claimsctl.errors import UsageError
from claimsctl.security.access.changing import hold, managed_registry
from claimsctl.security.access.opening import account_name
from claimsctl.security.access.registry import Registry
from claimsctl.security.access.users import (
    add_user,
    check_name,
    grant_user,
    named,
    note_training,
    reset_user,
)

if TYPE_CHECKING:
    from claimsctl.security.access.unlocking import NewMethod
    from claimsctl.security.roles import Role
    from claimsctl.store.workspace import Workspace

_LISTED = ("user", "role", "practices", "method", "account", "npi", "trained", "disabled")


def add_named(
    state: State,
    name: str,
    role: Role,
    ways: Given,
    practices: Sequence[str] | None,
    account: str | None,
    npi: str | None,
    trained: date | None,
) -> None:
    """Add a user, and print their token where they come in with one."""
    workspace = _opened(state)
    if check_name(name) in hold(workspace).registry.users:
        raise UsageError(f"There is a user {name} already.", hint="claimsctl users grant changes one.")
    method = ways.made(workspace, name, own=account is not None and account == account_name())
    if method.method.kind == "token" and account is not None:
        raise UsageError("Who comes in with a token needs no --account.", hint="Leave one of them out.")
    if method.method.kind != "token" and account is None:
        raise UsageError(
            f"The {method.method.kind} of {name} belongs to an account of the system.",
            hint="Name it with --account, or use --method token.",
        )
    registry = add_user(
        workspace, name, role, method, practices=frozenset(practices) if practices else None, account=account,
        npi=npi, trained=trained,
    )  # fmt: skip
    _print(state, registry, name, method)


def grant_named(
    state: State,
    name: str,
    role: Role | None,
    practices: Sequence[str] | None,
    all_practices: bool,
    npi: str | None,
) -> None:
    """Change role, practices and NPI of a user."""
    if not (role or practices or all_practices or npi):
        raise UsageError("Nothing is said to change.", hint="--role, --practice, --all-practices or --npi.")
    if practices and all_practices:
        raise UsageError("--practice and --all-practices exclude each other.")
    workspace = _opened(state)
    wanted = frozenset(practices) if practices else None
    registry = grant_user(workspace, name, role=role, practices=wanted, all_practices=all_practices, npi=npi)
    _print(state, registry, name)


def train_named(state: State, name: str, day: date | None) -> None:
    """Note a user's training."""
    change_named(state, name, lambda workspace, name: note_training(workspace, name, day or date.today()))


def reset_named(state: State, name: str, ways: Given) -> None:
    """Give a user new keys, and print their token where they come in with one."""
    workspace = _opened(state)
    user = named(hold(workspace).registry, name)
    method = ways.made(workspace, name, own=user.account == account_name())
    if method.method.kind != "token" and user.account is None:
        raise UsageError(f"{name} has no account of the system and needs a token.")
    _print(state, reset_user(workspace, name, method), name, method)


def change_named(state: State, name: str, change: Callable[[Workspace, str], Registry]) -> None:
    """Change a user, and print what they are then."""
    workspace = _opened(state)
    _print(state, change(workspace, name), name)


def print_users(state: State) -> None:
    """Every user, a line each."""
    workspace = _opened(state)
    registry = hold(workspace).registry
    documents = [_document(registry, name) for name in sorted(registry.users)]
    print_entries(state, "users", documents, {name: name for name in _LISTED}, "No users.")


def _opened(state: State) -> Workspace:
    _, workspace = open_workspace(state)
    managed_registry(workspace)
    return workspace


def _document(registry: Registry, name: str) -> dict[str, Any]:
    user = registry.users[name]
    return {
        "user": name, "role": user.role, "method": user.method.kind, "account": user.account, "npi": user.npi,
        "practices": "all" if user.practices is None else ", ".join(sorted(user.practices)),
        "trained": user.trained and str(user.trained), "disabled": user.disabled and str(user.disabled),
    }  # fmt: skip


def _print(state: State, registry: Registry, name: str, made: NewMethod | None = None) -> None:
    """The user, and what of a new way in is to be handed over."""
    document = _document(registry, name)
    if made is not None and made.told is not None:
        document["token"] = made.told
        document["use_it"] = "CLAIMSCTL_TOKEN; it is shown once"
    if made is not None and made.method.kind == "file":
        path, account = made.method.parameters["path"], document["account"]
        document["key_file"] = path
        if account != account_name():
            document["use_it"] = f"as {account}, who must own it: chown {account} '{path}'"
    print_entry(state, document)
