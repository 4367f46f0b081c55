"""A sandbox: its payers, their limits and scenarios, and what it has seen."""

from __future__ import annotations

import asyncio
import threading
import time
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Final

from starlette.responses import Response

from claimsctl.sandbox.availity import Availity
from claimsctl.sandbox.book import Book
from claimsctl.sandbox.claims import EXAMPLES, InventedClaim
from claimsctl.sandbox.clearinghouse import OptumNetwork, Stedi
from claimsctl.sandbox.exchange import NO_HIT, Call, Contract, Hit, Question, Refused
from claimsctl.sandbox.faults import rendered, respond
from claimsctl.sandbox.limiter import Limiter
from claimsctl.sandbox.optum_real import OptumReal
from claimsctl.sandbox.reply import Reply
from claimsctl.sandbox.scenarios import ROUTES
from claimsctl.sandbox.switches import Switches
from claimsctl.sandbox.tokens import API_KEY, CLIENT_ID, CLIENT_SECRET, Tokens
from claimsctl.sandbox.uhc import Uhc

MOST_SEEN: Final = 100_000
AVAILITY_LIFE: Final = 300.0


@dataclass(frozen=True, slots=True)
class Seen:
    """One request and its answer; headers and body only when the sandbox keeps them."""

    at: float
    route: str
    step: str
    method: str
    path: str
    status: int
    scenario: str
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""


class Sandbox:
    """The payers behind one address; `url` is set when a server carries it.

    `log` holds what was asked, without headers and bodies unless `keep_bodies`; `counts` how often each
    "route step", "route status" and "route throttled" (refused by the limit) occurred. `latency` is in
    seconds, `requests_per_second` is counted per route over any one second, `token_life` is in
    seconds; `pace` multiplies the delays of scenarios, for rehearsals in a hurry.
    """

    def __init__(
        self, claims: Iterable[InventedClaim] | None = None, *, scenario: str | Sequence[str] = (),
        seed: int = 0, latency: float = 0, requests_per_second: int | None = None,
        token_life: float | None = None, payers: Sequence[str] = ROUTES, polls: int = 1,
        keep_bodies: bool = False, pace: float = 1,
    ) -> None:  # fmt: skip
        self.url = ""
        self.latency, self.keep_bodies, self.payers = latency, keep_bodies, tuple(payers)
        self.pace = pace
        self.claims = EXAMPLES if claims is None else tuple(claims)
        self.switches = Switches([scenario] if isinstance(scenario, str) else scenario, seed)
        self.log: list[Seen] = []
        self.counts: Counter[str] = Counter()
        self._lock = threading.Lock()
        self._begun = time.monotonic()
        self._number = 0
        book, today = Book(self.claims), date.today()

        def tokens(route: str) -> Tokens:
            usual = AVAILITY_LIFE if route == "availity" else 3600.0
            return Tokens(route, usual if token_life is None else token_life)

        every: tuple[Contract, ...] = (
            Uhc(book, tokens("uhc"), today),
            OptumReal(book, tokens("optum-real"), today),
            Availity(book, tokens("availity"), polls),
            OptumNetwork(book, tokens("optum-network")),
            Stedi(book, tokens("stedi")),
        )
        self.contracts = {each.route: each for each in every if each.route in self.payers}
        self._limits = {route: Limiter(requests_per_second) for route in self.contracts}

    def set_scenario(self, *texts: str) -> None:
        """Put these scenarios on in place of all before; none: all payers behave."""
        with self._lock:
            self.switches.set(texts)

    def forget(self) -> None:
        """Empty the log and the counts."""
        with self._lock:
            self.log.clear()
            self.counts.clear()

    def submitted(self, route: str) -> list[str]:
        """Numbers of the claims that a payer has accepted; one that stands twice was sent twice."""
        return list(self.contracts[route].submissions.accepted)

    def route_settings(self, route: str) -> dict[str, Any]:
        """What a connector needs to talk to this sandbox: addresses, environment and credentials."""
        base = f"{self.url}/{route}"
        path = self.contracts[route].token_path
        keys = {"client_id": CLIENT_ID, "client_secret": CLIENT_SECRET} if path else {"api_key": API_KEY}
        addresses = {"base_url": base} | ({"token_url": base + path} if path else {})
        return {"environment": "sandbox", **addresses, "credentials": keys}

    async def serve(self, call: Call, path: str) -> Response:
        """Answer one request and note it; raises `faults.Dropped` for no answer at all."""
        contract = self.contracts[call.route]
        hit, status = NO_HIT, 0
        try:
            limit = self._limits[call.route]
            limit.keep_pulse()
            if not limit.take():
                with self._lock:
                    self.counts[f"{call.route} throttled"] += 1
                response = rendered(contract.trouble("throttled", call))
            else:
                if self.latency:
                    await asyncio.sleep(self.latency)
                hit, question = self._understood(contract, call)
                response = (
                    rendered(question)
                    if isinstance(question, Reply)
                    else await respond(contract, call, question, hit, pace=self.pace)
                )
            status = response.status_code
            return response
        finally:
            self.note(call, path, status, hit.name)

    def _understood(self, contract: Contract, call: Call) -> tuple[Hit, Question | Reply]:
        if call.step == "token":
            nothing = Question("token", ())
            hit = self.switches.pick(call.route, "token", "token", nothing) or NO_HIT
            return hit, contract.token(call, hit)
        if not contract.authorised(call) or self._worn_out(contract, call):
            return NO_HIT, contract.trouble("unauthorized" if contract.token_path else "forbidden", call)
        try:
            question = contract.read(call)
        except Refused as refusal:
            return NO_HIT, refusal.reply
        return self.switches.pick(call.route, call.step, "data", question) or NO_HIT, question

    def _worn_out(self, contract: Contract, call: Call) -> bool:
        calls = self.switches.standing("token-revoked", call.route)
        token = contract.tokens.known(call.headers.get("authorization", ""))
        return calls is not None and token is not None and token.used > calls

    def note(self, call: Call, path: str, status: int, scenario: str) -> None:
        """Remember a request; status 0 is a dropped connection."""
        headers, body = (dict(call.headers), call.body) if self.keep_bodies else ({}, b"")
        seen = Seen(
            round(time.monotonic() - self._begun, 4), call.route, call.step, call.method, path, status,
            scenario, headers, body,
        )  # fmt: skip
        with self._lock:
            if len(self.log) < MOST_SEEN:
                self.log.append(seen)
            self.counts[f"{call.route} {call.step}"] += 1
            self.counts[f"{call.route} {status}"] += 1

    def next_number(self) -> int:
        """Number of the next request, for trace ids."""
        with self._lock:
            self._number += 1
            return self._number
