"""What changed between two editions of a table."""

from __future__ import annotations

from datetime import date
from typing import Any

import polars as pl
import pytest

from claimsctl.reference.comparing import EditionChanges, compare_editions
from claimsctl.reference.tables import Edition, Table


def table(rows: list[dict[str, Any]], **schema: Any) -> Table:
    frame = pl.DataFrame(rows, schema_overrides=schema)
    return Table("mue", frame, (Edition("x", None, None, frame.height),), "", "")


def compare(before: list[dict[str, Any]], after: list[dict[str, Any]]) -> EditionChanges:
    return compare_editions(table(before), table(after))


def test_codes_added_removed_changed() -> None:
    before = [{"code": c, "units": u} for c, u in (("A", 1), ("B", 2), ("C", None), ("D", 4))]
    after = [{"code": c, "units": u} for c, u in (("E", 9), ("D", 4), ("C", 3), ("B", 5))]
    changes = compare(before, after)
    assert changes
    assert changes.counts == {"added": 1, "removed": 1, "changed": 2}
    assert changes.added.to_dicts() == [{"code": "E", "units": 9}]
    assert changes.removed.to_dicts() == [{"code": "A", "units": 1}]
    assert [(c.code, c.before, c.after) for c in changes.changes()] == [
        ("B", ({"units": 2},), ({"units": 5},)),
        ("C", ({"units": None},), ({"units": 3},)),
    ]
    assert [c.code for c in changes.changes(1)] == ["B"]


def test_the_same_rows_in_another_order() -> None:
    rows = [{"code": "A", "units": 1, "note": None}, {"code": "B", "units": None, "note": "x"}]
    changes = compare(rows, rows[::-1] + rows[:1])
    assert not changes
    assert changes.counts == {"added": 0, "removed": 0, "changed": 0}
    assert list(changes.changes()) == []


def test_only_columns_that_differ_are_told() -> None:
    changes = compare([{"code": "A", "units": 1, "mai": 3}], [{"code": "A", "units": 2, "mai": 3}])
    (change,) = changes.changes()
    assert (change.before, change.after) == (({"units": 1},), ({"units": 2},))


def test_several_rows_of_a_code() -> None:
    before = [{"code": "A", "with": w, "from": date(2026, 1, 1)} for w in ("X", "Y")]
    after = [{"code": "A", "with": w, "from": date(2026, 1, 1)} for w in ("Y", "Z", "W")]
    (change,) = compare(before, after).changes()
    assert [row["with"] for row in change.before] == ["X"]
    assert [row["with"] for row in change.after] == ["W", "Z"]


def test_a_row_less() -> None:
    before = [{"code": "A", "with": w} for w in ("X", "Y")]
    changes = compare(before, before[:1])
    (change,) = changes.changes()
    assert (change.before, change.after) == (({"with": "Y"},), ())
    assert changes.counts["changed"] == 1


def test_columns_come_and_go() -> None:
    changes = compare([{"code": "A", "units": 1, "old": 1}], [{"code": "A", "units": 1, "new": 1}])
    assert changes
    assert (changes.new_columns, changes.lost_columns) == (("new",), ("old",))
    assert changes.counts == {"added": 0, "removed": 0, "changed": 0}


@pytest.mark.parametrize(
    ("before", "after"),
    [(pl.Int32, pl.Int64), (pl.Decimal(8, 2), pl.Decimal(8, 4)), (pl.Int64, pl.Float64)],
)
def test_numbers_read_in_another_type_are_the_same(before: Any, after: Any) -> None:
    rows = [{"code": "A", "units": 3}]
    assert not compare_editions(table(rows, units=before), table(rows, units=after))
    other = table([{"code": "A", "units": 4}], units=after)
    assert compare_editions(table(rows, units=before), other).counts["changed"] == 1
