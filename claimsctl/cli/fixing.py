"""From the options of `fix` to one call, and from what was done to the screen: counts, never values."""

from __future__ import annotations

import json
import shlex
from collections.abc import Mapping
from datetime import date
from typing import TYPE_CHECKING, Any

from claimsctl.cli.progress import Progress
from claimsctl.cli.run import Options, console, open_workspace, stop_on_signals
from claimsctl.cli.screen import Screen, count, new_table
from claimsctl.cli.state import State
from claimsctl.fix.fixing import fix_input
from claimsctl.fix.knowing import knowledge_of
from claimsctl.fix.repairs import TITLES
from claimsctl.ingest.mapping import parse_map, parse_set
from claimsctl.process.request import Request

if TYPE_CHECKING:
    from claimsctl.settings import Settings

_STAGES = {"reading": 0.3, "repairing": 0.7}


def run_fix(state: State, options: Options, *, replace: bool, show_phi: bool) -> None:
    """Repair one file and print what was done."""
    stop_on_signals()
    settings, workspace = open_workspace(state)
    request = _request(options, settings)
    knowledge = knowledge_of(settings.payers, request.run_date)
    with Progress(quiet=state.quiet or state.json, verbose=state.verbose, stages=_STAGES) as progress:
        done = fix_input(
            request, knowledge, workspace, house=settings.mapping, replace=replace, show_phi=show_phi,
            progress=progress,
        )  # fmt: skip
    if state.json:
        print(json.dumps(done, indent=2))
    elif not state.quiet:
        _show(done, Screen(console(state)))


def _request(options: Options, settings: Settings) -> Request:
    practice = settings.practice_named(options.practice or settings.process.practice or "default")
    return Request(
        inputs=options.inputs,
        run_date=options.as_of or date.today(),
        out=options.out,
        mapping=parse_map(options.mapping),
        constants={**practice.columns(), **parse_set(options.constants)},
        profile=options.profile or practice.profile or settings.process.profile or Request.profile,
        sheet=options.sheet,
        dry_run=options.dry_run,
    )


def _show(done: Mapping[str, Any], screen: Screen) -> None:
    rows, written = done["rows"], done["outputs"]
    cells = count(done["cells_repaired"], "cell")
    would = "" if written else " would be"
    screen.line(f"{count(rows['read'], 'row')} read; {cells}{would} repaired.", "bold")
    if rows["malformed"]:
        screen.wrapped(f"{count(rows['malformed'], 'record')} could not be read.")
    for title, counts in (("Repaired", done["repairs"]), ("Only proposed", done["proposals"])):
        if counts:
            screen.heading(title)
            table = new_table("Cells", "What")
            table.columns[0].justify = "right"
            table.columns[1].overflow = "fold"
            for name, number in counts.items():
                table.add_row(f"{number:,}", screen.text(TITLES[name]))
            screen.block(table)
    if not written:
        screen.gap()
        for note in done["notes"]:
            screen.wrapped(note)
        screen.line("Nothing was written.")
        return
    screen.heading("Files")
    screen.line(f"  {written['fixed']}  {count(rows['written'], 'row')}")
    screen.line(f"  {written['repairs']}  every repair; what is only proposed has applied = no")
    if "malformed" in written:
        screen.line(f"  {written['malformed']}  {count(rows['malformed'], 'record')} as they came")
    for note in done["notes"]:
        screen.wrapped(note, 2)
    screen.heading("Next")
    if done["proposals"]:
        screen.wrapped("Look at the proposals, and correct by hand what you agree with.", 2)
    screen.line(f"  claimsctl process {shlex.quote(written['fixed'])}", "green")
