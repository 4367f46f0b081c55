"""The benchmark's claims: same bytes for a seed, nothing wrong without errors, marked mistakes with them."""

from __future__ import annotations

import datetime as dt
from functools import cache
from pathlib import Path

import polars as pl
import pytest

from benchmarks import generate, mistakes, visits
from benchmarks.peers.twenty import RULES, npi_is_valid, passes

LINES = 3_000


@cache
def claims(errors: float = 0.0, bad_rows: bool = False, seed: int = 1) -> pl.DataFrame:
    return pl.concat([f for f, _ in generate.chunks(LINES, errors=errors, bad_rows=bad_rows, seed=seed)])


@cache
def answers(errors: float, seed: int = 1) -> pl.DataFrame:
    return pl.concat([a for _, a in generate.chunks(LINES, errors=errors, seed=seed)])


def cents(column: str) -> pl.Expr:
    return (pl.col(column).cast(pl.Decimal(14, 2)) * 100).cast(pl.Int64)


@pytest.mark.parametrize("lines", [1, 2, 7, 100, LINES])
def test_has_exactly_the_lines_asked_for(tmp_path: Path, lines: int) -> None:
    generate.write(lines, tmp_path / "claims.csv")
    assert pl.read_csv(tmp_path / "claims.csv", infer_schema=False).height == lines


def test_same_seed_same_bytes_other_seed_other_bytes(tmp_path: Path) -> None:
    for name, seed in (("a", 1), ("b", 1), ("c", 2)):
        generate.write(500, tmp_path / name, seed=seed)
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()
    assert (tmp_path / "a").read_bytes() != (tmp_path / "c").read_bytes()


