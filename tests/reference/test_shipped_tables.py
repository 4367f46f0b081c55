"""The files of reference_data are what tables.toml says, and agree with each other and their sources."""

from __future__ import annotations

import csv
import gzip
from datetime import date
from pathlib import Path

import polars as pl
import pytest

from claimsctl.errors import InternalError
from claimsctl.reference import DECLARED, Tables, data_path
from claimsctl.reference.describe import columns, overview
from claimsctl.reference.manifest import codes_between, read_shipped, shipped_specs

NAMES = sorted(shipped_specs())

# Tables with several rows for a key: one for each date, and modifier.
FURTHER_KEYS = {
    "mpfs_starter": ("modifier", "valid_from"),
    "gpci": ("valid_from",),
    "thresholds": ("valid_from",),
    "conversion_factors": ("valid_from",),
}


@pytest.mark.parametrize("name", NAMES)
def test_file_fits_its_entry(name: str) -> None:
    spec = shipped_specs()[name]
    frame = read_shipped(spec)
    assert frame.columns == [column.name for column in spec.columns]
    assert frame.height > 0
    key = spec.columns[0].name
    assert frame[key].null_count() == 0
    assert frame.select(key, *FURTHER_KEYS.get(name, ())).is_unique().all()
    for column in spec.columns:
        if column.values:
            assert set(frame[column.name].drop_nulls()) <= set(column.values)
    if {"valid_from", "valid_to"} <= set(frame.columns):
        assert frame.filter(pl.col("valid_from") > pl.col("valid_to")).is_empty()


def test_every_file_has_an_entry_and_every_entry_a_source() -> None:
    files = {path.name for path in data_path("reference_data").glob("*.csv")}
    assert files == {spec.file for spec in shipped_specs().values()}
    assert all(spec.source and spec.licence and spec.title for spec in shipped_specs().values())


def test_readme_is_written_from_the_entries() -> None:
    text = (data_path("reference_data") / "README.md").read_text(encoding="utf-8")
    assert overview() in text
    assert columns() in text


def test_files_are_plain_ascii_or_utf8_without_stray_space() -> None:
    for path in data_path("reference_data").glob("*.csv"):
        text = path.read_text(encoding="utf-8")
        assert "\r" not in text, path.name
        assert "\u00a0" not in text, path.name
        with path.open(encoding="utf-8", newline="") as file:
            assert all(cell == cell.strip() for row in csv.reader(file) for cell in row), path.name


def test_a_cell_of_the_wrong_type_is_an_error(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "pos.csv").write_text("code,name,facility,valid_from,valid_to\n11,Office,maybe,,\n")
    monkeypatch.setattr("claimsctl.reference.manifest.data_path", lambda _: tmp_path)
    with pytest.raises(InternalError, match=r"column facility holds a value that is no boolean"):
        read_shipped(shipped_specs()["pos"])


@pytest.mark.parametrize(
    ("low", "high", "expected"),
    [
        ("99202", "99204", ["99202", "99203", "99204"]),
        ("G2250", "G2252", ["G2250", "G2251", "G2252"]),
        ("0009F", "0011F", ["0009F", "0010F", "0011F"]),
        ("F09", "F11", ["F09", "F10", "F11"]),
        ("R45", "R45", ["R45"]),
    ],
)
def test_ranges_count_in_the_digits(low: str, high: str, expected: list[str]) -> None:
    assert list(codes_between(low, high)) == expected


@pytest.mark.parametrize(
    ("low", "high"), [("99204", "99202"), ("G0001", "H0002"), ("0001F", "0002T"), ("1", "10")]
)
def test_ranges_of_two_shapes_are_refused(low: str, high: str) -> None:
    with pytest.raises(InternalError, match="no range of codes"):
        list(codes_between(low, high))


def test_place_of_service_set(tables: Tables) -> None:
    numbers = [*range(1, 28), *range(31, 35), 41, 42, *range(49, 59), 60, 61, 62, 65, 66, 71, 72, 81, 99]
    frame = tables["pos"].frame
    assert set(frame["code"]) == {f"{number:02d}" for number in numbers}
    facility = " ".join(sorted(frame.filter("facility")["code"]))
    assert facility == "02 06 08 19 21 22 23 24 26 31 34 41 42 51 52 53 56 61"
    started = dict(frame.filter(pl.col("valid_from").is_not_null()).select("code", "valid_from").iter_rows())
    assert started == {
        "19": date(2016, 1, 1),
        "02": date(2017, 1, 1),
        "58": date(2020, 1, 1),
        "10": date(2022, 1, 1),
        "27": date(2023, 10, 1),
        "66": date(2024, 8, 1),
    }


def test_states(tables: Tables) -> None:
    kinds = dict(tables["states"].frame.group_by("kind").len().iter_rows())
    assert kinds == {
        "state": 50, "district": 1, "territory": 5, "associated": 3, "military": 3, "province": 13,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("zip3", "states"),
    [("100", "NY"), ("946", "CA"), ("063", "CT;NY"), ("205", "DC;MD;VA"), ("969", "FM;GU;MH;MP;PW"),
     ("090", "AE"), ("340", "AA"), ("966", "AP"), ("834", "ID;WY"), ("660", "KS"), ("641", "MO")],
)  # fmt: skip
def test_zip_prefixes(tables: Tables, zip3: str, states: str) -> None:
    assert tables["zip3_state"].frame.filter(zip3=zip3)["states"].to_list() == [states]


