"""Facts of single rows, read from raw cells."""

from __future__ import annotations

from datetime import date

import polars as pl
import pytest

from claimsctl.facts.payers import PayerIndex
from claimsctl.facts.pointers import split_pointers
from claimsctl.facts.table import FACTS, Context, fact_frame
from claimsctl.facts.typed import VERBATIM, Layout, clean_cells, typed_frame, verbatim_cells

REGISTRY = [
    {"payer_id": "87726", "name": "UnitedHealthcare", "aliases": "UHC;United", "type": "commercial"},
    {"payer_id": "00590", "name": "Florida Blue", "aliases": "BCBSFL", "type": "blue"},
    {"payer_id": "01112", "name": "Noridian", "aliases": "MEDICARE", "type": "medicare"},
]
CONTEXT = Context(date(2026, 6, 30), payers=PayerIndex.of(REGISTRY))


def facts(names: list[str], *rows: dict[str, str | None]) -> pl.DataFrame:
    columns = list(dict.fromkeys(key for row in rows for key in row))
    raw = pl.DataFrame(
        {f"c{n}": [row.get(name) for row in rows] for n, name in enumerate(columns)},
        schema={f"c{n}": pl.String for n in range(len(columns))},
    ).with_columns(row_index=pl.int_range(len(rows), dtype=pl.UInt32))
    layout = Layout({name: f"c{n}" for n, name in enumerate(columns)})
    return fact_frame(clean_cells(raw), layout, names, CONTEXT)


@pytest.mark.parametrize(
    ("born", "served", "age"),
    [
        ("2000-06-15", "2026-06-14", 25), ("2000-06-15", "2026-06-15", 26), ("2004-02-29", "2026-02-28", 21),
        ("2004-02-29", "2026-03-01", 22), ("2026-06-15", "2026-06-14", -1), ("2026-06-15", "2026-06-15", 0),
        ("2008-11-08", "2026-01-08", 17),
        ("", "2026-06-14", None),
    ],
)  # fmt: skip
def test_age_in_completed_years(born: str, served: str, age: int | None) -> None:
    frame = facts(["patient_age"], {"patient_dob": born, "service_date_from": served})
    assert frame["patient_age"].to_list() == [age]


@pytest.mark.parametrize(
    ("payer_id", "name", "key"),
    [
        ("87726", None, "87726"), ("uhc", None, "87726"), ("590", None, "00590"), ("00590", None, "00590"),
        ("", "united healthcare", "87726"), ("", "Nobody", None), ("99999", "UnitedHealthcare", None),
    ],
)  # fmt: skip
def test_payer_is_found_by_id_alias_or_name(payer_id: str, name: str | None, key: str | None) -> None:
    frame = facts(["payer_key", "is_medicare"], {"payer_id": payer_id, "payer_name": name})
    assert frame["payer_key"].to_list() == [key]


def test_medicare_by_filing_code_or_payer() -> None:
    frame = facts(
        ["is_medicare"],
        {"claim_filing_code": "MB", "payer_id": "1"},
        {"claim_filing_code": None, "payer_id": "MEDICARE"},
        {"claim_filing_code": "CI", "payer_id": "87726"},
        {"claim_filing_code": None, "payer_id": None},
    )
    assert frame["is_medicare"].to_list() == [True, True, False, False]


@pytest.mark.parametrize(
    ("text", "filled", "slots"),
    [
        ("A", 1, [1]), ("AB", 3, [1, 2]), ("1,2", 3, [1, 2]), ("12", 3, [1, 2]), ("12", 1 << 11, [12]),
        ("A:B/C", 7, [1, 2, 3]), ("10 2", 2, [10, 2]), ("L", 0, [12]), ("M", 0, [None]), ("0", 0, [None]),
        ("1-4", 15, [1, 4]), ("aB", 3, [1, 2]), ("13", 0b101, [1, 3]), ("?", 1, [None]),
    ],
)  # fmt: skip
def test_pointers_split(text: str, filled: int, slots: list[int | None]) -> None:
    assert split_pointers(text, filled) == slots


def test_pointed_diagnoses() -> None:
    frame = facts(
        ["pointed_diagnosis_1", "pointed_diagnosis_2", "pointer_problem", "pointer_count"],
        {"diagnosis_1": "F41.1", "diagnosis_2": "Z00", "diagnosis_pointers": "BA"},
        {"diagnosis_1": "F41.1", "diagnosis_2": None, "diagnosis_pointers": "B"},
        {"diagnosis_1": "F41.1", "diagnosis_2": None, "diagnosis_pointers": None},
        {"diagnosis_1": "F41.1", "diagnosis_2": "Z00", "diagnosis_pointers": None},
    )
    assert frame["pointed_diagnosis_1"].to_list() == ["Z00", None, "F411", None]
    assert frame["pointed_diagnosis_2"].to_list() == ["F411", None, None, None]
    assert frame["pointer_problem"].to_list() == [False, True, None, None]
    assert frame["pointer_count"].to_list() == [2, 1, None, None]


