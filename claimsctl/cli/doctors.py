"""What `doctor` prints."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Final

from claimsctl.cli.run import console
from claimsctl.cli.screen import Screen, count
from claimsctl.cli.state import State
from claimsctl.doctor.check import Check
from claimsctl.doctor.examine import examine
from claimsctl.settings import find_workspace

_STYLES: Final = {"ok": "green", "note": "", "warning": "yellow", "wrong": "bold red"}


def run_doctor(state: State, *, log_in: bool = False) -> int:
    """1 when something is wrong."""
    root = find_workspace(state.workspace)
    found = list(examine(root, state.workspace, log_in=log_in))
    wrong = sum(each.state == "wrong" for each in found)
    warnings = sum(each.state == "warning" for each in found)
    if state.json:
        told = {
            "workspace": str(root), "wrong": wrong, "warnings": warnings,
            "checks": [asdict(each) for each in found],
        }  # fmt: skip
        print(json.dumps(told, indent=2))
    else:
        shown = [each for each in found if each.state == "wrong"] if state.quiet else found
        _show(Screen(console(state)), root, shown, wrong=wrong, warnings=warnings, quiet=state.quiet)
    return int(wrong > 0)


def _show(
    screen: Screen, root: Path, found: Sequence[Check], *, wrong: int, warnings: int, quiet: bool
) -> None:
    for each in found:
        screen.line(f"{each.state:<8} {each.name}", _STYLES[each.state])
        screen.wrapped(each.says, 9)
        if each.mend:
            screen.line(each.mend, indent=9) if "'" in each.mend else screen.wrapped(each.mend, 9)
    if quiet:
        return
    screen.gap()
    if wrong:
        screen.line(f"{count(wrong, 'thing')} to be mended in {root}.", "bold red")
    else:
        said = f"; {count(warnings, 'warning')}" if warnings else ""
        screen.line(f"Nothing is wrong{said}.", "bold green")
