"""Optum's Medical Network and Stedi: one JSON dialect of the X12 276/277, answered at once."""

from __future__ import annotations

import hashlib
from abc import abstractmethod
from collections.abc import Mapping
from datetime import date
from typing import Any, ClassVar, Final

from claimsctl.sandbox.book import Asked
from claimsctl.sandbox.clearinghouse_words import claim_of, not_found
from claimsctl.sandbox.exchange import STATUS, Call, Contract, Hit, Question, Refused, Trouble, json_body
from claimsctl.sandbox.outcomes import told
from claimsctl.sandbox.reading import digits, iso, read_date, read_money, ymd
from claimsctl.sandbox.reply import Json, Reply
from claimsctl.sandbox.tokens import API_KEY

_TOP: Final = frozenset(
    """controlNumber tradingPartnerServiceId tradingPartnerName providers subscriber dependent encounter
    serviceLineInformation""".split()
)
_PROVIDER: Final = frozenset(
    """providerType organizationName lastName firstName npi taxId spn tin etin""".split()
)
_PERSON: Final = frozenset("memberId firstName lastName dateOfBirth gender groupNumber".split())
_ENCOUNTER: Final = frozenset(
    """beginningDateOfService endDateOfService trackingNumber tradingPartnerClaimNumber patientAccountNumber
    submittedAmount billingType""".split()
)
_DELIMITERS: Final = frozenset("~*:^")
MOST_DAYS: Final = 30


