"""What a person sees on the terminal: the summary of a run, a preview, sample rows.

Text from files is never markup and never a terminal command. Import this module where it is used:
Rich takes a tenth of a second.
"""

from __future__ import annotations

import re
import shlex
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from claimsctl.cli.control_lines import control_lines
from claimsctl.cli.screen import Screen, byte_size, count, duration, listed, new_table

if TYPE_CHECKING:
    from rich.console import Console

MAX_CAUSES: Final = 8
MAX_CODES: Final = 10
MAX_REASONS: Final = 3
_SEVERITY_STYLES: Final = {"error": "red", "warning": "yellow", "info": "blue"}
_OUTCOMES: Final = ("read", "accepted", "held", "rejected", "skipped")
_NAMED_CELLS: Final = "the cells that error_messages names"
_UNFINISHED: Final = {
    "CANCELLED": "Cancelled before the end",
    "FAILED": "Failed before the end",
    "INTERRUPTED": "Interrupted before the end",
}


def render_summary(
    summary: Mapping[str, Any], console: Console, *, next_command: Sequence[str] = ("claimsctl", "process")
) -> None:
    """Print the end of a run from the keys of summary.json; absent keys are passed over.

    `next_command` is what the user typed, without inputs: it is shown again with the rejected file.
    """
    screen = Screen(console)
    screen.line(*_verdict(summary))
    screen.gap()
    _outcomes(screen, summary)
    _causes(screen, summary.get("causes") or ())
    _codes(screen, summary.get("findings_by_code") or ())
    _facts(screen, summary)
    _files(screen, summary)
    _next(screen, summary, next_command)
    _speed(screen, summary)


def render_preview(preview: Mapping[str, Any], console: Console) -> None:
    """Print what a run would do.

    Keys, all optional: `inputs`, `mapping`, `types` (column -> type), `sample` (header, row_numbers,
    rows; masked by the caller), `warnings` (texts), `causes`, `findings_by_code`,
    `estimate` (rows, seconds).
    """
    screen = Screen(console)
    for given in preview.get("inputs") or ():
        length = f", {byte_size(given['bytes'])}" if given.get("bytes") else ""
        screen.line(f"{given.get('path')} ({given.get('format')}{length})", "bold")
    _mapping_table(screen, preview)
    sample = preview.get("sample")
    if sample and sample.get("rows"):
        screen.heading("Sample rows, identifiers masked")
        render_sample(sample["header"], sample["rows"], console, row_numbers=sample.get("row_numbers"))
    warnings = [*(preview.get("warnings") or ()), *(": ".join(line) for line in control_lines(preview))]
    if warnings:
        screen.heading("Warnings")
        for warning in warnings:
            screen.wrapped(str(warning), 2)
    _causes(screen, preview.get("causes") or ())
    _codes(screen, preview.get("findings_by_code") or ())
    estimate = preview.get("estimate")
    screen.gap()
    if estimate:
        rows, seconds = estimate["rows"], estimate["seconds"]
        screen.line(f"A full run over about {rows:,} rows takes about {duration(seconds)}.")
    screen.line("Nothing was written.", "bold")


