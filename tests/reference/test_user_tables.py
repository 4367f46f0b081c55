"""Lists that users bring: each loads from the CSV its entry describes, and holds what the rules look up."""

from __future__ import annotations

import tomllib
from pathlib import Path

import polars as pl
import pytest

from claimsctl.reference.editions import EditionStore
from claimsctl.reference.loading import load_file
from claimsctl.reference.locate import data_path
from claimsctl.reference.names import DECLARED
from claimsctl.reference.ownlists import beginnings
from claimsctl.reference.releases import UnknownRelease
from claimsctl.reference.samples import sample_frames

ENTRIES = tomllib.loads((data_path("reference_data") / "user_tables.toml").read_text())
CELLS = {
    "text": "X1", "integer": "3", "boolean": "yes", "date": "2026-01-31", "amount": "1.5",
    "npi": "1234567893", "code": "99213", "codes": "99213", "diagnosis": "E11", "revenue": "0450",
    "bill": "013", "tax_id": "123456789", "modifier": "25", "place": "11", "taxonomy": "207Q00000X",
}  # fmt: skip


def written(path: Path, name: str, rows: int = 1) -> Path:
    columns = ENTRIES[name]["columns"]
    line = ",".join(CELLS[kind] for kind in columns.values())
    path.write_text(f"# claimsctl table: {name}\n{','.join(columns)}\n" + f"{line}\n" * rows)
    return path


@pytest.mark.parametrize("name", ENTRIES)
def test_each_list_loads_as_its_entry_says(name: str, tmp_path: Path) -> None:
    store = EditionStore(tmp_path / "reference")
    (loaded,) = load_file(written(tmp_path / "own.csv", name), store, tmp_path)
    assert loaded.edition is not None
    assert loaded.release.table == name
    frame = store.read(loaded.edition)
    assert frame.columns == list(ENTRIES[name]["columns"])
    assert frame.null_count().sum_horizontal().item() == 0
    assert name in DECLARED


@pytest.mark.parametrize("name", sorted(ENTRIES.keys() & sample_frames().keys()))
def test_examples_use_the_columns_of_the_list(name: str, tmp_path: Path) -> None:
    store = EditionStore(tmp_path / "reference")
    (loaded,) = load_file(written(tmp_path / "own.csv", name), store, tmp_path)
    sample = sample_frames()[name]
    assert set(sample.columns) <= set(loaded.release.frame.columns)
    for column, kind in sample.schema.items():
        found = loaded.release.frame.schema[column]
        assert found == kind or (found.is_decimal() and kind == pl.Int64), column


def test_a_key_twice_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UnknownRelease, match="stands above already"):
        load_file(written(tmp_path / "own.csv", "asc_list", rows=2), EditionStore(tmp_path / "r"), tmp_path)


PRICING = {"anesthesia_base", "conversion_factors"}


def test_every_list_is_looked_up_by_a_rule_or_by_pricing() -> None:
    needed = {
        table
        for path in sorted(data_path("rules").glob("*.toml"))
        for rule in tomllib.loads(path.read_text()).get("rule", [])
        for table in (*rule.get("needs", []), *rule.get("uses", []))
    }
    assert ENTRIES.keys() - PRICING <= needed


def loaded(path: Path, text: str) -> pl.DataFrame:
    path.write_text(text)
    (found,) = load_file(path, EditionStore(path.parent / "reference"), path.parent)
    return found.release.frame


def test_ranges_are_a_row_per_code(tmp_path: Path) -> None:
    text = (
        "# claimsctl table: modifier_code_ranges\nmodifier,code\nE1,67800-67803\nE1,0001u - 0002U\nFA,26010\n"
    )
    frame = loaded(tmp_path / "own.csv", text)
    assert frame.select("modifier", "code").rows() == [
        *(("E1", code) for code in ("67800", "67801", "67802", "67803", "0001U", "0002U")), ("FA", "26010"),
    ]  # fmt: skip


