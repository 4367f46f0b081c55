"""What would be sent for a claim, masked, without sending anything."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import date
from typing import Any

from claimsctl.payers.access import Access
from claimsctl.payers.account import Account
from claimsctl.payers.connector import Connector, Step
from claimsctl.payers.context import claim_context, request_context, with_window
from claimsctl.payers.inputs import JSON, build, masked_inputs, masked_values
from claimsctl.payers.inquiry import Inquiry
from claimsctl.payers.paths import holds
from claimsctl.payers.template import MissingInput
from claimsctl.security.masking import MASKED

_LATER = "\u2039from an earlier step\u203a"


def check_dry(connector: Connector, account: Account, inquiry: Inquiry) -> list[dict[str, Any]]:
    """The requests for one claim in order, as plain JSON: step, method, url, headers and inputs.

    Names, birth dates and other identifiers are masked, credentials never shown. The first is sent; those
    after it have `only_if`. A step that lacks an input says so in `missing`. Raises SettingsError.
    """
    needed = dict.fromkeys(Access.needed_credentials(connector), MASKED)
    access = Access(connector, replace(account, credentials={**needed, **account.credentials}), date.today())
    context = _masked_context(access, inquiry)
    own = claim_context(access.context, inquiry)
    shown: list[dict[str, Any]] = []
    for step in connector.claim_status.steps:
        if step.kind == "find" and holds(step.when, own):
            entry = _entry(step, access, context)
            if any(each["kind"] == "find" and "missing" not in each for each in shown):
                entry["only_if"] = "the claim is not found before"
            shown.append(entry)
    later = {
        "match": {"payer_claim_number": _LATER, "claim_number": _LATER},
        "steps": {s.name: dict.fromkeys(s.reply.outputs, _LATER) for s in connector.claim_status.steps},
    }
    for step in connector.claim_status.steps:
        if step.kind == "enrich" and any(each["kind"] == "find" for each in shown):
            shown.append(
                {**_entry(step, access, {**context, **later}), "only_if": step.when or "it is found"}
            )
    return shown


def _masked_context(access: Access, inquiry: Inquiry) -> dict[str, Any]:
    context = claim_context(access.context, inquiry)
    first = inquiry.values.get("service_date_from")
    last = inquiry.values.get("service_date_to")
    if isinstance(first, date):
        context = with_window(context, first, last if isinstance(last, date) else first)
    return {**context, "claim": masked_values(inquiry.values), "page": {}}


def _entry(step: Step, access: Access, context: Mapping[str, Any]) -> dict[str, Any]:
    connector = access.connector
    redact = frozenset(connector.redact)
    entry: dict[str, Any] = {"step": step.name, "kind": step.kind, "method": step.method}
    try:
        request = build(step, access.headers, request_context(context), access.form, frozenset())
    except MissingInput as missing:
        return {**entry, "missing": str(missing)}
    headers = masked_inputs(dict(request.headers), redact)
    if connector.auth.kind != "none":
        headers[connector.auth.header] = MASKED
    entry |= {"url": access.url(request.path), "headers": headers}
    if request.inputs is not None:
        kind = "json" if request.content_type == JSON else "form"
        entry[kind] = masked_inputs(request.inputs, redact)
    document: dict[str, Any] = json.loads(json.dumps(entry, default=str))
    return document
