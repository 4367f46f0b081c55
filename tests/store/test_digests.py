"""Digests notice every change of what a claim says, and nothing else."""

from __future__ import annotations

import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st

from claimsctl.store.digests import claim_digest, digest_scheme, row_digests

KEY = bytes(range(32))
COLUMNS = {"charge_amount": "c0", "procedure_code": "c1", "modifier_1": "c2"}
CELL = st.none() | st.text("ab10. ", max_size=4)
ROWS = st.lists(st.tuples(CELL, CELL, CELL), min_size=1, max_size=6)


def frame(rows: list[tuple[str | None, str | None, str | None]]) -> pl.DataFrame:
    return pl.DataFrame(rows, schema=dict.fromkeys(("c0", "c1", "c2"), pl.String), orient="row")


def claim(rows: pl.DataFrame) -> int:
    digests = row_digests(rows, COLUMNS, KEY)
    return digests.to_frame().select(claim_digest("digest")).item()  # type: ignore[no-any-return]


@settings(deadline=None)
@given(ROWS, ROWS)
def test_equal_exactly_when_the_rows_are(one: list[tuple[str]], two: list[tuple[str]]) -> None:
    def said(rows: list[tuple[str]]) -> list[tuple[str, ...]]:
        return sorted(tuple(cell or "" for cell in row) for row in rows)

    same = claim(frame(one)) == claim(frame(two))  # type: ignore[arg-type]
    assert same == (said(one) == said(two))


def test_lines_that_swap_a_value_are_noticed() -> None:
    before = frame([("10.00", "90834", None), ("20.00", "90837", None)])
    after = frame([("20.00", "90834", None), ("10.00", "90837", None)])
    assert claim(before) != claim(after)


def test_columns_that_swap_a_value_are_noticed() -> None:
    assert claim(frame([("a", "b", None)])) != claim(frame([("b", "a", None)]))


def test_absent_column_is_a_blank_one_and_order_does_not_matter() -> None:
    rows = frame([("10.00", "90834", None), ("20.00", "90837", "")])
    whole = row_digests(rows, COLUMNS, KEY).to_list()
    fewer = {"procedure_code": "c1", "charge_amount": "c0"}
    assert row_digests(rows, fewer, KEY).to_list() == whole
    renamed = rows.rename({"c0": "z9"})
    assert row_digests(renamed, {**COLUMNS, "charge_amount": "z9"}, KEY).to_list() == whole


def test_digests_do_not_depend_on_how_a_frame_is_cut() -> None:
    rows = frame([(str(n), str(n % 7), None) for n in range(1000)])
    whole = row_digests(rows, COLUMNS, KEY)
    cut = pl.concat([rows.slice(0, 300), rows.slice(300)], rechunk=False)
    assert row_digests(cut, COLUMNS, KEY).equals(whole)
    assert row_digests(rows.slice(300, 10), COLUMNS, KEY).equals(whole.slice(300, 10))
    assert whole.n_unique() == 1000


def test_without_columns_rows_say_nothing() -> None:
    assert row_digests(frame([("a", "b", "c")]), {}, KEY).to_list() == [0]


def test_scheme_names_hash_and_key() -> None:
    assert digest_scheme(KEY) == digest_scheme(KEY)
    assert digest_scheme(KEY) != digest_scheme(b"z" * 32)
    assert digest_scheme(KEY).startswith("polars-")
