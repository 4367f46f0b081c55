"""The list of diagnosis codes that tools are asked about, and the claims that ask claimsctl."""

from __future__ import annotations

from pathlib import Path

import polars as pl

from benchmarks import code_list
from benchmarks.sections.codes import CODE_RULES
from claimsctl.process.rulebook import load_rulebook
from claimsctl.validate.ruleset import Selection
from tests.conftest import Process


def test_every_billable_code_is_in_the_list_with_its_dot() -> None:
    listed = code_list.codes()
    assert listed["code"].n_unique() == listed.height
    assert listed.filter(pl.col("billable") == "yes").height == 74_719
    dotted = dict(listed.select("code", "dotted").iter_rows())
    assert (dotted["I10"], dotted["S52521A"], dotted["C7A00"]) == ("I10", "S52.521A", "C7A.00")


def test_the_rules_take_the_billable_codes_and_no_heading(run: Process, tmp_path: Path) -> None:
    listed = code_list.codes(200)
    code_list.claims(listed).write_csv(tmp_path / "claims.csv")
    book = load_rulebook(Selection(only=frozenset(CODE_RULES)))
    run(tmp_path / "claims.csv", book=book, out=tmp_path / "out")
    findings = pl.read_csv(tmp_path / "out" / "errors.csv", infer_schema=False)
    errors = findings.filter(pl.col("severity") == "error", pl.col("code").is_in(CODE_RULES))
    refused = set(errors["row_number"].cast(pl.Int64) - 2)
    headings = {number for number, kind in enumerate(listed["billable"]) if kind == "no"}
    assert len(headings) > 50
    assert refused == headings
