"""Everything sealed with older keys, sealed with the current one: file by file, beside running commands.

Each file is replaced as a whole, databases change in transactions, and every value says which key sealed it.
So it may be stopped anywhere: what was done is done, and doing it again goes on with the rest. Meanwhile both
old and new values are read, for the ring has both keys.
"""

from __future__ import annotations

import os
from collections.abc import Callable

from claimsctl.atrest.databases import clear_cache, reseal_questions, reseal_store
from claimsctl.atrest.files import clear_half_written, reseal_files, reseal_patients
from claimsctl.atrest.tally import Tally
from claimsctl.security.keys import Keys
from claimsctl.store.turns import turn
from claimsctl.store.workspace import Workspace, owner_of

_LOCK = "reencrypt.lock"


def reencrypt(workspace: Workspace, practice_id: str, keys: Keys, notify: Callable[[str], None]) -> bool:
    """Seal anew what of a practice older keys sealed; True when nothing of them is left in the store.

    A job that began with an older key may still write with it: what it has is left for the next time, and so
    is a value that was altered; `notify` is told why. Another process that does the same is waited for.
    """
    with turn(workspace.root / _LOCK, "sealing the store anew", notify):
        tally = Tally(practice_id, keys, notify)
        running = _running(workspace)
        if running:
            tally.leave(
                f"{len(running)} jobs are running and may use the older key; run `claimsctl keys rotate "
                "--resume` when they have ended."
            )
        clear_half_written(workspace)
        reseal_patients(workspace, tally)
        reseal_files(workspace, tally, running)
        reseal_store(workspace, tally)
        reseal_questions(workspace, tally, running)
        clear_cache(workspace, tally)
        done = ", ".join(f"{count:,} {kind}" for kind, count in tally.sealed.items() if count)
        if done:
            notify(f"Sealed anew for {practice_id}: {done}.")
        return not tally.left


def _running(workspace: Workspace) -> frozenset[str]:
    """Jobs of living processes."""
    found = set()
    for path in (workspace.root / "tmp").glob("[0-9]*"):
        owner = owner_of(path)
        if owner is not None and not owner.is_dead(os.stat(path).st_mtime):
            found.add(path.name)
    return frozenset(found)