def test_claim_identity() -> None:
    frame = facts(
        ["claim_id"],
        {"claim_number": "A1", "payer_sequence": None},
        {"claim_number": " A1 ", "payer_sequence": "primary"},
        {"claim_number": "A1", "payer_sequence": "S"},
        {"claim_number": None},
        {"claim_number": ""},
    )
    first, second, third, fourth, fifth = frame["claim_id"].to_list()
    assert first == second
    assert len({first, third, fourth, fifth}) == 4


def test_same_patient_needs_payer_and_member() -> None:
    frame = facts(
        ["same_patient"],
        {"payer_id": "UHC", "member_id": "a-1"},
        {"payer_id": "87726", "member_id": "A1"},
        {"payer_id": "87726", "member_id": None},
    )
    first, second, third = frame["same_patient"].to_list()
    assert first == second
    assert third is None


def test_full_names_are_split() -> None:
    rows = pl.DataFrame({"c0": ["Doe, Jane Q", "John Roe", " Cher ", ",", None]})
    layout = Layout({}, full_names={"patient": "c0"})
    frame = typed_frame(
        clean_cells(rows), layout, ["patient_last_name", "patient_first_name"], run_date=date(2026, 1, 1)
    )
    assert frame.rows() == [("Doe", "Jane Q"), ("Roe", "John"), ("Cher", None), (None, None), (None, None)]


@pytest.mark.parametrize(
    ("name", "last", "first", "suffix"),
    [
        ("Mary Ann Smith Jr.", "Smith", "Mary Ann", "Jr"),
        ("Mary Ann Smith, Jr.", "Smith", "Mary Ann", "Jr"),
        ("Smith Jr., Mary Ann", "Smith", "Mary Ann", "Jr"),
        ("Smith, Jr., Mary Ann", "Smith", "Mary Ann", "Jr"),
        ("Smith, Mary Ann, Jr", "Smith", "Mary Ann", "Jr"),
        ("Smith, Mary Ann Jr.", "Smith", "Mary Ann", "Jr"),
        ("SMITH III, JOHN", "SMITH", "JOHN", "III"),
        ("John Smith iv", "Smith", "John", "iv"),
        ("de la Cruz II, Ana", "de la Cruz", "Ana", "II"),
        ("Smith Sr", "Smith", None, "Sr"),
        ("Smith, Jr.", "Smith", None, "Jr"),
        ("John Q Smith MD", "Smith", "John Q", "MD"),
        ("John Smith, M.D.", "Smith", "John", "MD"),
        ("Smith MD, John", "Smith", "John", "MD"),
        ("Rahman, Md", "Rahman", "Md", None),
        ("Rahman, Abdul Md", "Rahman", "Abdul Md", None),
        ("Md Rahman", "Rahman", "Md", None),
        ("Jr", "Jr", None, None),
        ("Jane Ivy", "Ivy", "Jane", None),
        ("Doe, Jane Q", "Doe", "Jane Q", None),
    ],
)
def test_a_suffix_is_no_last_name(name: str, last: str, first: str | None, suffix: str | None) -> None:
    rows = pl.DataFrame({"c0": [name, "Roe, John", None], "c1": [name, None, "x y"]})
    layout = Layout({}, full_names={"patient": "c0", "subscriber": "c1"})
    parts = ["last_name", "first_name"]
    names = [f"{who}_{part}" for who in ("patient", "subscriber") for part in parts] + ["patient_name_suffix"]
    frame = typed_frame(clean_cells(rows), layout, names, run_date=date(2026, 1, 1))
    assert frame.row(0) == (last, first, last, first, suffix)
    assert frame.row(1) == ("Roe", "John", None, None, None)
    assert frame.row(2) == (None, None, "y", "x", None)


def test_a_suffix_column_goes_before_what_a_full_name_says() -> None:
    rows = pl.DataFrame({"c0": ["Smith Jr, Ann"], "c1": ["III"]})
    layout = Layout({"patient_name_suffix": "c1"}, full_names={"patient": "c0"})
    names = ["patient_last_name", "patient_name_suffix"]
    assert typed_frame(rows, layout, names, run_date=date(2026, 1, 1)).row(0) == ("Smith", "III")


def test_cleaning_keeps_what_it_changed() -> None:
    rows = pl.DataFrame({"row_number": [2, 3, 4], "c0": [" a", "b", ""], "c1": ["x", "y", "\u00a0"]})
    cleaned = clean_cells(rows)
    assert cleaned["c0"].to_list() == ["a", "b", None]
    assert cleaned["c1"].to_list() == ["x", "y", None]
    assert VERBATIM + "c0" in cleaned.columns
    assert verbatim_cells(cleaned, blank="").rows() == rows.rows()


def test_constants_fill_blanks() -> None:
    rows = pl.DataFrame({"c0": ["1", None]})
    layout = Layout({"billing_npi": "c0"}, {"billing_npi": "9", "payer_id": "uhc"})
    frame = typed_frame(rows, layout, ["billing_npi", "payer_id"], run_date=date(2026, 1, 1))
    assert frame.rows() == [("1", "UHC"), ("9", "UHC")]


def test_every_fact_says_what_it_means() -> None:
    for fact in FACTS:
        assert fact.meaning.endswith(".")
        frame = facts(list(fact.names), {"claim_number": "A1"})
        assert set(fact.names) <= set(frame.columns)
