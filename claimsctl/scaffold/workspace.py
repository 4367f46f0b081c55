"""A new workspace: its identity, settings, house rules, inbox and outbox. Nothing is ever overwritten."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from claimsctl.errors import UsageError
from claimsctl.scaffold.house_pack import house_pack_text
from claimsctl.scaffold.settings_text import settings_text
from claimsctl.security.files import DIRECTORY_MODE, create_private, disk_errors
from claimsctl.settings import SETTINGS_FILE, find_workspace
from claimsctl.store.workspace import Workspace

DIRECTORIES: Final = ("inbox", "outbox", "rules")
_IGNORE: Final = """\
# A workspace holds patient data: only settings and rules belong into version control.
*
!.gitignore
!claimsctl.toml
!rules/
!rules/*.toml
"""


@dataclass(frozen=True, slots=True)
class Scaffolded:
    """What was made and what was there already, as paths below the workspace; and what to look at."""

    root: Path
    made: tuple[str, ...]
    kept: tuple[str, ...]
    notes: tuple[str, ...]


def scaffold(directory: Path) -> Scaffolded:
    """Make a directory a workspace; UsageError when a file is in its place, StoreError when it is refused."""
    root = directory.expanduser().absolute()
    if root.exists() and not root.is_dir():
        raise UsageError(f"{root} is a file.", hint="Name a directory.")
    outer = find_workspace(env={}, cwd=root.parent)
    fresh = not root.exists()
    made: list[str] = []
    kept: list[str] = []
    new = not (root / "workspace.id").exists()
    Workspace.open(root)
    (made if new else kept).append("workspace.id")
    for name in DIRECTORIES:
        with disk_errors(root / name, "create the directory"):
            try:
                (root / name).mkdir(mode=DIRECTORY_MODE)
                made.append(f"{name}/")
            except FileExistsError:
                kept.append(f"{name}/")
    for name, text in (
        (SETTINGS_FILE, settings_text()), ("rules/house.toml", house_pack_text()), (".gitignore", _IGNORE),
    ):  # fmt: skip
        there = os.path.lexists(root / name) or not create_private(root / name, text.encode())
        (kept if there else made).append(name)
    return Scaffolded(root, tuple(made), tuple(kept), tuple(_notes(root, outer, fresh=fresh)))


def _notes(root: Path, outer: Path, *, fresh: bool) -> list[str]:
    notes = []
    if (outer / SETTINGS_FILE).is_file() and outer != root and outer in root.parents:
        notes.append(f"It lies in the workspace {outer}; commands below {root} now use this one.")
    if not fresh and root.stat().st_mode & 0o077:
        notes.append(f"Others may enter {root}, which will hold patient data: chmod 700 '{root}'")
    return notes
