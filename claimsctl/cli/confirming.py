"""Asking a person before something large or final; scripts and cron are never asked."""

from __future__ import annotations

import sys
from collections.abc import Sequence

import typer

from claimsctl.cli.state import State
from claimsctl.errors import Interrupted


def confirm_size(state: State, inputs: Sequence[str], above: int) -> None:
    """Ask before inputs of more than `above` bytes; 0: never. Interrupted when the answer is no."""
    if above and can_ask(state):
        from claimsctl.ingest.sources import input_bytes

        confirm_bytes(state, input_bytes(inputs), above)


def confirm_bytes(state: State, size: int, above: int) -> None:
    """The same where the size is known."""
    if not above or size <= above or not can_ask(state):
        return
    from claimsctl.cli.screen import byte_size

    asked = f"The input has {byte_size(size)}, more than the {byte_size(above)} of confirm_above_mb. Go on?"
    if not typer.confirm(asked, default=True, err=True):
        raise Interrupted("Not started; nothing was read.", hint="With --yes you are not asked.")


def can_ask(state: State) -> bool:
    """Whether somebody is there to answer who has not answered already with --yes."""
    return not state.yes and sys.stdin is not None and sys.stdin.isatty() and sys.stderr.isatty()
