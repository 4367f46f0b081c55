"""The kinds of practice that rules know, and what is written where one of them is meant."""

from __future__ import annotations

from difflib import get_close_matches
from typing import Final

from claimsctl.errors import SettingsError, UsageError

PRACTICE_TYPES: Final = ("therapy",)
_SAME: Final = frozenset(
    "psychotherapy psychotherapist counseling counselling psychology mentalhealth behavioralhealth"
    " behaviouralhealth".split()
)


def require_practice_type(given: str | None, place: str, *, settings: bool = False) -> None:
    """Refuse a word that is meant as a kind the rules know and is not written as it: no rule would run.

    `place` names the option or setting. Kinds unlike these are taken: a house's own rules may be on them.
    """
    words = (given or "").replace("-", " ").replace("_", " ").lower().split()
    word = "".join(words)
    if not word or (given or "").strip().lower() in PRACTICE_TYPES:
        return
    near = get_close_matches(word, PRACTICE_TYPES, n=1, cutoff=0.75)
    # "art therapy" is a kind of its own; "psycho-therapy" is therapy.
    if word not in _SAME and (not near or len(words) > 1):
        return
    kind = SettingsError if settings else UsageError
    meant = near[0] if near else PRACTICE_TYPES[0]
    raise kind(f"{place}: {given!r} is no practice type that rules know.", hint=f"Did you mean {meant}?")
