"""The summary of a job of questions as people read it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from claimsctl.cli.checkprogress import counted
from claimsctl.cli.run import console
from claimsctl.cli.screen import Screen, count, duration, new_table
from claimsctl.cli.sent_lines import sent_lines
from claimsctl.cli.state import State

if TYPE_CHECKING:
    import polars as pl

_SHOWN: Final = 20
_ERRORS: Final = 8
_COLUMNS: Final = ("claim", "payer", "status", "charged", "paid", "patient", "paid on", "check", "code")


def show_summary(state: State, summary: Mapping[str, Any]) -> None:
    """The summary as text, or as one JSON document."""
    if state.json:
        from claimsctl.write.summary import summary_json

        print(summary_json(summary), end="")
        return
    if state.quiet:
        return
    screen = Screen(console(state))
    _headline(screen, summary)
    _claims(screen, summary)
    _errors(screen, summary)
    _routes(screen, summary)
    for _, text in sent_lines(summary.get("sent") or {}):
        screen.line(text)
    _files(screen, summary)
    _next(screen, summary)


def _headline(screen: Screen, summary: Mapping[str, Any]) -> None:
    claims = summary["claims"]
    told = counted(summary["answers"])
    screen.line(
        f"{claims['answered']:,} of {count(claims['read'], 'claim')} answered"
        + (f": {told}." if told else "."),
        "bold",
    )
    rest = [
        f"{number:,} {words}"
        for number, words in (
            (claims["failed"], "failed"),
            (claims["rejected"], "not asked: their rows need correction or a payer route"),
            (claims["not_asked"], "not asked: their payer could not be reached"),
            (claims["skipped"], "skipped"),
            (summary["cached"], "answered a few minutes ago, not asked again"),
            (summary["partial"], "answered in part"),
            (summary["several_matches"], "of which the payer has several, in matches"),
        )
        if number
    ]
    for text in rest:
        screen.line(text, indent=2)
    if summary["sandbox"] is not None:
        screen.line("Invented payers answered (--sandbox); nothing was stored.", indent=2)


def _claims(screen: Screen, summary: Mapping[str, Any]) -> None:
    """The first claims, where there are not many to look at."""
    rows = _read(Path(summary["outputs"]["status"]), _SHOWN)
    if not rows.height:
        return
    screen.gap()
    table = new_table(*_COLUMNS)
    for column in table.columns[3:6]:
        column.justify = "right"
    for row in rows.iter_rows(named=True):
        cells = (
            row["claim_number"] or row["payer_claim_number"] or f"row {row['row_number']}",
            row["payer_id"], row["status"], row["charge_amount"], row["paid_amount"],
            row["patient_responsibility_amount"], row["paid_date"], row["check_number"],
            " ".join(each for each in (row["category_code"], row["status_code"]) if each),
        )  # fmt: skip
        table.add_row(*(screen.text(str(each or "")) for each in cells))
    screen.block(table, 2, least=100)
    answered = summary["claims"]["answered"]
    if answered > rows.height:
        screen.line(
            f"{answered - rows.height:,} more in {Path(summary['outputs']['status']).name}.", indent=2
        )


def _read(path: Path, rows: int) -> pl.DataFrame:
    import polars as pl

    if path.suffix == ".csv":
        return pl.read_csv(path, infer_schema=False, n_rows=rows)
    return pl.read_parquet(path, n_rows=rows).select(pl.all().cast(pl.String))


def _errors(screen: Screen, summary: Mapping[str, Any]) -> None:
    """What went wrong, most claims first, with what helps."""
    found = [
        (each["claims"], each["error_type"], each["message"], each["suggestion"])
        for each in summary["errors_by_code"]
    ]
    found += [
        (each["rows"], "validation", each["cause"], each["fix"])
        for each in summary["causes"]
        if each["severity"] == "error"
    ]
    if not found:
        return
    screen.heading("What went wrong")
    for number, kind, message, fix in found[:_ERRORS]:
        screen.wrapped(f"{kind}: {message} ({count(number, 'claim')})", 2)
        screen.wrapped(fix, 5)
    if len(found) > _ERRORS:
        screen.line(f"{len(found) - _ERRORS} more in errors.csv.", indent=2)


def _routes(screen: Screen, summary: Mapping[str, Any]) -> None:
    asked = [each for each in summary["routes"] if each.get("requests")]
    if not asked:
        return
    screen.gap()
    table = new_table("Route", "Claims", "Requests", "Repeated", "Throttled")
    for column in table.columns[1:]:
        column.justify = "right"
    for each in asked:
        cells = [each["route"]]
        cells += [f"{each[name]:,}" for name in ("claims", "requests", "retries", "throttled")]
        table.add_row(*(screen.text(cell) for cell in cells))
    screen.block(table, 2)


def _files(screen: Screen, summary: Mapping[str, Any]) -> None:
    outputs = {name: Path(path) for name, path in summary["outputs"].items()}
    folder = outputs["status"].parent
    screen.heading(f"Files in {folder}")
    for line in _listed(outputs, summary):
        screen.line(line, indent=2)


def _listed(outputs: Mapping[str, Path], summary: Mapping[str, Any]) -> Iterator[str]:
    about = {
        "status": f"{summary['claims']['answered']:,} claims",
        "matches": "further claims that payers told of",
        "lines": "service lines",
        "errors": "what went wrong, and findings",
    }
    width = max(len(path.name) for path in outputs.values())
    for name, path in outputs.items():
        yield f"{path.name:<{width}}  {about.get(name, '')}"


def _next(screen: Screen, summary: Mapping[str, Any]) -> None:
    screen.gap()
    again = (
        summary["claims"]["failed"]
        + summary["claims"]["not_asked"]
        + (sum(each["claims"] for each in summary["errors_by_code"] if each["error_type"] == "validation"))
    )
    if again:
        screen.line("Next", "bold")
        screen.line(f"To ask again about what failed: claimsctl jobs retry {summary['job_id']}", indent=2)
        screen.gap()
    spent = summary["timings"]["total"]
    rate = f", {summary['claims_per_second']:,} claims/s" if summary["claims_per_second"] else ""
    screen.line(f"{count(summary['claims']['read'], 'claim')} in {duration(spent)}{rate}")
