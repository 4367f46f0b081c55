"""A page of claims."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from claimsctl.errors import UsageError
from claimsctl.inquiry.columns import COLUMNS
from claimsctl.inquiry.filters import Filters, condition
from claimsctl.inquiry.opening import reading
from claimsctl.store.database import Notify
from claimsctl.store.workspace import Workspace


@dataclass(frozen=True, slots=True)
class Page:
    """`rows` are cells in the order of `columns`; `total` claims fit, of which page `number` has `limit`."""

    columns: Sequence[str]
    rows: Sequence[Sequence[Any]]
    total: int
    number: int
    limit: int | None

    @property
    def first(self) -> int:
        """Number of the first row among all that fit, from 1; 0 where the page is empty."""
        return (self.number - 1) * (self.limit or 0) + 1 if self.rows else 0


def list_claims(
    workspace: Workspace,
    filters: Filters,
    *,
    columns: Sequence[str],
    order: str,
    limit: int | None,
    page: int = 1,
    notify: Notify | None = None,
) -> Page:
    """Page `page` (from 1) of the claims that fit, in `order` (`columns.ordering`); all without `limit`."""
    names = ", ".join(COLUMNS[name] for name in columns)
    part = "" if limit is None else f"LIMIT {limit} OFFSET {(page - 1) * limit}"
    with reading(workspace, notify) as connection:
        where = condition(filters, connection, workspace)
        counted = connection.execute(
            f"SELECT count(*) FROM claims WHERE {where.sql}", where.parameters
        ).fetchone()
        total = 0 if counted is None else int(counted[0])
        rows: list[tuple[Any, ...]] = []
        if total:
            rows = connection.execute(
                f"SELECT {names} FROM claims WHERE {where.sql} ORDER BY {order} {part}", where.parameters
            ).fetchall()
    if total and not rows:
        raise UsageError(
            f"There is no page {page:,}: {total:,} claims make {-(-total // (limit or total)):,} pages."
        )
    return Page(columns, rows, total, page, limit)


def plain(value: object) -> object:
    """A cell as JSON knows it: amounts as exact text, dates as ISO 8601, times in UTC to the second."""
    if isinstance(value, Decimal):
        return str(value)
    if isinstance(value, datetime):
        return f"{value:%Y-%m-%dT%H:%M:%SZ}"
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, list):
        return [plain(each) for each in value]
    return value


def cell(value: object) -> str:
    """A cell as text; nothing for null, lists parted by spaces."""
    found = plain(value)
    if found is None:
        return ""
    return " ".join(str(each) for each in found) if isinstance(found, list) else str(found)
