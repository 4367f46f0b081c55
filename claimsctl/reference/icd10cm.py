"""The complete ICD-10-CM list, read from the data files of the simple-icd-10-cm package.

The package is not imported (that takes seconds): its code list and tabular XML are read as data,
converted once to Parquet in the user's cache directory.
"""

from __future__ import annotations

import contextlib
import gc
import os
import re
import tempfile
from calendar import month_name
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from functools import cache
from importlib import metadata
from importlib.util import find_spec
from pathlib import Path
from typing import Final
from xml.etree import ElementTree

import polars as pl

from claimsctl.errors import InternalError
from claimsctl.reference.diagnoses import SCHEMA, described
from claimsctl.reference.icd10cmnotes import SCHEMA as NOTES
from claimsctl.reference.icd10cmnotes import note_pairs
from claimsctl.reference.locate import cache_folder

SOURCE: Final = "CMS/NCHS ICD-10-CM {0.edition}, through PyPI simple-icd-10-cm {0.version}"
LICENCE: Final = "ICD-10-CM: US government work, public domain. Package: MIT."
LAYOUT: Final = 2
"""Counts up when the columns of SCHEMA or the notes that are read change, so that an older cached file is
not used."""


@dataclass(frozen=True, slots=True)
class Release:
    """The installed release: its files, and the fiscal year it is for."""

    version: str
    edition: str
    valid_from: date
    valid_to: date
    code_list: Path
    tabular: Path


@cache
def find_release() -> Release | None:
    """The release that the installed package carries; None when there is none."""
    try:
        spec = find_spec("simple_icd_10_cm")
        version = metadata.version("simple-icd-10-cm")
    except (ImportError, ValueError, metadata.PackageNotFoundError):
        return None
    for place in (spec.submodule_search_locations or ()) if spec else ():
        folder = Path(place) / "data"
        lists = sorted(folder.glob("code-list-*.txt"))
        tabulars = sorted(folder.glob("icd10c*-tabular-*.xml"))
        if lists and tabulars:
            return _release(version, lists[-1], tabulars[-1])
    return None


def _release(version: str, code_list: Path, tabular: Path) -> Release | None:
    found = re.fullmatch(r"code-list-([A-Z][a-z]+)-(\d{4})\.txt", code_list.name)
    if found is None or found[1] not in month_name:
        return None
    month, year = list(month_name).index(found[1]), int(found[2])
    first = year if month >= 10 else year - 1
    return Release(
        version=version,
        edition=f"{year}-{month:02d}",
        valid_from=date(first, 10, 1),
        valid_to=date(first + 1, 9, 30),
        code_list=code_list,
        tabular=tabular,
    )


def load(cache_dir: Path | None = None) -> tuple[Release, pl.DataFrame]:
    """The release and its codes with the columns of SCHEMA; converts on first use, then reads the cache.

    A cache that cannot be read or written is done without.
    """
    release, codes = _load(cache_dir, "icd10cm", SCHEMA)
    return release, codes


def load_notes(cache_dir: Path | None = None) -> tuple[Release, pl.DataFrame]:
    """The release and the pairs of codes in its notes (icd10cmnotes.SCHEMA), kept beside the codes."""
    return _load(cache_dir, "icd10cm-notes", NOTES)


def _load(
    cache_dir: Path | None, name: str, schema: Mapping[str, pl.DataType]
) -> tuple[Release, pl.DataFrame]:
    release = find_release()
    if release is None:
        raise InternalError(
            "The ICD-10-CM list is missing.", hint="Reinstall claimsctl with its dependency simple-icd-10-cm."
        )
    folder = cache_folder(cache_dir)

    def path(of: str) -> Path | None:
        return folder and folder / f"{of}-{release.version}-{LAYOUT}.parquet"

    kept = path(name)
    if kept is not None and (cached := _read_cached(kept, schema)) is not None:
        return release, cached
    made = dict(zip(("icd10cm", "icd10cm-notes"), build(release), strict=True))
    for each, frame in made.items():
        kept = path(each)
        if kept is not None:
            with contextlib.suppress(OSError, pl.exceptions.PolarsError):
                _write_cached(frame, kept)
    return release, made[name]


