"""Rows in: checked by the status rules, put together to claims; bad rows get findings, not calls."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any, Final

import polars as pl

from claimsctl.asking.columns import ASKED, EARLIEST, FIRST, LATEST, PACKS, STATUS_PACK, STATUS_RULES, SUMMED
from claimsctl.claim import BY_NAME
from claimsctl.facts.typed import DTYPES
from claimsctl.process import rulebook as rulebooks
from claimsctl.process.core import Outcome, SeenInputs, check_inputs
from claimsctl.process.intake import Input
from claimsctl.process.progress import Progress
from claimsctl.process.request import Request
from claimsctl.process.routing import Reviewed
from claimsctl.process.rulebook import Rulebook
from claimsctl.process.storing import DETAIL
from claimsctl.process.timing import Timings
from claimsctl.reference.editions import EditionStore
from claimsctl.reference.locate import data_path
from claimsctl.security.files import FILE_MODE, disk_errors
from claimsctl.security.spills import scan_spills, write_spill
from claimsctl.settings import Settings
from claimsctl.store.workspace import REFERENCE_DIRECTORY
from claimsctl.validate.ruleset import Selection

_BATCH: Final = 2_000
_CENTS: Final = pl.Decimal(14, 2)


@dataclass(frozen=True, slots=True)
class Asked:
    """A claim to ask about, as the input says it: `values` by canonical column, blank ones left out.

    `row_number` is that of its first line in `input`, `lines` how many it has.
    """

    input: str
    row_number: int
    lines: int
    values: Mapping[str, str | date | Decimal]


@dataclass
class Taken:
    """What an intake found: its outcome, and the claims that passed, in the order of the input."""

    outcome: Outcome
    claims: int
    _frame: pl.DataFrame = field(default_factory=pl.DataFrame, repr=False)

    def batches(self) -> Iterator[list[Asked]]:
        """The claims, some thousands at a time."""
        for start in range(0, self._frame.height, _BATCH):
            part = self._frame.slice(start, _BATCH)
            yield [_asked(row) for row in part.iter_rows(named=True)]


def status_rulebook(settings: Settings, run_date: date) -> Rulebook:
    """The status rules, less those that the settings leave out, with their severities."""
    house = settings.rules
    left_out = frozenset(code.upper() for code in house.without)
    known = frozenset(code for code in left_out if _fits(code))
    severity = {code: said for code, said in dict(house.severity).items() if _fits(code)}
    return rulebooks.load_rulebook(
        Selection(frozenset(STATUS_RULES), known, severity),
        [data_path("rules") / STATUS_PACK],
        settings.payers,
        EditionStore(settings.workspace / REFERENCE_DIRECTORY),
        run_date=run_date,
        left_out=[path for path in rulebooks.shipped_packs() if path.stem not in PACKS],
    )


def _fits(pattern: str) -> bool:
    """Whether a code or pattern of the settings names a rule that runs here; others have no meaning."""
    return any(fnmatchcase(pattern, rule) or fnmatchcase(rule, pattern) for rule in STATUS_RULES)


def take_in(
    request: Request,
    rulebook: Rulebook,
    inputs: Sequence[Input],
    spill: Path,
    details: Path | None,
    *,
    timings: Timings,
    digest_key: bytes = b"",
    seen: SeenInputs = lambda _intake: {},
    progress: Progress = lambda *_: None,
) -> Taken:
    """Check every row and put the lines of each claim together.

    Findings are written into `details` (None: nowhere), masked. Lines wait in `spill`, which is private.
    """
    sink = _Lines(spill, details)
    outcome = check_inputs(
        request, rulebook, inputs, spill, [sink], timings=timings, digest_key=digest_key, seen=seen,
        progress=progress,
    )  # fmt: skip
    frame = sink.claims()
    return Taken(outcome, frame.height, frame)


@dataclass
class _Lines:
    """Keeps what is asked with of accepted lines, and what was found."""

    spill: Path
    details: Path | None
    parts: list[Path] = field(default_factory=list)
    found: int = 0

    def findings(self, findings: pl.DataFrame) -> None:
        """Keep findings as runs on claims do."""
        if self.details is None:
            return
        self.details.mkdir(mode=0o700, exist_ok=True)
        path = self.details / f"found-{self.found:05d}.parquet"
        with disk_errors(path, "write"):
            findings.select(DETAIL).write_parquet(path, compression="zstd")
            path.chmod(FILE_MODE)
        self.found += 1

    def malformed(self, input_name: str, malformed: pl.DataFrame) -> None:
        """Records that could not be read have findings; nobody is asked about them."""

    def lines(self, part: Reviewed, rejected: pl.Series) -> None:
        """Keep the accepted lines of a decided part."""
        frame = part.frame
        columns = [
            frame[name].cast(_kind(name)).alias(name)
            if name in frame.columns
            else pl.repeat(None, frame.height, dtype=_kind(name), eager=True).alias(name)
            for name in ASKED
        ]
        source = pl.repeat(part.input.source.name, frame.height, eager=True).alias("input")
        lines = frame.select("claim_id", "row_number", "row_index").with_columns(source, *columns)
        lines = lines.filter(~rejected).with_columns(
            pl.coalesce(last, first).alias(last) for first, last in zip(EARLIEST, LATEST, strict=True)
        )
        if lines.height:
            path = self.spill / f"asked-{len(self.parts):05d}.parquet"
            write_spill(lines, path)
            self.parts.append(path)

    def claims(self) -> pl.DataFrame:
        """One row per claim, in the order of the first lines."""
        if not self.parts:
            return pl.DataFrame()
        first = [pl.col(name).sort_by("row_index").first(ignore_nulls=True) for name in FIRST]
        return (
            scan_spills(self.parts)
            .group_by("claim_id")
            .agg(
                pl.col("input").sort_by("row_index").first(),
                pl.col("row_number").sort_by("row_index").first(),
                pl.col("row_index").min(),
                pl.len().alias("lines"),
                *first,
                *(pl.col(name).min() for name in EARLIEST),
                *(pl.col(name).max() for name in LATEST),
                pl.when(pl.col(SUMMED).count() > 0).then(pl.col(SUMMED).sum()).alias(SUMMED),
            )
            .sort("row_index")
            .collect(engine="streaming")
        )


def _kind(name: str) -> pl.DataType | type[pl.DataType]:
    kind = BY_NAME[name].cell_type
    return _CENTS if kind == "money" else DTYPES[kind]


def _asked(row: dict[str, Any]) -> Asked:
    values = {name: row[name] for name in ASKED if row[name] is not None}
    total = values.pop("claim_charge_amount", None)
    if total is not None:
        values[SUMMED] = total
    for name in ("service_date_from", "service_date_to"):
        stated = values.pop(name.replace("service", "statement"), None)
        if stated is not None:
            values.setdefault(name, stated)
    if "service_date_from" in values:
        values.setdefault("service_date_to", values["service_date_from"])
    return Asked(row["input"], row["row_number"], row["lines"], values)
