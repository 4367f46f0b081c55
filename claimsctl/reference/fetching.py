"""Fetching an edition of a table: downloaded, checked, read whole, then stored at once.

Downloads lie in <workspace>/reference/.downloads. A file that broke off stays there as `.part` until the
next try; what was stored is removed there unless it is to be kept.
"""

from __future__ import annotations

import fcntl
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from hashlib import sha256
from pathlib import Path
from typing import Final

import polars as pl

from claimsctl.errors import InputError, UsageError
from claimsctl.reference.addresses import file_name, shown
from claimsctl.reference.completeness import refuse_smaller
from claimsctl.reference.download import FetchError, download
from claimsctl.reference.editions import Edition, EditionStore, Origin
from claimsctl.reference.formats import all_formats
from claimsctl.reference.loading import recognise, unpacked
from claimsctl.reference.partial import discard, settle
from claimsctl.reference.publishers import Order
from claimsctl.reference.releases import Release, UnknownRelease
from claimsctl.reference.terms import accepted_at
from claimsctl.security.files import FILE_MODE, disk_errors, private_directory

DOWNLOADS: Final = ".downloads"

Watch = Callable[[str, int, int], None]
"""Told the name of a file (at its first address), bytes received and bytes in all (0: unknown)."""


class TermsNotAccepted(UsageError):
    """The table is under terms that the user of this workspace has not accepted."""


@dataclass(frozen=True, slots=True)
class Fetched:
    """What became of an order: `edition` is None when this very file was loaded before."""

    release: Release
    edition: Edition | None
    files: tuple[FetchedFile, ...]


@dataclass(frozen=True, slots=True)
class FetchedFile:
    """A downloaded file; `kept` is where it lies, when it was to be kept."""

    name: str
    url: str
    bytes: int
    sha256: str
    kept: Path | None


@dataclass(frozen=True, slots=True)
class _Download:
    """A whole file, under its `.part` name until it is stored."""

    name: str
    url: str
    part: Path


def loaded_already(order: Order, store: EditionStore) -> Edition | None:
    """The edition ordered, when it is stored; the first part where somebody loaded all of them by hand."""
    editions = store.editions(order.publisher.table)
    found = [each for each in editions if order.is_called(each.name, part=each.part)]
    missing = found and found[0].part and len(found) < order.publisher.files
    return found[0] if found and not missing else None


def fetch(
    order: Order,
    store: EditionStore,
    spool: Path,
    *,
    replace: bool = False,
    keep: bool = False,
    watch: Watch = lambda name, done, total: None,
) -> Fetched:
    """Download, check and store one edition; `spool` is a private directory to unpack in.

    Nothing is stored unless everything is right. FetchError says what to do by hand; UsageError when the
    terms are not accepted, or the place of the edition is taken and not to be replaced.
    """
    publisher = order.publisher
    if publisher.terms is not None and accepted_at(store.root, publisher.terms) is None:
        raise TermsNotAccepted(
            f"{publisher.table} is under terms that have not been accepted here: {publisher.terms.title}.",
            hint=f"Read {publisher.terms.url}, then add --accept-terms.",
        )
    if order.sha256 and len(order.sha256) != len(order.files):
        raise UsageError(
            f"{publisher.table} is published in {len(order.files)} files, and {len(order.sha256)} checksums"
            " are given.",
            hint="Give --sha256 once for each, in the order of `claimsctl reference fetch --list`.",
        )
    _refuse_second(order, store, replace=replace)
    folder = store.root / DOWNLOADS
    private_directory(store.root)
    private_directory(folder)
    with _alone(folder):
        downloads = _downloaded(order, folder, watch)
        try:
            release, origin, digests = _read(order, downloads, spool)
            refuse_smaller(release, store, origin.file)
        except (InputError, FetchError) as error:
            # Asked for again it would be the same; the user may want to look at it.
            kept = [_kept(each, folder) for each in downloads]
            raise _unusable(error, kept) from error
        edition = store.add(release, origin, replace=replace)
        files = []
        for each, digest in zip(downloads, digests, strict=True):
            size = each.part.stat().st_size
            place = _kept(each, folder) if keep else None
            if place is None:
                discard(each.part)
            files.append(FetchedFile(each.name, shown(each.url), size, digest, place))
    return Fetched(release, edition, tuple(files))


