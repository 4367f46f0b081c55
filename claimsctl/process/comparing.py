"""What a new pack or edition would change: two sides read, and a claims file checked with either."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import polars as pl

from claimsctl.errors import UsageError
from claimsctl.process.trial import FoundFindings, Trial
from claimsctl.reference.comparing import edition_of
from claimsctl.reference.editions import EditionStore
from claimsctl.reference.locate import cache_folder
from claimsctl.reference.tables import Table, Tables
from claimsctl.validate.pack import Pack, load_packs

_SAME: Final = ("input", "row_number", "code", "field")
"""What makes a finding of one run the finding of another."""
_ROWS_AT_ONCE: Final = 500_000
"""Rows of the input whose findings are compared at once: the findings of all would not fit in memory."""


@dataclass(frozen=True)
class PackSide:
    """Packs to compare, and those in force that they stand in for: the same files, or packs of a name."""

    title: str
    paths: tuple[Path, ...]
    packs: tuple[Pack, ...]


@dataclass(frozen=True)
class EditionSide:
    """An edition to compare, for all service dates."""

    title: str
    table: Table


Side = PackSide | EditionSide


def read_side(text: str, in_force: Sequence[Path], store: EditionStore) -> Side:
    """`table@edition`, a pack file, a folder of packs, or the name of a pack in force."""
    path = Path(text)
    table, at, edition = text.partition("@")
    if path.is_dir():
        paths = tuple(sorted(path.glob("*.toml")))
        if not paths:
            raise UsageError(f"There is no rule pack (*.toml) in {text}.")
        return PackSide(text, paths, load_packs(paths))
    if at and not path.exists():
        shipped = Tables.shipped()
        if table not in shipped and not store.editions(table):
            raise UsageError(
                f"The table {table} is not loaded.", hint="`claimsctl reference list` shows all editions."
            )
        return EditionSide(text, edition_of(shipped, store, table, edition))
    if path.suffix == "" and not path.exists():
        named = {pack.name: pack for pack in load_packs(in_force, cache=cache_folder())}
        if text not in named:
            raise UsageError(
                f"{text} is no file, no pack and no edition.",
                hint="Give rule packs (TOML files or folders of them), or editions such as mue@2026Q2.",
            )
        return PackSide(text, (Path(named[text].file),), (named[text],))
    return PackSide(text, (path,), load_packs([path]))


def stood_in_for(sides: Sequence[PackSide], in_force: Sequence[Path]) -> frozenset[Path]:
    """Packs in force that must not load beside the packs of either side."""
    files = {path.resolve() for side in sides for path in side.paths}
    names = {pack.name for side in sides for pack in side.packs}
    loaded = load_packs(in_force, cache=cache_folder())
    return frozenset(
        path
        for path, pack in zip(in_force, loaded, strict=True)
        if path.resolve() in files or pack.name in names
    )


@dataclass
class Moved:
    """Findings counted by code, and the first few of each code."""

    most: int
    rows: Counter[str] = field(default_factory=Counter)
    examples: dict[str, list[dict[str, object]]] = field(default_factory=dict)

    def take(self, findings: pl.DataFrame) -> None:
        """Count findings; keep those that are among the first of their code."""
        for code, rows in findings.group_by("code").len().iter_rows():
            self.rows[code] += rows
        for row in findings.group_by("code", maintain_order=True).head(self.most).iter_rows(named=True):
            kept = self.examples.setdefault(row["code"], [])
            if len(kept) < self.most:
                kept.append(row)

    def by_rows(self) -> list[tuple[str, int]]:
        """Codes and their findings, the most first."""
        return sorted(self.rows.items(), key=lambda item: (-item[1], item[0]))


@dataclass
class FindingChanges:
    """Findings that only the second run made, only the first, or both with another severity.

    `severities` counts the last by code, old severity, new severity.
    """

    appear: Moved
    disappear: Moved
    severities: Counter[tuple[str, str, str]] = field(default_factory=Counter)
    claims: int = 0
    rejected: tuple[int, int] = (0, 0)


def compare_runs(run: Callable[[int], Trial], most: int) -> FindingChanges:
    """Compare two dry runs over the same inputs; `run` makes the first (0), then the second (1).

    `most` findings of each code are kept as examples.
    """
    before, after = run(0), run(1)
    changes = FindingChanges(Moved(most), Moved(most))
    claims = [trial.outcome.ledger.claims for trial in (before, after)]
    changes.claims, changes.rejected = claims[1].read, (claims[0].rejected, claims[1].rejected)
    for old, new in _slices(before.found, after.found):
        changes.disappear.take(old.join(new, on=_SAME, how="anti", nulls_equal=True, maintain_order="left"))
        changes.appear.take(new.join(old, on=_SAME, how="anti", nulls_equal=True, maintain_order="left"))
        severity = new.select(*_SAME, pl.col("severity").alias("now")).unique(_SAME)
        both = old.join(severity, on=_SAME, nulls_equal=True)
        other = both.filter(pl.col("severity") != pl.col("now"))
        for code, was, now, rows in other.group_by("code", "severity", "now").len().iter_rows():
            changes.severities[code, was, now] += rows
    return changes


def _slices(before: FoundFindings, after: FoundFindings) -> Iterator[tuple[pl.DataFrame, pl.DataFrame]]:
    """The findings of both runs, those of the same rows together; the files' own findings first."""
    scans = (before.scan(), after.scan())
    row = pl.col("row_number")
    last = max(scan.select(row.max()).collect(engine="streaming").item() or 0 for scan in scans)
    parts = [row.is_null()]
    parts += [row.is_between(n, n + _ROWS_AT_ONCE - 1) for n in range(0, last + 1, _ROWS_AT_ONCE)]
    for part in parts:
        yield scans[0].filter(part).collect(), scans[1].filter(part).collect()
