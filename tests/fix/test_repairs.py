"""Every repair: what it must change, what it must only propose, and what it must leave alone."""

from __future__ import annotations

from datetime import date

import polars as pl
import pytest

from claimsctl.claim import BY_NAME, COLUMNS
from claimsctl.facts.typed import Layout
from claimsctl.fix.applying import Repaired, Repairer
from claimsctl.fix.dates import DateEvidence
from claimsctl.fix.knowing import knowledge_of
from claimsctl.fix.repairs import EVERYWHERE, TITLES, Knowledge, repairs_for
from claimsctl.fix.survey import survey
from claimsctl.security.masking import mask_value

AS_OF = date(2026, 6, 30)
PROOF = "05/16/2026"
"""A date that proves that the month is first."""
DAY_FIRST = "16/05/2026"

# Column: {as it came: as it must become}.
CHANGED: dict[str, dict[str, str]] = {
    "claim_number": {" C-2026-0417 ": "C-2026-0417", '="C99"': "C99", "C\u200b1": "C1", "C\u00a01": "C 1"},
    "line_number": {"1.0": "1", "'2": "2"},
    "patient_last_name": {" Rivera": "Rivera", '="Rivera "': "Rivera", "de  la\u00a0Cruz": "de la Cruz",
                          "Riv\u00adera": "Rivera"},
    "patient_address": {"18   Alder Court\t": "18 Alder Court"},
    "line_note": {" left knee ": "left knee"},
    "units": {" 1 ": "1", "\u200b2": "2"},
    "patient_ssn": {"745382916": "745-38-2916", "745 38 2916": "745-38-2916", "745382916.0": "745-38-2916",
                    "'745.38.2916": "745-38-2916", "7.45382916E+08": "745-38-2916"},
    "patient_phone": {"(916) 555-0142": "9165550142", "916-555-0142": "9165550142",
                      "+1 916.555.0142": "9165550142", "1-916-555-0142": "9165550142",
                      "9165550142.0": "9165550142", "9.165550142E+09": "9165550142"},
    "patient_zip": {"1609": "01609", "16092201": "016092201", "1609-2201": "01609-2201", "01609-": "01609",
                    "95814.0": "95814", "'01609": "01609", '="01609"': "01609", "k1a 0b1": "K1A 0B1",
                    "1.609E+3": "01609"},
    "patient_state": {"ma": "MA", " Ca": "CA"},
    "patient_country": {"us": "US"},
    "member_id": {"123456789.0": "123456789", "1.23456789E+8": "123456789", " W264518907 ": "W264518907"},
    "payer_id": {"60": "00060", "6111": "06111", "60.0": "00060", "87726 ": "87726"},
    "billing_npi": {"1330200654.0": "1330200654", "1.330200654E+09": "1330200654",
                    "133 020 0654": "1330200654"},
    "billing_taxonomy": {"207q00000x": "207Q00000X"},
    "place_of_service": {"1": "01", "9": "09", "2.0": "02", "11.0": "11", "'2": "02"},
    "procedure_code": {"99213.0": "99213", "g0438": "G0438", "99 213": "99213", "99213.": "99213"},
    "diagnosis_pointers": {"a,b": "A,B", "abcd": "ABCD", "1.0": "1"},
    "modifier_1": {"gt": "GT", "25.0": "25", " 59": "59"},
    "diagnosis_1": {"f41.1": "F41.1", "I10.": "I10", "F41 .1": "F41.1", "s52 501a": "S52501A",
                    " e11.9. ": "E11.9"},
    "ndc_code": {"0409-4887-10": "00409488710", "12345-678-90": "12345067890", "12345-6789-0": "12345678900",
                 "00409-4887-10": "00409488710"},
    "charge_amount": {"$1,234.50": "1234.50", "(12.00)": "-12.00", "12.00-": "-12.00", "USD 5": "5",
                      "-$5.00": "-5.00", "$ .50": ".50", "1,234,567": "1234567", "1.2E+3": "1200",
                      "1.2345E+2": "123.45", "'120.00": "120.00", '="120.00"': "120.00",
                      "$1,000.12345": "1000.12345", "1\u00a0234.50": "1234.50", " 1\u202f234 ": "1234"},
    "service_date_from": {PROOF: "2026-05-16", "5/4/2026": "2026-05-04", "05-04-2026": "2026-05-04",
                          "5/4/26": "2026-05-04", "20260504": "2026-05-04", "2026/5/4": "2026-05-04",
                          "4-May-2026": "2026-05-04", "04MAY2026": "2026-05-04", "4-May-26": "2026-05-04",
                          "2026-05-04 00:00:00": "2026-05-04", "5/4/2026 0:00": "2026-05-04",
                          "46146": "2026-05-04", "46146.0": "2026-05-04", "'5/4/2026": "2026-05-04"},
    "patient_dob": {PROOF: "2026-05-16", "3/9/1984": "1984-03-09", "30750": "1984-03-09",
                    "9-Mar-1984": "1984-03-09"},
}  # fmt: skip

