"""Published files of the Medicare physician fee schedule: small invented ones, and the real ones at hand."""

from __future__ import annotations

import gzip
from collections.abc import Callable
from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from claimsctl.reference.formats import localities, pprrvu
from claimsctl.reference.releases import CPT_CODES, HEAD_BYTES, Opened, Release, UnknownRelease, Wanted

FORMATS = (*pprrvu.FORMATS, *localities.FORMATS)
SAY = Wanted(valid_from=date(2025, 10, 1))

Open = Callable[[str, str], Opened]
Real = Callable[[str], Release]


@pytest.fixture
def opened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Open:
    """Writes a small file as published, in cp1252 with CRLF, and lets two rows be enough."""
    monkeypatch.setattr(pprrvu, "LEAST_ROWS", 2)
    monkeypatch.setattr(localities, "LEAST_ROWS", dict.fromkeys(localities.LEAST_ROWS, 2))

    def write(name: str, text: str) -> Opened:
        path = tmp_path / "unpacked"
        path.write_bytes(text.replace("\n", "\r\n").encode("cp1252"))
        return Opened.of(path, name)

    return write


def read(file: Opened, wanted: Wanted | None = None) -> Release:
    """The one release of a file that one format knows."""
    (form,) = (form for form in FORMATS if form.recognises(file))
    (release,) = form.read(file, wanted or Wanted())
    assert form.tables == (release.table,)
    return release


def column(release: Release, name: str) -> list[Any]:
    return release.frame[name].to_list()


def numbers(release: Release, name: str) -> list[str]:
    return [str(value) for value in column(release, name)]


# --- relative values

DESCRIPTOR = "Licensed words"
PLAIN = {"modifier": "", "status": "A", "work": "0.00", "pe": "0.00", "pe_na": "", "facility": "0.00"}
PLAIN |= {"facility_na": "", "mp": "0.00", "days": "000", "pricing": "9", "base": "", "supervision": "09"}
PLAIN |= {"opps": "0.00", "words": DESCRIPTOR}
RECORDS = [
    PLAIN | {"code": "00100", "status": "J", "days": "XXX"},
    PLAIN | {"code": "45378", "work": "3.26", "pe": "6.44", "facility": "1.79", "mp": ".44"},
    PLAIN | {"code": "45378", "modifier": "53", "work": "1.63", "base": "44388", "supervision": "6A"},
    PLAIN | {"code": "76145", "pe": "29.03", "facility": "29.03", "facility_na": "NA", "opps": "0.0125"},
    PLAIN | {"code": "A4100", "pe": "", "pe_na": "NA", "facility": "3.81", "pricing": "1", "days": "090"},
]
HEADER = (
    "HCPCS,MOD,DESCRIPTION,CODE,PAYMENT,RVU,PE RVU,INDICATOR,PE RVU,INDICATOR,RVU,TOTAL,TOTAL,IND,DAYS,OP,OP,"
    "OP,PROC,SURG,SURG,SURG,SURG,IND,BASE,FACTOR,PROCEDURES,FLAG,INDICATOR,AMOUNT,AMOUNT,AMOUNT\n"
)


def pprrvu_csv(
    records: list[dict[str, str]] = RECORDS,
    *,
    year: int = 2026,
    title: str = "2026 National Physician Fee Schedule Relative Value File July Release",
    released: str = "06/30/2026",
) -> str:
    rest = "," * 29
    text = f",,{title}{rest}\n,,CPT codes are copyright 2024 AMA.  ,{rest}\n,, ,{rest}\n"
    text += f",,RELEASED {released}{rest}\n,,,STATUS,MEDICARE ,WORK,NON-FAC,NA,FACILITY ,NA{rest}\n"
    text += HEADER if year >= 2026 else HEADER.replace("SURG,IND,BASE", "SURG,BASE")
    for r in records:
        pricing = f"{r['pricing']}," if year >= 2026 else ""
        text += (
            f"{r['code']},{r['modifier']},{r['words']},{r['status']},+,{r['work']},{r['pe']},{r['pe_na']},"
        )
        text += (
            f"{r['facility']},{r['facility_na']},{r['mp']},9.99,9.99,3,{r['days']},0.10,0.80,0.11,2,0,1,0,9,"
        )
        text += f"{pricing}{r['base']},33.4009,{r['supervision']},0,99,{r['opps']},{r['opps']},{r['opps']}\n"
    return text


