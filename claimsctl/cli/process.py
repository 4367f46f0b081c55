"""`claimsctl process`: the main job."""

from __future__ import annotations

from datetime import datetime
from enum import Enum
from pathlib import Path
from typing import Annotated

import typer

from claimsctl.cli.state import State


class OutputFormat(str, Enum):
    """Format of the accepted claims."""

    parquet = "parquet"
    csv = "csv"
    xlsx = "xlsx"


class Duplicates(str, Enum):
    """What to do with a claim that the store holds in another version."""

    skip = "skip"
    update = "update"
    error = "error"


class FailOn(str, Enum):
    """Lowest severity that makes the exit status 1."""

    error = "error"
    warning = "warning"


Inputs = Annotated[
    list[str], typer.Argument(help="Files, globs or directories; - reads standard input.", show_default=False)
]
Map = Annotated[
    list[str] | None, typer.Option("--map", help='Header to column, as in "Their Column=procedure_code".')
]
Set = Annotated[
    list[str] | None, typer.Option("--set", help="Constant for a column, as in billing_npi=1234567893.")
]
Profile = Annotated[
    str | None, typer.Option(help="Which columns must be there: professional, session or status.")
]
PracticeType = Annotated[str | None, typer.Option(help="Kind of practice, such as therapy.")]
AsOf = Annotated[
    datetime | None, typer.Option("--as-of", formats=["%Y-%m-%d"], help="Date that stands for today.")
]
Rules = Annotated[list[str] | None, typer.Option("--rules", help="Further rule packs (TOML files).")]
Only = Annotated[list[str] | None, typer.Option("--only", help="Run only these rules (PAT-008, MOD-*).")]
Without = Annotated[list[str] | None, typer.Option("--without", help="Leave these rules out.")]


def process(
    context: typer.Context,
    inputs: Inputs,
    out: Annotated[Path | None, typer.Option(help="Output directory; else claimsctl-out/<job>.")] = None,
    output_format: Annotated[OutputFormat | None, typer.Option(help="Format of accepted claims.")] = None,
    payer: Annotated[str | None, typer.Option(help="Payer of lines that name none.")] = None,
    practice: Annotated[str | None, typer.Option(help="Practice id, as in [practice.<id>].")] = None,
    profile: Profile = None,
    practice_type: PracticeType = None,
    mapping: Map = None,
    constants: Set = None,
    as_of: AsOf = None,
    duplicates: Annotated[Duplicates | None, typer.Option(help="Claims stored in another version.")] = None,
    batch_size: Annotated[int | None, typer.Option(min=100, max=5_000_000, help="Lines per part.")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Check and report; write and store nothing.")] = False,
    fail_on: Annotated[FailOn | None, typer.Option(help="Exit 1 on findings of this severity.")] = None,
    limit: Annotated[int | None, typer.Option(min=1, help="Only the first lines of each input.")] = None,
    safe_csv: Annotated[bool, typer.Option("--safe-csv", help="Neutralise formulas in rejected files.")] = False,
    rules: Rules = None,
    only: Only = None,
    without: Without = None,
    json: Annotated[bool, typer.Option("--json", help="Print summary.json instead of text.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="No notices or progress.")] = False,
    verbose: Annotated[bool, typer.Option("--verbose", "-v", help="Mapping and rules in full.")] = False,
) -> None:
    """Check claims: accepted ones, rejected ones with every error explained, and a summary.

    Example: claimsctl process examples/claims.csv --out checked
    """
    state: State = context.obj.with_options(json=json, quiet=quiet, verbose=verbose)
    from claimsctl.cli.run import Options, run_process

    raise typer.Exit(
        run_process(
            state,
            Options(
                inputs=tuple(inputs),
                out=out,
                output_format=output_format.value if output_format else None,
                payer=payer,
                practice=practice or state.practice,
                profile=profile,
                practice_type=practice_type,
                mapping=tuple(mapping or ()),
                constants=tuple(constants or ()),
                as_of=as_of.date() if as_of else None,
                duplicates=duplicates.value if duplicates else None,
                batch_size=batch_size,
                dry_run=dry_run,
                fail_on=fail_on.value if fail_on else None,
                limit=limit,
                safe_csv=safe_csv,
                rules=tuple(rules or ()),
                only=tuple(only or ()),
                without=tuple(without or ()),
            ),
        )
    )
