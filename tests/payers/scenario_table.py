"""What every fault of the sandbox leads to, as tables: what the user sees, what was sent, what is stored.

`python -m tests.payers.scenario_table` writes docs/payer-faults.md anew; test_scenarios.py compares.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from typing import Final

from claimsctl.payers.inquiry import Answer
from claimsctl.sandbox.box import Sandbox
from claimsctl.sandbox.claims import EXAMPLE_DAY, EXAMPLES, InventedClaim
from claimsctl.sandbox.inventing import invent_claims
from claimsctl.sandbox.scenarios import ROUTES, SCENARIOS
from tests.payers.rehearsal import asked, inquiry


def moved(claim: InventedClaim, day: date) -> InventedClaim:
    """The claim with another date of service."""
    return replace(claim, service_from=day, service_to=day)


PAGE: Final = Path(__file__).parents[2] / "docs" / "payer-faults.md"
ONE: Final = replace(EXAMPLES[0], payer_ids=frozenset())  # every payer of the sandbox knows it
SEVERAL: Final = tuple(
    moved(claim, EXAMPLE_DAY - timedelta(days=60 - 4 * place))
    for place, claim in enumerate(invent_claims(8, seed=3, payer=""))
)
# A search names no claim: only these columns are given, so that numbers do not find it first.
PERSON: Final = (
    "patient_last_name", "patient_first_name", "patient_dob", "member_id", "service_date_from",
    "service_date_to", "charge_amount",
)  # fmt: skip
SEARCHES: Final = (
    "page-two=200", "over-500", "over-500=1500", "page-token-expired", "page-token-repeated",
    "page-token-dangling", "partial", "window-refused", "service-date-differs=40", "date-refused", "too-old",
    "mixed=3", "root-renamed",
)  # fmt: skip
# Not about one question alone, or about submissions.
_ELSEWHERE: Final = {
    "chaos", "mixed", "submission-running", "token-short", *(each.partition("=")[0] for each in SEARCHES[:9]),
}  # fmt: skip
_NUMBERS: Final = {"daily-cap": "daily-cap=0", "slow": "slow=1"}
_HEAD: Final = """# When a payer misbehaves

What `claimsctl check-status` makes of every fault that [`claimsctl sandbox`](sandbox.md) plays, tried over
HTTP by the tests (`tests/payers/test_scenarios.py`). *Seen* is the status, or the error that the user reads;
*sent* are the requests in order, with their HTTP statuses where they are not 200; *stored* is what the store
and the checkpoint keep; *right* counts the claims whose status and payment are the payer's.
"""


def single_rows(box: Sandbox, route: str) -> Iterator[str]:
    """One claim by its number, under each scenario of a route."""
    yield "| Scenario | Seen | Sent | Stored |"
    yield "|---|---|---|---|"
    names = [each.name for each in SCENARIOS.values() if route in each.routes and each.name not in _ELSEWHERE]
    for name in ["", *names]:
        scenario = _NUMBERS.get(name, name)
        box.forget()
        box.set_scenario(*([scenario] if scenario else []))
        answers, _ = asked(box, route, [inquiry(0, ONE, route)])
        (answer,) = answers.values()
        yield _row(scenario, seen(answer), sent(box), stored(answer))


def several_rows(box: Sandbox, route: str) -> Iterator[str]:
    """Eight claims by patient and dates, under scenarios of searches."""
    yield "| Scenario | Seen | Sent | Right |"
    yield "|---|---|---|---|"
    for scenario in ("", *SEARCHES):
        name = scenario.partition("=")[0]
        if name and route not in SCENARIOS[name].routes:
            continue
        box.forget()
        box.set_scenario(*([scenario] if scenario else []))
        inquiries = [inquiry(key, claim, route, *PERSON) for key, claim in enumerate(SEVERAL)]
        answers, _ = asked(box, route, inquiries, limits={"concurrency": 1})
        said = Counter(_outcome(each) for each in answers.values())
        told = ", ".join(f"{number} {words}" for words, number in sorted(said.items()))
        calls = Counter(each.step for each in box.log)
        steps = ", ".join(f"{number} {step}" for step, number in calls.items())
        right = sum(is_right(answers[key], claim) for key, claim in enumerate(SEVERAL))
        yield _row(scenario, told, steps, str(right))


def _row(scenario: str, *cells: str) -> str:
    return " | ".join((f"| `{scenario}`" if scenario else "| none", *cells)) + " |"


def is_right(answer: Answer, claim: InventedClaim) -> bool:
    """Whether the answer tells the claim's own status and payment."""
    if answer.outcome != "found":
        return False
    first = answer.matches[0]
    paid = first.paid_amount if claim.decided else claim.paid
    return (first.category_code, first.payer_claim_number, paid) == (
        claim.category, claim.payer_claim_number, claim.paid,
    )  # fmt: skip


def _outcome(answer: Answer) -> str:
    later = ", retry later" if answer.retryable else ""
    error = f" ({answer.error_type} {answer.error_code}{later})" if answer.error_type else ""
    return f"{answer.outcome}{' in part' if answer.partial else ''}{error}"


def seen(answer: Answer) -> str:
    """What a user reads of an answer."""
    words = []
    if answer.matches:
        first = answer.matches[0]
        words.append(f"{first.status} {first.category_code}/{first.status_code}")
        if first.paid_amount is not None:
            words.append(f"paid {first.paid_amount:.2f}")
        if len(answer.matches) > 1:
            words.append(f"and {len(answer.matches) - 1} more")
        words += first.flags
    elif answer.outcome == "not_found":
        words.append("NOT_FOUND")
    if answer.error_type is not None:
        later = "; retry later" if answer.retryable else ""
        text = re.sub(r"\d+ minutes", "N minutes", answer.error_message or "")
        words.append(f"{answer.error_type} error {answer.error_code}: {text}{later}")
    return " ".join(words).replace("||", "or")


def stored(answer: Answer) -> str:
    """What is kept of an answer."""
    found = ", ".join(match.status for match in answer.matches)
    error = f"{answer.error_type} {answer.error_code}" if answer.error_type else ""
    partial = "in part" if answer.partial else ""
    return " ".join(filter(None, (answer.outcome, partial, found, error)))


def sent(box: Sandbox) -> str:
    """Steps in order: "token number=503,200 detail"; long rows of one status are cut."""
    told: list[tuple[str, list[str]]] = []
    for each in box.log:
        if not told or told[-1][0] != each.step:
            told.append((each.step, []))
        told[-1][1].append(str(each.status or "dropped"))
    return " ".join(f"{step}{_statuses(statuses)}" for step, statuses in told)


def _statuses(statuses: Sequence[str]) -> str:
    if statuses == ["200"]:
        return ""
    if len(statuses) > 5 and len(set(statuses)) == 1:
        return f"={statuses[0]}..."
    return "=" + ",".join(statuses)


def page(box: Sandbox, routes: Iterable[str] = ROUTES) -> Iterator[str]:
    """All tables of routes, as Markdown lines."""
    for route in routes:
        yield from ("", f"## {route}", "", "One claim, asked for by its number:", "")
        yield from single_rows(box, route)
        yield from ("", "Eight claims, asked for by patient and dates:", "")
        yield from several_rows(box, route)


if __name__ == "__main__":
    PAGE.write_text(_HEAD + "\n".join(page(Sandbox([ONE, *SEVERAL]))) + "\n", "utf-8")
