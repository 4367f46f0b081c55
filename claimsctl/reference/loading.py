"""Reading published files into the edition store: unpacked safely, recognised by content, checked, stored."""

from __future__ import annotations

import dataclasses
import gzip
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from difflib import get_close_matches
from hashlib import sha256
from pathlib import Path, PurePosixPath
from typing import Final, Protocol

from claimsctl.errors import ClaimsctlError, InputError, UsageError
from claimsctl.reference.completeness import refuse_smaller
from claimsctl.reference.editions import Edition, EditionStore, Origin
from claimsctl.reference.formats import all_formats
from claimsctl.reference.guessing import ALL_FORMATS, unrecognised
from claimsctl.reference.releases import (
    Format,
    NoDate,
    Opened,
    Release,
    UnknownRelease,
    Wanted,
)

_MOST_MEMBERS: Final = 500
_MOST_BYTES: Final = 24 << 30
"""The NPPES file unpacks to about 11 GB; nothing that is published comes near this."""
_MOST_TIMES: Final = 250
"""Text compresses ten to thirty times; a thousand times is a bomb."""
_SMALL: Final = 16 << 20
_READABLE: Final = (".txt", ".csv", ".xml", ".fsh", ".dat", "")


@dataclass(frozen=True, slots=True)
class Loaded:
    """What became of one release: `edition` is None when this very file was loaded before."""

    release: Release
    edition: Edition | None
    format: str


def load_file(
    path: Path,
    store: EditionStore,
    spool: Path,
    *,
    wanted: Wanted | None = None,
    table: str | None = None,
    replace: bool = False,
    accept_smaller: bool = False,
) -> list[Loaded]:
    """Load every release in a file (plain, .gz, .zip); members of a zip that are no tables are passed over.

    `table` takes only that table, and is the table of a file that does not say which it is. Raises
    InputError when nothing in it is recognised or anything in it is damaged: then nothing of the file is
    stored. A file with far fewer rows than its table has is damaged too, unless `accept_smaller`.
    """
    found: list[tuple[Release, Origin, str]] = []
    unknown: list[Opened] = []
    others: set[str] = set()
    said = dataclasses.replace(wanted or Wanted(), table=table)
    undated: list[tuple[Opened, Origin, Format]] = []

    def take(opened: Opened, origin: Origin, format_: Format, wanted: Wanted) -> None:
        for release in format_.read(opened, wanted):
            if table not in (None, release.table):
                others.add(release.table)
                continue
            place = next((n for n, (other, _, _) in enumerate(found) if _same_place(other, release)), None)
            if place is None:
                found.append((release, origin, format_.name))
            else:
                found[place] = _beside(found[place], release, opened.name, format_.name)

    for opened, origin in unpacked(path, spool):
        format_ = recognise(opened)
        if format_ is None:
            unknown.append(opened)
            continue
        if table is not None and table not in format_.tables:
            others.update(format_.tables)
            continue
        try:
            take(opened, origin, format_, said)
        except NoDate:
            if origin.member is None:
                raise
            kept = spool / f"undated-{len(undated)}"
            opened.path.rename(kept)
            undated.append((dataclasses.replace(opened, path=kept), origin, format_))
    for opened, origin, format_ in undated:
        # Files of one archive are one release: what does not say its date has that of the others.
        dates = [r.valid_from for r, _, _ in found if r.valid_from is not None]
        take(opened, origin, format_, Wanted(valid_from=max(dates, default=None), table=table))
        opened.path.unlink()
    if not found:
        raise _nothing(path, unknown, table, others)
    for release, origin, _ in found:
        _in_order(release)
        if not accept_smaller:
            refuse_smaller(release, store, origin.member or origin.file)
    return [
        Loaded(release, store.add(release, origin, replace=replace), name) for release, origin, name in found
    ]


def _in_order(release: Release) -> None:
    """Refuse an edition that ends before it begins: no service date would find it."""
    first, last = release.valid_from, release.valid_to
    if first is not None and last is not None and last < first:
        raise UsageError(
            f"{release.table} {release.edition} would end on {last}, before its first service date, {first}.",
            hint="Correct --from or --to; nothing was loaded.",
        )


def _same_place(one: Release, other: Release) -> bool:
    """Whether only one of two releases of a file can be stored: the same table as CSV and as text, or the
    same dates twice."""
    together = one.part and other.part
    return one.table == other.table and (
        one.edition == other.edition or (one.valid_from == other.valid_from and not together)
    )


