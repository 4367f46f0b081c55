"""The checking core of a run: inputs in, findings and routed lines out; no store, no clock."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Protocol

import polars as pl

from claimsctl.claim import BY_NAME
from claimsctl.facts.table import Context
from claimsctl.ingest.mapping import required_columns
from claimsctl.process.book import FindingBook
from claimsctl.process.cross import CrossFacts, relate
from claimsctl.process.damaged import damage_checks
from claimsctl.process.file_checks import as_frame, header_findings, record_findings
from claimsctl.process.file_rules import COLUMN_MISSING, EXACT_COPY
from claimsctl.process.history import NOT_READ, HistoryLines
from claimsctl.process.input_plan import InputPlan
from claimsctl.process.intake import Input, Intake, take_in
from claimsctl.process.keying import Patients
from claimsctl.process.ledger import Ledger
from claimsctl.process.malformed import claims_of_malformed
from claimsctl.process.parallel import checkers, ordered
from claimsctl.process.prepare import groups_for
from claimsctl.process.pricing import PriceBook
from claimsctl.process.progress import Progress
from claimsctl.process.request import Request
from claimsctl.process.review import Reviewer
from claimsctl.process.routing import CLAIM_LAST, Reviewed, Router
from claimsctl.process.rulebook import Rulebook
from claimsctl.process.scoring import ClaimScoring, RiskTerms
from claimsctl.process.spilling import temporary_files
from claimsctl.process.stored_before import StoredBefore
from claimsctl.process.summary import read_rows
from claimsctl.process.timing import Timings
from claimsctl.process.unread import unread_checks
from claimsctl.validate.checks import NotRun
from claimsctl.validate.cross import Group
from claimsctl.validate.dated import Unserved


class Sink(Protocol):
    """Somewhere the results go: files, the store, or nowhere."""

    def findings(self, findings: pl.DataFrame) -> None:
        """Described findings, in file order."""

    def malformed(self, input_name: str, malformed: pl.DataFrame) -> None:
        """Records that could not be read."""

    def lines(self, part: Reviewed, rejected: pl.Series) -> None:
        """A decided part; `rejected` is row-aligned."""


SeenInputs = Callable[[Intake], Mapping[str, tuple[str, str]]]
"""Inputs whose content an earlier job read: sha256 -> (job, date)."""
StoredClaims = Callable[[Intake, pl.Series], pl.DataFrame | None]
"""Looks the intake's claims up in the store, exact copies of rows left out: claim_id, stored_claim,
stored_job; None when there is no store."""


class Earlier(Patients, Protocol):
    """Earlier runs, for rules that look at them (process.history)."""

    @property
    def any(self) -> bool:
        """Whether there has been any; without, nothing is paid for them."""

    def read(self, intake: Intake, groups: Sequence[Group], context: Context, spill: Path) -> HistoryLines:
        """The lines of earlier runs that belong to the intake's patients."""


@dataclass
class Outcome:
    """What a run learned, for its summary.

    `lines` were checked; of them so many are `unserved`, of a time that no edition of a table is for.
    """

    intake: Intake
    book: FindingBook
    ledger: Ledger = field(default_factory=Ledger)
    plans: list[InputPlan] = field(default_factory=list)
    not_run: dict[str, NotRun] = field(default_factory=dict)
    lines: int = 0
    unserved: Mapping[Unserved, int] = field(default_factory=dict)
    seen: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    copies: pl.Series = field(default_factory=lambda: pl.Series([], dtype=pl.UInt32))
    stored_before: StoredBefore = field(default_factory=StoredBefore)
    history: HistoryLines = field(default_factory=HistoryLines)
    prices: PriceBook | None = None
    scoring: ClaimScoring | None = None


