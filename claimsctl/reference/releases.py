"""What a loader makes of a published file: one release of one reference table."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Final

import polars as pl

from claimsctl.errors import InputError

HEAD_BYTES: Final = 1 << 16


class UnknownRelease(InputError):
    """A file that no loader recognises, or that is damaged."""


class NoDate(UnknownRelease):
    """A file that does not say from which service date it is in force."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the user says of an edition where the file does not: its name, its service dates, its table."""

    edition: str | None = None
    valid_from: date | None = None
    valid_to: date | None = None
    table: str | None = None


@dataclass(frozen=True, slots=True)
class Opened:
    """A plain file to recognise: unpacked, with its name as published and its first bytes.

    `name` is the member's base name inside a zip, without .gz; it is only a hint (a quarter in it), a
    file is recognised by what it says.
    """

    name: str
    path: Path
    head: bytes

    @classmethod
    def of(cls, path: Path, name: str | None = None) -> Opened:
        """Open a plain file."""
        with path.open("rb") as file:
            return cls(name or path.name, path, file.read(HEAD_BYTES))

    def text(self, encoding: str = "cp1252") -> str:
        """The whole file as text: NUL-free, without byte order mark and trailing 0x1A, `\\n` at line ends."""
        data = self.path.read_bytes()
        if data.startswith(b"\xef\xbb\xbf"):
            data, encoding = data[3:], "utf-8"
        text = data.rstrip(b"\x1a\r\n \x00").decode(encoding, errors="replace")
        return text.replace("\r\n", "\n").replace("\r", "\n").replace("\u00a0", " ")

    def head_text(self) -> str:
        """The first bytes as text, for recognising."""
        return self.head.decode("cp1252", errors="replace").replace("\r\n", "\n").lstrip("\u00ef\u00bb\u00bf")


@dataclass(frozen=True, slots=True)
class Release:
    """One edition of a table, read and checked. The key is the first column of `frame`.

    Rows may carry `valid_from` and `valid_to` of their own (null: open); `valid_from`/`valid_to` are the
    service dates of the edition. `notes` tell what was left out or mended. `part`: the publisher parts
    the edition into several files, which are in force together. `usual`: how many rows are published, 0
    where only an earlier edition tells; None for a table of any size.
    """

    table: str
    edition: str
    valid_from: date | None
    valid_to: date | None
    source: str
    licence: str
    frame: pl.DataFrame = field(repr=False)
    notes: tuple[str, ...] = ()
    part: bool = False
    usual: int | None = None


@dataclass(frozen=True, slots=True)
class Format:
    """A published file format: how it is told from others, and how it is read.

    `read` raises UnknownRelease for a file that is damaged, with what was expected and what was found;
    it gives one release per table in the file. `expects` says in words what such a file looks like.
    """

    name: str
    tables: tuple[str, ...]
    title: str
    expects: str
    recognises: Callable[[Opened], bool]
    read: Callable[[Opened, Wanted], Iterator[Release] | Sequence[Release]]


US_GOVERNMENT: Final = "US government work, public domain"
CPT_CODES: Final = (
    "US government work that contains CPT codes (c) American Medical Association; descriptors are not kept"
)


def damaged(opened: Opened, expected: str, found: str) -> UnknownRelease:
    """The error for a file that was recognised and does not hold what it should."""
    return UnknownRelease(
        f"{opened.name}: expected {expected}, found {found}.",
        hint="Download the file again as published; nothing was loaded.",
    )


def no_date(opened: Opened, what: str, since: str) -> NoDate:
    """The error for a file that does not say from when it is in force; `since`: a day on which such begin."""
    return NoDate(
        f"{opened.name}: {what} does not say from which service date it is in force.",
        hint=f"Say it: --from {since} (and --edition NAME for its name).",
    )
