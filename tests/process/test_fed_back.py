"""What claimsctl wrote comes back: its own columns are passed over, and made anew."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import polars as pl
import pytest

from claimsctl.claim import PRICE_COLUMNS
from claimsctl.pipeline import Setting, process
from claimsctl.process.house_terms import house_rulebook
from claimsctl.process.request import Request
from claimsctl.settings import Settings
from claimsctl.store.workspace import Workspace
from claimsctl.validate.ruleset import Selection
from tests.claims import claim, write_csv
from tests.conftest import AS_OF


@pytest.mark.parametrize("output_format", ["csv", "parquet"])
def test_an_accepted_file_fed_back(tmp_path: Path, output_format: str) -> None:
    book = house_rulebook(
        Settings(tmp_path / "workspace"), Selection(only=frozenset({"FIN-002"})), (), practice_id="default",
        run_date=AS_OF, locality="01112/05",
    )  # fmt: skip

    def run(path: Path, name: str) -> Any:
        request = Request(
            (str(path),),
            run_date=AS_OF,
            out=tmp_path / name,
            output_format=output_format,  # type: ignore[arg-type]
        )
        return process(request, book, Setting(Workspace.open(tmp_path / f"workspace-{name}")))

    first = run(write_csv(tmp_path / "claims.csv", [claim("A1"), claim("A2")]), "first")
    assert first["mapping"]["own"] == []
    accepted = tmp_path / "first" / f"accepted.{output_format}"
    again = run(accepted, "again")
    assert again["mapping"]["own"] == list(PRICE_COLUMNS)
    assert again["mapping"]["ignored"] == []
    read = {"csv": pl.read_csv, "parquet": pl.read_parquet}[output_format]
    first_lines, lines = read(accepted), read(tmp_path / "again" / f"accepted.{output_format}")
    assert lines["expected_allowed_amount"].null_count() == 0
    assert lines.select(PRICE_COLUMNS).equals(first_lines.select(PRICE_COLUMNS)), "priced anew"
    assert not [name for name in lines.columns if name.startswith("x_")]
