"""Finding claims as a payer does: everything a question says must agree with the claim."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal

from claimsctl.sandbox.claims import InventedClaim

# Claims of the sandbox last at most this long, so that a window finds those that began before it.
_LONGEST = timedelta(days=62)


@dataclass(frozen=True, slots=True)
class Asked:
    """What a question says about claims; empty or None is not said.

    `number` may be the payer's number or ours, `payer_number` and `account` only one of them.
    """

    payer_id: str
    tax_id: str = ""
    number: str = ""
    payer_number: str = ""
    account: str = ""
    member_id: str = ""
    last_name: str = ""
    first_name: str = ""
    dob: date | None = None
    start: date | None = None
    end: date | None = None
    charge: Decimal | None = None

    @property
    def by_number(self) -> bool:
        """Whether one claim is named by a number."""
        return bool(self.number or self.payer_number or self.account)

    @property
    def by_person(self) -> bool:
        """Whether the patient is named."""
        return bool(self.member_id or self.last_name)


class Book:
    """All claims of a sandbox, found by number, member, or service dates."""

    def __init__(self, claims: Iterable[InventedClaim]) -> None:
        self._numbers: dict[str, list[InventedClaim]] = defaultdict(list)
        self._members: dict[str, list[InventedClaim]] = defaultdict(list)
        self._names: dict[str, list[InventedClaim]] = defaultdict(list)
        for claim in claims:
            for number in {claim.claim_number, claim.payer_claim_number} - {""}:
                self._numbers[number.upper()].append(claim)
            self._members[claim.member_id.upper()].append(claim)
            self._names[claim.last_name.upper()].append(claim)
        everything = {id(claim): claim for group in self._names.values() for claim in group}
        self._by_date = sorted(
            everything.values(), key=lambda claim: (claim.service_from, claim.payer_claim_number)
        )
        self._starts = [claim.service_from for claim in self._by_date]

    def find(self, asked: Asked) -> list[InventedClaim]:
        """Every claim that agrees with all that is said, by service date and payer's number."""
        found = [claim for claim in self._candidates(asked) if _agrees(claim, asked)]
        return sorted(found, key=lambda claim: (claim.service_from, claim.payer_claim_number))

    def _candidates(self, asked: Asked) -> Sequence[InventedClaim]:
        if asked.by_number:
            number = asked.number or asked.payer_number or asked.account
            return self._numbers.get(number.upper(), ())
        if asked.member_id:
            return self._members.get(asked.member_id.upper(), ())
        if asked.last_name:
            return self._names.get(asked.last_name.upper(), ())
        if asked.start is None or asked.end is None:
            return ()
        first = bisect_left(self._starts, asked.start - _LONGEST)
        return self._by_date[first : bisect_right(self._starts, asked.end)]


def _agrees(claim: InventedClaim, asked: Asked) -> bool:
    ours, theirs = claim.claim_number.upper(), claim.payer_claim_number.upper()
    dates = (
        asked.start is None
        or asked.end is None
        or (claim.service_from <= asked.end and claim.service_to >= asked.start)
    )
    return (
        dates
        and (not claim.payer_ids or asked.payer_id in claim.payer_ids)
        and (not claim.tax_id or not asked.tax_id or asked.tax_id == claim.tax_id)
        and (not asked.number or asked.number.upper() in (ours, theirs))
        and (not asked.payer_number or asked.payer_number.upper() == theirs)
        and (not asked.account or asked.account.upper() == ours)
        and (not asked.member_id or asked.member_id.upper() == claim.member_id.upper())
        and (not asked.last_name or asked.last_name.upper() == claim.last_name.upper())
        and (not asked.first_name or asked.first_name.upper() == claim.first_name.upper())
        and (asked.dob is None or asked.dob == claim.dob)
        and (asked.charge is None or asked.charge == claim.charge)
    )
