"""Several services of one patient on one day."""

from __future__ import annotations

import random
from collections.abc import Mapping
from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from functools import cache
from typing import Final

import polars as pl

from claimsctl.price import status
from claimsctl.price.line import price
from claimsctl.price.ranked import aligned, ranked
from claimsctl.price.ranks import CANDIDATE, candidates
from claimsctl.price.schedule import Schedule
from claimsctl.price.terms import Terms
from claimsctl.reference.tables import Table
from tests.price.tables import HERE, day, dollars, lines, one, priced, tables, total

CENT: Final = Decimal("0.01")


def endoscopy(code: str, fee: str, base: str) -> dict[str, object]:
    return {"code": code, "fee": fee, "mult_proc": "3", "endo_base": base, "bilateral": "0"}


@cache
def surgeries() -> Mapping[str, Table]:
    return dollars(
        # Fees of the example of ch. 12 s. 40.6.
        {"code": "45378", "fee": "255.40", "bilateral": "0"},
        endoscopy("45380", "285.98", "45378"),
        endoscopy("45385", "374.56", "45378"),
        {"code": "43235", "fee": "150.00", "bilateral": "0"},
        endoscopy("43239", "200.00", "43235"),
        endoscopy("43249", "220.00", "43235"),
        *({"code": f"1000{n}", "fee": str(100 * n)} for n in range(1, 8)),
        {"code": "20002", "fee": "100", "mult_proc": "0"},
        {"code": "20003", "fee": "100", "mult_proc": "0", "bilateral": "0"},
    )


def told(*rows: Mapping[str, object] | str, given: Mapping[str, Table] | None = None) -> list[str]:
    """Amounts, or statuses, of lines of one day; a code stands for its line."""
    found = day(
        *({"procedure_code": row} if isinstance(row, str) else row for row in rows),
        given=given or surgeries(),
    )
    return [str(row["expected_allowed_amount"] or row["pricing_status"]) for row in found]


def line(code: str, *modifiers: str, units: int = 1, **others: object) -> dict[str, object]:
    names = {f"modifier_{n}": modifier for n, modifier in enumerate(modifiers, 1)}
    return {"procedure_code": code, "units": Decimal(units), **names, **others}


# --- surgery


def test_the_first_surgery_whole_the_next_four_half_the_others_by_report() -> None:
    found = told("10003", "10001", "10007", "10002", "10006", "10004", "10005")
    assert found == [
        "150.00",
        "CONTRACTOR_PRICED",
        "700.00",
        "CONTRACTOR_PRICED",
        "300.00",
        "200.00",
        "250.00",
    ]


def test_amounts_of_a_contractors_example() -> None:
    """Indicator 2, fees 1,043.48, 922.90 and 1,010.60: 100 %, 50 %, 50 %."""
    fees = {"35301": "1043.48", "35201": "922.90", "35261": "1010.60"}
    given = dollars(*({"code": code, "fee": fee} for code, fee in fees.items()))
    assert told(*fees, given=given) == ["1043.48", "461.45", "505.30"]


def test_equal_fees_are_ranked_in_file_order() -> None:
    assert told("10001", "10001") == ["100.00", "50.00"]


def test_other_days_patients_and_providers_are_ranked_apart() -> None:
    assert told(
        line("10001"),
        line("10002", service_date_from=date(2026, 3, 3)),
        line("10003", claim_number="C2"),
        line("10004", same_provider="1679576722"),
    ) == ["100.00", "200.00", "300.00", "400.00"]


def test_two_claims_of_one_patient_are_ranked_together() -> None:
    assert told(
        line("10001", claim_number="C1", same_patient=7), line("10002", claim_number="C2", same_patient=7)
    ) == ["50.00", "200.00"]


def test_both_sides_are_one_surgery_when_ranking() -> None:
    """Ch. 12 s. 40.7: 150 % is one amount, and that is ranked: of 300.00, 450.00."""
    assert told(line("10003", "50"), line("10004")) == ["450.00", "200.00"]
    assert told(line("10003", "50"), line("10005")) == ["225.00", "500.00"]


def test_both_sides_on_two_lines() -> None:
    assert told(line("10002", "LT"), line("10002", "RT")) == ["200.00", "100.00"]
    assert told(line("10003", "RT"), line("10003", "LT"), line("10004")) == ["300.00", "150.00", "200.00"]
    assert told(line("10003", "LT"), line("10003", "RT"), line("10005")) == ["150.00", "75.00", "500.00"]
    assert told(line("20002", "LT"), line("20002", "RT")) == ["100.00", "50.00"]
    # Indicator 0: the two sides are paid as one (RVU26B).
    assert told(line("20003", "LT"), line("20003", "RT")) == ["100.00", status.BUNDLED]