def render_sample(
    header: Sequence[str],
    rows: Sequence[Sequence[object]],
    console: Console,
    *,
    row_numbers: Sequence[int] | None = None,
) -> None:
    """Print a few rows turned on their side, one line per column; columns blank in all rows are counted.

    Long cells are shortened to fit; masking is the caller's.
    """
    screen = Screen(console)
    table = new_table("Column", *(f"Row {n:,}" for n in row_numbers or range(1, len(rows) + 1)))
    width = max((console.width - 2) // (len(rows) + 1) - 2, 6)
    for column in table.columns:
        column.no_wrap, column.max_width = True, width
        column.overflow = "ellipsis" if screen.unicode else "crop"
    table.columns[0].max_width = 2 * width if width < 15 else None
    blank = 0
    for name, *cells in zip(header, *rows, strict=True):
        if any(cell not in (None, "") for cell in cells):
            shown = ("" if cell is None else str(cell).replace("\n", " ") for cell in (name, *cells))
            table.add_row(*(screen.text(cell) for cell in shown))
        else:
            blank += 1
    screen.block(table)
    if blank:
        screen.line(f"  {count(blank, 'more column')} blank in these rows.", "dim")


def _verdict(summary: Mapping[str, Any]) -> tuple[str, str]:
    claims = summary.get("claims") or {}
    read, accepted, skipped, held = (claims.get(k, 0) for k in ("read", "accepted", "skipped", "held"))
    rejected = claims.get("rejected", 0)
    unfinished = _UNFINISHED.get(str(summary.get("status")))
    tail = f" {held:,} held back." if held else ""
    unread = (summary.get("rows") or {}).get("rejected", 0)
    if unfinished:
        return f"{unfinished}: {count(read, 'claim')} read, {accepted:,} clean so far.", "bold red"
    judged = read - skipped
    if not judged:
        if unread:
            return f"No claim could be read; {count(unread, 'row')} rejected.", "bold red"
        return ("Nothing new: every claim was skipped." if read else "No claims were read."), "bold yellow"
    if not rejected:
        clean = "The claim is clean" if judged == 1 else f"All {judged:,} claims are clean"
        if accepted != judged:
            clean = f"{accepted:,} of {count(judged, 'claim')} are clean"
        if unread:  # no claim is rejected, so these are records without one
            return f"{clean}; {count(unread, 'record')} could not be read.{tail}", "bold yellow"
        return f"{clean}.{tail}", "bold green"
    need = "needs" if rejected == 1 else "need"
    if not accepted and not held:
        return "The claim needs fixing." if judged == 1 else f"All {judged:,} claims need fixing.", "bold red"
    verb = "is" if accepted == 1 else "are"
    clean = f"{accepted:,} of {count(judged, 'claim')} {verb} clean"
    return f"{clean}; {rejected:,} {need} fixing.{tail}", "bold"


def _outcomes(screen: Screen, summary: Mapping[str, Any]) -> None:
    table = new_table("", *(outcome.capitalize() for outcome in _OUTCOMES))
    for column in table.columns[1:]:
        column.justify = "right"
    for label in ("claims", "rows"):
        counts = summary.get(label)
        if counts:
            table.add_row(label.capitalize(), *(f"{counts.get(outcome, 0):,}" for outcome in _OUTCOMES))
    if table.row_count:
        screen.block(table, least=70)  # a number is never shortened
    malformed = (summary.get("rows") or {}).get("malformed", 0)
    if malformed:
        screen.wrapped(f"{count(malformed, 'record')} could not be read.", 2)


def _causes(screen: Screen, causes: Sequence[Mapping[str, Any]]) -> None:
    if not causes:
        return
    screen.heading("Fix this first")
    for number, cause in enumerate(causes[:MAX_CAUSES], 1):
        notes = [count(cause[k], k[:-1]) for k in ("rows", "claims") if cause.get(k)]
        if cause.get("severity", "error") != "error":
            notes.append(str(cause["severity"]))
        extent = f" ({', '.join(notes)})" if notes else ""
        screen.labelled(f"{number}.", f"{cause.get('cause', '')}{extent}", 2, 2)
        fix = str(cause.get("fix") or "")
        if "\n" in fix:  # lines to copy into a file
            screen.line(fix, "green", 5)
        elif fix:
            screen.wrapped(fix, 5, "green")
    if len(causes) > MAX_CAUSES:
        screen.line(f"  {len(causes) - MAX_CAUSES:,} more in summary.json, under causes.", "dim")


def _codes(screen: Screen, codes: Sequence[Mapping[str, Any]]) -> None:
    if not codes:
        return
    some = f", {MAX_CODES} of {len(codes):,}" if len(codes) > MAX_CODES else ""
    screen.heading(f"Findings by code{some}")
    table = new_table("Code", "Severity", "Rows", "What")
    table.columns[2].justify = "right"
    for column in table.columns[:3]:
        column.no_wrap = True
    table.columns[3].overflow = "fold"
    for found in codes[:MAX_CODES]:
        severity = str(found.get("severity", ""))
        table.add_row(
            screen.text(str(found.get("code", ""))),
            screen.text(severity, _SEVERITY_STYLES.get(severity, "")),
            f"{found.get('rows') or 0:,}",
            screen.text(str(found.get("message", ""))),
        )
    screen.block(table)


def _facts(screen: Screen, summary: Mapping[str, Any]) -> None:
    lines = [
        ("Columns", _mapping_line(summary.get("mapping") or {})),
        ("Rules", _rules_line(summary.get("rules") or {})),
        *control_lines(summary),
        ("Tables", _tables_line(summary.get("reference") or ())),
        ("Last run", _since_line(summary.get("since_last"))),
        ("History", _history_line(summary)),
    ]
    if any(text for _, text in lines):
        screen.gap()
    for label, text in lines:
        if text:
            screen.labelled(label, text)


def _mapping_line(mapping: Mapping[str, Any]) -> str:
    if not mapping:
        return ""
    parts = [f"{len(mapping.get('columns') or ()):,} mapped"]
    ignored, missing = (_names(mapping.get(key)) for key in ("ignored", "missing"))
    if missing:
        parts.append(f"{len(missing):,} required but not in the file: {listed(missing)}")
    if ignored:
        parts.append(f"{len(ignored):,} not recognised and kept as x_ columns: {listed(ignored)}")
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


def _files(screen: Screen, summary: Mapping[str, Any]) -> None:
    files = _output_files(summary)
    if not files:
        return
    folder = min((Path(path).parent for path, _ in files), key=lambda parent: len(parent.parts))
    screen.heading(f"Files in {folder}")
    shown = []
    for path, rows in files:
        name = str(Path(path).relative_to(folder)) if Path(path).is_relative_to(folder) else path
        shown.append((name, count(rows, "row") if rows is not None else ""))
    width = max(len(name) for name, _ in shown)
    for name, rows_text in shown[: 3 * MAX_CODES]:
        screen.line(f"  {name:<{width}}  {rows_text}".rstrip())
    if len(shown) > 3 * MAX_CODES:
        screen.line(f"  {len(shown) - 3 * MAX_CODES:,} more", "dim")


def _next(screen: Screen, summary: Mapping[str, Any], command: Sequence[str]) -> None:
    outputs = summary.get("outputs") or {}
    rejected = [path for key, path, _ in _outputs(outputs) if key.split("/")[0] == "rejected"]
    steps: list[tuple[str, str]] = []
    if str(summary.get("status")) in _UNFINISHED:
        steps.append(("Run the same command again; no file of this run was written.", ""))
    elif not outputs:
        steps.append(("Nothing was written (dry run). Leave out --dry-run to get the files.", ""))
    elif _settled_outside(summary.get("causes") or ()):
        steps.append(("After a change to settings or options run the same command again.", ""))
    if rejected:
        alone = len(rejected) == 1
        target = rejected[0] if alone else str(Path(rejected[0]).parent)
        name = Path(target).name if alone else f"the files in {Path(target).name}"
        cells = "the coloured cells (see their comments)" if target.endswith(".xlsx") else _NAMED_CELLS
        steps.append((f"Open {name}, correct {cells}, then run:", shlex.join([*command, target])))
    if "malformed" in outputs:
        steps.append(("malformed.csv has the records that could not be read: repair them in the input.", ""))
    if not steps and "accepted" in outputs:
        accepted = Path(_paths(outputs["accepted"])[0][0]).name
        steps.append((f"Nothing to fix: {accepted} holds every claim.", ""))
    if steps:
        screen.heading("Next")
    for text, run in steps:
        screen.wrapped(text, 2)
        if run:
            screen.line(run, "cyan", 4)


def _settled_outside(causes: Sequence[Mapping[str, Any]]) -> bool:
    """Whether some cause is cleared by a setting or an option, not by a change to the rows."""
    return any(re.search(r"claimsctl\.toml|(^|\s)--[a-z]", str(cause.get("fix") or "")) for cause in causes)


def _speed(screen: Screen, summary: Mapping[str, Any]) -> None:
    total = (summary.get("timings") or {}).get("total")
    if total is None:
        return
    rows = (summary.get("rows") or {}).get("read", 0)
    rate = summary.get("rows_per_second")
    speed = f" ({round(float(rate)):,} rows/s)" if rate else ""
    memory = summary.get("peak_memory_bytes")
    peak = f", peak memory {byte_size(memory)}" if memory else ""
    screen.gap()
    screen.line(f"{count(rows, 'row')} in {duration(float(total))}{speed}{peak}", "dim")


def _mapping_table(screen: Screen, preview: Mapping[str, Any]) -> None:
    mapping = preview.get("mapping") or {}
    columns = mapping.get("columns") or {}
    if not columns:
        return
    types = preview.get("types") or {}
    screen.heading("Columns")
    screen.wrapped(_mapping_line(mapping), 2)
    table = new_table("Column", "Type", "From")
    for name in columns:
        how = columns[name] if isinstance(columns, Mapping) else ""
        table.add_row(*(screen.text(str(cell)) for cell in (name, types.get(name, ""), how)))
    screen.block(table)


def _output_files(summary: Mapping[str, Any]) -> list[tuple[str, int | None]]:
    rows = summary.get("rows") or {}
    outputs = summary.get("outputs") or {}
    unread = _paths(outputs.get("malformed"))
    malformed = unread[0][1] if unread and unread[0][1] is not None else rows.get("malformed")
    known = {
        "accepted": rows.get("accepted"),
        "malformed": malformed,
        "errors": sum((summary.get("findings") or {}).values()),
    }
    if malformed is not None or "malformed" not in outputs:
        known["rejected"] = rows.get("rejected", 0) - (malformed or 0)
    return [(path, known.get(key) if number is None else number) for key, path, number in _outputs(outputs)]


def _outputs(outputs: Mapping[str, object]) -> list[tuple[str, str, int | None]]:
    return [(key, path, rows) for key, output in outputs.items() for path, rows in _paths(output)]


def _paths(output: object) -> list[tuple[str, int | None]]:
    """Paths and row counts of one entry of `outputs`: a path, {path, rows}, or a list of either."""
    match output:
        case None:
            return []
        case Mapping():
            return [(str(output["path"]), output.get("rows"))]
        case list() | tuple():
            return [pair for item in output for pair in _paths(item)]
        case _:
            return [(str(output), None)]


def _names(value: object) -> list[str]:
    if isinstance(value, Mapping):
        return [str(name) for name in value.values()]
    return [str(name) for name in value] if isinstance(value, list | tuple | set) else []
