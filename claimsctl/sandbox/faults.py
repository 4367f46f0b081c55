"""Faults of the way and not of the words: statuses, delays, broken bodies, dropped connections."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Final

from starlette.responses import Response

from claimsctl.sandbox.exchange import Call, Contract, Hit, Question, Trouble
from claimsctl.sandbox.reply import Json, Reply

_PLAIN: Final[Mapping[str, Trouble]] = {
    "token-dies": "unauthorized", "unauthorized": "unauthorized", "forbidden": "forbidden",
    "throttle": "throttled", "throttle-seconds": "throttled", "throttle-date": "throttled",
    "throttle-midnight": "throttled", "daily-cap": "throttled", "error-500": "backend",
    "error-503": "unavailable", "error-504": "timeout", "mixed": "backend", "detail-fails": "backend",
    "payment-fails": "backend",
}  # fmt: skip
_PAGE: Final = (
    "<!DOCTYPE html><html><head><title>Service notice</title></head><body>Please sign in.</body></html>"
)


class Dropped(Exception):
    """The connection shall be closed without an answer."""


async def respond(
    contract: Contract, call: Call, question: Question, hit: Hit, *, pace: float = 1
) -> Response:
    """The answer of a contract, spoilt as the fault says; delays are multiplied by `pace`."""
    kind = _PLAIN.get(hit.name)
    if kind is not None:
        if hit.name == "token-dies":
            contract.tokens.revoke(call.headers.get("authorization", ""))
        reply = contract.trouble(kind, call)
        return rendered(Reply(reply.status, reply.body, {**reply.headers, **_retry_after(hit)}))
    match hit.name:
        case "html":
            return Response(_PAGE, 200, media_type="text/html")
        case "html-error":
            return Response(_PAGE, 502, media_type="text/html")
        case "huge":
            filler = b'{"claims": [], "note": "' + b"x" * int(hit.value * 1_000_000) + b'"}'
            return Response(filler, 200, media_type="application/json")
        case "slow":
            await asyncio.sleep(hit.value * pace)
    reply = contract.answer(call, question, hit)
    if hit.name == "drop":  # the work is done, as after a submission that was accepted
        raise Dropped
    if hit.name == "root-renamed":
        reply = Reply(reply.status, _renamed(reply.body, *contract.root_key), reply.headers)
    response = rendered(reply)
    if hit.name == "truncated":
        body = bytes(response.body)
        half = body[: len(body) // 2]
        return Response(half, reply.status, dict(reply.headers), media_type="application/json")
    return response


def rendered(reply: Reply) -> Response:
    """The reply as JSON."""
    body = b"" if reply.body is None else json.dumps(reply.body).encode()
    return Response(body, reply.status, dict(reply.headers), media_type="application/json")


def _retry_after(hit: Hit) -> dict[str, str]:
    now = datetime.now(UTC)
    match hit.name:
        case "throttle-seconds":
            return {"Retry-After": f"{hit.value:g}"}
        case "throttle-date":
            # A date has whole seconds: round up, so that it is not over before it was sent.
            until = (now + timedelta(seconds=hit.value)).replace(microsecond=0)
            return {"Retry-After": format_datetime(until, usegmt=True)}
        case "throttle-midnight":
            midnight = (now + timedelta(days=1)).replace(hour=0, minute=0, second=0, microsecond=0)
            return {"Retry-After": format_datetime(midnight, usegmt=True)}
    return {}


def _renamed(body: Json | None, name: str, other: str) -> Json | None:
    if body is None:
        return None
    inner = body.get("data")
    if isinstance(inner, dict) and name in inner:
        return {**body, "data": _renamed(inner, name, other)}
    return {other if key == name else key: value for key, value in body.items()}
