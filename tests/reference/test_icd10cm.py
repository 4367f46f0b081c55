"""ICD-10-CM from the package that carries it: complete, quick the second time, safe to cache."""

from __future__ import annotations

import gzip
import os
import stat
import sys
from datetime import date
from pathlib import Path

import polars as pl
import pytest

from claimsctl.reference import Tables, icd10cm
from claimsctl.reference.diagnoses import SCHEMA
from claimsctl.reference.icd10cmnotes import SCHEMA as NOTES


@pytest.fixture(scope="module")
def codes(tables: Tables) -> pl.DataFrame:
    return tables["icd10cm"].frame


def row(codes: pl.DataFrame, code: str) -> dict[str, object]:
    return codes.row(by_predicate=pl.col("code") == code, named=True)


def test_edition(tables: Tables) -> None:
    edition = tables["icd10cm"].editions[0]
    assert edition.rows == tables["icd10cm"].frame.height
    if edition.name == "2026-04":
        assert (edition.valid_from, edition.valid_to) == (date(2025, 10, 1), date(2026, 9, 30))


def test_complete(codes: pl.DataFrame) -> None:
    assert dict(codes.schema) == SCHEMA
    assert codes["code"].is_unique().all()
    assert codes["billable"].sum() >= 74_000
    assert set(codes["chapter"]) == set(range(1, 23))


def test_billable_codes_are_those_of_the_published_list(codes: pl.DataFrame, shared: Path) -> None:
    path = shared / "data/reference/icd10cm/icd10cm_codes_2026_codesonly.txt.gz"
    with gzip.open(path, "rt") as file:
        assert set(codes.filter("billable")["code"]) == set(file.read().split())


def test_the_package_is_not_imported(tables: Tables) -> None:
    tables["icd10cm"]
    assert "simple_icd_10_cm" not in sys.modules


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("F411", {"billable": True, "category": "F41", "chapter": 5, "side": None}),
        ("F41", {"billable": False, "needs_seventh": False}),
        ("S52001", {"billable": False, "needs_seventh": True, "side": "right"}),
        ("S52001A", {"billable": True, "needs_seventh": False, "side": "right", "chapter": 19}),
        ("S52", {"billable": False, "needs_seventh": False}),
        ("M8008", {"billable": False, "needs_seventh": True}),
        ("H6690", {"sided_sibling": True, "side": None}),
        ("H6692", {"sided_sibling": False, "side": "left"}),
        ("M170", {"side": "bilateral"}),
        ("E083211", {"side": "right"}),
        ("I501", {"side": None, "sided_sibling": False}),
        ("O09211", {"trimester": 1, "chapter": 15}),
        ("O0993", {"trimester": 3}),
        ("O85", {"postpartum": True}),
        ("O80", {"postpartum": False, "trimester": None}),
    ],
)
def test_facts_of_a_code(codes: pl.DataFrame, code: str, expected: dict[str, object]) -> None:
    found = row(codes, code)
    assert {name: found[name] for name in expected} == expected


@pytest.mark.parametrize(
    ("value", "kind", "example"),
    [
        ("S0000", "seventh", "S0000XA"),
        ("S0000X", "seventh", "S0000XA"),
        ("S0000A", "placeholder", "S0000XA"),
        ("O401", "seventh", "O401XX0"),
        ("T360X1", "seventh", "T360X1A"),
    ],
)
def test_incomplete_values(tables: Tables, value: str, kind: str, example: str) -> None:
    assert tables["icd10cm_7th"].frame.row(by_predicate=pl.col("value") == value) == (value, kind, example)


def test_incomplete_values_are_no_codes(tables: Tables, codes: pl.DataFrame) -> None:
    values = tables["icd10cm_7th"].frame
    assert values["value"].is_unique().all()
    billable = codes.filter("billable").select(pl.col("code").alias("value"))
    assert values.join(billable, on="value").is_empty()
    assert "S52" not in values["value"]


def test_cached_file_is_used_private_and_left_alone_when_damaged(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    small = pl.DataFrame({name: [None] for name in SCHEMA}, schema=SCHEMA)
    pairs = pl.DataFrame({name: ["A"] for name in NOTES}, schema=NOTES)
    built = []

    def build(_: icd10cm.Release) -> tuple[pl.DataFrame, pl.DataFrame]:
        built.append(1)
        return small, pairs

    monkeypatch.setattr(icd10cm, "build", build)
    folder = tmp_path / "cache [1]"
    for _ in range(2):
        _, frame = icd10cm.load(folder)
        assert frame.equals(small)
        assert icd10cm.load_notes(folder)[1].equals(pairs)
    assert len(built) == 1
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    path, notes = sorted(folder.iterdir())
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    path.write_bytes(b"not parquet")
    icd10cm.load(folder)
    assert len(built) == 2
    icd10cm.load(folder)
    assert len(built) == 2
    assert sorted(folder.iterdir()) == [path, notes]


def test_works_without_a_cache(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    small = pl.DataFrame({name: [None] for name in SCHEMA}, schema=SCHEMA)
    monkeypatch.setattr(icd10cm, "build", lambda _: (small, small))
    (tmp_path / "file").touch()
    _, frame = icd10cm.load(tmp_path / "file")
    assert frame.equals(small)


def test_a_folder_that_others_can_write_to_is_not_trusted(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    small = pl.DataFrame({name: [None] for name in SCHEMA}, schema=SCHEMA)
    monkeypatch.setattr(icd10cm, "build", lambda _: (small, small))
    os.chmod(tmp_path, 0o777)
    icd10cm.load(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_without_the_package_the_tables_are_not_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(icd10cm, "find_release", lambda: None)
    tables = Tables.shipped()
    assert "icd10cm" not in tables
    assert "icd10cm_7th" not in tables


@pytest.mark.parametrize(
    ("name", "edition", "first"),
    [
        ("code-list-April-2026.txt", "2026-04", date(2025, 10, 1)),
        ("code-list-October-2026.txt", "2026-10", date(2026, 10, 1)),
    ],
)
def test_edition_of_a_release(name: str, edition: str, first: date) -> None:
    release = icd10cm._release("1", Path(name), Path("x.xml"))
    assert release is not None
    assert (release.edition, release.valid_from) == (edition, first)
    assert icd10cm._release("1", Path("codes.txt"), Path("x.xml")) is None
