"""Pairs of codes in the notes of the ICD-10-CM tabular list."""

from __future__ import annotations

from xml.etree import ElementTree

import pytest

from claimsctl.reference import Tables
from claimsctl.reference.icd10cmnotes import note_pairs
from claimsctl.reference.views import table_view

CODES = sorted(
    "A00 A000 A001 A01 A02 A020 B20 C00 C001 C01 C4A C4A0 C50 D49 D63 D630 D631 E11 E1122 I50 N181 N183 N1830"
    " N186 Z85 Z853".split()
)


def pairs(inside: str) -> list[tuple[str, ...]]:
    text = f"""<ICD10CM.tabular><chapter><desc>One (A00-B20)</desc>{inside}</chapter></ICD10CM.tabular>"""
    return note_pairs(ElementTree.fromstring(text), CODES).rows()


def at(name: str, notes: str) -> str:
    return f'<section id="A00-A02"><diag><name>{name}</name>{notes}</diag></section>'


def noted(tag: str, *notes: str) -> str:
    return f"<{tag}>{''.join(f'<note>{note}</note>' for note in notes)}</{tag}>"


def test_codes_and_ranges_of_a_note() -> None:
    notes = noted("excludes1", "cholera (A00.-, A01)", "lips (C00-C4A), such as", "no code", "kind (B20)")
    assert pairs(at("D63.0", notes)) == [
        ("excludes1", "D630", code) for code in ("A00", "A01", "C00", "C01", "C4A", "B20")
    ]


def test_a_range_is_of_the_length_of_its_ends() -> None:
    notes = noted("useAdditionalCode", "code to identify stage of chronic kidney disease (N18.1-N18.6)")
    assert pairs(at("E11.22", notes)) == [
        ("use_additional", "E1122", code) for code in ("N181", "N183", "N186")
    ]
    # A category without codes below it stands in a range of longer codes by itself.
    assert pairs(at("B20", noted("excludes1", "x (A00.0-A02.0)"))) == [
        ("excludes1", "B20", code) for code in ("A000", "A001", "A01", "A020")
    ]


def test_notes_of_blocks_and_chapters_stand_at_their_categories() -> None:
    block = f'<section id="A00-A02">{noted("excludes1", "carrier (Z85)")}</section>'
    assert pairs(block) == [("excludes1", code, "Z85") for code in ("A00", "A01", "A02")]
    chapter = pairs(noted("excludes1", "heart failure (I50)"))
    assert chapter == [("excludes1", code, "I50") for code in ("A00", "A01", "A02", "B20")]


@pytest.mark.parametrize(
    "notes",
    [
        ["underlying disease, such as:", "cholera (A00)"],
        ["heart failure complicating abortion (A00)", "heart failure (I50)"],
        [", if applicable, cholera (A00)"],
        ["any disease (B20)"],
        ["associated AIDS (B20)"],
        ["poisoning (A00-A02 with fifth or sixth character 1-4)"],
        ["underlying disease"],
    ],
)
def test_notes_that_leave_something_open_are_left_out(notes: list[str]) -> None:
    assert pairs(at("D63.1", noted("codeFirst", *notes))) == []


def test_sequence_and_history() -> None:
    assert pairs(at("D63.0", noted("codeFirst", "neoplasm (C00-D49)"))) == [
        ("code_first", "D630", code) for code in ("C00", "C01", "C4A", "C50", "D49")
    ]
    term = "<inclusionTerm><note>Conditions classifiable to C50</note></inclusionTerm>"
    assert pairs(at("Z85.3", term)) == [("history", "Z853", "C50")]
    assert pairs(at("D63.1", term)) == []


def test_further_codes_only_where_they_are_known() -> None:
    agent = noted("useAdditionalCode", "code (B20) to identify infectious agent")
    assert pairs(at("D63.1", agent)) == []
    assert pairs(at("D63.1", noted("excludes1", "x (A00 with fifth character 1)"))) == []


@pytest.mark.parametrize(
    ("table", "pair"),
    [
        ("icd10cm_excludes1", ("F32", "F33")),
        ("icd10cm_excludes1", ("I10", "O10")),
        ("icd10cm_code_first", ("D631", "N18")),
        ("icd10cm_code_first", ("J1282", "U071")),
        ("icd10cm_use_additional", ("E1122", "N184")),
        ("neoplasm_history_map", ("Z853", "C50")),
    ],
)
def test_the_installed_release(table: str, pair: tuple[str, str]) -> None:
    found = Tables.shipped()[table]
    assert pair in found.frame.rows()
    assert found.frame.is_unique().all()
    assert table_view(found).beginnings == set(found.frame.columns)
    assert found.starts is not None


def test_heart_failure_needs_no_underlying_code() -> None:
    """Its code-first note lists what may underlie it; most heart failure has none of that."""
    assert "I50" not in Tables.shipped()["icd10cm_code_first"].frame["code"]


def test_an_agent_that_may_be_a_drug_is_not_asked_first() -> None:
    first = noted("codeFirst", "(A00-A02) to identify toxic agent")
    drug = noted("useAdditionalCode", "code for adverse effect, if applicable, to identify drug (B20)")
    assert [pair[2] for pair in pairs(at("D63.1", first))] == ["A00", "A01", "A02"]
    assert pairs(at("D63.1", first + drug)) == []
