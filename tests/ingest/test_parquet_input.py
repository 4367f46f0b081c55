from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from claimsctl.errors import InputError
from claimsctl.ingest.sources import open_sources
from claimsctl.ingest.stream import Limits

Read = Callable[..., Any]

MOMENTS = pl.Series(["2026-03-05 00:00:00", "2026-03-05 01:02:03.0004", None]).str.to_datetime("%F %T%.f")


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        (pl.Series(["01", " x ", ""]), ["01", " x ", ""]),
        (pl.Series([7, -1, None]), ["7", "-1", None]),
        (pl.Series([1234567893.0, 0.1, float("nan")]), ["1234567893", "0.1", None]),
        (pl.Series([0.1, 5.0, None], dtype=pl.Float32), ["0.1", "5", None]),
        (pl.Series([Decimal("12.50"), Decimal("-1"), None]), ["12.50", "-1.00", None]),
        (pl.Series([dt.date(2026, 3, 5), None, None]), ["2026-03-05", None, None]),
        (
            MOMENTS,
            ["2026-03-05", "2026-03-05 01:02:03.000400", None],
        ),
        (pl.Series([dt.time(1, 2), dt.time(1, 2, 3, 500_000), None]), ["01:02:00", "01:02:03.500", None]),
        (pl.Series([True, False, None]), ["true", "false", None]),
        (pl.Series(["a", "b", None], dtype=pl.Categorical), ["a", "b", None]),
        (pl.Series([None, None, None]), [None, None, None]),
    ],
)
def test_values_become_text_without_loss(
    tmp_path: Path, values: pl.Series, expected: list[str | None]
) -> None:
    frame = pl.DataFrame({"key": ["k", "k", "k"], "value": values})
    frame.write_parquet(tmp_path / "a.parquet")
    (source,) = open_sources([str(tmp_path / "a.parquet")], spool_dir=tmp_path)
    assert source.header == ("key", "value")
    (part,) = source.parts(10)
    assert part.rows["c1"].to_list() == expected
    assert part.rows["row_number"].to_list() == [1, 2, 3]


def test_batches_cross_row_groups_and_blank_records_are_numbered(tmp_path: Path) -> None:
    frame = pl.DataFrame({"a": [None if i == 4 else str(i) for i in range(1, 12)], "b": [" "] * 11})
    frame.write_parquet(tmp_path / "a[1].parquet", row_group_size=4)
    (source,) = open_sources([str(tmp_path / "a[1].parquet")], spool_dir=tmp_path)
    parts = list(source.parts(3))
    assert [part.rows["row_number"].to_list() for part in parts] == [[1, 2, 3], [5, 6, 7], [8, 9, 10], [11]]
    assert [number for part in parts for number in part.blank_rows] == [4]
    assert parts[-1].bytes_read == source.bytes


@pytest.mark.parametrize("value", [[1], {"x": 1}, b"x"])
def test_columns_that_are_no_text_are_named(tmp_path: Path, value: object) -> None:
    pl.DataFrame({"ok": ["1"], "notes": [value]}).write_parquet(tmp_path / "a.parquet")
    with pytest.raises(InputError, match="column 'notes' holds"):
        open_sources([str(tmp_path / "a.parquet")], spool_dir=tmp_path)


def test_damaged_files_are_refused_without_quoting_them(read: Read, tmp_path: Path) -> None:
    frame = pl.DataFrame({"a": ["secret"] * 50, "b": list(range(50))})
    frame.write_parquet(tmp_path / "whole.parquet")
    data = (tmp_path / "whole.parquet").read_bytes()
    broken = [data[: len(data) // 2], b"PAR1", b"PAR1 text PAR1"]
    broken += [data[:i] + bytes([data[i] ^ 0xFF]) + data[i + 1 :] for i in range(4, len(data), 37)]
    refused = 0
    for content in broken:
        try:
            read(content, "claims.parquet")
        except InputError as error:
            refused += 1
            assert "secret" not in str(error)  # noqa: PT017
    assert refused >= 3


def test_more_records_than_the_file_can_hold_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "bomb.parquet"
    pl.DataFrame({"claim_number": pl.repeat("A", 3_000_000, eager=True)}).write_parquet(path)
    assert path.stat().st_size < 20_000
    with pytest.raises(InputError, match=r"3,000,000 records in .* looks like a bomb"):
        open_sources([str(path)], spool_dir=tmp_path, limits=Limits(ratio_applies_from=1 << 20))
    assert open_sources([str(path)], spool_dir=tmp_path)
