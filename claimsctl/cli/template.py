"""`claimsctl template`: an input file to start from."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from claimsctl.cli import options as given
from claimsctl.cli.state import State

app = typer.Typer(
    help="Templates of input files.\n\nExample: claimsctl template download --output template.csv",
    no_args_is_help=True,
    rich_markup_mode=None,
)


class Purpose(StrEnum):
    """What the file is for."""

    process = "process"
    status = "status"


class Format(StrEnum):
    """File format."""

    csv = "csv"
    xlsx = "xlsx"


@app.callback()
def group() -> None:
    """Templates of input files."""


@app.command("download")
def download(
    context: typer.Context,
    payer: Annotated[str | None, typer.Option(help="Payer of the example rows, as in uhc.")] = None,
    purpose: Annotated[Purpose, typer.Option(help="What the file is for.")] = Purpose.process,
    profile: Annotated[str, typer.Option(help="professional, session or status.")] = "professional",
    file_format: Annotated[
        Format | None, typer.Option("--format", help="File format; else that of the file name, or csv.")
    ] = None,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="File to write; else stdout (csv).")
    ] = None,
    json: given.Json = False,
) -> None:
    """Write a template: exact headers, example rows that pass, the rules as # comments.

    Example: claimsctl template download --payer uhc --output template.csv
    """
    state: State = context.obj.with_options(json=json)
    from claimsctl.cli.templates import download_template

    download_template(state, payer, purpose.value, profile, file_format and file_format.value, output)
