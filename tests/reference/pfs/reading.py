"""How files of the Medicare physician fee schedule are read in tests."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Any, Final

from claimsctl.reference.formats import localities, pprrvu, zips
from claimsctl.reference.releases import Opened, Release, Wanted

FORMATS: Final = (*pprrvu.FORMATS, *localities.FORMATS, *zips.FORMATS)
SAY: Final = Wanted(valid_from=date(2025, 10, 1))

Open = Callable[[str, str], Opened]


def read(file: Opened, wanted: Wanted | None = None) -> Release:
    """The one release of a file that one format knows."""
    (form,) = (form for form in FORMATS if form.recognises(file))
    (release,) = form.read(file, wanted or Wanted())
    assert release.table in form.tables
    return release


def column(release: Release, name: str) -> list[Any]:
    return release.frame[name].to_list()


def numbers(release: Release, name: str) -> list[str]:
    return [str(value) for value in column(release, name)]
