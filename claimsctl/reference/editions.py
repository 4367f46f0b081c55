"""Editions of reference tables that the user loaded: kept in the workspace, each complete or not there.

<workspace>/reference/<table>/<edition>/ holds rows.parquet and edition.json. An edition is written aside
and then renamed into its place, so that nobody ever sees half of one; what a killed process left aside is
removed or put back when the store is next opened.
"""

from __future__ import annotations

import json
import re
import shutil
import uuid
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime
from hashlib import sha256
from pathlib import Path
from typing import Final

import polars as pl

from claimsctl.errors import StoreError, UsageError
from claimsctl.reference.releases import Release
from claimsctl.security.files import (
    FILE_MODE,
    disk_errors,
    private_directory,
    write_private,
)

ROWS: Final = "rows.parquet"
ABOUT: Final = "edition.json"
_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,39}")
_NEW, _OLD = ".new-", ".old-"


@dataclass(frozen=True, slots=True)
class Origin:
    """A published file that an edition was read from; `member` is its name inside a zip."""

    file: str
    sha256: str
    bytes: int
    member: str | None = None


@dataclass(frozen=True, slots=True)
class Edition:
    """A stored edition. `valid_from` and `valid_to` are its service dates as published, null where open."""

    table: str
    name: str
    valid_from: date | None
    valid_to: date | None
    rows: int
    source: str
    licence: str
    origin: Origin
    rows_sha256: str
    loaded_at: datetime
    notes: tuple[str, ...] = ()
    part: bool = False


