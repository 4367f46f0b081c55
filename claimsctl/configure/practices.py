"""Practices as `[practice.<id>]` tables: added, changed, described."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any, Final

from claimsctl.configure.editing import edited, set_table
from claimsctl.errors import UsageError
from claimsctl.settings import Settings, meant
from claimsctl.settings_tables import PracticeSettings

_ID: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,39}")
_SHAPES: Final = {
    "tax_id": (r"[0-9]{9}", "nine digits, as 044410275"),
    "taxonomy": (r"[0-9A-Z]{9}X", "ten characters that end in X, as 193200000X"),
    "state": (r"[A-Z]{2}", "two letters, as MA"),
    "zip": (r"[0-9]{5}([0-9]{4})?", "five or nine digits, as 016082201"),
}


def add_practice(file: Path, settings: Settings, practice: str, values: Mapping[str, Any]) -> None:
    """Write a new practice; UsageError for an id that is taken or none, and for values that cannot be."""
    if not _ID.fullmatch(practice):
        raise UsageError(
            f"{practice!r} is no id for a practice.", hint="Take letters, digits and hyphens: maple-street"
        )
    if practice in settings.practice:
        raise UsageError(
            f"There is a practice {practice} already.", hint=f"Change it: claimsctl practices edit {practice}"
        )
    _write(file, practice, values)


def edit_practice(file: Path, settings: Settings, practice: str, values: Mapping[str, Any]) -> None:
    """Change what is given of a practice; a value of "" is taken out. `network` and `coverage` are joined
    with what there is, payer by payer."""
    known = require_practice(settings, practice)
    if not values:
        raise UsageError("Nothing to change was given.", hint="claimsctl practices edit --help lists it.")
    changed = dict(values)
    for name in ("network", "coverage"):
        if name in changed:
            joined = {**getattr(known, name), **changed[name]}
            changed[name] = {payer: said for payer, said in joined.items() if said} or None
    _write(file, practice, changed)


def require_practice(settings: Settings, practice: str) -> PracticeSettings:
    """The practice of that id; UsageError with the nearest one where there is none."""
    found = settings.practice.get(practice)
    if found is None:
        ids = ", ".join(sorted(settings.practice))
        hint = meant(practice, settings.practice) or (
            f"There are {ids}." if ids else "Add it: claimsctl practices add"
        )
        raise UsageError(f"There is no practice {practice}.", hint=hint)
    return found


def practice_document(practice: str, settings: PracticeSettings) -> dict[str, Any]:
    """What is said of a practice, without what is not set."""
    from dataclasses import asdict

    given = asdict(settings)
    return {"id": practice} | {
        each.name: given[each.name]
        for each in fields(settings)
        if each.name != "rules" and given[each.name] not in (None, {}, ())
    }


def is_npi(text: str) -> bool:
    """Ten digits whose last one is the check digit with the prefix 80840 (CMS, NPI standard)."""
    if not re.fullmatch(r"[12][0-9]{9}", text):
        return False
    total = 24  # of the prefix 80840
    for place, digit in enumerate(reversed(text)):
        number = int(digit) * (2 if place % 2 else 1)
        total += number // 10 + number % 10
    return total % 10 == 0


def require_npi(text: str) -> str:
    """The NPI as digits; UsageError where it is none."""
    digits = text.strip()
    if not is_npi(digits):
        raise UsageError(f"--npi {text!r} is no NPI.", hint="It has ten digits; one of them is mistyped.")
    return digits


def shaped(name: str, text: str) -> str:
    """A value as it is written into settings; UsageError where it cannot be one."""
    value = text.strip()
    if name == "npi":
        return require_npi(value)
    if name in ("tax_id", "zip"):
        value = value.replace("-", "").replace(" ", "")
    elif name in ("taxonomy", "state"):
        value = value.upper()
    if name in _SHAPES and not re.fullmatch(_SHAPES[name][0], value):
        option = f"--{name.replace('_', '-')}"
        raise UsageError(f"{option} {text!r} cannot be right.", hint=f"It has {_SHAPES[name][1]}.")
    return value


def _write(file: Path, practice: str, values: Mapping[str, Any]) -> None:
    shown = {
        name: (shaped(name, value) if value.strip() else None) if isinstance(value, str) else value or None
        for name, value in values.items()
    }
    with edited(file) as document:
        set_table(document, "practice", practice, shown)
