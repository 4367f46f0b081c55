"""Dates, amounts, numbers and times as people write them."""

from __future__ import annotations

import re
from datetime import date, datetime, time
from decimal import ROUND_HALF_EVEN, Decimal

import polars as pl
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from claimsctl.facts.values import read_amounts, read_dates, read_integers, read_times

DAY = date(2026, 3, 9)


@pytest.mark.parametrize(
    "text",
    [
        "2026-03-09", "2026-3-9", "20260309", "3/9/2026", "03/09/2026", "3-9-2026", "3/9/26", "03-09-26",
        "09-Mar-2026", "9-MAR-26", "2026-03-09 00:00:00", "2026-03-09T00:00:00", "2026-03-09T14:30:00Z",
        "2026-03-09 14:30", "2026-03-09 2:30 PM", "2026-03-09 02:30:00.5 pm",
        "2026-03-09 14:30:00.0000000 -05:00", "2026-03-09T14:30-0500", "2026-03-09 14:30:00+00",
        "2026-03-09 14:30:00 UTC", "2026-03-09T14:30:00,123Z",
        "3/9/2026 0:00", "03/09/2026 12:00 AM", "46090", "2026/03/09", "09MAR2026",
    ],
)  # fmt: skip
def test_date_spellings(text: str) -> None:
    assert read_dates(pl.Series(["2026-01-01", text])).to_list() == [date(2026, 1, 1), DAY]


@pytest.mark.parametrize(
    "text",
    [
        "2026-02-30",
        "13/32/2026",
        "31/12/2026",
        "26-03-09",
        "March 9",
        "2026-03",
        "999",
        "99999",
        "0",
        "-",
        "٣",
        "2026-03-09 99:99 junk",
        "2026-03-09 99:99",
        "2026-03-09 14:60",
        "2026-03-09 14:30 junk",
        "2026-03-09 14:30:00 2026-03-10",
        "2026-03-09 13:30 PM",
        "2026-03-09T",
        "2026-03-09 junk",
        "3/9/2026 99:99",
        "3/9/2026 0:00 junk",
        "+2026-3-09",
        "-026-03-09",
    ],
)
def test_what_is_no_date(text: str) -> None:
    assert read_dates(pl.Series([text])).to_list() == [None]


def test_two_digit_birth_years_are_in_the_past() -> None:
    text = pl.Series(["7/1/26", "6/30/26", "1/2/59", "2/29/24"])
    born = read_dates(text, latest=date(2026, 6, 30)).to_list()
    assert born == [date(1926, 7, 1), date(2026, 6, 30), date(1959, 1, 2), date(2024, 2, 29)]
    assert read_dates(text).to_list()[0] == date(2026, 7, 1)


@given(st.datetimes(), st.sampled_from(["T", " "]), st.text(max_size=6))
def test_only_a_time_may_follow_a_date(moment: datetime, between: str, tail: str) -> None:
    written = moment.isoformat(between)
    assert read_dates(pl.Series([written])).to_list() == [moment.date()]
    assume(not re.match(r"(?i)[\s0-9.,:+-]|z|[a-z]{2,3}$|[ap]m", tail) and tail)
    assert read_dates(pl.Series([written + tail])).to_list() == [None]


def test_blank_stays_blank() -> None:
    empty = pl.Series([None, None], dtype=pl.String)
    for reader in (read_dates, read_amounts, read_integers, read_times):
        assert reader(empty).to_list() == [None, None]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("120", "120"), ("120.50", "120.50"), ("$1,200.50", "1200.50"), ("(5.00)", "-5"), ("-5", "-5"),
        ("5-", "-5"), ("$ 7", "7"), ("1,234,567.89", "1234567.89"), (".5", "0.5"), ("($1,000.00)", "-1000"),
        ("1,5", None), ("12,34.00", None), ("abc", None), ("1.2.3", None), ("", None), ("NaN", None),
        ("inf", None), ("12 USD", "12"), ("USD 5", "5"), ("$5 USD", "5"), ("USD5", "5"), ("5$", "5"),
        ("-$5", "-5"), ("$-5", "-5"), ("$ - 5", "-5"), ("-USD 5", "-5"), ("165.00-", "-165"), ("$5 -", "-5"),
        ("5- USD", "-5"), ("( 5.00 )", "-5"), ("$(5.00)", "-5"), ("(5.00) USD", "-5"),
        ("(1,234.50)", "-1234.50"), ("$ 1,234.50", "1234.50"), ("1\u00a0234.50", "1234.50"),
        ("1\u2009234\u2009567", "1234567"),
        ("$1\u202f234 USD", "1234"), ("\u00a05\u00a0", "5"), ("5.", "5"),
    ],
)  # fmt: skip
def test_amounts(text: str, value: str | None) -> None:
    expected = None if value is None else Decimal(value)
    assert read_amounts(pl.Series([text])).to_list() == [expected]


