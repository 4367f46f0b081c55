"""One claim from question to answer: find it, keep what is ours, enrich it, say what came of it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

from claimsctl.payers.access import Access
from claimsctl.payers.answers import Answers
from claimsctl.payers.clock import Clock
from claimsctl.payers.codes import category
from claimsctl.payers.context import claim_context
from claimsctl.payers.enriching import Enricher
from claimsctl.payers.found import Found
from claimsctl.payers.inquiry import Answer, Inquiry
from claimsctl.payers.narrowing import narrowed
from claimsctl.payers.paths import holds
from claimsctl.payers.searching import Finding, Searcher
from claimsctl.payers.template import MissingInput
from claimsctl.payers.transport.allowance import Allowance
from claimsctl.payers.transport.client import Client
from claimsctl.payers.verdict import Verdict

_NOTHING_TO_ASK_BY: Final = Verdict(
    "input", "MISSING_INPUT",
    "the claim has nothing this route can ask by: give a claim number, or patient and service dates",
)  # fmt: skip
_TOO_LONG: Final = Verdict(
    "later", "CLAIM_TIMEOUT", "the claim took longer than claim_timeout_seconds", "network"
)
_REFUSALS: Final = 3
"""After so many refusals for one practice at one payer the others of it are not asked."""


class Workflow:
    """The steps of CLAIM_STATUS over one access."""

    def __init__(self, access: Access, client: Client, clock: Clock) -> None:
        self._access, self._clock = access, clock
        self.searcher = Searcher(access, client, clock)
        self._enricher = Enricher(access, self.searcher)
        self._answers = Answers(access.connector.name, clock)
        self._refused: Counter[tuple[str, str]] = Counter()
        self._refusal: dict[tuple[str, str], Verdict] = {}

    async def answer(
        self, inquiry: Inquiry, known: tuple[Found, ...] = (), skip: frozenset[str] = frozenset()
    ) -> Answer:
        """The answer to one inquiry; `known` are its claims where a search of many found them already,
        `skip` names steps that cannot bring more."""
        begun = self._answers.begin(inquiry)
        context = claim_context(self._access.context, inquiry)
        allowance = Allowance(self._access.limits.claim_timeout_seconds)
        refused = self._known_refusal(inquiry)
        if refused is not None:
            return begun.failed(refused, 0)
        found, partial = known, None
        try:
            async with allowance:
                if not found:
                    finding = await self._find(inquiry, context, skip, allowance)
                    found, verdict = finding.found, finding.verdict
                    self._note(inquiry, verdict)
                    if verdict.means != "ok":
                        return begun.without_claim(found, verdict, allowance.requests)
                found, partial = await self._enricher.enriched(found, context, allowance)
        except TimeoutError:
            if not found:
                return begun.failed(_TOO_LONG, allowance.requests)
            partial = _TOO_LONG
        return begun.found(found, partial, allowance.requests)

    def refused(self, inquiry: Inquiry, verdict: Verdict) -> Answer:
        """The answer to an inquiry that is not asked."""
        return self._answers.begin(inquiry).failed(verdict, 0)

    async def _find(
        self, inquiry: Inquiry, context: Mapping[str, Any], skip: frozenset[str], allowance: Allowance
    ) -> Finding:
        """The find steps in order until one knows the claim; else what they said."""
        told = _Told()
        for step in self._access.connector.claim_status.steps:
            if step.kind != "find" or step.name in skip or not holds(step.when, context):
                continue
            try:
                finding = await self.searcher.search(step, context, allowance)
            except MissingInput as error:
                told.refusals.append(Verdict("input", "MISSING_INPUT", f"the route needs {error}"))
                continue
            claims = [each for each in finding.found if each.is_claim]
            if claims and finding.is_complete:
                return Finding(narrowed(claims, inquiry), Verdict("ok", trace_id=finding.verdict.trace_id))
            if told.of(finding) and step.on_error == "stop":
                break
        return Finding(tuple(told.records), told.verdict())

    def _known_refusal(self, inquiry: Inquiry) -> Verdict | None:
        allowed = self._access.connector.payer_ids
        if allowed and inquiry.payer_id not in allowed:
            return Verdict("input", "PAYER_ID", "the route does not take this payer id")
        key = _practice(inquiry)
        return self._refusal.get(key) if self._refused[key] >= _REFUSALS else None

    def _note(self, inquiry: Inquiry, verdict: Verdict) -> None:
        key = _practice(inquiry)
        if verdict.means == "auth":
            self._refused[key] += 1
            self._refusal[key] = verdict
        elif verdict.means in ("ok", "not_found"):
            self._refused[key] = 0


def _practice(inquiry: Inquiry) -> tuple[str, str]:
    own = inquiry.values.get("billing_tax_id") or inquiry.practice.get("tax_id", "")
    return str(own), inquiry.payer_id


class _Told:
    """What steps said that did not find the claim."""

    def __init__(self) -> None:
        self.records: list[Found] = []
        self.misses: list[Verdict] = []
        self.refusals: list[Verdict] = []
        self.errors: list[Verdict] = []

    def of(self, finding: Finding) -> bool:
        """Note it, and tell whether asking on is of no use now."""
        verdict = _payer_failed(finding) if finding.is_complete else finding.verdict
        if verdict is None:
            self.records += [each for each in finding.found if each.match.status == "NOT_FOUND"]
            self.misses.append(replace(finding.verdict, means="not_found"))
        elif verdict.means == "input":
            self.refusals.append(verdict)
        else:
            self.errors.append(verdict)
            return verdict.means == "auth" or verdict.is_retryable
        return False

    def verdict(self) -> Verdict:
        """An error may have hidden the claim, so it comes before a miss, and a miss before a refusal."""
        for verdicts in (self.errors, self.misses, self.refusals):
            if verdicts:
                return verdicts[-1]
        return _NOTHING_TO_ASK_BY


def _payer_failed(finding: Finding) -> Verdict | None:
    """The verdict of a reply that is in order and says that the payer could not answer (categories E)."""
    for each in finding.found:
        code = each.match.category_code
        text = (category(code).text or "the payer could not answer").lower()
        if each.failed == "RETRY":
            return Verdict("later", code, text, trace_id=finding.verdict.trace_id)
        if each.failed is not None:
            return Verdict("input", code, text, trace_id=finding.verdict.trace_id)
    return None
