"""Every line to its place: accepted, rejected; a claim is decided when its last line has been checked."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import polars as pl

from claimsctl.process.intake import Input
from claimsctl.process.spilling import coded_types, read_aside, write_aside

_IN_MEMORY = 2
_FEW = 4
"""A rest goes out with the part that follows if that is so many times as long."""
CLAIM_FIRST, CLAIM_LAST = "claim_first_row", "claim_last_row"


@dataclass
class Reviewed:
    """A checked part, waiting until all its claims are decided.

    `rows` raw text, `frame` typed, both row-aligned with `claim_id`; `last_needed` is the run-wide index of
    the last line of any of its claims; `failed` are claims with errors here; `findings` are its findings.
    `held` are lines of claims that are held back (row-aligned, None for none), known when it is handed on.
    """

    input: Input
    rows: pl.DataFrame
    frame: pl.DataFrame
    claim_id: pl.Series
    last_needed: int
    failed: pl.Series
    findings: pl.DataFrame
    held: pl.Series | None = None

    def accepted(self, rejected: pl.Series) -> pl.Series:
        """Lines of claims that go out: neither rejected nor held."""
        return ~rejected if self.held is None else ~rejected & ~self.held

    def decided(self, rows_done: int) -> int:
        """How many rows stand before the first claim that is open when so many rows are checked."""
        if self.last_needed < rows_done:
            return self.rows.height
        return (self.frame[CLAIM_LAST] >= rows_done).arg_max() or 0

    def between(self, first: int, last: int) -> Reviewed:
        """Rows `first` to `last` as copies: a slice would keep the whole part in memory."""
        rows = pl.int_range(first, last, dtype=pl.UInt32, eager=True)
        return replace(
            self,
            rows=self.rows[rows],
            frame=self.frame[rows],
            claim_id=self.claim_id.gather(rows),
            findings=self._findings_of(self.rows["row_number"].gather(rows)),
        )

    def is_rest_before(self, part: Reviewed) -> bool:
        """Whether these few rows can go out with a part that follows them."""
        return (
            self.rows.height * _FEW <= part.rows.height
            and self.input is part.input
            and self.rows.schema == part.rows.schema
            and self.frame.schema == part.frame.schema
        )

    def with_beginning(self, part: Reviewed, last: int) -> Reviewed:
        """These rows and, as copies, those of the part that follows before `last`."""
        beginning = part.findings
        if last < part.rows.height:
            beginning = part._findings_of(part.rows["row_number"].head(last))
        return Reviewed(
            self.input,
            pl.concat([self.rows, part.rows.head(last)], rechunk=True),
            pl.concat([self.frame, part.frame.head(last)], rechunk=True),
            pl.concat([self.claim_id, part.claim_id.head(last)], rechunk=True),
            max(self.last_needed, part.last_needed),
            pl.concat([self.failed, part.failed]).unique(),
            pl.concat([self.findings, beginning]),
        )

    def _findings_of(self, row_numbers: pl.Series) -> pl.DataFrame:
        return self.findings.filter(pl.col("row_number").is_in(row_numbers.implode()))


class Router:
    """Holds parts back until they are decided, then hands them to `deliver` in file order.

    Lines of a claim mostly stand together, so one or two parts wait; where claims are scattered over
    the file the waiting parts are put aside on disk.
    """

    def __init__(self, spill: Path, deliver: Callable[[Reviewed, pl.Series], None]) -> None:
        self._spill = spill
        self._deliver = deliver
        self._waiting: deque[Reviewed | _Parked] = deque()
        self._failed_elsewhere = pl.Series("claim_id", [], dtype=pl.UInt64)
        self._parked = 0

    def fail(self, claims: pl.Series) -> None:
        """Reject claims known to fail from outside the part at hand (malformed lines, other parts)."""
        if len(claims):
            self._failed_elsewhere = pl.concat([self._failed_elsewhere, claims.rename("claim_id")]).unique()

    def add(self, part: Reviewed, failed_elsewhere: pl.Series, rows_done: int) -> None:
        """Take a checked part; deliver what is now decided. `rows_done` counts rows checked so far."""
        self.fail(failed_elsewhere)
        self._waiting.append(part)
        self._deliver_rest(rows_done)
        while self._waiting and self._waiting[0].last_needed < rows_done:
            self._pop()
        if len(self._waiting) == 1:
            self._deliver_beginning(rows_done)
        waiting = len(self._waiting)
        if waiting > _IN_MEMORY:
            newest = self._waiting[-1]
            if isinstance(newest, Reviewed):
                self._waiting[-1] = self._park(newest)

    def finish(self) -> None:
        """Deliver everything that waits; all claims are decided now."""
        while self._waiting:
            self._pop()

    def _deliver_rest(self, rows_done: int) -> None:
        """Deliver the few rows that wait and the beginning of the newest part as one: each delivery costs as
        much as thousands of rows."""
        if len(self._waiting) != 2:
            return
        rest, part = self._waiting
        if not isinstance(rest, Reviewed) or not isinstance(part, Reviewed):
            return
        decided = part.decided(rows_done)
        if rest.last_needed >= rows_done or _scattered(part, decided) or not rest.is_rest_before(part):
            return
        self._waiting.clear()
        self._hand_over(rest.with_beginning(part, decided))
        if decided < part.rows.height:
            self._waiting.append(part.between(decided, part.rows.height))

    def _deliver_beginning(self, rows_done: int) -> None:
        """Deliver the rows before the first open claim, so that only the last few of a part wait."""
        part = self._waiting[0]
        if not isinstance(part, Reviewed):
            return
        decided = part.decided(rows_done)
        if _scattered(part, decided):
            return
        self._waiting.popleft()
        self._hand_over(part.between(0, decided))
        self._waiting.append(part.between(decided, part.rows.height))

    def _pop(self) -> None:
        part = self._waiting.popleft()
        self._hand_over(part.load() if isinstance(part, _Parked) else part)

    def _hand_over(self, part: Reviewed) -> None:
        failed = pl.concat([part.failed.rename("claim_id"), self._failed_elsewhere])
        self._deliver(part, part.claim_id.is_in(failed.implode()))

    def _park(self, part: Reviewed) -> _Parked:
        self._parked += 1
        paths = {}
        for name, frame in (("rows", part.rows), ("frame", part.frame), ("findings", part.findings)):
            paths[name] = self._spill / f"waiting-{self._parked:05d}-{name}.parquet"
            write_aside(frame, paths[name])
        return _Parked(
            part.input, paths, part.claim_id, part.last_needed, part.failed, coded_types(part.rows)
        )


def _scattered(part: Reviewed, decided: int) -> bool:
    """Whether its claims stand so far apart that the part waits as a whole."""
    return decided * 2 < part.rows.height


@dataclass
class _Parked:
    """A waiting part on disk; only its claim keys stay in memory."""

    input: Input
    paths: dict[str, Path]
    claim_id: pl.Series
    last_needed: int
    failed: pl.Series
    coded: dict[str, pl.DataType]

    def load(self) -> Reviewed:
        frames = {
            name: read_aside(path, self.coded if name == "rows" else {}) for name, path in self.paths.items()
        }
        for path in self.paths.values():
            path.unlink()
        return Reviewed(
            self.input, frames["rows"], frames["frame"], self.claim_id, self.last_needed, self.failed,
            frames["findings"],
        )  # fmt: skip