def _beside(
    kept: tuple[Release, Origin, str], other: Release, name: str, format_name: str
) -> tuple[Release, Origin, str]:
    """What is kept of an archive, with a note on a file that says other things and is left out.

    Published archives hold a table as CSV and as text; these are of two formats and need no note.
    """
    release, origin, format_kept = kept
    if format_kept != format_name or release.frame.equals(other.frame):
        return kept
    left_out = f"{name} has {other.table} for the same service dates with other rows, and was left out"
    return dataclasses.replace(release, notes=(*release.notes, left_out)), origin, format_kept


def recognise(opened: Opened) -> Format | None:
    """The format of a file by what it says; None when no format knows it."""
    return next((f for f in all_formats() if f.recognises(opened)), None)


def unpacked(path: Path, spool: Path) -> Iterator[tuple[Opened, Origin]]:
    """The plain files in a file, one at a time below `spool`, which may be emptied after each."""
    try:
        digest, size = _digest(path), path.stat().st_size
        with path.open("rb") as file:
            magic = file.read(4)
    except OSError as error:
        raise InputError(f"{path}: {error.strerror}.", hint="Check the name.") from error
    if not size:
        raise UnknownRelease(f"{path.name} is empty.", hint="Download the file again.")
    if magic == b"PK\x03\x04":
        yield from _members(path, spool, digest, size)
    elif magic[:2] == b"\x1f\x8b":
        plain = spool / "unpacked"
        with _reading(path), gzip.open(path) as packed:
            _copy(packed, plain, most=max(_SMALL, size * _MOST_TIMES), name=path.name)
        yield Opened.of(plain, path.name.removesuffix(".gz")), Origin(path.name, digest, size)
        plain.unlink()
    else:
        yield Opened.of(path), Origin(path.name, digest, size)


def _members(path: Path, spool: Path, digest: str, size: int) -> Iterator[tuple[Opened, Origin]]:
    with _reading(path), zipfile.ZipFile(path) as archive:
        infos = [i for i in archive.infolist() if not i.is_dir()]
        if len(infos) > _MOST_MEMBERS or sum(i.file_size for i in infos) > _MOST_BYTES:
            raise UnknownRelease(
                f"{path.name} unpacks to more than any release does.", hint="Unpack it yourself and look."
            )
        for info in infos:
            # Only the last part of the name is used, and never to write a file.
            name = PurePosixPath(info.filename.replace("\\", "/")).name
            if PurePosixPath(name).suffix.lower() not in _READABLE or info.flag_bits & 1:
                continue
            if info.file_size > max(_SMALL, info.compress_size * _MOST_TIMES):
                raise UnknownRelease(f"{path.name}: {name} is packed like a zip bomb.", hint="Look at it.")
            plain = spool / "unpacked"
            with archive.open(info) as packed:
                _copy(packed, plain, most=info.file_size, name=name)
            yield Opened.of(plain, name), Origin(path.name, digest, size, name)
            plain.unlink(missing_ok=True)


@contextmanager
def _reading(path: Path) -> Iterator[None]:
    """Damage that a decompressor finds, told as the file's."""
    try:
        yield
    except (zipfile.BadZipFile, gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise UnknownRelease(
            f"{path.name} is damaged: it cannot be unpacked to its end.",
            hint="Download the file again; nothing was loaded.",
        ) from error


class _Readable(Protocol):
    def read(self, size: int, /) -> bytes: ...


def _copy(packed: _Readable, target: Path, *, most: int, name: str) -> None:
    written = 0
    with target.open("wb") as plain:
        while block := packed.read(1 << 20):
            written += len(block)
            if written > most:
                raise UnknownRelease(f"{name} unpacks to more than it says.", hint="Look at the file.")
            plain.write(block)


def _digest(path: Path) -> str:
    digest = sha256()
    with path.open("rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


def _nothing(path: Path, unknown: Sequence[Opened], table: str | None, others: set[str]) -> ClaimsctlError:
    tables = {name for f in all_formats() for name in f.tables}
    if table is not None and table not in tables:
        near = get_close_matches(table, tables, n=3)
        meant = f"Did you mean {' or '.join(near)}? " if near else ""
        return UsageError(f"No file format holds the table {table}.", hint=f"{meant}{ALL_FORMATS}")
    if others:
        held = ", ".join(sorted(others))
        return UnknownRelease(
            f"{path.name}: nothing in it was recognised as {table}, but as {held}.",
            hint="Load it without --table, or with one of these.",
        )
    return unrecognised(path, unknown)