def test_diagnoses_and_their_beginnings(tmp_path: Path) -> None:
    text = "# claimsctl table: symptom_map\nsymptom,diagnosis\nr05.9,J18\nR51,g43.1\nR07,C48-C50\nR1,\n"
    pairs = loaded(tmp_path / "own.csv", text).rows()
    assert pairs[:2] == [("R059", "J18"), ("R51", "G431")]
    assert ("R07", "C4A") in pairs
    assert {code for symptom, code in pairs if symptom == "R07"} == {
        *(f"C{n}" for n in (48, 49, 50)), *(f"C4{c}" for c in "ABCDEFGHIJKLMNOPQRSTUVWXYZ"),
    }  # fmt: skip
    assert pairs[-1] == ("R1", None)


def test_revenue_codes_bill_types_and_tax_ids_get_their_form(tmp_path: Path) -> None:
    text = "# claimsctl table: revenue_bill_types\nrevenue_code,bill_type\n450,13X\n0300-0302,0131\n"
    assert loaded(tmp_path / "own.csv", text).rows() == [
        ("0450", "013"), ("0300", "0131"), ("0301", "0131"), ("0302", "0131"),
    ]  # fmt: skip
    text = "# claimsctl table: practices\nbilling_npi,tax_id\n1234567893,12-3456789\n1679576722,23456789\n"
    assert loaded(tmp_path / "two.csv", text)["tax_id"].to_list() == ["123456789", "023456789"]


def test_a_key_of_two_columns_may_come_once(tmp_path: Path) -> None:
    head = "# claimsctl table: enrolments\nbilling_npi,payer_id\n1234567893,A\n"
    assert loaded(tmp_path / "own.csv", head + "1234567893,B\n").height == 2
    with pytest.raises(UnknownRelease, match="row 4, billing_npi: stands above already"):
        loaded(tmp_path / "two.csv", head + "1234567893,A\n")


@pytest.mark.parametrize(
    ("table", "columns", "cell", "words"),
    [
        (
            "modifier_code_ranges",
            "modifier,code",
            "E1,67803-67800",
            "row 3, code: give a procedure code, or a range",
        ),
        (
            "modifier_code_ranges",
            "modifier,code",
            "E1,0001U-0002T",
            "row 3, code: give a procedure code, or a range",
        ),
        ("modifier_code_ranges", "modifier,code", "E1,67800-G0001", "row 3, code: give"),
        (
            "symptom_map",
            "symptom,diagnosis",
            "R05,E13-E08",
            "row 3, diagnosis: give a diagnosis, the beginning",
        ),
        (
            "symptom_map",
            "symptom,diagnosis",
            "R05,cough",
            "row 3, diagnosis: give a diagnosis, the beginning",
        ),
        ("revenue_hcpcs", "revenue_code", "045A", "row 3, revenue_code: give a revenue code of four digits"),
        ("revenue_bill_types", "revenue_code,bill_type", "0450,1315", "row 3, bill_type: give a bill type"),
        ("practices", "billing_npi,tax_id", "1234567893,12", "row 3, tax_id: give nine digits"),
    ],
)
def test_wrong_cells(table: str, columns: str, cell: str, words: str, tmp_path: Path) -> None:
    with pytest.raises(UnknownRelease) as caught:
        loaded(tmp_path / "own.csv", f"# claimsctl table: {table}\n{columns}\n{cell}\n")
    assert words in str(caught.value)
    assert "nothing was loaded" in str(caught.value.hint)


def test_too_many_codes_are_refused(tmp_path: Path) -> None:
    rows = "".join(f"E{n},00100-99999\nF{n},00100-99999\n" for n in range(6))
    with pytest.raises(
        UnknownRelease, match="the ranges of code make 1,198,800 rows; 1,000,000 is the limit"
    ):
        loaded(tmp_path / "own.csv", f"# claimsctl table: modifier_code_ranges\nmodifier,code\n{rows}")


def test_looked_up_columns_with_beginnings_are_known_to_rules() -> None:
    assert beginnings("symptom_map") == {"symptom", "diagnosis"}
    assert beginnings("revenue_bill_types") == {"bill_type"}
    assert beginnings("payers") == beginnings("practices") == frozenset()