# Column: texts that no repair may change or propose to change.
LEFT: dict[str, list[str]] = {
    "claim_number": ["c-1", "007", "12E4", "1,234", "C  1", "5-4-2026", "20260504"],
    "patient_id": ["007", "12e4", "MRN10442", "1E10"],
    "patient_last_name": ["O'Brien", "rivera", "SMITH", "de la Cruz"],
    "line_note": ["'quoted'", "two  spaces", "1.0", "$5"],
    "patient_sex": ["female", "f", "U"],
    "relationship_code": ["1", "self", "18"],
    "claim_type": ["professional", "837p"],
    "practice_type": ["therapy"],
    "units": ["1.0", "1,000", "01", "1.50", "'1", '="1"'],
    "minutes": ["45.0", "53"],
    "ndc_quantity": ["10.0"],
    "patient_ssn": ["745-38-2916", "XXX-XX-2916", "12345", "74-5382916"],
    "patient_phone": ["9165550142", "916-555-0142 x12", "555-0142", "116-555-0142", "+44 20 7946 0958"],
    "patient_zip": ["01609", "95814-2201", "K1A 0B1", "D02 X285", "12", "0000", "0412"],
    "patient_state": ["MA", "Massachusetts", "M"],
    "billing_tax_id": ["044104410", "04-4104410", "041044101"],
    "member_id": ["W264518907", "00123", "w26"],
    "payer_id": ["UHC", "uhc", "Aetna", "00060", "99", "NSTAR", "BCBS"],
    "billing_npi": ["1330200654", "13302006", "133020065A"],
    "place_of_service": ["11", "0", "99", "office"],
    "procedure_code": ["99213", "142", "99213 25", "99213-25", "9921", "0001F", "99213.5"],
    "modifier_1": ["25", "5", "25 59"],
    "diagnosis_1": ["F41.1", "F411", "250.00", "250.0", "I10 E119", "M54.50;M54.51", "F41.1,F32.9", "Z00.00",
                    "see note", "C4A.9", "M1A.00X0"],
    "ndc_code": ["00409488710", "N400409488710", "n/a", "409-4887-10"],
    "charge_amount": ["120", "120.00", "-5", "1,5", "1.234,50", "free", "$", "--5", "12,00", "(-5)",
                      "(165.00", "165)", "100 50", "100\u00a050", "1$65"],
    "value_amount": ["$120.00;35.00"],
    "occurrence_date": ["5/4/2026;5/5/2026"],
    "session_start_time": ["1:30 PM", "1330"],
    "service_date_from": ["2026-05-04", "13/32/2026", "050426", "2026-05-04 10:30:00", "5/4/2026 14:30",
                          "1900-01-01", "1/1/1900", "12/31/2099", "May 4", "00010101", "61000", "46146.5"],
    "patient_dob": ["1984-03-09", "00/00/0000"],
}  # fmt: skip

# Column: {as it stays: what is offered instead, "" for nothing}.
PROPOSED: dict[str, dict[str, str]] = {
    "claim_number": {"'C-1": "C-1", "417.0": "417", "1.2345678E+07": "12345678", "1.23457E+11": ""},
    "patient_last_name": {"'Aukai": "Aukai"},
    "patient_ssn": {"45382916": "045-38-2916"},
    "billing_tax_id": {"44104410": "044104410"},
    "patient_zip": {"601": "00601"},
    "member_id": {"1EG4-TE5-MK73": "1EG4TE5MK73", "1eg4te5mk73": "1EG4TE5MK73", "1.23457E+11": "",
                  "1.23E+3": "", "1.2E+11": ""},
    "billing_npi": {"1.33020E+09": ""},
    "diagnosis_1": {"F43.1O": "F43.10", "FO1.50": "F01.50", "f41.I": "F41.1"},
    "ndc_code": {"0409488710": "", "409488710": ""},
    "charge_amount": {"1.23E+05": ""},
    "patient_dob": {"5/16/85": "1985-05-16", "4-May-26": "2026-05-04", "15000": "1941-01-24",
                    "50000": "2036-11-21"},
    "service_date_from": {"15000": "1941-01-24"},
}  # fmt: skip


@pytest.fixture(scope="module")
def knowledge() -> Knowledge:
    return knowledge_of({}, AS_OF)


def repair(column: str, texts: list[str], knowledge: Knowledge, **beside: str) -> Repaired:
    names = [column, *beside]
    layout = Layout({name: f"c{n}" for n, name in enumerate(names)})
    rows = pl.DataFrame({"row_number": range(2, 2 + len(texts)), "c0": texts}, strict=False).with_columns(
        *[pl.lit(text).alias(f"c{n}") for n, text in enumerate(beside.values(), start=1)],
        pl.col("row_number").cast(pl.Int64),
    )
    return Repairer(layout, knowledge, survey([rows], layout)).repair(rows)