class EditionStore:
    """The loaded editions below one directory."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._tidy()

    def tables(self) -> list[str]:
        """Names of the tables with an edition."""
        if not self.root.is_dir():
            return []
        return sorted(p.name for p in self.root.iterdir() if p.is_dir() and any(_visible(p)))

    def editions(self, table: str) -> list[Edition]:
        """Editions of a table, the oldest first."""
        folder = self.root / table
        found = [self._about(path) for path in _visible(folder)] if folder.is_dir() else []
        return sorted(found, key=lambda e: (e.valid_from or date.min, e.name))

    def add(self, release: Release, origin: Origin, *, replace: bool = False) -> Edition | None:
        """Store a release; None when this very file is stored as this edition already.

        UsageError when the name or the first service date is taken by another file, unless `replace`.
        """
        _check_name(release.edition)
        same = self._refuse(release, origin, replace=replace)
        if same:
            return None
        private_directory(self.root)
        aside = self.root / f"{_NEW}{uuid.uuid4().hex}"
        private_directory(aside)
        try:
            edition = self._write(release, origin, aside)
            self._place(aside, self.root / release.table / release.edition)
        except BaseException:
            shutil.rmtree(aside, ignore_errors=True)
            raise
        if replace:
            for other in self._conflicts(release):
                if other.name != release.edition:
                    self.remove(other.table, other.name)
        return edition

    def read(self, edition: Edition) -> pl.DataFrame:
        """The rows of an edition; StoreError when its file is damaged or gone."""
        path = self.root / edition.table / edition.name / ROWS
        try:
            return pl.read_parquet(path)
        except (OSError, pl.exceptions.PolarsError) as error:
            raise _damaged(edition) from error

    def scan(self, edition: Edition) -> pl.LazyFrame:
        """The rows of an edition, unread."""
        return pl.scan_parquet(self.root / edition.table / edition.name / ROWS)

    def remove(self, table: str, name: str) -> Edition:
        """Remove an edition; UsageError when there is none of that name."""
        edition = self.find(table, name)
        target = self.root / table / name
        aside = self.root / f"{_NEW}{uuid.uuid4().hex}"  # renamed first: it goes at once or not at all
        with disk_errors(target, "remove"):
            target.rename(aside)
            shutil.rmtree(aside)
        return edition

    def find(self, table: str, name: str) -> Edition:
        """The edition of a table with a name."""
        editions = self.editions(table)
        for edition in editions:
            if edition.name == name:
                return edition
        there = ", ".join(e.name for e in editions) or "none is loaded"
        raise UsageError(f"{table} has no edition {name}.", hint=f"Editions: {there}.")

    def verify(self) -> Iterator[tuple[Edition, str | None]]:
        """Every edition, with what is wrong with it or None."""
        for table in self.tables():
            for edition in self.editions(table):
                path = self.root / table / edition.name / ROWS
                if not path.is_file():
                    yield edition, "its rows are missing"
                elif _sha256(path) != edition.rows_sha256:
                    yield edition, "its rows are not what was loaded (checksum differs)"
                else:
                    yield edition, None

    def _refuse(self, release: Release, origin: Origin, *, replace: bool) -> bool:
        """True when there is nothing to do; raises when something is in the way."""
        for other in self._conflicts(release):
            if other.name == release.edition and other.origin.sha256 == origin.sha256:
                return True
            if not replace:
                raise UsageError(
                    f"{release.table} edition {other.name} is loaded already, from another file"
                    f" ({other.origin.file}), for service dates from {other.valid_from or 'ever'}.",
                    hint="Replace it with --replace, or give this one another --edition and --from.",
                )
        return False

    def _conflicts(self, release: Release) -> list[Edition]:
        return [
            e
            for e in self.editions(release.table)
            if e.name == release.edition
            or (e.valid_from == release.valid_from and not (e.part and release.part))
        ]

    def _write(self, release: Release, origin: Origin, folder: Path) -> Edition:
        path = folder / ROWS
        with disk_errors(path, "write"):
            release.frame.write_parquet(path, compression="zstd", compression_level=3)
            path.chmod(FILE_MODE)
        edition = Edition(
            release.table, release.edition, release.valid_from, release.valid_to, release.frame.height,
            release.source, release.licence, origin, _sha256(path), datetime.now(UTC), release.notes,
            release.part,
        )  # fmt: skip
        write_private(folder / ABOUT, json.dumps(asdict(edition), default=str, indent=1).encode())
        return edition

    def _place(self, aside: Path, target: Path) -> None:
        private_directory(target.parent)
        old = None
        with disk_errors(target, "write"):
            if target.exists():
                # Its name says where it belongs, should we die before the next rename.
                old = self.root / f"{_OLD}{target.parent.name}@{target.name}"
                target.rename(old)
            aside.rename(target)
        if old is not None:
            shutil.rmtree(old, ignore_errors=True)

    def _tidy(self) -> None:
        if not self.root.is_dir():
            return
        for old in self.root.glob(f"{_OLD}*"):
            table, _, name = old.name.removeprefix(_OLD).partition("@")
            target = self.root / table / name
            if target.exists():
                shutil.rmtree(old, ignore_errors=True)
            else:
                old.rename(target)
        for left in self.root.glob(f"{_NEW}*"):
            if datetime.now(UTC).timestamp() - left.stat().st_mtime > _ABANDONED_SECONDS:
                shutil.rmtree(left, ignore_errors=True)

    def _about(self, folder: Path) -> Edition:
        try:
            told = json.loads((folder / ABOUT).read_bytes())
            return Edition(
                **{
                    **told,
                    "valid_from": _date(told["valid_from"]),
                    "valid_to": _date(told["valid_to"]),
                    "origin": Origin(**told["origin"]),
                    "loaded_at": datetime.fromisoformat(told["loaded_at"]),
                    "notes": tuple(told["notes"]),
                }
            )
        except (OSError, ValueError, TypeError, KeyError) as error:
            raise StoreError(
                f"The reference edition {folder.parent.name} {folder.name} is damaged.",
                hint=f"Remove {folder} and load the file again.",
            ) from error


_ABANDONED_SECONDS: Final = 6 * 3600
"""Longer than any load takes: what is older was left by a process that died."""


def _visible(folder: Path) -> Iterator[Path]:
    return (path for path in sorted(folder.iterdir()) if path.is_dir() and not path.name.startswith("."))


def _check_name(name: str) -> None:
    if not _NAME.fullmatch(name):
        raise UsageError(
            f"{name!r} is no name of an edition.", hint="Letters, digits, dots and hyphens, as in 2026Q2."
        )


def _damaged(edition: Edition) -> StoreError:
    return StoreError(
        f"The rows of {edition.table} edition {edition.name} cannot be read.",
        hint=f"claimsctl reference remove {edition.table} {edition.name}, then load the file again.",
    )


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        digest = sha256()
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


def _date(text: str | None) -> date | None:
    return None if text is None else date.fromisoformat(text)
