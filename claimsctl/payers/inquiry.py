"""What is asked about one claim and what came back, and both as plain JSON."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Literal

Value = str | date | Decimal

Status = Literal[
    "SUBMITTED", "PENDING", "ACTION_REQUIRED", "PAID", "DENIED", "REJECTED", "ADJUSTED", "FINALIZED",
    "CLOSED_NO_PAY", "NOT_FOUND", "UNKNOWN",
]  # fmt: skip
"""Those claim statuses that a payer can tell of."""
Outcome = Literal["found", "not_found", "error"]
ErrorType = Literal["api", "network", "auth"]
PaymentMethod = Literal["EFT", "CHECK"]


@dataclass(frozen=True, slots=True)
class Inquiry:
    """One claim to ask about.

    `key` is its position in the job; answers and checkpoints are keyed by it. `values` holds the canonical
    claim columns that have a value. `payer_id` is the id as the route needs it. `practice` holds npi,
    tax_id (9 digits), name, taxonomy and so on, with the provider ids of the payer mapping merged in.
    """

    key: int
    values: Mapping[str, Value]
    payer_id: str
    practice: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class MatchLine:
    """A service line as the payer tells it; what it left out is None. Amounts are US dollars."""

    line_number: int | None = None
    procedure_code: str | None = None
    modifiers: tuple[str, ...] = ()
    charge_amount: Decimal | None = None
    allowed_amount: Decimal | None = None
    paid_amount: Decimal | None = None
    patient_responsibility_amount: Decimal | None = None
    adjustments: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Match:
    """One claim the payer told of; what it left out is None.

    Amounts are US dollars. `category_code` is X12 code source 507, `status_code` 508. `adjustments` are
    texts such as "CO-45" or "RARC N130". `flags` are marks such as "paid_zero", "partly_invalid" or
    "service_date_differs". `raw` holds every code as it came, by the name of its field.
    """

    status: Status
    category_code: str | None = None
    category_text: str | None = None
    status_code: str | None = None
    status_text: str | None = None
    entity_code: str | None = None
    payer_claim_number: str | None = None
    claim_number: str | None = None
    charge_amount: Decimal | None = None
    allowed_amount: Decimal | None = None
    paid_amount: Decimal | None = None
    patient_responsibility_amount: Decimal | None = None
    service_date_from: date | None = None
    service_date_to: date | None = None
    processed_date: date | None = None
    effective_date: date | None = None
    paid_date: date | None = None
    check_number: str | None = None
    payment_method: PaymentMethod | None = None
    adjustments: tuple[str, ...] = ()
    lines: tuple[MatchLine, ...] = ()
    payer_ids: tuple[str, ...] = ()
    flags: tuple[str, ...] = ()
    raw: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Answer:
    """What became of one inquiry.

    `matches` has the headline first. `not_found` may carry the payer's own record of the miss (category D0
    or A4) with its raw codes. `partial` says that a later step (detail, payment) failed. The error fields
    are set for `error`, and for what failed of a partial answer; the message holds no value of the claim.
    `retryable` says that asking again later may help. `asked_at` is UTC.
    """

    key: int
    route: str
    outcome: Outcome
    asked_at: datetime
    matches: tuple[Match, ...] = ()
    partial: bool = False
    error_type: ErrorType | None = None
    error_code: str | None = None
    error_message: str | None = None
    retryable: bool = False
    trace_id: str | None = None
    requests: int = 0


@dataclass(frozen=True, slots=True)
class RouteTotals:
    """What asking one route took: requests sent (token calls apart), repeats, 429 replies, seconds."""

    requests: int = 0
    tokens: int = 0
    retries: int = 0
    throttled: int = 0
    seconds: float = 0.0


_NAMES = {kind: tuple(item.name for item in fields(kind)) for kind in (Answer, Match, MatchLine)}
_NOTHING: tuple[object, ...] = ([], {})
_DATES = frozenset({"service_date_from", "service_date_to", "processed_date", "effective_date", "paid_date"})


def answer_to_dict(answer: Answer) -> dict[str, Any]:
    """The answer as plain JSON: amounts and dates as text, fields without a value left out."""
    return _plain(answer)


def answer_from_dict(document: Mapping[str, Any]) -> Answer:
    """The answer that `answer_to_dict` wrote."""
    values = dict(document)
    values["asked_at"] = datetime.fromisoformat(values["asked_at"])
    values["matches"] = tuple(_match(match) for match in values.get("matches", ()))
    return Answer(**values)


def _match(document: Mapping[str, Any]) -> Match:
    values = _typed(document)
    values["lines"] = tuple(MatchLine(**_typed(line)) for line in values.get("lines", ()))
    return Match(**values)


def _typed(document: Mapping[str, Any]) -> dict[str, Any]:
    return {name: _value(name, value) for name, value in document.items()}


def _value(name: str, value: Any) -> Any:
    if name in _DATES:
        return date.fromisoformat(value)
    if name.endswith("_amount"):
        return Decimal(value)
    return tuple(value) if isinstance(value, list) else value


def _plain(record: Answer | Match | MatchLine) -> dict[str, Any]:
    written: dict[str, Any] = {}
    for name in _NAMES[type(record)]:
        value = getattr(record, name)
        if value is not None and value is not False and (plain := _written(value)) not in _NOTHING:
            written[name] = plain
    return written


def _written(value: Any) -> Any:
    if isinstance(value, str | int):
        return value
    if isinstance(value, (date, datetime)):
        return value.isoformat()
    if isinstance(value, Decimal):
        return str(value)
    if isinstance(value, tuple):
        return [_written(part) for part in value]
    if isinstance(value, (Match, MatchLine)):
        return _plain(value)
    return dict(value)