def test_units_after_the_first_are_further_surgeries() -> None:
    assert told(line("10001", units=3)) == ["200.00"]
    assert told(line("10002"), line("10001", "59", units=3)) == ["200.00", "150.00"]
    assert told(line("10001", units=6)) == [status.CONTRACTOR_PRICED]


def test_two_units_that_are_sides_are_one_surgery() -> None:
    assert told(line("10002", units=2), line("10004")) == ["150.00", "400.00"]


def test_assistants_are_ranked_among_themselves() -> None:
    assert told(line("10002"), line("10003", "80"), line("10001", "80")) == ["200.00", "48.00", "8.00"]


def test_a_return_to_the_operating_room_is_not_ranked() -> None:
    assert told(line("10002"), line("10003", "78")) == ["200.00", "210.00"]


def test_51_counts_where_the_other_surgery_is_not_in_the_file() -> None:
    found = day(line("10002", "51"), given=surgeries())
    assert found[0]["expected_allowed_amount"] == Decimal("100.00")
    assert found[0]["modifier_adjustment"] == "51:50%"
    assert found[0]["pricing_note"] == "51, and no other surgery of the day is in the file."
    assert told(line("10002", "51"), line("10001")) == ["200.00", "50.00"]


def test_a_line_that_is_not_billed_takes_no_place() -> None:
    assert told(line("10002", charge_amount=Decimal(0)), line("10001")) == [status.BAD_CHARGE, "100.00"]
    assert told(line("10002", units=0), line("10001")) == [status.BAD_UNITS, "100.00"]


def test_shares_come_after_the_ranking() -> None:
    assert told(line("10002", "54"), line("10001", "54")) == ["160.00", "40.00"]


# --- endoscopies


def test_endoscopies_with_one_base() -> None:
    """Ch. 12 s. 40.6: 374.56 whole, and 285.98 less 255.40; 405.14 together."""
    found = day({"procedure_code": "45380"}, {"procedure_code": "45385"}, given=surgeries())
    assert [str(row["expected_allowed_amount"]) for row in found] == ["30.58", "374.56"]
    assert total(found) == Decimal("405.14")
    assert found[0]["modifier_adjustment"] == "endoscopy:above base"


def test_a_base_beside_its_endoscopy_is_not_paid() -> None:
    assert told("45378", "45385") == [status.BUNDLED, "374.56"]


def test_a_base_alone_and_beside_others() -> None:
    assert told("45378") == ["255.40"]
    assert told("45378", "43239") == ["255.40", "100.00"]


def test_two_series_are_ranked_by_what_each_comes_to() -> None:
    """Ch. 12 s. 40.6: the endoscopy rule first, then 100 % and 50 % of each series."""
    # 405.14 and 220 + 50 = 270.
    assert told("45380", "45385", "43239", "43249") == ["30.58", "374.56", "25.00", "110.00"]


def test_unrelated_endoscopies_are_ranked_as_surgeries() -> None:
    assert told("45385", "43249") == ["374.56", "110.00"]


def test_a_series_and_another_surgery() -> None:
    assert told("45380", "45385", "10005") == ["15.29", "187.28", "500.00"]
    assert told("45380", "45385", "10004") == ["30.58", "374.56", "200.00"]


def test_an_endoscopy_that_is_worth_less_than_its_base() -> None:
    given = dollars(
        {"code": "45378", "fee": "255.40"},
        endoscopy("45380", "200.00", "45378"),
        endoscopy("45385", "300", "45378"),
    )
    assert told("45380", "45385", given=given) == [status.BUNDLED, "300.00"]


# --- imaging, cardiovascular and eye services


@cache
def diagnostic() -> Mapping[str, Table]:
    return dollars(
        # The amounts of MLN Matters MM9647.
        {"code": "70001", "tc": "500", "pc": "100", "mult_proc": "4"},
        {"code": "70002", "tc": "400", "pc": "80", "mult_proc": "4"},
        {"code": "70003", "tc": "300", "pc": "200", "mult_proc": "4", "bilateral": "3"},
        {"code": "78001", "tc": "400", "pc": "70", "mult_proc": "6"},
        {"code": "93001", "tc": "100", "pc": "60", "mult_proc": "6"},
        {"code": "93002", "fee": "40", "mult_proc": "6", "pctc": "3", "bilateral": "0"},
        {"code": "93003", "fee": "50", "mult_proc": "6", "pctc": "4", "bilateral": "0"},
        {"code": "92001", "tc": "90", "pc": "40", "mult_proc": "7"},
        {"code": "92002", "tc": "50", "pc": "20", "mult_proc": "7"},
    )


def imaged(*rows: Mapping[str, object] | str) -> list[str]:
    return told(*rows, given=diagnostic())


