"""Whether a file holds about as many rows as its table has: what a cut one lacks would be unknown codes."""

from __future__ import annotations

from datetime import date
from typing import Final

from claimsctl.reference.editions import Edition, EditionStore
from claimsctl.reference.releases import Release, UnknownRelease

LEAST_PERCENT: Final = 90
"""Codes come and go from edition to edition, but not a tenth of a table."""


def refuse_smaller(release: Release, store: EditionStore, file: str) -> None:
    """UnknownRelease when a release has far fewer rows than the newest edition before it, or than is usual.

    Only of releases whose format says how many rows are usual.
    """
    if release.usual is None:
        return
    earlier = _before(release, store)
    whole, of_what = (
        (earlier.rows, f"in edition {earlier.name}") if earlier else (release.usual, "that are usual")
    )
    least, found = whole * LEAST_PERCENT // 100, release.frame.height
    if found < least:
        raise UnknownRelease(
            f"{file}: {release.table} {release.edition}: expected at least {least:,} rows "
            f"({LEAST_PERCENT} % of the {whole:,} {of_what}), found {found:,}: "
            "a part of the file may be missing.",
            hint="Download the file again as published; nothing was loaded. If it is right as it is, load it "
            "with `claimsctl reference load FILE --accept-smaller`.",
        )


def _before(release: Release, store: EditionStore) -> Edition | None:
    """The newest edition of the table that begins before the release; of a part, of the same part."""
    first = release.valid_from or date.max
    known = [
        edition
        for edition in store.editions(release.table)
        if edition.part == release.part
        and (not release.part or _part(edition.name) == _part(release.edition))
        and (edition.valid_from or date.min) < first
    ]
    return known[-1] if known else None


def _part(name: str) -> str:
    return name.rpartition("-")[2]
