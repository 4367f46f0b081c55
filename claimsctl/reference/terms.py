"""Terms that a user accepts before a file with licensed codes is fetched, and when they did."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from claimsctl.errors import StoreError
from claimsctl.security.files import disk_errors, private_directory, write_private

TERMS_FILE: Final = "terms.json"


@dataclass(frozen=True, slots=True)
class Terms:
    """A licence. A new `version` has to be accepted anew."""

    name: str
    title: str
    version: str
    url: str
    summary: str


def accepted_at(directory: Path, terms: Terms) -> datetime | None:
    """When the user of this workspace accepted the terms as they are now; None when they have not."""
    entry = _read(directory).get(terms.name)
    if entry is None or entry.get("version") != terms.version:
        return None
    try:
        return datetime.fromisoformat(entry["accepted_at"])
    except (KeyError, ValueError) as error:
        raise _damaged(directory) from error


def accept(directory: Path, terms: Terms, now: datetime | None = None) -> None:
    """Write down that the user accepts the terms."""
    private_directory(directory)
    entries = _read(directory)
    at = (now or datetime.now(UTC)).isoformat(timespec="seconds")
    entries[terms.name] = {
        "title": terms.title, "version": terms.version, "url": terms.url, "accepted_at": at,
    }  # fmt: skip
    write_private(directory / TERMS_FILE, json.dumps(entries, indent=1).encode())


def _read(directory: Path) -> dict[str, dict[str, str]]:
    path = directory / TERMS_FILE
    with disk_errors(path, "read"):
        if not path.exists():
            return {}
        text = path.read_bytes()
    try:
        found = json.loads(text)
    except ValueError as error:
        raise _damaged(directory) from error
    if not isinstance(found, dict) or not all(isinstance(entry, dict) for entry in found.values()):
        raise _damaged(directory)
    return found


def _damaged(directory: Path) -> StoreError:
    return StoreError(
        f"{directory / TERMS_FILE} is damaged.", hint="Remove it; fetch asks for the terms again."
    )