def pprrvu_text(records: list[dict[str, str]] = RECORDS, *, year: int = 2026) -> str:
    text = "HDR CPT CODES AND DESCRIPTIONS ONLY ARE COPYRIGHT \nHDR 2026 AMERICAN MEDICAL ASSOCIATION.  \n"
    for r in records:
        pricing = r["pricing"] if year >= 2026 else " "
        text += f"{r['code']}{r['modifier']:2}{r['words']:50}{r['status']} {r['work']:>6} {r['pe']:>6}"
        text += f"{r['pe_na']:2} {r['facility']:>6}{r['facility_na']:2} {r['mp']:>5}   9.99  9.993{r['days']}"
        text += f".10.80.1120109{pricing}      {r['base']:5} 33.4009 {r['supervision']}0 99    "
        text += f"{r['opps']:>6} {r['opps']:>6} {r['opps']:>6}\n"
    return text


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
        ("", "PPRRVU2026_Apr_QPP.csv", "RVU26B-QPP", "2026-04-01"),
    ],
)
def test_edition(opened: Open, title: str, name: str, edition: str, first: str) -> None:
    release = read(opened(name, pprrvu_csv(title=title)))
    assert (release.edition, str(release.valid_from)) == (edition, first)
    assert release.valid_to == date(int(first[:4]), 12, 31)
    assert release.notes[0] == "Conversion factor 33.4009."
    assert any("qualifying" in note for note in release.notes) == edition.endswith("QPP")


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


@pytest.mark.parametrize("form", FORMATS, ids=lambda form: form.name)
def test_an_empty_file_is_not_recognised_and_not_read(opened: Open, form: Any) -> None:
    file = opened("empty.csv", "")
    assert not form.recognises(file)
    with pytest.raises(UnknownRelease, match=r"expected .*, found"):
        form.read(file, SAY)


# --- GPCI

GPCI_TITLE = (
    "ADDENDUM E. FINAL CY 2025 GEOGRAPHIC PRACTICE COST INDICES (GPCIs) BY STATE AND MEDICARE LOCALITY"
)
GPCI_2025 = (
    f"{GPCI_TITLE},,,,,,\n,,,,,,\nMedicare Administrative Contractor (MAC),State,Locality Number,"
    "Locality Name,2025 PW GPCI (with 1.0 Floor),2025 PE GPCI,2025 MP GPCI\n"
    "10112,AL,00,ALABAMA,1,0.869,0.575\n2102,AK,1,ALASKA*,1.5,1.081,0.592\n"
    "01112,CA,05,SAN FRANCISCO,1.094,1.419,0.445\n01182,CA,17,VENTURA,1.022,1.221,0.77\n"
    "03602,WY,21,WYOMING**,1,1,0.739\n"
    '"MAC Assignments as of November 22, 2023",,,,,,\n,,,,,,\n'
    "**PE GPCI reflects a 1.0 floor for frontier states established by the ACA.,,,,,,\n"
)
GPCI_2026 = (
    GPCI_2025.replace("2025 PW GPCI (with", "2026 PW GPCI (without 1.0 Floor),2026 PW GPCI (with")
    .replace(",,,,,,", ",,,,,,,")
    .replace("1,0.869", "0.988,1.000,0.869")
    .replace("1.5,1.081", "1.5,1.5,1.081")
    .replace("1.094,", "1.094,1.094,")
    .replace("1.022,", "1.022,1.022,")
    .replace("WYOMING**,1,", "WYOMING**,0.991,1,")
)


def gpci_text(csv: str) -> str:
    text = f"{GPCI_TITLE}\n\nMedicare Admi State  Locality    Locality Name   "
    text += "2025 PW GPCI2025 PE GPCI2025 MP GPCI\n"
    for line in csv.splitlines():
        if line[:1].isdigit():
            contractor, state, number, name, *indices = line.split(",")
            text += f"{contractor:0>5}           {state}      {number:0>2}   {name:92}"
            text += "".join(f"{index:5}       " for index in indices).rstrip() + "\n"
    return text + "MAC Assignments as of November 22, 2023\n\n**PE GPCI reflects a 1.0 floor.\n\n"


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

