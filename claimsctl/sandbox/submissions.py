"""Claims sent to the sandbox: strict on what must be there, and honest about what was accepted twice."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field
from typing import Final

from claimsctl.sandbox.reply import Json, Reply

_TOP: Final = ("tradingPartnerServiceId", "submitter", "receiver", "subscriber", "claimInformation")
_CLAIM: Final = (
    "claimFilingCode", "patientControlNumber", "claimChargeAmount", "placeOfServiceCode",
    "claimFrequencyCode", "signatureIndicator", "planParticipationCode",
    "benefitsAssignmentCertificationIndicator", "releaseInformationCode", "healthCareCodeInformation",
    "serviceLines",
)  # fmt: skip
_FREQUENCIES: Final = ("1", "7", "8")


@dataclass(slots=True)
class Submissions:
    """What one payer has accepted, in order, and the answers kept by idempotency key.

    `accepted` holds the sender's numbers; a number that stands twice is a claim sent twice.
    """

    accepted: list[str] = field(default_factory=list)
    _kept: dict[str, tuple[str, Reply]] = field(default_factory=dict)

    def take(self, body: Json, key: str, *, payer_key: str) -> Reply:
        """Accept a professional claim in JSON; a known key gets the answer it had, 422 if changed."""
        digest = hashlib.sha256(json.dumps(body, sort_keys=True).encode()).hexdigest()
        if key and key in self._kept:
            before, reply = self._kept[key]
            changed = {"code": "IDEMPOTENCY_MISMATCH", "message": "The request differs from the first one"}
            return reply if before == digest else Reply(422, changed)
        reply = self._judge(body, payer_key)
        if key:
            self._kept[key] = (digest, reply)
        return reply

    def _judge(self, body: Json, payer_key: str) -> Reply:
        claim = body.get("claimInformation")
        given = claim if isinstance(claim, dict) else {}
        missing = [name for name in _TOP if not body.get(name)] + [
            name for name in _CLAIM if not given.get(name)
        ]
        number = str(given.get("patientControlNumber", ""))
        if not missing and len(number) > 20:
            missing = ["patientControlNumber"]
        if not missing and given["claimFrequencyCode"] not in _FREQUENCIES:
            missing = ["claimFrequencyCode"]
        control = str(body.get("controlNumber", ""))
        if missing:
            errors = [
                {"code": "33", "description": f"{name} is missing or wrong",
                 "followupAction": "Please Correct and Resubmit"} for name in missing
            ]  # fmt: skip
            return Reply(400, {"status": "ERROR", "httpStatusCode": "400 BAD_REQUEST", "errors": errors})
        self.accepted.append(number)
        reference = {
            "correlationId": f"sbx-{len(self.accepted):06d}", "customerClaimNumber": number,
            "patientControlNumber": number, "timeOfResponse": "2026-06-30T08:00:00.000Z",
            payer_key: body["tradingPartnerServiceId"], "formatVersion": "5010",
            "rhclaimNumber": f"RH{len(self.accepted):06d}",
        }  # fmt: skip
        return Reply(
            200,
            {
                "status": "SUCCESS", "controlNumber": control, "claimReference": reference, "errors": [],
                "tradingPartnerServiceId": body["tradingPartnerServiceId"], "editStatus": "SUCCESS",
                "meta": {"traceId": reference["correlationId"]}, "httpStatusCode": "200 OK",
            },
        )  # fmt: skip

    def take_x12(self, text: object) -> tuple[str, str] | None:
        """Accept a whole X12 file: its transaction id and a 999; None for what is none."""
        if not isinstance(text, str) or not text.startswith("ISA*") or "ST*837*" not in text:
            return None
        number = text.partition("CLM*")[2].partition("*")[0] or "none"
        self.accepted.append(number)
        return f"sub-{len(self.accepted):06d}", "ISA*00*~ST*999*0001~AK9*A*1*1*1~SE*3*0001~"
