"""`claimsctl sql`: the tables that claims are written to, and whether a database is ready for them."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer

from claimsctl.cli import options as given

app = typer.Typer(
    help="Databases that claims are read from and written to.\n\n"
    "Example: claimsctl sql ddl --dialect postgresql",
    no_args_is_help=True,
    rich_markup_mode=None,
)


class Dialect(StrEnum):
    """Databases that claims can be written to."""

    mssql = "mssql"
    postgresql = "postgresql"
    sqlite = "sqlite"
    duckdb = "duckdb"


class Phi(StrEnum):
    """What becomes of patient data in a database."""

    plain = "plain"
    encrypt = "encrypt"
    mask = "mask"
    drop = "drop"
    deidentify = "deidentify"


To = Annotated[
    str, typer.Option(metavar="NAME|URL", help="A database of the settings, or a URL.", show_default=False)
]
HowPhi = Annotated[Phi | None, typer.Option(help="How patient data is written; else as settings say.")]


@app.command("init")
def init(context: typer.Context, to: To, phi: HowPhi = None, json: given.Json = False) -> None:
    """Make the tables that are missing in a database. What is there is looked at, and never changed.

    Exits with 1 when a table that is there cannot take what claimsctl writes.

    Example: claimsctl sql init --to sqlite:///claims.db --phi mask
    """
    from claimsctl.cli.sqls import make

    make(context.obj.with_options(json=json), to, phi.value if phi is not None else None)


@app.command("ddl")
def ddl(
    context: typer.Context,
    dialect: Annotated[Dialect | None, typer.Option(help="The kind of database.")] = None,
    to: Annotated[
        str | None, typer.Option(metavar="NAME|URL", help="For this database, with its schema and prefix.")
    ] = None,
    phi: HowPhi = None,
    schema: Annotated[str | None, typer.Option(help="Schema of the tables.")] = None,
    prefix: Annotated[str | None, typer.Option(help="What their names begin with.")] = None,
) -> None:
    """Print the statements that make the tables, to be reviewed and run by whoever may.

    Nothing is connected to. Columns of patient data are as wide as --phi needs; plain, where nothing says it.

    Example: claimsctl sql ddl --dialect mssql --phi encrypt
    """
    from claimsctl.cli.sqls import print_ddl

    print_ddl(
        context.obj,
        dialect.value if dialect is not None else None,
        to,
        phi.value if phi is not None else None,
        schema,
        prefix,
    )


@app.command("test")
def try_one(
    context: typer.Context,
    to: Annotated[
        str | None, typer.Option(metavar="NAME|URL", help="A database that claims are written to.")
    ] = None,
    source: Annotated[
        str | None, typer.Option("--from", metavar="NAME|URL", help="A database that claims are read from.")
    ] = None,
    json: given.Json = False,
) -> None:
    """Test a database: driver, encryption, login, rights, tables, and values of every type there and back.

    Of one that is read from, a row of its table or query is read. Nothing is left behind. Exits with 1
    when something is wrong, with 4 when it cannot be reached, with 5 when it refuses the login.

    Example: claimsctl sql test --to sqlite:///claims.db
    """
    from claimsctl.cli.sqls import try_it

    try_it(context.obj.with_options(json=json), to, source)
