"""Payers as people name them: by id, by alias (UHC), by name."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from difflib import get_close_matches
from functools import lru_cache

from claimsctl.errors import UsageError

Pair = tuple[str | None, str | None]


def payers_named(texts: Sequence[str], there: Sequence[Pair]) -> list[Pair]:
    """The pairs of payer_id and payer_name, of those that are `there`, that one of the texts names.

    An id counts before the name beside it. UsageError for a text that names none, with close ones.
    """
    found: dict[Pair, None] = {}
    for text in texts:
        ways = ways_to_name(text)
        met = [pair for pair in there if _fits(pair, ways)]
        if not met:
            known = {part.upper(): part for pair in there for part in pair if part}
            near = [known[name] for name in get_close_matches(text.strip().upper(), known, n=3, cutoff=0.5)]
            hint = f"Did you mean {' or '.join(near)}?" if near else "`claimsctl claims stats` lists payers."
            raise UsageError(f"No stored claim has the payer {text!r}.", hint=hint)
        found.update(dict.fromkeys(met))
    return list(found)


def ways_to_name(text: str) -> frozenset[str]:
    """The text and, where the registry knows it, id, aliases and name of that payer; all folded."""
    wanted = fold(text)
    entries = [entry for entry in _registry() if wanted in entry]
    return frozenset([wanted, *(entries[0] if len(entries) == 1 else ())])


def fold(text: str) -> str:
    """Upper case, letters and digits only, without leading zeros."""
    return "".join(c for c in text.upper() if c.isalnum()).lstrip("0")


def _fits(pair: Pair, ways: frozenset[str]) -> bool:
    return any(part is not None and fold(part) in ways for part in pair)


@lru_cache(maxsize=1)
def _registry() -> tuple[frozenset[str], ...]:
    """Names of each payer of the shipped registry."""
    from claimsctl.reference.locate import data_path  # its package imports Polars

    with data_path("reference_data").joinpath("payers.csv").open(encoding="utf-8", newline="") as file:
        lines = (line for line in file if not line.startswith("#"))
        return tuple(
            frozenset(
                fold(name)
                for name in (row["payer_id"], row["name"], *(row.get("aliases") or "").split(";"))
                if fold(name)
            )
            for row in csv.DictReader(lines)
        )
