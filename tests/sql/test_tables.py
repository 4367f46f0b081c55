"""The tables of a target follow from the one list of claim columns."""

from __future__ import annotations

from claimsctl.claim import BY_NAME, COLUMNS
from claimsctl.price.line import OUTPUT
from claimsctl.sql.tables import (
    CLAIM_KEY,
    CLAIM_LINES,
    CLAIMS,
    PRICES,
    TARGET_TABLES,
    TECHNICAL_TABLES,
    all_tables,
    staging_of,
    tables_for,
)


def test_every_canonical_column_stands_in_one_of_claims_and_lines() -> None:
    lines = set(CLAIM_LINES.names) - set(CLAIM_KEY)
    for column in COLUMNS:
        here = {"claims"} if column.name in CLAIMS.names else set()
        here |= {"claim_lines"} if column.name in lines else set()
        assert here == ({"claims"} if column.level == "claim" else {"claim_lines"}), column.name


def test_prices_are_those_that_pricing_gives() -> None:
    assert {column.name: column.dtype() for column in PRICES} == dict(OUTPUT)


def test_codes_and_texts_have_lengths_that_hold_the_examples() -> None:
    for table in (CLAIMS, CLAIM_LINES):
        for column in table.columns:
            if column.kind in ("code", "text"):
                assert column.length > 0, column.name
                example = BY_NAME[column.canonical].example if column.canonical else ""
                assert len(example) <= column.length, column.name


def test_keys_and_indexes_are_columns_and_keys_are_never_null() -> None:
    for table in all_tables("plain"):
        assert len(set(table.names)) == len(table.names)
        for names in (table.key, *table.indexes):
            assert set(names) <= set(table.names), table.name
        assert not [name for name in table.key if table.column(name).nullable], table.name


def test_tables_are_the_six_the_technical_ones_and_staging() -> None:
    names = [table.name for table in all_tables("plain")]
    staging = [f"{name}_staging" for name in TARGET_TABLES]
    assert names == [*TARGET_TABLES, *TECHNICAL_TABLES, *staging]
    assert staging_of(CLAIMS).names == ("stage_job", "stage_batch", *CLAIMS.names)
    before = tables_for("plain")["claims_before"]
    assert before.names == ("replaced_by", *CLAIMS.names)
    assert before.key == ("replaced_by", *CLAIM_KEY)


def test_the_policy_makes_room_for_what_it_writes_and_leaves_keys_alone() -> None:
    for phi in ("mask", "encrypt"):
        claims = tables_for(phi)["claims"]
        assert claims.names == CLAIMS.names
        for plain, written in zip(CLAIMS.columns, claims.columns, strict=True):
            if BY_NAME.get(plain.name) is not None and BY_NAME[plain.name].phi == "identifier":
                assert written.kind == ("text" if phi == "mask" else "code"), plain.name
            if not plain.treated:
                assert written == plain
        assert claims.column("patient_dob").kind in ("text", "code")
        assert [claims.column(name) for name in claims.key] == [CLAIMS.column(name) for name in CLAIMS.key]
        assert claims.column("service_date_first").kind == "date"


def test_an_outbox_has_all_columns_but_when_they_arrived() -> None:
    for table in all_tables("plain"):
        assert set(table.names) - set(table.schema()) == {"loaded_at"}, table.name