class _Fan:
    """Hands everything to all sinks and keeps the ledger."""

    def __init__(
        self, sinks: Sequence[Sink], ledger: Ledger, timings: Timings, prices: PriceBook | None
    ) -> None:
        self._sinks = sinks
        self._prices = prices
        self._ledger = ledger
        self._timings = timings

    def write(self, findings: pl.DataFrame) -> None:
        with self._timings.stage("write"):
            for sink in self._sinks:
                sink.findings(findings)

    def malformed(self, input_name: str, malformed: pl.DataFrame) -> None:
        self._ledger.rows.rejected += malformed.height
        for sink in self._sinks:
            sink.malformed(input_name, malformed)

    def lines(self, part: Reviewed, rejected: pl.Series) -> None:
        closing = part.frame["row_index"] == part.frame[CLAIM_LAST]
        accepted = part.accepted(rejected)
        self._ledger.rows.rejected += int(rejected.sum())
        self._ledger.rows.accepted += int(accepted.sum())
        self._ledger.claims.rejected += int((closing & rejected).sum())
        self._ledger.claims.accepted += int((closing & accepted).sum())
        if part.held is not None:
            self._ledger.rows.held += int(part.held.sum())
            self._ledger.claims.held += int((closing & part.held).sum())
        if self._prices is not None:
            with self._timings.stage("price"):
                self._prices.add(part.frame, rejected, accepted)
        with self._timings.stage("write"):
            for sink in self._sinks:
                sink.lines(part, rejected)


@temporary_files()
def check_inputs(
    request: Request,
    rulebook: Rulebook,
    inputs: Sequence[Input],
    spill: Path,
    sinks: Sequence[Sink],
    *,
    timings: Timings,
    digest_key: bytes = b"",
    stored: StoredClaims | None = None,
    seen: SeenInputs = lambda _intake: {},
    earlier: Earlier | None = None,
    risk: RiskTerms | None = None,
    progress: Progress = lambda *_: None,
) -> Outcome:
    """Both passes over all inputs; every line reaches the sinks once, in file order, with its verdict.

    With `risk`, claims are scored, and lines carry the columns of `scoring.KEPT`.

    Without `earlier`, rules that need claims of earlier runs do not run; without `stored` those that need to
    know whether a claim is stored.
    """
    ledger = Ledger()
    context = rulebook.context(request)
    prices = PriceBook() if context.pricing is not None else None
    fan = _Fan(sinks, ledger, timings, prices)
    outcome = Outcome(Intake(list(inputs), request.run_date), FindingBook(fan), ledger, prices=prices)
    groups, span = groups_for(rulebook.ruleset, inputs, None if earlier is not None else NOT_READ)
    asked = earlier if earlier is not None and earlier.any and _ask(groups, context) else None
    with timings.stage("ingest"):
        total = sum(each.source.bytes for each in inputs)
        intake = take_in(
            outcome.intake, spill, groups, context, batch_size=request.batch_size,
            profile=request.profile, limit=request.limit, digest_key=digest_key, patients=asked,
            progress=lambda each, done, rows: progress("reading", done, total, rows),
        )  # fmt: skip
        outcome.seen = seen(intake)
    torn = claims_of_malformed(intake)
    _count_intake(outcome, fan, rulebook, torn)
    if not intake.parts:
        ledger.check()
        return outcome
    if earlier is None:
        outcome.history = HistoryLines(unread=NOT_READ)
    elif asked is not None:
        with timings.stage("store"):
            outcome.history = asked.read(intake, groups, context, spill)
    with timings.stage("facts"):
        cross = relate(intake, groups, span, spill, context, outcome.history)
    with timings.stage("store"):
        cross = replace(cross, stored=stored(intake, cross.repeats) if stored is not None else None)
        outcome.copies = cross.repeats
        if cross.stored is not None:
            outcome.stored_before = StoredBefore.of(cross.stored)
    ledger.claims.read = _claims_read(intake, cross)
    scoring = ClaimScoring(risk, fan.lines, spill, timings) if risk is not None else None
    outcome.scoring = scoring
    router = Router(spill, scoring.lines if scoring is not None else fan.lines)
    reviewer = Reviewer(context, cross, outcome.book, router, timings, scoring=scoring)
    unstored = None if stored is not None else NOT_READ
    _plan(outcome, rulebook, reviewer, required_columns(request.profile), unstored)
    router.fail(_claim_ids(intake, torn))
    done = 0
    for checked in ordered(intake.parts, reviewer.check, count=checkers()):
        reviewer.take(checked)
        done += checked.part.rows
        del checked  # or this part would stay in memory while later ones are checked
        progress("checking", done, intake.rows, done)
    router.finish()
    outcome.lines, outcome.unserved = reviewer.lines, reviewer.unserved
    ledger.rows.skipped += reviewer.skipped_rows
    ledger.claims.skipped += reviewer.skipped_claims
    ledger.check()
    return outcome


