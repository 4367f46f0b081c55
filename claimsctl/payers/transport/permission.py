"""The request for a token and what its reply says; the only place that sees credentials."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any
from urllib.parse import urlencode

from claimsctl.payers.access import Access
from claimsctl.payers.connector import Auth
from claimsctl.payers.inputs import FORM, JSON, rendered
from claimsctl.payers.paths import find
from claimsctl.payers.transport.tokens import NoToken
from claimsctl.payers.verdict import Reply, Verdict

_LONGEST_CODE = 40


def token_request(access: Access) -> tuple[dict[str, str], bytes]:
    """Headers and body of the request for a token."""
    auth = access.connector.auth
    fields = rendered(auth.fields, access.context, access.form)
    content = urlencode(fields) if auth.body == "form" else json.dumps(fields)
    headers = {
        "Accept": JSON, "Content-Type": FORM if auth.body == "form" else JSON,
        **rendered(access.environment.token_headers, access.context, access.form),
    }  # fmt: skip
    return headers, content.encode()


def token_verdict(reply: Reply) -> Verdict:
    """What the reply to a request for a token means."""
    if 200 <= reply.status < 300:
        if isinstance(reply.body, dict):
            return Verdict("ok")
        return Verdict("retry", "TOKEN_REPLY", "the token's reply is no JSON document", "network")
    if reply.status == 429 or reply.status >= 500:
        return Verdict("retry", f"TOKEN_HTTP_{reply.status}", "the payer gives no token now", "network")
    told = reply.body.get("error") if isinstance(reply.body, dict) else None
    named = isinstance(told, str) and told.replace("_", "").isalpha() and len(told) < _LONGEST_CODE
    text = "the payer refuses the credentials: check credentials and scope of the route"
    return Verdict("auth", told if named else f"TOKEN_HTTP_{reply.status}", text, "auth")


def token_of(auth: Auth, verdict: Verdict, reply: Reply | None) -> tuple[str, float]:
    """The token and its life in seconds; raises NoToken."""
    if verdict.means != "ok" or reply is None:
        raise NoToken(replace(verdict, means="later") if verdict.means == "retry" else verdict)
    value = find(auth.token, reply.body)
    if not isinstance(value, str) or not value:
        raise NoToken(Verdict("error", "TOKEN_REPLY", "the token's reply has no token", "auth"))
    return value, _seconds(find(auth.lifetime, reply.body), auth.lifetime_seconds)


def _seconds(told: Any, usual: float) -> float:
    try:
        life = float(told)
    except (TypeError, ValueError):
        return usual
    return life if 0 < life < 1e7 else usual
