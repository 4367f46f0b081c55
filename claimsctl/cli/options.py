"""Options that more than one command has."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass, fields, is_dataclass
from datetime import datetime
from enum import StrEnum
from functools import wraps
from pathlib import Path
from typing import Annotated, Any, Final, get_type_hints

import typer

MOST: Final = 1_000_000_000
"""Largest count, page or row: a page of so many so far on is still a number that databases know."""


class OutputFormat(StrEnum):
    """Format of the accepted claims."""

    parquet = "parquet"
    csv = "csv"
    xlsx = "xlsx"


class Duplicates(StrEnum):
    """What to do with a claim that the store holds in another version."""

    skip = "skip"
    update = "update"
    error = "error"


class FailOn(StrEnum):
    """Lowest severity that makes the exit status 1."""

    error = "error"
    warning = "warning"


class ExportFormat(StrEnum):
    """Formats of an export."""

    csv = "csv"
    xlsx = "xlsx"
    parquet = "parquet"
    json = "json"


class LogFormat(StrEnum):
    """How the log is written."""

    text = "text"
    json = "json"


class Purposes(StrEnum):
    """What patient data is needed for."""

    payment = "payment"
    treatment = "treatment"
    operations = "operations"
    audit = "audit"
    patient_request = "patient-request"
    research = "research-deidentified"


Inputs = Annotated[
    list[str], typer.Argument(help="Files, globs or directories; - reads standard input.", show_default=False)
]
MaybeInputs = Annotated[
    list[str] | None,
    typer.Argument(
        help="Files, globs or directories; - reads standard input. Not needed with --from.",
        show_default=False,
    ),
]
Out = Annotated[Path | None, typer.Option(help="Output directory; else claimsctl-out/<job>.")]
Format = Annotated[OutputFormat | None, typer.Option(help="Format of accepted claims.")]
Payer = Annotated[str | None, typer.Option(help="Payer of lines that name none.")]
Practice = Annotated[str | None, typer.Option(help="Practice id, as in [practice.<id>].")]
Profile = Annotated[
    str | None, typer.Option(help="Which columns must be there: professional, session or status.")
]
PracticeType = Annotated[str | None, typer.Option(help="Kind of practice, such as therapy.")]
Map = Annotated[
    list[str] | None, typer.Option("--map", help='Header to column, as in "Their Column=procedure_code".')
]
Set = Annotated[
    list[str] | None, typer.Option("--set", help="Constant for a column, as in billing_npi=1234567893.")
]
Sheet = Annotated[
    str | None,
    typer.Option(help="Sheet of a workbook to read; else the first that has a header of claims."),
]
Locality = Annotated[
    str | None,
    typer.Option(help="Medicare locality of lines that name none, as 01112/05; goes before ZIP codes."),
]
AsOf = Annotated[
    datetime | None, typer.Option("--as-of", formats=["%Y-%m-%d"], help="Date that stands for today.")
]
OnStored = Annotated[Duplicates | None, typer.Option(help="Claims stored in another version.")]
BatchSize = Annotated[int | None, typer.Option(min=100, max=5_000_000, help="Lines per part.")]
To = Annotated[
    list[str] | None,
    typer.Option("--to", help="Write the results into this database too: [sql.<name>] or a URL."),
]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Check and report; write and store nothing.")]
FailAt = Annotated[FailOn | None, typer.Option(help="Exit 1 on findings of this severity.")]
Limit = Annotated[int | None, typer.Option(min=1, max=MOST, help="Only the first lines of each input.")]
SafeCsv = Annotated[
    bool, typer.Option("--safe-csv", help="Neutralise spreadsheet formulas in all CSV output.")
]
Rules = Annotated[list[str] | None, typer.Option("--rules", help="Further rule packs (TOML files).")]
Only = Annotated[list[str] | None, typer.Option("--only", help="Run only these rules (PAT-008, MOD-*).")]
Without = Annotated[list[str] | None, typer.Option("--without", help="Leave these rules out.")]
Fix = Annotated[bool, typer.Option("--fix", help="Repair the form of cells first, as claimsctl fix does.")]
ShowPhi = Annotated[
    bool, typer.Option("--show-phi", help="Identifiers as they are, not masked; noted in the audit log.")
]
MoveTo = Annotated[
    Path | None,
    typer.Option(help="Inbox: each file of a directory once, one job each, moved here when it is done."),
]
OnError = Annotated[Path | None, typer.Option(help="Inbox: where files go that cannot be processed.")]
Priority = Annotated[
    list[str] | None,
    typer.Option("--priority", help="Number of the job, higher first; PATTERN=NUMBER by file of an inbox."),
]
From = Annotated[
    list[str] | None,
    typer.Option(
        "--from",
        metavar="NAME|URL",
        help="Read a database: [sql.<name>] of the settings, or a URL without password.",
    ),
]
Where = Annotated[
    str | None,
    typer.Option(metavar="SQL", help="Only rows of --from for which this holds, as in \"status = 'NEW'\"."),
]
Since = Annotated[
    str | None,
    typer.Option(
        metavar="last|VALUE", help="Only rows of --from that are new, or from a value on, by its watermark."
    ),
]
Table = Annotated[str | None, typer.Option(metavar="TABLE", help="Table or view of --from, with its schema.")]
Query = Annotated[str | None, typer.Option(metavar="SQL", help="Query of --from, instead of a table.")]
NoScore = Annotated[bool, typer.Option("--no-score", help="No denial risks.")]
HoldAbove = Annotated[
    float | None,
    typer.Option(min=0, max=1, help="Hold claims of a higher denial risk back, 0 to 1; 1 holds none."),
]
GoOn = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask before large inputs.")]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Replace output files that exist.")]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON document instead of text.")]
Quiet = Annotated[
    bool, typer.Option("--quiet", "-q", help="No notices, progress or summary; only trouble is told.")
]
QuietRun = Annotated[
    bool,
    typer.Option(
        "--quiet", "-q",
        help="Only trouble is told; the results are in the files, summary.json and --json.",
    ),
]  # fmt: skip
Verbose = Annotated[bool, typer.Option("--verbose", "-v", help="Mapping and rules in full.")]


@dataclass(frozen=True)
class Reading:
    """How claims are read: the options of every command that checks some."""

    payer: Payer = None
    practice: Practice = None
    profile: Profile = None
    practice_type: PracticeType = None
    mapping: Map = None
    constants: Set = None
    sheet: Sheet = None
    locality: Locality = None
    as_of: AsOf = None


@dataclass(frozen=True)
class Choosing:
    """Which rules claims are checked with."""

    rules: Rules = None
    only: Only = None
    without: Without = None


@dataclass(frozen=True)
class Risk:
    """What is done with denial risks."""

    no_score: NoScore = False
    hold_above: HoldAbove = None


@dataclass(frozen=True)
class FromSql:
    """Which rows of databases are read."""

    sources: From = None
    where: Where = None
    since: Since = None
    table: Table = None
    query: Query = None


@dataclass(frozen=True)
class Queueing:
    """An inbox, and the order of its files."""

    move_to: MoveTo = None
    on_error: OnError = None
    priority: Priority = None


def with_groups(command: Callable[..., None]) -> Callable[..., None]:
    """The command with the fields of its groups (parameters of type Reading, Choosing) as options."""
    signature = inspect.signature(command, eval_str=True)
    parameters: list[inspect.Parameter] = []
    groups: dict[str, type] = {}
    for parameter in signature.parameters.values():
        group = parameter.annotation
        if not (isinstance(group, type) and is_dataclass(group)):
            parameters.append(parameter.replace(kind=parameter.KEYWORD_ONLY))
            continue
        groups[parameter.name] = group
        hints = get_type_hints(group, include_extras=True)
        parameters += [
            inspect.Parameter(
                each.name, parameter.KEYWORD_ONLY, default=each.default, annotation=hints[each.name]
            )
            for each in fields(group)
        ]

    @wraps(command)
    def run(**given: Any) -> None:
        for name, group in groups.items():
            given[name] = group(**{each.name: given.pop(each.name) for each in fields(group)})
        command(**given)

    run.__signature__ = signature.replace(parameters=parameters)  # type: ignore[attr-defined]
    return run
