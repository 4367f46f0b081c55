"""Loading by name, extending, and the view the rule language gets."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import polars as pl
import pytest

from claimsctl.errors import InternalError
from claimsctl.reference import DECLARED, Tables, data_path, locate, table_view
from claimsctl.reference.tables import Edition, Table


def test_a_table_that_is_not_loaded_is_declared_and_not_there(tables: Tables) -> None:
    assert "mpfs" in DECLARED
    assert "mpfs" not in tables
    assert tables.get("mpfs") is None
    with pytest.raises(KeyError):
        tables["mpfs"]


def test_tables_are_read_once(tables: Tables) -> None:
    assert tables["pos"] is tables["pos"]


def test_other_names_of_a_table(tables: Tables) -> None:
    assert "zero_charge" in tables
    assert tables["zero_charge"] is tables["zero_charge_codes"]
    assert "zero_charge" not in list(tables)


def test_view_of_a_dated_table(tables: Tables) -> None:
    view = table_view(tables["pos"])
    assert view.codes.name == "code"
    assert {name: kind for name, (kind, _) in view.columns.items()} == {"name": "text", "facility": "boolean"}
    assert view.valid_from is not None
    assert view.valid_from[view.codes.to_list().index("27")] == date(2023, 10, 1)
    assert view.valid_to is not None


def test_view_of_an_undated_table(tables: Tables) -> None:
    view = table_view(tables["mh_codes"])
    assert view.valid_from is None
    assert view.columns["min_minutes"][0] == "integer"
    assert len(view.columns["min_minutes"][1]) == len(view.codes)


def test_rows_add_a_table_that_does_not_ship(tables: Tables) -> None:
    frame = pl.DataFrame({"code": ["99213"], "fee": [150]})
    more = tables.with_rows("practice_fees", frame, origin="a test")
    assert more["practice_fees"].frame.equals(frame)
    assert more["practice_fees"].editions[0].name == "a test"
    assert "practice_fees" not in tables


def test_rows_replace_only_what_they_fill(tables: Tables) -> None:
    rows = pl.DataFrame(
        {"place": ["11", "98"], "facility": [True, None], "note": ["ours", None]},
        schema_overrides={"facility": pl.Boolean},
    )
    frame = tables.with_rows("pos", rows)["pos"].frame
    office = frame.filter(code="11").row(0, named=True)
    assert (office["name"], office["facility"], office["note"]) == ("Office", True, "ours")
    assert frame.filter(code="98").row(0, named=True)["name"] is None
    assert frame.height == 53
    assert frame.columns == ["code", "name", "facility", "valid_from", "valid_to", "note"]


def test_extending_twice(tables: Tables) -> None:
    one = pl.DataFrame({"code": ["98"], "name": ["One"]})
    two = pl.DataFrame({"code": ["98"], "name": ["Two"]})
    assert (
        tables.with_rows("pos", one).with_rows("pos", two)["pos"].frame.filter(code="98")["name"][0] == "Two"
    )


def test_groups_are_columns(tables: Tables) -> None:
    frame = tables["code_groups"].frame
    row = frame.filter(code="99213").row(0, named=True)
    assert (row["em"], row["office_visit"], row["psychotherapy"]) == (True, True, False)
    assert frame.filter(code="G2252")["telehealth_exempt"].to_list() == [True]


def test_data_is_found_beside_the_checkout_and_in_the_wheel(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    assert (data_path("reference_data") / "tables.toml").is_file()
    assert data_path("rules").name == "rules"
    package = tmp_path / "site" / "claimsctl"
    (package / "_data" / "rules").mkdir(parents=True)
    (tmp_path / "site" / "rules").mkdir()
    monkeypatch.setattr(locate, "__file__", str(package / "reference" / "locate.py"))
    assert data_path("rules") == package / "_data" / "rules"
    with pytest.raises(InternalError, match="reference_data of the installation is missing"):
        data_path("reference_data")


@pytest.mark.parametrize(
    ("editions", "unserved"),
    [
        ([(None, None)], []),
        ([(None, "2025-12-31"), ("2026-01-01", None)], []),
        ([("2026-01-01", None), ("2026-04-01", "2026-06-30")], [(None, "2025-12-31")]),
        (
            [("2026-01-01", "2026-03-31"), ("2026-07-01", "2026-09-30"), ("2026-07-01", "2026-08-31"),
             ("2026-10-01", "2026-12-31")],
            [(None, "2025-12-31"), ("2026-04-01", "2026-06-30")],
        ),
        ([(None, "2025-06-30"), ("2026-01-01", None)], [("2025-07-01", "2025-12-31")]),
    ],
)  # fmt: skip
def test_times_that_no_edition_is_for(
    editions: list[tuple[str | None, str | None]], unserved: list[tuple[str | None, str]]
) -> None:
    """The second of two parts of a release may end earlier; the newest edition serves for ever."""
    found = [Edition(f"e{n}", _day(first), _day(last), 1) for n, (first, last) in enumerate(editions)]
    table = Table("mue", pl.DataFrame({"code": ["A"]}), tuple(found), "", "")
    assert list(table.unserved) == [(_day(first), _day(last)) for first, last in unserved]


def _day(text: str | None) -> date | None:
    return None if text is None else date.fromisoformat(text)