def test_imaging() -> None:
    """MM9647: technical 500 + 50 % of 400, professional 100 + 95 % of 80."""
    assert imaged("70001", "70002") == ["600.00", "276.00"]
    assert imaged(line("70001", "26"), line("70002", "26")) == ["100.00", "76.00"]
    assert imaged(line("70001", "TC"), line("70002", "TC")) == ["500.00", "200.00"]


def test_the_parts_of_imaging_are_ranked_apart() -> None:
    """70003 has the lower technical part (150) and the higher professional one (200 whole)."""
    assert imaged("70001", "70003") == ["595.00", "350.00"]
    assert imaged(line("70001", "26"), line("70002", "TC")) == ["100.00", "400.00"]


def test_imaging_of_both_sides_and_of_several_units() -> None:
    # 300 + 150 and 200 + 190.
    assert imaged(line("70003", "50")) == ["840.00"]
    assert imaged(line("70003", units=2)) == ["840.00"]
    found = day(line("70002", units=3), given=diagnostic())
    assert found[0]["expected_allowed_amount"] == Decimal("1032.00")
    assert found[0]["modifier_adjustment"] == "TC:50% of 2 units;26:95% of 2 units"


def test_another_session_is_not_reduced() -> None:
    assert imaged("70001", line("70002", "59")) == ["600.00", "480.00"]
    assert imaged("70001", line("70002", "XE")) == ["600.00", "480.00"]


def test_a_group_is_one_provider_of_imaging() -> None:
    first = line("70001", same_provider="1234567893", billing_npi="1881697878")
    second = line("70002", same_provider="1679576722", billing_npi="1881697878")
    assert imaged(first, second) == ["600.00", "276.00"]


def test_cardiovascular_and_eye_services() -> None:
    """MM7848: the technical part after the first at 75 % and 80 %, the professional part whole."""
    assert imaged("78001", "93001") == ["470.00", "135.00"]
    assert imaged("92001", "92002") == ["130.00", "60.00"]
    assert imaged("78001", "92001", "70001") == ["470.00", "130.00", "600.00"]


def test_the_sides_of_a_code_whose_fee_is_for_both_are_paid_as_one() -> None:
    """RVU26B, bilateral indicator 2."""
    given = dollars({"code": "92001", "tc": "90", "pc": "40", "mult_proc": "7", "bilateral": "2"})
    assert told(line("92001", "LT"), line("92001", "RT"), given=given) == ["130.00", status.BUNDLED]
    assert told(line("92001", units=2), given=given) == ["130.00"]
    assert told(line("92001", "26", "LT"), line("92001", "TC", "RT"), given=given) == ["40.00", "90.00"]


def test_technical_services_without_a_professional_part() -> None:
    assert imaged("78001", "93002") == ["470.00", "30.00"]


def test_a_whole_test_without_rows_for_its_parts_is_told() -> None:
    found = day({"procedure_code": "78001"}, {"procedure_code": "93003"}, given=diagnostic())
    assert found[1]["expected_allowed_amount"] == Decimal("50.00")
    assert "technical part has no row of its own" in str(found[1]["pricing_note"])


def test_the_reduction_comes_before_the_opps_cap() -> None:
    """500 with a cap of 220: alone 220; second, the lower of half, 250, and 220; with 450 half is lower."""
    opps = {"opps_pe_nonfacility": "220", "opps_pe_facility": "220"}
    given = dollars(
        {"code": "70001", "tc": "600", "pc": "0", "mult_proc": "4"},
        {"code": "70002", "tc": "500", "pc": "0", "mult_proc": "4", **opps},
        {"code": "70003", "tc": "420", "pc": "0", "mult_proc": "4", **opps},
    )
    assert told(line("70002", "TC"), given=given) == ["220.00"]
    assert told(line("70001", "TC"), line("70002", "TC"), given=given) == ["600.00", "220.00"]
    assert told(line("70001", "TC"), line("70003", "TC"), given=given) == ["600.00", "210.00"]


# --- therapy


@cache
def therapy() -> Mapping[str, Table]:
    parts = {"mult_proc": "5", "pctc": "7", "bilateral": "0", "mp_rvu": "1"}
    return dollars(
        # The amounts of ch. 5 s. 10.7.
        {"code": "97001", "work_rvu": "7", "pe": "10", **parts},
        {"code": "97002", "work_rvu": "11", "pe": "8", **parts},
        {"code": "97003", "work_rvu": "20", "pe": "10", **parts},
    )


def test_therapy() -> None:
    """Ch. 5 s. 10.7, at 50 %: practice expense 10 + 5 + 4, work 25, malpractice 3."""
    found = day(line("97001", units=2), line("97002"), given=therapy())
    assert [str(row["expected_allowed_amount"]) for row in found] == ["31.00", "16.00"]
    assert total(found) == Decimal("47.00")
    assert [row["modifier_adjustment"] for row in found] == ["PE:50% of 1 unit", "PE:50%"]


