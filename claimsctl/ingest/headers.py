"""What a header says on its own: its letters, the column it is known for, the one it may mean."""

from __future__ import annotations

import difflib
import re
import unicodedata
from collections.abc import Collection, Iterable, Mapping
from functools import cache
from typing import Final

from claimsctl import claim

EXACT, SYNONYM, FALLBACK = 2, 3, 4
"""How surely a header is a column; fallbacks are used only where no other header is it."""
PAIR_PARTS: Final = {
    claim.PATIENT_NAME: ("patient_last_name", "patient_first_name"),
    claim.SUBSCRIBER_NAME: ("subscriber_last_name", "subscriber_first_name"),
}
_NEARLY: Final = 0.84
"""Two headers of which one is a slip of the keyboard are as alike as this, or more."""


def fold(text: str) -> str:
    """Reduce a header to what is compared: letters and digits, lower case, without accents.

    `#` reads as "number", so that "Group #" (group_number) and "Group" (billing_name) differ.
    """
    plain = text.replace("#", "number")
    for _ in range(2):  # folding case can yield letters that decompose again
        plain = unicodedata.normalize("NFKD", plain).casefold()
    return "".join(character for character in plain if character.isalnum())


def spellings(synonym: str) -> frozenset[str]:
    """Folded forms of a synonym; `#` in it also stands for No, Num, Nbr and Number."""
    return frozenset(fold(synonym.replace("#", word)) for word in ("#", "no", "num", "nbr"))


@cache
def _known_headers() -> Mapping[str, tuple[str, int]]:
    """Folded header -> (column, rank)."""
    known: dict[str, tuple[str, int]] = {}

    def learn(column: str, rank: int, texts: Iterable[str]) -> None:
        for text in texts:
            for spelling in spellings(text):
                known.setdefault(spelling, (column, rank))

    names = [column.name for column in claim.COLUMNS]
    for name in (*names, *PAIR_PARTS):
        learn(name, EXACT, (name,))
    learn(claim.PATIENT_NAME, SYNONYM, claim.PATIENT_NAME_SYNONYMS)
    learn(claim.SUBSCRIBER_NAME, SYNONYM, claim.SUBSCRIBER_NAME_SYNONYMS)
    for column in claim.COLUMNS:
        learn(column.name, SYNONYM, column.synonyms)
    learn(claim.PATIENT_NAME, FALLBACK, claim.PATIENT_NAME_FALLBACKS)
    for column in claim.COLUMNS:
        learn(column.name, FALLBACK, column.fallbacks)
    return known


def recognise(header: str) -> tuple[str, int] | None:
    """Column and rank (2 exact name, 3 synonym, 4 fallback) of a header on its own, if it is known.

    A `#` before it is "number", like one after it, or else only marks the line as the header.
    """
    known = _known_headers()
    found = known.get(fold(header))
    if found is None and header.startswith("#"):
        found = known.get(fold(header[1:] + "#")) or known.get(fold(header[1:]))
    if found is not None and found[1] == EXACT and "#" in header:
        return found[0], SYNONYM  # "Claim #" is a synonym of claim_number, not its name
    return found


def likely_column(header: str, missing: Collection[str], taken: Collection[str]) -> str | None:
    """The column that an unknown header may mean, to be offered and never taken; None for no good guess.

    It is the one among `missing` whose name holds all words of the header ("NPI" and billing_npi), or the
    column, neither a pair of names nor `taken`, whose known header is nearly spelled so.
    """
    words = set(re.findall(r"[a-z]+", header.casefold()))
    if not words:
        return None
    holding = [column for column in missing if words <= set(column.split("_"))]
    if len(holding) == 1:
        return holding[0]
    known = _known_headers()
    near = difflib.get_close_matches(fold(header), known, n=1, cutoff=_NEARLY)
    column = known[near[0]][0] if near else None
    return None if column in taken or column in PAIR_PARTS else column
