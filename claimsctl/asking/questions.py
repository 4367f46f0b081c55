"""From a claim to the question it is: which way its payer is asked, of the ways there are."""

from __future__ import annotations

from claimsctl.asking.accounts import ready_routes
from claimsctl.asking.checkpoint import Question
from claimsctl.asking.intake import Asked
from claimsctl.asking.request import Place, StatusRequest
from claimsctl.asking.routing import NoWay, Routing
from claimsctl.process.rulebook import Rulebook, payer_index


def routing_of(request: StatusRequest, place: Place, rulebook: Rulebook) -> Routing:
    """The ways that settings and connectors give on the day of the request."""
    payers = payer_index(rulebook.tables)
    return Routing(place.settings, payers, _routes_of(place), _ready_of(place), request.run_date)


def _routes_of(place: Place) -> frozenset[str]:
    """The routes there are."""
    return frozenset(place.asker.routes) | frozenset(place.accounts or ())


def _ready_of(place: Place) -> frozenset[str]:
    """Routes that have their credentials; of a sandbox all."""
    return ready_routes(place.settings) if place.accounts is None else frozenset(place.accounts)


def question_of(key: int, each: Asked, request: StatusRequest, place: Place, routing: Routing) -> Question:
    """A claim with the way it is asked about.

    A practice that a row names counts where the settings have it; a stored claim is of its practice always.
    """
    practice = str(each.values.get("practice_id", request.practice_id))
    if practice not in place.settings.practice and request.source != "store":
        practice = request.practice_id
    payer, name = each.values.get("payer_id"), each.values.get("payer_name")
    way = routing.way(None if payer is None else str(payer), None if name is None else str(name), practice)
    place_in = (key, each.input, each.row_number, each.lines, practice, each.values)
    if isinstance(way, NoWay):
        refusal = {"code": way.code, "message": way.message, "suggestion": way.suggestion}
        return Question(*place_in, refusal=refusal)
    return Question(*place_in, way.route, way.entry, way.payer_id, way.provider)
