"""What `check-status --dry-run` prints."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final

from claimsctl.asking.dry import dry_run
from claimsctl.asking.request import Place, StatusRequest
from claimsctl.cli.joblist import print_document, screen_of
from claimsctl.cli.run import notifier
from claimsctl.cli.screen import Screen, count
from claimsctl.cli.state import State
from claimsctl.security import audit

_TOLD: Final = frozenset({"method", "url", "only_if", "step", "kind"})


def _request(screen: Screen, request: Mapping[str, Any]) -> None:
    """A request: where it goes, when, and what it says."""
    when = f" (only if {request['only_if']})" if "only_if" in request else ""
    if "missing" in request:
        screen.line(f"{request['step']}: cannot be sent, it lacks {request['missing']}{when}", indent=2)
        return
    screen.line(f"{request['method']} {request['url']}{when}", indent=2)
    said = {name: value for name, value in request.items() if name not in _TOLD and value}
    for name, value in said.items():
        text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)
        screen.labelled(name, text, indent=4, width=10)


def show_questions(state: State, request: StatusRequest, place: Place) -> None:
    """How many claims would be asked about by which route, and the first questions, masked."""
    dry = dry_run(request, place)
    audit.record(
        place.workspace, "check-status", notify=notifier(state), count=dry.claims["read"], dry_run=True
    )
    if state.json:
        print_document(dry.as_dict())
        return
    screen = screen_of(state)
    asked = sum(dry.routes.values())
    screen.line(f"{asked:,} of {count(dry.claims['read'], 'claim')} would be asked about.", "bold")
    for route, number in sorted(dry.routes.items()):
        screen.line(f"{route}: {count(number, 'claim')}", indent=2)
    if dry.claims["rejected"]:
        screen.line(
            f"{count(dry.claims['rejected'], 'claim')} would be rejected by the status rules.", indent=2
        )
    for (message, fix), number in dry.refused.most_common():
        screen.line(f"{message} ({count(number, 'claim')})", indent=2)
        screen.line(fix, indent=5)
    for each in dry.questions:
        place_in = f"{each['input']} row {each['row_number']}"
        screen.heading(f"{place_in}: {each['route']}, payer {each['payer_id']}")
        for name, value in each["values"].items():
            screen.labelled(name, value, indent=2, width=22)
        practice = ", ".join(f"{name} {value}" for name, value in each["practice"].items())
        screen.labelled("asked by", practice or "no practice is set up", indent=2, width=22)
        for sent in each["requests"]:
            _request(screen, sent)
        if "trouble" in each:
            screen.line(each["trouble"], indent=2)
    if asked > len(dry.questions):
        screen.gap()
        screen.line(f"Showing {len(dry.questions)} of {asked:,}.")
    screen.gap()
    screen.line("Nobody was asked (dry run). Identifiers and birth dates are masked.")
