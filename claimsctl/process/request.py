"""What a run was asked to do, settled from flags, environment and settings before data is read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from claimsctl.security.policy import Phi
from claimsctl.validate.ruleset import Selection

if TYPE_CHECKING:
    from claimsctl.process.fetched import FromDatabase

OutputFormat = Literal["parquet", "csv", "xlsx"]
Duplicates = Literal["error", "skip", "update"]
Dates = Literal["shift", "year"]
DEFAULT_BATCH = 30_000


@dataclass(frozen=True)
class Request:
    """One run of `process` (or `preview`): inputs, how to read them, what to check, where to write.

    `sources` are databases, read after the files of `inputs`. `phi` is what becomes of patients' data in
    accepted, rejected, held and malformed files (security.policy), `dates` of dates when de-identified.
    """

    inputs: tuple[str, ...]
    run_date: date
    out: Path | None = None
    output_format: OutputFormat = "parquet"
    profile: str = "professional"
    practice_id: str = "default"
    mapping: Mapping[str, str] = field(default_factory=dict)
    constants: Mapping[str, str] = field(default_factory=dict)
    rule_packs: tuple[str, ...] = ()
    selection: Selection = field(default_factory=Selection)
    duplicates: Duplicates = "error"
    sheet: str | None = None
    batch_size: int = DEFAULT_BATCH
    limit: int | None = None
    safe_csv: bool = False
    dry_run: bool = False
    fix: bool = False
    priority: int = 0
    locality: str | None = None
    sources: tuple[FromDatabase, ...] = ()
    to: tuple[str, ...] = ()
    phi: Phi = "plain"
    dates: Dates = "shift"
    score: bool = True
    hold_above: float | None = None

    def as_options(self) -> dict[str, object]:
        """What the job's record keeps of the request: options, never data."""
        return {
            "inputs": list(self.inputs), "as_of": self.run_date.isoformat(), "profile": self.profile,
            "output_format": self.output_format, "duplicates": self.duplicates,
            "batch_size": self.batch_size, "limit": self.limit, "safe_csv": self.safe_csv, "fix": self.fix,
            "mapping": dict(self.mapping), "constants": sorted(self.constants),
            "rules": list(self.rule_packs), "only": sorted(self.selection.only),
            "without": sorted(self.selection.without), "locality": self.locality,
            **({} if self.sheet is None else {"sheet": self.sheet}),
            **({"from": [each.database.name for each in self.sources]} if self.sources else {}),
            "to": list(self.to), "phi": self.phi, "score": self.score, "hold_above": self.hold_above,
        }  # fmt: skip
