"""Points: what adds to a risk without a model, and what is said of it."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

import polars as pl
import pytest

from claimsctl.score.claims import claims_of, gather_claims, put_claims_together
from claimsctl.score.history import DECIDED, history_of
from claimsctl.score.points import BASE, MOST, TABLE, WARNINGS, PointsScore, Warned
from claimsctl.score.risk import Bands, risk_columns
from tests.conftest import AS_OF

TYPES = {
    "claim_id": pl.UInt64, "service_date_from": pl.Date, "service_date_to": pl.Date,
    "statement_date_to": pl.Date, "frequency_code": pl.String, "payer_sequence": pl.String,
    "payer_key": pl.String, "is_medicare": pl.Boolean, "is_self_pay": pl.Boolean,
    "is_institutional": pl.Boolean, "charge_amount": pl.Decimal(18, 4),
    "expected_allowed_amount": pl.Decimal(18, 4), "same_provider": pl.String, "payer_id": pl.String,
    "procedure_code": pl.String, "received_date": pl.Date, "last_service_date": pl.Date,
}  # fmt: skip
LIMITS = {"87726": 90}
RULES = [
    Warned("AUT-005", "authorization", "Payers deny what they did not authorise; ask first. Always."),
    Warned("CLM-006", "claim_structure", "A line may be missing."),
    Warned("TMF-003", "timely_filing", "A claim that misses the limit is not paid at all."),
]


def lines(*rows: dict[str, Any]) -> pl.DataFrame:
    """Lines of a claim three weeks old, priced and charged at twice the price, with changes."""
    usual = {
        "claim_id": 1, "service_date_from": date(2026, 6, 9), "payer_key": "87726", "is_institutional": False,
        "charge_amount": Decimal(200), "expected_allowed_amount": Decimal(100), "same_provider": "P1",
        "payer_id": "87726", "procedure_code": "99213", "last_service_date": date(2026, 6, 9),
    }  # fmt: skip
    return pl.DataFrame([{**usual, **row} for row in rows], schema=TYPES)


def found(*rows: tuple[int, str, str]) -> pl.DataFrame:
    return pl.DataFrame(
        rows, schema={"claim_id": pl.UInt64, "severity": pl.String, "code": pl.String}, orient="row"
    )


def scored(frame: pl.DataFrame, findings: pl.DataFrame | None = None, **options: Any) -> dict[str, Any]:
    claims = claims_of(gather_claims(frame, LIMITS, with_history="history" in options))
    score = PointsScore(AS_OF, RULES, **options)
    return score.score(claims, found() if findings is None else findings).row(0, named=True)


@pytest.mark.parametrize(
    ("change", "kind"),
    [
        ({"service_date_from": date(2026, 3, 31)}, "filing_past"),
        ({"service_date_from": date(2026, 4, 1)}, "filing_15_days"),
        ({"service_date_from": date(2026, 4, 16)}, "filing_15_days"),
        ({"service_date_from": date(2026, 4, 17)}, "filing_late"),
        ({"service_date_from": date(2026, 3, 1), "payer_key": "1"}, "service_old"),
        ({"service_date_from": date(2026, 3, 1), "frequency_code": "7"}, "service_old"),
        ({"service_date_from": date(2025, 6, 29), "is_medicare": True}, "filing_past"),
        ({"service_date_from": date(2025, 6, 30), "is_medicare": True}, "filing_15_days"),
        ({"charge_amount": Decimal("99.99")}, "charge_below"),
        ({"charge_amount": Decimal("600.01")}, "charge_far_above"),
        ({"expected_allowed_amount": None}, "not_priced"),
        ({}, None),
        ({"service_date_from": date(2026, 5, 17)}, None),
        ({"is_self_pay": True, "service_date_from": date(2026, 4, 1)}, None),
        ({"charge_amount": Decimal(600)}, None),
    ],
)
def test_what_adds_points(change: dict[str, Any], kind: str | None) -> None:
    said = scored(lines(change))
    more = TABLE[kind].points if kind else 0
    assert said["denial_risk"] == pytest.approx((BASE + more) / 100)
    assert said["risk_reasons"] == (TABLE[kind].words if kind else None)


def test_without_prices_none_is_missed() -> None:
    assert scored(lines({"expected_allowed_amount": None}), priced=False)["risk_reasons"] is None


def test_warnings_count_once_by_rule_and_those_of_most_points_are_told_first() -> None:
    findings = found(
        (1, "warning", "CLM-006"), (1, "warning", "CLM-006"), (1, "warning", "AUT-005"),
        (1, "info", "AUT-005"), (1, "warning", "TMF-003"), (2, "warning", "AUT-005"),
    )  # fmt: skip
    said = scored(lines({"charge_amount": Decimal("1")}), findings)
    points = BASE + WARNINGS["authorization"] + WARNINGS["claim_structure"] + TABLE["charge_below"].points
    assert said["denial_risk"] == pytest.approx(points / 100)
    assert said["risk_reasons"] == (
        "Payers deny what they did not authorise, ask first (AUT-005); "
        "The charge is below what the payer should allow; A line may be missing (CLM-006)"
    )


def test_a_risk_is_never_certain_and_has_three_reasons_at_most() -> None:
    rules = [Warned(f"X-{n:03}", "authorization", f"Reason {n}.") for n in range(9)]
    claims = claims_of(gather_claims(lines({}), LIMITS))
    said = PointsScore(AS_OF, rules).score(claims, found(*((1, "warning", rule.code) for rule in rules)))
    assert said["denial_risk"].item() == MOST / 100
    assert said["risk_reasons"].item() == "Reason 0 (X-000); Reason 1 (X-001); Reason 2 (X-002)"


def test_history_counts_what_was_decided_before_the_claim_only() -> None:
    def decided(provider: str, denied: int, paid: int, day: date) -> list[dict[str, Any]]:
        return [
            {"provider": provider, "payer": "87726", "procedure_code": "99213", "decided_on": day,
             "denied": number < denied}
            for number in range(denied + paid)
        ]  # fmt: skip

    before = decided("P1", 30, 0, date(2026, 5, 1)) + decided("P2", 0, 70, date(2026, 5, 1))
    history = history_of(pl.DataFrame(before, schema=DECIDED))
    assert scored(lines({}), history=history)["risk_reasons"] == TABLE["provider_denied_often"].words
    assert scored(lines({"same_provider": "P2"}), history=history)["risk_reasons"] is None
    day = date(2026, 6, 9)  # the day of the claim itself: not known yet then
    late = history_of(pl.DataFrame(decided("P1", 30, 70, day), schema=DECIDED))
    assert scored(lines({}), history=late)["risk_reasons"] is None
    calm = history_of(pl.DataFrame(decided("P1", 0, 9, date(2026, 5, 1)), schema=DECIDED))
    assert scored(lines({}), history=calm)["risk_reasons"] is None, "nothing is twice as often as never"


def test_a_claim_in_parts_is_the_claim_in_one() -> None:
    frame = lines(
        {"service_date_from": date(2026, 4, 16), "expected_allowed_amount": None},
        {"claim_id": 2, "charge_amount": Decimal("0.004"), "expected_allowed_amount": Decimal("0.005")},
        {"charge_amount": Decimal(50)},
        {"claim_id": 2, "charge_amount": Decimal("0.004"), "expected_allowed_amount": Decimal("0.005")},
    )
    whole = claims_of(gather_claims(frame, LIMITS, with_history=True))
    parts = [gather_claims(frame.slice(n, 2), LIMITS, with_history=True) for n in (0, 2)]
    assert claims_of(put_claims_together(parts)).equals(whole)
    assert whole["expected_cents"].to_list() == [10_000, 1]
    assert whole["priced_charge_cents"].to_list() == [5_000, 1]


def test_what_is_at_stake_is_exact() -> None:
    scores = pl.DataFrame({
        "claim_id": [1, 2, 3, 4], "denial_risk": [0.105, 1.2, 0.2, 0.4], "risk_reasons": [None] * 4,
    }, schema_overrides={"risk_reasons": pl.String})  # fmt: skip
    expected = pl.DataFrame({"claim_id": [1, 2, 3, 4], "expected_cents": [100, 12345, None, 0]})
    risks = risk_columns(scores, expected, "rules", Bands(0.2, 0.4))
    assert risks["expected_loss"].to_list() == [Decimal("0.11"), Decimal("123.45"), None, Decimal("0.00")]
    assert risks["risk_band"].to_list() == ["low", "high", "medium", "high"]
    assert risks["denial_risk"].to_list() == [0.105, 1.0, 0.2, 0.4]