@pytest.mark.parametrize("column", CHANGED)
def test_what_is_repaired(column: str, knowledge: Knowledge) -> None:
    cases = CHANGED[column]
    done = repair(column, list(cases), knowledge)
    assert dict(zip(cases, done.rows["c0"], strict=True)) == cases
    assert done.tally.cells == len(cases)
    assert not done.tally.proposals


@pytest.mark.parametrize("column", LEFT)
def test_what_is_left_alone(column: str, knowledge: Knowledge) -> None:
    done = repair(column, LEFT[column], knowledge)
    assert done.rows["c0"].to_list() == LEFT[column]
    assert done.report.is_empty()


@pytest.mark.parametrize("column", PROPOSED)
def test_what_is_only_proposed(column: str, knowledge: Knowledge) -> None:
    cases = PROPOSED[column]
    proof = [PROOF] if column in ("service_date_from", "patient_dob") else []
    done = repair(column, [*cases, *proof], knowledge)
    report = done.report.filter(pl.col("applied") == "no")
    assert report["row_number"].to_list() == list(range(2, 2 + len(cases)))
    column_of = BY_NAME[column]
    if column_of.phi != "identifier":
        assert report["after"].to_list() == [mask_value(column_of, after) for after in cases.values()]
    # What only its form changes (f41.I) is upper case by then.
    assert [text.upper() for text in done.rows["c0"]][: len(cases)] == [text.upper() for text in cases]
    assert sum(done.tally.proposals.values()) == len(cases)


def test_every_repair_has_examples_and_a_title(knowledge: Knowledge) -> None:
    names = set()
    for cases in (CHANGED, PROPOSED):
        for column, texts in cases.items():
            tally = repair(column, list(texts), knowledge).tally
            names |= tally.repairs.keys() | tally.proposals.keys()
    names |= repair("member_id", ["1EG4-TE5-MK73"], knowledge, claim_filing_code="MB").tally.repairs.keys()
    names |= repair("service_date_from", ["5/4/2026"], knowledge).tally.proposals.keys()
    offered = {each.name for column in EVERYWHERE for each in repairs_for(column, knowledge, DateEvidence())}
    assert names == offered == set(TITLES)


def test_sure_repairs_come_before_proposals(knowledge: Knowledge) -> None:
    for column in EVERYWHERE:
        order = [each.sure for each in repairs_for(column, knowledge)]
        assert order == sorted(order, reverse=True)


def test_no_clinical_or_financial_column_has_more_than_its_form_repaired() -> None:
    """A column that somebody adds to claimsctl.claim gets spaces and capitals, nothing else by accident."""
    allowed = {"invisible_characters", "stray_spaces", "spreadsheet_text", "point_zero", "capital_letters"}
    special = {
        "diagnosis": {"diagnosis_form", "diagnosis_letter"}, "procedure_code": {"procedure_form"},
    }  # fmt: skip
    for column in COLUMNS:
        if column.name.startswith(("diagnosis_", "procedure_code", "modifier_")):
            more = special.get(column.name.rstrip("_0123456789"), special.get(column.name, set()))
            assert {each.name for each in repairs_for(column.name, Knowledge())} <= allowed | more
        if column.name in ("units", "minutes", "ndc_quantity"):
            found = {each.name for each in repairs_for(column.name, Knowledge())}
            assert found == {"invisible_characters", "stray_spaces"}


@pytest.mark.parametrize(
    ("before", "beside", "after"),
    [
        ("1609", {"patient_state": "MA"}, "01609"),
        ("1609", {"patient_state": " ma "}, "01609"),
        ("1609", {"patient_state": ""}, "01609"),
        ("1609", {"patient_state": "MA", "patient_country": "USA"}, "01609"),
        ("1609", {"patient_state": "CA"}, None),
        ("1609", {"patient_state": "Massachusetts"}, None),
        ("601", {"patient_state": "PR"}, "00601"),
        ("601-1234", {"patient_state": "PR"}, "00601-1234"),
    ],
)
def test_zip_codes_are_compared_with_the_state(
    before: str, beside: dict[str, str], after: str | None, knowledge: Knowledge
) -> None:
    done = repair("patient_zip", [before], knowledge, **beside)
    assert done.rows["c0"][0] == (after or before)
    assert done.tally.proposals == ({} if after else {"zip_zero": 1})


