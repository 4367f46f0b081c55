"""`claimsctl crypt`: columns of your own files, encrypted and decrypted."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from claimsctl.cli import options as given
from claimsctl.cli.state import State

app = typer.Typer(
    help="Encrypt and decrypt columns of your own files with the key of the workspace.\n\n"
    "Example: claimsctl crypt encrypt examples/sessions.csv --columns Note,DOB",
    no_args_is_help=True,
    rich_markup_mode=None,
)

File = Annotated[
    Path, typer.Argument(metavar="FILE", help="CSV, Excel, Parquet or JSON.", show_default=False)
]
Key = Annotated[
    str | None,
    typer.Option(
        "--key",
        metavar="<columns>",
        help="Columns that tell rows apart, so that rows may be sorted, added and removed in between; else "
        "every row must keep its place.",
    ),
]
Practice = Annotated[str | None, typer.Option(help="With the key of this practice.")]


@app.command("encrypt")
def encrypt(
    context: typer.Context,
    file: File,
    columns: Annotated[
        str, typer.Option(metavar="<columns>", help="Headers of the columns, by commas.", show_default=False)
    ],
    key: Key = None,
    out: Annotated[
        Path | None, typer.Option(help="The new file; else beside FILE, ending in .encrypted.csv.")
    ] = None,
    practice: Practice = None,
    yes: given.Yes = False,
    json: given.Json = False,
    quiet: given.Quiet = False,
) -> None:
    """Write a file anew with the values of columns encrypted; FILE itself stays as it is.

    Example: claimsctl crypt encrypt examples/status.csv --columns DOB
    """
    state: State = context.obj.with_options(json=json, quiet=quiet)
    from claimsctl.cli.crypting import crypt

    crypt(state, "encrypt", file, columns, key, out, practice, replace=yes or state.yes)


@app.command("decrypt")
def decrypt(
    context: typer.Context,
    file: File,
    columns: Annotated[
        str | None, typer.Option(metavar="<columns>", help="Only these; else every encrypted one.")
    ] = None,
    key: Key = None,
    out: Annotated[
        Path | None, typer.Option(help="The new file; else beside FILE, ending in .decrypted.csv.")
    ] = None,
    practice: Practice = None,
    yes: given.Yes = False,
    json: given.Json = False,
    quiet: given.Quiet = False,
) -> None:
    """Write a file anew with encrypted values as they were; one that was altered or moved is refused.

    Example: claimsctl crypt decrypt sealed.csv --out again.csv
    """
    state: State = context.obj.with_options(json=json, quiet=quiet)
    from claimsctl.cli.crypting import crypt

    crypt(state, "decrypt", file, columns, key, out, practice, replace=yes or state.yes)
