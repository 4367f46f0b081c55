"""Claims in the words of the UHC Claims API: vendor spellings, amounts as text, MM/DD/YYYY."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Final

from claimsctl.sandbox.claims import InventedClaim
from claimsctl.sandbox.reading import mdy
from claimsctl.sandbox.reply import Json

SUFFIX: Final = "01"
CATEGORY_TEXT: Final = {
    "A2": "Acknowledgement/Acceptance", "A3": "Acknowledgement/Returned", "D0": "Data Search Unsuccessful",
    "F0": "Finalized", "F1": "Finalized/Payment", "F2": "Finalized/Denial", "F3": "Finalized/Revised",
    "F4": "Finalized/Adjudication Complete", "P1": "Pending/In Process",
    "P3": "Pending/Requested Information", "R0": "Requests for additional information",
}  # fmt: skip
STATUS_TEXT: Final = {
    "1": "See remittance", "20": "Accepted for processing", "21": "Missing or invalid information",
    "35": "Claim not found", "54": "Duplicate", "65": "Paid", "97": "Patient not found",
    "107": "Per contract", "585": "Denied or non-covered",
}  # fmt: skip


def word(claim: InventedClaim) -> str:
    """The loose word for the state; every finished claim that is not denied is "Finalized"."""
    if claim.category == "F2":
        return "Denied"
    if claim.decided:
        return "Finalized"
    if claim.category == "A3":
        return "Rejected"
    return "Acknowledgement" if claim.category.startswith("A") else "Pending"


def draft(claim: InventedClaim) -> str:
    """The number of the claim's own part of a payment."""
    return f"D{claim.check_number}" if claim.check_number else ""


def summary_of(claim: InventedClaim) -> Json:
    """One entry of `claims`; pending claims have no amounts but the charge."""
    crosswalk = {
        "clm507Cd": claim.category, "clm507CdDesc": CATEGORY_TEXT.get(claim.category, ""),
        "clm508Cd": claim.status, "clm508CdDesc": STATUS_TEXT.get(claim.status, ""),
        "clmIcnSufxCd": SUFFIX,
    }  # fmt: skip
    if claim.check_number:
        crosswalk["clmDrftNbr"] = draft(claim)
    inner: Json = {
        "firstSrvcDt": mdy(claim.service_from),
        "totalChargedAmt": str(claim.charge),
        "clmXWalkData": [crosswalk],
    }
    if claim.decided:
        inner |= {
            "processedDt": mdy(claim.processed), "totalAllowdAmt": str(claim.allowed),
            "totalPaidAmt": str(claim.paid), "totalPtntRespAmt": str(claim.patient),
            "deductibleAmt": str(claim.patient if claim.status == "1" else Decimal("0.00")),
            "totalCopayAmt": "0.00", "totalCoinsAmt": "0.00",
        }  # fmt: skip
    return {
        "claimNumber": claim.payer_claim_number,
        "claimStatus": word(claim),
        "memberInfo": {"ptntFn": claim.first_name, "ptntLn": claim.last_name},
        "claimSummary": inner,
    }


def detail_of(claims: Sequence[InventedClaim], *, summary: bool) -> Json:
    """`claimsDetailInfo` with lines, and with the summary when it was asked for."""
    return {
        "claimsDetailInfo": [
            {
                "claimNumber": claim.payer_claim_number,
                "lines": [
                    {
                        "lineNbr": str(line.number), "srvcCode": line.procedure_code,
                        "billedAmt": str(line.charge), "allowdAmt": str(line.allowed),
                        "paidAmt": str(line.paid), "totalMemResp": str(line.patient), "icnSuffix": SUFFIX,
                        "lineCodes": [
                            {"type": "CARC", "code": code.rpartition("-")[2], "description": ""}
                            for code in line.adjustments
                        ],
                    }
                    for line in claim.lines
                ],
                "claimCodes": [{"type": "REMARK", "code": "N130", "description": ""}] if claim.lines else [],
                **(summary_of(claim) if summary else {}),
            }
            for claim in claims
        ]
    }  # fmt: skip


def payment_of(claim: InventedClaim) -> Json:
    """The payment with its check; the check covers other claims too, the draft only this one."""
    return {
        "checkNbr": claim.check_number, "checkAmt": str(claim.paid * 9),
        "checkEFTIndicator": "E" if claim.electronic else "C", "draftNbr": draft(claim),
        "draftAmt": str(claim.paid), "paymentIssueDt": mdy(claim.paid_on), "payeeNm": "SAMPLE PRACTICE",
    }  # fmt: skip