class Clearinghouse(Contract):
    """Steps: inquiry, submission; what differs between the two is said by the classes below."""

    root_key: ClassVar[tuple[str, str]] = ("claims", "claimStatuses")
    needs_control: ClassVar[bool]
    keeps_keys: ClassVar[bool]
    payer_key: ClassVar[str]

    def read(self, call: Call) -> Question:
        """JSON with known keys only, dates as YYYYMMDD, one billing provider, no X12 delimiters."""
        body = json_body(call)
        if body is None:
            raise Refused(self.invalid("body", "The body is no JSON object"))
        if call.step == "submission":
            return Question(f"submission {hashlib.sha256(call.body).hexdigest()}", (), data=body)
        self._known(body, _TOP, "")
        control = body.get("controlNumber", "")
        if self.needs_control and not digits(str(control), 9):
            raise Refused(self.invalid("controlNumber", "controlNumber must have 9 digits"))
        payer = body.get("tradingPartnerServiceId")
        if not isinstance(payer, str) or not payer:
            raise Refused(self.invalid("tradingPartnerServiceId", "The payer is missing"))
        tax_id = self._providers(body.get("providers"))
        subscriber = self._part(body, "subscriber", _PERSON)
        if not subscriber:
            raise Refused(self.invalid("subscriber", "The subscriber is missing"))
        person = self._part(body, "dependent", _PERSON) or subscriber
        encounter = self._part(body, "encounter", _ENCOUNTER)
        asked = self._asked(payer, tax_id, subscriber, person, encounter)
        key = f"{payer} {subscriber} {person} {sorted(encounter.items())}"
        return Question(key, self.book.find(asked), tax_id, (str(control), payer, asked))

    def _asked(
        self, payer: str, tax_id: str, subscriber: Mapping[str, str], person: Mapping[str, str],
        encounter: Mapping[str, str],
    ) -> Asked:  # fmt: skip
        start = self._day(encounter, "beginningDateOfService")
        end = self._day(encounter, "endDateOfService") or start
        if start is not None and end is not None and not 0 <= (end - start).days <= MOST_DAYS:
            raise Refused(self.invalid("endDateOfService", f"Ask for at most {MOST_DAYS} days"))
        amount = read_money(encounter["submittedAmount"]) if "submittedAmount" in encounter else None
        if "submittedAmount" in encounter and amount is None:
            raise Refused(self.invalid("submittedAmount", "The amount is no number"))
        if not person.get("lastName") or not (subscriber.get("memberId") or person.get("dateOfBirth")):
            raise Refused(self.invalid("subscriber", "memberId or dateOfBirth, and lastName are needed"))
        return Asked(
            payer_id=payer, tax_id=tax_id, payer_number=encounter.get("tradingPartnerClaimNumber", ""),
            account=encounter.get("patientAccountNumber", ""), member_id=subscriber.get("memberId", ""),
            last_name=person.get("lastName", ""), first_name=person.get("firstName", ""),
            dob=self._day(person, "dateOfBirth"), start=start, end=end, charge=amount,
        )  # fmt: skip

    def _providers(self, given: Any) -> str:
        if not isinstance(given, list) or not all(isinstance(each, dict) for each in given):
            raise Refused(self.invalid("providers", "The providers are missing"))
        for each in given:
            self._known(each, _PROVIDER, "providers.")
            npi = each.get("npi")
            if npi is not None and not digits(str(npi), 10):
                raise Refused(self.invalid("npi", "The NPI must have 10 digits"))
        billing = [each for each in given if each.get("providerType") == "BillingProvider"]
        if len(billing) != 1:
            raise Refused(self.invalid("providers", "Exactly one BillingProvider is needed"))
        if not billing[0].get("organizationName") and not billing[0].get("lastName"):
            raise Refused(self.invalid("organizationName", "The billing provider's name is missing"))
        return str(billing[0].get("taxId") or "")

    def _part(self, body: Json, name: str, keys: frozenset[str]) -> dict[str, str]:
        part = body.get(name)
        if part is None:
            return {}
        if not isinstance(part, dict) or not all(isinstance(value, str) for value in part.values()):
            raise Refused(self.invalid(name, "It must be an object of texts"))
        self._known(part, keys, f"{name}.")
        return {key: value for key, value in part.items() if value}

    def _known(self, part: Json, keys: frozenset[str], where: str) -> None:
        for name, value in part.items():
            if name not in keys:
                raise Refused(self.invalid(f"{where}{name}", "Unknown key"))
            if isinstance(value, str) and _DELIMITERS & set(value):
                raise Refused(self.invalid(f"{where}{name}", "~ * : and ^ are not allowed"))

    def _day(self, part: Mapping[str, str], name: str) -> date | None:
        text = part.get(name, "")
        day = read_date(text, "%Y%m%d") if text else None
        if text and day is None:
            raise Refused(self.invalid(name, "The date must be YYYYMMDD"))
        return day

    def answer(self, call: Call, question: Question, hit: Hit) -> Reply:
        """The claims found, or one entry that says the search was in vain (D0)."""
        if call.step == "submission":
            return self._submitted(call, question, hit)
        control, payer, _ = question.data
        trace = f"sbx-{call.number:08d}"
        told_anyway: Json = {
            "controlNumber": control, "tradingPartnerServiceId": payer,
            "payer": {"organizationName": "SAMPLE", "payerIdentification": payer}, "meta": {"traceId": trace},
        }  # fmt: skip
        match hit.name:
            case "not-found-404":
                return self.trouble("not_found", call)
            case "not-found-errors":
                return Reply(200, told_anyway | _inside("75", "Subscriber or claim not found", "subscriber"))
            case "errors-in-200":
                return Reply(200, told_anyway | _inside("33", "The request is not valid", "encounter"))
            case "retry-in-200":
                return Reply(200, told_anyway | _inside("42", "Unable to respond at current time", "payer"))
            case "acknowledgement-rejected":
                rejected = {
                    "functionalGroupErrors": ["7"],
                    "segmentErrors": [{"segmentId": "REF", "code": "8"}],
                }
                return Reply(200, told_anyway | {"transactionSetAcknowledgement": rejected})
            case "date-refused":
                return self.invalid("beginningDateOfService", "The date must be YYYYMMDD")
            case "too-old":
                return self.invalid("beginningDateOfService", "The date is too far back")
        claims = [claim_of(claim, self.day) for claim in told(question.claims, hit)]
        if not claims or hit.name == "not-found-d0":
            claims = [not_found("35" if question.data[2].by_number else "97")]
        if hit.name == "not-found-empty":
            claims = []
        return Reply(200, told_anyway | {"claims": claims}, self.traced(trace))

    def _submitted(self, call: Call, question: Question, hit: Hit) -> Reply:
        if hit.name == "submission-running":
            running = {"code": "IDEMPOTENCY_CONFLICT", "message": "The first request is still running"}
            return Reply(409, running, {"Retry-After": f"{hit.value:g}"})
        key = call.headers.get("idempotency-key", "") if self.keeps_keys else ""
        return self.submissions.take(question.data, key, payer_key=self.payer_key)

    def traced(self, trace: str) -> dict[str, str]:
        """Headers that carry the trace id."""
        return {}

    @staticmethod
    @abstractmethod
    def day(day: date | None) -> str:
        """A date of a reply."""

    @abstractmethod
    def invalid(self, field: str, text: str) -> Reply:
        """A refused input."""


