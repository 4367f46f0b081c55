"""How far each source has been read, kept in the workspace: one small file for each, written whole.

A run notes how far it read (`note`); the mark moves only when all that the run had to do is done (`confirm`).
A job that fails, or is stopped, leaves it where it was.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

from claimsctl.errors import StoreError
from claimsctl.security.files import disk_errors, private_directory, write_private
from claimsctl.sql.database import Database
from claimsctl.sql.marks import Mark

DIRECTORY: Final = "watermarks"
"""Directory of the workspace with the marks."""
NOTED: Final = "watermarks.json"
"""File of a job with the marks it reached."""


@dataclass(frozen=True)
class Reached:
    """A mark that a job reached: of which source (`key`), what it was `before`, and words for a person."""

    key: str
    name: str
    column: str
    mark: Mark
    before: Mark | None = None


def key_of(database: Database, where: str | None = None) -> str:
    """What a mark belongs to: a place, table or query, conditions and column; a name alone may be moved."""
    source = database.source
    said = [database.url, database.schema, source.table, source.query, source.where, where, source.watermark]
    return hashlib.sha256(json.dumps(said).encode()).hexdigest()[:24]


def last(workspace: Path, key: str) -> Mark | None:
    """The mark of a source; None where it has never been read to its end. StoreError for a damaged file."""
    found = _read(_file(workspace, key))
    return _mark(found["mark"]) if found else None


def note(job_directory: Path, reached: Sequence[Reached]) -> None:
    """Note with a job what it reached."""
    if reached:
        write_private(job_directory / NOTED, json.dumps([asdict(each) for each in reached]).encode())


def pending(job_directory: Path) -> tuple[Reached, ...]:
    """What a job reached that is not confirmed."""
    found: list[dict[str, Any]] = _read(job_directory / NOTED) or []
    return tuple(
        Reached(**{**each, "mark": Mark(**each["mark"]), "before": _mark(each["before"])}) for each in found
    )


def confirm(workspace: Path, job_directory: Path, job_id: str) -> tuple[Reached, ...]:
    """Move the marks to what a job reached, except where a later job has; doing it twice does no harm."""
    reached = pending(job_directory)
    for each in reached:
        file = _file(workspace, each.key)
        now = _read(file)
        if now is None or now["job_id"] <= job_id:
            private_directory(file.parent)
            write_private(file, json.dumps({"job_id": job_id, **asdict(each)}, indent=1).encode())
    with disk_errors(job_directory / NOTED, "remove"):
        (job_directory / NOTED).unlink(missing_ok=True)
    return reached


def take_back(workspace: Path, job_id: str) -> tuple[str, ...]:
    """Put the marks that a job moved last back to where they were, as it is undone; names of the sources."""
    names = []
    for file in sorted((workspace / DIRECTORY).glob("*.json")):
        now = _read(file)
        if now is None or now["job_id"] != job_id:
            continue
        before = now["before"]
        if before is None:
            with suppress(FileNotFoundError), disk_errors(file, "remove"):
                file.unlink()
        else:
            write_private(file, json.dumps({**now, "mark": before, "before": None}, indent=1).encode())
        names.append(now["name"])
    return tuple(names)


def _file(workspace: Path, key: str) -> Path:
    return workspace / DIRECTORY / f"{key}.json"


def _mark(found: dict[str, Any] | None) -> Mark | None:
    return Mark(**found) if found is not None else None


def _read(path: Path) -> Any:
    try:
        return json.loads(path.read_bytes())
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is damaged"
        raise StoreError(
            f"{path} cannot be read: {why}.",
            hint="Restore it, or remove it and read on with --since VALUE.",
        ) from None
