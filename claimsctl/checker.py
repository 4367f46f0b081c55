"""The Python API: the same checks as the command line, warm, for single claims and small batches.

from claimsctl import Checker
result = Checker(workspace="billing").check([{"claim_number": "A1", "procedure_code": "90837", ...}])
result.clean, result.findings
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from decimal import Decimal
from pathlib import Path
from types import NoneType
from typing import Final

import polars as pl

from claimsctl.arguments import cells_of, day_of, lines_of, pack_paths, require, require_keys, require_texts
from claimsctl.claim import BY_NAME, PROFILES, REQUIRED_TO_RUN
from claimsctl.errors import UsageError
from claimsctl.facts.table import Context
from claimsctl.facts.typed import Layout, clean_cells
from claimsctl.ingest.mapping import map_headers, require_columns
from claimsctl.process.book import once_per_value, split_by_level
from claimsctl.process.control import Control, Steering
from claimsctl.process.house_terms import HouseTerms, house_control, house_rulebook, house_terms
from claimsctl.process.practice_types import require_practice_type
from claimsctl.process.prepare import layout_of
from claimsctl.process.rulebook import Rulebook, load_rulebook
from claimsctl.process.summary import suppressed_entries, unserved_entries
from claimsctl.security.library_errors import values_kept_out
from claimsctl.settings import Settings, load_settings
from claimsctl.validate.checks import Check, NotRun
from claimsctl.validate.cross import Group, plan_groups
from claimsctl.validate.dated import Unserved, count_unserved, unserved_times
from claimsctl.validate.findings import FINDING, describe, display_names
from claimsctl.validate.in_memory import check_in_memory
from claimsctl.validate.ruleset import Selection

UNREAD: Final = "claims of earlier runs are not read by Checker"
"""Why rules on claims of earlier runs do not run."""


@dataclass(frozen=True)
class Result:
    """What the rules say of some lines: findings as dicts with the columns of errors.csv.

    `missing` names required columns no line has a value for; a claim lacks them, so it is not clean.
    `suppressed` are the suppressions in force (code, rows, reason, until); `rows` counts the findings each
    put aside. `not_run` are the rules that could not be decided: code, reason, and on how many `rows`.
    """

    findings: tuple[Mapping[str, object], ...]
    missing: tuple[str, ...] = ()
    suppressed: tuple[Mapping[str, object], ...] = ()
    not_run: tuple[Mapping[str, object], ...] = ()

    @property
    def clean(self) -> bool:
        """No finding of severity error, and nothing required is missing."""
        return not self.missing and not any(f["severity"] == "error" for f in self.findings)


@dataclass(frozen=True)
class _Plan:
    """What is decided once per set of columns; `steering` once per day."""

    layout: Layout
    missing: tuple[str, ...]
    checks: tuple[Check, ...]
    groups: tuple[Group, ...]
    shown: frozenset[str]
    not_run: tuple[NotRun, ...]
    unserved: tuple[Unserved, ...]
    steering: dict[date, Steering] = field(default_factory=dict)


@dataclass
class Checker:
    """Rules compiled once, run on as many claims as you like; not safe to share between threads.

    Keys of a line are canonical columns or any header that maps to one. Values may be text, numbers,
    Decimal or dates; None is blank. A key that is given is a column of the claim, blank or not; rules on
    columns that are not given do not run. Findings mask identifiers unless `show_phi`.

    Without `workspace` only what is shipped and given here counts. With it, claims are checked as
    `claimsctl process --workspace` does: by its claimsctl.toml (environment variables over it), its
    rules/*.toml and its loaded tables, with suppressions and rules by payer and practice; the other
    arguments add to that or come before it. The workspace is only read: nothing is stored, and its claims
    are not looked at. `as_of` is the day for which rules are compiled, today if None: on lines after the
    end of a table that ended before it, rules only warn.

    Raises UsageError for arguments that cannot be meant.
    """

    profile: str | None = None
    rule_packs: Sequence[str | Path] = ()
    selection: Selection = field(default_factory=Selection)
    payers: Mapping[str, Mapping[str, object]] = field(default_factory=dict)
    constants: Mapping[str, str] = field(default_factory=dict)
    practice_id: str | None = None
    show_phi: bool = False
    workspace: str | Path | None = None
    as_of: date | None = None
    _plans: dict[tuple[str, ...], _Plan] = field(default_factory=dict, init=False, repr=False)
    _controls: dict[date, Control] = field(default_factory=dict, init=False, repr=False)

    def __post_init__(self) -> None:
        self._require_arguments()
        self._settings = None if self.workspace is None else self._read_settings(self.workspace)
        self._terms, self._rulebook = self._compile(self.as_of or date.today())
        if self._terms.profile not in REQUIRED_TO_RUN:
            raise UsageError(
                f"Unknown profile {self._terms.profile!r}.", hint=f"One of {', '.join(REQUIRED_TO_RUN)}."
            )

    def _require_arguments(self) -> None:
        require("profile", self.profile, (str, NoneType), "text")
        require("practice_id", self.practice_id, (str, NoneType), "text")
        require("workspace", self.workspace, (str, Path, NoneType), "a path")
        require("selection", self.selection, Selection, "a Selection")
        require("payers", self.payers, Mapping, "a dict of payer and entries")
        require_texts("constants", self.constants)
        require_columns(self.constants, "constants")
        self.rule_packs, self.as_of = pack_paths(self.rule_packs), day_of(self.as_of)

    def _read_settings(self, workspace: str | Path) -> Settings:
        root = Path(workspace).expanduser().absolute()
        if not root.is_dir():
            raise UsageError(f"There is no workspace {root}.", hint="Name the directory of claimsctl.toml.")
        settings = load_settings(root)
        return replace(settings, payers={**settings.payers, **{k: dict(v) for k, v in self.payers.items()}})

    def _compile(self, day: date) -> tuple[HouseTerms, Rulebook]:
        packs = [Path(pack) for pack in self.rule_packs]
        if self._settings is None:
            require_practice_type(self.constants.get("practice_type"), "practice_type")
            practice, profile = self.practice_id or "default", self.profile or PROFILES[0]
            terms = HouseTerms(practice, profile, self.constants, self.selection)
            return terms, load_rulebook(self.selection, packs, self.payers, run_date=day)
        terms = house_terms(
            self._settings,
            practice_id=self.practice_id,
            profile=self.profile,
            constants=self.constants,
            selection=self.selection,
        )
        return terms, house_rulebook(
            self._settings,
            terms.selection,
            [str(pack) for pack in packs],
            practice_id=terms.practice_id,
            run_date=day,
        )

    def check(
        self, lines: Mapping[str, object] | Sequence[Mapping[str, object]], *, as_of: date | None = None
    ) -> Result:
        """Check the lines of one or more claims; cross-line rules see these lines only, and rules on claims
        of earlier runs do not run.

        `row_number` of a finding counts the lines from 1. `as_of` stands for today, in place of that of the
        checker. Raises MappingError when two keys mean one column, UsageError for what is no line.
        """
        with values_kept_out():
            return self._check(lines_of(lines), day_of(as_of))

    def _check(self, given: Sequence[Mapping[str, object]], as_of: date | None) -> Result:
        header = tuple(dict.fromkeys(key for line in given for key in line))
        cells = [[_text(line.get(key)) for line in given] for key in header]
        plan = self._plan(header)
        rows = clean_cells(
            pl.DataFrame(
                [pl.Series("row_number", range(1, len(given) + 1), dtype=pl.Int64)]
                + [cells_of(f"c{n}", header[n], column) for n, column in enumerate(cells)]
            )
        )
        rulebook, day = self._rulebook, as_of or self.as_of or date.today()
        control = self._control(day)
        if day not in plan.steering:
            plan.steering[day] = Steering.of(control, plan.checks)
        steering = plan.steering[day]
        context = Context(day, self._terms.practice_id, rulebook.payers, rulebook.ncci, rulebook.pricing)
        frame, hits = check_in_memory(
            rows, plan.layout, plan.checks, context,
            names={*plan.shown, "claim_id", "line_number_in_claim", *steering.names}, groups=plan.groups,
        )  # fmt: skip
        put_aside: Counter[int] = Counter()
        hits = steering.apply(hits, frame, put_aside)
        hits = once_per_value(hits, steering.checks, frame)
        others, first = split_by_level(hits, steering.checks, frame["claim_id"])
        hits = pl.concat([others, first.select(hits.columns)]).sort("row", "check")
        found = describe(
            hits, steering.checks, rows, frame, plan.layout, input_name="", show_phi=self.show_phi
        )
        return Result(
            tuple(found.select(list(FINDING)).iter_rows(named=True)),
            plan.missing,
            tuple(suppressed_entries(control, put_aside)),
            tuple(_not_run(plan, frame)),
        )

    def _control(self, day: date) -> Control:
        """What the house decides on a day."""
        if self._settings is None:
            return Control()
        if day not in self._controls:
            book, practice = self._rulebook, self._terms.practice_id
            decided = house_control(book, self._settings, practice_id=practice, run_date=day)
            self._controls[day] = decided.control
        return self._controls[day]

    def _plan(self, header: tuple[str, ...]) -> _Plan:
        if header not in self._plans:
            require_keys(header)
            terms, rulebook = self._terms, self._rulebook
            header_map = map_headers(
                header, extra={}, constants=terms.constants, profile=terms.profile,
                house={} if self._settings is None else self._settings.mapping,
            )  # fmt: skip
            layout = layout_of(header_map)
            present = frozenset(name for name in BY_NAME if layout.gives(name))
            checks, not_run = rulebook.ruleset.active(present, UNREAD, UNREAD)
            groups = plan_groups(set().union(*(check.aggregates for check in checks)))
            self._plans[header] = _Plan(
                layout,
                header_map.missing,
                checks,
                groups,
                frozenset(display_names(checks)),
                not_run,
                tuple(unserved_times(checks, rulebook.tables)),
            )
        return self._plans[header]


def _not_run(plan: _Plan, frame: pl.DataFrame) -> Iterator[Mapping[str, object]]:
    for note in plan.not_run:
        yield {"code": note.code, "reason": note.reason, "rows": frame.height}
    yield from unserved_entries(plan.checks, count_unserved(frame, plan.unserved), frame.height)[0]


def _text(value: object) -> str | None:
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    if isinstance(value, date | Decimal | int | float):
        return str(value)
    return str(value)
