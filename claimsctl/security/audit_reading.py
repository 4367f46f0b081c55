"""Reading the audit file: the records that somebody looks for, the newest first."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import islice
from typing import TYPE_CHECKING, Any, Final

from claimsctl.security.audit import Audited
from claimsctl.security.audit_lines import Entry, backwards, parse
from claimsctl.security.files import disk_errors

if TYPE_CHECKING:
    import polars as pl

COLUMNS: Final = ("seq", "at", "user", "account", "pid", "action", "count", "purpose", "facts", "hash", "sig")
"""Columns of listed and exported records; `at` is UTC, `facts` JSON text."""
_NUMBERS: Final = frozenset({"seq", "pid", "count"})
_BATCH: Final = 50_000


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which records; None is any.

    `user` is one of the registry or an account, `action` also a group ("claims" has "claims list"), `job` an
    id or its beginning; `since` (included) and `until` (left out) are moments with a zone.
    """

    user: str | None = None
    action: str | None = None
    job: str | None = None
    since: datetime | None = None
    until: datetime | None = None

    def takes(self, entry: Entry) -> bool:
        """Whether a record is wanted."""
        facts = entry.get("facts")
        jobs = [str(facts.get(name, "")) for name in ("job", "of")] if isinstance(facts, dict) else []
        action, at = str(entry.get("action")), str(entry.get("at"))
        return (
            (self.user is None or self.user in (entry.get("user"), entry.get("account")))
            and (self.action is None or action == self.action or action.startswith(f"{self.action} "))
            and (self.job is None or any(job.startswith(self.job) for job in jobs))
            and (self.since is None or at >= _text(self.since))
            and (self.until is None or at < _text(self.until))
        )

    def needles(self) -> list[bytes]:
        """What stands in every line that is wanted: looking for it is cheaper than reading the line."""
        wanted = (("", self.user), ('"action":', self.action), ("", self.job))
        return [(name + json.dumps(text)[:-1]).encode() for name, text in wanted if text]


def entries(workspace: Audited, wanted: Wanted | None = None) -> Iterator[Entry]:
    """The records that are wanted, the newest first; lines that are no record are left out."""
    wanted = wanted or Wanted()
    needles = wanted.needles()
    with disk_errors(workspace.audit_log, "read the audit file"):
        try:
            handle = os.open(workspace.audit_log, os.O_RDONLY)
        except FileNotFoundError:
            return
        try:
            for line in backwards(handle):
                if all(needle in line for needle in needles):
                    entry = parse(line)
                    if entry is not None and wanted.takes(entry):
                        yield entry
        finally:
            os.close(handle)


def frames(found: Iterable[Entry]) -> Iterator[pl.DataFrame]:
    """Records as frames of COLUMNS, at least one."""
    import polars as pl

    schema = pl.Schema({name: pl.Int64() if name in _NUMBERS else pl.String() for name in COLUMNS})
    rows = map(row_of, found)
    part = list(islice(rows, _BATCH))
    while True:
        yield pl.DataFrame(part, schema=schema)
        part = list(islice(rows, _BATCH))
        if not part:
            return


def row_of(entry: Entry) -> dict[str, Any]:
    """A record with COLUMNS, facts as text."""
    facts = json.dumps(entry.get("facts") or {}, sort_keys=True)
    return {name: facts if name == "facts" else entry.get(name) for name in COLUMNS}


def _text(moment: datetime) -> str:
    """As `at` stands in records, so that texts compare like moments."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds")
