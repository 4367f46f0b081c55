"""`claimsctl price`: what lines should pay."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from claimsctl.cli import options as given
from claimsctl.cli.state import State


def price(
    context: typer.Context,
    files: Annotated[
        list[str] | None,
        typer.Argument(metavar="[FILE]...", help="Files of lines to price; - reads standard input."),
    ] = None,
    out: Annotated[
        Path | None, typer.Option(help="Lines with their prices (.csv, .tsv, .parquet or .xlsx).")
    ] = None,
    mapping: given.Map = None,
    constants: given.Set = None,
    sheet: given.Sheet = None,
    payer: given.Payer = None,
    practice: given.Practice = None,
    locality: given.Locality = None,
    code: Annotated[str | None, typer.Option(help="Price one line: its procedure code.")] = None,
    modifier: Annotated[list[str] | None, typer.Option(help="Of one line; may be repeated.")] = None,
    pos: Annotated[str | None, typer.Option(help="Place of service of one line.")] = None,
    zip_code: Annotated[str | None, typer.Option("--zip", help="ZIP code where it was done.")] = None,
    day: Annotated[
        datetime | None,
        typer.Option("--date", formats=["%Y-%m-%d", "%m/%d/%Y"], help="Service date; else today."),
    ] = None,
    units: Annotated[str | None, typer.Option(help="Units of one line; else 1.")] = None,
    minutes: Annotated[str | None, typer.Option(help="Minutes of one line (anesthesia).")] = None,
    charge: Annotated[str | None, typer.Option(help="Charge of one line.")] = None,
    explain: Annotated[bool, typer.Option("--explain", help="The arithmetic of a line in steps.")] = False,
    row: Annotated[
        int | None,
        typer.Option(min=1, max=given.MOST, help="With --explain: the row of the line in the file."),
    ] = None,
    compare: Annotated[
        str | None, typer.Option(metavar="<release>", help="Also price by this release, such as RVU26B.")
    ] = None,
    by_claim: Annotated[
        bool, typer.Option("--by-claim", help="Also write the totals of claims, beside --out.")
    ] = False,
    yes: given.Yes = False,
    json: given.Json = False,
    quiet: given.Quiet = False,
) -> None:
    """Say what lines should pay, or why they have no price: those of files, or one line (--code).

    Example: claimsctl price examples/claims.csv --out priced.csv
    """
    state: State = context.obj.with_options(json=json, quiet=quiet)
    from claimsctl.cli.pricing import Asked, Line, run_price
    from claimsctl.cli.run import Options

    options = Options(
        inputs=tuple(files or ()),
        out=out,
        payer=payer,
        practice=practice or state.practice,
        mapping=tuple(mapping or ()),
        constants=tuple(constants or ()),
        sheet=sheet,
        locality=locality,
    )
    line = Line(
        code=code,
        modifiers=tuple(modifier or ()),
        pos=pos,
        zip_code=zip_code,
        day=day.date() if day else None,
        units=units,
        minutes=minutes,
        charge=charge,
    )
    asked = Asked(compare, explain, row, by_claim)
    run_price(state, options, line, asked, replaces=yes or state.yes)
