"""What the rules of a run cost, by category and one by one: prints a JSON document.

    python -m benchmarks.rule_costs claims.csv

Rules share their work: a condition that several rules ask is decided once, a fact is made once. So there is
no cost of a rule that adds up to the whole; measured is what each would cost on its own. The run goes as
`claimsctl process` does, with the tables loaded in the workspace; where its rules are evaluated on a part,
they are evaluated again, category by category, on the same facts. Not in these times are the facts that
columns are typed into (given apart), findings, files and the store.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import date
from functools import partial
from pathlib import Path
from statistics import median

import polars as pl

from benchmarks.runs import AS_OF
from claimsctl.facts import ncci
from claimsctl.facts.table import FACTS, Context, Fact
from claimsctl.facts.typed import coded_text
from claimsctl.ingest.mapping import required_columns
from claimsctl.process.book import FindingBook
from claimsctl.process.cross import CrossFacts, relate
from claimsctl.process.file_rules import EXACT_COPY
from claimsctl.process.input_plan import InputPlan
from claimsctl.process.intake import Intake, take_in
from claimsctl.process.prepare import groups_for, open_inputs
from claimsctl.process.request import Request
from claimsctl.process.review import Checked, Reviewer
from claimsctl.process.routing import Router
from claimsctl.process.rulebook import Rulebook, load_rulebook
from claimsctl.process.timing import Timings
from claimsctl.reference.editions import EditionStore
from claimsctl.settings import load_settings
from claimsctl.store.workspace import Workspace
from claimsctl.validate.checks import Check, names_needed
from claimsctl.validate.cross import Group
from claimsctl.validate.evaluate import evaluate
from claimsctl.validate.language.needs import NOTHING
from claimsctl.validate.ruleset import Selection

ROUNDS = 3


@dataclass
class Category:
    """A category alone: its rules, seconds to evaluate them on all lines, and to join lines for them."""

    rules: int
    evaluation: float = 0.0
    cross: float | None = None


@dataclass
class Costs:
    """Everything measured on one file, in seconds for all its lines.

    `together`: evaluation of all rules at once, `once` of it on first use (tables indexed, conditions
    decided per value). `rules`: code to seconds and seconds once; `facts`: name to seconds; both measured
    on `sampled` lines. `nothing` is a rule that asks nothing, which stands in every other time too.
    """

    lines: int
    sampled: int = 0
    stages: dict[str, float] = field(default_factory=dict)
    together: float = 0.0
    once: float = 0.0
    nothing: float = 0.0
    categories: dict[str, Category] = field(default_factory=dict)
    rules: dict[str, tuple[float, float]] = field(default_factory=dict)
    facts: dict[str, float] = field(default_factory=dict)


def seconds(work: Callable[[], object]) -> float:
    """How long a call takes by the clock."""
    begun = time.perf_counter()
    work()
    return time.perf_counter() - begun


class _Nowhere:
    def write(self, findings: pl.DataFrame) -> None:
        """Findings are not described here, so none come."""


def by(key: Callable[[Check], str], checks: Sequence[Check]) -> dict[str, tuple[Check, ...]]:
    """Checks by category or code, in the order of the packs."""
    found: dict[str, list[Check]] = {}
    for check in checks:
        found.setdefault(key(check), []).append(check)
    return {name: tuple(members) for name, members in found.items()}


def measure(source: Path, rulebook: Rulebook, spill: Path, batch_size: int | None = None) -> Costs:
    """Both passes over a file, its rules measured on the way; `spill` is an empty directory."""
    request = Request((str(source),), run_date=date.fromisoformat(AS_OF))
    timings = Timings()
    context = rulebook.context(request)
    inputs = open_inputs(request, spill, {})
    groups, span = groups_for(rulebook.ruleset, inputs)
    with timings.stage("ingest"):
        intake = take_in(
            Intake(inputs, request.run_date), spill, groups, context,
            batch_size=batch_size or request.batch_size, profile=request.profile,
        )  # fmt: skip
    begun = time.perf_counter()
    cross = relate(intake, groups, span, spill, context)
    related = time.perf_counter() - begun
    present = frozenset(inputs[0].present)
    blank = {name for name in required_columns(request.profile) if inputs[0].layout.gives(name)}
    checks, _not_run = rulebook.ruleset.active(present | blank)
    checks = tuple(check for check in checks if check.rule.code != EXACT_COPY)
    plan = InputPlan.of(checks, present, groups, None, rulebook.tables, stored=False)
    # Rules are evaluated once more here, so that nothing they read may be dropped.
    read = names_needed(checks) | {a.name for check in checks for a in check.aggregates}
    plan = replace(plan, told=plan.told | read.union(plan.names))
    router = Router(spill, lambda *_: None)
    reviewer = Reviewer(context, cross, FindingBook(_Nowhere()), router, timings)
    reviewer.plans[inputs[0].source.index] = plan
    categories = by(lambda check: check.rule.category, checks)
    found = Costs(intake.rows)
    found.categories = {name: Category(_codes(members)) for name, members in categories.items()}
    _cross_costs(found, categories, intake, groups, span, spill, context)
    middle = len(intake.parts) // 2
    for number, part in enumerate(intake.parts):
        checked = reviewer.check(part)
        if not number:
            first, again = timings.seconds["validate"], seconds(_evaluation(checked, checks, context))
            found.once = max(0.0, first - again)
        _part_costs(found, categories, checked, context)
        if number == middle:
            _rule_costs(found, by(lambda check: check.rule.code, checks), checked, context)
            _fact_costs(found, checked, context)
    stages = {"ingest": timings.seconds["ingest"], "cross": related, "facts": timings.seconds["facts"]}
    found.stages = {name: round(spent, 3) for name, spent in stages.items()}
    found.together = timings.seconds["validate"]
    return found


def _codes(checks: Sequence[Check]) -> int:
    return len({check.rule.code for check in checks})


def _evaluation(checked: Checked, checks: Sequence[Check], context: Context) -> Callable[[], pl.DataFrame]:
    """Evaluating some checks on the facts of a part, as a run does."""
    coded = partial(coded_text, checked.rows, checked.part.input.layout, run_date=context.run_date)
    return partial(evaluate, checked.frame, checks, coded)


def _part_costs(
    found: Costs, categories: Mapping[str, tuple[Check, ...]], checked: Checked, context: Context
) -> None:
    """Evaluation of every category alone, added up over the parts."""
    for name, members in categories.items():
        found.categories[name].evaluation += seconds(_evaluation(checked, members, context))


def _rule_costs(
    found: Costs, rules: Mapping[str, tuple[Check, ...]], checked: Checked, context: Context
) -> None:
    """Evaluation of every rule alone on one part; its first time holds what is decided once per value."""
    found.sampled = checked.frame.height
    share = found.lines / max(1, found.sampled)
    for code, members in rules.items():
        work = _evaluation(checked, members, context)
        first, again = seconds(work), [seconds(work) for _ in range(ROUNDS)]
        found.rules[code] = (min(again) * share, max(0.0, first - median(again)))
    nothing = replace(
        next(iter(rules.values()))[0],
        fires=pl.lit(False),
        predicates=frozenset(),
        needs=NOTHING,
    )
    work = _evaluation(checked, (nothing,), context)
    found.nothing = min(seconds(work) for _ in range(ROUNDS)) * share


def _fact_costs(found: Costs, checked: Checked, context: Context) -> None:
    """Every fact of the run alone on one part, as if for all lines."""
    share = found.lines / max(1, checked.frame.height)
    frame = checked.frame
    for fact in FACTS:
        if all(name in frame.columns for name in (*fact.names, *fact.needs)):
            work = partial(_made, fact, frame, context)
            found.facts[_named(fact)] = min(seconds(work) for _ in range(2)) * share


def _named(fact: Fact) -> str:
    first, *others = fact.names
    return f"{first} and {len(others)} more" if others else first


def _made(fact: Fact, frame: pl.DataFrame, context: Context) -> pl.DataFrame:
    return frame.with_columns(fact.compute(frame, context))


def _cross_costs(
    found: Costs,
    categories: Mapping[str, tuple[Check, ...]],
    intake: Intake,
    groups: Sequence[Group],
    span: Mapping[str, str],
    spill: Path,
    context: Context,
) -> None:
    """What joins lines together for a category alone, beyond what every run needs."""

    def related(wanted: Sequence[Group], pairs: Context) -> float:
        folder = Path(tempfile.mkdtemp(dir=spill))
        return min(seconds(lambda: _drop(relate(intake, wanted, span, folder, pairs))) for _ in range(2))

    plain = replace(context, ncci=None)
    always = _narrowed(groups, frozenset(span.values()))
    base = related(always, plain)
    for name, members in categories.items():
        names = frozenset(a.name for check in members for a in check.aggregates)
        pairs = any(check.columns & ncci.TYPES.keys() for check in members) and context.ncci is not None
        if names or pairs:
            wanted = _narrowed(groups, names | frozenset(span.values()))
            cost = related(wanted, context if pairs else plain) - base
            found.categories[name].cross = max(0.0, cost)


def _drop(cross: CrossFacts) -> None:
    for path in cross.paths:
        path.unlink()


def _narrowed(groups: Sequence[Group], names: frozenset[str]) -> list[Group]:
    """The groups with those of their aggregates that are named."""
    kept = [
        replace(
            group,
            aggregates=tuple(a for a in group.aggregates if a.name in names),
            deferred=tuple(a for a in group.deferred if a.name in names),
        )
        for group in groups
    ]
    return [group for group in kept if group.aggregates or group.deferred]


def main() -> None:
    """Command line; the workspace is that of the settings."""
    parser = argparse.ArgumentParser(description="Measure the rules of a run one by one.")
    parser.add_argument("claims", type=Path)
    workspace = Workspace.open(load_settings().workspace)
    store = EditionStore(workspace.reference_directory)
    rulebook = load_rulebook(Selection(), editions=store, run_date=date.fromisoformat(AS_OF))
    with workspace.scratch() as spill:
        print(json.dumps(asdict(measure(parser.parse_args().claims, rulebook, spill))))


if __name__ == "__main__":
    main()