def _read_cached(path: Path, schema: Mapping[str, pl.DataType]) -> pl.DataFrame | None:
    try:
        # A local file by its handle: a path with glob characters would be read as a pattern.
        with path.open("rb") as file:
            frame = pl.read_parquet(file)
    except (OSError, pl.exceptions.PolarsError):
        return None
    return frame if dict(frame.schema) == schema and frame.height else None


def _write_cached(frame: pl.DataFrame, path: Path) -> None:
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}-")
    try:
        with os.fdopen(handle, "wb") as file:
            frame.write_parquet(file)
        os.replace(name, path)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(name)
        raise


def build(release: Release) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Codes and pairs of codes of a release, from its two files."""
    listed = pl.Series("entry", release.code_list.read_text(encoding="utf-8").split(), dtype=pl.String)
    # The list runs in tabular order: chapters are bare numbers, blocks have a hyphen, a header is
    # followed by its codes. A block of one category bears the name of the category and stands before it.
    frame = (
        pl.DataFrame(listed)
        .with_columns(pl.col("entry").str.extract(r"^(\d+)$").cast(pl.Int64).forward_fill().alias("chapter"))
        .filter(pl.col("entry").str.contains(r"^[A-Z][0-9A-Z]{2,6}$"))
        .unique("entry", keep="last", maintain_order=True)
        .with_columns(pl.col("entry").alias("code"), pl.col("entry").str.slice(0, 3).alias("category"))
        .with_columns(
            pl.col("code").shift(-1).str.starts_with(pl.col("code")).fill_null(False).not_().alias("billable")
        )
    )
    with _no_collection():
        root = _parsed(release.tabular)
        names, notes = _names(root), note_pairs(root, sorted(frame["code"]))
    titles = pl.Series("title", [_title(code, names) for code in frame["code"]], dtype=pl.String)
    return described(frame.with_columns(titles.str.to_lowercase())), notes


def _bases(code: str) -> list[str]:
    """What a 7-character code may look like without its last: with its X fillers, or with fewer of them."""
    base = code[:6]
    bases = [base]
    while base.endswith("X") and len(base) > 3:
        base = base[:-1]
        bases.append(base)
    return bases


@dataclass(slots=True)
class _Name:
    title: str
    sevenths: dict[str, str]


def _parsed(tabular: Path) -> ElementTree.Element:
    try:
        return ElementTree.parse(tabular).getroot()  # noqa: S314 - of an installed package
    except (OSError, ElementTree.ParseError) as error:
        raise InternalError(f"{tabular.name} of the ICD-10-CM package cannot be read.") from error


def _names(root: ElementTree.Element) -> dict[str, _Name]:
    """Titles of the tabular list by code without dot, each with the 7th characters in force for it."""
    names: dict[str, _Name] = {}
    waiting = [(diag, _NO_SEVENTHS) for diag in root.iterfind("chapter/section/diag")]
    while waiting:
        diag, sevenths = waiting.pop()
        name = title = ""
        below = []
        for child in diag:
            if child.tag == "diag":
                below.append(child)
            elif child.tag == "name":
                name = child.text or ""
            elif child.tag == "desc":
                title = child.text or ""
            elif child.tag == "sevenChrDef":
                sevenths = {e.get("char", ""): e.text or "" for e in child.iter("extension")}
        names[name.replace(".", "")] = _Name(title, sevenths)
        waiting.extend((child, sevenths) for child in below)
    return names


_NO_SEVENTHS: Final[dict[str, str]] = {}


@contextlib.contextmanager
def _no_collection() -> Iterator[None]:
    """Garbage collection held: it walks all elements again and again and doubles the time."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


def _title(code: str, names: dict[str, _Name]) -> str:
    if code in names:
        return names[code].title
    for base in _bases(code):
        if base in names:
            return f"{names[base].title}, {names[base].sevenths.get(code[6:], '')}"
    return ""
