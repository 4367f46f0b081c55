"""What a job of questions would send, masked; nobody is asked, nothing is written."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from claimsctl.asking.accounts import account_of
from claimsctl.asking.checkpoint import Question
from claimsctl.asking.intake import status_rulebook, take_in
from claimsctl.asking.questions import question_of, routing_of
from claimsctl.asking.request import Place, StatusRequest
from claimsctl.asking.stored import claims_to_ask
from claimsctl.asking.work import inquiry_of
from claimsctl.errors import SettingsError
from claimsctl.payers.inputs import masked_values
from claimsctl.payers.inquiry import Inquiry
from claimsctl.process.intake import notes_of
from claimsctl.process.prepare import open_inputs
from claimsctl.process.timing import Timings

SHOWN: Final = 5


@dataclass
class Dry:
    """Claims by route, those that would not be asked by reason, and the first questions, masked."""

    rows: Mapping[str, int]
    claims: Mapping[str, int]
    routes: Counter[str] = field(default_factory=Counter)
    refused: Counter[tuple[str, str]] = field(default_factory=Counter)
    questions: list[dict[str, Any]] = field(default_factory=list)

    def as_dict(self) -> dict[str, Any]:
        """For --json."""
        return {
            "rows": dict(self.rows),
            "claims": dict(self.claims),
            "routes": dict(self.routes),
            "not_asked": [
                {"claims": number, "message": message, "suggestion": fix}
                for (message, fix), number in self.refused.most_common()
            ],
            "questions": self.questions,
            "shown": len(self.questions),
        }


def dry_run(request: StatusRequest, place: Place, *, shown: int = SHOWN) -> Dry:
    """Check rows, choose ways, and put the first `shown` questions into words."""
    rulebook = status_rulebook(place.settings, request.run_date)
    routing = routing_of(request, place, rulebook)
    with place.workspace.scratch() as spill:
        given = request.inputs
        if request.filters is not None:
            found = claims_to_ask(place.workspace, request.filters, spill, place.notify)
            given = () if found is None else (str(found),)
        if not given:
            nothing = dict.fromkeys(("read", "accepted", "held", "rejected", "skipped"), 0)
            return Dry(nothing, nothing)
        reading = request.reading(given)
        inputs = open_inputs(reading, spill, place.settings.mapping)
        for note in notes_of(inputs):
            place.notify(note)
        taken = take_in(reading, rulebook, inputs, spill, None, timings=Timings())
        ledger = taken.outcome.ledger.as_dict()
        dry = Dry(ledger["rows"], ledger["claims"])
        for batch in taken.batches():
            for each in batch:
                question = question_of(0, each, request, place, routing)
                if question.refusal is not None:
                    dry.refused[question.refusal["message"], question.refusal["suggestion"]] += 1
                    continue
                dry.routes[str(question.route)] += 1
                if len(dry.questions) < shown:
                    inquiry = inquiry_of(question, place.settings)
                    dry.questions.append(_shown(question, inquiry, place))
    return dry


def _shown(question: Question, inquiry: Inquiry, place: Place) -> dict[str, Any]:
    route = str(question.route)
    account = (
        place.accounts[route]
        if place.accounts is not None and route in place.accounts
        else account_of(place.settings, route, question.entry, secrets=False)
    )
    shown = {
        "input": question.input,
        "row_number": question.row_number,
        "route": route,
        "payer_id": inquiry.payer_id,
        "practice": dict(inquiry.practice),
        "values": {key: str(value) for key, value in masked_values(inquiry.values).items()},
    }
    try:
        return {**shown, "requests": place.asker.dry(route, account, inquiry)}
    except SettingsError as error:
        return {**shown, "requests": [], "trouble": str(error)}
