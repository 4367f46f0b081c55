"""summary.json: the manifest of a run, from what its steps learned (design 3.2)."""

from __future__ import annotations

import resource
import sys
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from claimsctl.process.book import FindingBook
from claimsctl.process.control import Control
from claimsctl.process.intake import Input
from claimsctl.process.request import Request
from claimsctl.process.timing import Timings

if TYPE_CHECKING:
    from claimsctl.process.core import Outcome
    from claimsctl.process.rulebook import Rulebook
    from claimsctl.validate.checks import Check
    from claimsctl.validate.dated import Unserved


@dataclass(frozen=True)
class Facts:
    """What the summary says beside the outcome of the checks."""

    job_id: str | None
    command: str
    version: str
    status: str
    started: datetime
    request: Request
    rulebook: Rulebook
    paths: Mapping[str, Path]
    since_last: Mapping[str, object] | None
    more: Mapping[str, object] = field(default_factory=dict)


def build_summary(facts: Facts, outcome: Outcome, timings: Timings) -> dict[str, object]:
    """The keys of summary.json, in their order."""
    inputs, spent = outcome.intake.inputs, timings.as_dict()
    rows = outcome.ledger.rows.read
    return {
        "job_id": facts.job_id,
        "command": facts.command,
        **facts.more,
        "version": facts.version,
        "status": facts.status,
        "started_at": facts.started,
        "finished_at": datetime.now(UTC),
        "as_of": facts.request.run_date,
        "inputs": [input_summary(each) for each in inputs],
        "mapping": mapping_summary(inputs),
        **outcome.ledger.as_dict(),
        **findings_summary(outcome.book),
        **control_summary(facts.rulebook.control, outcome.book),
        **_repairs(inputs),
        "unread": unread_summary(inputs),
        "since_last": facts.since_last,
        "rules": rules_summary(facts.rulebook, outcome),
        "reference": _reference(facts.rulebook, facts.request.run_date),
        "history": {
            **outcome.history.summary(),
            "seen_before": {k: v[0] for k, v in outcome.seen.items()},
        },
        "duplicates": {
            "found": outcome.stored_before.changed,
            "strategy": facts.request.duplicates,
            "unchanged": outcome.stored_before.unchanged,
            "jobs": dict(outcome.stored_before.jobs),
            "exact_copies": len(outcome.copies),
        },
        "pricing": outcome.prices.summary() if outcome.prices is not None else None,
        "scoring": outcome.scoring.summary() if outcome.scoring is not None else None,
        "timings": spent,
        "rows_per_second": round(rows / spent["total"]) if spent["total"] else None,
        "peak_memory_bytes": peak_memory(),
        "outputs": {name: str(path) for name, path in facts.paths.items()},
    }


def unread_summary(inputs: Sequence[Input]) -> list[dict[str, object]]:
    """Cells by input and column that are no date, time or number, and count as blank."""
    return [
        {"input": each.source.name, **unread._asdict()}
        for each in inputs
        for _, unread in sorted(each.unread.items())
    ]


def _repairs(inputs: Sequence[Input]) -> dict[str, object]:
    """Cells changed and by which repair, and what is only proposed, where the run was asked to repair."""
    mendings = [each.mending for each in inputs if each.mending is not None]
    if not mendings:
        return {}
    repairs: Counter[str] = Counter()
    proposals: Counter[str] = Counter()
    for mending in mendings:
        repairs.update(mending.repairs)
        proposals.update(mending.proposals)
    return {
        "cells_repaired": sum(mending.cells for mending in mendings),
        "repairs": dict(repairs.most_common()),
        "proposals": dict(proposals.most_common()),
    }


