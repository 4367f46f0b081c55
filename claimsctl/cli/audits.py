"""What the `audit` commands do and print."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from datetime import datetime
from itertools import chain, islice
from pathlib import Path
from typing import Any

from claimsctl.cli.joblist import print_document, screen_of
from claimsctl.cli.run import notifier, open_workspace
from claimsctl.cli.screen import count, new_table
from claimsctl.cli.state import State
from claimsctl.errors import UsageError
from claimsctl.security import audit
from claimsctl.security.audit_names import named
from claimsctl.security.audit_reading import Wanted, entries, frames
from claimsctl.security.audit_verifying import anchor_text, make_anchor, read_anchor, verify
from claimsctl.security.files import create_private, write_private
from claimsctl.write.files import OutputDir
from claimsctl.write.formats import format_of
from claimsctl.write.tables import write_table


def print_records(state: State, wanted: Wanted, limit: int | None) -> None:
    """The newest records that are wanted."""
    _, workspace = open_workspace(state)
    found = entries(workspace, wanted)
    shown = list(islice(found, limit)) if limit is not None else list(found)
    more = limit is not None and next(found, None) is not None
    if state.json:
        print_document({"records": shown, "more": more})
        return
    screen = screen_of(state)
    if not shown:
        screen.line("No such record.")
        return
    table = new_table("record", "when", "user", "action", "count", "purpose", "details")
    for column in table.columns:
        column.justify = "right" if column.header in ("record", "count") else "left"
    for each in shown:
        table.add_row(*(screen.text(cell) for cell in _cells(each)))
    screen.block(table, 0, least=100)
    if more:
        screen.line(f"Showing the newest {len(shown):,}; --limit 0 shows all.")


def _cells(entry: dict[str, Any]) -> Iterable[str]:
    yield str(entry.get("seq"))
    yield _moment(str(entry.get("at")))
    user, account = entry.get("user"), entry.get("account")
    yield str(user) if account in (None, user) else f"{user or 'unknown'} ({account})"
    yield str(entry.get("action"))
    yield f"{entry['count']:,}" if isinstance(entry.get("count"), int) else ""
    yield str(entry.get("purpose") or "")
    facts = entry.get("facts")
    yield ", ".join(f"{name}={_plain(value)}" for name, value in facts.items()) if facts else ""


def _plain(value: object) -> str:
    return json.dumps(value) if isinstance(value, dict | list | bool) else str(value)


def _moment(text: str) -> str:
    """Local time, to the second."""
    try:
        return f"{datetime.fromisoformat(text).astimezone():%Y-%m-%d %H:%M:%S}"
    except ValueError:
        return text


def verify_records(state: State, anchors: Sequence[Path]) -> int:
    """Say whether the audit file is whole; 1 when it is not."""
    _, workspace = open_workspace(state)
    found = verify(workspace, [read_anchor(path) for path in anchors])
    if state.json:
        print_document({
            "records": found.records, "signed": found.signed, "torn": found.torn,
            "whole": not found.problems, "problems": list(found.problems),
        })  # fmt: skip
        return int(bool(found.problems))
    screen = screen_of(state)
    for problem in found.problems:
        screen.wrapped(f"{problem[0].upper()}{problem[1:]}.")
    told = f"{count(found.records, 'record')}, {found.signed:,} signed"
    if found.torn:
        told += f", {count(found.torn, 'torn line')} of a full disk or a power failure"
    if found.problems:
        screen.line(f"{told}: {count(len(found.problems), 'problem')}.", "bold red")
    else:
        held = f" and leads to {count(len(anchors), 'anchor')}" if anchors else ""
        screen.line(f"{told}: the chain is whole{held}.", "bold green")
    return int(bool(found.problems))


def export_records(state: State, wanted: Wanted, out: Path, form: str | None, *, replaces: bool) -> None:
    """Write the records that are wanted to a file that appears complete."""
    chosen = format_of(out, form)
    _, workspace = open_workspace(state)
    # Not under `exporting`: this is who saw patients, not patients.
    with OutputDir(out.expanduser().absolute().parent, "audit", replaces=replaces) as directory:
        parts = frames(entries(workspace, wanted))
        first = next(parts)
        rows = write_table(chain([first], parts), first.schema, directory, out.name, chosen, "Audit")
        audit.record(
            workspace, "audit export", notify=notifier(state), count=rows, file=named(workspace, out)
        )
        directory.commit()
    if state.json:
        print_document({"file": str(out), "records": rows})
    elif not state.quiet:
        screen_of(state).line(f"{count(rows, 'record')} in {out}")


def write_anchor(state: State, out: Path | None, *, replaces: bool) -> None:
    """Write an anchor to a file or to standard output."""
    taken = f"{out} exists already."
    hint = "Choose another --out, or replace it with --yes."
    if out is not None and out.exists() and not replaces:
        raise UsageError(taken, hint=hint)
    _, workspace = open_workspace(state)
    anchor = make_anchor(workspace)
    if out is None:
        print(anchor_text(anchor), end="")
        return
    data, path = anchor_text(anchor).encode(), out.expanduser().absolute()
    if replaces:
        write_private(path, data)
    elif not create_private(path, data):
        raise UsageError(taken, hint=hint)
    if state.json:
        print_document({"file": str(out), "seq": anchor.seq, "hash": anchor.hash})
    elif not state.quiet:
        screen_of(state).line(f"Record {anchor.seq:,} is anchored in {out}; keep it elsewhere.")
