"""The relative value file of the Medicare physician fee schedule."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from decimal import Decimal
from pathlib import Path

import polars as pl
import pytest

from claimsctl.reference.releases import CPT_CODES, Opened, UnknownRelease, Wanted
from tests.reference.pfs.invented import DESCRIPTOR, RECORDS, pprrvu_csv, pprrvu_text
from tests.reference.pfs.reading import SAY, Open, column, numbers, read


@pytest.mark.parametrize("year", [2025, 2026])
@pytest.mark.parametrize("form", [pprrvu_csv, pprrvu_text])
def test_relative_values_in_their_types(opened: Open, form: Callable[..., str], year: int) -> None:
    release = read(opened(f"PPRRVU{year}_Jul.xyz", form(year=year)))
    frame = release.frame
    assert (release.table, release.licence, frame.columns[0]) == ("mpfs", CPT_CODES, "code")
    assert {name for name, dtype in frame.schema.items() if dtype == pl.Decimal(12, 4)} == {
        *("work_rvu", "pe_nonfacility", "pe_facility", "mp_rvu", "pre_op", "intra_op", "post_op"),
        *("conversion_factor", "opps_pe_nonfacility", "opps_pe_facility", "opps_mp"),
    }
    assert column(release, "code") == ["00100", "45378", "45378", "76145", "A4100"]
    assert column(release, "modifier") == [None, None, "53", None, None]
    assert column(release, "pe_nonfacility")[3:] == [Decimal("29.03"), None], "an empty cell is no zero"
    assert column(release, "pe_nonfacility_na") == [False, False, False, False, True]
    assert column(release, "pe_facility_na") == [False, False, False, True, False]
    assert numbers(release, "mp_rvu")[:2] == ["0.0000", "0.4400"]
    assert column(release, "global_days") == ["XXX", "000", "000", "000", "090"]
    assert column(release, "endo_base") == [None, None, "44388", None, None]
    assert column(release, "supervision") == ["09", "09", "6A", "09", "09"]
    assert numbers(release, "opps_mp")[3] == numbers(release, "opps_pe_nonfacility")[3] == "0.0125"
    assert set(numbers(release, "conversion_factor")) == {"33.4009"}
    assert column(release, "pricing_indicator") == ([*"9999", "1"] if year == 2026 else [None] * 5)
    surgery = ["mult_proc", "bilateral", "assistant", "co_surgeon", "team_surgeon", "calculation_flag"]
    assert frame.select(surgery).row(0) == ("2", "0", "1", "0", "9", "0")
    assert frame.select("pctc", "imaging_family", "post_op").row(0) == ("3", "99", Decimal("0.11"))
    assert not any(DESCRIPTOR in str(cell) for cell in frame.row(0)), "descriptors are licensed"


def test_text_and_csv_give_the_same_frame(opened: Open) -> None:
    text = read(opened("PPRRVU2026_Jul.txt", pprrvu_text()))
    assert text.frame.equals(read(opened("x.csv", pprrvu_csv())).frame)
    assert text.edition == "RVU26C"


@pytest.mark.parametrize(
    ("form", "words"),
    [(pprrvu_csv, '"Six ""words"", that are, licensed"'), (pprrvu_text, "Brand\u00a0name, ®  \u00a0x")],
)
def test_odd_descriptors_do_not_shift_a_row(opened: Open, form: Callable[..., str], words: str) -> None:
    text = form([RECORDS[1] | {"words": words}, RECORDS[2]])
    assert numbers(read(opened("PPRRVU26_JUL", text)), "work_rvu") == ["3.2600", "1.6300"]


@pytest.mark.parametrize("end", ["", "," * 31 + "\n\n", "\x1a"])
def test_blank_rows_at_the_end_are_no_rows(opened: Open, end: str) -> None:
    assert read(opened("x.csv", pprrvu_csv() + end)).frame.height == 5


@pytest.mark.parametrize(
    ("title", "name", "edition", "first"),
    [
        (
            "2025 National Physician Fee Schedule Relative Value File October Release",
            "x",
            "RVU25D",
            "2025-10-01",
        ),
        (
            "2027 National Physician Fee Schedule Relative Value File January Release",
            "x",
            "RVU27A",
            "2027-01-01",
        ),
        (
            "2026 National Physician Fee Schedule Relative Value File April Release",
            "x",
            "RVU26B",
            "2026-04-01",
        ),
        ("", "PPRRVU2026_Apr_nonQPP.csv", "RVU26B", "2026-04-01"),
        ("", "PPRRVU24_JUL.csv", "RVU24C", "2024-07-01"),
    ],
)
def test_edition(opened: Open, title: str, name: str, edition: str, first: str) -> None:
    release = read(opened(name, pprrvu_csv(title=title)))
    assert (release.edition, str(release.valid_from)) == (edition, first)
    assert release.valid_to == date(int(first[:4]), 12, 31)
    assert release.notes[0] == "Conversion factor 33.4009."
    assert release.table == "mpfs"


@pytest.mark.parametrize(
    ("name", "factor", "table"),
    [
        ("PPRRVU2026_Apr_QPP.csv", "33.5675", "mpfs_qpp"),
        ("PPRRVU2026_Apr_nonQPP.csv", "33.4009", "mpfs"),
        # A file that was renamed is known by its factor.
        ("april.csv", "33.5675", "mpfs_qpp"),
        ("april.csv", "33.4009", "mpfs"),
        ("april.csv", "32.3465", "mpfs"),
        # Of a year to come only the name tells.
        ("PPRRVU2027_Jan_QPP.csv", "34.1111", "mpfs_qpp"),
    ],
)
def test_amounts_for_qualifying_participants_are_a_table_of_their_own(
    opened: Open, name: str, factor: str, table: str
) -> None:
    release = read(opened(name, pprrvu_csv().replace("33.4009", factor)))
    assert (release.table, release.edition) == (table, "RVU26C")
    assert any("qualifying" in note for note in release.notes) == (table == "mpfs_qpp")


def test_the_user_knows_better(opened: Open) -> None:
    file = opened("x.csv", pprrvu_csv())
    release = read(file, Wanted(valid_from=date(2026, 8, 9)))
    assert (release.edition, release.valid_from, release.valid_to) == (
        *("RVU26C", date(2026, 8, 9)),
        date(2026, 12, 31),
    )
    wanted = Wanted("RVU26CR", date(2025, 8, 9), date(2025, 9, 1))
    release = read(file, wanted)
    assert Wanted(release.edition, release.valid_from, release.valid_to) == wanted


def test_a_text_file_without_its_name_has_no_date(opened: Open) -> None:
    file = opened("renamed.txt", pprrvu_text())
    with pytest.raises(UnknownRelease, match=r"does not say from which service date.*--from"):
        read(file)
    assert read(file, SAY).edition == "RVU25D"


def test_a_release_after_its_quarter_began_is_told(opened: Open) -> None:
    late = read(opened("x.csv", pprrvu_csv(released="8/9/2026")))
    assert late.notes[1].startswith("Released 2026-08-09, after 2026-07-01: say --from")


@pytest.mark.parametrize(
    ("text", "expected", "found"),
    [
        (pprrvu_csv()[:-40], "32 columns in every row", "in line 11"),
        (pprrvu_csv().replace("76145,,", "76145,,,"), "32 columns in every row", "33 in line 10"),
        (pprrvu_csv().replace(",AMOUNT\n", ",AMOUNT,NEW\n"), "31 columns .* or 32", "33"),
        (pprrvu_csv(RECORDS[:1]), "at least 2 rows", "1: a part"),
        (pprrvu_csv([]), "at least 2 rows", "0: a part"),
        (pprrvu_csv([*RECORDS, RECORDS[2]]), "one row for each code, modifier", "45378 53 in 2 rows"),
        (pprrvu_csv([*RECORDS, RECORDS[0]]), "one row for each code, modifier", "00100 in 2 rows"),
        (pprrvu_csv().replace(",090,", ",90,"), "global_days to match", "'90' in line 11"),
        (pprrvu_csv().replace("00100,", "100,"), "code to match", "'100' in line 7"),
        (pprrvu_csv().replace("3.26", "3.2612345"), "work_rvu to match", "'3.2612345'"),
        (pprrvu_csv().replace("3.26", ""), "work_rvu to match", "an empty cell in line 8"),
        (pprrvu_csv().replace(f"45378,,{DESCRIPTOR}", '45378,,"Cut'), "quotes in pairs", "line 8"),
        (pprrvu_csv().replace(DESCRIPTOR, f'"{DESCRIPTOR}"x"'), "quotes in pairs", "single one in line 7"),
        (pprrvu_text()[:-20], "published layout", "another in line 7"),
        (pprrvu_text([RECORDS[0], RECORDS[0]]), "one row for each", "00100 in 2 rows"),
    ],
)
def test_a_damaged_relative_value_file_is_refused(opened: Open, text: str, expected: str, found: str) -> None:
    with pytest.raises(UnknownRelease, match=f"expected .*{expected}.*, found .*(?:{found})"):
        read(opened("PPRRVU2026_Jul.csv", text))


def test_a_piece_of_a_real_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "x").write_text(pprrvu_csv())
    with pytest.raises(UnknownRelease, match="at least 1,000 rows, found 5"):
        read(Opened.of(tmp_path / "x"))