class OptumNetwork(Clearinghouse):
    """Optum's Medical Network, formerly Change Healthcare."""

    route: ClassVar[str] = "optum-network"
    token_path: ClassVar[str] = "/apip/auth/v2/token"
    needs_control: ClassVar[bool] = True
    keeps_keys: ClassVar[bool] = False
    payer_key: ClassVar[str] = "payerID"
    paths: ClassVar[tuple[tuple[str, str, str], ...]] = (
        ("POST", "/medicalnetwork/claimstatus/v2/", "inquiry"),
        ("POST", "/medicalnetwork/claimstatus/v2", "inquiry"),
        ("POST", "/medicalnetwork/professionalclaims/v3/submission", "submission"),
    )

    def token(self, call: Call, hit: Hit) -> Reply:
        """Client credentials as JSON."""
        given = json_body(call)
        if given is None:
            return Reply(400, {"error": "invalid_request", "error_description": "The body must be JSON"})
        return self.issue({name: str(value) for name, value in given.items()}, hit)

    def traced(self, trace: str) -> dict[str, str]:
        """The trace id stands in a header too."""
        return {"x-chng-trace-id": trace}

    @staticmethod
    def day(day: date | None) -> str:
        """YYYYMMDD."""
        return ymd(day)

    def invalid(self, field: str, text: str) -> Reply:
        """400 with an `errorResponse`."""
        return Reply(400, _inside("INVALID", text, field))

    def trouble(self, kind: Trouble, call: Call) -> Reply:
        """OAuth's error for tokens, `errorResponse` for others."""
        if kind in ("unauthorized", "forbidden"):
            text = {"error": "invalid_token" if kind == "unauthorized" else "access_denied"}
            return Reply(STATUS[kind], {**text, "error_description": "The token is not accepted"})
        return Reply(STATUS[kind], _inside(str(STATUS[kind]), f"The request failed: {kind}", ""))


class Stedi(Clearinghouse):
    """Stedi, with an API key in place of tokens."""

    route: ClassVar[str] = "stedi"
    needs_control: ClassVar[bool] = False
    keeps_keys: ClassVar[bool] = True
    payer_key: ClassVar[str] = "payerId"
    paths: ClassVar[tuple[tuple[str, str, str], ...]] = tuple(
        ("POST", f"{base}/change/medicalnetwork{path}", step)
        for base in ("/2024-04-01", "")
        for path, step in (
            ("/claimstatus/v2", "inquiry"),
            ("/claimstatus/v2/", "inquiry"),
            ("/professionalclaims/v3/submission", "submission"),
        )
    )

    def authorised(self, call: Call) -> bool:
        """The key alone, or in its old form."""
        return call.headers.get("authorization", "") in (API_KEY, f"Key {API_KEY}")

    def token(self, call: Call, hit: Hit) -> Reply:
        """There is no token address."""
        return self.trouble("not_found", call)

    @staticmethod
    def day(day: date | None) -> str:
        """YYYY-MM-DD."""
        return iso(day)

    def invalid(self, field: str, text: str) -> Reply:
        """400 with code and message."""
        return Reply(400, {"code": "INVALID_REQUEST", "message": f"{field}: {text}"})

    def trouble(self, kind: Trouble, call: Call) -> Reply:
        """Code and message; a bad key is 403."""
        if kind == "throttled":
            text = "Request was throttled: CUSTOMER_LIMIT"
            return Reply(429, {"code": "TOO_MANY_REQUESTS", "message": text})
        if kind in ("unauthorized", "forbidden"):
            return Reply(STATUS[kind], {"error": "access_denied", "message": "Access denied"})
        return Reply(STATUS[kind], {"code": kind.upper(), "message": f"The request failed: {kind}"})


def _inside(code: str, text: str, field: str) -> Json:
    error = {"field": field, "value": "", "code": code, "description": text, "followupAction": ""}
    return {"errorResponse": {"code": code, "description": text, "errors": [error]}}
