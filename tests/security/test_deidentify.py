"""De-identified lines: nobody can say whose they are, and they can still be counted and joined."""

from __future__ import annotations

from datetime import date

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from claimsctl.claim import COLUMNS
from claimsctl.security.deidentify import AGE, LONGEST_SHIFT, PATIENT, Dates, Deidentifier, way_of

AS_OF = date(2026, 6, 30)
DAYS = st.dates(date(1900, 1, 1), date(2030, 12, 31))


def key_of(practice: str) -> bytes:
    return practice.encode().ljust(32, b"k")


def lines(
    frame: pl.DataFrame, patients: list[str | None], *, practice: str = "default", dates: Dates = "shift",
    key: bytes | None = None,
) -> pl.DataFrame:  # fmt: skip
    how = Deidentifier((lambda _: key) if key else key_of, AS_OF, dates)
    who = pl.Series(patients, dtype=pl.String)
    return how.lines(frame, who, pl.Series([practice] * frame.height, dtype=pl.String))


def test_no_column_that_names_or_describes_a_person_stays_as_it_is() -> None:
    for column in COLUMNS:
        if column.phi != "none":
            assert way_of(column.name) != "keep", column.name
    assert {name for name in ("patient_ssn", "patient_phone", "patient_address", "patient_city", "line_note",
                              "patient_last_name", "dropoff_address", "x_nickname", "input", "job_id")
            if way_of(name) != "drop"} == set()  # fmt: skip


SOME_LINES = st.lists(st.tuples(st.sampled_from("abc"), DAYS, DAYS), min_size=1, max_size=8)


@settings(deadline=None, max_examples=20)
@given(SOME_LINES)
def test_a_shift_keeps_intervals_and_is_the_same_in_every_file(rows: list[tuple[str, date, date]]) -> None:
    people: list[str | None] = [row[0] for row in rows]
    frame = pl.DataFrame(
        {"service_date_from": [row[1] for row in rows], "received_date": [row[2] for row in rows]}
    )
    whole = lines(frame, people)
    apart = pl.concat(lines(frame[at], [who]) for at, who in enumerate(people))
    assert whole.equals(apart)
    by = {name: frame[name] - whole[name] for name in frame.columns}
    assert by["service_date_from"].equals(by["received_date"])
    days = by["service_date_from"].dt.total_days()
    assert days.is_between(1, LONGEST_SHIFT).all()
    assert len({*zip(people, days, strict=True)}) == len(set(people))


@settings(deadline=None, max_examples=20)
@given(st.lists(st.text("AB-1", min_size=1, max_size=4), min_size=2, max_size=8))
def test_numbers_join_exactly_where_they_did(numbers: list[str]) -> None:
    frame = pl.DataFrame({"claim_number": numbers})
    pseudonyms = lines(frame, [None] * len(numbers))["claim_number"]
    assert len({*zip(numbers, pseudonyms, strict=True)}) == len(set(numbers)) == pseudonyms.n_unique()
    assert pseudonyms.str.contains("^C[0-9A-F]{18}$").all()
    other_file = lines(frame.reverse(), [None] * len(numbers))["claim_number"].reverse()
    assert pseudonyms.equals(other_file)


def test_one_thing_in_two_columns_has_one_pseudonym_and_two_things_have_two() -> None:
    frame = pl.DataFrame({
        "claim_number": ["7"], "payer_claim_number": ["7"], "original_claim_number": [" 7 "],
        "member_id": ["W-12 a"], "other_member_id": ["w12A"], "patient_id": ["7"], "referral_number": [""],
    })  # fmt: skip
    made = lines(frame, ["7"]).row(0, named=True)
    assert made["payer_claim_number"] == made["original_claim_number"]
    assert made["member_id"] == made["other_member_id"]
    assert made["referral_number"] is None
    assert len({made[name] for name in (PATIENT, "claim_number", "payer_claim_number", "patient_id")}) == 4


