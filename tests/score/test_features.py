"""Features: one row per claim, the same whether its lines come at once or in parts; history only before."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import polars as pl
import pytest

from claimsctl.claim import BY_NAME as COLUMNS
from claimsctl.facts.table import FACT_TYPES
from claimsctl.score.features import BY_NAME, FEATURES, SCHEMA, claim_features, features_of
from claimsctl.score.gathering import NEEDED, TOGETHER, gather, put_together
from claimsctl.score.history import DECIDED, SMOOTHING, history_of

DAY = date(2026, 3, 2)


def lines(*rows: dict[str, object]) -> pl.DataFrame:
    return pl.DataFrame(rows, schema_overrides={**NEEDED, "claim_id": pl.UInt64}, infer_schema_length=None)


TWO = lines(
    {"claim_id": 7, "procedure_code": "90837", "diagnosis_1": "F41.1", "charge_amount": Decimal("150"),
     "expected_allowed_amount": Decimal("100"), "service_date_from": DAY, "last_service_date": DAY,
     "received_date": date(2026, 3, 12), "patient_age": 40, "modifier_1": "95", "payer_key": "60054",
     "relationship_code": "18"},
    {"claim_id": 9, "procedure_code": "J1100", "charge_amount": Decimal("10"), "payer_id": "zz1"},
    {"claim_id": 7, "procedure_code": "99213", "charge_amount": Decimal("50"),
     "service_date_from": date(2026, 3, 4), "last_service_date": date(2026, 3, 4), "modifier_1": "25",
     "payer_key": "60054"},
)  # fmt: skip
FOUND = pl.DataFrame(
    {
        "claim_id": [7, 7, 9],
        "severity": ["warning", "info", "error"],
        "category": ["modifier", "modifier", "payer"],
    },
    schema_overrides={"claim_id": pl.UInt64},
)


def test_one_row_per_claim_in_the_order_of_first_lines() -> None:
    found = claim_features(
        TWO, FOUND, filing_limits=pl.DataFrame({"payer_key": ["60054"], "filing_limit_days": [90]})
    )
    assert found.schema == SCHEMA
    first, second = found.to_dicts()
    assert (first["claim_id"], second["claim_id"]) == (7, 9)
    assert first["charge"] == 200
    assert first["charge_ratio"] == 1.5  # of the priced line alone
    assert first["days_to_file"] == 8
    assert first["days_to_limit"] == 82
    assert first["service_days"] == 2
    assert first["weekday"] == "1"
    assert (first["diagnosis_chapter"], first["diagnosis_group"], first["diagnosis_length"]) == (
        "mental",
        "F41",
        4,
    )
    assert (first["procedure_group"], first["procedure_for"]) == ("psychiatry", "psychiatry for mental")
    assert first["modifier_telehealth"]
    assert first["modifier_25"]
    assert first["patient_is_dependent"] is False
    assert (first["warnings"], first["infos"], first["found_modifier"]) == (1, 1, 1)
    assert (second["errors"], second["found_payer"], second["procedure_group"]) == (1, 1, "HCPCS J")
    assert second["payer"] == "ZZ1"
    assert second["days_to_file"] is None
    assert second["charge_ratio"] is None


def test_a_claim_without_a_received_date_is_as_old_as_the_run_says() -> None:
    found = claim_features(TWO, run_date=date(2026, 3, 5))
    assert found["days_to_file"].to_list() == [8, None]


def test_lines_in_parts_give_what_all_lines_give() -> None:
    parts = [gather(TWO[:2], FOUND), gather(TWO[2:])]
    assert parts[0].columns == ["claim_id", *TOGETHER]
    whole = gather(TWO, FOUND)
    assert put_together(parts).select(whole.columns).equals(whole)
    assert features_of(put_together(parts)).equals(claim_features(TWO, FOUND))


def test_a_frame_that_has_nothing_but_claims_gives_nulls_not_errors() -> None:
    found = claim_features(pl.DataFrame({"claim_id": [1, 1]}, schema={"claim_id": pl.UInt64}))
    assert found.schema == SCHEMA
    assert found.height == 1
    assert found["charge"].item() is None


@pytest.mark.parametrize(
    ("code", "group"),
    [("00100", "anesthesia"), ("27447", "surgery"), ("80053", "laboratory"), ("90471", "vaccines"),
     ("97110", "therapy"), ("99213", "evaluation"), ("93000", "medicine"), ("G0444", "HCPCS G"),
     (None, None)],
)  # fmt: skip
def test_sections_of_procedures(code: str | None, group: str | None) -> None:
    found = claim_features(lines({"claim_id": 1, "procedure_code": code}))
    assert found["procedure_group"].item() == group


@pytest.mark.parametrize(
    ("code", "chapter"),
    [("A00", "infections"), ("D50.9", "blood"), ("D49.9", "neoplasms"), ("H60.3", "ear"),
     ("O9A.1", "pregnancy"), ("z00.00", "factors"), (None, None)],
)  # fmt: skip
def test_chapters_of_diagnoses(code: str | None, chapter: str | None) -> None:
    found = claim_features(lines({"claim_id": 1, "diagnosis_1": code}))
    assert found["diagnosis_chapter"].item() == chapter


def decided(*rows: tuple[str, date, bool]) -> pl.DataFrame:
    return pl.DataFrame(
        [("P1", payer, "90837", day, denied) for payer, day, denied in rows], schema=DECIDED, orient="row"
    )


def test_rates_count_only_what_was_decided_before_the_day() -> None:
    history = history_of(
        decided(("60054", date(2026, 3, 1), True), ("60054", DAY, False), ("60054", date(2026, 3, 9), True))
    )
    claim = {"claim_id": 1, "payer_key": "60054", "same_provider": "P1", "procedure_code": "90837"}
    rate = "payer_denial_rate"
    days = {
        date(2026, 3, 1): None,  # what is decided on a day is not known on it
        DAY: (1 + SMOOTHING * 1.0) / (1 + SMOOTHING),
        date(2026, 3, 3): (1 + SMOOTHING * 0.5) / (2 + SMOOTHING),
        date(2026, 3, 10): (2 + SMOOTHING * 2 / 3) / (3 + SMOOTHING),
    }
    for day, expected in days.items():
        found = claim_features(lines({**claim, "received_date": day}), None, history)
        assert found[rate].item() == pytest.approx(expected)
    assert found["provider_payer_denial_rate"].item() == found[rate].item()
    assert found["provider_decided"].item() == 3


def test_a_provider_that_nobody_knows_has_the_rate_of_all() -> None:
    history = history_of(decided(("60054", date(2026, 3, 1), True), ("60054", date(2026, 3, 1), False)))
    found = claim_features(lines({"claim_id": 1, "same_provider": "P9", "received_date": DAY}), None, history)
    assert found["provider_denial_rate"].item() == 0.5
    assert found["payer_denial_rate"].item() == 0.5
    assert found["provider_decided"].item() == 0


def test_every_feature_says_what_it_is() -> None:
    assert len(BY_NAME) == len(FEATURES)
    for feature in FEATURES:
        assert feature.words
        assert feature.meaning.endswith(".")
        assert feature.leak.endswith(".")
        assert feature.source


def test_what_features_need_are_columns_facts_and_prices() -> None:
    assert set(NEEDED) <= COLUMNS.keys() | FACT_TYPES.keys()


def test_nothing_that_only_the_payer_knows_is_looked_at() -> None:
    told = {
        "allowed_amount",
        "paid_amount",
        "adjustment_reason_code",
        "coinsurance_amount",
        "deductible_amount",
    }
    assert not told & set(NEEDED)
