"""Whatever stands in the cells: repairs settle at once, move no money and no date, and run nothing."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st

from claimsctl.facts.cells import BIRTH_DATES
from claimsctl.facts.typed import Layout
from claimsctl.facts.values import read_amounts, read_dates
from claimsctl.fix.applying import Repaired, Repairer
from claimsctl.fix.repairs import DATES, MONEY, Knowledge
from claimsctl.fix.survey import survey
from claimsctl.write.text import neutralise

AS_OF = date(2026, 6, 30)
KNOWN = Knowledge(
    payer_ids=frozenset({"00060", "06111", "87726"}),
    payer_words=frozenset({"UHC", "6111X"}),
    zip_states={"016": "MA", "006": "PR", "095": "AE", "021": "MA"},
    as_of=AS_OF,
)
COLUMNS = (
    "claim_number", "line_number", "patient_ssn", "patient_phone", "patient_dob", "patient_sex",
    "patient_address", "patient_zip", "patient_state", "patient_country", "billing_zip", "member_id",
    "claim_filing_code", "payer_id", "billing_npi", "billing_taxonomy", "place_of_service",
    "service_date_from", "coverage_end_date", "procedure_code", "modifier_1", "diagnosis_1", "units",
    "minutes", "charge_amount", "copay_amount", "ndc_code", "line_note", "value_amount", "session_start_time",
)  # fmt: skip
FULL_NAME = "patient_name"
MONEY_AND_DATES = [name for name in COLUMNS if name in MONEY | DATES]
BESIDE = {
    "patient_zip": ("patient_state", "patient_country"),
    "billing_zip": ("billing_state",),
    "member_id": ("claim_filing_code",),
}
SHAPES = (
    r"[0-9]{1,12}(\.0{1,2})?",
    r"[0-9]{3}[- .]?[0-9]{2}[- .]?[0-9]{4}",
    r"\+?1? ?\(?[2-9][0-9]{2}\)?[ -][0-9]{3}-[0-9]{4}",
    r"[0-9]{1,2}[/-][0-9]{1,2}[/-]([0-9]{4}|[0-9]{2})( 0:00| 12:00:00 AM| 10:30)?",
    r"20[0-9]{2}[-/]?[01]?[0-9][-/]?[0-3]?[0-9]",
    r"[0-3]?[0-9]-(Jan|MAY|feb)-(20)?[0-9]{2}",
    r"\(?-?\$?[0-9]{1,3}(,[0-9]{3})?(\.[0-9]{1,6})?-?\)?",
    r"[0-9](\.[0-9]{1,9})?[Ee]\+?[0-9]{1,2}",
    r"[A-Ta-t][0-9OI][0-9a-bOI]\.?[0-9 OI]{0,3}[a-d]?\.?",
    r"[0-9a-g]{1,4} ?[0-9a-u]",
    r"[0-9]{4,5}-[0-9]{3,4}-[0-9]{1,2}",
    r"[1-9][ACac]-?[0-9Aa]{1,2}-?[0-9AaEe]{8}",
    r"[a-zA-Z]{2}",
    r'="[0-9A-Z ]{0,5}"',
)
MARKS = st.sampled_from(
    ["", "", "", " ", "'", "  ", "\u00a0", "\u200b", "\u200d", "''", "' ", "\t", "=", "-", ".", "\ufeff"]
)
BODY = st.one_of(
    st.sampled_from(SHAPES).flatmap(lambda shape: st.from_regex(shape, fullmatch=True)),
    st.text(
        st.sampled_from("0123456789aAeEzZ .-/'\"=+@$(),\u00a0\u200b\u200d\u202e\u00e9\n\t;xX"), max_size=14
    ),
    st.text(max_size=8),
)
CELL = st.one_of(st.none(), st.builds("".join, st.tuples(MARKS, BODY, MARKS)))


@dataclass
class Table:
    """A column of cells with the columns that its repairs look at."""

    name: str
    layout: Layout
    rows: pl.DataFrame

    @property
    def raw(self) -> dict[str, str]:
        return {**self.layout.columns, **dict.fromkeys([FULL_NAME] if self.layout.full_names else [], "c0")}


@st.composite
def tables(draw: st.DrawFn, names: Collection[str] = (*COLUMNS, FULL_NAME)) -> Table:
    name = draw(st.sampled_from(sorted(names)))
    used = (name, *BESIDE.get(name, ()))
    height = draw(st.integers(1, 4))
    cells = {f"c{n}": draw(st.lists(CELL, min_size=height, max_size=height)) for n in range(len(used))}
    rows = pl.DataFrame(cells, schema=dict.fromkeys(cells, pl.String)).with_row_index("row_number", 2)
    columns = {} if name == FULL_NAME else {each: f"c{n}" for n, each in enumerate(used)}
    layout = Layout(columns, {}, {"patient": "c0"} if name == FULL_NAME else {})
    return Table(name, layout, rows.with_columns(pl.col("row_number").cast(pl.Int64)))


def repaired(table: Table, rows: pl.DataFrame | None = None) -> Repaired:
    rows = table.rows if rows is None else rows
    return Repairer(table.layout, KNOWN, survey([rows], table.layout)).repair(rows)


def read(name: str, cells: pl.Series) -> pl.Series:
    text = cells.str.strip_chars()
    if name in MONEY:
        return read_amounts(text)
    return read_dates(text, latest=AS_OF if name in BIRTH_DATES else None)


@settings(max_examples=120, deadline=None)
@given(tables())
def test_repairing_twice_is_repairing_once(table: Table) -> None:
    once = repaired(table)
    twice = repaired(table, once.rows)
    assert twice.rows.to_dict(as_series=False) == once.rows.to_dict(as_series=False)
    assert twice.tally.cells == 0
    assert not twice.tally.repairs


@settings(max_examples=80, deadline=None)
@given(tables(MONEY_AND_DATES))
def test_money_and_dates_mean_the_same(table: Table) -> None:
    before, after = table.rows["c0"], repaired(table).rows["c0"]
    old, new = read(table.name, before), read(table.name, after)
    readable = old.is_not_null()
    assert new.filter(readable).to_list() == old.filter(readable).to_list()


@settings(max_examples=80, deadline=None)
@given(tables())
def test_no_repair_makes_a_formula(table: Table) -> None:
    done = repaired(table).rows
    for raw in table.raw.values():
        for old, new in zip(table.rows[raw], done[raw], strict=True):
            if new is not None and pl.select(neutralise(pl.lit(new))).item() != new:
                assert new[0] == old[0]


@settings(max_examples=60, deadline=None)
@given(tables())
def test_the_report_says_exactly_what_changed(table: Table) -> None:
    done = repaired(table)
    applied = done.report.filter(pl.col("applied") == "yes")
    changed = {
        (row, name)
        for name, raw in table.raw.items()
        for row, old, new in zip(table.rows["row_number"], table.rows[raw], done.rows[raw], strict=True)
        if old != new
    }
    assert set(applied.select("row_number", "field").rows()) == changed
    assert applied.height == len(changed) == done.tally.cells
    assert set(done.changed) == {table.raw[name] for _, name in changed}
    assert done.report["why"].null_count() == 0
    assert sum(done.tally.proposals.values()) == (done.report["applied"] == "no").sum()


@settings(max_examples=60, deadline=None)
@given(
    st.decimals(-(10**9), 10**9, places=2), st.sampled_from(("${}", "${:,}", "{:,}", " {} ", "USD {}", "'{}"))
)
def test_written_amounts_are_repaired_without_a_change_of_value(amount: Decimal, form: str) -> None:
    rows = pl.DataFrame({"row_number": [2], "c0": [form.format(amount)]})
    after = repaired(Table("charge_amount", Layout({"charge_amount": "c0"}), rows)).rows["c0"][0]
    assert Decimal(after) == amount
