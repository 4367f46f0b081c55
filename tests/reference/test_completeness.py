"""A file with far fewer rows than its table has is refused, unless the user says that it is right."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import polars as pl
import pytest

from claimsctl.errors import InputError
from claimsctl.reference.completeness import refuse_smaller
from claimsctl.reference.editions import EditionStore, Origin
from claimsctl.reference.formats.icd10 import FORMATS
from claimsctl.reference.loading import load_file
from claimsctl.reference.releases import Opened, Release, Wanted
from tests.publisher import MUE_CSV, mue_zip


def release(rows: int, start: date, name: str, usual: int | None, part: bool = False) -> Release:
    frame = pl.DataFrame({"code": [f"{n:05d}" for n in range(rows)]})
    return Release("mue", name, start, None, "CMS", "", frame, part=part, usual=usual)


@pytest.fixture
def store(tmp_path: Path) -> EditionStore:
    return EditionStore(tmp_path / "reference")


def add(store: EditionStore, given: Release) -> None:
    store.add(given, Origin(f"{given.edition}.csv", given.edition, 1))


@pytest.mark.parametrize(("rows", "refused"), [(89, True), (90, False), (200, False)])
def test_beside_what_is_usual(store: EditionStore, rows: int, refused: bool) -> None:
    given = release(rows, date(2026, 4, 1), "2026Q2", 100)
    if not refused:
        refuse_smaller(given, store, "mue.csv")
        return
    with pytest.raises(InputError, match=r"mue.csv: .*at least 90 rows .*100 that are usual.*, found 89"):
        refuse_smaller(given, store, "mue.csv")


def test_beside_the_newest_edition_before_it(store: EditionStore) -> None:
    for rows, start in ((10, date(2025, 1, 1)), (100, date(2026, 1, 1)), (1_000, date(2027, 1, 1))):
        add(store, release(rows, start, f"E{start.year}", None))
    refuse_smaller(release(90, date(2026, 4, 1), "new", 5_000), store, "mue.csv")
    with pytest.raises(InputError, match="90 % of the 100 in edition E2026"):
        refuse_smaller(release(89, date(2026, 4, 1), "new", 0), store, "mue.csv")


def test_a_part_is_compared_with_the_same_part(store: EditionStore) -> None:
    add(store, release(100, date(2026, 1, 1), "2026Q1-f1", 0, part=True))
    add(store, release(20, date(2026, 1, 1), "2026Q1-f2", 0, part=True))
    refuse_smaller(release(20, date(2026, 4, 1), "2026Q2-f2", 0, part=True), store, "f2.txt")
    with pytest.raises(InputError, match="2026Q1-f1"):
        refuse_smaller(release(20, date(2026, 4, 1), "2026Q2-f1", 0, part=True), store, "f1.txt")


def test_a_table_of_any_size(store: EditionStore) -> None:
    add(store, release(100, date(2026, 1, 1), "2026Q1", None))
    refuse_smaller(release(1, date(2026, 4, 1), "2026Q2", None), store, "fees.csv")


def test_half_a_file_loads_only_if_it_is_said_to_be_right(tmp_path: Path, store: EditionStore) -> None:
    path = tmp_path / "mue.zip"
    path.write_bytes(mue_zip(codes=7_000))
    with pytest.raises(InputError, match=f"{MUE_CSV}: mue 2026Q2: expected at least 13,500") as refused:
        load_file(path, store, tmp_path)
    assert refused.value.hint is not None
    assert "--accept-smaller" in refused.value.hint
    assert store.tables() == []
    (loaded,) = load_file(path, store, tmp_path, accept_smaller=True)
    assert loaded.edition is not None
    assert loaded.edition.rows == 7_000


def test_a_list_of_diagnoses_that_ends_within_a_line(tmp_path: Path) -> None:
    path = tmp_path / "icd10cm_codes_2026.txt"
    path.write_text("A000    Cholera due to Vibrio cholerae 01\nA001    Cholera, other\nA00")
    codes = next(form for form in FORMATS if form.name == "icd10cm_codes")
    with pytest.raises(InputError, match="found a last line that is cut off"):
        codes.read(Opened.of(path), Wanted())