@pytest.mark.parametrize(
    "text",
    [
        "(165.00", "165.00)", "165)", "(165.00-", "-(5)", "(5)-", "(-5)", "-5-", "--5", "()", "$", "-", "$-",
        "100 50", "100 500", "1 234.50", "100\u00a050", "1\u00a0234\u00a05", "1,234\u00a0567", "1$65",
        "$1$65", "100$50", "5 USD 6", "US5D", "5 U SD", "1 ,234", "1-65", "1(65)", "16 5", "165.0 0",
        "165. 00",
    ],
)  # fmt: skip
def test_a_damaged_amount_is_no_other_amount(text: str) -> None:
    assert read_amounts(pl.Series([text])).to_list() == [None]
    assert read_integers(pl.Series([text])).to_list() == [None]


@given(st.lists(st.text("0123456789,.$()-+ \u00a0USD", max_size=14), max_size=40))
def test_an_amount_that_is_read_writes_back_to_the_same_digits(texts: list[str]) -> None:
    """What stands between the first and the last digit is one number, and around it only signs."""
    for text, value in zip(texts, read_amounts(pl.Series(texts, dtype=pl.String)), strict=True):
        if value is None:
            continue
        around = re.fullmatch(r"([^0-9.]*)([0-9.](?:.*[0-9.])?)([^0-9.]*)", text)
        assert around is not None
        before, number, behind = around.groups()
        groups = re.fullmatch(r"[0-9]{1,3}(([,\u00a0])[0-9]{3}(\2[0-9]{3})*)(\.[0-9]*)?", number)
        plain = number.replace(groups[2], "") if groups else number
        assert abs(value) == Decimal(plain).quantize(Decimal("1.0000"), ROUND_HALF_EVEN)
        assert (before.count("("), behind.count(")")) in ((0, 0), (1, 1))
        signs = before.count("(") + before.count("-") + behind.count("-")
        assert signs == (signs if value == 0 else int(value < 0))


@given(
    st.decimals(min_value=1, max_value=99_999_999, places=2),
    st.sampled_from(["{}", "(${})", "-${}", "$-{}", "{}-", "USD {}", "{} USD", "({})", "$ {}"]),
    st.sampled_from([",", "\u00a0", "\u2009", "\u202f", ""]),
    st.data(),
)
def test_amounts_that_lost_a_parenthesis_or_ran_together_are_none(
    amount: Decimal, spelling: str, separator: str, data: st.DataObject
) -> None:
    text = spelling.format(f"{amount:,}".replace(",", separator))
    below = any(sign in spelling for sign in "(-")
    cut = [text[1:], text[:-1]] if text.startswith("(") else []
    glue = data.draw(st.sampled_from([" ", "$", "(", ")", " $", "USD", "-"]))
    damaged = [*cut, text + glue + "50", "100" + glue + text]
    found = read_amounts(pl.Series([text, *damaged]))
    assert found.to_list() == [-amount if below else amount, *[None] * len(damaged)]


@given(st.lists(st.decimals(min_value=-99_999_999, max_value=99_999_999, places=2), max_size=20))
def test_amounts_are_exact(amounts: list[Decimal]) -> None:
    plain = pl.Series([str(a) for a in amounts], dtype=pl.String)
    signed = pl.Series([f"(${abs(a):,})" if a < 0 else f"${a:,}" for a in amounts], dtype=pl.String)
    assert read_amounts(plain).to_list() == amounts
    assert read_amounts(signed).to_list() == amounts


@given(st.lists(st.dates(min_value=date(1000, 1, 1), max_value=date(2098, 12, 31)), max_size=20))
def test_dates_round_trip_in_every_four_digit_spelling(days: list[date]) -> None:
    for form in ("%Y-%m-%d", "%m/%d/%Y", "%d-%b-%Y"):
        text = pl.Series([day.strftime(form) for day in days], dtype=pl.String)
        assert read_dates(text).to_list() == days


def test_integers_and_times() -> None:
    assert read_integers(pl.Series(["3", "3.0", "3.5", "x", "007"])).to_list() == [3, 3, None, None, 7]
    times = read_times(pl.Series(["13:30", "1330", "1:30 PM", "01:30:00 pm", "25:00", "noon"]))
    assert times.to_list() == [time(13, 30)] * 4 + [None, None]


@given(st.lists(st.one_of(st.none(), st.text(max_size=12)), max_size=30))
def test_readers_never_raise(texts: list[str | None]) -> None:
    series = pl.Series("t", texts, dtype=pl.String)
    for reader in (read_dates, read_amounts, read_integers, read_times):
        assert len(reader(series)) == len(series)
