"""What `claimsctl scan` does and prints: places, kinds and counts, one of each masked."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from claimsctl.cli.run import console, notifier, open_workspace, stop_on_signals
from claimsctl.cli.screen import Screen, count, new_table
from claimsctl.cli.state import State
from claimsctl.scan.known import known_patients
from claimsctl.scan.scanning import Found, Scan
from claimsctl.security import audit


def run_scan(state: State, paths: Sequence[Path], fail_on: str | None) -> int:
    """Search the paths and print what is there; 1 where `fail_on` ("known", "any") asks for it."""
    stop_on_signals()
    _, workspace = open_workspace(state)
    known = known_patients(workspace)
    with workspace.scratch() as spool:
        scan = Scan(known, spool)
        for path in paths:
            scan.path(path.expanduser())
    found = scan.found
    if known is None:
        scan.notes.append(
            "Names and numbers of stored patients were not looked for: there are none, or no key for them."
        )
    else:
        there = sum(each.count for each in found if each.certainty == "known")
        audit.record(workspace, "scan", notify=notifier(state), count=there, files=scan.files)
    if state.json:
        documents = [asdict(each) for each in found]
        counts = {"files": scan.files, "bytes": scan.size, "found": documents, "notes": scan.notes}
        print(json.dumps(counts, indent=2))
    else:
        for note in scan.notes:
            notifier(state)(note)
        if not state.quiet:
            _show(found, scan, Screen(console(state)))
    return int(any(fail_on == "any" or each.certainty == fail_on for each in found))


def _show(found: Sequence[Found], scan: Scan, screen: Screen) -> None:
    total = sum(each.count for each in found)
    if not found:
        screen.line(f"Nothing was found in {count(scan.files, 'file')}.", "bold")
        return
    screen.line(f"{count(total, 'place')} with patients' data in {count(scan.files, 'file')}.", "bold")
    table = new_table("File", "What", "Found", "First", "As", "Certainty")
    table.columns[0].overflow = "fold"
    table.columns[2].justify = table.columns[3].justify = "right"
    for each in found:
        coded = f" ({each.encoding})" if each.encoding != "plain" else ""
        where = f"{each.path}: {each.column}" if each.column else each.path
        table.add_row(
            screen.text(where), f"{each.kind}{coded}", f"{each.count:,}", f"{each.first:,}",
            screen.text(each.shown), each.certainty,
        )  # fmt: skip
    screen.block(table)