COUNTIES = (
    "COUNTIES INCLUDED IN 2025 LOCALITIES. (ALPHABETICALLY BY STATE),,,,\n,,,,\n"
    "Medicare Adminstrative Contractor,Locality Number,State ,Fee Schedule Area ,Counties\n,,,,\n"
    "7102,13,ARKANSAS ,STATEWIDE ,ALL COUNTIES \n,,,,\n"
    "1182,18,CALIFORNIA,LOS ANGELES (LOS ANGELES CNTY),LOS ANGELES /ORAGNGE CNTY\n"
    '1112,62,,RIVERSIDE,"SAN BERNARDINO, RIVERSIDE"\n1112,75, ,REST OF STATE*,ALL OTHER COUNTIES\n , , , , \n'
    "5302,2,MISSOURI ,METROPOLITAN KANSAS CITY,CLAY\u00a0\n5302,99,,REST OF STATE* ,ALL OTHER COUNTIES \n"
    "5302,99,,REST OF STATE*,ALL OTHER COUNTIES \n,,,,\n"
    "*  Payment locality is serviced by two carriers.,,,,\n"
)


def counties_text() -> str:
    rows = [
        ("07102", "13", "ARKANSAS", "STATEWIDE", "ALL COUNTIES"),
        (),
        ("01182", "18", "", "LOS ANGELES (LOS ANGELES CNTY/ORANG CNTY)", "LOS ANGELES/ORANGE"),
        ("01112", "75", "", "REST OF STATE*", "ALL OTHER COUNTIES"),
        (),
        ("05302", "02", "MISSOURI", "METROPOLITAN KANSAS CITY", "CLAY"),
        ("05302", "99", "", "REST OF STATE*", "ALL OTHER COUNTIES"),
    ]
    lines = ["    {:12}{:6}{:23}{:98}{}".format(*row) if row else "" for row in rows]
    head = "COUNTIES INCLUDED IN 2025 LOCALITIES. (ALPHABETICALLY)\n\n"
    head += "Medicare AdmiLocality         State            Fee Schedule Area              Counties\n\n"
    return head + "\n".join(lines) + "\n\n\n*  Payment locality is serviced by two carriers.\n"


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

ANES_CSV = (
    "Contractor,Locality,Locality Name,National Anes CF of 20.3178\n10112 ,00 ,ALABAMA,19.31 \n"
    "2102 ,1 ,ALASKA*,27.86 \n01182 ,18 ,LOS ANGELES (LOS ANGELES/ORANGE CNTY),21.22 \n,,,\n"
)
ANES_TEXT = "".join(
    f"{contractor}       {number}    {name:40}               {cents}\n"
    for contractor, number, name, cents in [
        ("10112", "00", "ALABAMA", "1931"),
        ("02102", "01", "ALASKA", "2786"),
        ("01182", "18", "LOS ANGELES-LONG BEACH-ANAHEIM (LOS ANGE", "2122"),
    ]
)


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

CAP_CSV = (
    "HCPCS,MOD,PROCSTAT,CARRIER,LOCALITY,FACILITY PRICE,NON-FACILTY PRICE\n0633T,TC,C,01112,05,150.69,150.7\n"
    "0633T,TC,C,01112,17,125.72,125.72\n0633T,TC,C,01182,17,125.72,125.72\n70336,,A,15202,00,1093.37,97.07\n,,,,,,\n"
)
CAP_TEXT = (
    "0633TTC C 01112  05   150.69    150.70\n0633TTC C 01112  17   125.72    125.72\n"
    "0633TTC C 01182  17   125.72    125.72\n70336   A 15202  00  1093.37     97.07\n"
)


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


# --- ZIP codes


def zip_line(key: str, rural: str = " ", flag: str = "0", said: str = "20254") -> str:
    return f"{key}{rural}Z9{rural}  {flag} A{'':52}{said}\n"


