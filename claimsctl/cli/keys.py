"""`claimsctl keys`: who opens what is sealed, new keys, and the way back when all are lost."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from claimsctl.cli import options as given

if TYPE_CHECKING:
    from claimsctl.cli.keyways import Given

app = typer.Typer(
    help="Keys of patients' data: wrapped for users, rotated, recovered.\n\nExample: claimsctl keys status",
    no_args_is_help=True,
    rich_markup_mode=None,
)


class Method(StrEnum):
    """How a user opens their keys."""

    passphrase = "passphrase"  # noqa: S105 a kind, no secret
    keyring = "keyring"
    file = "file"
    env = "env"
    token = "token"  # noqa: S105 a kind, no secret


Way = Annotated[
    Method | None,
    typer.Option("--method", help="How the keys are opened: a passphrase at a terminal, else a key file."),
]
KeyFile = Annotated[Path | None, typer.Option(help="Key file to make, for --method file.")]
Reference = Annotated[
    str | None, typer.Option(help="env:NAME or file:PATH of a secret, for --method env.", metavar="REF")
]
PassphraseFrom = Annotated[
    str | None,
    typer.Option(help="env:NAME or file:PATH instead of asking for the passphrase.", metavar="REF"),
]
CodeFrom = Annotated[
    str | None,
    typer.Option(help="env:NAME or file:PATH instead of asking for the recovery code.", metavar="REF"),
]
Name = Annotated[str | None, typer.Option("--user", help="Name of the user; else made of the account.")]
Practices = Annotated[
    list[str] | None, typer.Option("--practice", help="A practice of theirs; may be repeated.")
]


@dataclass(frozen=True)
class WayIn:
    """How keys are to be opened from now on: the options of every command that makes new ones."""

    method: Way = None
    key_file: KeyFile = None
    reference: Reference = None
    passphrase_from: PassphraseFrom = None

    def given(self) -> Given:
        """As the keys take them."""
        from claimsctl.cli.keyways import Given

        return Given(
            self.method.value if self.method else None, self.key_file, self.reference, self.passphrase_from
        )


@app.command("init")
@given.with_groups
def init(
    context: typer.Context,
    *,
    user: Name = None,
    way_in: WayIn,
    practice: Annotated[
        list[str] | None, typer.Option(help="A practice that gets keys of its own; may be repeated.")
    ] = None,
    trained: Annotated[
        datetime | None, typer.Option(formats=["%Y-%m-%d"], help="Day of your PHI training; else today.")
    ] = None,
    json: given.Json = False,
) -> None:
    """Bring users and roles in: you are the admin; a recovery code is printed once.

    What is stored stays readable. In a workspace that has users, --practice makes keys of a further one.

    Example: claimsctl keys init --user owner --method file
    """
    from claimsctl.cli.keyfounding import found_keys

    day = trained.date() if trained else None
    found_keys(context.obj.with_options(json=json), user, way_in.given(), practice or [], day)


@app.command("list")
def list_(context: typer.Context, json: given.Json = False) -> None:
    """List the sealing keys of each practice, and which one is current.

    Example: claimsctl keys list
    """
    from claimsctl.cli.keylist import print_keys

    print_keys(context.obj.with_options(json=json))


@app.command("status")
def status(
    context: typer.Context,
    test_recovery: Annotated[
        bool, typer.Option("--test-recovery", help="Ask for the recovery code and open stored data with it.")
    ] = False,
    code_from: CodeFrom = None,
    json: given.Json = False,
) -> None:
    """Show who you are, what you open, how old keys and the recovery code are, and what is lost with them.

    Example: claimsctl keys status
    """
    from claimsctl.cli.keylist import print_status

    print_status(context.obj.with_options(json=json), test=test_recovery, code_from=code_from)


@app.command("rotate")
def rotate(
    context: typer.Context,
    practice: Annotated[
        list[str] | None, typer.Option(help="Only keys of this practice; may be repeated.")
    ] = None,
    resume: Annotated[
        bool, typer.Option("--resume", help="Make no new keys; go on to seal with the current ones.")
    ] = False,
    json: given.Json = False,
) -> None:
    """Make new sealing keys, for everyone at once, and seal with them what is stored.

    All stays readable meanwhile. What was cut short, or waits for a running job, goes on with --resume.

    Example: claimsctl keys rotate
    """
    from claimsctl.cli.keyrotating import rotate_keys

    rotate_keys(context.obj.with_options(json=json), practice, only_resume=resume)


@app.command("export-recovery")
def export_recovery(
    context: typer.Context,
    out: Annotated[
        Path | None, typer.Option(help="Also copy access.json, which the code needs, to this file.")
    ] = None,
    json: given.Json = False,
) -> None:
    """Print a new recovery code, once; the one before becomes worthless.

    Example: claimsctl keys export-recovery --out recovery-kit.json
    """
    from claimsctl.cli.keyfounding import new_code

    new_code(context.obj.with_options(json=json), out)


@app.command("import-recovery")
@given.with_groups
def import_recovery(
    context: typer.Context,
    *,
    user: Name = None,
    way_in: WayIn,
    code_from: CodeFrom = None,
    kit: Annotated[
        Path | None, typer.Option(help="Copy of access.json to be put back, where it is lost.")
    ] = None,
    json: given.Json = False,
) -> None:
    """Become an admin of everything by the recovery code, when all other keys are lost.

    Example: claimsctl keys import-recovery --code-from file:code.txt --user bo
    """
    from claimsctl.cli.keyfounding import recover

    recover(context.obj.with_options(json=json), user, way_in.given(), code_from, kit)


@app.command("unlock")
def unlock(
    context: typer.Context,
    minutes: Annotated[
        int | None, typer.Option(help="How long; else session_minutes of [security].", min=1, max=1440)
    ] = None,
    passphrase_from: PassphraseFrom = None,
    json: given.Json = False,
) -> None:
    """Open your keys by your passphrase for some time, so that scripts and further commands have them.

    Example: claimsctl keys unlock --passphrase-from file:passphrase.txt
    """
    from claimsctl.cli.keysession import unlock_keys

    unlock_keys(context.obj.with_options(json=json), minutes, passphrase_from)


@app.command("lock")
def lock(context: typer.Context, json: given.Json = False) -> None:
    """Forget your opened keys.

    Example: claimsctl keys lock
    """
    from claimsctl.cli.keysession import lock_keys

    lock_keys(context.obj.with_options(json=json))
