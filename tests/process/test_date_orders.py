"""Which way round the dates of a column are written: told where its values do not prove how they are read."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest

from tests.claims import claim, write_csv
from tests.conftest import Process


@pytest.mark.parametrize(
    ("dates", "code"),
    [
        (("05/04/2026", "05/03/2026"), "DAT-014"),
        (("05/14/2026", "05/04/2026"), None),
        (("13/05/2026", "05/04/2026"), "DAT-014"),
        (("13/05/2026", "05/14/2026"), "FILE-010"),
        (("2026-05-04", "2026-05-03"), None),
    ],
)
@pytest.mark.parametrize("batch_size", [1, 100])
def test_the_order_of_dates(
    run: Process, tmp_path: Path, dates: tuple[str, ...], code: str | None, batch_size: int
) -> None:
    rows = [claim(f"A{n}", service_date_from=day, service_date_to="") for n, day in enumerate(dates)]
    run(write_csv(tmp_path / "claims.csv", rows), out=tmp_path / "out", batch_size=batch_size)
    found = pl.read_parquet(tmp_path / "out" / "errors.parquet").filter(
        pl.col("code").is_in(["DAT-014", "FILE-010"]), pl.col("field") == "service_date_from"
    )
    assert found["code"].to_list() == ([] if code is None else [code])
