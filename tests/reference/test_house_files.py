"""Tables that users bring as CSV: payers, rosters, contracts."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from pathlib import Path

import polars as pl
import pytest

from claimsctl.reference.formats import house
from claimsctl.reference.manifest import read_shipped, shipped_specs
from claimsctl.reference.releases import Wanted
from tests.reference.published import one, refusal, shipped_columns, write

FEES = "payer_id,code,modifier,place,valid_from,valid_to,rate,percent_of_medicare"


def test_fee_schedule_by_its_columns(tmp_path: Path) -> None:
    rows = ["87726,99213,,11,2026-01-01,12/31/2026,95.5,", ",,,,,,,", "60054,100,qk,1,,,,110", "\x1a"]
    text = "\r\n".join([f"\ufeff{FEES}", *rows])
    release = one(write(tmp_path, "own fees (1).csv", text))
    assert (release.table, release.edition, release.valid_from) == ("fee_schedules", "own-fees-1", None)
    assert release.frame.rows() == [
        ("87726", "99213", None, "11", date(2026, 1, 1), date(2026, 12, 31), Decimal("95.5"), *[None] * 3),
        ("60054", "00100", "QK", "01", None, None, None, Decimal(110), None, None),
    ]


def test_percents_of_a_release_for_all_codes(tmp_path: Path) -> None:
    text = (
        "# claimsctl table: fee_schedules\n"
        "payer_id,code,percent_of_medicare,release,lesser_of_charge\n"
        "87726,,120%,RVU26B,yes\n"
        "87726,99213,112.5 %,,no\n"
    )
    frame = one(write(tmp_path, "contract.csv", text)).frame
    assert frame.select("code", "percent_of_medicare", "release", "lesser_of_charge").rows() == [
        (None, Decimal(120), "RVU26B", True),
        ("99213", Decimal("112.5"), None, False),
    ]
    wrong = text.replace("120%", "120%%")
    assert "give a percent such as 120 or 120%" in refusal(write(tmp_path, "contract.csv", wrong))


def test_a_named_table_may_leave_columns_out(tmp_path: Path) -> None:
    text = "# claimsctl table: fee_schedules,,\npayer_id,code,rate\n87726,99213,95.50\n"
    frame = one(write(tmp_path, "fees.csv", text), Wanted("2026", date(2026, 1, 1))).frame
    assert frame.columns == [*FEES.split(","), "release", "lesser_of_charge"]
    assert frame["modifier"].to_list() == [None]


def test_payers_have_the_columns_of_the_shipped_table(tmp_path: Path) -> None:
    text = '# claimsctl table: payers\npayer_id,name,type,follows_ncci\nH0001,"Plan, Inc",commercial,NO\n'
    release = one(write(tmp_path, "payers.csv", text))
    assert dict(release.frame.schema) == shipped_columns("payers")
    assert release.frame.row(0, named=True)["follows_ncci"] is False


def test_the_shipped_payers_load(tmp_path: Path) -> None:
    frame = read_shipped(shipped_specs()["payers"])
    text = frame.with_columns(
        pl.col(pl.Boolean).replace_strict({True: "yes", False: "no"}, return_dtype=pl.String)
    )
    release = one(write(tmp_path, "payers.csv", text.write_csv()))
    assert release.frame.equals(frame)


def test_roster_leaves_names_out(tmp_path: Path) -> None:
    text = "npi,name,taxonomy,payer_id,valid_from,valid_to\n1234567893,Jane Doe,207Q00000X,,2026-01-01,\n"
    release = one(write(tmp_path, "roster.csv", text))
    assert "name" not in release.frame.columns
    assert release.frame.row(0)[:5] == ("1234567893", "207Q00000X", None, date(2026, 1, 1), None)


def test_filing_limits(tmp_path: Path) -> None:
    text = "payer_id,filing_limit_days,corrected_claim_days,cob_days\n87726,90,,180\n"
    release = one(write(tmp_path, "limits.csv", text))
    assert release.table == "timely_filing"
    assert release.frame.rows() == [("87726", 90, None, 180, None)]


def test_every_wrong_cell_is_counted_and_five_are_told(tmp_path: Path) -> None:
    text = (
        f"{FEES}\n"
        "87726,99213,,11,2026-01-01,2025-12-31,95.5,\n"
        "\n"
        ",9921,2,111,soon,,a lot,\n"
        "87726,99213,,11,2026-01-01,,1,2\n"
    )
    message = refusal(write(tmp_path, "fees.csv", text))
    told = (
        "row 2, valid_to: is before valid_from",
        "row 4, payer_id: may not be blank",
        "row 4, code: give a procedure code of five characters",
        "row 4, modifier: give two characters",
        "row 4, place: give two digits",
    )
    assert message == f"fees.csv: wrong cells in fee_schedules: {'; '.join(told)}; and 4 more."
    assert "a lot" not in message


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("# claimsctl table: payers\npayer_id,nam\nA,B\n", "nam is no column of payers"),
        ("# claimsctl table: payers\nname\nB\n", "payers needs the column payer_id"),
        ("# claimsctl table: prices\ncode\nB\n", "there is no table prices of your own"),
        ("# claimsctl table: payers\n", "found an empty file"),
        ("# claimsctl table: payers\npayer_id\n", "no rows below the header"),
        ("# claimsctl table: payers\npayer_id,name\nA\n", "a last row that is cut off"),
        ("# claimsctl table: payers\npayer_id,type\nA,rich\n", "row 3, type: give one of medicare, "),
        ("# claimsctl table: payers\npayer_id,drg_required\nA,1\n", "row 3, drg_required: give yes or no"),
        ("# claimsctl table: payers\npayer_id\nA\nB\nA\n", "row 5, payer_id: stands above already"),
        ("# claimsctl table: roster\nnpi\n1234567890\n", "row 3, npi: give ten digits with the check digit"),
        (
            "# claimsctl table: timely_filing\npayer_id,cob_days\nA,1.5\n",
            "row 3, cob_days: give a whole number",
        ),
    ],
)
def test_tables_of_the_user_that_do_not_fit(tmp_path: Path, text: str, said: str) -> None:
    assert said in refusal(write(tmp_path, "own.csv", text))


def test_every_column_of_a_users_table_is_explained() -> None:
    for table in house.tables().values():
        assert table.columns[0].filled
        assert table.listed or all(column.meaning for column in table.columns)
        assert set(table.unique) <= {column.name for column in table.columns}
