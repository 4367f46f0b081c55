"""Availity Claim Statuses 1.0.0: a form is posted, then its answer is polled for."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import ClassVar, Final

from claimsctl.sandbox.availity_words import NOT_FOUND, claim_of
from claimsctl.sandbox.book import Asked, Book
from claimsctl.sandbox.exchange import STATUS, Call, Contract, Hit, Question, Refused, Trouble
from claimsctl.sandbox.outcomes import told
from claimsctl.sandbox.reading import digits, read_date, read_form, read_money
from claimsctl.sandbox.reply import Json, Reply
from claimsctl.sandbox.tokens import Tokens

SCOPES: Final = ("healthcare-hipaa-transactions", "healthcare-hipaa-transactions-demo", "hipaa")
FIELDS: Final = frozenset(
    """payer.id submitter.lastName submitter.firstName submitter.id providers.lastName providers.firstName
    providers.npi providers.taxId providers.payerAssignedProviderId subscriber.memberId subscriber.lastName
    subscriber.firstName patient.lastName patient.firstName patient.birthDate patient.genderCode
    patient.accountNumber patient.subscriberRelationshipCode fromDate toDate claimNumber claimAmount
    facilityTypeCode frequencyTypeCode""".split()
)
_EDI_ID: Final = re.compile(r"\d{5}")
# What is said about a transaction: its code, HTTP status while polled, the word.
_STATES: Final[dict[str, tuple[str, int, str]]] = {
    "payer-maintenance": ("15", 200, "Payer is under maintenance"),
    "payer-silent": ("7", 200, "Payer did not respond"),
    "payer-invalid": ("13", 200, "Invalid payer response"),
    "payer-validation": ("19", 200, "Payer returned validation messages"),
}


_INVALID: Final = {"field": "subscriber.memberId", "code": "75", "errorMessage": "Not found"}


@dataclass(slots=True)
class Transaction:
    """One posted question and how often its answer was asked for."""

    question: Question
    polls: int = 0


class Availity(Contract):
    """Steps: token, inquiry (the post), poll, configuration, payers."""

    route: ClassVar[str] = "availity"
    token_path: ClassVar[str] = "/v1/token"
    root_key: ClassVar[tuple[str, str]] = ("claimStatuses", "statuses")
    paths: ClassVar[tuple[tuple[str, str, str], ...]] = tuple(
        (method, base + path, step)
        for base in ("/availity", "")
        for method, path, step in (
            ("POST", "/v1/claim-statuses", "inquiry"),
            ("GET", "/v1/claim-statuses/{tail}", "poll"),
            ("GET", "/v1/configurations", "configuration"),
            ("GET", "/v1/availity-payer-list", "payers"),
        )
    )

    def __init__(self, book: Book, tokens: Tokens, polls: int) -> None:
        super().__init__(book, tokens)
        self._polls = polls
        self._transactions: dict[str, Transaction] = {}
        self._ids: dict[str, str] = {}
        self._last = 900_000

    def token(self, call: Call, hit: Hit) -> Reply:
        """Client credentials as a form; exactly one known scope."""
        given = read_form(call.body) or {}
        if given.get("scope") not in SCOPES:
            text = "The scope must be one of those granted"
            return Reply(400, {"error": "unauthorized_client", "error_description": text})
        return self.issue(given, hit, scope=given["scope"])

    def read(self, call: Call) -> Question:
        """A form of known fields with one ISO date format, or the id of a transaction."""
        if call.step == "poll":
            known = self._transactions.get(call.tail)
            if known is None:
                raise Refused(self.trouble("not_found", call))
            asked = known.question
            return Question(f"poll {asked.key}", asked.claims, asked.tax_id, asked.data)
        if call.step in ("configuration", "payers"):
            return Question(call.step, ())
        if call.headers.get("x-http-method-override", "").upper() != "GET":
            raise Refused(problem(405, "X-HTTP-Method-Override: GET is required", ""))
        kind = call.headers.get("content-type", "").partition(";")[0].strip()
        if kind != "application/x-www-form-urlencoded":
            raise Refused(problem(415, "Content-Type must be application/x-www-form-urlencoded", ""))
        form = read_form(call.body)
        if form is None:
            raise Refused(problem(400, "The form cannot be read or has a field twice", ""))
        given = {name: text for name, text in form.items() if text}
        return self._posted(given)

    def _posted(self, given: Mapping[str, str]) -> Question:
        for name in given:
            if name not in FIELDS:
                raise Refused(problem(400, "Unknown field", name))
        days: dict[str, date | None] = {}
        for name in ("patient.birthDate", "fromDate", "toDate"):
            days[name] = read_date(given[name], "%Y-%m-%d") if name in given else None
            if name in given and days[name] is None:
                raise Refused(problem(400, "The date must be YYYY-MM-DD", name))
        payer = given.get("payer.id", "")
        if not payer or _EDI_ID.fullmatch(payer):
            raise Refused(problem(400, "payer.id must be an Availity payer id", "payer.id"))
        npi = given.get("providers.npi", "")
        if npi and not digits(npi, 10):
            raise Refused(problem(400, "The NPI must have 10 digits", "providers.npi"))
        if not npi and not given.get("providers.taxId"):
            raise Refused(problem(400, "A provider is required", "providers.npi"))
        if "claimNumber" not in given and not ("patient.lastName" in given and "patient.birthDate" in given):
            raise Refused(problem(400, "The patient's name and birth date are required", "patient.lastName"))
        amount = read_money(given["claimAmount"]) if "claimAmount" in given else None
        if "claimAmount" in given and amount is None:
            raise Refused(problem(400, "The amount is no number", "claimAmount"))
        asked = Asked(
            payer_id=payer, tax_id=given.get("providers.taxId", ""),
            payer_number=given.get("claimNumber", ""),
            account=given.get("patient.accountNumber", ""), member_id=given.get("subscriber.memberId", ""),
            last_name=given.get("patient.lastName", ""), first_name=given.get("patient.firstName", ""),
            dob=days["patient.birthDate"], start=days["fromDate"], end=days["toDate"] or days["fromDate"],
            charge=amount,
        )  # fmt: skip
        key = "&".join(f"{name}={given[name]}" for name in sorted(given))
        return Question(key, self.book.find(asked), asked.tax_id, asked)

    def answer(self, call: Call, question: Question, hit: Hit) -> Reply:
        """The post makes a transaction; polls tell its state and then its claims."""
        demo = {"X-Api-Mock-Response": "true"} if self._demo(call) else {}
        headers = {"X-Availity-Transaction-ID": f"sbx-{call.number:08d}", **demo}
        if call.step == "configuration":
            return Reply(200, _configuration(), headers)
        if call.step == "payers":
            return Reply(200, {"totalCount": 0, "count": 0, "offset": 0, "limit": 50, "payers": []}, headers)
        if call.step == "poll":
            return self._polled(call, question, hit, headers)
        match hit.name:
            case "not-found-404":
                return self.trouble("not_found", call)
            case "date-refused":
                return problem(400, "The date must be YYYY-MM-DD", "fromDate")
            case "too-old":
                return problem(400, "fromDate is too far back", "fromDate")
            case "not-found-errors":
                return problem(200, "No claim found", "claimNumber")
            case "errors-in-200":
                return problem(200, "The request is not valid", "subscriber.memberId")
        return self._accepted(call, question, headers, cached=hit.name == "cached")

    def _demo(self, call: Call) -> bool:
        token = self.tokens.known(call.headers.get("authorization", ""))
        return token is not None and token.scope.endswith("-demo")

    def _accepted(self, call: Call, question: Question, headers: Mapping[str, str], *, cached: bool) -> Reply:
        number = self._ids.get(question.key)
        if number is None:
            self._last += 1
            number = str(self._last)
            self._transactions[number] = Transaction(question)
            self._ids[question.key] = number
        self._transactions[number].polls = self._polls if cached else 0
        address = f"{call.base}/availity/v1/claim-statuses/{number}"
        state: Json = {
            "id": number, "links": {"self": {"href": address}},
            "expirationDate": "2099-01-01T00:00:00.000+0000",
            "status": "Complete" if cached else "In Progress", "statusCode": "4" if cached else "0",
        }  # fmt: skip
        body = {"totalCount": 1, "count": 1, "offset": 0, "limit": 50, "links": {}, "claimStatuses": [state]}
        told_too = {"Location": address, "X-Status-Message": str(state["status"])}
        return Reply(200 if cached else 202, body, {**headers, **told_too})

    def _polled(self, call: Call, question: Question, hit: Hit, headers: Mapping[str, str]) -> Reply:
        transaction = self._transactions[call.tail]
        transaction.polls += 1
        match hit.name:
            case "poll-expired":
                self._forget(call.tail)
                return self.trouble("not_found", call)
            case "payer-timeout":
                return self.trouble("timeout", call)
            case name if name in _STATES:
                code, status, word = _STATES[name]
                body: Json = {"id": call.tail, "status": word, "statusCode": code, "claimStatuses": []}
                if code == "19":
                    body["validationMessages"] = [_INVALID]
                return Reply(status, body, headers)
        wanted = hit.value if hit.name in ("polling", "payer-retrying") else self._polls
        if hit.name == "polling-endless" or transaction.polls <= wanted:
            code = "R1" if hit.name == "payer-retrying" else "0"
            return Reply(202, {"id": call.tail, "status": "In Progress", "statusCode": code}, headers)
        found = [claim_of(claim) for claim in told(question.claims, hit)]
        if hit.name == "not-found-d0" or not found:
            found = [NOT_FOUND]
        if hit.name == "not-found-empty":
            found = []
        asked: Asked = question.data
        code = "3" if hit.name == "partly-invalid" else "4"
        body = {
            "id": call.tail, "status": "Complete", "statusCode": code, "claimCount": str(len(found)),
            "payer": {"id": asked.payer_id, "name": "Sample"}, "claimStatuses": found,
        }  # fmt: skip
        return Reply(200, body, headers)

    def _forget(self, number: str) -> None:
        gone = self._transactions.pop(number)
        self._ids.pop(gone.question.key, None)

    def trouble(self, kind: Trouble, call: Call) -> Reply:
        """Availity's error document."""
        texts = {"unauthorized": "Token is expired or invalid", "forbidden": "Not subscribed",
                 "throttled": "Quota exceeded", "not_found": "Not found",
                 "unavailable": "The payer is not available"}  # fmt: skip
        return problem(STATUS[kind], texts.get(kind, "The request failed"), "")


def problem(status: int, text: str, field: str) -> Reply:
    """An error of the service, with the field it is about when there is one."""
    errors = [{"field": field, "code": "INVALID", "errorMessage": text, "index": 0}] if field else []
    body: Json = {
        "statusCode": status, "reasonCode": 0, "userMessage": text, "developerMessage": text,
        "errors": errors,
    }  # fmt: skip
    return Reply(status, body)


def _configuration() -> Json:
    required = ["payer.id", "providers.npi", "patient.lastName", "patient.birthDate"]
    elements = {name: {"required": name in required} for name in sorted(FIELDS)}
    return {"totalCount": 1, "count": 1, "configurations": [{"type": "claim-statuses", "elements": elements}]}
