"""Kept rows that are read again: the same batches and the same hash, however they were kept."""

from __future__ import annotations

from collections.abc import Iterator

import polars as pl
import pytest

from claimsctl.ingest.kept import KeptSource

ROWS = pl.DataFrame(
    {
        "row_number": range(2, 13),
        "c0": [f"C{n}" for n in range(11)],
        "c1": [None if n == 3 else "" if n == 4 else f"x,{n}" for n in range(11)],
        "claim_number": ["left out"] * 11,
    }
)


def kept(*sizes: int, header: dict[str, str] | None = None) -> tuple[KeptSource, list[int]]:
    """The rows in frames of these sizes; and the sizes of the frames as they are taken."""
    taken: list[int] = []

    def frames() -> Iterator[pl.DataFrame]:
        first = 0
        for size in sizes:
            taken.append(size)
            yield ROWS.slice(first, size)
            first += size

    source = KeptSource(
        frames, header or {"c1": "Note", "c0": "Claim"}, index=0, name="a.csv", path="a.csv", form="csv",
        delimiter=",", encoding="utf-8",
    )  # fmt: skip
    return source, taken


@pytest.mark.parametrize("sizes", [(11,), (1,) * 11, (5, 0, 6), (4, 4, 3)])
def test_frames_of_any_size_are_the_same_rows(sizes: tuple[int, ...]) -> None:
    source, _ = kept(*sizes)
    whole, _ = kept(11)
    assert (source.sha256, source.bytes, source.header) == (whole.sha256, whole.bytes, ("Note", "Claim"))
    parts = list(source.parts(4))
    assert [part.rows.height for part in parts] == [4, 4, 3]
    rows = pl.concat([part.rows for part in parts])
    assert rows.equals(ROWS.select("row_number", pl.col("c1").alias("c0"), pl.col("c0").alias("c1")))
    assert [part.bytes_read for part in parts][-1] == source.bytes
    assert sum(part.rows.height for part in source.parts(100)) == 11  # it can be read again


def test_frames_are_taken_as_batches_need_them() -> None:
    source, taken = kept(*(1,) * 11)
    taken.clear()
    parts = source.parts(2)
    next(parts)
    assert len(taken) == 3


def test_another_header_is_another_content() -> None:
    assert kept(11)[0].sha256 != kept(11, header={"c1": "Remark", "c0": "Claim"})[0].sha256


def test_no_row_is_one_empty_part() -> None:
    (part,) = kept()[0].parts(10)
    assert (part.rows.height, part.rows.columns) == (0, ["row_number", "c0", "c1"])
