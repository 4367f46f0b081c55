"""Inputs that are read from databases: fetched into a private file first, then read as any Parquet file."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final

from claimsctl.errors import ClaimsctlError, InputError
from claimsctl.ingest.mapping import map_headers
from claimsctl.ingest.parquet import ParquetSource
from claimsctl.ingest.sources import unique_names
from claimsctl.ingest.stream import InputFile
from claimsctl.process.progress import Progress

if TYPE_CHECKING:
    from claimsctl.ingest.parts import Source
    from claimsctl.process.intake import Input
    from claimsctl.process.request import Request
    from claimsctl.process.returning import Returning
    from claimsctl.sql.database import Database
    from claimsctl.sql.marks import Since
    from claimsctl.sql.reading import Ask, Fetched
    from claimsctl.store.workspace import Workspace

OWED: Final = "outcome.json"
"""File of a job: the outcomes that are to be written, each with its sealed file."""
NOTED: Final = "watermarks.json"
"""File of a job with the marks it reached (sql.watermark)."""


@dataclass(frozen=True)
class FromDatabase:
    """A source of a run: the database, with what is read from it, a further condition, what is new.

    `since`: None reads everything. `typed` is what the user gave (name or URL, table, query, where, since),
    so that the job can be repeated.
    """

    database: Database
    where: str | None = None
    since: Since | None = None
    typed: Mapping[str, str | None] = field(default_factory=dict)


class FetchedSource(ParquetSource):
    """Rows that were fetched from a database; `row_number` is the record number in the order read."""

    format = "sql"

    def __init__(self, file: InputFile, index: int, name: str, asked: FromDatabase, fetched: Fetched) -> None:
        super().__init__(file, index, name)
        self.asked = asked
        self.fetched = fetched

    def notes(self) -> list[str]:
        """What is to be told of how it was fetched."""
        return list(self.fetched.notes)

    def told(self) -> dict[str, object]:
        """Where it comes from, and up to which value it was read by its watermark."""
        database, since, mark = self.asked.database, self.asked.since, self.fetched.mark
        said: dict[str, object] = {"database": database.place, "table": database.source.table}
        if since is not None:
            before = since.given or (since.mark.value if since.mark is not None else None)
            said["watermark"] = {
                "column": database.source.watermark, "since": before,
                "to": mark.value if mark is not None else None,
            }  # fmt: skip
        return said


def fetch_sources(
    request: Request,
    into: Path,
    house: Mapping[str, str],
    before: Sequence[Source],
    progress: Progress = lambda *_: None,
) -> list[Source]:
    """Fetch every source of the request into the directory `into`; `before` are the inputs already opened.

    A source without rows is an InputError, unless another input has some and nothing is new in it.
    """
    from claimsctl.sql.reading import fetch

    asked_names = [each.database.name for each in request.sources]
    names = unique_names([*(each.path for each in before), *asked_names])
    found: list[Source] = []
    nothing: list[str] = []
    for number, asked in enumerate(request.sources):
        database = asked.database
        fetched = fetch(
            database,
            ask_of(asked, request, house),
            into / f"fetched-{number}.parquet",
            progress=partial(_told, progress),
        )
        if fetched.nothing:
            nothing.append(f"{database.name}: {nothing_new(asked)}")
            continue
        if not fetched.rows:
            where = " that the conditions leave" if asked.where or database.source.where else ""
            raise InputError(
                f"{database.name}: there are no rows{where}.", hint="Check what is to be read, and --where."
            )
        file = InputFile.at(fetched.path, database.name)
        name = names[len(before) + number]
        found.append(FetchedSource(file, len(before) + len(found), name, asked, fetched))
    if not before and not found:
        raise InputError(" ".join(nothing), hint="Run again when there is something new.")
    return found


def ask_of(asked: FromDatabase, request: Request, house: Mapping[str, str]) -> Ask:
    """The question to a database. Lines of a claim belong together where their claim number is known."""
    from claimsctl.sql.reading import Ask

    def claim(names: Sequence[str]) -> str | None:
        mapped = map_headers(
            names, extra=request.mapping, constants=request.constants, profile=request.profile, house=house,
            strict=False,
        )  # fmt: skip
        index = mapped.columns.get("claim_number")
        return names[index] if index is not None else None

    return Ask(asked.database.source, asked.where, asked.since, request.limit, claim)


def nothing_new(asked: FromDatabase) -> str:
    """A sentence on a source in which nothing is new."""
    since = asked.since
    value = None if since is None else since.given or (since.mark.value if since.mark is not None else None)
    column = asked.database.source.watermark
    return f"nothing new since {column} {value}." if value is not None else "there are no rows."


def fetched_of(inputs: Sequence[Input]) -> list[FetchedSource]:
    """The inputs that came from databases."""
    return [each.source for each in inputs if isinstance(each.source, FetchedSource)]


def returning_of(inputs: Sequence[Input], spill: Path) -> list[Returning]:
    """What collects that which the run owes its databases; empty where it reads from none."""
    if not fetched_of(inputs):
        return []
    from claimsctl.process.returning import Returning

    return [Returning(inputs, spill)]


def named_in(request: Request) -> Callable[[str], Database]:
    """The databases that a request reads, by the name or URL that was typed."""
    named = {each.database.given or each.database.name: each.database for each in request.sources}
    return named.__getitem__


def owes(workspace: Workspace, job_id: str) -> bool:
    """Whether a job still owes something to a database it read from."""
    place = workspace.job_directory(job_id)
    return any((place / name).exists() for name in (OWED, NOTED))


def settle_sources(workspace: Workspace, job_id: str, database_named: Callable[[str], Database]) -> None:
    """Settle what a job that has come to its end owes the databases it read from: write the outcomes, then
    move the watermarks. Doing it twice does no harm; `database_named` gives a database by name or URL."""
    if not owes(workspace, job_id):
        return
    from claimsctl.process.returning import settle

    try:
        settle(workspace, job_id, database_named)
    except ClaimsctlError as error:
        raise type(error)(
            f"{error} The results are complete and stored.",
            hint=f"Then finish it with `claimsctl jobs resume {job_id}`.",
        ) from None


def _told(progress: Progress, rows: int) -> None:
    progress("fetching", 0, 0, rows)