ZIPS = (
    zip_line("AK995010210201")
    + zip_line("CA930010118217", flag="1")
    + zip_line("EM630010530299", "R")
    + zip_line("WY831230360221", "B")
)


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
        ("ZIP5.txt", ZIPS[:-5], "published layout", "in line 4 .76 characters"),
        ("ZIP5.txt", ZIPS.replace("63001", "93001"), "one row for each zip", "93001 in 2 rows"),
        ("ZIP5.txt", ZIPS + zip_line("AL350010101200", said="20261"), "one year and quarter", "20254, 20261"),
    ],
)
def test_a_damaged_locality_file_is_refused(
    opened: Open, name: str, text: str, expected: str, found: str
) -> None:
    file = opened(name, text)
    form = {"GPCI": 0, "LOCC": 1, "ANES": 2, "OPPS": 3, "ZIP5": 4}[name[:4]]
    with pytest.raises(UnknownRelease, match=f"expected .*{expected}.*, found .*(?:{found})"):
        localities.FORMATS[form].read(file, SAY)


@pytest.mark.parametrize("text", [pprrvu_csv(), pprrvu_text(), GPCI_2025, COUNTIES, ANES_CSV, CAP_CSV, ZIPS])
def test_a_byte_order_mark_is_no_text(opened: Open, text: str) -> None:
    plain = read(opened("PPRRVU25_JAN", text), SAY).frame
    assert read(opened("PPRRVU25_JAN", "ï»¿" + text.replace("\u00a0", " ")), SAY).frame.equals(plain)


def test_other_tables_are_not_recognised(opened: Open) -> None:
    for text in (
        "HCPCS,MOD,DESCRIPTION,PRICE\n00100,,words,12.50\n",
        "code,price\n99213,91.39\n",
        '"2025","01112","05","76145","  ","0001339.81","0001339.81"\n',
        "10112,00,ALABAMA,19.31\n",
        "99501\n99502\n",
        "\n\n\n",
    ):
        assert not [form for form in FORMATS if form.recognises(opened("PPRRVU2025_Oct.csv", text))]


# --- the files as published

PUBLISHED = {
    "PPRRVU2025_Oct.csv": ("pprrvu-csv", 19_090, "RVU25D"),
    "PPRRVU2025_Oct.txt": ("pprrvu-text", 19_090, "RVU25D"),
    "PPRRVU2026_Apr_nonQPP.txt": ("pprrvu-text", 19_277, "RVU26B"),
    "PPRRVU2026_Jul_nonQPP.csv": ("pprrvu-csv", 19_356, "RVU26C"),
    "GPCI2025.csv": ("gpci", 109, "GPCI2025"),
    "GPCI2025.txt": ("gpci", 109, "GPCI2025"),
    "GPCI2026.csv": ("gpci", 109, "GPCI2026"),
    "25LOCCO.csv": ("locality-counties", 109, "LOCCO2025"),
    "25LOCCO.txt": ("locality-counties", 109, "LOCCO2025"),
    "ANES2025.csv": ("anesthesia-cf", 110, "ANES2025"),
    "ANES2025.txt": ("anesthesia-cf", 109, "ANES2025"),
    "OPPSCAP_Oct.csv": ("oppscap", 16_100, "OPPSCAP25D"),
    "OPPSCAP_Oct.txt": ("oppscap", 16_100, "OPPSCAP25D"),
    "ZIP5_OCT2025.txt": ("zip-locality", 42_956, "ZIP5-2025Q4"),
}


def contents(path: Path, size: int = -1) -> bytes:
    if path.suffix != ".gz":
        with path.open("rb") as file:
            return file.read(size)
    with gzip.open(path) as packed:
        return packed.read(size)


@pytest.fixture(scope="module")
def real(shared: Path, tmp_path_factory: pytest.TempPathFactory) -> Real:
    """The release in a file as published, by its name; each is read once."""
    releases: dict[str, Release] = {}
    folder = tmp_path_factory.mktemp("published")

    def load(name: str) -> Release:
        if name not in releases:
            (path,) = (p for p in (shared / "data/reference").rglob(f"{name}*") if p.suffix != ".pdf")
            (folder / name).write_bytes(contents(path))
            wanted = SAY if name.startswith("OPPSCAP") else None
            releases[name] = read(Opened.of(folder / name), wanted)
        return releases[name]

    return load


