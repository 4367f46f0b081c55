"""claimsctl.toml with every setting explained, made from the classes that read it."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator
from dataclasses import MISSING, Field, fields
from datetime import date
from types import NoneType, UnionType
from typing import Any, Final, Literal, Union, get_args, get_origin, get_type_hints

from claimsctl.house import SUPPRESSION_KEYS
from claimsctl.reference.manifest import shipped_specs
from claimsctl.scaffold.about import ABOUT, SECTIONS_ABOUT
from claimsctl.settings import SECTIONS, TABLES

_EXAMPLES: Final = {
    "practice": "#[practice.maple-street]", "payer_route": "#[payer_route.uhc]",
    "payer_account": "#[payer_account.clearinghouse]", "payer_map": "#[payer_map.INS001]",
    "sql": "#[sql.production]",
}  # fmt: skip
"""Sections of which there may be several tables, with the one that the file shows."""
_LIVE: Final = {"inbox.out"}
"""Settings that are in force in a new workspace."""
_WIDTH: Final = 110
_HEAD: Final = (
    "Settings of this workspace. What has a # in front is not in force: take it away to change a setting. "
    "Flags of a command go before environment variables (CLAIMSCTL_PROCESS__PROFILE=session), these before "
    "this file. `claimsctl doctor` checks it."
)


def settings_text() -> str:
    """The whole file. Lines that begin with `#` and no blank are settings, others are words about them."""
    lines = [*_said(_HEAD)]
    for section in SECTIONS:
        lines += ["", "", *_said(SECTIONS_ABOUT[section])]
        lines += _section(section)
    return "\n".join(lines) + "\n"


def _section(section: str) -> Iterator[str]:
    if section == "mapping":
        yield "[mapping]"
        yield '#"Amt Due" = "charge_amount"'
    elif section == "payers":
        yield from _said(f"Keys: {', '.join(_payer_keys())}.")
        yield "#[payers.NSTAR]"
        yield '#name = "Northstar Health Plan"'
        yield '#type = "commercial"'
        yield "#filing_limit_days = 120"
        yield '#aliases = ["NORTHSTAR"]'
    else:
        yield _EXAMPLES.get(section, f"[{section}]")
        hints = get_type_hints(TABLES[section])
        for each in fields(TABLES[section]):
            yield from _setting(f"{section}.{each.name}", each, hints[each.name])


def _setting(name: str, each: Field[Any], kind: Any) -> Iterator[str]:
    example, words = ABOUT[name]
    words = words.replace("{suppress_keys}", ", ".join(SUPPRESSION_KEYS))
    yield ""
    yield from _said(f"{words} {_kind(kind)}{_default(each)}.")
    yield f"{'' if name in _LIVE else '#'}{each.name} = {example}"


def _payer_keys() -> list[str]:
    """Columns of the payer registry, without the id that names the table."""
    return [column.name for column in shipped_specs()["payers"].columns[1:]]


def _kind(kind: Any) -> str:
    """ "Text", "One of a, b", ..."""
    origin, inside = get_origin(kind), get_args(kind)
    if origin in (Union, UnionType):
        (only,) = (each for each in inside if each is not NoneType)
        return _kind(only)
    if origin is Literal:
        return f"One of {', '.join(inside)}"
    if origin is tuple:
        return "A list"
    if kind is bool:
        return "true or false"
    words = {str: "Text", date: "A date, without quotes", int: "A whole number", float: "A number"}
    return words.get(kind, "A table")


def _default(each: Field[Any]) -> str:
    if each.default is MISSING or each.default is None or each.default == ():
        return ""
    value = str(each.default).lower() if isinstance(each.default, bool) else each.default
    return f"; {value} where it is not set"


def _said(text: str) -> list[str]:
    return textwrap.wrap(
        text,
        _WIDTH,
        initial_indent="# ",
        subsequent_indent="# ",
        break_long_words=False,
        break_on_hyphens=False,
    )
