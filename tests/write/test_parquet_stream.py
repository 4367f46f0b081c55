"""Parquet by parts: same bytes whatever the parts, errors and abandonment without a hang."""

import subprocess
import sys
import threading
from pathlib import Path

import duckdb
import polars as pl
import pytest

from claimsctl.errors import InternalError
from claimsctl.write.files import OutputDir
from claimsctl.write.parquet import ROW_GROUP_ROWS, ParquetStream

ROWS = 300_000
LINES = pl.DataFrame(
    {
        "claim_number": [f"C{i:06d}" for i in range(ROWS)],
        "charge_amount": pl.int_range(ROWS, eager=True).cast(pl.Decimal(18, 4)),
        "service_date_from": (pl.int_range(ROWS, eager=True) % 9000).cast(pl.Int32).cast(pl.Date),
        "modifier_4": pl.Series([None] * ROWS, dtype=pl.String),
    }
)


def written(path: Path, part_rows: int) -> bytes:
    with OutputDir.create(path, "job-1") as out:
        stream = ParquetStream(out, "a.parquet", LINES.schema)
        for part in LINES.iter_slices(part_rows):
            stream.write(part)
        stream.close()
        assert stream.rows == ROWS
        return out.commit()["a.parquet"].read_bytes()


def test_bytes_depend_on_the_rows_alone(tmp_path: Path) -> None:
    first = written(tmp_path / "1", 100_000)
    assert written(tmp_path / "2", 7_777) == first
    assert written(tmp_path / "3", ROWS) == first


def test_other_programs_read_it_in_order(tmp_path: Path) -> None:
    written(tmp_path, 50_000)
    path = tmp_path / "a.parquet"
    assert pl.read_parquet(path).equals(LINES)
    with duckdb.connect() as connection:
        groups = connection.execute(
            "select distinct row_group_num_rows from parquet_metadata(?)", [str(path)]
        ).fetchall()
        known = connection.execute(
            "select count(stats_min_value) from parquet_metadata(?) where path_in_schema = 'claim_number'",
            [str(path)],
        ).fetchone()
    assert {rows for (rows,) in groups} == {ROW_GROUP_ROWS, ROWS % ROW_GROUP_ROWS}
    assert known == (-(-ROWS // ROW_GROUP_ROWS),)


def test_no_rows_make_a_file_with_the_schema(tmp_path: Path) -> None:
    with OutputDir.create(tmp_path, "job-1") as out:
        stream = ParquetStream(out, "a.parquet", LINES.schema)
        stream.write(LINES.clear())
        stream.close()
        out.commit()
    assert pl.read_parquet(tmp_path / "a.parquet").equals(LINES.clear())


def test_a_part_of_another_shape_is_a_defect(tmp_path: Path) -> None:
    with OutputDir.create(tmp_path, "job-1") as out:
        stream = ParquetStream(out, "a.parquet", LINES.schema)
        with pytest.raises(InternalError):
            stream.write(LINES.select(pl.all().reverse(), extra=1))


def test_commit_refuses_while_a_file_is_open(tmp_path: Path) -> None:
    with OutputDir.create(tmp_path, "job-1") as out:
        ParquetStream(out, "a.parquet", LINES.schema)
        with pytest.raises(InternalError):
            out.commit()


def test_abandoning_ends_the_thread_and_leaves_nothing(tmp_path: Path) -> None:
    before = threading.active_count()
    with OutputDir.create(tmp_path / "out", "job-1") as out:
        streams = [ParquetStream(out, f"{n}.parquet", LINES.schema) for n in range(3)]
        for stream in streams:
            stream.write(LINES)
    assert threading.active_count() == before
    assert list(tmp_path.iterdir()) == []


_FORGOTTEN = """
import sys
import polars as pl
from claimsctl.write.files import OutputDir
from claimsctl.write.parquet import ParquetStream
part = pl.DataFrame({"a": ["x"]})
out = OutputDir.create(sys.argv[1], "job-1")
streams = [ParquetStream(out, f"{n}.parquet", part.schema) for n in range(3)]
for stream in streams:  # more open files than threads: other queries must still get their turn
    stream.write(part)
assert part.lazy().filter(pl.col("a") == "x").collect(engine="streaming").height == 1
sys.exit(9)
"""


@pytest.mark.parametrize("threads", ["1", "2"])
def test_open_files_block_neither_other_queries_nor_the_exit(tmp_path: Path, threads: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", _FORGOTTEN, str(tmp_path)],
        env={"POLARS_MAX_THREADS": threads, "PYTHONPATH": ":".join(sys.path)},
        capture_output=True, text=True, timeout=300, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (9, "")
