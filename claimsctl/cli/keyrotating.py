"""What `keys rotate` does and prints."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from claimsctl.atrest.reencrypting import reencrypt
from claimsctl.cli.joblist import print_document, screen_of
from claimsctl.cli.run import notifier, open_workspace
from claimsctl.cli.state import State
from claimsctl.errors import UsageError
from claimsctl.security.access.changing import managed_registry
from claimsctl.security.access.rotation import pending, resume, rotate


def rotate_keys(state: State, practices: Sequence[str] | None, *, only_resume: bool) -> None:
    """New sealing keys of the practices, or of all that the admin has; then what is stored is sealed anew."""
    _, workspace = open_workspace(state)
    before = managed_registry(workspace)
    unknown = sorted(set(practices or ()) - set(before.practices))
    if unknown:
        known = ", ".join(sorted(before.practices))
        raise UsageError(
            f"There are no keys of a practice {unknown[0]}.", hint=f"There are those of {known}."
        )
    if only_resume and practices:
        raise UsageError("--resume goes on with every practice; leave out --practice.")
    if not only_resume:
        rotate(workspace, frozenset(practices) if practices else None)
    done = resume(workspace, partial(reencrypt, workspace), notifier(state))
    current = {
        name: each.current for name, each in done.practices.items()
        if each.current != before.practices[name].current
    }  # fmt: skip
    older = pending(done)
    if state.json:
        print_document({"new": current, "older_keys_in_use": older})
        return
    screen = screen_of(state)
    for name, key in sorted(current.items()):
        screen.line(f"{name}: {key} seals from now on.")
    for name, keys in sorted(older.items()):
        older_keys = ", ".join(keys)
        screen.line(f"{name}: something is sealed with {older_keys} yet: claimsctl keys rotate --resume")
    if not older:
        screen.line("Nothing in the store is sealed with an older key.")
