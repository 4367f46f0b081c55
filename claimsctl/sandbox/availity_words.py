"""Claims in the words of Availity: X12 status details per claim and line, ISO dates, amounts as text."""

from __future__ import annotations

from typing import Final

from claimsctl.sandbox.claims import InventedClaim
from claimsctl.sandbox.reading import iso
from claimsctl.sandbox.reply import Json
from claimsctl.sandbox.uhc_words import CATEGORY_TEXT, STATUS_TEXT

# A miss is a complete transaction with the category D0.
NOT_FOUND: Final[Json] = {
    "claimControlNumber": "", "patientControlNumber": "",
    "statusDetails": [
        {
            "categoryCode": "D0", "category": CATEGORY_TEXT["D0"], "statusCode": "35",
            "status": STATUS_TEXT["35"], "entityCode": "PR", "effectiveDate": "",
        }
    ],
    "serviceLines": [],
}  # fmt: skip


def claim_of(claim: InventedClaim) -> Json:
    """One entry of the final `claimStatuses`."""
    paid = claim.check_number != ""
    return {
        "claimControlNumber": claim.payer_claim_number, "patientControlNumber": claim.claim_number,
        "fromDate": iso(claim.service_from), "toDate": iso(claim.service_to),
        "statusDetails": [
            {
                "categoryCode": claim.category, "category": CATEGORY_TEXT.get(claim.category, ""),
                "statusCode": claim.status, "status": STATUS_TEXT.get(claim.status, ""),
                "entityCode": claim.entity, "effectiveDate": iso(claim.effective),
                "finalizedDate": iso(claim.processed) if claim.decided else "",
                "remittanceDate": iso(claim.paid_on) if paid else "", "checkNumber": claim.check_number,
                "claimAmount": str(claim.charge), "paymentAmount": str(claim.paid),
            }
        ],
        "serviceLines": [
            {
                "procedureCode": line.procedure_code, "chargeAmount": str(line.charge),
                "paymentAmount": str(line.paid),
                "statusDetails": [{"categoryCode": claim.category, "statusCode": claim.status}],
            }
            for line in claim.lines
        ],
    }  # fmt: skip
