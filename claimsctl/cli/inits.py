"""What `init` prints."""

from __future__ import annotations

import json
import shlex
from pathlib import Path

from claimsctl.cli.run import console, notifier
from claimsctl.cli.screen import Screen
from claimsctl.cli.state import State
from claimsctl.scaffold.workspace import scaffold


def run_init(state: State, directory: Path) -> None:
    """Make the workspace and say what was made, what was kept, and what comes next."""
    done = scaffold(directory)
    if state.json:
        told = {"workspace": str(done.root), "made": done.made, "kept": done.kept, "notes": done.notes}
        print(json.dumps(told, indent=2))
        return
    for note in done.notes:
        notifier(state)(note)
    if state.quiet:
        return
    screen = Screen(console(state))
    screen.line(f"Workspace {done.root}")
    for label, names in (("made", done.made), ("kept", done.kept)):
        if names:
            screen.labelled(label, ", ".join(names), 2)
    screen.heading("Next")
    screen.line(f"cd {shlex.quote(str(done.root))}", indent=2)
    screen.line("claimsctl doctor", indent=2)
    screen.line("claimsctl process inbox/ --move-to done/ --on-error failed/", indent=2)
