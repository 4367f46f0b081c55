"""Unusual access: what is out of the ordinary is recorded and told, what is too much is refused."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from claimsctl.errors import PermissionDenied
from claimsctl.security.audit import REFUSED, UNUSUAL, Audited, Fact, Log, in_force, opened, refused, tell
from claimsctl.security.audit_lines import Entry
from claimsctl.security.audited import ACTIONS

_HOUR: Final = timedelta(hours=1)
_HOURS: Final = b'"why":"hours"'
_REFUSALS: Final = 3
"""So many refusals of one account in an hour, and each time as many again, are unusual."""


def access(
    workspace: Audited,
    action: str,
    *,
    count: int,
    notify: Callable[[str], None] | None = None,
    exported: bool = False,
    **facts: Fact,
) -> None:
    """Record that so many claims or rows of the store are about to be shown or, `exported`, written.

    Call it when the number is known and nothing has left yet. PermissionDenied where `[security]`
    `export_rows` or `phi_per_hour` is exceeded; that is recorded instead. Facts must not hold PHI.
    """
    security = in_force()
    with opened(workspace, notify) as log:
        told = _excess(log, count, security.export_rows if exported else None, security.phi_per_hour)
        if told is None:
            log.write(action, count, None, facts)
            return
    limit, message = told
    error = PermissionDenied(message, hint=f"Ask for less, or who looks after it to raise {limit}.")
    raise refused(workspace, error, what=action, limit=limit, asked=count)


def unusual(log: Log, entry: Entry) -> Iterator[Entry]:
    """A record for each thing that is out of the ordinary about another; tells the user as well."""
    security, action = in_force(), str(entry["action"])
    if action == REFUSED:
        before = sum(its == REFUSED for its, _, _ in _last_hour(log))
        if (before + 1) % _REFUSALS == 0:
            yield _noted(log, entry, "refusals", f"{before + 1} refusals within an hour")
        return
    if not _shows(action):
        return
    count = entry["count"] or 0
    if count > security.many_records:
        yield _noted(log, entry, "many", f"{action} of {count:,} records at once")
    if security.hours is None or _within(security.hours, datetime.now().astimezone()):
        return
    if not any(its == UNUSUAL and _HOURS in line for its, _, line in _last_hour(log)):
        yield _noted(log, entry, "hours", f"{action} outside the hours {security.hours}")


def _excess(log: Log, count: int, rows: int | None, an_hour: int | None) -> tuple[str, str] | None:
    """The setting that is exceeded, and how; None where none is."""
    if rows is not None and count > rows:
        return "export_rows", f"{count:,} rows are more than may be exported at once ({rows:,})."
    if an_hour is not None:
        before = sum(seen for its, seen, _ in _last_hour(log) if _shows(its))
        if before + count > an_hour:
            seen = f"{before:,} were seen in the last hour, and {count:,} more are asked for"
            return "phi_per_hour", f"{an_hour:,} records an hour may be seen: {seen}."
    return None


def _shows(action: str) -> bool:
    return ACTIONS.get(action, "") in ("access", "export")


def _last_hour(log: Log) -> Iterator[tuple[str, int, bytes]]:
    return log.lines_since((datetime.now(UTC) - _HOUR).isoformat(timespec="milliseconds"))


def _noted(log: Log, of: Entry, why: str, says: str) -> Entry:
    tell(f"Unusual: {says}. It is noted in the audit file.")
    facts: dict[str, Any] = {"why": why, "what": of["action"]}
    return log.entry(UNUSUAL, of["count"], None, facts)


def _within(hours: str, now: datetime) -> bool:
    first, last = (int(text) for text in hours.split("-"))
    return first <= now.hour < last if first < last else now.hour >= first or now.hour < last
