"""`claimsctl preview`: what a run would do."""

from __future__ import annotations

from typing import Annotated

import typer

from claimsctl.cli import options as given
from claimsctl.cli.state import State


def preview(
    context: typer.Context,
    inputs: given.Inputs,
    rows: Annotated[int, typer.Option(min=1, max=1_000_000, help="Rows to look at of each input.")] = 1_000,
    payer: given.Payer = None,
    practice: given.Practice = None,
    profile: given.Profile = None,
    practice_type: given.PracticeType = None,
    mapping: given.Map = None,
    constants: given.Set = None,
    as_of: given.AsOf = None,
    rules: given.Rules = None,
    only: given.Only = None,
    without: given.Without = None,
    json: given.Json = False,
) -> None:
    """Look at an input before running it: mapping, types, sample, findings, run time; writes nothing.

    Example: claimsctl preview examples/claims.csv
    """
    state: State = context.obj.with_options(json=json)
    from claimsctl.cli.previewing import run_preview
    from claimsctl.cli.run import Options

    options = Options(
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
    )
    run_preview(state, options)
