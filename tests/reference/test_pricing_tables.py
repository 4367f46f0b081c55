"""The shipped tables that pricing uses: every figure as published, and loaded editions in their place."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Final

import polars as pl
import pytest

from claimsctl.reference import Tables
from claimsctl.reference.comparing import edition_of
from claimsctl.reference.editions import EditionStore, Origin
from claimsctl.reference.releases import Release
from claimsctl.reference.tables import Table
from tests.reference.published import Real

RELEASES: Final = {
    "RVU25D": ("PPRRVU2025_Oct.csv", (date(2025, 1, 1), date(2025, 10, 1), date(2025, 12, 31))),
    "RVU26B": ("PPRRVU2026_Apr_nonQPP.txt", (date(2026, 1, 1), date(2026, 6, 30))),
    "RVU26C": ("PPRRVU2026_Jul_nonQPP.csv", (date(2026, 7, 1), date(2027, 1, 1))),
}
DATES: Final = ["valid_from", "valid_to"]


def in_force(frame: pl.DataFrame, day: date) -> pl.DataFrame:
    """The rows of one day, without their dates."""
    begun = pl.col("valid_from").fill_null(date.min) <= day
    return frame.filter(begun, pl.col("valid_to").fill_null(date.max) >= day).drop(DATES)


def loaded(store: EditionStore, tables: Tables, table: str, start: date | None, end: date | None) -> Table:
    """`table` after an edition of its own first row was loaded for those dates."""
    frame = tables[table].frame.head(1).drop(DATES)
    store.add(
        Release(table, "mine", start, end, "a test", "", frame), Origin("mine.csv", "0" * 64, 1), replace=True
    )
    return tables.with_editions(store)[table]


@pytest.mark.parametrize("edition", RELEASES)
def test_every_row_of_the_starter_is_that_of_the_release(tables: Tables, real: Real, edition: str) -> None:
    starter = tables["mpfs_starter"].frame
    name, days = RELEASES[edition]
    whole = real(name).frame
    # All rows of a code come together: its 26, TC and 53 rows with it.
    expected = whole.filter(pl.col("code").is_in(starter["code"].unique().implode()))
    for day in days:
        found = in_force(starter, day)
        assert found.columns == expected.columns
        assert found.schema == expected.schema
        order = ["code", "modifier"]
        assert found.sort(order).equals(expected.sort(order))


def test_the_starter_has_the_codes_that_practices_bill(tables: Tables) -> None:
    table = tables["mpfs_starter"]
    assert [(e.name, e.valid_from, e.rows) for e in table.editions] == [
        ("RVU25D", date(2025, 1, 1), 1_038),
        ("RVU26B", date(2026, 1, 1), 1_037),
        ("RVU26C", date(2026, 7, 1), 1_037),
    ]
    assert table.frame["code"].n_unique() == 716
    now = in_force(table.frame, date(2026, 7, 1))
    row = now.row(by_predicate=pl.col("code") == "99213", named=True)
    assert (row["work_rvu"], row["conversion_factor"]) == (Decimal("1.3000"), Decimal("33.4009"))
    assert now.filter(code="45378")["modifier"].to_list() == [None, "53"]
    assert set(now["status"]) == set("ABCEIJNRTX")
    # What a family of endoscopies is reduced by must be there with it.
    assert set(now["endo_base"].drop_nulls()) <= set(now["code"])
    # Deleted with the end of 2025.
    assert "55700" not in set(now["code"])


@pytest.mark.parametrize(
    ("name", "day"), [("GPCI2025.csv", date(2025, 6, 1)), ("GPCI2026.csv", date(2026, 6, 1))]
)
def test_indices_of_all_localities(tables: Tables, real: Real, name: str, day: date) -> None:
    expected = real(name).frame
    found = in_force(tables["gpci"].frame, day)
    assert found.height == 109
    assert found.equals(expected.sort("locality"))


def test_the_floor_of_the_work_index(tables: Tables) -> None:
    now = in_force(tables["gpci"].frame, date(2026, 6, 1))
    alabama = now.row(by_predicate=pl.col("locality") == "10112-00", named=True)
    assert (alabama["work_gpci"], alabama["work_gpci_floor"]) == (Decimal("0.988"), Decimal("1.000"))
    assert (now["work_gpci"] < 1).any()
    assert (now["work_gpci_floor"] >= 1).all()


def test_anesthesia_factors_of_all_localities(tables: Tables, real: Real) -> None:
    expected = real("ANES2025.csv").frame
    assert in_force(tables["anesthesia_cf"].frame, date(2025, 6, 1)).equals(expected)


def test_conversion_factors_by_date(tables: Tables) -> None:
    frame = tables["conversion_factors"].frame
    factors = {
        day: dict(in_force(frame, day).sort("kind").iter_rows())
        for day in (date(2024, 3, 8), date(2024, 3, 9), date(2025, 12, 31), date(2026, 1, 1))
    }
    assert factors == {
        date(2024, 3, 8): {"physician": Decimal("32.7442")},
        date(2024, 3, 9): {"physician": Decimal("33.2875")},
        date(2025, 12, 31): {"anesthesia": Decimal("20.3178"), "physician": Decimal("32.3465")},
        date(2026, 1, 1): {
            "anesthesia": Decimal("20.4976"),
            "anesthesia_qp": Decimal("20.5998"),
            "physician": Decimal("33.4009"),
            "physician_qp": Decimal("33.5675"),
        },
    }


def test_conversion_factors_are_those_of_the_releases(tables: Tables) -> None:
    for day in (date(2025, 1, 1), date(2026, 1, 1), date(2026, 7, 1)):
        (factor,) = in_force(tables["mpfs_starter"].frame, day)["conversion_factor"].unique()
        kinds = in_force(tables["conversion_factors"].frame, day)
        assert kinds.filter(kind="physician")["conversion_factor"].to_list() == [factor]


@pytest.mark.parametrize(
    ("start", "end", "expected"),
    [
        # A loaded edition takes the dates it is published for, and the shipped ones keep theirs.
        (date(2025, 1, 1), date(2025, 12, 31), {"mine": 1, "GPCI2026": 109}),
        (date(2026, 1, 1), date(2026, 12, 31), {"GPCI2025": 109, "mine": 1}),
        (date(2026, 4, 1), date(2026, 12, 31), {"GPCI2025": 109, "GPCI2026": 109, "mine": 1}),
        (date(2027, 1, 1), date(2027, 12, 31), {"GPCI2025": 109, "GPCI2026": 109, "mine": 1}),
        (date(2024, 1, 1), date(2024, 12, 31), {"mine": 1, "GPCI2025": 109, "GPCI2026": 109}),
        # One without an end replaces all that begin after it.
        (date(2024, 1, 1), None, {"mine": 1}),
        (None, None, {"mine": 1}),
    ],
)
def test_a_loaded_edition_replaces_the_shipped_one_on_its_dates(
    tables: Tables, tmp_path: Path, start: date | None, end: date | None, expected: dict[str, int]
) -> None:
    table = loaded(EditionStore(tmp_path / "reference"), tables, "gpci", start, end)
    assert {e.name: e.rows for e in table.editions} == expected
    begins = [(e.valid_from or date(2024, 1, 1), e.rows) for e in table.editions]
    assert [in_force(table.frame, day).height for day, _ in begins] == [rows for _, rows in begins]
    assert table.frame.filter(pl.col("valid_from") > pl.col("valid_to")).is_empty()


def test_the_end_of_the_newest_edition_is_the_published_one(tables: Tables, tmp_path: Path) -> None:
    store = EditionStore(tmp_path / "reference")
    newer = loaded(store, tables, "gpci", date(2025, 1, 1), date(2025, 12, 31))
    assert newer.ends == date(2026, 12, 31)
    assert in_force(newer.frame, date(2027, 5, 1)).height == 109
    assert newer.source.startswith("CMS")


def test_one_of_several_shipped_editions_is_compared(tables: Tables, tmp_path: Path) -> None:
    store = EditionStore(tmp_path / "reference")
    old, new = (edition_of(tables, store, "gpci", name) for name in ("GPCI2025", "GPCI2026"))
    assert (old.frame.height, new.frame.height) == (109, 109)
    assert not old.frame.equals(new.frame)
