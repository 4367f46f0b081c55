"""Invented files in the shape of published ones, and how a loader is asked for them."""

from __future__ import annotations

import gzip
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Final

import polars as pl
import pytest

from claimsctl.reference.formats import all_formats
from claimsctl.reference.manifest import read_shipped, shipped_specs
from claimsctl.reference.releases import Opened, Release, UnknownRelease, Wanted

FORMATS: Final = all_formats()

Real = Callable[[str], Release]
"""The one release in a file as published, by its name."""


def write(folder: Path, name: str, content: str | bytes) -> Opened:
    """A plain file of that name, opened as the loader opens it."""
    path = folder / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return Opened.of(path)


def unpacked(path: Path, folder: Path) -> Path:
    """The file itself, or what a .gz holds, in `folder`."""
    if path.suffix != ".gz":
        return path
    plain = folder / path.stem
    with gzip.open(path) as packed, plain.open("wb") as file:
        shutil.copyfileobj(packed, file)
    return plain


def recognised(opened: Opened) -> list[str]:
    return [form.name for form in FORMATS if form.recognises(opened)]


def load(opened: Opened, wanted: Wanted | None = None) -> list[Release]:
    """The releases of a file that exactly one format recognises."""
    found = [form for form in FORMATS if form.recognises(opened)]
    assert len(found) == 1, f"{opened.name}: {[form.name for form in found]}"
    releases = list(found[0].read(opened, wanted or Wanted()))
    assert {release.table for release in releases} <= set(found[0].tables)
    return releases


def one(opened: Opened, wanted: Wanted | None = None) -> Release:
    (release,) = load(opened, wanted)
    return release


def refusal(opened: Opened, wanted: Wanted | None = None) -> str:
    """What the loader says of a file it recognises and does not take."""
    with pytest.raises(UnknownRelease) as caught:
        load(opened, wanted)
    assert opened.name in caught.value.message
    assert caught.value.hint
    return caught.value.message


def shipped_columns(table: str) -> dict[str, pl.DataType]:
    """The columns of a shipped table, which rules look up, with their types."""
    return dict(read_shipped(shipped_specs()[table]).schema)
