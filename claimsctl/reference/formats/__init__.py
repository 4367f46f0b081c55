"""Published file formats: each module reads some of them and lists them as FORMATS."""

from __future__ import annotations

from functools import cache
from importlib import import_module
from typing import Final

from claimsctl.reference.releases import Format

MODULES: Final = (
    *("pprrvu", "localities", "zips", "ncci", "icd10", "mce", "hcpcs"),
    *("codesets", "x12lists", "codesystems", "nppes", "house"),
)


@cache
def all_formats() -> tuple[Format, ...]:
    """Every format, the user's own tables first: they name themselves."""
    found: list[Format] = []
    for name in reversed(MODULES):
        found += import_module(f"{__name__}.{name}").FORMATS
    return tuple(found)
