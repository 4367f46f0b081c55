"""What `claimsctl payers list`, `show` and `check` do and print."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import typer

from claimsctl.cli.joblist import print_document, screen_of
from claimsctl.cli.screen import count, new_table
from claimsctl.cli.state import State
from claimsctl.errors import UsageError
from claimsctl.payers.access import Access
from claimsctl.payers.connector import Connector
from claimsctl.payers.connectors import OWN, SHIPPED, load_connectors, read_connector, route_named
from claimsctl.payers.rehearse import failures
from claimsctl.settings import Settings, load_settings


def print_routes(state: State) -> None:
    """Every route, one a line."""
    settings = load_settings(state.workspace)
    documents = [_listed(c, settings) for _, c in sorted(load_connectors(settings.workspace).items())]
    if state.json:
        print_document({"routes": documents})
        return
    screen = screen_of(state)
    table = new_table("route", "origin", "credentials", "a second", "what it is")
    for each in documents:
        rate = f"{each['requests_per_second']:g}"
        cells = (each["route"], each["origin"], each["credentials"], rate, each["title"])
        table.add_row(*(screen.text(cell) for cell in cells))
    screen.block(table, 0, least=80)


def print_route(state: State, name: str) -> None:
    """Everything a person needs to know to use a route."""
    settings = load_settings(state.workspace)
    connector = route_named(load_connectors(settings.workspace), name)
    document = _described(connector, settings)
    if state.json:
        print_document(document)
        return
    screen = screen_of(state)
    for label in ("title", "about", "file", "environment", "credentials"):
        if document[label]:
            screen.labelled(label, str(document[label]), width=13)
    for label, entries in document.items():
        if isinstance(entries, dict) and entries:
            screen.gap()
            screen.line(label)
            for entry, value in entries.items():
                screen.labelled(entry, str(value), indent=2, width=28)
    screen.gap()
    screen.line("steps")
    for step in document["steps"]:
        screen.labelled(step["step"], f"{step['method']} {step['path']}", indent=2, width=28)
        if step["when"]:
            screen.labelled("", f"when {step['when']}", indent=2, width=28)


def check_files(state: State, files: Sequence[Path]) -> None:
    """Check each file and run its examples; exit 2 for a file that cannot be used, 1 for wrong examples."""
    if not files:
        root = load_settings(state.workspace).workspace
        files = sorted((root / OWN).glob("*.toml"))
        if not files:
            raise UsageError(f"There is no connector file in {root / OWN}.", hint="Name the file to check.")
    results = []
    for file in files:
        connector = read_connector(file)
        wrong = list(failures(connector))
        examples = sum(len(t.examples) for t in connector.transactions.values())
        results.append({"file": str(file), "route": connector.name, "examples": examples, "wrong": wrong})
    if state.json:
        print_document({"files": results})
    else:
        screen = screen_of(state)
        for result in results:
            _print_result(screen, result)
    if any(result["wrong"] for result in results):
        raise typer.Exit(1)


def _print_result(screen: Any, result: dict[str, Any]) -> None:
    ran = count(result["examples"], "example")
    if result["wrong"]:
        screen.line(f"{result['file']}: route {result['route']}, {len(result['wrong'])} of {ran} wrong")
        for trouble in result["wrong"]:
            screen.line(trouble, indent=2)
    else:
        hint = "" if result["examples"] else "; add some, so that a change of the payer's format shows"
        screen.line(f"{result['file']}: route {result['route']} is sound, {ran} read as expected{hint}")


def _origin(connector: Connector) -> str:
    return "shipped" if Path(connector.origin).parent.name == SHIPPED else "workspace"


def _listed(connector: Connector, settings: Settings) -> dict[str, Any]:
    needed = Access.needed_credentials(connector)
    said = settings.payer_route.get(connector.name)
    missing = [name for name in needed if said is None or name not in said.credentials]
    return {
        "route": connector.name, "title": connector.title, "origin": _origin(connector),
        "environment": (said.environment if said else None) or "production",
        "credentials": "none" if not needed else "to set" if missing else "set",
        "requests_per_second": connector.limits.requests_per_second,
        "payer_ids": list(connector.payer_ids),
    }  # fmt: skip


def _described(connector: Connector, settings: Settings) -> dict[str, Any]:
    listed = _listed(connector, settings)
    needed = ", ".join(Access.needed_credentials(connector))
    transaction = connector.claim_status
    limits = connector.limits.model_dump(exclude={"breaker"}, exclude_none=True)
    addresses = {
        f"{kind} {name}": value
        for kind, environment in connector.environments.items()
        for name in ("base_url", "token_url")
        if (value := getattr(environment, name))
    }
    return {
        **listed,
        "about": connector.about,
        "file": connector.origin,
        "source": connector.source,
        "credentials": f"{listed['credentials']}: {needed}" if needed else "none",
        "addresses": addresses,
        "limits": limits,
        "settings": {
            name: f"{option.about} (usual: {option.default or 'none'})"
            for name, option in connector.settings.items()
        },
        "errors": {code: f"{entry.text} [{entry.means}]" for code, entry in connector.errors.codes.items()},
        "steps": [
            {"step": s.name, "kind": s.kind, "method": s.method, "path": s.path, "when": s.when}
            for s in transaction.steps
        ],
        "redact": list(connector.redact),
    }
