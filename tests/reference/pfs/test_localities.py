"""Files of the Medicare physician fee schedule that go by locality."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import polars as pl
import pytest

from claimsctl.reference.formats import localities
from claimsctl.reference.releases import CPT_CODES, UnknownRelease
from tests.reference.pfs.invented import (
    ANES_CSV,
    ANES_TEXT,
    CAP_CSV,
    CAP_TEXT,
    COUNTIES,
    GPCI_2025,
    GPCI_2026,
    counties_text,
    gpci_text,
)
from tests.reference.pfs.reading import SAY, Open, column, numbers, read

# --- indices


@pytest.mark.parametrize("text", [GPCI_2025, gpci_text(GPCI_2025)], ids=["csv", "text"])
def test_indices(opened: Open, text: str) -> None:
    release = read(opened("x", text))
    assert (release.table, release.edition, release.valid_from) == ("gpci", "GPCI2025", date(2025, 1, 1))
    assert release.valid_to == date(2025, 12, 31)
    assert column(release, "locality") == ["10112-00", "02102-01", "01112-05", "01182-17", "03602-21"]
    assert column(release, "contractor")[1] == "02102", "the zeros that a spreadsheet took are back"
    assert column(release, "number")[1] == "01"
    assert column(release, "name") == ["ALABAMA", "ALASKA", "SAN FRANCISCO", "VENTURA", "WYOMING"]
    assert column(release, "state") == ["AL", "AK", "CA", "CA", "WY"]
    assert numbers(release, "pe_gpci") == ["0.8690", "1.0810", "1.4190", "1.2210", "1.0000"]
    assert numbers(release, "work_gpci") == numbers(release, "work_gpci_floor")
    assert release.frame["mp_gpci"].dtype == pl.Decimal(12, 4)
    assert any("One work GPCI" in note for note in release.notes)
    assert any("footnotes left out: 2" in note for note in release.notes)
    assert any("under contractor 01182, as published" in note for note in release.notes)


@pytest.mark.parametrize("text", [GPCI_2026, gpci_text(GPCI_2026)], ids=["csv", "text"])
def test_indices_with_and_without_the_floor(opened: Open, text: str) -> None:
    release = read(opened("x", text))
    assert numbers(release, "work_gpci") == ["0.9880", "1.5000", "1.0940", "1.0220", "0.9910"]
    assert numbers(release, "work_gpci_floor") == ["1.0000", "1.5000", "1.0940", "1.0220", "1.0000"]
    assert not any("One work GPCI" in note for note in release.notes)


# --- counties


def test_counties(opened: Open) -> None:
    release = read(opened("25LOCCO.csv", COUNTIES))
    assert (release.table, release.edition, release.valid_from) == (
        *("locality_counties", "LOCCO2025"),
        date(2025, 1, 1),
    )
    assert column(release, "locality") == [
        *("07102-13", "01182-18", "01112-62", "01112-75", "05302-02", "05302-99"),
    ]
    assert column(release, "state") == ["ARKANSAS", *["CALIFORNIA"] * 3, *["MISSOURI"] * 2]
    assert column(release, "name")[3:] == ["REST OF STATE", "METROPOLITAN KANSAS CITY", "REST OF STATE"]
    assert column(release, "counties")[1:3] == ["LOS ANGELES /ORAGNGE CNTY", "SAN BERNARDINO, RIVERSIDE"]
    assert column(release, "counties")[4] == "CLAY"
    assert "Rows left out because they stand there twice: 1." in release.notes


def test_california_without_its_name_is_not_in_arkansas(opened: Open) -> None:
    release = read(opened("25LOCCO.txt", counties_text()))
    assert column(release, "locality") == ["07102-13", "01182-18", "01112-75", "05302-02", "05302-99"]
    assert column(release, "state") == ["ARKANSAS", None, None, "MISSOURI", "MISSOURI"]
    assert column(release, "counties")[1] == "LOS ANGELES/ORANGE"
    assert "Localities whose state the file does not name: 2." in release.notes
    assert any("cuts long lists of counties" in note for note in release.notes)


# --- anesthesia


def test_anesthesia_factors(opened: Open) -> None:
    csv = read(opened("ANES2025.csv", ANES_CSV))
    assert (csv.table, csv.edition, csv.valid_to) == ("anesthesia_cf", "ANES2025", date(2025, 12, 31))
    assert dict(csv.frame.iter_rows()) == {
        "10112-00": Decimal("19.31"),
        "02102-01": Decimal("27.86"),
        "01182-18": Decimal("21.22"),
        localities.NATIONAL: Decimal("20.3178"),
    }
    assert csv.frame["conversion_factor"].dtype == pl.Decimal(12, 4)
    text = read(opened("ANES2025.txt", ANES_TEXT + "\x1a"))
    assert text.frame.equals(csv.frame.head(3)), "cents without a point, no national factor"
    assert any("national" in note for note in text.notes)


def test_anesthesia_without_its_name_has_no_year(opened: Open) -> None:
    file = opened("anes.csv", ANES_CSV)
    with pytest.raises(UnknownRelease, match="the anesthesia file does not say"):
        read(file)
    assert read(file, SAY).edition == "ANES2025"


# --- OPPS cap


@pytest.mark.parametrize("text", [CAP_CSV, CAP_TEXT], ids=["csv", "text"])
def test_cap(opened: Open, text: str) -> None:
    file = opened("OPPSCAP_Oct.csv", text)
    with pytest.raises(UnknownRelease, match="the OPPS cap file does not say"):
        read(file)
    release = read(file, SAY)
    assert (release.table, release.edition, release.licence) == ("oppscap", "OPPSCAP25D", CPT_CODES)
    assert release.frame.row(3) == (
        *("70336", None, "A", "15202", "00", "15202-00"),
        *(Decimal("1093.37"), Decimal("97.07")),
    )
    assert numbers(release, "nonfacility_price")[0] == "150.70"
    assert column(release, "locality")[1:3] == ["01112-17", "01182-17"], "kept as published"
    assert any("under contractor 01112 and 01182" in note for note in release.notes)


# --- damage


@pytest.mark.parametrize(
    ("name", "text", "expected", "found"),
    [
        ("GPCI.csv", GPCI_2025.split("03602")[0] + "03602,WY,2", "7 columns in every row", "3 in line 8"),
        ("GPCI.csv", GPCI_2025.replace(",AL,", ",AL,AL,"), "7 columns in every row", "8 in line 4"),
        ("GPCI.csv", GPCI_2025.replace("10112,", ","), "contractor's number first", "none in line 4"),
        ("GPCI.csv", GPCI_2025.replace("03602,WY,21", "10112,WY,00"), "one row for each", "10112-00 in 2"),
        ("GPCI.csv", GPCI_2025.replace("0.869", "O.869"), "pe_gpci to match", "'O.869' in line 4"),
        ("GPCI.csv", GPCI_2025.replace("Name,", "Name,Extra,"), "7 columns, or 8", "the header"),
        ("GPCI.csv", GPCI_2026.replace("0.988", "1.988"), "at most that with the floor", "10112-00"),
        ("GPCI.csv", GPCI_2025.split("2102")[0], "at least 2 rows", "1: a part"),
        ("GPCI.txt", gpci_text(GPCI_2025).replace("  0.575", ""), "published layout", "in line 4"),
        ("LOCCO.csv", COUNTIES.replace("7102,13,", "7102,13,,"), "5 columns in every row", "6 in line 5"),
        ("LOCCO.csv", COUNTIES.replace("1112,75", "1112,62"), "one row for each", "01112-62 in 2 rows"),
        ("LOCCO.csv", COUNTIES.replace("STATEWIDE", ""), "name to match", "an empty cell in line 5"),
        ("ANES2025.csv", ANES_CSV.replace("19.31", "1931"), "conversion_factor to match", "'1931'"),
        ("ANES2025.csv", ANES_CSV.replace("2102 ,1", "10112,00"), "one row for each", "10112-00"),
        ("ANES2025.txt", ANES_TEXT[:-4], "published layout", "in line 3"),
        ("OPPSCAP.csv", CAP_CSV.replace("01182,17", "01112,17"), "one row for each", "0633T TC 01112-17"),
        ("OPPSCAP.csv", CAP_CSV.replace("125.72,", "$125,"), "facility_price to match", r"'\$125'"),
        ("OPPSCAP.txt", CAP_TEXT[:-12], "published layout", "in line 4"),
    ],
)
def test_a_damaged_locality_file_is_refused(
    opened: Open, name: str, text: str, expected: str, found: str
) -> None:
    file = opened(name, text)
    form = {"GPCI": 0, "LOCC": 1, "ANES": 2, "OPPS": 3}[name[:4]]
    with pytest.raises(UnknownRelease, match=f"expected .*{expected}.*, found .*(?:{found})"):
        localities.FORMATS[form].read(file, SAY)