def _refuse_second(order: Order, store: EditionStore, *, replace: bool) -> None:
    """A table without service dates holds one edition: better said before a gigabyte is downloaded."""
    editions = store.editions(order.publisher.table)
    if order.publisher.single and editions and not replace:
        raise UsageError(
            f"{order.publisher.table} {editions[-1].name} is loaded, and a new edition takes its place.",
            hint="Add --replace.",
        )


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Two processes must not write into one download."""
    path = folder / "lock"
    with disk_errors(path, "write"):
        path.touch(mode=FILE_MODE)
        lock = path.open("w")
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise FetchError(
                "Another claimsctl is fetching into this workspace.", hint="Run again when it has finished."
            ) from None
        yield


def _downloaded(order: Order, folder: Path, watch: Watch) -> list[_Download]:
    downloads = []
    for place, urls in enumerate(order.files):
        wanted = order.sha256[place].lower() if order.sha256 else ""
        each = _from_first(order, urls, folder, watch)
        if wanted and _digest(each.part) != wanted:
            found = _digest(each.part)
            discard(each.part)
            raise FetchError(
                f"{each.name}: the checksum differs: expected sha256 {wanted}, found {found}. Nothing was "
                "loaded, and the download was removed.",
                hint=f"Fetch it again; if it still differs, the file is another one: {order.publisher.page}",
            )
        downloads.append(each)
    return downloads


def _from_first(order: Order, urls: Sequence[str], folder: Path, watch: Watch) -> _Download:
    """The file from the first of its addresses that leads to one."""
    first: FetchError | None = None
    title = file_name(urls[0])
    for url in urls:
        name = file_name(url)
        each = _Download(name, url, folder / f"{name}.part")
        try:
            download(
                url,
                each.part,
                most=order.publisher.most_bytes,
                watch=lambda done, total: watch(title, done, total),
            )
        except FetchError as error:
            first = first or error
            if not error.missing:
                raise _by_hand(order, error) from error
        else:
            return each
    assert first is not None
    raise _by_hand(order, first) from first


def _by_hand(order: Order, error: FetchError) -> FetchError:
    """The error with what to do next: go on, or download with a browser."""
    files = " ".join(file_name(urls[0]) for urls in order.files)
    hints = [error.hint] if error.hint else []
    if error.kept:
        hints.append("What arrived is kept: the same command goes on from there.")
    hints.append(
        f"{'Or open' if hints else 'Open'} {order.publisher.page}, download {order.edition} and run: "
        f"claimsctl reference load {files}"
    )
    if order.own:
        hints.append("([reference] of claimsctl.toml or CLAIMSCTL_REFERENCE_BASE gives this address.)")
    return FetchError(
        f"{order.publisher.table} {order.edition}: {error.message}",
        hint=" ".join(hints),
        missing=error.missing,
        kept=error.kept,
    )


def _read(
    order: Order, downloads: Sequence[_Download], spool: Path
) -> tuple[Release, Origin, tuple[str, ...]]:
    """The edition that all files make together, and the sha256 of each."""
    releases, origins = [], []
    for each in downloads:
        release, origin = _read_one(order, each, spool)
        releases.append(release)
        origins.append(origin)
    digests = tuple(origin.sha256 for origin in origins)
    if len(releases) == 1:
        return releases[0], origins[0], digests
    more = f" and {len(releases) - 1} more"
    # One edition, not one for each part: nobody sees some of the parts without the others.
    together = replace(
        releases[0],
        edition=order.edition,
        part=False,
        frame=pl.concat([release.frame for release in releases]),
        source=releases[0].source + more,
        notes=tuple(dict.fromkeys(note for release in releases for note in release.notes)),
    )
    digest = sha256("".join(digests).encode()).hexdigest()
    size = sum(origin.bytes for origin in origins)
    return together, Origin(origins[0].file + more, digest, size), digests


def _read_one(order: Order, each: _Download, spool: Path) -> tuple[Release, Origin]:
    """The table in one file; of several forms of it the one whose format stands first, as the fullest."""
    table, formats = order.publisher.table, all_formats()
    # The loader sees the file under its published name, which may say the quarter.
    link = spool / "fetched" / each.name
    link.parent.mkdir(exist_ok=True)
    link.unlink(missing_ok=True)
    link.symlink_to(each.part.absolute())
    found: list[tuple[int, Release, Origin]] = []
    others: set[str] = set()
    for opened, origin in unpacked(link, spool):
        form = recognise(opened)
        if form is None or table not in form.tables:
            continue
        for release in form.read(opened, order.wanted):
            if release.part:  # all parts are fetched: together they are the whole edition
                release = replace(release, edition=release.edition.rpartition("-")[0], part=False)
            if release.table == table and order.is_called(release.edition, part=release.part):
                found.append((formats.index(form), release, origin))
            elif release.table == table:
                others.add(release.edition)
    if found:
        _, release, origin = min(found, key=lambda entry: entry[0])
        return release, origin
    if others:
        raise FetchError(
            f"{each.name} holds {table} {', '.join(sorted(others))}, not {order.edition}: the publisher "
            "has put another edition there. Nothing was loaded.",
            hint="`claimsctl reference load FILE` loads it as what it is.",
        )
    raise UnknownRelease(
        f"{each.name}: nothing in it was recognised as {table}. Nothing was loaded.",
        hint=f"See {order.publisher.page}.",
    )


def _kept(each: _Download, folder: Path) -> Path:
    place = folder / each.name
    settle(each.part, place)
    return place


def _unusable(error: InputError | FetchError, kept: Sequence[Path]) -> InputError | FetchError:
    hint = f"{error.hint} The download is kept to be looked at: {', '.join(str(path) for path in kept)}"
    return type(error)(error.message, hint=hint)


def _digest(path: Path) -> str:
    with disk_errors(path, "read"), path.open("rb") as file:
        digest = sha256()
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()
