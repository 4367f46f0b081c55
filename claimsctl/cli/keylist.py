"""What `keys list` and `keys status` do and print."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Any

from claimsctl.cli.entries import print_entries
from claimsctl.cli.joblist import print_document, screen_of
from claimsctl.cli.keyways import recovery_code
from claimsctl.cli.run import open_workspace
from claimsctl.cli.state import State
from claimsctl.errors import PermissionDenied, UsageError
from claimsctl.inquiry.recovering import opens_stored
from claimsctl.security.access.changing import managed_registry
from claimsctl.security.access.founding import plain_secret_is_left
from claimsctl.security.access.opening import named_user, open_access, refusals_recorded
from claimsctl.security.access.recovery import note_test
from claimsctl.security.access.registry import Registry, load_registry
from claimsctl.security.access.rotation import pending
from claimsctl.security.access.session import is_unlocked
from claimsctl.security.keys import check_unmanaged, secret_path

if TYPE_CHECKING:
    from claimsctl.store.workspace import Workspace

_LOST = "Without every key of it and without the recovery code, names and numbers of patients stay sealed."
_LOST_FILE = "Without that file names and numbers of patients stay sealed: keep a copy elsewhere."


def print_keys(state: State) -> None:
    """Every sealing key of every practice, the newest last."""
    _, workspace = open_workspace(state)
    registry = managed_registry(workspace)
    open_access(workspace)  # checks the registry
    documents: list[dict[str, Any]] = []
    for name, practice in sorted(registry.practices.items()):
        for key, each in practice.generations.items():
            now = "current" if key == practice.current else "retired" if each.retired else "older"
            made, retired = str(each.made), each.retired and str(each.retired)
            documents.append({"practice": name, "key": key, "state": now, "made": made, "retired": retired})
    documents.sort(key=lambda row: (row["practice"], row["made"], row["state"] == "current"))
    shown = {name: name for name in ("practice", "key", "state", "made", "retired")}
    print_entries(state, "keys", documents, shown, "No keys.")


def print_status(state: State, *, test: bool, code_from: str | None) -> None:
    """Who is there, what they open, and whether all could be opened again if it were lost."""
    _, workspace = open_workspace(state)
    registry = load_registry(workspace)
    if registry is None:
        with refusals_recorded(workspace):
            check_unmanaged(workspace)
        if test:
            raise UsageError(
                "There is no recovery code here: a copy of the secret is what helps.",
                hint=f"Keep one of {secret_path(workspace)}.",
            )
        _print(state, _single(workspace))
        return
    with refusals_recorded(workspace):
        registry.check(registry.authority)
    opened: int | None = None
    if test:
        code = recovery_code(code_from)
        keys = note_test(workspace, code)
        registry = managed_registry(workspace)
        opened = opens_stored(workspace, keys.all_keys(registry))
    _print(state, _managed(workspace, registry, opened))


def _print(state: State, document: dict[str, Any]) -> None:
    if state.json:
        print_document(document)
        return
    screen = screen_of(state)
    for name, value in document.items():
        said = "no" if value is False else "yes" if value is True else value
        if isinstance(value, dict):
            said = "; ".join(f"{each}: {keys}" for each, keys in value.items())
        if said:
            screen.labelled(name.replace("_", " "), str(said), width=17)


def _single(workspace: Workspace) -> dict[str, Any]:
    path = secret_path(workspace)
    return {
        "mode": "one secret, no users and roles", "secret": str(path), "secret_is_there": path.exists(),
        "lost": _LOST_FILE,
    }  # fmt: skip


def _managed(workspace: Workspace, registry: Registry, opened: int | None) -> dict[str, Any]:
    document: dict[str, Any] = {"mode": "users and roles"}
    try:
        name = named_user(registry)
        user = registry.users[name]
        document |= {
            "user": name, "role": user.role, "method": user.method.kind,
            "trained": user.trained and str(user.trained),
            "locked": user.method.kind == "passphrase" and not is_unlocked(workspace, name, user),
            "practices": "all" if user.practices is None else ", ".join(sorted(user.practices)),
        }  # fmt: skip
    except PermissionDenied as error:
        document |= {"user": None, "why": error.message}
    recovery = registry.recovery
    older = {name: ", ".join(keys) for name, keys in pending(registry).items()}
    document |= {
        "keys": {name: practice.current for name, practice in sorted(registry.practices.items())},
        "older_keys_in_use": older,
        "recovery_made": f"{recovery.made} ({(date.today() - recovery.made).days} days ago)",
        "recovery_tested": str(recovery.tested) if recovery.tested else "never: keys status --test-recovery",
        "plain_secret_left": plain_secret_is_left(workspace),
        "lost": _LOST,
    }
    if opened is not None:
        document["recovery_test"] = f"the code opens all keys, and {opened} stored patients that were tried"
    return document
