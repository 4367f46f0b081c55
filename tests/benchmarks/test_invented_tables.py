"""Invented tables of the bench: as many rows as published, read by the loaders of the published formats."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import polars as pl
import pytest

from benchmarks import tables
from claimsctl.reference.editions import EditionStore
from claimsctl.reference.loading import load_file
from claimsctl.reference.releases import Wanted

PAIRS = 4_000
WANTED = Wanted(valid_from=date(2026, 1, 1), valid_to=date(2026, 6, 30))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("tables")
    tables.write(made, pairs=PAIRS)
    return made


@pytest.mark.parametrize(
    ("file", "table", "rows"),
    [
        (tables.PTP_FILE, "ncci_ptp", PAIRS),
        (tables.MUE_FILE, "mue", tables.UNITS),
        (tables.MPFS_FILE, "mpfs", tables.VALUES),
        (tables.HCPCS_FILE, "hcpcs", tables.HCPCS),
        (tables.ZIP_FILE, "zip_locality", tables.ZIPS),
    ],
)
def test_reads_as_the_published_file_does(
    folder: Path, tmp_path: Path, file: str, table: str, rows: int
) -> None:
    store = EditionStore(tmp_path / "store")
    (loaded,) = load_file(folder / file, store, tmp_path, wanted=WANTED, accept_smaller=True)
    assert (loaded.release.table, loaded.release.frame.height) == (table, rows)


def test_diagnosis_edits_have_ages_sexes_and_principal_edits(folder: Path, tmp_path: Path) -> None:
    assert len((folder / tables.EDITS_FILE).read_text().splitlines()) == tables.EDITS + 1
    (loaded,) = load_file(folder / tables.EDITS_FILE, EditionStore(tmp_path / "store"), tmp_path)
    frame = loaded.release.frame
    for name in ("newborn", "pediatric", "maternity", "adult", "manifestation", "unacceptable_principal"):
        assert frame[name].sum() > 1_000, name
    assert set(frame["sex"].drop_nulls()) == {"F", "M"}


def test_pairs_are_different_and_of_two_codes(folder: Path) -> None:
    pairs = pl.read_csv(folder / tables.PTP_FILE, infer_schema=False)
    assert pairs.select("column1", "column2").is_duplicated().sum() == 0
    assert pairs.filter(pl.col("column1") == pl.col("column2")).is_empty()
    assert set(pairs["modifier_indicator"]) == {"0", "1", "9"}


def test_codes_of_the_generated_claims_are_in_every_table(folder: Path) -> None:
    billed = tables.visits.book().line_text["procedure_code"].unique()
    assert set(billed) <= set(tables.procedure_codes(tables.UNITS))
    level_two = {code for code in billed if code[0].isalpha()}
    assert level_two
    assert level_two <= set((folder / tables.HCPCS_FILE).read_text().split())


def test_the_same_seed_gives_the_same_bytes(folder: Path, tmp_path: Path) -> None:
    for path in tables.write(tmp_path / "again", pairs=PAIRS):
        assert path.read_bytes() == (folder / path.name).read_bytes(), path.name
