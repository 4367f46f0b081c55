"""What `keys unlock` and `keys lock` do and print."""

from __future__ import annotations

from datetime import UTC, datetime

from claimsctl.cli.joblist import print_document, screen_of
from claimsctl.cli.keyways import asking
from claimsctl.cli.run import open_workspace
from claimsctl.cli.state import State
from claimsctl.errors import PermissionDenied, UsageError
from claimsctl.security import audit
from claimsctl.security.access.changing import managed_registry
from claimsctl.security.access.opening import named_user, open_held, refusals_recorded
from claimsctl.security.access.session import begin_session, end_session, is_unlocked


def unlock_keys(state: State, minutes: int | None, passphrase_from: str | None) -> None:
    """Begin a session of the user who is there."""
    settings, workspace = open_workspace(state)
    registry = managed_registry(workspace)
    with refusals_recorded(workspace):
        name = named_user(registry)
        if registry.users[name].method.kind != "passphrase":
            raise UsageError(
                f"{name} opens keys by {registry.users[name].method.kind}: there is nothing to unlock."
            )
        ask = asking(passphrase_from)
        if ask is None:
            raise PermissionDenied(
                "A passphrase is typed at a terminal.", hint="A script gives --passphrase-from."
            )
        end_session(workspace, name)
        held = open_held(workspace, registry, ask=ask)
    lasting = minutes or settings.security.session_minutes
    ends = begin_session(workspace, name, held.private, lasting)
    audit.record(workspace, "keys unlock", who=name, minutes=lasting)
    until = datetime.fromtimestamp(ends, UTC)
    if state.json:
        print_document({"user": name, "until": until.isoformat(timespec="seconds")})
    else:
        local = until.astimezone()
        screen_of(state).line(
            f"The keys of {name} are open until {local:%H:%M}; `claimsctl keys lock` ends it."
        )


def lock_keys(state: State) -> None:
    """End the session of the user who is there."""
    _, workspace = open_workspace(state)
    registry = managed_registry(workspace)
    with refusals_recorded(workspace):
        name = named_user(registry)
    was = is_unlocked(workspace, name, registry.users[name])
    try:
        if was:
            audit.record(workspace, "keys lock", who=name)  # signed, so while they are open
    finally:
        end_session(workspace, name)
    if state.json:
        print_document({"user": name, "was_unlocked": was})
    else:
        screen_of(state).line(f"The keys of {name} are {'locked' if was else 'not open'}.")
