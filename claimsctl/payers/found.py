"""Claims as they are read from replies, before they become matches of an answer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final

from claimsctl.payers.inquiry import Match

PERSON: Final = (
    "patient_last_name", "patient_first_name", "patient_dob", "member_id", "practice_tax_id",
)  # fmt: skip
"""What a reply says of the person and the practice: for matching claims here, never part of an answer."""


@dataclass(frozen=True, slots=True)
class Found:
    """A claim of a reply. `person` is only compared with; `failed` is a category that is no status
    (INPUT_ERROR, RETRY): the payer could not answer."""

    match: Match
    person: Mapping[str, Any] = field(default_factory=dict, repr=False)
    failed: str | None = None

    @property
    def is_claim(self) -> bool:
        """Whether it is a claim and not the payer's record of a miss or a failure."""
        return self.failed is None and self.match.status != "NOT_FOUND"

    def marked(self, *flags: str) -> Found:
        """The same with flags."""
        return replace(self, match=with_flags(self.match, *flags))


def with_flags(match: Match, *flags: str) -> Match:
    """The match with further flags, each once."""
    return replace(match, flags=tuple(dict.fromkeys((*match.flags, *flags))))


def once_each(found: list[Found]) -> list[Found]:
    """Claims told twice only once: the same payer's claim number under several payer ids or on several pages.

    Their payer ids are kept together; where they tell different amounts the first stands and is marked.
    """
    kept: dict[object, Found] = {}
    for each in found:
        number = each.match.payer_claim_number
        key: object = number.strip().upper() if number else object()
        first = kept.get(key)
        kept[key] = each if first is None else _joined(first, each)
    return list(kept.values())


def _joined(first: Found, second: Found) -> Found:
    ids = tuple(dict.fromkeys((*first.match.payer_ids, *second.match.payer_ids)))
    differ = any(
        getattr(first.match, name) != getattr(second.match, name)
        for name in ("status", "charge_amount", "allowed_amount", "paid_amount")
    )
    match = replace(first.match, payer_ids=ids)
    return replace(first, match=with_flags(match, "told_differently") if differ else match)
