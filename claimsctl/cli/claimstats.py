"""What `claims stats` prints."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any, Final

from claimsctl.cli.run import console, notifier, open_workspace
from claimsctl.cli.screen import Screen, count, new_table
from claimsctl.cli.state import State
from claimsctl.inquiry.filters import Filters
from claimsctl.inquiry.listing import plain
from claimsctl.inquiry.statistics import statistics
from claimsctl.security import audit

_WIDE: Final = 160
_BAR: Final = 16
_GROUPS: Final = (
    ("by_status", "Status", ("status",), "claims"),
    ("by_payer", "Payer", ("payer_id", "payer_name"), "claims"),
    ("by_provider", "Rendering provider", ("rendering_npi",), "claims"),
    ("by_code", "Procedure code", ("code",), "lines"),
    ("by_diagnosis", "Diagnosis", ("diagnosis",), "claims"),
    ("by_month", "Month of service", ("month",), "claims"),
    ("top_findings", "Finding", ("code",), "claims"),
)
_AMOUNTS: Final = ("billed", "expected", "allowed", "paid", "pending", "denied")


def print_statistics(state: State, filters: Filters, top: int | None) -> None:
    """Counts and amounts: bars for people, one document for programs."""
    _, workspace = open_workspace(state)
    found = statistics(workspace, filters, top=top, notify=notifier(state))
    audit.record(
        workspace, "claims stats", notify=notifier(state), count=found["total_claims"],
        search=bool(filters.search),
    )  # fmt: skip
    if state.json:
        print(json.dumps(found, indent=2, default=plain))
        return
    shown = console(state)
    if not shown.is_terminal:
        shown.width = _WIDE
    screen = Screen(shown)
    if not found["total_claims"]:
        screen.line("No claim fits.")
        return
    dates = found["date_range"]
    screen.line(f"{count(found['total_claims'], 'claim')}, {count(found['total_lines'], 'line')}", "bold")
    screen.labelled("services", f"{dates['service_from'] or '?'} to {dates['service_to'] or '?'}")
    money = found["financial_summary"]
    said = [f"{name} {money[name]:,.2f}" for name in _AMOUNTS if money[name] is not None]
    screen.labelled("dollars", ", ".join(said))
    rvu = found["rvu"]
    if rvu["total_rvu"] is not None:
        screen.labelled("RVUs", f"{rvu['work_rvu']:,.2f} work, {rvu['total_rvu']:,.2f} in all")
    for key, title, labels, figure in _GROUPS:
        if found[key]:
            _group(screen, title, labels, figure, found[key], found["shown"].get(key))


def _group(
    screen: Screen,
    title: str,
    labels: Sequence[str],
    figure: str,
    rows: Sequence[Mapping[str, Any]],
    cut: Mapping[str, int] | None,
) -> None:
    amounts = [name for name in (*_AMOUNTS, "work_rvu") if any(row.get(name) is not None for row in rows)]
    screen.gap()
    table = new_table(title, figure, "", *(name.replace("_", " ") for name in amounts))
    for column in (table.columns[1], *table.columns[3:]):
        column.justify = "right"
        column.no_wrap = True
    table.columns[0].overflow = "ellipsis"
    table.columns[0].max_width = 34
    table.columns[2].min_width = _BAR
    most = max(row[figure] for row in rows)
    for row in rows:
        label = " ".join(str(row[name]) for name in labels if row[name] is not None) or "(blank)"
        cells = [f"{row[name]:,.2f}" if isinstance(row[name], Decimal) else "" for name in amounts]
        table.add_row(
            screen.text(label),
            f"{row[figure]:,}",
            screen.text(_bar(screen, row[figure], most), "cyan"),
            *cells,
        )
    screen.block(table, 0, least=80)
    if cut:
        screen.line(f"{cut['shown']} of {cut['of']:,}; --top 0 shows all.", "dim")


def _bar(screen: Screen, value: int, most: int) -> str:
    length = max(1, round(_BAR * value / most)) if value else 0
    return ("\u2588" if screen.unicode else "#") * length
