"""Answers survive being written as JSON."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime
from decimal import Decimal

from claimsctl.payers.inquiry import Answer, Match, MatchLine, answer_from_dict, answer_to_dict

ASKED = datetime(2026, 3, 2, 14, 30, 5, 250000, tzinfo=UTC)


def test_a_full_answer_comes_back_the_same() -> None:
    line = MatchLine(
        1, "99213", ("25",), Decimal("150.00"), paid_amount=Decimal("0.00"), adjustments=("CO-45",)
    )
    match = Match(
        "PAID", "F1", "paid", "65", payer_claim_number="ZX1", charge_amount=Decimal("150.10"),
        service_date_from=date(2026, 1, 5), paid_date=date(2026, 2, 1), payment_method="EFT",
        adjustments=("CO-45", "RARC N130"), lines=(line,), payer_ids=("87726", "06111"), flags=("paid_zero",),
        raw={"clm507Cd": "F1"},
    )  # fmt: skip
    answer = Answer(7, "uhc", "found", ASKED, (match, Match("UNKNOWN")), partial=True, error_type="api",
                    error_code="301", error_message="backend", retryable=True, requests=3)  # fmt: skip
    assert answer_from_dict(json.loads(json.dumps(answer_to_dict(answer)))) == answer


def test_what_has_no_value_is_not_written() -> None:
    answer = Answer(0, "stedi", "not_found", ASKED)
    assert answer_to_dict(answer) == {
        "key": 0, "route": "stedi", "outcome": "not_found", "requests": 0,
        "asked_at": "2026-03-02T14:30:05.250000+00:00",
    }  # fmt: skip
    assert answer_from_dict(answer_to_dict(answer)) == answer


def test_zero_amounts_are_written() -> None:
    answer = Answer(0, "stedi", "found", ASKED, (Match("DENIED", paid_amount=Decimal(0)),))
    assert answer_from_dict(answer_to_dict(answer)).matches[0].paid_amount == 0
