"""Localities of ZIP codes."""

from __future__ import annotations

from datetime import date

import pytest

from claimsctl.reference.formats import zips
from claimsctl.reference.releases import UnknownRelease, Wanted
from tests.reference.pfs.invented import ZIPS, ZIPS_9, zip9_line, zip_line
from tests.reference.pfs.reading import Open, column, read


def test_zip_codes(opened: Open) -> None:
    release = read(opened("ZIP5_OCT2025.txt", ZIPS))
    assert (release.table, release.edition, release.valid_from, release.valid_to) == (
        *("zip_locality", "ZIP5-2025Q4"),
        *(date(2025, 10, 1), date(2025, 12, 31)),
    )
    assert column(release, "zip") == ["99501", "93001", "63001", "83123"]
    assert column(release, "locality") == ["02102-01", "01182-17", "05302-99", "03602-21"]
    assert column(release, "rural") == [None, None, "R", "B"]
    assert column(release, "plus_four") == [False, True, False, False]
    assert any("ZIP+4" in note and note.endswith(": 1.") for note in release.notes)


def test_zip_codes_of_nine_digits(opened: Open) -> None:
    release = read(opened("ZIP9_OCT2025.txt", ZIPS_9))
    assert (release.table, release.edition, release.valid_from, release.valid_to) == (
        *("zip9_locality", "ZIP9-2025Q4"),
        *(date(2025, 10, 1), date(2025, 12, 31)),
    )
    assert release.frame.rows() == [
        ("930010007", "CA", "01182", "17", "01182-17", None),
        ("014340001", "MA", "14212", "99", "14212-99", "B"),
    ]
    assert release.notes[0] == "ZIP codes without four further digits left out, the ZIP5 file has them: 1."


def test_the_two_files_are_told_apart_whichever_line_stands_first(opened: Open) -> None:
    lines = ZIPS_9.splitlines(keepends=True)
    for text in (ZIPS_9, "".join(reversed(lines))):
        assert read(opened("x.txt", text)).table == "zip9_locality"
    assert read(opened("x.txt", ZIPS)).table == "zip_locality"


@pytest.mark.parametrize(
    ("name", "text", "expected", "found"),
    [
        ("ZIP5.txt", ZIPS[:-5], "published layout", "in line 4 .76 characters"),
        ("ZIP5.txt", ZIPS.replace("63001", "93001"), "one row for each zip", "93001 in 2 rows"),
        ("ZIP5.txt", ZIPS + zip_line("AL350010101200", said="20261"), "one year and quarter", "20254, 20261"),
        ("ZIP9.txt", ZIPS_9[:-5], "published layout", "in line 3 .76 characters"),
        (
            "ZIP9.txt",
            ZIPS_9 + zip9_line("CA930010118217", "0007"),
            "one row for each zip",
            "930010007 in 2 rows",
        ),
        ("ZIP9.txt", ZIPS_9 + zip9_line("CA930010118217", "00 7"), "published layout", "in line 4"),
    ],
)
def test_a_damaged_zip_file_is_refused(opened: Open, name: str, text: str, expected: str, found: str) -> None:
    form = zips.FORMATS["ZIP9" in name]
    with pytest.raises(UnknownRelease, match=f"expected .*{expected}.*, found .*(?:{found})"):
        form.read(opened(name, text), Wanted())
