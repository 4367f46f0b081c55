"""Rules on what lines of one run say of each other, wherever the run is cut into parts."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from claimsctl.process.cross import line_ranks
from tests.claims import claim, write_csv
from tests.conftest import Process


@pytest.mark.parametrize("batch_size", [2, 10_000])
@pytest.mark.parametrize("large", [False, True])
def test_lines_meet_across_parts(
    run: Process, tmp_path: Path, batch_size: int, large: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    if large:  # as if the run were too large to keep its columns in memory
        monkeypatch.setattr("claimsctl.process.cross._IN_MEMORY_ROWS", 0)
    times = ("08:00 09:00", "08:10 09:10", "08:20 09:20", "08:30 09:30", "08:59 10:00", "10:00 11:00")
    cases = []
    for n, span in enumerate(times):
        start, end = span.split()
        times_of = {"session_start_time": start, "session_end_time": end}
        cases.append(claim(f"Q{n}", procedure_code="00790", modifier_1="QK", **times_of))
    stays = [
        claim("S", line_number="1", service_date_from="2026-05-01", service_date_to="2026-05-03"),
        claim("S", line_number="2", service_date_from="2026-05-03", service_date_to="2026-05-05"),
        claim("S", line_number="3", service_date_from="2026-05-06", service_date_to="2026-05-06"),
    ]
    many = [
        claim(
            "D", line_number=str(n), diagnosis_1=f"F41.{n}", diagnosis_2=f"F32.{n}", diagnosis_3=f"M25.5{n}"
        )
        for n in range(5)
    ]
    path = write_csv(tmp_path / "claims.csv", [*cases, *stays, *many])
    run(path, out=tmp_path / "out", batch_size=batch_size)
    found = pl.read_csv(tmp_path / "out" / "errors.csv", infer_schema=False)

    def at(code: str) -> set[tuple[str, str]]:
        return set(found.filter(code=code).select("claim_number", "line_number").iter_rows())

    assert {number for number, _ in at("ANE-008")} == {f"Q{n}" for n in range(5)}
    assert at("DUP-006") == {("S", "1"), ("S", "2")}
    assert {number for number, _ in at("DX-012")} == {"D"}


@given(st.lists(st.tuples(st.integers(0, 3), st.booleans()), max_size=12))
def test_lines_are_numbered_in_file_order_where_one_lacks_its_number(lines: list[tuple[int, bool]]) -> None:
    keys = pl.DataFrame(
        lines, schema={"claim_id": pl.UInt64, "unnumbered": pl.Boolean}, orient="row"
    ).with_columns(pl.col("claim_id") + 2**63)
    found = keys.lazy().with_columns(line_ranks(keys.lazy())).collect()["line_rank"]
    assert found.dtype == pl.Int64
    if not keys["unnumbered"].any():
        assert found.null_count() == keys.height
    else:
        claims = [claim for claim, _ in lines]
        assert found.to_list() == [claims[: n + 1].count(claim) for n, claim in enumerate(claims)]