def test_of_equal_practice_expenses_the_higher_fee_is_whole() -> None:
    assert told("97001", "97003", given=therapy()) == ["13.00", "31.00"]


def test_therapists_of_a_group_are_one_provider() -> None:
    rows = [
        line("97001", same_provider=npi, billing_npi="1881697878") for npi in ("1234567893", "1679576722")
    ]
    assert told(*rows, given=therapy()) == ["18.00", "13.00"]


def test_half_the_practice_expense_is_rounded_as_an_amount_of_its_own() -> None:
    """97110 in Georgia: (0.45 x 1 + 0.41 / 2 x 0.892 + 0.01 x 1.192) x 33.4009, rounded once."""
    exact = (Decimal("0.45") + Decimal("0.205") * Decimal("0.892") + Decimal("0.01192")) * Decimal("33.4009")
    whole = one(procedure_code="97110")["expected_allowed_amount"]
    twice = one(procedure_code="97110", units=Decimal(2))["expected_allowed_amount"]
    assert twice == Decimal(str(whole)) + exact.quantize(CENT, ROUND_HALF_UP)


# --- injections


def test_an_injection_is_paid_only_alone() -> None:
    alone, beside, other = (
        priced(*rows)
        for rows in (
            [{"procedure_code": "36591", "claim_number": "C1"}],
            [{"procedure_code": "36591", "claim_number": "C1"}, {"claim_number": "C1"}],
            [
                {"procedure_code": "36591", "claim_number": "C1"},
                {"procedure_code": "36415", "claim_number": "C1"},
            ],
        )
    )
    assert alone[0]["pricing_status"] == "PRICED"
    assert (beside[0]["pricing_status"], beside[1]["pricing_status"]) == (status.BUNDLED, "PRICED")
    assert beside[0]["pricing_note"] == "Status T: another service of the day is paid."
    assert other[0]["pricing_status"] == "PRICED"


# --- parts of a file


def claims(count: int, seed: int) -> pl.DataFrame:
    """Lines of a few patients and providers on two days, in random order."""
    random.seed(seed)
    codes = """45378 45380 45385 43239 20610 27447 70553 72148 93306 93880 92133 92250 97110 97140 97530
        36591 99213 31237 31231 17000 11042""".split()
    rows = [
        {
            "procedure_code": random.choice(codes),
            "modifier_1": random.choice([None, None, None, "26", "TC", "50", "LT", "RT", "51", "59", "80"]),
            "units": Decimal(random.choice([1, 1, 1, 2, 3])),
            "same_patient": random.choice([1, 2, 3]),
            "same_provider": random.choice(["1234567893", "1679576722"]),
            "billing_npi": "1881697878",
            "service_date_from": random.choice([date(2026, 3, 2), date(2026, 3, 3)]),
        }
        for _ in range(count)
    ]
    return lines(*rows).with_row_index("row_index")


def test_parts_of_a_file_are_ranked_as_the_file() -> None:
    schedule = Schedule(tables(), Terms())
    frame = claims(300, seed=5)
    parts = [frame.slice(first, 70) for first in range(0, 300, 70)]
    found = ranked(pl.concat([candidates(part, schedule) for part in parts]).lazy())
    by_part = [price(part, schedule, aligned(part.lazy(), found).collect()) for part in parts]
    assert pl.concat(by_part).equals(price(frame, schedule))


def test_candidates_are_aligned_and_narrow() -> None:
    frame = claims(50, seed=6)
    found = candidates(frame, Schedule(tables(), Terms()))
    assert found.schema == pl.Schema(CANDIDATE)
    assert found["row_index"].to_list() == list(range(50))


def test_ranking_never_adds_to_what_is_paid() -> None:
    """Every line is paid at most what it would be alone, and each kind of a day has one that is whole."""
    schedule = Schedule(tables(), Terms())
    # 51 alone says that the first surgery is elsewhere.
    frame = claims(300, seed=7).filter(pl.col("modifier_1").ne_missing("51"))
    alone = price(frame.with_columns(same_patient=pl.col("row_index").cast(pl.Int64)), schedule)
    together = price(frame, schedule)
    before, after = alone["expected_allowed_amount"], together["expected_allowed_amount"]
    assert not (after > before).any()
    assert (after < before).sum() > 50


def test_lines_that_nothing_joins_are_ranked_alone() -> None:
    """Without patient and claim no two lines are known to be of one day."""
    rows = [{"procedure_code": "10002", "medicare_locality": HERE}] * 2
    assert [row["expected_allowed_amount"] for row in priced(*rows, given=surgeries())] == [Decimal(200)] * 2


def test_nothing_to_rank() -> None:
    schedule = Schedule(tables(), Terms())
    assert ranked(candidates(lines({}), schedule).lazy()).is_empty()
    assert ranked(candidates(lines({}).clear(), schedule).lazy()).is_empty()