def _ask(groups: Sequence[Group], context: Context) -> bool:
    """Whether some rule that may run looks at earlier runs."""
    return context.ncci is not None or context.originals or any(group.source == "history" for group in groups)


def _count_intake(outcome: Outcome, fan: _Fan, rulebook: Rulebook, malformed_claims: list[pl.Series]) -> None:
    """Ledger entries and findings of records that are no claim lines."""
    ledger, intake = outcome.ledger, outcome.intake
    found = [f for each in intake.inputs for f in header_findings(each, rulebook.file_rules)]
    found += record_findings(intake, rulebook.file_rules, outcome.seen, malformed_claims)
    for each in intake.inputs:
        ledger.rows.read += read_rows(each)
        ledger.rows.skipped += len(each.repeated) + len(each.footers)
        ledger.rows.skipped += sum(len(rows) for rows in each.blank_rows)
    for each, malformed in intake.malformed:
        fan.malformed(each.source.name, malformed)
    outcome.book.add(as_frame(found), None)
    outcome.book.concerns(COLUMN_MISSING, sum(each.rows for each in intake.inputs if each.header_map.missing))


def _claims_read(intake: Intake, cross: CrossFacts) -> int:
    keys = intake.keys()
    if len(cross.repeats):
        keys = keys.filter(~pl.col("row_index").is_in(cross.repeats.implode()))
    return int(keys.select(pl.col("claim_id").n_unique()).collect(engine="streaming").item())


def _plan(
    outcome: Outcome, rulebook: Rulebook, reviewer: Reviewer, required: frozenset[str], unstored: str | None
) -> None:
    """Which checks run on which input; a column that is blank throughout may still make an error."""
    running: set[str] = set()
    for each in outcome.intake.inputs:
        present = frozenset(each.present)
        here = present | {name for name in required if each.layout.gives(name)}
        blank = frozenset(name for name in BY_NAME if each.layout.gives(name)) - here
        checks, not_run = rulebook.ruleset.active(here, outcome.history.unread, unstored, blank=blank)
        checks = tuple(c for c in checks if c.rule.code != EXACT_COPY)
        plan = InputPlan.of(
            checks, present, reviewer.cross.groups, rulebook.repeat_check, rulebook.tables,
            stored=reviewer.cross.stored is not None, rejects_all=bool(each.header_map.missing),
            control=rulebook.control, pricing=reviewer.context.pricing,
            built_in=(
                *damage_checks(each.damaged, rulebook.file_rules),
                *unread_checks(present, rulebook.file_rules),
            ),
            scored=reviewer.scoring.terms.needed if reviewer.scoring is not None else (),
        )  # fmt: skip
        reviewer.plans[each.source.index] = plan
        outcome.plans.append(plan)
        running |= {check.rule.code for check in checks}
        for note in not_run:
            outcome.not_run.setdefault(note.code, note)
    for code in (*running, COLUMN_MISSING):
        outcome.not_run.pop(code, None)


def _claim_ids(intake: Intake, malformed: list[pl.Series]) -> pl.Series:
    """Claims that a malformed record is of: they cannot be complete, so they are rejected."""
    numbers = [numbers.drop_nulls() for numbers in malformed]
    if not any(len(found) for found in numbers):
        return pl.Series("claim_id", [], dtype=pl.UInt64)
    named = pl.concat(numbers).unique()
    keys = intake.keys()
    return (
        keys.filter(pl.col("claim_number").is_in(named.implode()))
        .select("claim_id")
        .unique()
        .collect(engine="streaming")["claim_id"]
    )
