"""A page of claims."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final

from claimsctl.errors import UsageError
from claimsctl.inquiry.columns import COLUMNS
from claimsctl.inquiry.filters import Condition, Filters, condition
from claimsctl.inquiry.opening import reading
from claimsctl.inquiry.scope import scope_of
from claimsctl.store.database import Notify
from claimsctl.store.workspace import Workspace

if TYPE_CHECKING:
    import duckdb

_FIRST_ROWS: Final = 1_000
"""Of pages that end by here the last value of the first key is found while claims are counted."""


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
    """Page `page` (from 1) of the claims that fit, in `order` (`columns.ordering`); all without `limit`.

    PermissionDenied for columns that the user does not see.
    """
    scope_of(workspace).check_columns(columns, order, workspace)
    names = ", ".join(COLUMNS[name] for name in columns)
    part = "" if limit is None else f"LIMIT {limit} OFFSET {(page - 1) * limit}"
    with reading(workspace, notify) as connection:
        where = condition(filters, connection, workspace)
        lists = bool(filters.code or filters.diagnosis)
        total, where = _counted(where, order, 0 if limit is None else page * limit, connection, aside=lists)
        rows: list[tuple[Any, ...]] = []
        if total:
            if limit is not None:
                where, part = _placed(where, order, part, connection), ""
            rows = connection.execute(
                f"SELECT {names} FROM claims WHERE {where.sql} ORDER BY {order} {part}", where.parameters
            ).fetchall()
    if total and not rows:
        raise UsageError(
            f"There is no page {page:,}: {total:,} claims make {-(-total // (limit or total)):,} pages."
        )
    return Page(columns, rows, total, page, limit)


def _counted(
    where: Condition, order: str, rows: int, connection: duckdb.DuckDBPyConnection, *, aside: bool
) -> tuple[int, Condition]:
    """How many claims fit, and a condition of which the first `rows` in `order` are the same.

    It leaves out claims that the first key alone puts behind, so that of those few only the other columns
    are read. The key may tie or be blank: where no row has that place, the condition is as it was. `aside`:
    what fits is put aside, as lists of codes take longer to look through than all else.
    """
    key, *direction = order.partition(",")[0].split()
    descending = "DESC" in direction
    last = "NULL"
    if 0 < rows <= _FIRST_ROWS:
        last = f"{'max' if descending else 'min'}({key}, {rows})[{rows}]"
    fitting, values = f"claims WHERE {where.sql}", [*where.parameters]
    if aside:
        connection.execute(f"CREATE TEMP TABLE fits AS SELECT rowid AS place, {key} FROM {fitting}", values)
        fitting, values = "fits", []
    found = connection.execute(f"SELECT count(*), {last} FROM {fitting}", values).fetchone()
    total, value = (0, None) if found is None else found
    within = "true"
    if value is not None:
        values.append(value)
        within = f"{key} {'>=' if descending else '<='} ${len(values)}"
    if aside:
        return total, Condition(f"rowid IN (SELECT place FROM fits WHERE {within})", values)
    return total, Condition(f"{where.sql} AND {within}", values)


def _placed(where: Condition, order: str, part: str, connection: duckdb.DuckDBPyConnection) -> Condition:
    """The rows of one page by their places: of all others only the columns of filters and order are read."""
    found = connection.execute(
        f"SELECT rowid FROM claims WHERE {where.sql} ORDER BY {order} {part}", where.parameters
    ).fetchall()
    return Condition("rowid IN (SELECT unnest($1::BIGINT[]))", [[place for (place,) in found]])


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
    if isinstance(value, bool):
        return "yes" if value else "no"
    found = plain(value)
    if found is None:
        return ""
    return " ".join(str(each) for each in found) if isinstance(found, list) else str(found)
