"""Secrets that a command needs: asked at the terminal or read by reference, never typed as an argument."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from claimsctl.errors import PermissionDenied, SettingsError, UsageError
from claimsctl.security.access.opening import account_name, terminal
from claimsctl.security.access.registry import MethodKind
from claimsctl.security.access.unlocking import NewMethod, new_method

if TYPE_CHECKING:
    from claimsctl.store.workspace import Workspace


@dataclass(frozen=True)
class Given:
    """How a user is to open their keys, as it was said; None: as is usual."""

    method: MethodKind | None = None
    key_file: Path | None = None
    reference: str | None = None
    passphrase_from: str | None = None

    def made(self, workspace: Workspace, name: str, *, own: bool = True) -> NewMethod:
        """The method, ready; a passphrase is asked for twice.

        By default a passphrase where somebody is at a terminal, else a key file; for others than oneself
        (`own`) a token. UsageError where it cannot be.
        """
        usual: MethodKind = "token" if not own else "passphrase" if terminal() is not None else "file"
        kind: MethodKind = self.method or ("passphrase" if self.passphrase_from else usual)
        if kind == "keyring" and not own:
            raise UsageError(
                "The keyring belongs to who is logged in: nothing can be put into that of another.",
                hint="Use --method token or passphrase.",
            )
        passphrase = new_passphrase(name, self.passphrase_from) if kind == "passphrase" else None
        return new_method(
            str(kind), workspace, name,  # type: ignore[arg-type]
            passphrase=passphrase, key_file=self.key_file, reference=self.reference,
        )  # fmt: skip


def new_passphrase(name: str, reference: str | None) -> str:
    """A new passphrase: by reference, or typed twice."""
    if reference is not None:
        return referred("--passphrase-from", reference)
    ask = terminal()
    if ask is None:
        raise UsageError("A new passphrase is typed at a terminal.", hint="A script gives --passphrase-from.")
    first = ask(f"New passphrase of {name}: ")
    if ask("The same again: ") != first:
        raise UsageError("The two passphrases differ.", hint="Nothing was changed; run it again.")
    return first


def recovery_code(reference: str | None) -> str:
    """A recovery code: by reference, or typed."""
    ask = asking(reference, "--code-from")
    if ask is None:
        raise UsageError("The recovery code is typed at a terminal.", hint="A script gives --code-from.")
    return ask("Recovery code: ")


def asking(reference: str | None, option: str = "--passphrase-from") -> Callable[[str], str] | None:
    """What asks for a secret: a reference that is read, or the terminal; None where there is neither."""
    if reference is None:
        return terminal()
    return lambda _prompt: referred(option, reference)


def referred(option: str, reference: str) -> str:
    """The secret behind env:NAME, file:PATH (from here) or keyring:service/user."""
    from claimsctl.security.credentials import check_reference, secret

    try:
        check_reference(option, reference)
    except ValueError:  # its words are about settings
        raise UsageError(
            f"{option} takes a reference; a secret does not belong on the command line.",
            hint="env:NAME, file:PATH or keyring:service/user.",
        ) from None
    try:
        return secret(option, reference, Path.cwd())
    except SettingsError as error:
        raise PermissionDenied(error.message, hint=error.hint) from None


def own_name(said: str | None) -> str:
    """The name of a user: as said, else the account in the letters that names have."""
    if said is not None:
        return said
    name = re.sub(r"[^a-z0-9_-]", "-", account_name().lower())[:32]
    return name if name[:1].isalpha() else f"u{name}"[:32]
