"""Every official dollar amount of a published file, to the cent."""

from __future__ import annotations

import gzip
from datetime import date
from pathlib import Path
from typing import Final

import polars as pl
import pytest

from claimsctl.price.line import price
from claimsctl.price.schedule import Schedule
from claimsctl.price.terms import Terms
from claimsctl.reference import Tables
from claimsctl.reference.formats import localities, pprrvu
from claimsctl.reference.releases import Opened, Wanted
from claimsctl.reference.tables import Edition, Table
from tests.price.tables import undated

OCTOBER: Final = date(2025, 10, 1)
WANTED: Final = Wanted(valid_from=OCTOBER)


def released(path: Path, folder: Path) -> Table:
    """A published file as a loaded table."""
    if path.suffix == ".gz":
        plain = folder / path.stem
        plain.write_bytes(gzip.decompress(path.read_bytes()))
        path = plain
    opened = Opened.of(path)
    (form,) = (f for f in (*pprrvu.FORMATS, *localities.FORMATS) if f.recognises(opened))
    (release,) = form.read(opened, WANTED)
    edition = Edition(release.edition, release.valid_from, release.valid_to, release.frame.height)
    return Table(release.table, release.frame, (edition,), release.source, "")


@pytest.fixture(scope="module")
def schedule_2025(shared: Path, tmp_path_factory: pytest.TempPathFactory) -> Schedule:
    folder, out = shared / "data/reference/pfs/rvu25d", tmp_path_factory.mktemp("plain")
    found = [released(folder / name, out) for name in ("PPRRVU2025_Oct.csv.gz", "GPCI2025.csv")]
    pos = Tables.shipped()["pos"]
    return Schedule({table.name: table for table in [*found, undated("pos", pos.frame)]}, Terms())


def differing(lines: pl.DataFrame, official: pl.Series, schedule: Schedule) -> list[tuple[object, ...]]:
    """Code, modifier, locality and both amounts of lines that are not as published."""
    given = lines.with_columns(pl.lit(OCTOBER).alias("service_date_from"), pl.lit(1).alias("units"))
    found = price(given, schedule)["expected_allowed_amount"]
    return lines.with_columns(found, official.alias("official")).filter(found.ne_missing(official)).rows()


@pytest.mark.parametrize(("place", "column"), [("11", 5), ("24", 6)])
def test_every_amount_of_pfrev25c(schedule_2025: Schedule, shared: Path, place: str, column: int) -> None:
    text = (shared / "data/reference/pfs/pfrev25c/PFREV25C.txt").read_text("ascii").splitlines()
    rows = [[cell.strip('" ') for cell in line.split(",")] for line in text if not line.startswith('"TRL')]
    assert len(rows) == 109
    lines = pl.DataFrame(
        {
            "procedure_code": [row[3] for row in rows],
            "modifier_1": [row[4] or None for row in rows],
            "medicare_locality": [f"{row[1]}/{row[2]}" for row in rows],
            "place_of_service": [place] * len(rows),
        }
    )
    official = pl.Series([row[column] for row in rows]).cast(pl.Decimal(12, 2))
    assert differing(lines, official, schedule_2025) == []


@pytest.mark.parametrize(("place", "column"), [("11", "nonfacility_price"), ("24", "facility_price")])
def test_every_active_amount_of_oppscap(
    schedule_2025: Schedule, shared: Path, tmp_path: Path, place: str, column: str
) -> None:
    """In California's localities 17, 18 and 71 to 74 this file has the other contractor than GPCI2025."""
    cap = released(shared / "data/reference/pfs/rvu25d/OPPSCAP_Oct.csv.gz", tmp_path).frame
    active = cap.filter(pl.col("status") == "A")
    assert active.height == 6_670
    lines = active.select(
        pl.col("code").alias("procedure_code"),
        pl.col("modifier").alias("modifier_1"),
        pl.col("locality").alias("medicare_locality"),
        pl.lit(place).alias("place_of_service"),
    )
    assert differing(lines, active[column], schedule_2025) == []
