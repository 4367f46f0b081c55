"""What `claims list` prints."""

from __future__ import annotations

import csv
import json
import sys
from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal, InvalidOperation
from typing import Any

from claimsctl.cli.run import console, notifier, open_workspace
from claimsctl.cli.state import State
from claimsctl.errors import UsageError
from claimsctl.inquiry.columns import RIGHT, chosen, ordering
from claimsctl.inquiry.filters import Filters
from claimsctl.inquiry.listing import Page, cell, list_claims, plain
from claimsctl.inquiry.scope import scope_of
from claimsctl.security.audit_watch import access
from claimsctl.store.warm import warm_answer

_AMOUNTS = frozenset(
    {"charge_amount", "expected_allowed_amount", "allowed_amount", "paid_amount", "expected_loss"}
)
_MOST_LISTED = 4


def print_claims(
    state: State, filters: Filters, sort: str | None, columns: str | None, limit: int | None, page: int
) -> None:
    """A page of claims: a table for people, CSV for programs, JSON where asked for."""
    if limit is None and page != 1:
        raise UsageError("--limit 0 has one page.", hint="Leave --page out.")
    _, workspace = open_workspace(state)
    warm_answer(*(("rich.console", "rich.table") if sys.stdout.isatty() and not state.json else ()))
    names, order = chosen(columns, scope_of(workspace).hidden), ordering(sort)
    found = list_claims(
        workspace, filters, columns=names, order=order, limit=limit, page=page, notify=notifier(state)
    )
    access(
        workspace, "claims list", count=len(found.rows), notify=notifier(state), search=bool(filters.search)
    )
    if state.json:
        rows = [dict(zip(names, map(plain, row), strict=True)) for row in found.rows]
        print(json.dumps({"total": found.total, "page": page, "limit": limit, "claims": rows}, indent=2))
        return
    if sys.stdout.isatty():
        _table(state, found)
        return
    writer = csv.writer(sys.stdout, lineterminator="\n")
    writer.writerow(names)
    writer.writerows([cell(value) for value in row] for row in found.rows)
    if len(found.rows) < found.total:
        notifier(state)(_extent(found))


def _table(state: State, found: Page) -> None:
    from claimsctl.cli.screen import Screen, new_table

    screen = Screen(console(state))
    if not found.rows:
        screen.line("No claim fits." if found.total == 0 else "No claim on this page.")
        return
    table = new_table(*found.columns)
    for column, name in zip(table.columns, found.columns, strict=True):
        column.justify = "right" if name in RIGHT else "left"
        column.overflow = "fold"
    for row in found.rows:
        table.add_row(
            *(screen.text(shown(name, value)) for name, value in zip(found.columns, row, strict=True))
        )
    screen.block(table, 0, least=80)
    screen.line(_extent(found), "dim")


def shown(name: str, value: Any) -> str:
    """A cell as people read it: amounts with commas, long lists cut with how many are left."""
    if value is None:
        return ""
    if name in _AMOUNTS:
        return f"{value:,.2f}"
    if isinstance(value, datetime):
        return f"{value:%Y-%m-%d %H:%M}"
    if isinstance(value, list) and len(value) > _MOST_LISTED:
        return " ".join([*map(str, value[:_MOST_LISTED]), f"+{len(value) - _MOST_LISTED}"])
    return cell(value)


def _extent(found: Page) -> str:
    if len(found.rows) == found.total:
        return f"{found.total:,} claim{'' if found.total == 1 else 's'}"
    last = found.first + len(found.rows) - 1
    return (
        f"Claims {found.first:,} to {last:,} of {found.total:,}; --page and --limit show others, "
        "`claimsctl claims export` writes all."
    )


def parted(texts: Sequence[str] | None) -> tuple[str, ...]:
    """Values of an option that is repeated or has several by commas."""
    return tuple(part.strip() for text in texts or () for part in text.split(",") if part.strip())


def amount(option: str, text: str | None) -> Decimal | None:
    """Dollars as typed: 1250, 1,250.00 or $1,250."""
    if text is None:
        return None
    try:
        found = Decimal(text.replace(",", "").replace("$", "").strip())
    except InvalidOperation:
        found = Decimal("NaN")
    if not found.is_finite() or abs(found) >= 10**10:
        raise UsageError(f"{option} {text!r} is no amount.", hint=f"Write {option} 1250.00.")
    return found
