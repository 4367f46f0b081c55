"""`claimsctl` in a process that kills itself at a point of an inbox run: POINT ARGUMENT..."""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path
from typing import Any

from claimsctl.cli.app import main
from claimsctl.inbox import moving, run


def _die(*_: Any) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def _die_after_place(source: Path, target: Path) -> None:
    os.link(source, target)
    _die()


if sys.argv[1] == "before the move":
    run.move = _die  # type: ignore[assignment]
elif sys.argv[1] == "in the move":
    moving._place = _die_after_place
elif sys.argv[1] == "with the lock":
    run.InboxRun.run = _die  # type: ignore[method-assign]
main(sys.argv[2:])
