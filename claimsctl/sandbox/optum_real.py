"""Optum Real, claim inquiry: one GraphQL address, the page token and the tax id in request headers."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import date
from typing import Any, ClassVar, Final

from graphql import DocumentNode, ExecutionResult, GraphQLError, execute

from claimsctl.sandbox.book import Asked, Book
from claimsctl.sandbox.claims import InventedClaim
from claimsctl.sandbox.exchange import Call, Contract, Hit, Question, Refused, Trouble, json_body
from claimsctl.sandbox.inventing import crowd
from claimsctl.sandbox.optum_schema import checked, schema
from claimsctl.sandbox.outcomes import told
from claimsctl.sandbox.paging import Searches
from claimsctl.sandbox.reading import digits, in_calendar, mdy, read_date, read_form
from claimsctl.sandbox.reply import Json, Reply
from claimsctl.sandbox.tokens import Tokens
from claimsctl.sandbox.uhc import PAYER_IDS, WIDEST
from claimsctl.sandbox.uhc_words import CATEGORY_TEXT, STATUS_TEXT, SUFFIX, word

PAYERS: Final = PAYER_IDS | frozenset("25463 39026 74227 LIFE1 WELM2 06111".split())


def failed(code: str, text: str, status: int = 200) -> Reply:
    """An error of the service; most come with HTTP 200."""
    return Reply(status, {"errors": [{"code": code, "description": text}], "data": None})


class OptumReal(Contract):
    """Steps: token, inquiry."""

    route: ClassVar[str] = "optum-real"
    token_path: ClassVar[str] = "/apip/auth/sntl/v1/token"
    root_key: ClassVar[tuple[str, str]] = ("searchClaim", "claimSearchResult")
    paths: ClassVar[tuple[tuple[str, str, str], ...]] = (
        ("POST", "/oihub/claim/inquiry/v1", "inquiry"),
        ("POST", "/oihub/claim/actions/v1", "submission"),
    )

    def __init__(self, book: Book, tokens: Tokens, today: date) -> None:
        super().__init__(book, tokens)
        self._searches = Searches()
        self._today = today

    def token(self, call: Call, hit: Hit) -> Reply:
        """Client credentials as a form."""
        return self.issue(read_form(call.body) or {}, hit)

    def read(self, call: Call) -> Question:
        """Check the query against the schema, then the input as the service does."""
        body = json_body(call) or {}
        # The published example of a submission names the key "mutation".
        text = body.get("query") or (body.get("mutation") if call.step == "submission" else None)
        if not isinstance(text, str):
            raise Refused(failed("GRAPHQL_VALIDATION_FAILED", "The body must hold query", 400))
        document, wrong = checked(text)
        if document is None:
            raise Refused(failed("GRAPHQL_VALIDATION_FAILED", wrong, 400))
        variables = {} if body.get("variables") is None else body["variables"]
        operation = body.get("operationName")
        if not isinstance(variables, dict) or not isinstance(operation, str | None):
            raise Refused(failed("GRAPHQL_VALIDATION_FAILED", "variables or operationName is wrong", 400))
        if not digits(call.headers.get("providertaxid", ""), 9):
            raise Refused(failed("MISSING_REQUIRED_FIELD", "Header providerTaxId must have 9 digits"))
        if call.step == "submission":
            key = f"submission {hashlib.sha256(call.body).hexdigest()}"
            return Question(key, (), data=(document, variables, operation))
        given = variables.get("searchClaimInput")
        if not isinstance(given, dict):
            raise Refused(failed("MISSING_REQUIRED_FIELD", "variables.searchClaimInput is missing"))
        if not all(isinstance(value, str | None) for value in given.values()):
            raise Refused(failed("GRAPHQL_VALIDATION_FAILED", "String cannot represent the value", 400))
        asked = self._asked({k: v for k, v in given.items() if v not in (None, "")}, call)
        key = " ".join(f"{name}={given[name]}" for name in sorted(given))
        following = call.headers.get("nextpagetoken", "")
        plan = (document, variables, operation, asked, following)
        single = asked.by_number or asked.by_person
        return Question(f"{following} {key}", self.book.find(asked), asked.tax_id, plan, single=single)

    def _asked(self, given: Mapping[str, Any], call: Call) -> Asked:
        if given.get("payerId") not in PAYERS:
            raise Refused(failed("INVALID_FIELD", "payerId is missing or not supported"))
        days: dict[str, date | None] = {}
        for name in ("memberDateOfBirth", "serviceStartDate", "serviceEndDate"):
            text = given.get(name)
            days[name] = read_date(str(text), "%m/%d/%Y") if text else None
            if text and days[name] is None:
                raise Refused(failed("INVALID_FIELD", f"{name} must be MM/DD/YYYY"))
        start, end, born = days["serviceStartDate"], days["serviceEndDate"], days["memberDateOfBirth"]
        numbered = "claimNumber" in given or "patientAccountNumber" in given
        if not numbered and (start is None or end is None):
            raise Refused(failed("MISSING_REQUIRED_FIELD", "serviceStartDate and serviceEndDate"))
        if start is not None and end is not None:
            if end < start or (end - start).days > WIDEST:
                raise Refused(failed("BAD_USER_INPUT", "The service date range must be 0 to 90 days"))
            if not in_calendar(start, self._today) or not in_calendar(end, self._today):
                raise Refused(failed("BAD_USER_INPUT", "Service dates must be within 24 months"))
        person = "memberId" in given or "memberFirstName" in given or "memberLastName" in given
        named = "memberFirstName" in given and "memberLastName" in given
        if person and not (("memberId" in given and (born or named)) or (named and born)):
            text = "A member needs two of: id, first and last name, date of birth"
            raise Refused(failed("MISSING_REQUIRED_FIELD", text))
        return Asked(
            payer_id=given["payerId"], tax_id=call.headers["providertaxid"],
            number="" if not numbered else str(given.get("claimNumber", "")),
            account=str(given.get("patientAccountNumber", "")), member_id=str(given.get("memberId", "")),
            last_name=str(given.get("memberLastName", "")), first_name=str(given.get("memberFirstName", "")),
            dob=born, start=start, end=end,
        )  # fmt: skip

    def answer(self, call: Call, question: Question, hit: Hit) -> Reply:
        """Execute the query on the page of claims that was asked for."""
        if call.step == "submission":
            return self._submitted(*question.data)
        document, variables, operation, asked, following = question.data
        days = (asked.end - asked.start).days + 1 if asked.start and asked.end else 0
        match hit.name:
            case "not-found-404":
                return failed("NOT_FOUND", "No claim found", 404)
            case "not-found-errors":
                return failed("NOT_FOUND", "No claim found")
            case "errors-in-200":
                return failed("VALIDATION_FAILED", "The request is not valid")
            case "retry-in-200":
                return failed("BACKEND_TIMEOUT", "The claim system did not answer in time")
            case "date-refused":
                return failed("INVALID_FIELD", "serviceStartDate must be MM/DD/YYYY")
            case "too-old":
                return failed("BAD_USER_INPUT", "Service dates must be within 24 months")
            case "window-refused" | "partial" if days > hit.value:
                return failed("BAD_USER_INPUT", f"The service date range must be 0 to {hit.value:g} days")
        owner = f"{asked.tax_id} {asked.payer_id}"
        if following:
            page = self._searches.next(owner, following)
            if page is not None and hit.name == "page-token-expired":
                self._searches.forget(following)
                page = None
            if page is None:
                return failed("BAD_USER_INPUT", "nextPageToken is unknown or has expired")
        else:
            found = [] if hit.name == "not-found-empty" else told(question.claims, hit)
            if not question.single:
                found = crowd(hit, asked.start, asked.end) + found
            page = self._searches.first(owner, question.key, found)
        token = page.token
        if hit.name == "page-token-repeated" and (token or following):
            token = following or token
        if hit.name == "page-token-dangling" and page.claims and not token:
            token = self._searches.dangling(page, owner, question.key)
        claims = [claim_of(claim) for claim in page.claims]
        root: Json = {
            "searchClaim": {
                "claims": claims,
                "pagination": {"hasMoreRecords": bool(token), "nextPageToken": token or None},
            }
        }
        return _executed(document, root, variables, operation)

    def _submitted(self, document: DocumentNode, variables: Json, operation: str | None) -> Reply:
        def submit(_: object, **given: Json) -> Json:
            taken = self.submissions.take_x12(given["input"]["x12RequestData"])
            if taken is None:
                raise GraphQLError("x12RequestData is no 837")
            number, text = taken
            done = {"x12ResponseData": text, "responseType": "837999", "message": "OK"}
            return {"transactionId": number, "statusCode": "000", **done}

        return _executed(document, {"claimSubmission": submit}, variables, operation)

    def trouble(self, kind: Trouble, call: Call) -> Reply:
        """401 and 403 as the gateway says them, others with HTTP status and `errors`."""
        if kind == "unauthorized":
            trace = {"code": "UNAUTHORIZED_AUTHENTICATION_FAILED", "traceId": f"sbx-{call.number:08d}"}
            return Reply(401, {"errors": [{"message": "AUTH_FAILURE", "extensions": trace}]})
        if kind == "not_found":
            return failed("NOT_FOUND", "No claim found", 404)
        statuses = {"forbidden": 403, "throttled": 429, "unavailable": 503, "timeout": 504, "input": 400}
        return failed(kind.upper(), f"The request failed: {kind}", statuses.get(kind, 500))


def _executed(document: DocumentNode, root: Json, variables: Json, operation: str | None) -> Reply:
    done = execute(schema(), document, root, variable_values=variables, operation_name=operation)
    assert isinstance(done, ExecutionResult)  # nothing here is asynchronous
    if done.errors:
        return failed("GRAPHQL_VALIDATION_FAILED", done.errors[0].message, 400)
    return Reply(200, {"data": done.data})


def claim_of(claim: InventedClaim) -> Json:
    """One entry of `claims`, in the spellings of the service."""
    paid = [
        {
            "paymentNumber": claim.check_number, "paymentModeCode": "E" if claim.electronic else "C",
            "adjudicatedClaimPaymentAmount": str(claim.paid), "paymentAmount": str(claim.paid * 9),
            "paymentIssueDate": mdy(claim.paid_on),
        }
    ]  # fmt: skip
    decided = claim.decided
    deductible = str(claim.patient) if claim.status == "1" else "0.00"
    return {
        "claimNumber": claim.payer_claim_number, "claimStatus": word(claim),
        "hasClaimDetails": bool(claim.lines),
        "member": {
            "firstName": claim.first_name, "lastName": claim.last_name, "dateOfBirth": mdy(claim.dob),
        },
        "claimEvents": {
            "processedDate": mdy(claim.processed) or None, "serviceStartDate": mdy(claim.service_from),
            "serviceEndDate": mdy(claim.service_to), "statusEffectiveDate": mdy(claim.effective),
        },
        "claimLevelInfo": {"patientAccountNumber": claim.claim_number},
        "claimLevelTotalAmount": {
            "totalBilledChargeAmount": str(claim.charge),
            "totalAllowedAmount": str(claim.allowed) if decided else None,
            "totaldeductibleAmount": deductible if decided else None,
            "totalPaidAmount": str(claim.paid) if decided else None,
            "totalPatientResponsibilityAmount": str(claim.patient) if decided else None,
        },
        "payments": paid if claim.check_number else [],
        "claimStatusCrosswalkData": [
            {
                "claim507Code": claim.category, "claim507CodeDescription": CATEGORY_TEXT.get(claim.category),
                "claim508Code": claim.status, "claim508CodeDescription": STATUS_TEXT.get(claim.status),
                "adjudicatedClaimSuffixCode": SUFFIX,
            }
        ],
        "claimAdjudicationCodes": [],
        "claimDetailedInformation": {
            "lines": [
                {
                    "lineNumber": str(line.number), "serviceCode": line.procedure_code,
                    "billedAmount": str(line.charge), "allowedAmount": str(line.allowed),
                    "paidAmount": str(line.paid), "memberResponsiblityAmount": str(line.patient),
                    "lineAdjudicationCodes": [
                        {"type": "CARC", "code": code.rpartition("-")[2], "description": ""}
                        for code in line.adjustments
                    ],
                }
                for line in claim.lines
            ]
        },
    }  # fmt: skip
