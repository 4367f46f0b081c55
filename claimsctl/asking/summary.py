"""summary.json of a job of questions: what became of every row and claim, and what it took."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from claimsctl import __version__
from claimsctl.asking.request import StatusRequest
from claimsctl.asking.results import Told as Results
from claimsctl.asking.work import Heard, kind_of_status
from claimsctl.errors import InternalError
from claimsctl.process.core import Outcome
from claimsctl.process.summary import findings_summary, input_summary, mapping_summary, peak_memory
from claimsctl.process.timing import Timings
from claimsctl.store.answers import Stored

KINDS = ("paid", "denied", "pending", "other", "not_found")
ERROR_TYPES = ("validation", "api", "network", "auth")


@dataclass(frozen=True)
class Told:
    """What the summary says beside results and intake."""

    job_id: str
    command: str
    parent_job: str | None
    started: datetime
    request: StatusRequest
    stored: Stored | None
    paths: Mapping[str, Path]


def intake_told(outcome: Outcome) -> dict[str, Any]:
    """What the intake found, as the summary has it; kept with the checkpoint for jobs that go on."""
    return {
        "inputs": [input_summary(each) for each in outcome.intake.inputs],
        "mapping": mapping_summary(outcome.intake.inputs),
        **outcome.ledger.as_dict(),
        **findings_summary(outcome.book),
    }


def build_summary(
    told: Told, intake: Mapping[str, Any], results: Results, heard: Heard, timings: Timings
) -> dict[str, Any]:
    """The keys of summary.json, in their order; InternalError where claims do not balance."""
    claims = _balanced(intake["claims"], results)
    answers = dict.fromkeys(KINDS, 0)
    for status, number in results.by_status.items():
        answers[kind_of_status(status)] += number
    validation = intake["claims"]["rejected"]
    errors = {kind: results.errors[kind] + (validation if kind == "validation" else 0)
              for kind in ERROR_TYPES}  # fmt: skip
    failed = any(errors.values()) or claims["not_asked"] or intake["findings"]["error"]
    spent = timings.as_dict()
    return {
        "job_id": told.job_id,
        "command": told.command,
        **({"parent_job": told.parent_job} if told.parent_job else {}),
        "version": __version__,
        "status": "COMPLETED_WITH_ERRORS" if failed else "COMPLETED",
        "started_at": told.started,
        "finished_at": datetime.now(UTC),
        "as_of": told.request.run_date,
        "source": told.request.source,
        "sandbox": told.request.sandbox,
        "inputs": intake["inputs"],
        "mapping": intake["mapping"],
        "rows": intake["rows"],
        "claims": claims,
        "answers": answers,
        "by_status": dict(sorted(results.by_status.items(), key=lambda each: (-each[1], each[0]))),
        "cached": results.cached,
        "partial": results.partial,
        "several_matches": results.several,
        "paid_amount": results.paid,
        "errors": errors,
        "errors_by_code": [
            {"error_type": kind, "code": code, "claims": number, "message": message, "suggestion": fix}
            for (kind, code, message, fix), number in sorted(
                results.codes.items(), key=lambda each: (-each[1], each[0])
            )
        ],
        "findings": intake["findings"],
        "findings_by_code": intake["findings_by_code"],
        "causes": intake["causes"],
        "routes": _routes(heard),
        "stored": None if told.stored is None else asdict(told.stored),
        "timings": spent,
        "claims_per_second": _rate(heard, spent),
        "peak_memory_bytes": peak_memory(),
        "outputs": {name: str(path) for name, path in told.paths.items()},
    }


def _balanced(taken: Mapping[str, int], results: Results) -> dict[str, int]:
    """Claims: read = answered + failed + rejected + skipped + not asked. Rejected are those with findings,
    and those whose payer nobody knows how to ask."""
    claims = {
        "read": taken["read"],
        "answered": results.answered,
        "failed": results.failed,
        "rejected": taken["rejected"] + results.refused,
        "skipped": taken["skipped"],
        "not_asked": results.unasked,
    }
    if claims["read"] != sum(claims.values()) - claims["read"]:
        raise InternalError(
            f"The ledger of claims does not balance ({claims}); nothing was published.",
            hint="Please report this with the numbers; they hold no patient data.",
        )
    return claims


def _routes(heard: Heard) -> list[dict[str, Any]]:
    """What each route took, and why nothing was heard of one."""
    lost = heard.out_of_reach | heard.unset
    return [
        {
            "route": route,
            "claims": heard.asked[route],
            **(asdict(heard.totals[route]) if route in heard.totals else {}),
            "trouble": lost.get(route),
            "unreachable": route in heard.out_of_reach,
        }
        for route in sorted({*heard.totals, *heard.asked, *lost})
    ]


def _rate(heard: Heard, spent: Mapping[str, float]) -> float | None:
    asked = sum(heard.asked.values())
    return round(asked / spent["ask"], 1) if asked and spent.get("ask") else None
