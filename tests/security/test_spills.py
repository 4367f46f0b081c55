"""Temporary files with patients' data: nothing in plain text, nothing altered goes unseen."""

from __future__ import annotations

import base64
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest

from claimsctl.security import spills

ROWS = pl.DataFrame(
    {
        "last_name": ["Quillfeather", "Zabrowski"] * 500,
        "ssn": ["745-38-2916", None] * 500,
        "c2": [1, None] * 500,
    }
)


def _as_frame(path: Path) -> None:
    spills.write_spill(ROWS, path)


def _as_stream(path: Path) -> None:
    spills.sink_spill(ROWS.lazy(), path, row_group_size=300)


def _as_arrow(path: Path) -> None:
    from pyarrow import parquet

    table = ROWS.to_arrow()
    with parquet.ParquetWriter(path, table.schema, encryption_properties=spills.arrow_encryption()) as file:
        file.write_table(table)


WRITERS = pytest.mark.parametrize("write", [_as_frame, _as_stream, _as_arrow])


@WRITERS
def test_a_spill_holds_no_text_of_its_rows(tmp_path: Path, write: Callable[[Path], None]) -> None:
    path = tmp_path / "rows.parquet"
    write(path)
    assert spills.read_spill(path).equals(ROWS)
    assert spills.read_spill(path, ["ssn"]).equals(ROWS.select("ssn"))
    assert spills.scan_spills([path, path]).slice(999, 2).collect().equals(ROWS[[999, 0]])
    data = path.read_bytes()
    for text in ("Quillfeather", "745-38-2916", "last_name"):
        for form in (text.encode(), text.encode("utf-16-le"), text.encode().hex().encode()):
            assert form not in data
        assert base64.b64encode(text.encode())[:8] not in data
    assert data.startswith(spills.MAGIC)
    assert spills.is_spill(path)


@WRITERS
def test_a_flipped_bit_is_refused_or_changes_nothing(tmp_path: Path, write: Callable[[Path], None]) -> None:
    path = tmp_path / "rows.parquet"
    write(path)
    data, refused = path.read_bytes(), 0
    places = range(4, len(data), 7)
    for place in places:
        path.write_bytes(data[:place] + bytes([data[place] ^ 1]) + data[place + 1 :])
        try:
            found = spills.read_spill(path)
        except pl.exceptions.PolarsError:
            refused += 1
        else:
            assert found.equals(ROWS), "a byte that no reader looks at: lengths, indexes of pages"
    assert refused > len(places) / 2


def test_a_spill_cut_short_is_not_read(tmp_path: Path) -> None:
    path = tmp_path / "rows.parquet"
    spills.write_spill(ROWS, path)
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(pl.exceptions.PolarsError):
        spills.read_spill(path)


def test_another_process_cannot_read_it(tmp_path: Path) -> None:
    path = tmp_path / "rows.parquet"
    spills.write_spill(ROWS, path)
    code = f"from pathlib import Path; from claimsctl.security import spills; p = Path({str(path)!r}); " + (
        "assert not spills.is_spill(p); spills.read_spill(p)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode != 0
    assert "unable to decrypt" in done.stderr
    assert "AssertionError" not in done.stderr


def test_the_key_stands_in_no_message(tmp_path: Path) -> None:
    path = tmp_path / "rows.parquet"
    spills.write_spill(ROWS, path)
    path.write_bytes(path.read_bytes()[:-1] + b"X")
    with pytest.raises(pl.exceptions.PolarsError) as caught:
        spills.read_spill(path)
    assert spills._key().hex() not in str(caught.value)
    assert spills._key().hex() not in repr(spills.encryption())
    assert repr(spills._key()) not in repr(spills.encryption())
