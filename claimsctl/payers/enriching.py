"""What later steps add to a claim that was found: lines, adjustments, its payment."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import fields, replace
from typing import Any, Final

from claimsctl.payers.access import Access
from claimsctl.payers.context import match_context
from claimsctl.payers.found import Found
from claimsctl.payers.inquiry import Match
from claimsctl.payers.mapping import Unreadable, outputs, read_claims
from claimsctl.payers.narrowing import folded
from claimsctl.payers.paths import holds
from claimsctl.payers.searching import Searcher
from claimsctl.payers.template import MissingInput
from claimsctl.payers.transport.allowance import Allowance
from claimsctl.payers.verdict import Verdict

_MOST: Final = 5
_JOINED: Final = frozenset({"status", "adjustments", "lines", "payer_ids", "flags", "raw"})


class Enricher:
    """Runs the `enrich` steps of a connector."""

    def __init__(self, access: Access, searcher: Searcher) -> None:
        self._connector, self._searcher = access.connector, searcher
        self._steps = [step for step in access.connector.claim_status.steps if step.kind == "enrich"]

    async def enriched(
        self, found: Sequence[Found], context: Mapping[str, Any], allowance: Allowance
    ) -> tuple[tuple[Found, ...], Verdict | None]:
        """The claims with what the steps add, and what failed of them; an error that stops is raised as
        StepFailed."""
        if not self._steps:
            return tuple(found), None
        done: list[Found] = []
        failed: Verdict | None = None
        for each in found[:_MOST]:
            match, trouble = await self._one(each.match, context, allowance)
            if trouble is not None and trouble.means == "restart":  # the token of a step before it is gone
                match, trouble = await self._one(each.match, context, allowance)
            done.append(replace(each, match=match))
            failed = failed or trouble
        return (*done, *found[_MOST:]), failed

    async def _one(
        self, match: Match, context: Mapping[str, Any], allowance: Allowance
    ) -> tuple[Match, Verdict | None]:
        asked = match_context(context, match)
        failed: Verdict | None = None
        for step in self._steps:
            if not holds(step.when, asked):
                continue
            try:
                document, verdict = await self._searcher.fetch(step, asked, allowance)
                if verdict.means == "ok":
                    told = read_claims(step.reply, document, self._connector, context["payer"]["id"])
                    match = _joined(match, told)
                    asked["steps"][step.name] = outputs(step.reply, document)
                    continue
            except Unreadable as error:
                verdict = Verdict("error", "SCHEMA", f"the reply does not hold {error.key}")
            except MissingInput as missing:
                verdict = Verdict("input", "MISSING_INPUT", f"needs {missing}")
            if verdict.means == "not_found":
                continue
            failed = failed or replace(verdict, text=f"step {step.name}: {verdict.text}")
            if step.on_error == "stop" or verdict.means == "restart":
                break
        return match, failed


def _joined(match: Match, told: Sequence[Found]) -> Match:
    """The match with what a step says of the same claim; what was known before stands."""
    number = folded(match.payer_claim_number)
    same = [f.match for f in told if folded(f.match.payer_claim_number) in (None, number)]
    for more in same[:1]:
        unread = [flag for flag in more.flags if flag.startswith("unreadable")]
        names = [item.name for item in fields(Match) if item.name not in _JOINED]
        new = {n: getattr(more, n) for n in names if getattr(match, n) is None}
        match = replace(
            match,
            **new,
            adjustments=tuple(dict.fromkeys((*match.adjustments, *more.adjustments))),
            lines=match.lines or more.lines,
            flags=tuple(dict.fromkeys((*match.flags, *unread))),
            raw={**more.raw, **match.raw},
        )
    return match
