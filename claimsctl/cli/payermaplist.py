"""What `claimsctl payers map` does and prints."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from claimsctl.cli.entries import print_entries, print_entry
from claimsctl.cli.joblist import print_document, screen_of
from claimsctl.cli.run import open_workspace
from claimsctl.cli.state import State
from claimsctl.configure.payermap import add_mapping, mapping_document, remove_mapping, require_mapping
from claimsctl.security import audit
from claimsctl.settings import load_settings

_LISTED = ("payer_id", "route", "name", "active", "valid_from", "valid_to", "practice")


def write_mapping(state: State, insurance: str, values: Mapping[str, Any]) -> None:
    """Add an entry and show it."""
    from claimsctl.payers.connectors import load_connectors

    settings, workspace = open_workspace(state)
    file = settings.file or workspace.settings_file
    routes = load_connectors(workspace.root)
    add_mapping(file, settings, insurance, values, routes, replace=state.yes)
    audit.record(workspace, "payers map add", insurance=insurance, settings=sorted(values))
    print_mapping(state, insurance)


def print_map(state: State) -> None:
    """The map, one insurance id a line."""
    settings = load_settings(state.workspace)
    documents = [mapping_document(name, each) for name, each in sorted(settings.payer_map.items())]
    listed = {"insurance_id": "insurance id"} | {name: name for name in _LISTED}
    none = "The payer map is empty; `claimsctl payers map add` puts an insurance id into it."
    print_entries(state, "payer_map", documents, listed, none)


def print_mapping(state: State, insurance: str) -> None:
    """Everything said of an insurance id."""
    settings = load_settings(state.workspace)
    print_entry(state, mapping_document(insurance, require_mapping(settings, insurance)))


def take_out(state: State, insurance: str) -> None:
    """Remove an entry."""
    settings, workspace = open_workspace(state)
    remove_mapping(settings.file or workspace.settings_file, settings, insurance)
    audit.record(workspace, "payers map remove", insurance=insurance)
    if state.json:
        print_document({"insurance_id": insurance, "removed": True})
    else:
        screen_of(state).line(f"{insurance} is no longer in the payer map.")
