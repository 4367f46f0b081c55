"""What `claimsctl practices` does and prints."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from claimsctl.cli.entries import print_entries, print_entry
from claimsctl.cli.run import open_workspace
from claimsctl.cli.state import State
from claimsctl.configure.practices import add_practice, edit_practice, practice_document, require_practice
from claimsctl.security import audit
from claimsctl.settings import load_settings

if TYPE_CHECKING:
    from claimsctl.store.workspace import Workspace

_LISTED = ("name", "npi", "tax_id", "taxonomy", "city", "state", "practice_type")


def write_practice(state: State, practice: str, values: Mapping[str, Any], *, new: bool) -> None:
    """Add or change a practice and show what it is now."""
    settings, workspace = open_workspace(state)
    file = settings.file or workspace.settings_file
    (add_practice if new else edit_practice)(file, settings, practice, values)
    if new:
        _make_keys(workspace, practice)
    audit.record(
        workspace, f"practices {'add' if new else 'edit'}", practice=practice, settings=sorted(values)
    )
    print_practice(state, practice)


def _make_keys(workspace: Workspace, practice: str) -> None:
    """Where users have roles, a practice has keys of its own."""
    if not workspace.access_file.exists():
        return
    from claimsctl.security.access import rotation
    from claimsctl.security.access.changing import managed_registry

    if practice not in managed_registry(workspace).practices:
        rotation.add_practice(workspace, practice)


def print_practices(state: State) -> None:
    """All practices, one a line."""
    settings = load_settings(state.workspace)
    documents = [practice_document(name, each) for name, each in sorted(settings.practice.items())]
    none = "No practice yet; `claimsctl practices add` makes one."
    print_entries(state, "practices", documents, {"id": "id"} | {name: name for name in _LISTED}, none)


def print_practice(state: State, practice: str) -> None:
    """Everything said of a practice."""
    settings = load_settings(state.workspace)
    document = practice_document(practice, require_practice(settings, practice))
    print_entry(state, document)