def test_zip_prefixes_know_no_other_states(tables: Tables) -> None:
    us = set(tables["states"].frame.filter(country="US")["code"])
    named = {state for states in tables["zip3_state"].frame["states"] for state in states.split(";")}
    assert named == us
    # PAT-014 looks at five places of the list.
    assert tables["zip3_state"].frame["states"].str.len_chars().max() == 14


def test_zip_prefixes_agree_with_the_cms_file(tables: Tables, shared: Path) -> None:
    table = {zip3: set(states.split(";")) for zip3, states in tables["zip3_state"].frame.iter_rows()}
    # CMS parts Kansas and Missouri for ambulance payment.
    halves = {"EK": "KS", "WK": "KS", "EM": "MO", "WM": "MO"}
    with gzip.open(shared / "data/reference/geo/ZIP5_OCT2025.txt.gz", "rt", encoding="latin-1") as file:
        pairs = {(line[2:5], halves.get(line[:2], line[:2])) for line in file if line[2:7].isdigit()}
    assert {zip3 for zip3, _ in pairs} <= table.keys()
    assert {(zip3, state) for zip3, state in pairs if state not in table[zip3]} == set()


@pytest.mark.parametrize(
    ("day", "name", "observed"),
    [
        (20150703, "Independence Day", True),  # 4 July 2015 was a Saturday
        (20211231, "New Year's Day", True),  # of 2022, a Saturday
        (20220620, "Juneteenth National Independence Day", True),
        (20241128, "Thanksgiving Day", False),
        (20260525, "Memorial Day", False),
        (20260907, "Labor Day", False),
    ],
)
def test_holidays(tables: Tables, day: int, name: str, observed: bool) -> None:
    assert tables["holidays"].frame.row(by_predicate=pl.col("day") == day) == (day, name, observed)


def test_no_juneteenth_before_it_was_a_holiday(tables: Tables) -> None:
    assert tables["holidays"].frame.filter(pl.col("day") == 20200619).is_empty()


def test_psychotherapy_minutes(tables: Tables) -> None:
    frame = tables["mh_codes"].frame
    assert frame.height == 16
    least = dict(frame.select("code", "min_minutes").drop_nulls().iter_rows())
    assert least == {
        "90832": 16, "90833": 16, "90834": 38, "90836": 38, "90837": 53, "90838": 53, "90839": 30,
        "90846": 26, "90847": 26,
    }  # fmt: skip
    assert dict(frame.select("code", "max_minutes").drop_nulls().iter_rows()) == {"90832": 37, "90834": 52}
    timed = dict(tables["timed_codes"].frame.select("code", "min_minutes").drop_nulls().iter_rows())
    assert least.items() <= timed.items()


def test_panels(tables: Tables) -> None:
    frame = tables["lab_panels"].frame
    sizes = {column: frame[column].sum() for column in frame.columns[1:]}
    assert sizes == {
        "p80047": 8, "p80048": 8, "p80050": 3, "p80051": 4, "p80053": 14, "p80055": 7, "p80061": 3,
        "p80069": 10, "p80074": 4, "p80076": 7, "p80081": 8,
    }  # fmt: skip


def test_payer_types_are_those_of_the_registry(tables: Tables) -> None:
    assert set(shipped_specs()["payers"].columns[3].values) == set(tables["payer_types"].frame["type"])


def test_codes_of_code_tables_have_the_shape_of_codes(tables: Tables) -> None:
    shape = r"^(\d{5}|\d{4}[A-Z]|[A-Z]\d{4})$"
    for name in ("code_groups", "zero_charge_codes", "unlisted_codes", "preventive_codes", "hcpcs_edits",
                 "lab_panels", "vaccine_codes", "mh_codes", "timed_codes", "therapy_codes"):  # fmt: skip
        assert tables[name].frame["code"].str.contains(shape).all(), name
    assert tables["taxonomy"].frame["code"].str.contains(r"^[0-9A-Z]{9}X$").all()


def test_hcpcs_codes_are_in_the_published_list(tables: Tables, shared: Path) -> None:
    with gzip.open(shared / "data/reference/hcpcs/hcpcs_level2_2026q3_codes.txt.gz", "rt") as file:
        live = set(file.read().split())
    for name in ("unlisted_codes", "preventive_codes", "hcpcs_edits", "therapy_codes"):
        codes = {code for code in tables[name].frame["code"] if code[0].isalpha()}
        assert codes - live == set(), name


def test_every_table_of_the_catalogue_is_declared(tables: Tables, shared: Path) -> None:
    with (shared / "rules-catalogue.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    named = {name for row in rows for name in row["needs_reference"].replace(";", " ").split()} - {"none"}
    assert named <= DECLARED


def test_all_tables_that_can_be_loaded_are_declared(tables: Tables) -> None:
    assert set(tables) <= DECLARED