def test_chunks_do_not_depend_on_how_many_follow(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(generate, "CHUNK", 400)
    short = [frame for frame, _ in generate.chunks(800)]
    long = [frame for frame, _ in generate.chunks(1_600)]
    assert short[0].equals(long[0])
    assert short[1].equals(long[1])
    numbers = pl.concat(long)["claim_number"].drop_nulls()
    assert not set(long[0]["claim_number"].drop_nulls()) & set(long[1]["claim_number"].drop_nulls())
    assert numbers.len() > 1_500


def test_fills_more_than_sixty_canonical_columns() -> None:
    frame = claims()
    claim = pytest.importorskip("claimsctl.claim")
    assert set(frame.columns) <= set(claim.BY_NAME)
    filled = [name for name in frame.columns if frame[name].null_count() < frame.height]
    assert len(filled) >= 60
    every = [name for name in frame.columns if frame[name].null_count() == 0]
    assert len(every) >= 30


@pytest.mark.parametrize(
    "column",
    ["billing_npi", "rendering_npi", "referring_npi", "ordering_npi", "supervising_npi", "facility_npi"],
)
def test_npis_have_a_valid_check_digit(column: str) -> None:
    values = claims()[column].drop_nulls().unique().to_list()
    assert values
    assert all(npi_is_valid(value) and value[0] in "12" for value in values)


def test_claims_balance_and_count_their_lines() -> None:
    by_claim = (
        claims()
        .group_by("claim_number")
        .agg(
            cents("charge_amount").sum().alias("lines"),
            cents("claim_charge_amount").unique().alias("totals"),
            pl.col("line_number").cast(pl.Int64).sort().alias("numbers"),
            pl.len(),
        )
    )
    assert by_claim.filter(pl.col("totals").list.len() != 1).is_empty()
    assert by_claim.filter(pl.col("totals").list.first() != pl.col("lines")).is_empty()
    wrong = by_claim.filter(pl.col("numbers") != pl.int_ranges(1, pl.col("len") + 1))
    assert wrong.is_empty()
    assert by_claim["len"].max() >= 4


def test_a_patient_has_one_claim_a_day_and_one_practice() -> None:
    visits_of = claims().group_by("member_id", "service_date_from").agg(pl.col("claim_number").n_unique())
    assert visits_of["claim_number"].max() == 1
    practices = claims().group_by("member_id").agg(pl.col("billing_npi").n_unique())
    assert practices["billing_npi"].max() == 1


def test_dates_are_in_order() -> None:
    ordered = claims().select(
        (pl.col("service_date_from") <= pl.col("service_date_to")).all().alias("span"),
        (pl.col("service_date_to") <= pl.col("received_date")).all().alias("received"),
        (pl.col("received_date") <= visits.AS_OF.isoformat()).all().alias("as_of"),
        (pl.col("patient_dob") < pl.col("service_date_from")).all().alias("born"),
        (pl.col("admission_date") <= pl.col("discharge_date")).all().alias("stay"),
    )
    assert ordered.row(0) == (True,) * 5


def test_sessions_of_one_clinician_do_not_overlap() -> None:
    sessions = (
        claims()
        .drop_nulls("session_start_time")
        .unique("claim_number")
        .sort("rendering_npi", "service_date_from", "session_start_time")
    )
    following = sessions.with_columns(
        pl.col("session_start_time").shift(-1).over("rendering_npi", "service_date_from").alias("next")
    )
    assert sessions.height > 100
    assert following.filter(pl.col("session_end_time") > pl.col("next")).is_empty()


def test_office_days_are_working_days() -> None:
    office = claims().filter(pl.col("place_of_service") == "11")["service_date_from"].unique().to_list()
    days = [dt.date.fromisoformat(text) for text in office]
    assert all(day.weekday() < 5 and day not in visits.HOLIDAYS for day in days)


def test_twenty_rules_find_nothing_without_errors() -> None:
    copay = [rule for rule in RULES if rule.column == "copay_amount"]
    for row in claims().iter_rows(named=True):
        # One copay may be above one line of a claim; that is what FIN-004 says better than the simple rule.
        assert not [rule.name for rule in RULES if rule not in copay and not passes(rule, row)]


@pytest.mark.parametrize("share", [0.05, 0.2])
def test_the_asked_share_of_rows_has_a_mistake(share: float) -> None:
    marked = answers(share)["row_number"].n_unique() / LINES
    assert share * 0.75 <= marked <= share * 1.25


def test_mistakes_stand_where_the_answers_say() -> None:
    clean, wrong, truth = claims(), claims(0.2), answers(0.2)
    changed = {number for number in range(LINES) if clean.row(number) != wrong.row(number)}
    said = {row - 2 for row in truth["row_number"]}
    assert changed <= said
    # A mistake may by chance repeat what stood there (a member without a group has no group to lose).
    assert len(said - changed) <= len(said) * 0.05


def test_there_are_many_kinds_and_all_are_drawn() -> None:
    names = [kind.name for kind in mistakes.KINDS]
    assert len(set(names)) == len(names) >= 60
    columns = {column for kind in mistakes.KINDS for column in kind.cells}
    assert columns <= set(visits.COLUMN_ORDER)
    assert len(columns) >= 40
    drawn = set(answers(0.5)["kind"])
    assert len(set(names) - drawn) <= 3


def test_bad_rows_have_three_mistakes_each() -> None:
    clean, wrong = claims(), claims(0.05, True)
    different = sum((clean[n].fill_null("") != wrong[n].fill_null("")).cast(pl.Int32) for n in clean.columns)
    assert different.min() >= 2  # one of the three may write what stood there
    assert different.filter(different >= 3).len() >= LINES * 0.95


def test_groups_of_bad_rows_do_not_share_columns() -> None:
    groups: dict[str, set[str]] = {}
    for kind in mistakes.KINDS:
        if kind.group:
            groups.setdefault(kind.group, set()).update(kind.cells)
    a, b, c = groups["a"], groups["b"], groups["c"]
    assert len(a | b | c) == len(a) + len(b) + len(c)


def test_command_line(tmp_path: Path) -> None:
    out, truth = tmp_path / "claims.csv", tmp_path / "answers.csv"
    generate.main(["250", str(out), "--errors", "0.1", "--seed", "4", "--answers", str(truth)])
    assert len(out.read_text().splitlines()) == 251
    assert pl.read_csv(truth).columns == ["row_number", "kind", "code"]
