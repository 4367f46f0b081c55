"""What a job of questions was asked to do."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal

from claimsctl.asking.results import Format
from claimsctl.asking.work import Asker, Heard
from claimsctl.process.progress import Progress
from claimsctl.process.request import Request

if TYPE_CHECKING:
    from claimsctl.inquiry.filters import Filters
    from claimsctl.payers.account import Account
    from claimsctl.settings import Settings
    from claimsctl.sql.database import Database
    from claimsctl.store.workspace import Workspace

COMMAND: Final = "check-status"
Source = Literal["files", "stdin", "store"]
_BATCH: Final = 2_000
"""Rows read at once: asking takes far longer than reading, and what reading takes of memory is kept."""


@dataclass(frozen=True)
class StatusRequest:
    """Which claims to ask about and where to write; `filters` choose claims of the store instead of inputs.

    `fresh` asks also where an answer is young. `sandbox` is the address of one that is asked instead of the
    payers ("" where it was started for the run); nothing is stored then.
    """

    run_date: date
    inputs: tuple[str, ...] = ()
    filters: Filters | None = None
    out: Path | None = None
    format: Format = "csv"
    practice_id: str = "default"
    mapping: Mapping[str, str] = field(default_factory=dict)
    constants: Mapping[str, str] = field(default_factory=dict)
    sheet: str | None = None
    limit: int | None = None
    fresh: bool = False
    sandbox: str | None = None
    recorded_source: Source | None = None
    to: tuple[str, ...] = ()

    @property
    def source(self) -> Source:
        """Where its claims come from; of a job that goes on, where they came from."""
        if self.recorded_source is not None:
            return self.recorded_source
        if self.filters is not None:
            return "store"
        return "stdin" if "-" in self.inputs else "files"

    def reading(self, inputs: tuple[str, ...] | None = None) -> Request:
        """How rows are read: as `process --profile status` does."""
        return Request(
            self.inputs if inputs is None else inputs, self.run_date, profile="status",
            practice_id=self.practice_id, mapping=self.mapping, constants=self.constants,
            sheet=self.sheet, batch_size=_BATCH, limit=self.limit,
        )  # fmt: skip

    def as_options(self) -> dict[str, Any]:
        """What the job's record keeps: options, never data (of constants their names)."""
        return {
            "inputs": list(self.inputs), "source": self.source, "as_of": self.run_date.isoformat(),
            "profile": "status", "format": self.format, "mapping": dict(self.mapping),
            "constants": sorted(self.constants), "sheet": self.sheet, "limit": self.limit,
            "fresh": self.fresh, "sandbox": self.sandbox, "to": list(self.to),
        }  # fmt: skip

    @staticmethod
    def of_options(options: Mapping[str, Any], practice_id: str | None) -> StatusRequest:
        """A request as a job's record has it, with the place of its output; without constants."""
        place = Path(options.get("cwd") or ".")
        return StatusRequest(
            run_date=date.fromisoformat(options["as_of"]),
            inputs=tuple(each if each == "-" else str(place / each) for each in options["inputs"]),
            out=Path(options["out"]),
            format=options["format"],
            practice_id=practice_id or "default",
            mapping=options["mapping"],
            sheet=options.get("sheet"),
            limit=options["limit"],
            fresh=options["fresh"],
            sandbox=options["sandbox"],
            recorded_source=options["source"],
            to=tuple(options.get("to", ())),
        )

    def elsewhere(self, out: Path | None) -> StatusRequest:
        """The same with another output directory."""
        return replace(self, out=out)


@dataclass(frozen=True)
class Place:
    """Where a job happens: workspace and settings, who asks, how the user hears of it.

    `accounts` stand for those of the settings, by route (a sandbox). `told` hears of answers, with the
    number of claims; `databases` get what was learned; `begun` hears the id of the job;
    `confirm` is given the number of claims before any is asked about, and raises Interrupted where it shall
    not be.
    """

    workspace: Workspace
    settings: Settings
    asker: Asker
    accounts: Mapping[str, Account] | None = None
    notify: Callable[[str], None] = lambda _text: None
    progress: Progress = lambda *_: None
    told: Callable[[Heard, int], None] = lambda *_: None
    outputs: Path = Path("claimsctl-out")
    begun: Callable[[str], None] = lambda _job_id: None
    confirm: Callable[[int], None] = lambda _claims: None
    databases: Sequence[Database] = ()
