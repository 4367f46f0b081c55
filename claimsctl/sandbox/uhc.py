"""UnitedHealthcare API Marketplace, Claims API: inputs in headers, summary, detail and payment.

HTTP statuses of its error codes are not public; those here are the usual guess.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import date, timedelta
from typing import ClassVar, Final

from claimsctl.sandbox.book import Asked, Book
from claimsctl.sandbox.exchange import Call, Contract, Hit, Question, Refused, Trouble, json_body
from claimsctl.sandbox.inventing import crowd
from claimsctl.sandbox.outcomes import told
from claimsctl.sandbox.paging import MOST, Searches
from claimsctl.sandbox.reading import digits, in_calendar, read_date, read_form
from claimsctl.sandbox.reply import Json, Reply
from claimsctl.sandbox.tokens import Tokens
from claimsctl.sandbox.uhc_words import detail_of, payment_of, summary_of

PAYER_IDS: Final = frozenset("87726 03432 96385 95467 86050 86047 95378 37602".split())
WIDEST: Final = 90
X12_277CA: Final = "ISA*00*~ST*277*0001~STC*A1:19*20260630*WQ~SE*3*0001~"
MESSAGES: Final = {
    "102": (400, "Mandatory element missing"),
    "105": (400, "Payer ID is not allowed"),
    "106": (400, "Provide firstServiceDt and lastServiceDt, or transactionId"),
    "107": (400, "Service dates must be within the last 24 months and not in the future"),
    "108": (400, "Date format must be MM/DD/YYYY"),
    "111": (400, "Date of birth must be MM/DD/YYYY"),
    "112": (400, "Date range must not exceed 90 days"),
    "113": (400, "lastServiceDt is before firstServiceDt"),
    "201": (404, "No data found for the request"),
    "203": (404, "No data found for the transactionId"),
    "301": (504, "Backend timeout"),
    "302": (500, "Backend failure"),
    "305": (500, "Could not retrieve all claims"),
    "306": (500, "More than 500 claims"),
    "307": (404, "Claim found, service date differs"),
    "500": (500, "Internal error"),
}


def error(code: str, status: int | None = None) -> Reply:
    """An error of the API by the end of its code, LCLM_PS_201 as "201"."""
    usual, text = MESSAGES[code]
    return Reply(status or usual, {"errors": [{"code": f"LCLM_PS_{code}", "message": text}]})


class Uhc(Contract):
    """Steps: token, summary (by provider, member or number), detail, payment, submission, acknowledgement."""

    route: ClassVar[str] = "uhc"
    token_path: ClassVar[str] = "/v1/oauthtoken"
    root_key: ClassVar[tuple[str, str]] = ("claims", "claimsSummaryInfo")
    paths: ClassVar[tuple[tuple[str, str, str], ...]] = tuple(
        (method, base + path, step)
        for base in ("/Claims", "")  # the base address with or without its last part
        for method, path, step in (
            ("GET", "/api/claim/summary/byprovider/v2.0", "summary"),
            ("POST", "/api/claim/summary/bymember/v2.0", "member"),
            ("GET", "/api/claim/summary/byclaimnumber/v2.0", "number"),
            ("GET", "/api/claim/detail/v2.0", "detail"),
            ("GET", "/api/claim/payment/v2.0", "payment"),
            ("POST", "/api/claim-submission/v1", "submission"),
            ("POST", "/api/claim-details/v1", "acknowledgement"),
        )
    )

    def __init__(self, book: Book, tokens: Tokens, today: date) -> None:
        super().__init__(book, tokens)
        self._searches = Searches()
        self._details: dict[str, Question] = {}
        self._today = today

    def token(self, call: Call, hit: Hit) -> Reply:
        """Client credentials as a form, or as JSON with the header `env`."""
        given: Mapping[str, str] | None = json_body(call) if "env" in call.headers else None
        return self.issue(given or read_form(call.body) or {}, hit)

    def authorised(self, call: Call) -> bool:
        """Inputs in a query string are answered as if the token were wrong."""
        return super().authorised(call) and not call.query

    def read(self, call: Call) -> Question:
        """Everything stands in headers, but the criteria of a search by member."""
        given = call.headers
        if call.step == "payment":
            return self._payment(given)
        if call.step in ("submission", "acknowledgement"):
            body = json_body(call)
            wanted = "x12RequestData" if call.step == "submission" else "transactionId"
            if body is None or not isinstance(body.get(wanted), str):
                raise Refused(error("102"))
            return Question(f"{call.step} {hashlib.sha256(call.body).hexdigest()}", (), data=body[wanted])
        if not given.get("tin") or not given.get("payerid"):
            raise Refused(error("102"))
        if not digits(given["tin"], 9):
            raise Refused(error("102"))
        if given["payerid"] not in PAYER_IDS:
            raise Refused(error("105"))
        if call.step in ("number", "detail"):
            return self._number(call, given)
        if call.step == "member":
            criteria = json_body(call)
            if criteria is None:
                raise Refused(error("102"))
            texts = {name.lower(): str(value) for name, value in criteria.items() if value is not None}
            return self._window(call, {**texts, "tin": given["tin"], "payerid": given["payerid"]})
        return self._window(call, given)

    def _number(self, call: Call, given: Mapping[str, str]) -> Question:
        number = given.get("claimnumber", "")
        if not number:
            raise Refused(error("102"))
        asked = Asked(payer_id=given["payerid"], tax_id=given["tin"], number=number)
        with_summary = given.get("includesummary", "").lower() == "true"
        return Question(f"{call.step} {number}", self.book.find(asked), given["tin"], (asked, with_summary))

    def _payment(self, given: Mapping[str, str]) -> Question:
        number = given.get("transactionid", "")
        if not number:
            raise Refused(error("102"))
        detail = self._details.get(number)
        if detail is None:  # also for the page token of a summary
            raise Refused(error("203"))
        return Question(f"payment {detail.key}", detail.claims, detail.tax_id)

    def _window(self, call: Call, given: Mapping[str, str]) -> Question:
        owner = f"{given['tin']} {given['payerid']}"
        following = given.get("transactionid", "")
        if following:
            return Question(f"page {following}", (), given["tin"], (owner, following, None), single=False)
        first, last = given.get("firstservicedt", ""), given.get("lastservicedt", "")
        member = given.get("memberid") or given.get("policynumber") or given.get("membernumber") or ""
        if call.step == "member" and not member and not given.get("ptntln"):
            raise Refused(error("102"))
        if not first or not last:
            raise Refused(error("106"))
        start, end = read_date(first, "%m/%d/%Y"), read_date(last, "%m/%d/%Y")
        if start is None or end is None:
            raise Refused(error("108"))
        if end < start:
            raise Refused(error("113"))
        if (end - start).days > WIDEST:
            raise Refused(error("112"))
        if not in_calendar(start, self._today) or not in_calendar(end, self._today):
            raise Refused(error("107"))
        born = given.get("ptntdob", "")
        dob = read_date(born, "%m/%d/%Y") if born else None
        if born and dob is None:
            raise Refused(error("111"))
        asked = Asked(
            payer_id=given["payerid"], tax_id=given["tin"], member_id=member, start=start, end=end,
            last_name=given.get("ptntln", ""), first_name=given.get("ptntfn", ""), dob=dob,
        )  # fmt: skip
        key = f"{call.step} {owner} {first} {last} {member} {asked.last_name} {asked.first_name} {born}"
        plan = (owner, "", asked)
        return Question(key, self.book.find(asked), given["tin"], plan, single=asked.by_person)

    def answer(self, call: Call, question: Question, hit: Hit) -> Reply:
        """Claims of a search, one claim with its lines, or its payment."""
        if call.step == "submission":
            taken = self.submissions.take_x12(question.data)
            if taken is None:
                return error("102")
            number, text = taken
            done = {"x12ResponseData": text, "responseType": "837999", "message": "OK"}
            return Reply(200, {"transactionId": number, **done})
        if call.step == "acknowledgement":
            told_so = {"responseType": "277CA-ACCEPT", "x12ResponseData": X12_277CA, "statuscode": "000"}
            return Reply(200, {**told_so, "message": "OK"})
        refused = self._faulty(call, question, hit)
        if refused is not None:
            return refused
        if call.step in ("summary", "member"):
            return self._found(call, question, hit)
        claims = told(question.claims, hit)
        if not claims:
            return error("201")
        if call.step == "number":
            return Reply(200, {"claims": [summary_of(claim) for claim in claims]})
        if call.step == "detail":
            _, with_summary = question.data
            number = "dtl-" + hashlib.sha256(f"{question.tax_id} {question.key}".encode()).hexdigest()[:12]
            self._details[number] = Question(question.key, claims, question.tax_id)
            return Reply(200, {**detail_of(claims, summary=with_summary), "transactionId": number})
        if not claims[0].check_number:
            return error("201")
        return Reply(200, payment_of(claims[0]))

    def _found(self, call: Call, question: Question, hit: Hit) -> Reply:
        owner, following, asked = question.data
        if following:
            page = self._searches.next(owner, following)
            if page is None:
                return error("203")
            if hit.name == "page-token-expired":
                self._searches.forget(following)
                return error("203")
        else:
            found = crowd(hit, asked.start, asked.end) + told(question.claims, hit)
            if len(found) > MOST:
                return error("306")
            if not found:
                return error("201")
            page = self._searches.first(owner, question.key, found)
        token = page.token
        if hit.name == "page-token-repeated" and (token or following):
            token = following or token
        if hit.name == "page-token-dangling" and page.claims and not token:
            token = self._searches.dangling(page, owner, question.key)
        body: Json = {"claims": [summary_of(claim) for claim in page.claims]}
        return Reply(200, body | ({"transactionId": token} if token else {}))

    def _faulty(self, call: Call, question: Question, hit: Hit) -> Reply | None:
        search = call.step in ("summary", "member")
        asked = question.data[2] if search and question.data[2] is not None else None
        days = (asked.end - asked.start) // timedelta(days=1) + 1 if asked is not None else 0
        match hit.name:
            case "not-found-404":
                return error("201")
            case "not-found-errors":
                return error("201", 200)
            case "not-found-empty" if call.step != "payment":
                return Reply(200, {"claimsDetailInfo" if call.step == "detail" else "claims": []})
            case "errors-in-200":
                return error("102", 200)
            case "retry-in-200":
                return error("301", 200)
            case "date-refused" if search:
                return error("108")
            case "too-old" if search:
                return error("107")
            case "window-refused" if days > hit.value:
                return error("112")
            case "partial" if days > hit.value:
                return error("305")
            case "service-date-differs" if 0 < days < hit.value:
                return error("307")
        return None

    def trouble(self, kind: Trouble, call: Call) -> Reply:
        """401 and 403 in the words of the gateway, others as error codes."""
        if kind in ("unauthorized", "forbidden"):
            text = "Access token is missing or invalid" if kind == "unauthorized" else "Access is denied"
            name = "invalid_access_token" if kind == "unauthorized" else "access_denied"
            told_so = {"error": name, "error_description": text, "traceId": f"sbx-{call.number:08d}"}
            return Reply(401 if kind == "unauthorized" else 403, told_so)
        if kind == "throttled":
            return Reply(429, {"error": "too_many_requests", "error_description": "Rate limit exceeded"})
        codes = {"not_found": "201", "input": "102", "timeout": "301", "unavailable": "302"}
        status = {"unavailable": 503}.get(kind)
        return error(codes.get(kind, "500"), status)
