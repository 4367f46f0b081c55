"""Claims in the JSON dialect of the clearinghouses, whose amounts drop trailing zeros as X12 does."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from decimal import Decimal

from claimsctl.sandbox.claims import InventedClaim
from claimsctl.sandbox.reading import ymd
from claimsctl.sandbox.reply import Json
from claimsctl.sandbox.uhc_words import CATEGORY_TEXT, STATUS_TEXT


def amount(value: Decimal) -> str:
    """165.00 as "165", 82.50 as "82.5"."""
    return f"{value.normalize():f}"


def claim_of(claim: InventedClaim, day: Callable[[date | None], str]) -> Json:
    """One entry of `claims`; `day` writes dates, but the service date is always YYYYMMDD."""
    last = f"-{ymd(claim.service_to)}" if claim.service_to != claim.service_from else ""
    return {
        "claimStatus": {
            **_status(claim.category, claim.status),
            "entityCode": claim.entity, "entity": "Payer", "effectiveDate": day(claim.effective),
            "submittedAmount": amount(claim.charge), "amountPaid": amount(claim.paid),
            "paidDate": day(claim.paid_on), "checkNumber": claim.check_number,
            "trackingNumber": f"T{claim.payer_claim_number}",
            "claimServiceDate": f"{ymd(claim.service_from)}{last}",
            "tradingPartnerClaimNumber": claim.payer_claim_number,
            "patientAccountNumber": claim.claim_number,
        },
        "serviceDetails": [
            {
                "service": {
                    "procedureId": line.procedure_code, "submittedAmount": amount(line.charge),
                    "amountPaid": amount(line.paid),
                },
                "status": [_status(claim.category, claim.status)],
            }
            for line in claim.lines
        ],
    }  # fmt: skip


def not_found(code: str) -> Json:
    """A search in vain: category D0, with 35 for the claim or 97 for the patient."""
    return {
        "claimStatus": {**_status("D0", code), "entityCode": "PR", "entity": "Payer"},
        "serviceDetails": [],
    }


def _status(category: str, status: str) -> Json:
    return {
        "statusCategoryCode": category, "statusCategoryCodeValue": CATEGORY_TEXT.get(category, ""),
        "statusCode": status, "statusCodeValue": STATUS_TEXT.get(status, ""),
    }  # fmt: skip
