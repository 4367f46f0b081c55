"""Faults that lie in what the payer decided: odd outcomes, duplicates, the same claim told twice."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Final

from claimsctl.sandbox.claims import InventedClaim, judged
from claimsctl.sandbox.exchange import Hit

_OUTCOMES: Final = {
    "paid-zero": ("F1", "65"),
    "finalized-unpaid": ("F0", "1"),
    "closed-no-pay": ("F4", "107"),
    "unknown-status": ("Z9", "999"),
    "payer-asks": ("R0", "21"),
}


def told(claims: Sequence[InventedClaim], hit: Hit) -> list[InventedClaim]:
    """The claims as the payer tells of them under a scenario; unchanged under others."""
    if hit.name in _OUTCOMES:
        category, status = _OUTCOMES[hit.name]
        owed = "40.00" if hit.name == "paid-zero" else "0"
        codes = ("CO-45", "PR-1") if owed != "0" else ()
        return [
            judged(claim, category, status, allowed=owed, patient=owed, adjustments=codes) for claim in claims
        ]
    if hit.name in ("duplicate-denial", "several-payer-ids"):
        return [each for claim in claims for each in _twice(claim, hit.name)]
    return list(claims)


def _twice(claim: InventedClaim, scenario: str) -> tuple[InventedClaim, InventedClaim]:
    paid = judged(claim, "F1", "65", allowed="120.00", patient="20.00", adjustments=("CO-45", "PR-3"))
    if scenario == "several-payer-ids":
        lines = tuple(replace(line, paid=line.paid - Decimal("1.50")) for line in paid.lines)
        return paid, replace(paid, paid=paid.paid - Decimal("1.50"), lines=lines)
    denied = judged(claim, "F2", "54", adjustments=("CO-18",))
    later = paid.effective + timedelta(days=9)
    return paid, replace(
        denied, payer_claim_number=f"{claim.payer_claim_number}9", effective=later, processed=later
    )
