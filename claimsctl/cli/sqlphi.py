"""What becomes of patient data in a database that claims are written to: decided, or asked once."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Final

import typer

from claimsctl.cli.confirming import can_ask
from claimsctl.cli.state import State
from claimsctl.errors import SettingsError

if TYPE_CHECKING:
    from claimsctl.security.policy import Phi
    from claimsctl.sql.database import Database

_MEANINGS: Final = {
    "plain": "as it is, readable by whoever may read the tables",
    "encrypt": "encrypted with the key of this workspace",
    "mask": "masked, for good",
    "drop": "left out",
    "deidentify": "so that nobody can say whose the claims are",
}
_WORDS: Final = "plain, encrypt, mask, drop or deidentify"


def with_phi(state: State, database: Database, given: Phi | None = None) -> Database:
    """The database with its PHI policy: that of the option, of the settings, or as a person answers.

    SettingsError with the line to add where nobody is there to ask.
    """
    if given is not None or database.phi is not None:
        return replace(database, phi=given or database.phi)
    if not can_ask(state):
        raise SettingsError(
            f"{database.name}: nothing says how patient data is written there ({_WORDS}).",
            hint=_how_to_say(database, "mask"),
        )
    typer.echo(f"How shall patient data be written to {database.name} ({database.place})?", err=True)
    for word, meaning in _MEANINGS.items():
        typer.echo(f"  {word:<10} {meaning}", err=True)
    chosen = typer.prompt(
        "plain, encrypt, mask, drop or deidentify", default="mask", err=True, value_proc=_policy
    )
    typer.echo(f"To be asked no more: {_how_to_say(database, chosen)}", err=True)
    return replace(database, phi=chosen)


def _policy(answer: str) -> str:
    """The policy that an answer means; its beginning is enough."""
    word = answer.strip().lower()
    found = [each for each in _MEANINGS if word and each.startswith(word)]
    if len(found) != 1:
        raise typer.BadParameter(f"{answer.strip()!r} is none of plain, encrypt, mask, drop and deidentify.")
    return found[0]


def _how_to_say(database: Database, phi: str) -> str:
    if database.given == database.name:
        return f'Add to claimsctl.toml, below [sql.{database.name}]: phi = "{phi}"'
    return (
        f"Add to claimsctl.toml: [sql.{json.dumps(database.name)}] with the lines url = "
        f'{json.dumps(database.url)} and phi = "{phi}", then name {database.name} instead of the URL.'
    )
