"""What to say of a file that no format recognises: what it looks like, and which formats come near."""

from __future__ import annotations

import csv
import re
from collections import Counter
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Final

from claimsctl.claim import COLUMNS
from claimsctl.reference.formats import all_formats
from claimsctl.reference.releases import Format, Opened, UnknownRelease

ALL_FORMATS: Final = "`claimsctl reference list --formats` shows what is known."
_SHOWN: Final = 3
_NAMES: Final = 6


def unrecognised(path: Path, found: Sequence[Opened]) -> UnknownRelease:
    """The error for a file with nothing in it that is known; `found` are the plain files in it."""
    if not found:
        what = "there is no text file in it"
    elif len(found) == 1 and found[0].name in (path.name, path.name.removesuffix(".gz")):
        what = looks_like(found[0])
    else:
        more = f" and {len(found) - 5} more" if len(found) > 5 else ""
        what = f"found {', '.join(opened.name for opened in found[:5])}{more}"
    near = {form.title: form for opened in found for form in nearest(opened)}
    hints = [f"Nearest: {form.title}: {form.expects}." for form in list(near.values())[:_SHOWN]]
    return UnknownRelease(
        f"{path.name}: not recognised as a reference table; {what}.",
        hint=" ".join([*hints, "Load files as their publishers release them;", ALL_FORMATS]),
    )


def looks_like(opened: Opened) -> str:
    """A few words on what a file holds; of its cells only names of columns that we know are shown."""
    first = next((line for line in opened.head_text().splitlines() if line.strip()), "")
    if not first or not first.replace("\t", " ").isprintable():
        return "found no text"
    if first.startswith("<"):
        return "found XML or HTML"
    separator = max(",\t|;", key=first.count)
    cells = [cell.strip() for cell in next(csv.reader([first], delimiter=separator), [])]
    if len(cells) < 2:
        return f"found lines of text, the first of {len(first)} characters"
    # Any other cell may be a value, and anybody's.
    known = [cell for cell in cells if cell and set(_WORD.findall(cell.lower())) <= _vocabulary()]
    if not known:
        return f"found {len(cells)} columns, and no known name of one in the first line"
    return f"found {len(cells)} columns, among them {', '.join(known[:_NAMES])}"


@cache
def _vocabulary() -> frozenset[str]:
    """The words in names of columns, of claims and of the tables that can be loaded."""
    names = " ".join([*(column.name for column in COLUMNS), *(form.expects for form in all_formats())])
    return frozenset(_WORD.findall(names.lower().replace("_", " ")))


_WORD: Final = re.compile(r"[a-z0-9]+")


def nearest(opened: Opened) -> list[Format]:
    """The formats whose words come again in the name or the first lines of a file, the nearest first."""
    formats = all_formats()
    words = [_words(f"{form.name} {_tables(form)} {form.title} {form.expects}") for form in formats]
    common = Counter(word for each in words for word in each)
    said = _words(f"{opened.name} {' '.join(opened.head_text().splitlines()[:12])}")
    # A word that few formats have tells more.
    scores = [sum(1 / common[word] for word in each & said) for each in words]
    ranked = sorted(zip(scores, formats, strict=True), key=lambda pair: -pair[0])
    return [form for score, form in ranked[:_SHOWN] if score >= _ENOUGH]


def _tables(form: Format) -> str:
    """The names of its tables; of users' own lists there are too many to tell anything."""
    return " ".join(form.tables) if len(form.tables) <= _FEW_TABLES else ""


_FEW_TABLES: Final = 8
_ENOUGH: Final = 0.4
"""One word that only two formats have, or several common ones."""


def _words(text: str) -> set[str]:
    found = re.findall(r"[a-z][a-z0-9]{2,}", re.sub(r"(?<=[a-z])(?=[A-Z])", " ", text).lower())
    return set(found) - {"the", "csv", "txt", "with", "and", "for", "code", "codes", "file", "header", "line"}
