"""What the `reference` commands do and print."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Sequence
from dataclasses import asdict
from datetime import date
from difflib import get_close_matches
from pathlib import Path
from typing import Final

import polars as pl

from claimsctl.cli.run import console, open_workspace
from claimsctl.cli.screen import Screen
from claimsctl.cli.state import State
from claimsctl.errors import UsageError
from claimsctl.facts.payers import PayerIndex, resolve_payer
from claimsctl.reference.dating import gaps, in_force
from claimsctl.reference.editions import EditionStore
from claimsctl.reference.formats import all_formats
from claimsctl.reference.loading import Loaded, load_file
from claimsctl.reference.manifest import shipped_specs
from claimsctl.reference.names import DECLARED
from claimsctl.reference.releases import Release, Wanted
from claimsctl.reference.tables import Table, Tables
from claimsctl.security import audit
from claimsctl.store.workspace import Workspace

_SHOWN_ROWS: Final = 5
_WIDE: Final = 200


def _store(state: State) -> EditionStore:
    _, workspace = open_workspace(state)
    return EditionStore(workspace.reference_directory)


def print_tables(state: State, only: str | None) -> None:
    """Every table that is there, an edition a line; those that rules want and nobody has, at the end."""
    store = _store(state)
    tables = Tables.shipped().with_editions(store)
    if only is not None:
        _known(only, tables)
    entries = [_entry(tables[name], store, e.name) for name in tables if only in (None, name)
               for e in tables[name].editions]  # fmt: skip
    absent = sorted(DECLARED - set(tables))
    if state.json:
        print(json.dumps({"tables": entries, "not_loaded": [] if only else absent}, indent=2))
        return
    from rich.table import Table as Grid

    grid = Grid(box=None, pad_edge=False)
    for title in ("table", "edition", "rows", "from", "to", "days old", "origin"):
        grid.add_column(
            title, no_wrap=True, overflow="ignore", justify="right" if title == "rows" else "left"
        )
    for entry in entries:
        grid.add_row(*("" if value is None else str(value) for value in entry.values()))
    screen = console(state)
    # A pipe has no width, and a cut name is of no use to a script.
    if not screen.is_terminal:
        screen.width = _WIDE
    screen.print(grid)
    if only is None:
        Screen(screen).wrapped(
            f"{len(absent)} tables that rules ask for are not loaded: {', '.join(absent)}. "
            "Load them as published: claimsctl reference load FILE"
        )


def print_formats(state: State, only: str | None) -> None:
    """Every file format that can be loaded, or those that hold one table: what it is, how it looks."""
    formats = [form for form in all_formats() if only is None or only in form.tables]
    if not formats:
        raise UsageError(
            f"No file format holds the table {only}.", hint="`claimsctl reference list` has all."
        )
    if state.json:
        told = [{"title": f.title, "tables": list(f.tables), "expects": f.expects} for f in formats]
        print(json.dumps({"formats": told}, indent=2))
        return
    screen = Screen(console(state))
    for form in formats:
        screen.wrapped(form.title[:1].upper() + form.title[1:])
        screen.wrapped(form.expects, 2)
        screen.wrapped(f"Tables: {', '.join(form.tables)}", 2)


def _entry(table: Table, store: EditionStore, name: str) -> dict[str, object]:
    edition = next(e for e in table.editions if e.name == name)
    loaded = next((e for e in store.editions(table.name) if e.name == name), None)
    since = edition.valid_from or (loaded.loaded_at.date() if loaded else None)
    return {
        "table": table.name,
        "edition": name,
        "rows": edition.rows,
        "valid_from": edition.valid_from.isoformat() if edition.valid_from else None,
        "valid_to": edition.valid_to.isoformat() if edition.valid_to else None,
        "age_days": (date.today() - since).days if since else None,
        "origin": loaded.origin.file if loaded else "shipped",
    }


def print_table(state: State, name: str, code: str | None, on: date | None) -> None:
    """What a table is, or its rows for one code."""
    settings, workspace = open_workspace(state)
    store = EditionStore(workspace.reference_directory)
    tables = Tables.shipped().with_editions(store).with_entries("payers", settings.payers)
    table = _known(name, tables)
    rows = table.frame
    if code is not None:
        rows = rows.filter(rows[table.key].cast(pl.String).str.to_uppercase().is_in(_meant(table, code)))
    if on is not None and {"valid_from", "valid_to"} <= set(rows.columns):
        held = (pl.col("valid_from").is_null() | (pl.col("valid_from") <= on)) & (
            pl.col("valid_to").is_null() | (pl.col("valid_to") >= on)
        )
        rows = rows.filter(held)
    about: dict[str, object] = {
        "table": table.name,
        "source": table.source,
        "licence": table.licence,
        "editions": [_entry(table, store, e.name) for e in table.editions],
        "columns": rows.columns,
        "rows": rows.height,
    }
    if code is not None and rows.is_empty():
        when = f" on {on}" if on else ""
        raise UsageError(f"{table.name} has no {table.key} {code}{when}.", hint="Codes are as published.")
    shown = rows if code is not None else rows.head(_SHOWN_ROWS)
    if state.json:
        print(json.dumps(about | {"shown": shown.to_dicts()}, indent=2, default=str))
        return
    screen = Screen(console(state))
    screen.line(f"{table.name}: {table.frame.height:,} rows")
    screen.wrapped(f"Source: {table.source}", 2)
    screen.wrapped(f"Licence: {table.licence or 'none stated'}", 2)
    for edition in table.editions:
        dates = f"{edition.valid_from or 'ever'} to {edition.valid_to or 'the next one'}"
        screen.line(f"Edition {edition.name}: {edition.rows:,} rows, service dates {dates}", indent=2)
    for row in shown.to_dicts():
        said = (f"{key}: {value}" for key, value in row.items() if value is not None)
        screen.wrapped("; ".join(said), 2)


def _meant(table: Table, code: str) -> list[str]:
    """How a code may stand in a table: diagnoses have no dot there, and payers have other names too."""
    code = code.strip().upper()
    spelled = [code, code.replace(".", "")]
    if table.name == "payers":
        known = resolve_payer(code, None, PayerIndex.of(table.frame.iter_rows(named=True)))
        spelled += [known.upper()] if known else []
    return spelled


def _known(name: str, tables: Tables) -> Table:
    if name in tables:
        return tables[name]
    if name in DECLARED:
        raise UsageError(
            f"The table {name} is not loaded.", hint="Load it: claimsctl reference load FILE as published."
        )
    near = get_close_matches(name, sorted({*tables, *DECLARED}), n=3)
    meant = f"Did you mean {' or '.join(near)}? " if near else ""
    raise UsageError(f"There is no table {name}.", hint=f"{meant}`claimsctl reference list` shows all.")


def load_files(
    state: State,
    files: Sequence[Path],
    wanted: Wanted,
    table: str | None,
    *,
    replace: bool,
    accept_smaller: bool,
) -> None:
    """Load files one after the other; an error names its file, and what was loaded before it stays."""
    _, workspace = open_workspace(state)
    store = EditionStore(workspace.reference_directory)
    results: list[Loaded] = []
    with tempfile.TemporaryDirectory(prefix="claimsctl-") as spool:
        for path in files:
            found = load_file(
                path, store, Path(spool), wanted=wanted, table=table, replace=replace,
                accept_smaller=accept_smaller,
            )  # fmt: skip
            results += found
            for each in found:
                if each.edition is not None:
                    record_edition(workspace, "reference load", each.release)
            if not state.json:
                for each in found:
                    _tell(Screen(console(state)), each)
    if state.json:
        print(json.dumps([_told(each) for each in results], indent=2, default=str))


def record_edition(workspace: Workspace, action: str, release: Release) -> None:
    """Record that an edition of a table came into the workspace."""
    audit.record(workspace, action, count=release.frame.height, table=release.table, edition=release.edition)


def _tell(screen: Screen, loaded: Loaded) -> None:
    release = loaded.release
    name = f"{release.table} {release.edition}"
    if loaded.edition is None:
        screen.line(f"{name}: this file is loaded already")
        return
    dates = f"service dates {release.valid_from or 'ever'} to {release.valid_to or 'the next edition'}"
    screen.line(f"{name}: {release.frame.height:,} rows, {dates}")
    for note in release.notes:
        screen.wrapped(note, 2)


def _told(loaded: Loaded) -> dict[str, object]:
    release = loaded.release
    return {
        "table": release.table, "edition": release.edition, "format": loaded.format,
        "rows": release.frame.height, "valid_from": release.valid_from, "valid_to": release.valid_to,
        "loaded": loaded.edition is not None, "notes": list(release.notes),
    }  # fmt: skip


def verify_editions(state: State) -> int:
    """0 when every edition is whole and their service dates leave no gap."""
    store = _store(state)
    results = []
    for edition, problem in store.verify():
        results.append({"table": edition.table, "edition": edition.name, "problem": problem})
    for table in store.tables():
        for first, last in gaps(in_force(store.editions(table))):
            problem = f"no edition is in force from {first} to {last}"
            results.append({"table": table, "edition": None, "problem": problem})
    if state.json:
        print(json.dumps(results, indent=2))
    else:
        screen = Screen(console(state))
        for each in results:
            screen.line(f"{each['table']} {each['edition'] or ''}: {each['problem'] or 'ok'}")
        if not results:
            screen.line("Nothing is loaded; what is shipped is checked when claimsctl is built.")
    return 1 if any(each["problem"] for each in results) else 0


def remove_edition(state: State, table: str, name: str) -> None:
    """Remove one loaded edition."""
    _, workspace = open_workspace(state)
    store = EditionStore(workspace.reference_directory)
    if not store.editions(table) and table in shipped_specs():
        raise UsageError(f"{table} is shipped with claimsctl and cannot be removed.")
    edition = store.remove(table, name)
    audit.record(workspace, "reference remove", table=table, edition=name)
    if state.json:
        print(json.dumps({"removed": asdict(edition)}, indent=2, default=str))
        return
    Screen(console(state)).line(f"Removed {table} {name}.")
