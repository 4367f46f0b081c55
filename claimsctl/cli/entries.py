"""Tables of settings on the screen: all entries a line each, or one with everything said of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from claimsctl.cli.joblist import print_document, screen_of
from claimsctl.cli.screen import new_table
from claimsctl.cli.state import State


def print_entries(
    state: State, key: str, documents: Sequence[Mapping[str, Any]], listed: Mapping[str, str], none: str
) -> None:
    """Entries, one a line: of each the `listed` values under their headings. `key` names them in JSON."""
    if state.json:
        print_document({key: documents})
        return
    screen = screen_of(state)
    if not documents:
        screen.line(none)
        return
    table = new_table(*listed.values())
    for each in documents:
        table.add_row(*(screen.text(_said(each.get(name))) for name in listed))
    screen.block(table, 0, least=80)


def print_entry(state: State, document: Mapping[str, Any]) -> None:
    """An entry, a name and its value a line; tables in it one line for each of theirs."""
    if state.json:
        print_document(document)
        return
    screen = screen_of(state)
    for name, value in document.items():
        entries = value.items() if isinstance(value, Mapping) else ((None, value),)
        for entry, said in entries:
            screen.labelled(name, f"{entry} {said}" if entry is not None else _said(said), width=15)


def _said(value: object) -> str:
    if value is None:
        return ""
    return ("yes" if value else "no") if isinstance(value, bool) else str(value)