@pytest.mark.parametrize("other", [{"key": bytes(32)}, {"practice": "east"}])
def test_another_key_or_practice_makes_other_pseudonyms_and_shifts(other: dict[str, object]) -> None:
    people: list[str | None] = [f"p{n}" for n in range(40)]
    frame = pl.DataFrame({"claim_number": people, "service_date_from": [AS_OF] * 40})
    one, two = lines(frame, people), lines(frame, people, **other)  # type: ignore[arg-type]
    for name in (PATIENT, "claim_number"):
        assert not set(one[name]) & set(two[name])
    # One of 365 amounts may well be drawn twice; all forty are not.
    assert not one["service_date_from"].equals(two["service_date_from"])


def test_lines_of_several_practices_have_each_their_own_key() -> None:
    frame = pl.DataFrame({"claim_number": ["A1", "A1"]})
    both = Deidentifier(key_of, AS_OF).lines(
        frame, pl.Series(["p", "p"]), pl.Series([None, "east"], dtype=pl.String)
    )
    alone = [lines(frame[:1], ["p"], practice=name) for name in ("default", "east")]
    assert both.equals(pl.concat(alone))


@pytest.mark.parametrize(
    ("birth", "service", "age"),
    [
        (date(1990, 7, 1), date(2026, 6, 30), "35"),
        (date(1990, 6, 30), date(2026, 6, 30), "36"),
        (date(1936, 7, 1), date(2026, 6, 30), "89"),
        (date(1936, 6, 30), date(2026, 6, 30), "90+"),
        (date(1936, 6, 30), date(2020, 1, 1), "90+"),
        (date(1937, 1, 1), date(2027, 1, 2), "90+"),
        (date(2026, 6, 30), date(2026, 1, 1), None),
        (None, date(2026, 1, 1), None),
        (date(1990, 1, 1), None, None),
    ],
)
def test_who_is_over_89_on_the_day_has_no_birth_date(
    birth: date | None, service: date | None, age: str | None
) -> None:
    frame = pl.DataFrame(
        {"patient_dob": [birth], "service_date_from": [service]},
        schema={"patient_dob": pl.Date, "service_date_from": pl.Date},
    )
    for how in ("shift", "year"):
        made = lines(frame, ["p"], dates=how).row(0, named=True)  # type: ignore[arg-type]
        assert made[AGE] == age
        assert (made["patient_dob"] is None) == (birth is None or age == "90+")


def test_years_alone_are_left_of_dates_when_asked() -> None:
    frame = pl.DataFrame({"service_date_from": [date(2026, 1, 31)], "patient_dob": [date(1990, 2, 3)]})
    made = lines(frame, ["p"], dates="year")
    assert made.select("service_date_from", "patient_dob").row(0) == (2026, 1990)


@pytest.mark.parametrize(
    ("given_zip", "shown"),
    [
        ("95814", "958"), ("95814-2201", "958"), ("958142201", "958"), (" 95814 ", "958"),
        ("03601", "000"), ("89310", "000"), ("10210", "000"),
        ("2138", None), ("K1A 0B1", None), ("", None), ("958", None), (None, None),
    ],
)  # fmt: skip
def test_zips_have_three_digits_where_many_live(given_zip: str | None, shown: str | None) -> None:
    frame = pl.DataFrame({"patient_zip": [given_zip]}, schema={"patient_zip": pl.String})
    assert lines(frame, ["p"])["patient_zip"].to_list() == [shown]


def test_what_looks_like_an_ssn_goes_from_any_column() -> None:
    frame = pl.DataFrame(
        {"payer_name": ["745-38-2916", "Oak"], "billing_tax_id": ["68-4410275", "745-38-2916"]}
    )
    made = lines(frame, ["p", "q"])
    assert made["payer_name"].to_list() == [None, "Oak"]
    assert made["billing_tax_id"].to_list() == ["68-4410275", None]


def test_a_line_of_nobody_is_shifted_by_its_claim_and_has_no_dates_without_one() -> None:
    frame = pl.DataFrame({"claim_number": ["A", "A", None], "service_date_from": [AS_OF] * 3})
    made = lines(frame, [None, None, None])
    one, two, none = made["service_date_from"].to_list()
    assert one == two < AS_OF
    assert none is None
    assert made[PATIENT].null_count() == 3
