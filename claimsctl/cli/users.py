"""`claimsctl users`: who may do what in a workspace."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Annotated

import typer

from claimsctl.cli import options as given
from claimsctl.cli.keys import Method, Practices, WayIn

app = typer.Typer(
    help="Users, their roles and practices: add, list, change, disable.\n\nExample: claimsctl users list",
    no_args_is_help=True,
    rich_markup_mode=None,
)


class RoleName(StrEnum):
    """What a user may do."""

    admin = "admin"
    billing = "billing"
    therapist = "therapist"
    front_desk = "front_desk"
    analyst = "analyst"
    auditor = "auditor"


Who = Annotated[str, typer.Argument(metavar="NAME", help="The user.", show_default=False)]
Npi = Annotated[str | None, typer.Option(help="NPI of a therapist: theirs are the claims that name it.")]
Way = Annotated[
    Method | None,
    typer.Option("--method", help="How the keys are opened; a token, printed once, if not said."),
]


@dataclass(frozen=True)
class TheirWayIn(WayIn):
    """How another user's keys are to be opened."""

    method: Way = None


@app.command("add")
@given.with_groups
def add(
    context: typer.Context,
    name: Who,
    *,
    role: Annotated[RoleName, typer.Option(help="What the user may do (docs/security.md).")],
    practice: Practices = None,
    account: Annotated[
        str | None, typer.Option(help="Account of the system that the user logs in with; not with a token.")
    ] = None,
    npi: Npi = None,
    trained: Annotated[
        datetime | None, typer.Option(formats=["%Y-%m-%d"], help="Day of their PHI training.")
    ] = None,
    way_in: TheirWayIn,
    json: given.Json = False,
) -> None:
    """Add a user of some practices, or of all where none is named.

    Example: claimsctl users add pat --role billing --trained 2026-01-15
    """
    from claimsctl.cli.userlist import add_named

    add_named(
        context.obj.with_options(json=json), name, role.value, way_in.given(), practice, account, npi,
        trained.date() if trained else None,
    )  # fmt: skip


@app.command("list")
def list_(context: typer.Context, json: given.Json = False) -> None:
    """List the users.

    Example: claimsctl users list
    """
    from claimsctl.cli.userlist import print_users

    print_users(context.obj.with_options(json=json))


@app.command("disable")
def disable(context: typer.Context, name: Who, json: given.Json = False) -> None:
    """Take a user's keys away; what they did stays in the audit log.

    Example: claimsctl users disable pat
    """
    from claimsctl.cli.userlist import change_named
    from claimsctl.security.access.users import disable_user

    change_named(context.obj.with_options(json=json), name, disable_user)


@app.command("enable")
def enable(context: typer.Context, name: Who, json: given.Json = False) -> None:
    """Give a disabled user their keys again.

    Example: claimsctl users enable pat
    """
    from claimsctl.cli.userlist import change_named
    from claimsctl.security.access.users import enable_user

    change_named(context.obj.with_options(json=json), name, enable_user)


@app.command("grant")
def grant(
    context: typer.Context,
    name: Who,
    role: Annotated[RoleName | None, typer.Option(help="Another role.")] = None,
    practice: Annotated[
        list[str] | None, typer.Option(help="The practices from now on; may be repeated.")
    ] = None,
    all_practices: Annotated[
        bool, typer.Option("--all-practices", help="All practices, also those to come.")
    ] = False,
    npi: Npi = None,
    json: given.Json = False,
) -> None:
    """Give a user another role, other practices or another NPI; keys go with them.

    Example: claimsctl users grant pat --role auditor
    """
    from claimsctl.cli.userlist import grant_named

    grant_named(
        context.obj.with_options(json=json), name, role.value if role else None, practice, all_practices, npi
    )


@app.command("training")
def training(
    context: typer.Context,
    name: Who,
    day: Annotated[
        datetime | None, typer.Option("--date", formats=["%Y-%m-%d"], help="Day of the training; else today.")
    ] = None,
    json: given.Json = False,
) -> None:
    """Note that a user was trained in handling PHI.

    Example: claimsctl users training pat --date 2026-01-15
    """
    from claimsctl.cli.userlist import train_named

    train_named(context.obj.with_options(json=json), name, day.date() if day else None)


@app.command("reset")
@given.with_groups
def reset(
    context: typer.Context,
    name: Who,
    way_in: TheirWayIn,
    json: given.Json = False,
) -> None:
    """Give a user new keys and another way in, when theirs is lost or was seen; the old one opens nothing.

    Example: claimsctl users reset pat --method token
    """
    from claimsctl.cli.userlist import reset_named

    reset_named(context.obj.with_options(json=json), name, way_in.given())
