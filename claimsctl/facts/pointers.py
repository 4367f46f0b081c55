"""Diagnosis pointers: which of the claim's diagnoses a line is for (box 24E, SV107)."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

import polars as pl

if TYPE_CHECKING:
    from claimsctl.facts.table import Context

SLOTS = 12
_DIAGNOSES = tuple(f"diagnosis_{n}" for n in range(1, SLOTS + 1))
_SEPARATORS = re.compile(r"[,;:/ \-]+")


def split_pointers(text: str, filled: int) -> list[int | None]:
    """Slot numbers of a pointer text; None for a part that is no pointer (catalogue DX-014).

    Separators are comma, semicolon, colon, slash, space, hyphen. Without one, letters and digits are
    taken one by one, but 10, 11, 12 are one pointer when that slot is filled (`filled`: bit n-1 = slot n).
    """
    parts = [part for part in _SEPARATORS.split(text.strip().upper()) if part]
    slots: list[int | None] = []
    for part in parts:
        if (part.isascii() and part.isdigit() and (len(parts) > 1 or len(part) == 1)) or len(part) == 1:
            slots.append(_slot(part))
        else:
            slots += _split_run(part, filled)
    return slots


def _split_run(run: str, filled: int) -> list[int | None]:
    slots: list[int | None] = []
    at = 0
    while at < len(run):
        two = run[at : at + 2]
        if two in ("10", "11", "12") and filled >> (int(two) - 1) & 1:
            slots.append(int(two))
            at += 2
        else:
            slots.append(_slot(run[at]))
            at += 1
    return slots


def _slot(part: str) -> int | None:
    if len(part) == 1 and "A" <= part <= "L":
        return ord(part) - ord("A") + 1
    if part.isascii() and part.isdigit() and 1 <= int(part) <= SLOTS:
        return int(part)
    return None


def resolve(frame: pl.DataFrame, _context: Context) -> Sequence[pl.Series]:
    """pointer_1..4, pointer_count (different ones), pointer_problem, pointer_repeated.

    A line without pointers whose row has one diagnosis points to it; otherwise all are null.
    """
    filled = pl.sum_horizontal(
        [pl.col(name).is_not_null().cast(pl.UInt16) * (1 << n) for n, name in enumerate(_DIAGNOSES)]
    )
    keyed = frame.select(pl.col("diagnosis_pointers").alias("text"), filled.alias("filled"))
    pairs = keyed.unique()
    resolved = [_resolve(text, bits) for text, bits in pairs.iter_rows()]
    names = ["pointer_1", "pointer_2", "pointer_3", "pointer_4"]
    table = pairs.with_columns(
        [pl.Series(name, [r[0][n] for r in resolved], dtype=pl.Int64) for n, name in enumerate(names)]
        + [
            pl.Series("pointer_count", [r[1] for r in resolved], dtype=pl.Int64),
            pl.Series("pointer_problem", [r[2] for r in resolved], dtype=pl.Boolean),
            pl.Series("pointer_repeated", [r[3] for r in resolved], dtype=pl.Boolean),
        ]
    )
    found = keyed.join(
        table, on=["text", "filled"], how="left", nulls_equal=True, maintain_order="left"
    ).drop("text", "filled")
    return found.get_columns()


def _resolve(text: str | None, filled: int) -> tuple[list[int | None], int | None, bool | None, bool | None]:
    if text is None:
        return ([1, None, None, None] if filled == 1 else [None] * 4), None, None, None
    slots = split_pointers(text, filled)
    problem = any(slot is None or not filled >> (slot - 1) & 1 for slot in slots)
    different = list(dict.fromkeys(slot for slot in slots if slot is not None))
    mixed = bool(re.search(r"[A-L]", text.upper())) and bool(re.search(r"\d", text))
    first: list[int | None] = [*different[:4], *[None] * (4 - len(different[:4]))]
    return first, len(different), problem, mixed or len(different) < sum(slot is not None for slot in slots)


def pointed(frame: pl.DataFrame, _context: Context) -> Sequence[pl.Expr]:
    """pointed_diagnosis_1..4: the diagnosis in each pointed slot."""
    used = [n for n in range(1, SLOTS + 1) if frame[f"diagnosis_{n}"].null_count() < frame.height]
    expressions = []
    for k in range(1, 5):
        slot = pl.col(f"pointer_{k}")
        values: list[pl.Expr] = [pl.when(slot == n).then(pl.col(f"diagnosis_{n}")) for n in used]
        value = pl.coalesce(values or [pl.lit(None, pl.String)])
        expressions.append(value.alias(f"pointed_diagnosis_{k}"))
    return expressions
