"""A command whose option `--sandbox` may stand without a value."""

from __future__ import annotations

from typing import Any

from typer.core import TyperCommand

OPTION = "--sandbox"


class SandboxCommand(TyperCommand):
    """Gives `--sandbox` an empty value where no address follows; the parser itself knows no such options."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """The arguments, with every bare `--sandbox` completed."""
        given = []
        for place, argument in enumerate(args):
            following = args[place + 1] if place + 1 < len(args) else ""
            bare = argument == OPTION and "://" not in following
            given.append(f"{OPTION}=" if bare else argument)
        return super().parse_args(ctx, given)
