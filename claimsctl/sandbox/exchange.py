"""What passes between a client and a payer of the sandbox, and what every payer's contract must say."""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

from claimsctl.sandbox.book import Book
from claimsctl.sandbox.claims import InventedClaim
from claimsctl.sandbox.reply import Json, Reply
from claimsctl.sandbox.submissions import Submissions
from claimsctl.sandbox.tokens import CLIENT_ID, CLIENT_SECRET, Tokens

Trouble = Literal[
    "unauthorized", "forbidden", "throttled", "not_found", "backend", "unavailable", "timeout", "input"
]
STATUS: dict[Trouble, int] = {
    "unauthorized": 401, "forbidden": 403, "throttled": 429, "not_found": 404, "backend": 500,
    "unavailable": 503, "timeout": 504, "input": 400,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Call:
    """One request: the step of the contract it is, headers by lower-case name, its address without host."""

    route: str
    step: str
    method: str
    headers: Mapping[str, str]
    query: str
    body: bytes
    number: int
    base: str
    tail: str = ""


class Refused(Exception):
    """The strict parser does not take the request; holds the payer's answer."""

    def __init__(self, reply: Reply) -> None:
        super().__init__(reply.status)
        self.reply = reply


@dataclass(frozen=True, slots=True)
class Question:
    """A request as understood: a key that is the same whenever the same is asked, and the claims it means.

    `single` says that it is about one claim or patient and no search by date alone. `data` is what the
    contract needs to answer.
    """

    key: str
    claims: Sequence[InventedClaim]
    tax_id: str = ""
    data: Any = None
    single: bool = True


@dataclass(frozen=True, slots=True)
class Hit:
    """A fault that this request meets: the scenario's name, its value, and how often it was met before."""

    name: str
    value: float
    before: int = 0


NO_HIT = Hit("", 0)


class Contract(ABC):
    """One payer's interface: paths, strict parsing, answers in its own words and formats."""

    route: ClassVar[str]
    # Method, path below the route's prefix, step. "{tail}" stands for the last part of the path.
    paths: ClassVar[tuple[tuple[str, str, str], ...]]
    token_path: ClassVar[str] = ""
    # The key whose absence must be noticed, and what "root-renamed" makes of it.
    root_key: ClassVar[tuple[str, str]]

    def __init__(self, book: Book, tokens: Tokens) -> None:
        self.book, self.tokens = book, tokens
        self.submissions = Submissions()

    @abstractmethod
    def read(self, call: Call) -> Question:
        """Parse strictly and find the claims meant; Refused when the payer would refuse."""

    @abstractmethod
    def answer(self, call: Call, question: Question, hit: Hit) -> Reply:
        """The right answer, changed as the fault says where the fault is one of content."""

    @abstractmethod
    def trouble(self, kind: Trouble, call: Call) -> Reply:
        """An error in the payer's words."""

    @abstractmethod
    def token(self, call: Call, hit: Hit) -> Reply:
        """The answer of the token address."""

    def authorised(self, call: Call) -> bool:
        """Whether the request carries a token that is alive."""
        return self.tokens.use(call.headers.get("authorization", "")) is not None

    def issue(self, given: Mapping[str, str], hit: Hit, *, scope: str = "") -> Reply:
        """Check client credentials and answer as OAuth 2 does."""
        if given.get("grant_type") != "client_credentials":
            return _oauth_error(400, "unsupported_grant_type", "grant_type must be client_credentials")
        known = given.get("client_id") == CLIENT_ID and given.get("client_secret") == CLIENT_SECRET
        if not known or hit.name == "token-refused":
            return _oauth_error(401, "invalid_client", "Client authentication failed")
        if hit.name == "scope-refused":
            return _oauth_error(400, "unauthorized_client", "The scope is not granted to this client")
        if hit.name == "token-error":
            return self.trouble("unavailable", Call("", "token", "", {}, "", b"", 0, ""))
        value, life = self.tokens.issue(scope, hit.value if hit.name == "token-short" else None)
        told: Json = {"access_token": value, "token_type": "Bearer", "expires_in": int(life) or 1}
        return Reply(200, told | ({"scope": scope} if scope else {}))


def _oauth_error(status: int, code: str, text: str) -> Reply:
    return Reply(status, {"error": code, "error_description": text})


def json_body(call: Call) -> Json | None:
    """The body as a JSON object, None when it is none."""
    try:
        body = json.loads(call.body)
    except ValueError:
        return None
    return body if isinstance(body, dict) else None
