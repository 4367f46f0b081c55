"""Pass 2: one spilled part through facts and rules; what comes out is findings and a verdict per line."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial

import polars as pl

from claimsctl.facts import priced
from claimsctl.facts.coded import Coding
from claimsctl.facts.table import Context, fact_frame
from claimsctl.facts.typed import coded_text
from claimsctl.process.book import FindingBook, once_per_value
from claimsctl.process.cross import CrossFacts
from claimsctl.process.damaged import DAMAGED
from claimsctl.process.file_rules import STORED_BEFORE
from claimsctl.process.input_plan import InputPlan
from claimsctl.process.intake import SpilledPart
from claimsctl.process.own_columns import own_columns
from claimsctl.process.routing import CLAIM_FIRST, CLAIM_LAST, Reviewed, Router
from claimsctl.process.scoring import ClaimScoring
from claimsctl.process.short_records import TRUSTED
from claimsctl.process.stored_before import STORED, Skipped, without_skipped
from claimsctl.process.timing import Timings
from claimsctl.process.unread import UNREAD, Unread, unread_cells
from claimsctl.validate.checks import Check
from claimsctl.validate.cross import settle
from claimsctl.validate.dated import Unserved, count_unserved
from claimsctl.validate.evaluate import HITS, evaluate
from claimsctl.validate.findings import describe
from claimsctl.validate.language.predicates import CodedColumns

NOTED = ("row_number", "severity", "code", "field", "message", "suggestion")
"""What rejected files say of a finding."""


@dataclass
class Checked:
    """A part with its facts, and where which check fires."""

    part: SpilledPart
    rows: pl.DataFrame
    frame: pl.DataFrame
    repeats: pl.DataFrame
    hits: pl.DataFrame = field(default_factory=lambda: pl.DataFrame(schema=HITS))
    unserved: Mapping[Unserved, int] = field(default_factory=dict)
    unread: Sequence[tuple[Unread, pl.Series]] = ()
    skipped: Skipped | None = None


@dataclass
class Reviewer:
    """Checks parts, and passes them on to the router in file order."""

    context: Context
    cross: CrossFacts
    book: FindingBook
    router: Router
    timings: Timings
    scoring: ClaimScoring | None = None
    plans: dict[int, InputPlan] = field(default_factory=dict)
    lines: int = 0
    unserved: Counter[Unserved] = field(default_factory=Counter)
    skipped_rows: int = 0
    skipped_claims: int = 0
    _codings: dict[str, Coding] = field(default_factory=dict)

    def check(self, part: SpilledPart) -> Checked:
        """Facts and rules of one part; parts may be checked at once, in any order."""
        plan = self.plans[part.input.source.index]
        with self.timings.stage("facts"):
            checked = self._facts(part, plan)
        if self.context.pricing is not None:
            with self.timings.stage("price"):
                checked.frame = priced.with_prices(checked.frame, self.context.pricing)
        with self.timings.stage("validate"):
            coded = self._coded(part, checked.rows)
            checked.hits = evaluate(checked.frame, plan.evaluated, coded, self._codings)
            checked.unserved = count_unserved(checked.frame, plan.unserved)
            layout, day = part.input.layout, self.context.run_date
            if checked.skipped is not None:
                checked.skipped.hits = self._hits_of_skipped(part, checked.skipped)
            checked.unread = tuple(unread_cells(checked.rows, checked.frame, layout, day))
        # Two thirds of a part's memory are what only conditions read.
        checked.frame = checked.frame.select(name for name in checked.frame.columns if name in plan.told)
        return checked

    def take(self, checked: Checked) -> None:
        """Findings and routing of a checked part; parts are taken in file order."""
        with self.timings.stage("validate"):
            left_out = (self._note_repeats(checked), self._note_skipped(checked))
            self.lines += checked.frame.height
            self.unserved.update(checked.unserved)
            for unread, _ in checked.unread:
                checked.part.input.take_unread(unread)
            self._route(checked, [told for told in left_out if told is not None])

    def _facts(self, part: SpilledPart, plan: InputPlan) -> Checked:
        rows = part.read()
        cross = self.cross.slice(part.first, part.rows)
        repeated = self.cross.repeated(part.first, part.rows)
        repeats = rows.filter(repeated)
        if repeats.height:
            rows, cross = rows.filter(~repeated), cross.filter(~repeated)
        given = rows.with_columns(cross["line_rank"])
        frame = fact_frame(given, part.input.layout, plan.names, self.context)
        frame = settle(
            frame.with_columns(cross.drop("line_rank").get_columns()),
            self.cross.groups,
            self._coded(part, rows),
        )
        checked = Checked(part, rows, frame, repeats)
        if self.cross.stored is None:
            checked.frame = frame.with_columns(pl.lit(None, pl.String).alias(name) for name in STORED)
        else:
            state = frame.select("claim_id").join(
                self.cross.stored, on="claim_id", how="left", maintain_order="left"
            )
            checked.frame = frame.with_columns(state.select(STORED).get_columns())
            checked.rows, checked.frame, checked.skipped = without_skipped(rows, checked.frame)
        part.path.unlink()
        return checked

    def _coded(self, part: SpilledPart, rows: pl.DataFrame) -> CodedColumns:
        return partial(coded_text, rows, part.input.layout, run_date=self.context.run_date)

    def _note_repeats(self, checked: Checked) -> _Told | None:
        repeats, part = checked.repeats, checked.part
        check = self.plans[part.input.source.index].repeat_check
        self.skipped_rows += repeats.height
        if not repeats.height or check is None:
            return None
        hits = pl.DataFrame(
            {"row": range(repeats.height), "check": [0] * repeats.height},
            schema={"row": pl.UInt32, "check": pl.UInt16},
        )
        unnumbered = pl.repeat(None, repeats.height, dtype=pl.Int64, eager=True).alias("line_number_in_claim")
        found = _described(hits, [check], repeats, unnumbered.to_frame(), part)
        claim_id = fact_frame(repeats, part.input.layout, {"claim_id"}, self.context)["claim_id"]
        return _Told(found, claim_id, claim_id)  # copies of any claim may stand in any part

    def _hits_of_skipped(self, part: SpilledPart, skipped: Skipped) -> pl.DataFrame:
        """The hits of the rule that tells of claims which were stored before, on lines that are left out."""
        plan = self.plans[part.input.source.index]
        number = next((n for n, c in enumerate(plan.evaluated) if c.rule.code == STORED_BEFORE), None)
        if number is None:
            return skipped.hits
        hits = evaluate(skipped.frame, [plan.evaluated[number]], self._coded(part, skipped.rows))
        return hits.with_columns(pl.lit(number, pl.UInt16).alias("check"))

    def _note_skipped(self, checked: Checked) -> _Told | None:
        skipped, part = checked.skipped, checked.part
        if skipped is None:
            return None
        plan, frame = self.plans[part.input.source.index], skipped.frame
        self.skipped_rows += frame.height
        self.skipped_claims += int((frame["row_index"] == frame[CLAIM_LAST]).sum())
        hits = skipped.hits
        if plan.steering is not None:
            hits = plan.steering.apply(hits, frame, self.book.suppressed)
        elsewhere = _elsewhere(frame, part)
        hits = self.book.once_per_claim(hits, plan.checks, frame["claim_id"], elsewhere)
        found = _described(hits, plan.checks, skipped.rows, frame, part)
        claim_id = frame["claim_id"]
        return _Told(found, claim_id.gather(hits["row"]), claim_id.filter(elsewhere))

    def _route(self, checked: Checked, left_out: Sequence[_Told]) -> None:
        part, rows, frame, hits = checked.part, checked.rows, checked.frame, checked.hits
        plan = self.plans[part.input.source.index]
        if plan.steering is not None:
            hits = plan.steering.apply(hits, frame, self.book.suppressed)
        hits = _with_cells(hits, checked, plan)
        claim_id = frame["claim_id"]
        end = part.first + part.rows
        elsewhere = _elsewhere(frame, part)
        errors = hits.filter(pl.col("check").is_in(plan.error_checks.implode()))
        bad_claims = claim_id.gather(errors["row"]).unique()
        spread = claim_id.filter(elsewhere).unique() if elsewhere.any() else claim_id.clear()
        kept = frame.select(plan.kept)
        if self.scoring is not None:
            failed = claim_id.unique() if plan.rejects_all else bad_claims
            looked = frame.with_columns(own_columns(part.input, rows, self.scoring.terms.scorer.own))
            kept = kept.with_columns(
                self.scoring.look(looked, hits, plan.checks, failed, spread, frame[CLAIM_LAST], end)
            )
        hits = once_per_value(hits, plan.checks, frame)
        hits = self.book.once_per_claim(hits, plan.checks, claim_id, elsewhere)
        found = _described(hits, plan.checks, rows, frame, part)
        told = _together([*left_out, _Told(found, claim_id.gather(hits["row"]), spread)])
        self.book.add(told.findings, told.claim_id, plan.file_level, spread=told.spread)
        reviewed = Reviewed(
            part.input,
            rows.drop("row_index"),
            kept,
            claim_id,
            int(frame[CLAIM_LAST].max() or 0) if frame.height else part.first,  # type: ignore[arg-type]
            bad_claims if not plan.rejects_all else claim_id.unique(),
            found.select(NOTED),
        )
        spread_failed = spread.filter(spread.is_in(reviewed.failed.implode()))
        self.router.add(reviewed, spread_failed, end)


@dataclass(frozen=True)
class _Told:
    """Findings of a part; aligned with them their claims; and which claims may stand in other parts too."""

    findings: pl.DataFrame
    claim_id: pl.Series
    spread: pl.Series


def _described(
    hits: pl.DataFrame, checks: Sequence[Check], rows: pl.DataFrame, frame: pl.DataFrame, part: SpilledPart
) -> pl.DataFrame:
    """Findings of some rows of a part, with their facts in `frame`."""
    return describe(
        hits, checks, rows, frame, part.input.layout, input_name=part.input.source.name,
        trusted=_trusted(part, rows),
    )  # fmt: skip


def _elsewhere(frame: pl.DataFrame, part: SpilledPart) -> pl.Series:
    """Whether the claim of a line may have lines in other parts too."""
    return (frame[CLAIM_FIRST] < part.first) | (frame[CLAIM_LAST] >= part.first + part.rows)


def _together(told: Sequence[_Told]) -> _Told:
    """All findings of a part in the order of its rows, so that the size of parts changes no order."""
    if len(told) == 1:
        return told[0]
    found = pl.concat(each.findings.with_columns(each.claim_id.alias("claim_id")) for each in told)
    found = found.sort("row_number", maintain_order=True)
    spread = pl.concat([each.spread.alias("claim_id") for each in told])
    return _Told(found.drop("claim_id"), found["claim_id"], spread.unique())


def _with_cells(hits: pl.DataFrame, checked: Checked, plan: InputPlan) -> pl.DataFrame:
    """The hits, and one for each damaged and each unreadable cell of the rows that are left of a part."""
    found = [hits]
    damaged = checked.part.seen.damaged
    if damaged is not None and not damaged.is_empty():
        places = checked.frame.select("row_index").with_row_index("row")
        for (name,), cells in damaged.join(places, on="row_index").group_by("field", maintain_order=True):
            found.append(_hits(cells["row"], plan.built_in.get((DAMAGED, str(name)))))
    for unread, rows in checked.unread:
        found.append(_hits(rows, plan.built_in.get((UNREAD, unread.column))))
    return pl.concat(found).sort("row", "check") if len(found) > 1 else hits


def _hits(rows: pl.Series, check: int | None) -> pl.DataFrame:
    """None where the rule is left out."""
    if check is None:
        return pl.DataFrame(schema=HITS)
    return rows.alias("row").to_frame().select(
        pl.col("row").cast(HITS["row"]), pl.lit(check, HITS["check"]).alias("check")
    )  # fmt: skip


def _trusted(part: SpilledPart, rows: pl.DataFrame) -> pl.Series | None:
    """Per row the last raw column in its place, null for records of full length; None where all are."""
    if part.seen.trusted is None:
        return None
    return rows.select("row_index").join(
        part.seen.trusted, on="row_index", how="left", maintain_order="left"
    )[TRUSTED]
