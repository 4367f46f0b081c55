"""What a person sees on the terminal at the end of a run.

Text from files is never markup and never a terminal command. Import this module where it is used:
Rich takes a tenth of a second.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from shlex import quote
from typing import TYPE_CHECKING, Any, Final

from claimsctl.cli.fact_lines import fact_lines
from claimsctl.cli.render_files import UNFINISHED, show_files, show_next
from claimsctl.cli.render_findings import show_causes, show_codes
from claimsctl.cli.screen import Screen, byte_size, count, duration, new_table

if TYPE_CHECKING:
    from rich.console import Console

_OUTCOMES: Final = ("read", "accepted", "held", "rejected", "skipped")


def render_summary(
    summary: Mapping[str, Any], console: Console, *, next_command: Sequence[str] = ("claimsctl", "process")
) -> None:
    """Print the end of a run from the keys of summary.json; absent keys are passed over.

    `next_command` is what the user typed, without inputs: it is shown again with the rejected file.
    """
    screen = Screen(console)
    screen.line(*_verdict(summary))
    for each in _sheets_left(summary):
        screen.line(each, "bold yellow")
    screen.gap()
    _outcomes(screen, summary)
    show_causes(screen, summary.get("causes") or ())
    show_codes(screen, summary.get("findings_by_code") or ())
    _facts(screen, summary)
    show_files(screen, summary)
    show_next(screen, summary, next_command)
    _speed(screen, summary)


def _verdict(summary: Mapping[str, Any]) -> tuple[str, str]:
    claims = summary.get("claims") or {}
    read, accepted, skipped, held = (claims.get(k, 0) for k in ("read", "accepted", "skipped", "held"))
    rejected = claims.get("rejected", 0)
    unfinished = UNFINISHED.get(str(summary.get("status")))
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


def _sheets_left(summary: Mapping[str, Any]) -> Iterator[str]:
    """Sheets of claims that nobody has asked to leave out, one sentence for each."""
    if not any(each.get("code") == "FILE-016" for each in summary.get("findings_by_code") or ()):
        return
    for given in summary.get("inputs") or ():
        for each in given.get("sheets_not_read") or ():
            if each["claims"] and not each["hidden"]:
                yield f"Sheet {each['name']} has claims too and was not read: --sheet {quote(each['name'])}"


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


def _facts(screen: Screen, summary: Mapping[str, Any]) -> None:
    lines = [(label, text) for label, text in fact_lines(summary) if text]
    if lines:
        screen.gap()
    for label, text in lines:
        screen.labelled(label, text)


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