@pytest.mark.parametrize(
    ("before", "beside"),
    [
        ("1609", {"patient_country": "DK"}),  # four digits are a whole postal code there
        ("601", {"patient_state": "CA"}),
        ("0412", {"patient_state": "ME"}),  # there is no ZIP 004..
    ],
)
def test_numbers_that_are_no_zip_codes(before: str, beside: dict[str, str], knowledge: Knowledge) -> None:
    done = repair("patient_zip", [before], knowledge, **beside)
    assert done.rows["c0"][0] == before
    assert not done.tally.proposals


def test_a_constant_stands_in_for_a_blank_state(knowledge: Knowledge) -> None:
    layout = Layout({"patient_zip": "c0"}, {"patient_state": "CA"})
    rows = pl.DataFrame({"row_number": [2], "c0": ["1609"]})
    assert Repairer(layout, knowledge, {}).repair(rows).rows["c0"][0] == "1609"


@pytest.mark.parametrize(
    ("filing", "after"), [("MB", "1EG4TE5MK73"), ("ma", "1EG4TE5MK73"), ("CI", None), ("", None)]
)
def test_medicare_numbers_of_medicare_claims(filing: str, after: str | None, knowledge: Knowledge) -> None:
    done = repair("member_id", ["1EG4-TE5-MK73"], knowledge, claim_filing_code=filing)
    assert done.rows["c0"][0] == (after or "1EG4-TE5-MK73")
    assert done.tally.proposals.total() == (filing == "")


def test_dates_need_proof_of_their_order(knowledge: Knowledge) -> None:
    unproven = repair("service_date_from", ["5/4/2026", "5/5/2026", "2026/5/4"], knowledge)
    assert unproven.rows["c0"].to_list() == ["5/4/2026", "2026-05-05", "2026-05-04"]
    assert unproven.tally.proposals == {"date_order": 1}
    proven = repair("service_date_from", ["5/4/2026", PROOF], knowledge)
    assert proven.rows["c0"].to_list() == ["2026-05-04", "2026-05-16"]
    mixed = repair("service_date_from", ["5/4/2026", PROOF, DAY_FIRST, "4-May-2026"], knowledge)
    assert mixed.rows["c0"].to_list() == ["5/4/2026", PROOF, DAY_FIRST, "2026-05-04"]
    assert mixed.tally.proposals == {"date_order": 2}
    assert "day first" in mixed.report.filter(pl.col("applied") == "no")["why"][0]


def test_years_of_two_digits_are_near(knowledge: Knowledge) -> None:
    done = repair("service_date_from", [PROOF, "5/4/26", "5/4/27", "5/4/28", "5/4/99"], knowledge)
    assert done.rows["c0"].to_list()[1:] == ["2026-05-04", "2027-05-04", "5/4/28", "5/4/99"]
    assert done.tally.proposals == {"date_year": 1}, "2099 is a filler, not a date"


def test_serials_beside_dates_of_six_digits_may_be_dates_as_well(knowledge: Knowledge) -> None:
    done = repair("service_date_from", ["50426", "120126"], knowledge)
    assert done.rows["c0"].to_list() == ["50426", "120126"]
    assert done.tally.proposals == {"date_serial": 1}


def test_payers_of_the_settings_are_known() -> None:
    known = knowledge_of({"00777": {"name": "Northstar", "type": "commercial", "aliases": ["42"]},
                          "00042": {"name": "Other", "type": "commercial"}}, AS_OF)  # fmt: skip
    done = repair("payer_id", ["777", "42"], known)
    assert done.rows["c0"].to_list() == ["00777", "42"], "42 is another name of a payer"


def test_the_report_masks_identifiers(knowledge: Knowledge) -> None:
    layout = Layout({"claim_number": "c0", "patient_ssn": "c1", "line_note": "c2"}, {}, {"patient": "c3"})
    cells = {"c0": ["A1 "], "c1": ["745382916"], "c2": [" fears 745-38-2916"], "c3": ["Quillfeather,  Z"]}
    done = Repairer(layout, knowledge, {}).repair(pl.DataFrame({"row_number": [2], **cells}))
    assert done.report["field"].to_list() == ["claim_number", "patient_ssn", "line_note", "patient_name"]
    assert done.report["before"].to_list() == [
        "A1 ",
        "***-**-2916",
        "\u2039masked\u203a",
        "\u2039masked\u203a",
    ]
    assert set(done.report["claim_number"]) == {"A1"}


def test_cells_of_untouched_rows_stay(knowledge: Knowledge) -> None:
    layout = Layout({"modifier_1": "c0"})
    rows = pl.DataFrame({"row_number": [2, 3, 4], "c0": ["gt", "gt", None]})
    done = Repairer(layout, knowledge, {}).repair(rows, untouched=pl.Series([False, True, False]))
    assert done.rows["c0"].to_list() == ["GT", "gt", None]
    assert done.tally.repairs == {"capital_letters": 1}
    assert done.tally.cells == 1
