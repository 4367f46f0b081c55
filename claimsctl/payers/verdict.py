"""What a reply means, as the connector classifies it; nothing of its values but codes is kept."""

from __future__ import annotations

import re
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any, Final

from claimsctl.payers.connector import Connector, ErrorCode, Means, State, Step
from claimsctl.payers.inputs import input_names
from claimsctl.payers.inquiry import ErrorType
from claimsctl.payers.paths import find, find_all

UNREADABLE: Final = object()
"""Body of a reply that is no JSON."""
_CODE = re.compile(r"[A-Za-z][A-Za-z0-9_.-]{0,59}|[0-9]{1,6}")
_TRACE = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.:-]{2,79}")
_USUAL: Final[dict[int, Means]] = {
    400: "input", 401: "auth", 403: "auth", 408: "retry", 409: "retry", 422: "input", 425: "retry",
    429: "retry", 500: "retry", 502: "retry", 503: "retry", 504: "retry",
}  # fmt: skip
_WORDS: Final[dict[int, str]] = {
    400: "the payer refused the question", 401: "the payer does not accept the access token",
    403: "not permitted: ask the payer whether this account may ask for this practice",
    404: "nothing at this address: check base_url of the route", 429: "too many requests",
    422: "the payer refused the question", 503: "the payer is not available", 504: "the payer did not answer",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Reply:
    """A reply as it arrived: header names in lower case, `body` parsed or UNREADABLE."""

    status: int
    headers: dict[str, str]
    body: Any


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a reply, or its absence, means; `text` is in our words and names no value of a claim."""

    means: Means
    code: str | None = None
    text: str = ""
    error_type: ErrorType = "api"
    trace_id: str | None = None
    flags: tuple[str, ...] = ()

    @property
    def is_retryable(self) -> bool:
        """Whether asking again some other time may help."""
        return self.means in ("retry", "later", "poll", "restart")


class Judge:
    """Classifies the replies of one connector: codes in the body first, whatever the HTTP status, then the
    status, then the state that a good reply tells."""

    def __init__(self, connector: Connector) -> None:
        self._errors = connector.errors
        self._inputs = input_names(connector)

    def __call__(self, reply: Reply, step: Step, http: dict[str, Means] | None = None) -> Verdict:
        """What a reply to a step means; `http` are meanings of statuses that hold for this request only."""
        trace = self._trace(reply)
        codes = self._codes(reply)
        # A missing result is not a missing claim, whatever the general meaning of its error document.
        own = (http or {}).get(str(reply.status))
        if own == "restart":
            text = "the result has expired before it was fetched"
            return Verdict(own, f"HTTP_{reply.status}", text, trace_id=trace)
        for code in codes:
            entry = _entry(self._errors.codes, code)
            if entry is not None:
                return Verdict(
                    entry.means, _safe(code), entry.text + self._field(reply), _type(entry.means), trace
                )
        by_status = {**self._errors.http, **step.http, **(http or {})}
        means = by_status.get(str(reply.status)) or _by_status(reply)
        shown = _safe(codes[0]) if codes else None
        if means == "poll":
            return Verdict("poll", f"HTTP_{reply.status}", "the payer has not answered yet", trace_id=trace)
        if means != "ok":
            text = _WORDS.get(reply.status, f"HTTP status {reply.status}") + self._field(reply)
            return Verdict(means, shown or f"HTTP_{reply.status}", text, _type(means), trace)
        if reply.body is UNREADABLE:
            return Verdict("retry", "NOT_JSON", "the reply is no JSON document", "network", trace)
        if shown is not None:
            text = f"the payer reports an error{self._field(reply)}"
            return Verdict("error", shown, text, trace_id=trace)
        if step.reply.state is not None:
            return _state(step.reply.state, reply, trace)
        return Verdict("ok", trace_id=trace)

    def _codes(self, reply: Reply) -> list[str]:
        if reply.body is UNREADABLE:
            return []
        told = [code for path in self._errors.code for code in find_all((path,), reply.body)]
        return [text for code in told if isinstance(code, (str, int)) and (text := str(code).strip())]

    def _field(self, reply: Reply) -> str:
        """The field the payer complains of, where it is one that we send."""
        told = None if reply.body is UNREADABLE else find(self._errors.field, reply.body)
        return f" (its field {told})" if isinstance(told, str) and told in self._inputs else ""

    def _trace(self, reply: Reply) -> str | None:
        heads = (reply.headers.get(name.lower()) for name in self._errors.trace_headers)
        told = next((value for value in heads if value), None)
        if told is None and reply.body is not UNREADABLE:
            told = find(self._errors.trace, reply.body)
        return told if isinstance(told, str) and _TRACE.fullmatch(told) else None


def _safe(code: str) -> str:
    return code if _CODE.fullmatch(code) else "UNKNOWN_CODE"


def _by_status(reply: Reply) -> Means:
    if 200 <= reply.status < 300:
        return "ok"
    return _USUAL.get(reply.status, "retry" if reply.status >= 500 else "error")


def _type(means: Means) -> ErrorType:
    return "auth" if means == "auth" else "api"


def _entry(table: dict[str, ErrorCode], code: str) -> ErrorCode | None:
    exact = table.get(code)
    if exact is not None:
        return exact
    return next((entry for pattern, entry in table.items() if fnmatchcase(code, pattern)), None)


def _state(state: State, reply: Reply, trace: str | None) -> Verdict:
    told = find(state.code, reply.body)
    if told is None:
        return Verdict("ok", trace_id=trace)
    code = str(told).strip()
    entry = _entry(state.codes, code)
    if entry is None and reply.status == 202:
        return Verdict("poll", None, "the payer has not answered yet", trace_id=trace)
    if entry is None:
        shown = code if _CODE.fullmatch(code) else "?"
        return Verdict("error", f"STATE_{shown}", "the payer reports a state we do not know", trace_id=trace)
    flags = tuple(flag for known, flag in state.flags.items() if known == code)
    if entry.means == "ok":
        return Verdict("ok", trace_id=trace, flags=flags)
    return Verdict(entry.means, f"STATE_{code}", entry.text, _type(entry.means), trace, flags)