def test_each_published_file_is_known_and_no_other(shared: Path) -> None:
    found = {}
    for path in sorted((shared / "data/reference").rglob("*")):
        if path.is_file():
            name = path.name.removesuffix(".gz")
            file = Opened(name, path, contents(path, HEAD_BYTES))
            found[name] = [form.name for form in FORMATS if form.recognises(file)]
    assert {name: forms for name, forms in found.items() if forms} == {
        name: [form] for name, (form, _, _) in PUBLISHED.items()
    }


@pytest.mark.parametrize("name", PUBLISHED)
def test_published_file(real: Real, name: str) -> None:
    _, rows, edition = PUBLISHED[name]
    release = real(name)
    assert (release.frame.height, release.edition) == (rows, edition)


def test_published_csv_and_text_agree(real: Real) -> None:
    for name in ("PPRRVU2025_Oct", "GPCI2025", "OPPSCAP_Oct"):
        assert real(f"{name}.csv").frame.equals(real(f"{name}.txt").frame), name
    assert real("ANES2025.csv").frame.head(109).equals(real("ANES2025.txt").frame)
    assert real("25LOCCO.csv").frame["locality"].equals(real("25LOCCO.txt").frame["locality"])


def test_published_relative_values(real: Real) -> None:
    for name, factor in (
        ("PPRRVU2025_Oct.csv", "32.3465"),
        ("PPRRVU2026_Apr_nonQPP.txt", "33.4009"),
        ("PPRRVU2026_Jul_nonQPP.csv", "33.4009"),
    ):
        assert set(numbers(real(name), "conversion_factor")) == {factor}
    counts = dict(real("PPRRVU2025_Oct.txt").frame["status"].value_counts().iter_rows())
    assert (counts["A"], counts["R"], counts["T"]) == (9_021, 1_058, 8)
    frame = real("PPRRVU2026_Jul_nonQPP.csv").frame
    assert frame.filter(pl.col("status") == "A").height == 9_408
    assert frame.filter(pl.col("modifier") == "53")["code"].to_list() == ["44388", "45378", "G0105", "G0121"]
    assert frame["pricing_indicator"].null_count() == 0
    assert real("PPRRVU2025_Oct.csv").frame["pricing_indicator"].null_count() == 19_090


def test_published_localities(real: Real) -> None:
    gpci = real("GPCI2025.csv").frame.row(by_predicate=pl.col("locality") == "01112-05", named=True)
    assert (gpci["pe_gpci"], gpci["mp_gpci"]) == (Decimal("1.419"), Decimal("0.445"))
    known = set(real("GPCI2025.csv").frame["locality"])
    assert set(real("25LOCCO.csv").frame["locality"]) == known
    assert set(real("ANES2025.csv").frame["locality"]) == {*known, localities.NATIONAL}
    assert set(real("ZIP5_OCT2025.txt").frame["locality"]) == known
    assert set(real("OPPSCAP_Oct.csv").frame["locality"]) - known == {
        f"01112-{number}" for number in (17, 18, 71, 72, 73, 74)
    }
    counties = real("25LOCCO.csv").frame
    assert counties["state"].null_count() == 0
    assert counties.filter(pl.col("state") == "CALIFORNIA").height == 29
    assert real("ZIP5_OCT2025.txt").frame["plus_four"].sum() == 580
    assert numbers(real("ANES2025.csv"), "conversion_factor")[-1] == "20.3178"


def test_official_payments_follow_from_the_frames(real: Real, shared: Path) -> None:
    """PFREV25C is CMS's own amount for 76145 in each locality: exact only if every digit was kept."""
    path = shared / "data/reference/pfs/pfrev25c/PFREV25C.txt"
    official = pl.read_csv(path, has_header=False, infer_schema=False, n_rows=109).rows()
    code = real("PPRRVU2025_Oct.csv").frame.row(by_predicate=pl.col("code") == "76145", named=True)
    indices = {row["locality"]: row for row in real("GPCI2025.csv").frame.iter_rows(named=True)}
    assert len(official) == 109
    for _, contractor, number, _, _, amount, *_ in official:
        at = indices[f"{contractor}-{number}"]
        units = code["work_rvu"] * at["work_gpci_floor"] + code["pe_nonfacility"] * at["pe_gpci"]
        dollars = (units + code["mp_rvu"] * at["mp_gpci"]) * code["conversion_factor"]
        assert dollars.quantize(Decimal("0.01"), ROUND_HALF_UP) == Decimal(amount)
