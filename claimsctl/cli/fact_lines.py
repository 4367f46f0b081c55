"""What the terminal says of a run in labelled lines: columns, rules, tables, earlier runs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, Final

from claimsctl.cli.control_lines import control_lines
from claimsctl.cli.screen import count, listed
from claimsctl.fix.repairs import TITLES

MAX_REASONS: Final = 3
MAX_REPAIRS: Final = 3


def fact_lines(summary: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Label and text of each line; a text is blank where there is nothing to say."""
    return [
        ("Columns", mapping_line(summary.get("mapping") or {})),
        ("Repairs", _repairs_line(summary)),
        ("Rules", _rules_line(summary.get("rules") or {})),
        *control_lines(summary),
        ("Tables", _tables_line(summary.get("reference") or ())),
        ("Last run", _since_line(summary.get("since_last"))),
        ("History", _history_line(summary)),
    ]


def mapping_line(mapping: Mapping[str, Any]) -> str:
    """How many columns were mapped, which are missing, which nobody knows."""
    if not mapping:
        return ""
    parts = [f"{len(mapping.get('columns') or ()):,} mapped"]
    ignored, missing = (_names(mapping.get(key)) for key in ("ignored", "missing"))
    if missing:
        parts.append(f"{len(missing):,} required but not in the file: {listed(missing)}")
    if ignored:
        parts.append(f"{len(ignored):,} not recognised and kept as x_ columns: {listed(ignored)}")
    return "; ".join(parts)


def _repairs_line(summary: Mapping[str, Any]) -> str:
    """Cells that `process --fix` repaired; blank in a run without --fix."""
    repairs, cells = summary.get("repairs"), summary.get("cells_repaired", 0)
    if repairs is None:
        return ""
    parts = ["no cell needed one"]
    if cells:
        kinds = [f"{number:,} {TITLES[name]}" for name, number in list(repairs.items())[:MAX_REPAIRS]]
        more = len(repairs) - len(kinds)
        kinds += [f"{more} more {'kind' if more == 1 else 'kinds'}"] if more else []
        parts = [f"{count(cells, 'cell')} repaired ({', '.join(kinds)})"]
    proposed = sum((summary.get("proposals") or {}).values())
    if proposed:
        parts.append(f"{proposed:,} only proposed")
    if (cells or proposed) and "repairs" in (summary.get("outputs") or {}):
        parts.append("repairs.csv lists them")
    return "; ".join(parts)


def _tables_line(reference: Sequence[Mapping[str, Any]]) -> str:
    old = [f"{each['table']} ended {each['ended']}" for each in reference if each.get("ended")]
    if not old:
        return ""
    return f"{listed(old)}: later lines were checked against the old edition; load the new one"


def _rules_line(rules: Mapping[str, Any]) -> str:
    if not rules:
        return ""
    active, not_run = rules.get("active"), rules.get("not_run") or ()
    number = active if isinstance(active, int) else len(active or ())
    if not not_run:
        return f"{number:,} active, all of them ran"
    reasons = Counter(str(rule.get("reason") or "unknown") for rule in not_run).most_common()
    why = "; ".join(f"{times:,} because {reason}" for reason, times in reasons[:MAX_REASONS])
    rest = sum(times for _, times in reasons[MAX_REASONS:])
    more = f"; {rest:,} for other reasons, in summary.json" if rest else ""
    return f"{number:,} active; {len(not_run):,} not run: {why}{more}"


def _since_line(since: Mapping[str, int] | None) -> str:
    if not since:
        return ""
    fixed, new, same = (since.get(key, 0) for key in ("fixed", "new", "same"))
    return f"{count(fixed, 'finding')} fixed since, {new:,} new, {same:,} the same"


def _history_line(summary: Mapping[str, Any]) -> str:
    jobs = (summary.get("history") or {}).get("jobs") or ()
    parts = []
    if jobs:
        names = [str(job.get("job_id")) if isinstance(job, Mapping) else str(job) for job in jobs]
        parts.append(f"this input was processed before, in job {listed(names)}")
    duplicates = summary.get("duplicates") or {}
    if duplicates.get("found"):
        strategy = duplicates.get("strategy")
        parts.append(f"{count(duplicates['found'], 'duplicate')} found (--duplicates {strategy})")
    return "; ".join(parts)


def _names(value: object) -> list[str]:
    if isinstance(value, Mapping):
        return [str(name) for name in value.values()]
    return [str(name) for name in value] if isinstance(value, list | tuple | set) else []
