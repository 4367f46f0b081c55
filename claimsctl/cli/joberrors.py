"""What `jobs errors` does and prints."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from claimsctl.cli.joblist import print_document, screen_of
from claimsctl.cli.render_findings import MAX_CAUSES, show_causes, show_codes
from claimsctl.cli.run import notifier, open_workspace
from claimsctl.cli.screen import Screen, count, new_table
from claimsctl.cli.state import State
from claimsctl.jobs.documents import named_job
from claimsctl.jobs.exporting import export_findings
from claimsctl.jobs.findings import Filter, check_has_findings, findings_of, parts, shown, summary_of
from claimsctl.jobs.story import NOTHING_KEPT, row_story
from claimsctl.security.audit_names import named
from claimsctl.security.audit_watch import access
from claimsctl.security.keys import load_keys
from claimsctl.store.jobs import JobStore
from claimsctl.write.formats import TableFormat

if TYPE_CHECKING:
    import polars as pl

    from claimsctl.store.workspace import Workspace

_SEVERITY_STYLES = {"error": "red", "warning": "yellow", "info": "blue"}


@dataclass(frozen=True)
class Asked:
    """What was asked of the findings of a job."""

    job: str
    wanted: Filter
    limit: int
    page: int
    export: TableFormat | None = None
    out: Path | None = None


def print_errors(state: State, asked: Asked) -> None:
    """Counts, then one page of findings; or a file of them; or the story of one row."""
    _, workspace = open_workspace(state)
    jobs = JobStore(workspace)
    job = named_job(jobs, asked.job)
    check_has_findings(workspace, job)
    if asked.export is not None:
        path = asked.out or Path(f"errors-{job.job_id}.{asked.export}")
        rows = export_findings(
            parts(workspace, job, asked.wanted), path, asked.export, job.job_id, replaces=state.yes,
            allowed=partial(_exporting, state, workspace, job.job_id, path),
        )  # fmt: skip
        if state.json:
            print_document({"job_id": job.job_id, "file": str(path), "rows": rows})
        else:
            screen_of(state).line(f"{count(rows, 'finding')} in {path}")
        return
    if asked.wanted.row is not None:
        story = row_story(
            workspace, jobs, job, asked.wanted.row, asked.wanted.input, load_keys(workspace, None)
        )
        access(workspace, "jobs errors", count=1, notify=notifier(state), job=job.job_id)
        print_document(story) if state.json else _tell(screen_of(state), story)
        return
    found = findings_of(workspace, job)
    counts = summary_of(found.filter(asked.wanted.expression()))
    some, total = shown(found, asked.wanted, asked.page, asked.limit)
    access(workspace, "jobs errors", count=some.height, notify=notifier(state), job=job.job_id)
    if state.json:
        document = {"job_id": job.job_id, "status": job.status, **counts, "total": total,
                    "page": asked.page, "details": some.to_dicts()}  # fmt: skip
        print_document(document)
        return
    screen = screen_of(state)
    fit = ", ".join(count(n, _noun(s)) for s, n in counts["findings"].items())
    if asked.wanted != Filter():  # none of these is not none in the job
        fit += f" as asked for, of {count(sum(job.counts.values()), 'finding')}"
    screen.line(f"Job {job.job_id}: {fit}")
    causes = [cause for cause in counts["causes"] if cause["severity"] != "info"]
    show_causes(screen, causes[:MAX_CAUSES])
    if len(causes) > MAX_CAUSES:
        screen.line(f"  {len(causes) - MAX_CAUSES:,} more with --json.", "dim")
    show_codes(screen, counts["by_code"])
    for title, name, rows in (
        ("Findings by type", "type", counts["by_type"]),
        ("Findings by field", "field", counts["by_field"]),
    ):
        _counted(screen, title, name, rows)
    _details(screen, some, total, asked)


def _exporting(state: State, workspace: Workspace, job_id: str, path: Path, rows: int) -> None:
    """Record that findings leave, before they do."""
    access(
        workspace, "export findings", count=rows, notify=notifier(state), exported=True, job=job_id,
        file=named(workspace, path),
    )  # fmt: skip


def _noun(severity: str) -> str:
    return "info finding" if severity == "info" else severity


def _counted(screen: Screen, title: str, name: str, rows: list[dict[str, Any]]) -> None:
    if not rows:
        return
    screen.heading(title)
    columns = [name, *(["severity"] if "severity" in rows[0] else []), "rows", "claims"]
    table = new_table(*columns)
    for row in rows[:15]:
        table.add_row(*(screen.text(_cell(row[column])) for column in columns))
    screen.block(table)
    if len(rows) > 15:
        screen.line(f"  and {len(rows) - 15:,} more; --json has all", "dim")


def _cell(value: object) -> str:
    return "" if value is None else f"{value:,}" if isinstance(value, int) else str(value)


def _details(screen: Screen, some: pl.DataFrame, total: int, asked: Asked) -> None:
    first = (asked.page - 1) * asked.limit + 1
    if not some.height:
        screen.heading(f"No finding from {first:,} on; there are {total:,}." if total else "No finding.")
        return
    screen.heading(f"Findings {first:,} to {first + some.height - 1:,} of {total:,}")
    for row in some.iter_rows(named=True):
        where = f"row {row['row_number']}" if row["row_number"] is not None else str(row["input"])
        claim = f", claim {row['claim_number']}" if row["claim_number"] else ""
        line = f" line {row['line_number']}" if row["line_number"] is not None else ""
        screen.line(f"{where}{claim}{line}  {row['severity']} {row['code']} {row['field'] or ''}".rstrip(),
                    _SEVERITY_STYLES.get(str(row["severity"]), ""), 2)  # fmt: skip
        screen.wrapped(str(row["message"]), 4)
        if row["suggestion"]:
            screen.wrapped(f"Fix: {row['suggestion']}", 4, "green")
    if first + some.height - 1 < total:
        screen.line(f"Next: --page {asked.page + 1}; all of them in a file: --export csv")


def _tell(screen: Screen, story: dict[str, Any]) -> None:
    claim = f", claim {story['claim_number']}" if story["claim_number"] else ""
    screen.line(f"Row {story['row_number']} of {story['input'] or 'the input'}{claim}: {story['verdict']}",
                "bold")  # fmt: skip
    if story["verdict"] == NOTHING_KEPT:
        screen.wrapped("Its claim was stored before and has not changed, or has gone since; or the input has "
                       "no such row.", 2)  # fmt: skip
    if story["cells"]:
        screen.heading("As given (identifiers masked)")
        for header, text in story["cells"].items():
            screen.labelled(header, str(text), 2, 24)
    for title, found in (
        ("Found on it", story["findings"]),
        ("On other lines of its claim", story["other_lines"]),
    ):
        if found:
            screen.heading(title)
        for each in found:
            at = "" if each["row_number"] == story["row_number"] else f"row {each['row_number']}: "
            screen.wrapped(f"{at}{each['severity']} {each['code']}: {each['message']}", 2,
                           _SEVERITY_STYLES.get(each["severity"], ""))  # fmt: skip
            if each["suggestion"]:
                screen.wrapped(f"Fix: {each['suggestion']}", 4, "green")
    if story["claim_now"]:
        screen.heading("Its claim now")
        for each in story["claim_now"]:
            screen.line(f"{each['status']}, version {each['version']}, of job {each['job_id']}", indent=2)
    if story["later"]:
        screen.heading("Tried again")
        for each in story["later"]:
            left = ", ".join(error["code"] for error in each["errors"]) or "no error on it"
            screen.line(f"job {each['job_id']} (row {each['row_number']}): {left}", indent=2)
            for edit in each["edited"]:
                screen.line(f"{edit['column']}: {edit['before'] or 'blank'} -> {edit['after'] or 'blank'}",
                            indent=4)  # fmt: skip
