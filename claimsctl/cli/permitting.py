"""Before any command runs: whether this user may run it, in this practice. In one place, for all commands.

A workspace without a registry costs one look for a file. Where data leaves, it is asked again
(`claimsctl.requiring`), and a role without PHI rights has no keys.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from claimsctl.cli.commands import LazyGroup
from claimsctl.errors import SettingsError
from claimsctl.security.roles import needed

if TYPE_CHECKING:
    from pathlib import Path

    from claimsctl.cli.state import State
    from claimsctl.security.access.opening import Access
    from claimsctl.store.workspace import Workspace

REGISTRY: Final = "access.json"
"""Where it is not in the workspace, there is nobody to refuse. Written here a second time (it is
`Workspace.access_file`), so that commands without a registry import nothing more."""
IN_A_PRACTICE: Final = frozenset({"prepare", "submit"})
"""Permissions of commands that work for one practice, named or not."""


class PermittedGroup(LazyGroup):
    """The application; no command below it runs unasked."""

    def ready(self, path: str, command: Any) -> Any:
        """The command, which asks before it runs."""
        made = super().ready(path, command)
        if not hasattr(made, "commands"):
            made.invoke = partial(_invoke, path, made.invoke)
        return made


def _invoke(path: str, invoke: Callable[[Any], Any], context: Any) -> Any:
    root = context.find_root()
    if root.obj is not None:
        root.obj = context.obj = permitted(path, context.params, root.obj)
    return invoke(context)


def permitted(path: str, options: dict[str, Any], state: State) -> State:
    """The state the command runs with: where a user of one practice names none, it is that one.

    PermissionDenied where the user may not run the command so.
    """
    permissions = needed(path, options)
    if not permissions:
        return state
    from claimsctl.settings import find_workspace

    place = find_workspace(state.workspace)
    if not (place / REGISTRY).exists():
        return state
    from claimsctl.requiring import require

    workspace = _followed(state, place)
    named = options.get("practice") or state.practice
    for permission in permissions:
        access = require(workspace, permission, practice=named, doing=path)
    asked = "practice" in options and permissions[0] in IN_A_PRACTICE
    if asked and named is None and access.practices is not None:
        meant = _meant(state, access)
        require(workspace, permissions[0], practice=meant, doing=path)
        return replace(state, practice=meant)
    return state


def _followed(state: State, place: Path) -> Workspace:
    """The workspace; a refusal is recorded with the purpose given, and told when it is unusual."""
    from claimsctl.cli.run import open_workspace

    try:
        return open_workspace(state)[1]
    except SettingsError:  # of which the command itself complains, or which it mends
        from claimsctl.store.workspace import Workspace

        return Workspace.open(place)


def _meant(state: State, access: Access) -> str:
    """The practice of a command that names none: that of the settings, else the only one of the user."""
    from claimsctl.settings import load_settings

    named = load_settings(state.workspace).process.practice
    if named is None and access.practices is not None and len(access.practices) == 1:
        return next(iter(access.practices))
    return named or "default"
