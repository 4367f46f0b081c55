"""`claimsctl patients`: who the stored claims are of, and taking a patient out and putting back."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated

import typer

from claimsctl.cli import options as given
from claimsctl.cli.state import State

app = typer.Typer(
    help="Patients of stored claims: list, delete, restore.\n\nExample: claimsctl patients list --limit 5",
    no_args_is_help=True,
    rich_markup_mode=None,
)

Patients = Annotated[
    list[str],
    typer.Argument(
        metavar="PATIENT...",
        help='How its key begins (claimsctl patients list), a member id, or "Last, First".',
        show_default=False,
    ),
]
Sure = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")]


@app.command("list")
def list_(
    context: typer.Context,
    search: Annotated[
        str | None, typer.Option(help='Member id, "Last, First", or how a key begins; whole and exact.')
    ] = None,
    deleted: Annotated[bool, typer.Option("--deleted", help="Deleted patients instead.")] = False,
    practice: given.Practice = None,
    limit: Annotated[int, typer.Option(min=0, max=given.MOST, help="Patients on a page; 0 for all.")] = 50,
    page: Annotated[int, typer.Option(min=1, max=given.MOST, help="Which page.")] = 1,
    show_phi: given.ShowPhi = False,
    json: given.Json = False,
) -> None:
    """List patients with claims in force, the latest service first.

    Example: claimsctl patients list --limit 5
    """
    state: State = context.obj.with_options(json=json)
    from claimsctl.cli.patientlist import print_patients

    print_patients(
        state, search, practice or state.practice, deleted=deleted, limit=limit or None, page=page,
        show_phi=show_phi,
    )  # fmt: skip


@app.command("delete")
def delete(
    context: typer.Context,
    patients: Patients,
    practice: given.Practice = None,
    yes: Sure = False,
    json: given.Json = False,
) -> None:
    """Take patients out with all their claims; `patients restore` puts them back.

    What is deleted is kept for `retention_days` of [security]; `claimsctl jobs prune` removes it then.

    Example: claimsctl patients delete 1EG4TE5MK73 --yes
    """
    state: State = replace(context.obj.with_options(json=json), yes=context.obj.yes or yes)
    from claimsctl.cli.patientlist import delete_named

    delete_named(state, patients, practice or state.practice)


@app.command("restore")
def restore(
    context: typer.Context, patients: Patients, practice: given.Practice = None, json: given.Json = False
) -> None:
    """Put deleted patients back with the claims that were deleted with them.

    Example: claimsctl patients restore 1EG4TE5MK73
    """
    state: State = context.obj.with_options(json=json)
    from claimsctl.cli.patientlist import restore_named

    restore_named(state, patients, practice or state.practice)
