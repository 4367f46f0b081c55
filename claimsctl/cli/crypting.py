"""What `claimsctl crypt` does and prints."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Final

from claimsctl.cli.progress import Progress
from claimsctl.cli.run import notifier, open_workspace, stop_on_signals
from claimsctl.cli.screen import count
from claimsctl.cli.state import State
from claimsctl.crypt.files import Asked, Way, crypt_file, default_out
from claimsctl.security.access.opening import open_access

_STAGES: Final = {"encrypting": 1.0, "decrypting": 1.0}


def crypt(
    state: State,
    way: Way,
    file: Path,
    columns: str | None,
    key: str | None,
    out: Path | None,
    practice: str | None,
    *,
    replace: bool,
) -> None:
    """Encrypt or decrypt columns of a file and print how many."""
    stop_on_signals()
    _, workspace = open_workspace(state)
    source = file.expanduser()
    target = (out or default_out(source, way)).expanduser().absolute()
    asked = Asked(way, source, target, _parts(columns), _parts(key), replace=replace)
    keys = open_access(workspace).keys(practice or state.practice or "default")
    with Progress(quiet=state.quiet or state.json, verbose=state.verbose, stages=_STAGES) as progress:
        done = crypt_file(workspace, asked, keys, lambda read, size: progress(f"{way}ing", read, size, 0))
    for note in done.notes:
        notifier(state)(note)
    if state.json:
        print(json.dumps({"path": str(done.path), "rows": done.rows, "columns": done.columns}, indent=2))
    elif not state.quiet:
        what = f"{count(len(done.columns), 'column')} {way}ed ({', '.join(done.columns)})"
        print(f"{count(done.rows, 'row')}, {what if done.columns else 'nothing encrypted'}: {done.path}")


def _parts(text: str | None) -> tuple[str, ...]:
    return tuple(part.strip() for part in (text or "").split(",") if part.strip())
