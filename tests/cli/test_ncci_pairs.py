"""NCCI edits between the lines of a day, over parts of a file and as in memory."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import polars as pl
import pytest

from claimsctl.facts import ncci
from claimsctl.reference.editions import EditionStore, Origin
from claimsctl.reference.releases import Release
from tests.claims import claim, write_csv
from tests.commands import Command

EDITS = pl.DataFrame(
    {
        "column1": ["27447", "80053", "99213", "27447"],
        "column2": ["20610", "80048", "36591", "99999"],
        "modifier_indicator": [1, 0, 1, 9],
        "valid_from": [date(2003, 1, 1)] * 4,
        "valid_to": [None, None, date(2020, 12, 31), None],
    },
    schema_overrides={"modifier_indicator": pl.UInt8},
)
FOR_PRACTITIONERS = EDITS.lazy().with_columns(ncci_hospital=False)


def lines(*given: tuple[str, str, str | None]) -> pl.LazyFrame:
    """(day, code, modifier) per line."""
    frame = pl.DataFrame(
        {
            "row_index": range(len(given)),
            "same_patient": [1] * len(given),
            "same_provider": ["1234567893"] * len(given),
            "service_date_from": [date.fromisoformat(day) for day, _, _ in given],
            "ncci_hospital": [False] * len(given),
            "procedure_code": [code for _, code, _ in given],
            "modifier_1": [modifier for _, _, modifier in given],
            **{f"modifier_{n}": [None] * len(given) for n in (2, 3, 4)},
        },
        schema_overrides={"row_index": pl.UInt32, **{f"modifier_{n}": pl.String for n in range(1, 5)}},
    )
    return ncci.lines(frame).lazy()


@pytest.mark.parametrize(
    ("given", "wanted"),
    [
        ([("2026-05-04", "27447", None), ("2026-05-04", "20610", None)], [(1, "27447", "1", False, False)]),
        ([("2026-05-04", "20610", "59"), ("2026-05-04", "27447", None)], [(0, "27447", "1", True, True)]),
        ([("2026-05-04", "20610", "LT"), ("2026-05-04", "27447", "RT")], [(0, "27447", "1", True, False)]),
        ([("2026-05-04", "20610", None), ("2026-05-05", "27447", None)], []),
        ([("2026-05-04", "80053", "59"), ("2026-05-04", "80048", "59")], [(1, "80053", "0", True, True)]),
        ([("2026-05-04", "99213", None), ("2026-05-04", "36591", None)], []),
        ([("2020-05-04", "99213", None), ("2020-05-04", "36591", None)], [(1, "99213", "1", False, False)]),
        ([("2026-05-04", "27447", None), ("2026-05-04", "99999", None)], []),
        ([("2026-05-04", "27447", None), ("2026-05-04", "27447", None)], []),
    ],
    ids=["bundled", "59", "side", "days", "never", "ended", "then", "never applied", "same code"],
)
def test_bundled(given: list[tuple[str, str, str | None]], wanted: list[tuple[object, ...]]) -> None:
    found = ncci.bundled(lines(*given), FOR_PRACTITIONERS)
    second = found.filter(pl.col("ncci_column1").is_not_null())
    assert second.drop("ncci_paired").rows() == wanted
    # Of two lines both stand in the edit, the one in column 1 as well.
    assert sorted(found.filter("ncci_paired")[ncci.ROW].to_list()) == ([0, 1] if wanted else [])


@pytest.mark.parametrize(
    ("first", "second", "bypassed"),
    [
        (("20610", "RT"), ("99213", None), False),
        (("20610", None), ("99213", "25"), True),
        (("20610", "25"), ("99213", None), False),
        (("20610", None), ("99213", "RT"), False),
        (("20610", "59"), ("99213", None), True),
        (("20610", "79"), ("99213", None), False),
        (("27447", None), ("99213", "57"), True),
        (("27447", "57"), ("20610", None), False),
        (("27447", None), ("20610", "57"), False),
        (("27447", None), ("20610", "LT"), True),
        (("27447", "RT"), ("20610", None), False),
        (("27447", "RT"), ("20610", "RT"), False),
        (("27447", "RT"), ("20610", "LT"), True),
        (("27447", "XS"), ("20610", "RT"), True),
        (("27447", "58"), ("20610", None), True),
        (("99213", "25"), ("36591", None), True),
        (("99213", None), ("G0439", "25"), True),
    ],
)
def test_which_modifier_counts_on_which_line(
    first: tuple[str, str | None], second: tuple[str, str | None], bypassed: bool
) -> None:
    edit = {"column1": pl.lit(first[0]), "column2": pl.lit(second[0])}
    edits = FOR_PRACTITIONERS.head(1).with_columns(**edit)
    day = lines(("2026-05-04", *first), ("2026-05-04", *second))
    found = ncci.bundled(day, edits).filter(pl.col("ncci_column1").is_not_null())
    assert found.select(ncci.ROW, "ncci_bypassed").rows() == [(1, bypassed)]


def test_the_strictest_edit_of_a_line_counts() -> None:
    never = {"column1": pl.lit("80053"), "modifier_indicator": pl.lit(0, pl.UInt8)}
    more = pl.concat([FOR_PRACTITIONERS, FOR_PRACTITIONERS.head(1).with_columns(**never)])
    day = [("2026-05-04", code, None) for code in ("27447", "20610", "80053")]
    found = ncci.bundled(lines(*day), more)
    assert found["ncci_column1"].drop_nulls().to_list() == ["80053"]
    assert found["ncci_paired"].to_list() == [True, True, True]


def line(number: str, code: str, day: str) -> dict[str, str]:
    return claim(number, procedure_code=code, service_date_from=day, member_id="XYQ1")


def test_lines_in_different_parts_meet(command: Command, tmp_path: Path) -> None:
    store = EditionStore(tmp_path / "workspace" / "reference")
    release = Release("ncci_ptp", "2026Q2", date(2026, 4, 1), date(2026, 6, 30), "CMS", "", EDITS)
    store.add(release, Origin("ptp.txt", "a", 1))
    rows = [line("A1", "27447", "2026-05-04")]
    rows += [claim(f"B{n}", procedure_code="99213", service_date_from="2026-04-04", member_id=f"X{n}")
             for n in range(150)]  # fmt: skip
    rows += [line("A2", "20610", "2026-05-04")]
    rows += [line("A3", "27447", "2026-03-04"), line("A4", "20610", "2026-03-04")]
    path = write_csv(tmp_path / "claims.csv", rows)
    ended = command("process", path, "--as-of", "2026-06-30", "--json", "--only", "NCCI-*",
                    "--batch-size", "100", "--out", tmp_path / "out")  # fmt: skip
    assert ended.code in (0, 1), ended.err
    found = pl.read_csv(tmp_path / "out" / "errors.csv", infer_schema=False)
    assert found.filter(pl.col("code").str.starts_with("NCCI")).select("claim_number", "code").rows() == [
        ("A2", "NCCI-002")
    ]
    assert {"table": "ncci_ptp", "edition": "2026Q2"} in ended.json["reference"]


def test_a_visit_is_advised_the_modifier_of_visits(command: Command, tmp_path: Path) -> None:
    store = EditionStore(tmp_path / "workspace" / "reference")
    edits = pl.concat(
        [EDITS.head(1), EDITS.head(1).with_columns(column1=pl.lit("20610"), column2=pl.lit("99213"))]
    )
    release = Release("ncci_ptp", "2026Q2", date(2026, 4, 1), date(2026, 6, 30), "CMS", "", edits)
    store.add(release, Origin("ptp.txt", "a", 1))
    days = ("V", "2026-05-04", ("20610", "99213")), ("S", "2026-05-05", ("27447", "20610"))
    rows = [line(f"{name}{code}", code, day) for name, day, codes in days for code in codes]
    path = write_csv(tmp_path / "claims.csv", rows)
    command("process", path, "--as-of", "2026-06-30", "--only", "NCCI-002", "--out", tmp_path / "out")
    found = pl.read_csv(tmp_path / "out" / "errors.csv", infer_schema=False)
    advised = dict(found.select("claim_number", "suggestion").iter_rows())
    assert "add 25 to it when" in advised["V99213"]
    assert "a side other than that of 27447, XE, XP, XS, XU or 59" in advised["S20610"]


def test_hospitals_have_edits_of_their_own(command: Command, tmp_path: Path) -> None:
    store = EditionStore(tmp_path / "workspace" / "reference")
    for table, edits in (("ncci_ptp", EDITS.head(1)), ("ncci_ptp_hospital", EDITS[1:2])):
        store.add(Release(table, "2026Q2", date(2026, 4, 1), date(2026, 6, 30), "CMS", "", edits),
                  Origin("ptp.txt", "a", 1))  # fmt: skip
    bills = (("P", ""), ("H", "0131"), ("I", "0111"))
    rows = [
        claim(f"{name}{code}", procedure_code=code, bill_type_code=bill, service_date_from="2026-05-04",
              member_id=f"XYQ{name}", rendering_npi="")
        for name, bill in bills
        for code in ("27447", "20610", "80053", "80048")
    ]  # fmt: skip
    path = write_csv(tmp_path / "claims.csv", rows)
    ended = command(
        "process", path, "--as-of", "2026-06-30", "--json", "--only", "NCCI-00[12]", "--out", tmp_path / "out"
    )
    found = pl.read_csv(tmp_path / "out" / "errors.csv", infer_schema=False)
    found = found.filter(pl.col("code").str.starts_with("NCCI"))
    assert found.select("claim_number", "code").rows() == [("P20610", "NCCI-002"), ("H80048", "NCCI-001")]
    assert {each["table"] for each in ended.json["reference"]} >= {"ncci_ptp", "ncci_ptp_hospital"}
