"""Global options, and how the options of a command add to them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from claimsctl.settings_security import Purpose


@dataclass(frozen=True)
class State:
    """Options given before the command."""

    workspace: Path | None = None
    practice: str | None = None
    json: bool = False
    quiet: bool = False
    verbose: bool = False
    no_color: bool = False
    yes: bool = False
    purpose: Purpose | None = None
    """What patient data is asked for; None: as settings say."""

    def with_options(self, *, json: bool = False, quiet: bool = False, verbose: bool = False) -> State:
        """The state with the same options given after the command."""
        return replace(
            self, json=self.json or json, quiet=self.quiet or quiet, verbose=self.verbose or verbose
        )
