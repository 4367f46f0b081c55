"""What `claimsctl sql init`, `ddl` and `test` do and print."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Final

import typer

from claimsctl.cli.joblist import print_document, screen_of
from claimsctl.cli.run import open_workspace
from claimsctl.cli.screen import Screen, count
from claimsctl.cli.sqlphi import with_phi
from claimsctl.cli.state import State
from claimsctl.databases import named_database
from claimsctl.errors import UsageError
from claimsctl.security import audit
from claimsctl.settings import load_settings
from claimsctl.sql.connect import connect
from claimsctl.sql.ddl import ddl
from claimsctl.sql.drivers import driver_for
from claimsctl.sql.init import TableState, dialect_of, make_tables
from claimsctl.sql.trial import Step, try_database
from claimsctl.sql.trialsource import try_source

if TYPE_CHECKING:
    from claimsctl.security.policy import Phi
    from claimsctl.sql.database import Database
    from claimsctl.sql.ddl import DdlDialect

_STYLES: Final = {"ok": "green", "note": "", "wrong": "bold red"}


def make(state: State, to: str, phi: Phi | None) -> None:
    """Make missing tables; exit 1 where one that is there does not fit."""
    settings, workspace = open_workspace(state)
    database = named_database(settings, to)
    dialect_of(database)
    database = with_phi(state, database, phi)
    assert database.phi is not None
    with connect(database, create=True) as connection:
        states = make_tables(connection, database.phi)
    made = sum(each.state == "made" for each in states)
    audit.record(workspace, "sql init", to=database.recorded(workspace), phi=database.phi, tables=made)
    unfit = [each for each in states if not each.fits]
    if state.json:
        tables = [{**asdict(each), "fits": each.fits} for each in states]
        print_document({"database": database.name, "place": database.place, "tables": tables})
    elif not state.quiet or unfit:
        _print_states(screen_of(state), database, states, unfit)
    if unfit:
        raise typer.Exit(1)


def _print_states(
    screen: Screen, database: Database, states: Sequence[TableState], unfit: Sequence[TableState]
) -> None:
    for each in states:
        screen.line(f"{each.state:<6} {each.name}", "bold red" if not each.fits else "")
        for trouble in _troubles(each):
            screen.line(trouble, indent=7)
    screen.gap()
    made = sum(each.state == "made" for each in states)
    screen.line(f"{database.place}: {count(made, 'table')} made, {count(len(states) - made, 'table')} there.")
    if unfit:
        screen.line(f"{count(len(unfit), 'table')} cannot take what claimsctl writes.", "bold red")
        screen.line(
            f"claimsctl sql ddl --to {database.given or database.name} prints how the columns should be."
        )


def _troubles(each: TableState) -> Iterator[str]:
    if each.state == "gone":
        yield "named in the settings as a table of the house, and not there (or not to be seen)"
    if each.missing:
        yield f"lacks {', '.join(each.missing)}"
    for column, theirs, ours in each.narrow:
        yield f"{column} is {theirs}; {ours} is needed"


def print_ddl(
    state: State,
    dialect: DdlDialect | None,
    to: str | None,
    phi: Phi | None,
    schema: str | None,
    prefix: str | None,
) -> None:
    """The statements on standard output."""
    if (dialect is None) == (to is None):
        raise UsageError("Say either --dialect or --to.", hint="As in: claimsctl sql ddl --dialect mssql")
    if to is not None:
        database = named_database(load_settings(state.workspace), to, secrets=False)
        dialect, phi = dialect_of(database), phi or database.phi
        schema, prefix = schema or database.schema, prefix if prefix is not None else database.prefix
    assert dialect is not None
    typer.echo(ddl(dialect, schema, "claimsctl_" if prefix is None else prefix, phi or "plain"), nl=False)


def try_it(state: State, to: str | None, source: str | None) -> None:
    """Try a target or a source and say how it went; exit 1 when something is wrong."""
    named = to or source
    if named is None or (to is not None and source is not None):
        raise UsageError("Say either --to or --from.", hint="As in: claimsctl sql test --to production")
    database = named_database(load_settings(state.workspace), named)
    if to is not None:
        dialect_of(database)
    steps = list(_steps(database, target=to is not None))
    wrong = sum(step.state == "wrong" for step in steps)
    if state.json:
        document = {"database": database.name, "place": database.place, "wrong": wrong}
        print_document({**document, "steps": [asdict(step) for step in steps]})
    else:
        done = "Claims can be written there." if to is not None else "Claims can be read there."
        _print_steps(screen_of(state), steps, wrong, done, quiet=state.quiet)
    if wrong:
        raise typer.Exit(1)


def _steps(database: Database, *, target: bool) -> Iterator[Step]:
    driver = driver_for(database)
    with connect(database, read_only=not target) as connection:
        slower = "" if connection.fast else ", which sends rows in smaller batches than Microsoft's"
        yield Step("driver", "ok", f"{driver}{slower}.")
        yield Step("login", "ok", f"{database.place}.")
        yield from try_database(connection) if target else try_source(connection)
    if target and database.phi is None:
        yield Step(
            "patient data", "note", "Nothing says how it is written there; a script would be refused.",
            'Set phi = "mask" (or "encrypt", "plain") in its table of claimsctl.toml.',
        )  # fmt: skip


def _print_steps(screen: Screen, steps: Sequence[Step], wrong: int, done: str, *, quiet: bool) -> None:
    for step in steps:
        if quiet and step.state != "wrong":
            continue
        screen.line(f"{step.state:<6} {step.name}", _STYLES[step.state])
        screen.wrapped(step.says, 7)
        if step.mend:
            screen.wrapped(step.mend, 7)
    if not quiet:
        screen.gap()
        said = f"{count(wrong, 'thing')} to be mended." if wrong else done
        screen.line(said, "bold red" if wrong else "bold green")
