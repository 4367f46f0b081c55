"""Claim numbers for session lists, which have none: the same session gets the same number again."""

from __future__ import annotations

from collections import Counter
from hashlib import blake2b
from typing import Final

import polars as pl

from claimsctl.facts.typed import Layout, clean_text

DERIVED: Final = "derived_claim_number"
"""Raw column with the numbers; not part of the input, so it takes no part in its digests."""
_WHO: Final = (
    "practice_id", "patient_id", "member_id", "patient_last_name", "patient_first_name", "patient_dob",
    "therapist_id", "rendering_npi", "service_date_from", "procedure_code", "session_start_time",
)  # fmt: skip


class SessionNumbers:
    """Numbers `S` and 14 hex digits: a hash of practice, patient, therapist, date, code and occurrence."""

    def __init__(self, practice_id: str) -> None:
        self._practice = practice_id
        self._seen: Counter[bytes] = Counter()

    def add(self, rows: pl.DataFrame, layout: Layout) -> pl.DataFrame:
        """The raw part with the column DERIVED; parts are given in file order."""
        text = clean_text(rows, layout, _WHO)
        numbers = []
        for cells in text.select(pl.all().str.strip_chars().str.to_uppercase()).iter_rows():
            key = "\x1f".join((self._practice, *(cell or "" for cell in cells))).encode()
            session = blake2b(key, digest_size=16).digest()
            self._seen[session] += 1
            digest = blake2b(session + self._seen[session].to_bytes(4, "big"), digest_size=7)
            numbers.append(f"S{digest.hexdigest()}")
        return rows.with_columns(pl.Series(DERIVED, numbers, dtype=pl.String))