def peak_memory() -> int:
    """Largest resident size of this process so far, in bytes."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024


def read_rows(each: Input) -> int:
    """Records of an input: lines, malformed and blank ones."""
    return each.rows + each.malformed + sum(len(rows) for rows in each.blank_rows)


def input_summary(each: Input) -> dict[str, object]:
    """An input as it was read."""
    source = each.source
    return {
        "path": str(source.path),
        "format": source.format,
        "bytes": source.bytes,
        "sha256": source.sha256,
        "rows": read_rows(each),
        **source.told(),
    }


def mapping_summary(inputs: Sequence[Input]) -> dict[str, object]:
    """How headers became columns; of several inputs the union, each way with the first input that has it."""
    columns: dict[str, dict[str, str]] = {}
    ignored: dict[str, None] = {}
    missing: dict[str, None] = {}
    own: dict[str, None] = {}
    for each in inputs:
        own.update(dict.fromkeys(each.header_map.own_columns.values()))
        for name, how in each.header_map.how.items():
            columns.setdefault(name, {}).setdefault(how, each.source.name)
        ignored.update(dict.fromkeys(each.header_map.ignored.values()))
        missing.update(dict.fromkeys(each.header_map.missing))
    told = {
        name: "; ".join([next(iter(ways)), *(f"in {where}: {how}" for how, where in list(ways.items())[1:])])
        for name, ways in columns.items()
    }
    return {"columns": told, "ignored": list(ignored), "own": list(own), "missing": list(missing)}


def findings_summary(book: FindingBook) -> dict[str, object]:
    """Counts by severity, code and field, and the causes that one action clears."""
    by_code = [
        {
            "code": code,
            "severity": book.about[code][0],
            "category": book.about[code][1],
            "rows": rows,
            "claims": book.claims_by_code[code],
            "message": book.about[code][2],
        }
        for code, rows in sorted(book.by_code.items(), key=lambda item: (-item[1], item[0]))
    ]
    return {
        "findings": {severity: book.by_severity[severity] for severity in ("error", "warning", "info")},
        "findings_by_code": by_code,
        "findings_by_field": dict(sorted(book.by_field.items(), key=lambda item: (-item[1], item[0]))),
        "causes": [
            {"cause": c.cause, "rows": c.rows, "fix": c.fix, "severity": c.severity, "code": c.code}
            for c in book.top_causes()
        ],
    }


def suppressed_entries(control: Control, counted: Mapping[int, int]) -> list[dict[str, object]]:
    """The suppressions in force, each with the findings it put aside (`counted` by its number)."""
    return [
        {"code": each.code, "rows": counted.get(n, 0), "reason": each.reason, "until": each.until}
        for n, each in enumerate(control.suppressions)
    ]


def control_summary(control: Control, book: FindingBook) -> dict[str, object]:
    """Findings that the house put aside, with the reason: counted, never silent; and what has ended."""
    return {
        "suppressed": suppressed_entries(control, book.suppressed),
        "suppressions_expired": [
            {"code": each.code, "reason": each.reason, "until": each.until} for each in control.expired
        ],
    }


def rules_summary(rulebook: Rulebook, outcome: Outcome) -> dict[str, object]:
    """Which rules ran on some line, which did not run on how many rows, and why.

    Where a rule did not run on some lines only, its entry also names the table, and the days (`from` is
    null for ever before, `to`) that no edition of it is for.
    """
    evaluated = [check for plan in outcome.plans for check in plan.evaluated]
    partly, nowhere = unserved_entries(evaluated, outcome.unserved, outcome.lines)
    active = {check.rule.code for plan in outcome.plans for check in plan.checks} - nowhere
    active |= rulebook.file_rules.rules.keys()
    whole: list[dict[str, object]] = [
        {"code": note.code, "reason": note.reason, "rows": outcome.intake.rows}
        for note in outcome.not_run.values()
    ]
    return {
        "packs": list(rulebook.ruleset.packs),
        "active": len(active),
        "not_run": sorted([*whole, *partly], key=lambda entry: str(entry["code"])),
        "by_payer": {
            payer: {
                "only": sorted(chosen.only),
                "without": sorted(chosen.without),
                "severity": dict(chosen.severities),
            }
            for payer, chosen in rulebook.control.payers.items()
        },
        "digest": rulebook.ruleset.digest,
    }


def unserved_entries(
    checks: Iterable[Check], counted: Mapping[Unserved, int], lines: int
) -> tuple[list[dict[str, object]], set[str]]:
    """Entries of rules for lines of a day that no edition of a table is for; and the rules that did not
    run on any of `lines` because of that."""
    readers: dict[tuple[str, str], set[str]] = {}
    for check in checks:
        for read in check.dated:
            readers.setdefault(read, set()).add(check.rule.code)
    entries: list[dict[str, object]] = []
    without: Counter[tuple[str, str]] = Counter()
    for time, rows in sorted(counted.items()):
        read = (time.table, time.column)
        without[read] += rows
        entries += [
            {"code": code, "reason": time.reason, "rows": rows, "table": time.table, "from": time.first,
             "to": time.last}
            for code in sorted(readers[read])
        ]  # fmt: skip
    nowhere = {code for read, rows in without.items() if rows == lines for code in readers[read]}
    return entries, nowhere


def _reference(rulebook: Rulebook, run_date: date) -> list[dict[str, str]]:
    """Every edition in use; `ended` where the newest one of a table is for service dates before the run."""
    entries = []
    for table in rulebook.tables.loaded():
        entries += [{"table": table.name, "edition": edition.name} for edition in table.editions]
        if table.ends is not None and table.ends < run_date:
            entries[-1]["ended"] = table.ends.isoformat()
    return entries
