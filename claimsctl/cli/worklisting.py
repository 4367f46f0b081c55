"""What `claimsctl worklist` prints and writes."""

from __future__ import annotations

import csv
import json
import sys
from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Any, Final

from claimsctl.cli.run import console, notifier, open_workspace
from claimsctl.cli.screen import count
from claimsctl.cli.state import State
from claimsctl.errors import UsageError
from claimsctl.inquiry.filters import Filters
from claimsctl.inquiry.listing import cell, plain
from claimsctl.inquiry.worklist import COLUMNS, Worklist, worklist
from claimsctl.process.beside import job_name, remove_leftovers
from claimsctl.security.audit_watch import access
from claimsctl.write.files import OutputDir

_ENDS: Final = (".csv", ".xlsx")
_MONEY: Final = frozenset({"expected_allowed_amount", "expected_loss", "at_stake"})


def show_worklist(
    state: State,
    filters: Filters,
    as_of: date | None,
    top: int | None,
    out: Path | None,
    *,
    replace: bool,
) -> None:
    """The list: on a terminal for people, else as CSV; as JSON, or into a file, where asked for."""
    if out is not None and out.suffix.lower() not in _ENDS:
        raise UsageError(
            f"{out.name} does not say in which format to write.", hint="End it with .csv or .xlsx."
        )
    _, workspace = open_workspace(state)
    found = worklist(workspace, filters, today=as_of or date.today(), limit=top, notify=notifier(state))
    access(workspace, "worklist", count=len(found.items), notify=notifier(state), exported=out is not None)
    if out is not None:
        _to_file(found, out, replace=replace)
        if state.json:
            print(json.dumps({"claims": len(found.items), "total": found.total, "path": str(out)}, indent=2))
        elif not state.quiet:
            print(f"{count(len(found.items), 'claim')} of {found.total:,}: {out}")
    elif state.json:
        items = [{name: plain(value) for name, value in item.items()} for item in found.items]
        told = {"total": found.total, "at_stake": str(found.at_stake), "claims": items}
        print(json.dumps(told, indent=2))
    elif sys.stdout.isatty():
        _show(state, found)
    else:
        writer = csv.writer(sys.stdout, lineterminator="\n")
        writer.writerow(COLUMNS)
        writer.writerows([_safe(item[name]) for name in COLUMNS] for item in found.items)
        if len(found.items) < found.total:
            notifier(state)(_extent(found))


def _show(state: State, found: Worklist) -> None:
    from claimsctl.cli.screen import Screen

    screen = Screen(console(state))
    if not found.items:
        screen.line("No claim to look at: none that fits has a denial risk and has not gone out.")
        return
    screen.line(_extent(found), "bold")
    for item in found.items:
        screen.gap()
        screen.line(_headline(item), "bold")
        if item["reason"]:
            screen.labelled("why", item["reason"], 4, width=4)
        if item["fix"]:
            screen.labelled("fix", item["fix"], 4, width=4)


def _headline(item: Mapping[str, Any]) -> str:
    """ "1. A2  $101.20 at stake  risk 0.36 medium  12 days left  87726"."""
    stake = f"${item['at_stake']:,} at stake" if item["at_stake"] is not None else "no amount known"
    risk = "rejected" if item["denial_risk"] is None else f"risk {item['denial_risk']:g} {item['risk_band']}"
    payer = item["payer_name"] or item["payer_id"] or ""
    parts = [f"{item['rank']}. {item['claim_number']}", stake, risk, _left(item["days_left"]), payer]
    parts.append("held" if item["held"] else "")
    return "  ".join(part for part in parts if part)


def _left(days: int | None) -> str:
    if days is None:
        return ""
    return f"{count(days, 'day')} left" if days >= 0 else f"filing limit passed {count(-days, 'day')} ago"


def _extent(found: Worklist) -> str:
    whole = f"{count(found.total, 'claim')}, ${found.at_stake:,} at stake"
    if len(found.items) == found.total:
        return whole
    return f"The first {len(found.items):,} of {whole}; --top shows more."


def _safe(value: object) -> str:
    """A cell that no spreadsheet runs: payer names and messages may begin as a formula does."""
    text = cell(value)
    return f"'{text}" if isinstance(value, str) and text[:1] in ("=", "+", "-", "@", "\t", "\r") else text


def _to_file(found: Worklist, out: Path, *, replace: bool) -> None:
    folder = out.expanduser().absolute().parent
    if not folder.is_dir():
        raise UsageError(f"There is no directory {folder}.", hint="Make it first, or choose another --out.")
    if out.exists() and not replace:
        raise UsageError(f"{out} exists already.", hint="Choose another --out, or replace it with --yes.")
    remove_leftovers([out], folder, "worklist")
    with OutputDir(folder, job_name("worklist"), replaces=replace) as directory:
        if out.suffix.lower() == ".xlsx":
            _workbook(found, directory, out.name)
        else:
            with directory.open_temp(out.name) as raw:
                rows = [[_safe(item[name]) for name in COLUMNS] for item in found.items]
                raw.write(_csv([list(COLUMNS), *rows]).encode())
        directory.commit()


def _csv(rows: list[list[str]]) -> str:
    from io import StringIO

    text = StringIO()
    csv.writer(text, lineterminator="\n").writerows(rows)
    return text.getvalue()


def _workbook(found: Worklist, directory: OutputDir, name: str) -> None:
    from claimsctl.write.workbook import WorkbookStream

    stream = WorkbookStream(directory, name, "Worklist", list(COLUMNS))
    for item in found.items:
        stream.next_row()
        for place, column in enumerate(COLUMNS):
            stream.value(place, item[column], money=column in _MONEY)
    stream.close()
