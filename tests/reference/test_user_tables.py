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
from claimsctl.reference.releases import UnknownRelease
from claimsctl.reference.samples import sample_frames

ENTRIES = tomllib.loads((data_path("reference_data") / "user_tables.toml").read_text())
CELLS = {
    "text": "X1", "integer": "3", "boolean": "yes", "date": "2026-01-31", "amount": "1.5",
    "npi": "1234567893", "code": "99213",
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
        for table in rule.get("needs", [])
    }
    assert ENTRIES.keys() - PRICING <= needed
