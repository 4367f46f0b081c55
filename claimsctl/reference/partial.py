"""A download on its way: the file that grows, and the note beside it that says of which version it is."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING

from claimsctl.security.files import disk_errors, write_private

if TYPE_CHECKING:
    import httpx


@dataclass(frozen=True, slots=True)
class Note:
    """Beside a partial file: where it is from (a digest, an address may hold a key) and which version."""

    source: str
    validator: str
    total: int | None

    @staticmethod
    def read(part: Path, url: str) -> Note | None:
        """The note beside `part`; None when there is none, or it is of another address."""
        try:
            note = Note(**json.loads(_note_file(part).read_bytes()))
        except (OSError, ValueError, TypeError):
            return None
        whole = note.total is None or (isinstance(note.total, int) and note.total > 0)
        return note if whole and note.source == _digest(url) else None


def write_note(part: Path, url: str, response: httpx.Response, total: int | None) -> None:
    """Say beside `part` which version of the file it is; nothing where the answer does not tell."""
    tag = response.headers.get("ETag", "")
    # A weak tag does not promise the same bytes.
    validator = tag if tag.startswith('"') else response.headers.get("Last-Modified", "")
    if validator:
        note = Note(_digest(url), validator, total)
        write_private(_note_file(part), json.dumps(asdict(note)).encode())


def discard(part: Path) -> None:
    """Remove a partial or whole download."""
    with disk_errors(part, "remove"):
        part.unlink(missing_ok=True)
        _note_file(part).unlink(missing_ok=True)


def settle(part: Path, target: Path) -> None:
    """Give a whole download its own name."""
    with disk_errors(target, "write"):
        part.replace(target)
        _note_file(part).unlink(missing_ok=True)


def size_of(part: Path) -> int:
    """Bytes received so far."""
    try:
        return part.stat().st_size
    except FileNotFoundError:
        return 0


def _note_file(part: Path) -> Path:
    return part.with_name(f"{part.name}.json")


def _digest(url: str) -> str:
    return sha256(url.encode()).hexdigest()
