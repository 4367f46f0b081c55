"""The fee schedule files as published, each read whole."""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path

import polars as pl
import pytest

from claimsctl.reference.formats import localities
from tests.reference.pfs.reading import numbers
from tests.reference.published import Real

PUBLISHED = {
    "PPRRVU2025_Oct.csv": (19_090, "RVU25D"),
    "PPRRVU2025_Oct.txt": (19_090, "RVU25D"),
    "PPRRVU2026_Apr_nonQPP.txt": (19_277, "RVU26B"),
    "PPRRVU2026_Jul_nonQPP.csv": (19_356, "RVU26C"),
    "GPCI2025.csv": (109, "GPCI2025"),
    "GPCI2025.txt": (109, "GPCI2025"),
    "GPCI2026.csv": (109, "GPCI2026"),
    "25LOCCO.csv": (109, "LOCCO2025"),
    "25LOCCO.txt": (109, "LOCCO2025"),
    "ANES2025.csv": (110, "ANES2025"),
    "ANES2025.txt": (109, "ANES2025"),
    "OPPSCAP_Oct.csv": (16_100, "OPPSCAP25D"),
    "OPPSCAP_Oct.txt": (16_100, "OPPSCAP25D"),
    "ZIP5_OCT2025.txt": (42_956, "ZIP5-2025Q4"),
}


@pytest.mark.parametrize("name", PUBLISHED)
def test_published_file(real: Real, name: str) -> None:
    release = real(name)
    assert (release.frame.height, release.edition) == PUBLISHED[name]


def test_published_csv_and_text_agree(real: Real) -> None:
    for name in ("PPRRVU2025_Oct", "GPCI2025", "OPPSCAP_Oct"):
        assert real(f"{name}.csv").frame.equals(real(f"{name}.txt").frame), name
    assert real("ANES2025.csv").frame.head(109).equals(real("ANES2025.txt").frame)
    assert real("25LOCCO.csv").frame["locality"].equals(real("25LOCCO.txt").frame["locality"])


def test_published_relative_values(real: Real) -> None:
    for name, factor in (
        ("PPRRVU2025_Oct.csv", "32.3465"),
        ("PPRRVU2026_Apr_nonQPP.txt", "33.4009"),
        ("PPRRVU2026_Jul_nonQPP.csv", "33.4009"),
    ):
        assert set(numbers(real(name), "conversion_factor")) == {factor}
    counts = dict(real("PPRRVU2025_Oct.txt").frame["status"].value_counts().iter_rows())
    assert (counts["A"], counts["R"], counts["T"]) == (9_021, 1_058, 8)
    frame = real("PPRRVU2026_Jul_nonQPP.csv").frame
    assert frame.filter(pl.col("status") == "A").height == 9_408
    assert frame.filter(pl.col("modifier") == "53")["code"].to_list() == ["44388", "45378", "G0105", "G0121"]
    assert frame["pricing_indicator"].null_count() == 0
    assert real("PPRRVU2025_Oct.csv").frame["pricing_indicator"].null_count() == 19_090


def test_published_localities(real: Real) -> None:
    gpci = real("GPCI2025.csv").frame.row(by_predicate=pl.col("locality") == "01112-05", named=True)
    assert (gpci["pe_gpci"], gpci["mp_gpci"]) == (Decimal("1.419"), Decimal("0.445"))
    known = set(real("GPCI2025.csv").frame["locality"])
    assert set(real("25LOCCO.csv").frame["locality"]) == known
    assert set(real("ANES2025.csv").frame["locality"]) == {*known, localities.NATIONAL}
    assert set(real("ZIP5_OCT2025.txt").frame["locality"]) == known
    assert set(real("OPPSCAP_Oct.csv").frame["locality"]) - known == {
        f"01112-{number}" for number in (17, 18, 71, 72, 73, 74)
    }
    counties = real("25LOCCO.csv").frame
    assert counties["state"].null_count() == 0
    assert counties.filter(pl.col("state") == "CALIFORNIA").height == 29
    assert real("ZIP5_OCT2025.txt").frame["plus_four"].sum() == 580
    assert numbers(real("ANES2025.csv"), "conversion_factor")[-1] == "20.3178"


def test_official_payments_follow_from_the_frames(real: Real, shared: Path) -> None:
    """PFREV25C is CMS's own amount for 76145 in each locality: exact only if every digit was kept."""
    path = shared / "data/reference/pfs/pfrev25c/PFREV25C.txt"
    official = pl.read_csv(path, has_header=False, infer_schema=False, n_rows=109).rows()
    code = real("PPRRVU2025_Oct.csv").frame.row(by_predicate=pl.col("code") == "76145", named=True)
    indices = {row["locality"]: row for row in real("GPCI2025.csv").frame.iter_rows(named=True)}
    assert len(official) == 109
    for _, contractor, number, _, _, amount, *_ in official:
        at = indices[f"{contractor}-{number}"]
        units = code["work_rvu"] * at["work_gpci_floor"] + code["pe_nonfacility"] * at["pe_gpci"]
        dollars = (units + code["mp_rvu"] * at["mp_gpci"]) * code["conversion_factor"]
        assert dollars.quantize(Decimal("0.01"), ROUND_HALF_UP) == Decimal(amount)
