"""Rehearsing a connector without a payer: its example replies are read, and what comes out is compared."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from typing import Any

from claimsctl.payers.connector import Connector, Example, Transaction
from claimsctl.payers.found import Found
from claimsctl.payers.mapping import Unreadable, read_claims
from claimsctl.payers.verdict import UNREADABLE, Judge, Reply, Verdict


def failures(connector: Connector) -> Iterator[str]:
    """What the examples of a connector get wrong, each with the example's name."""
    judge = Judge(connector)
    for transaction in connector.transactions.values():
        for example in transaction.examples:
            for trouble in _wrong(example, transaction, connector, judge):
                yield f"example {example.name!r}: {trouble}"


def _wrong(example: Example, transaction: Transaction, connector: Connector, judge: Judge) -> Iterator[str]:
    step = transaction.step(example.step)
    try:
        body: Any = json.loads(example.reply, parse_float=Decimal)
    except ValueError:
        body = UNREADABLE
    http = step.poll.http if step.poll is not None else {}
    verdict = judge(Reply(example.status, {}, body), step, http)
    found: list[Found] = []
    if verdict.means == "ok":
        try:
            found = [f.marked(*verdict.flags) for f in read_claims(step.reply, body, connector, "")]
        except Unreadable as error:
            verdict = Verdict("error", "SCHEMA", error.key)
    if verdict.means != example.means:
        yield f"means {verdict.means} ({verdict.code or 'no code'}), expected {example.means}"
    elif example.code is not None and verdict.code != example.code:
        yield f"has the code {verdict.code}, expected {example.code}"
    elif len(found) != len(example.matches):
        yield f"holds {len(found)} claims, expected {len(example.matches)}"
    else:
        for number, (got, wanted) in enumerate(zip(found, example.matches, strict=True), 1):
            yield from (f"claim {number}: {trouble}" for trouble in _differences(got, wanted))


def _differences(found: Found, wanted: dict[str, Any]) -> Iterator[str]:
    for name, value in wanted.items():
        got = found.person[name] if name in found.person else getattr(found.match, name, None)
        if _plain(got) != _plain(value):
            yield f"{name} is {_plain(got)!r}, expected {_plain(value)!r}"


def _plain(value: Any) -> Any:
    if isinstance(value, (date, Decimal)):
        return str(value)
    if isinstance(value, (list, tuple)):
        return [_plain(each) for each in value]
    return value
