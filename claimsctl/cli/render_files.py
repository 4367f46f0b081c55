"""The files of a run on the terminal, and what to do next."""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from claimsctl.cli.screen import Screen, count

MAX_FILES: Final = 30
UNFINISHED: Final = {
    "CANCELLED": "Cancelled before the end",
    "FAILED": "Failed before the end",
    "INTERRUPTED": "Interrupted before the end",
}
"""States of a run that has no results."""
_NAMED_CELLS: Final = "the cells that error_messages names"


def show_files(screen: Screen, summary: Mapping[str, Any]) -> None:
    """Every output file with its rows."""
    files = _output_files(summary)
    if not files:
        return
    folder = min((Path(path).parent for path, _ in files), key=lambda parent: len(parent.parts))
    screen.heading(f"Files in {folder}")
    shown = []
    for path, rows in files:
        name = str(Path(path).relative_to(folder)) if Path(path).is_relative_to(folder) else path
        shown.append((name, count(rows, "row") if rows is not None else ""))
    width = max(len(name) for name, _ in shown)
    for name, rows_text in shown[:MAX_FILES]:
        screen.line(f"  {name:<{width}}  {rows_text}".rstrip())
    if len(shown) > MAX_FILES:
        screen.line(f"  {len(shown) - MAX_FILES:,} more", "dim")


def show_next(screen: Screen, summary: Mapping[str, Any], command: Sequence[str]) -> None:
    """What to do now; `command` is what the user typed, without inputs."""
    outputs = summary.get("outputs") or {}
    rejected = [path for key, path, _ in _outputs(outputs) if key.split("/")[0] == "rejected"]
    steps: list[tuple[str, str]] = []
    if str(summary.get("status")) in UNFINISHED:
        steps.append(("Run the same command again; no file of this run was written.", ""))
    elif not outputs:
        steps.append(("Nothing was written (dry run). Leave out --dry-run to get the files.", ""))
    elif _settled_outside(summary.get("causes") or ()):
        steps.append(("After a change to settings or options run the same command again.", ""))
    if rejected:
        alone = len(rejected) == 1
        target = rejected[0] if alone else str(Path(rejected[0]).parent)
        name = Path(target).name if alone else f"the files in {Path(target).name}"
        cells = "the coloured cells (see their comments)" if target.endswith(".xlsx") else _NAMED_CELLS
        steps.append((f"Open {name}, correct {cells}, then run:", shlex.join([*command, target])))
    held = [path for key, path, _ in _outputs(outputs) if key.split("/")[0] == "held"]
    if held:
        name = Path(held[0]).name if len(held) == 1 else "the files in held"
        what = f"Look at {name}: correct what risk_reasons names and run it again, or let all go with:"
        steps.append((what, shlex.join([*command, "--hold-above=1", held[0]])))
    if "malformed" in outputs:
        steps.append(("malformed.csv has the records that could not be read: repair them in the input.", ""))
    if not steps and "accepted" in outputs:
        accepted = Path(_paths(outputs["accepted"])[0][0]).name
        steps.append((f"Nothing to fix: {accepted} holds every claim.", ""))
    if steps:
        screen.heading("Next")
    for text, run in steps:
        screen.wrapped(text, 2)
        if run:
            screen.line(run, "cyan", 4)


def _settled_outside(causes: Sequence[Mapping[str, Any]]) -> bool:
    """Whether some cause is cleared by a setting or an option, not by a change to the rows."""
    return any(re.search(r"claimsctl\.toml|(^|\s)--[a-z]", str(cause.get("fix") or "")) for cause in causes)


def _output_files(summary: Mapping[str, Any]) -> list[tuple[str, int | None]]:
    rows = summary.get("rows") or {}
    outputs = summary.get("outputs") or {}
    unread = _paths(outputs.get("malformed"))
    malformed = unread[0][1] if unread and unread[0][1] is not None else rows.get("malformed")
    known = {
        "accepted": rows.get("accepted"),
        "held": rows.get("held"),
        "malformed": malformed,
        "errors": sum((summary.get("findings") or {}).values()),
    }
    if malformed is not None or "malformed" not in outputs:
        known["rejected"] = rows.get("rejected", 0) - (malformed or 0)
    return [(path, known.get(key) if number is None else number) for key, path, number in _outputs(outputs)]


def _outputs(outputs: Mapping[str, object]) -> list[tuple[str, str, int | None]]:
    return [(key, path, rows) for key, output in outputs.items() for path, rows in _paths(output)]


def _paths(output: object) -> list[tuple[str, int | None]]:
    """Paths and row counts of one entry of `outputs`: a path, {path, rows}, or a list of either."""
    match output:
        case None:
            return []
        case Mapping():
            return [(str(output["path"]), output.get("rows"))]
        case list() | tuple():
            return [pair for item in output for pair in _paths(item)]
        case _:
            return [(str(output), None)]
