"""Examples of rules with lines of earlier runs hold over two runs with a store between them."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from claimsctl.process.rulebook import load_rulebook
from claimsctl.reference.locate import data_path
from claimsctl.validate.pack import load_packs
from claimsctl.validate.ruleset import Selection
from tests.claims import CLEAN, write_csv

RULES = [rule for pack in load_packs(sorted(data_path("rules").glob("*.toml"))) for rule in pack.rules]
EXAMPLES = [
    (rule.code, example, example in rule.fails)
    for rule in RULES
    for example in (*rule.passes, *rule.fails)
    if example.history
]
_NUMBERS = ("claim_number", "original_claim_number", "payer_claim_number")


def line_of(number: int, cells: Mapping[str, object], place: str) -> dict[str, str]:
    """A line of an example in a file with all others: claims and patients are its own."""
    line = {**CLEAN, "service_date_to": "", "claim_number": place, **{k: str(v) for k, v in cells.items()}}
    for name in _NUMBERS:
        if line.get(name):
            line[name] = f"E{number}X{line[name]}"
    line["member_id"] = f"E{number}{line['member_id']}"
    return line


def test_examples_hold_over_two_runs(run: Any, tmp_path: Path) -> None:
    codes = {code for code, _, _ in EXAMPLES}
    assert {"CLM-013", "CPT-015", "DUP-003", "EM-001", "SUR-001"} <= codes
    past, now = [], []
    for number, (_, example, _) in enumerate(EXAMPLES):
        past += [line_of(number, cells, f"H{n}") for n, cells in enumerate(example.history)]
        now += [line_of(number, cells, f"R{n}") for n, cells in enumerate(example.rows)]
    accepted = load_rulebook(Selection(only=frozenset({"FIN-002"})), samples=True)
    first = run(write_csv(tmp_path / "past.csv", past), book=accepted)
    assert first["rows"]["accepted"] == len(past)
    book = load_rulebook(Selection(only=frozenset(codes)), samples=True)
    second = run(write_csv(tmp_path / "now.csv", now), book=book, out=tmp_path / "out")
    assert second["history"]["jobs"] == [first["job_id"]]
    with (tmp_path / "out" / "errors.csv").open(newline="", encoding="utf-8") as file:
        found = {(row["claim_number"], row["code"]) for row in csv.DictReader(file)}
    for number, (code, example, fails) in enumerate(EXAMPLES):
        claims = {line_of(number, cells, f"R{n}")["claim_number"] for n, cells in enumerate(example.rows)}
        assert any((claim, code) in found for claim in claims) == fails, (number, code)
