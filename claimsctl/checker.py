"""The Python API: the same checks as the command line, warm, for single claims and small batches.

from claimsctl import Checker
result = Checker().check([{"claim_number": "A1", "procedure_code": "90837", ...}])
result.clean, result.findings
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from pathlib import Path

import polars as pl

from claimsctl.claim import BY_NAME, REQUIRED_TO_RUN
from claimsctl.facts.table import Context
from claimsctl.facts.typed import Layout, clean_cells
from claimsctl.ingest.mapping import map_headers
from claimsctl.process.book import split_by_level
from claimsctl.process.prepare import layout_of
from claimsctl.process.rulebook import Rulebook, load_rulebook
from claimsctl.validate.check import check_in_memory
from claimsctl.validate.cross import Group, plan_groups
from claimsctl.validate.findings import FINDING, describe, display_names
from claimsctl.validate.ruleset import Check, Selection


@dataclass(frozen=True)
class Result:
    """What the rules say of some lines: findings as dicts with the columns of errors.csv.

    `missing` names required columns no line has a value for; a claim lacks them, so it is not clean.
    """

    findings: tuple[Mapping[str, object], ...]
    missing: tuple[str, ...] = ()

    @property
    def clean(self) -> bool:
        """No finding of severity error, and nothing required is missing."""
        return not self.missing and not any(f["severity"] == "error" for f in self.findings)


@dataclass(frozen=True)
class _Plan:
    """What is decided once per set of columns."""

    layout: Layout
    missing: tuple[str, ...]
    checks: tuple[Check, ...]
    groups: tuple[Group, ...]
    shown: frozenset[str]


@dataclass
class Checker:
    """Rules compiled once, run on as many claims as you like; not safe to share between threads.

    Keys of a line are canonical columns or any header that maps to one. Values may be text, numbers,
    Decimal or dates; None is blank. A key that is given is a column of the claim, blank or not; rules on
    columns that are not given do not run. Findings mask identifiers unless `show_phi`.
    """

    profile: str = "professional"
    rule_packs: Sequence[Path] = ()
    selection: Selection = field(default_factory=Selection)
    payers: Mapping[str, Mapping[str, object]] = field(default_factory=dict)
    constants: Mapping[str, str] = field(default_factory=dict)
    practice_id: str = "default"
    show_phi: bool = False
    _plans: dict[tuple[str, ...], _Plan] = field(default_factory=dict, repr=False)

    def __post_init__(self) -> None:
        if self.profile not in REQUIRED_TO_RUN:
            from claimsctl.errors import UsageError

            raise UsageError(
                f"Unknown profile {self.profile!r}.", hint=f"One of {', '.join(REQUIRED_TO_RUN)}."
            )
        self._rulebook: Rulebook = load_rulebook(self.selection, self.rule_packs, self.payers)

    def check(
        self, lines: Mapping[str, object] | Sequence[Mapping[str, object]], *, as_of: date | None = None
    ) -> Result:
        """Check the lines of one or more claims; cross-line rules see these lines only.

        `row_number` of a finding counts the lines from 1. `as_of` stands for today. Raises MappingError
        when two keys mean one column.
        """
        given = [lines] if isinstance(lines, Mapping) else list(lines)
        header = tuple(dict.fromkeys(key for line in given for key in line))
        cells = [[_text(line.get(key)) for line in given] for key in header]
        plan = self._plan(header)
        rows = clean_cells(
            pl.DataFrame(
                [pl.Series("row_number", range(1, len(given) + 1), dtype=pl.Int64)]
                + [pl.Series(f"c{n}", column, dtype=pl.String) for n, column in enumerate(cells)]
            )
        )
        rulebook = self._rulebook
        context = Context(as_of or date.today(), self.practice_id, rulebook.payers, rulebook.ncci)
        frame, hits = check_in_memory(
            rows, plan.layout, plan.checks, context,
            names={*plan.shown, "claim_id", "line_number_in_claim"}, groups=plan.groups,
        )  # fmt: skip
        others, first = split_by_level(hits, plan.checks, frame["claim_id"])
        hits = pl.concat([others, first.select(hits.columns)]).sort("row", "check")
        found = describe(hits, plan.checks, rows, frame, plan.layout, input_name="", show_phi=self.show_phi)
        return Result(tuple(found.select(list(FINDING)).iter_rows(named=True)), plan.missing)

    def _plan(self, header: tuple[str, ...]) -> _Plan:
        if header not in self._plans:
            header_map = map_headers(header, extra={}, constants=self.constants, profile=self.profile)
            layout = layout_of(header_map)
            present = frozenset(name for name in BY_NAME if layout.gives(name))
            checks, _ = self._rulebook.ruleset.active(present)
            groups = plan_groups(set().union(*(check.aggregates for check in checks)))
            self._plans[header] = _Plan(
                layout,
                header_map.missing,
                checks,
                groups,
                frozenset(display_names(checks)),
            )
        return self._plans[header]


def _text(value: object) -> str | None:
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    if isinstance(value, date | Decimal | int | float):
        return str(value)
    return str(value)
