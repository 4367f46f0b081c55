"""What the modifiers of a line say together, whatever its code is: looked at once for every set of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import astuple, dataclass, fields
from decimal import Decimal
from typing import Final

import polars as pl

from claimsctl.price.manual import (
    CONTRADICTIONS,
    DENIED,
    EFFECTS,
    FACILITY,
    SAID,
    SHARED,
    SOCIAL_WORKER,
    STATUTORY,
)
from claimsctl.price.names import MODIFIERS


@dataclass(frozen=True, slots=True)
class Marks:
    """What a set of modifiers says, whatever the code is.

    `effects` has the modifier of each of EFFECTS that is there; `side`: 1 left, 2 right, null where not
    exactly one is named.
    """

    own_row: str
    malformed: bool
    contradiction: str | None
    denial: str | None
    said: str | None
    is_50: bool
    has_51: bool
    is_52: bool
    is_facility: bool
    is_share: bool
    is_return: bool
    is_other_session: bool
    is_other_way: bool
    assists: bool
    side: int | None
    has_role: bool
    is_supervision: bool
    is_social_worker: bool
    statutory: int
    statutory_text: str | None
    effects: tuple[str | None, ...]


OWN_ROWS: Final = ("26", "TC", "53")
"""Modifiers that may have rows of their own in the fee schedule."""
ROLES: Final = ("AA", "QZ", "QK", "QX", "QY", "AD")
"""Who gives or directs anesthesia."""
_DIGITS: Final = (
    *(f"{hand}{digit}" for hand in "FT" for digit in ("A", *"123456789")), "E1", "E2", "E3", "E4",
)  # fmt: skip
_ASSISTANTS: Final = ("80", "81", "82", "AS")
_SESSION: Final = ("59", "XE")
"""Say of a diagnostic service that it was done in another session."""
STATUTORY_ONE: Final = 10_000
"""A statutory percent of 100, in hundredths of a percent."""


def marks(codes: Sequence[str | None]) -> Marks:
    """What the modifiers of a line say together."""
    there = [code for code in codes if code is not None]
    given = set(there)

    def any_of(*wanted: str) -> bool:
        return not given.isdisjoint(wanted)

    clash = next((f"{one} and {other}" for one, other in CONTRADICTIONS if {one, other} <= given), None)
    taken_off = [(m, STATUTORY[m][0]) for m in STATUTORY if m in given and m != SOCIAL_WORKER]
    product = Decimal(1)
    for _, percent in taken_off:
        product *= percent / 100
    effects = [next((m for m in effect.modifiers if m in given), None) for effect in EFFECTS]
    if {"LT", "RT"} <= given:
        effects[0] = "LT/RT"
    side = {(True, False): 1, (False, True): 2}.get(("LT" in given, "RT" in given))
    return Marks(
        own_row=next((m for m in OWN_ROWS if m in given), ""),
        malformed=any(len(m) != 2 or not m.isascii() or not m.isalnum() or m != m.upper() for m in there),
        contradiction=None if clash is None else f"{clash} contradict each other.",
        denial=next((note for m, note in DENIED.items() if m in given), None),
        said=" ".join(note for m, note in SAID.items() if m in given) or None,
        is_50="50" in given,
        has_51="51" in given,
        is_52="52" in given,
        is_facility=any_of(*FACILITY),
        is_share=any_of(*SHARED),
        is_return="78" in given,
        is_other_session=any_of(*_SESSION),
        is_other_way=any_of("50", "LT", "RT", "76", "77", *_DIGITS),
        assists=any_of(*_ASSISTANTS),
        side=side,
        has_role=any_of(*ROLES),
        is_supervision="AD" in given,
        is_social_worker=SOCIAL_WORKER in given,
        statutory=int(product * STATUTORY_ONE),
        statutory_text=";".join(f"{m}:{percent:f}%" for m, percent in taken_off) or None,
        effects=tuple(effects),
    )


_MARK_TYPES: Final = {"bool": pl.Boolean, "str": pl.String, "str | None": pl.String, "int": pl.Int32,
                      "int | None": pl.UInt8}  # fmt: skip
_MARKS: Final = tuple(each for each in fields(Marks) if each.name != "effects")
EFFECT_COLUMNS: Final = tuple(f"effect_{n}" for n in range(len(EFFECTS)))
"""The modifier of each of EFFECTS that a line has, null where it has none."""


def with_marks(combinations: pl.DataFrame) -> pl.DataFrame:
    """The combinations with the columns of Marks; every set of modifiers is looked at once."""
    sets = combinations.select(MODIFIERS).unique(maintain_order=True)
    found = [astuple(marks(row)) for row in sets.iter_rows()]
    schema = {each.name: _MARK_TYPES[str(each.type)] for each in _MARKS}
    schema |= dict.fromkeys(EFFECT_COLUMNS, pl.String)
    known = pl.DataFrame([(*row[:-1], *row[-1]) for row in found], schema=schema, orient="row")
    return combinations.join(
        pl.concat([sets, known], how="horizontal"), on=MODIFIERS, how="left", nulls_equal=True,
        maintain_order="left",
    )  # fmt: skip
