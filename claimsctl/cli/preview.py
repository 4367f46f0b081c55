"""`claimsctl preview`: what a run would do."""

from __future__ import annotations

from typing import Annotated

import typer

from claimsctl.cli.process import AsOf, Inputs, Map, Only, PracticeType, Profile, Rules, Set, Without
from claimsctl.cli.state import State


def preview(
    context: typer.Context,
    inputs: Inputs,
    rows: Annotated[int, typer.Option(min=1, max=1_000_000, help="Rows to look at of each input.")] = 1_000,
    payer: Annotated[str | None, typer.Option(help="Payer of lines that name none.")] = None,
    practice: Annotated[str | None, typer.Option(help="Practice id, as in [practice.<id>].")] = None,
    profile: Profile = None,
    practice_type: PracticeType = None,
    mapping: Map = None,
    constants: Set = None,
    as_of: AsOf = None,
    rules: Rules = None,
    only: Only = None,
    without: Without = None,
    json: Annotated[bool, typer.Option("--json", help="Print one JSON document.")] = False,
) -> None:
    """Look at an input before running it: mapping, types, sample, findings, run time; writes nothing.

    Example: claimsctl preview examples/claims.csv
    """
    state: State = context.obj.with_options(json=json)
    from claimsctl.cli.previewing import run_preview
    from claimsctl.cli.run import Options

    run_preview(
        state,
        Options(
            inputs=tuple(inputs),
            payer=payer,
            practice=practice or state.practice,
            profile=profile,
            practice_type=practice_type,
            mapping=tuple(mapping or ()),
            constants=tuple(constants or ()),
            as_of=as_of.date() if as_of else None,
            limit=rows,
            rules=tuple(rules or ()),
            only=tuple(only or ()),
            without=tuple(without or ()),
        ),
    )
