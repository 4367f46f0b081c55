"""Claim numbers for session lists, which have none: the same session gets the same number again."""

from __future__ import annotations

from collections import Counter
from datetime import date
from hashlib import blake2b
from typing import Final

import polars as pl

from claimsctl.facts.typed import TEXT_SUFFIX, Layout, clean_cells, typed_frame

DERIVED: Final = "derived_claim_number"
"""Raw column with the numbers; not part of the input, so it takes no part in its digests."""
_WHO: Final = (
    "practice_id", "patient_id", "member_id", "patient_last_name", "patient_first_name", "patient_dob",
    "therapist_id", "rendering_npi", "service_date_from", "procedure_code", "session_start_time",
)  # fmt: skip
_FORMATS: Final = {
    "patient_dob": "%Y-%m-%d", "service_date_from": "%Y-%m-%d", "session_start_time": "%H:%M:%S",
}  # fmt: skip


class SessionNumbers:
    """Numbers `S` and 14 hex digits: a hash of practice, patient, therapist, date, code and occurrence.

    What is hashed is what the cells say, not how they are written: dates and times as such, texts without
    case, accents, spaces and punctuation, so that a repaired or re-exported list keeps its numbers.
    """

    def __init__(self, practice_id: str, run_date: date) -> None:
        self._practice = practice_id
        self._run_date = run_date
        self._seen: Counter[bytes] = Counter()

    def of(self, rows: pl.DataFrame, layout: Layout) -> pl.Series:
        """The numbers (DERIVED) of a raw part; parts are given in file order."""
        keys = self._keys(clean_cells(rows), layout)
        # A hash that any version of anything gives again: Polars promises none for its own.
        return pl.Series(DERIVED, [self._number(key.encode()) for key in keys.to_list()], dtype=pl.String)

    def _keys(self, rows: pl.DataFrame, layout: Layout) -> pl.Series:
        names = [*_WHO, *(name + TEXT_SUFFIX for name in _FORMATS)]
        typed = typed_frame(rows, layout, names, run_date=self._run_date)
        parts = [
            pl.coalesce(pl.col(name).dt.to_string(_FORMATS[name]), _folded(name + TEXT_SUFFIX))
            if name in _FORMATS
            else _folded(name)
            for name in _WHO
        ]
        practice = pl.lit(self._practice)
        whole = pl.concat_str([practice, *(part.fill_null("") for part in parts)], separator="\x1f")
        return typed.select(whole.alias("key")).to_series()

    def _number(self, key: bytes) -> str:
        session = blake2b(key, digest_size=16).digest()
        self._seen[session] += 1
        digest = blake2b(session + self._seen[session].to_bytes(4, "big"), digest_size=7)
        return f"S{digest.hexdigest()}"


def _folded(name: str) -> pl.Expr:
    """A text as capital letters and digits; a whole number without the .0 of a number column."""
    plain = pl.col(name).str.replace(r"^([0-9]+)\.0+$", "$1").str.normalize("NFKD").str.to_uppercase()
    return plain.str.replace_all(r"[^\p{L}\p{N}]", "")
