"""The command line of the bench and what it prints; nothing is measured here."""

from __future__ import annotations

import argparse
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from benchmarks import bench
from benchmarks.measure import ROOT, Measure, Row, size, table
from benchmarks.runs import describe
from benchmarks.sections import codes, edits, rules, twenty


def test_sections_are_chosen_by_name_and_run_in_their_own_order() -> None:
    assert bench.chosen_sections("edits, start") == ["start", "edits"]
    assert bench.chosen_sections("all") == list(bench.SECTIONS)
    assert bench.parser().parse_args([]).sections == list(bench.SECTIONS)


@pytest.mark.parametrize("text", ["", " , ", "rules,spead"])
def test_a_wrong_section_is_refused_and_the_right_ones_named(text: str) -> None:
    with pytest.raises(argparse.ArgumentTypeError, match="there are start, speed"):
        bench.chosen_sections(text)


def test_sizes_are_sorted_and_told_from_nonsense() -> None:
    assert bench.chosen_sizes("1m,20k,20000,1.5k") == (1_500, 20_000, 1_000_000)
    assert size(" 2500 ") == 2_500
    for wrong in ("many", "", "0", "-5"):
        with pytest.raises(argparse.ArgumentTypeError):
            bench.chosen_sizes(wrong)


def test_the_parent_imports_nothing_heavy() -> None:
    heavy = "{'polars', 'numpy', 'pyarrow', 'duckdb', 'msdrg', 'claim_validator'}"
    code = f"import sys, benchmarks.bench; print(sorted({heavy} & set(sys.modules)))"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, check=True, timeout=600
    )
    assert done.stdout.strip() == "[]"


def test_table_has_speed_ratio_and_failures() -> None:
    rows = [
        Row("copy", 1_000, Measure(2.0, 1.0, 100.4), 2.0),
        Row("process", 1_000, Measure(8.0, 1.0, 300.0), 2.0, "note"),
        Row("other", 10, None, None, "not installed: other"),
    ]
    assert table(rows).splitlines()[2:] == [
        "| copy | 1,000 | 2.00 | 500 | 100 MB | 1.0 |  |",
        "| process | 1,000 | 8.00 | 125 | 300 MB | 4.0 | note |",
        "| other | 10 | | | | | not installed: other |",
    ]


def test_rules_that_ran_are_told_from_those_that_did_not() -> None:
    not_run = [
        {"code": "NCCI-001", "reason": "no edition", "rows": 4, "table": "ncci_ptp"},
        {"code": "NCCI-001", "reason": "no edition", "rows": 2, "table": "ncci_ptp"},
        {"code": "PRC-001", "reason": "not loaded", "rows": 9},
    ]
    found = {"error": 1_200, "warning": 30, "info": 4}
    summary = {"rules": {"active": 40, "not_run": not_run}, "findings": found}
    assert describe(summary) == "40 rules ran (1 not on every line), 1 did not; 1,234 findings"
    summary["rules"] = {"active": 41, "not_run": []}
    assert describe(summary) == "41 rules ran, 0 did not; 1,234 findings"


def test_tools_that_disagree_are_named() -> None:
    counts = {100: {"claimsctl": 5, "polars": 5}, 1_000: {"claimsctl": 9, "pointblank": 5}}
    assert twenty.agreement(counts) == (
        "WARNING: tools disagree on the findings in 1000 lines: claimsctl 9, pointblank 5."
    )
    assert "same number" in twenty.agreement({100: {"claimsctl": 5, "polars": 5}})


def test_costs_are_told_with_their_method_the_dearest_first() -> None:
    costs = {
        "lines": 2_000,
        "sampled": 1_000,
        "stages": {"ingest": 1.0, "cross": 0.5, "facts": 0.25},
        "together": 2.0,
        "once": 0.5,
        "nothing": 0.001,
        "categories": {
            "dates": {"rules": 3, "evaluation": 0.5, "cross": None},
            "duplicate": {"rules": 2, "evaluation": 0.1, "cross": 0.75},
        },
        "rules": {f"DX-{n:03d}": (n / 100, 0.0) for n in range(1, 31)},
        "facts": {"patient_age": 0.2},
    }
    text = rules.described(costs)
    assert "2,000 lines went through" in text
    assert "alone on 1,000 of the lines" in " ".join(text.split())
    assert "add up to 0.60 s" in text
    assert text.index("| duplicate | 2 | 0.10 | 0.75 |") < text.index("| dates | 3 | 0.50 |  |")
    assert text.count("| DX-") == rules.DEAREST
    assert text.index("| DX-030 | 0.30 |") < text.index("| DX-011 | 0.11 |")


def test_code_counts_as_a_table() -> None:
    taken: dict[str, codes.Taken | str] = {
        "claimsctl": {"yes": 200},
        "other": {"yes": 50, "no": 3},
        "third": "not installed: third",
    }
    text = codes.described(Counter({"yes": 200, "no": 40}), taken)
    assert "| claimsctl | 200 (all) | 0 |" in text
    assert "| other | 50 (25.0 %) | 3 |" in text
    assert "| third | not installed: third | |" in text


def test_differences_of_edits_are_listed_by_kind() -> None:
    told = [
        {"day": "2026-06-01", "edit": "sex", "rule": "DX-028", "asked": 10, "both": 4,
         "differences": {"ours alone": 2}, "examples": {"ours alone": ["N400", "C61"]}},
    ]  # fmt: skip
    text = edits.described("1.2.0", told)
    assert "| 2026-06-01 | sex | DX-028 | 10 | 4 | 2 |" in text
    assert "- 2026-06-01, sex: 2 ours alone (N400, C61)" in text
    assert "No differences." in edits.described("1.2.0", [{**told[0], "differences": {}}])


def test_files_named_in_sections_are_those_the_generator_writes() -> None:
    from benchmarks import tables

    written = {tables.PTP_FILE, tables.MUE_FILE, tables.MPFS_FILE, tables.EDITS_FILE, tables.HCPCS_FILE}
    assert {name for name, _ in rules.INVENTED} == written | {tables.ZIP_FILE}


def test_rules_named_in_sections_are_those_that_are_compared() -> None:
    from benchmarks import code_list, diagnosis_edits

    assert set(edits.RULES) == set(diagnosis_edits.RULES)
    assert code_list.SERVICE_DATE == codes.SERVICE_DATE
    pack = (ROOT / "rules" / "diagnosis.toml").read_text(encoding="utf-8")
    assert all(f'code = "{code}"' in pack for code in (*edits.RULES, *codes.CODE_RULES))


def test_published_lists_lie_where_the_sections_look() -> None:
    reference = Path(rules.REFERENCE)
    if not reference.is_dir():
        pytest.skip("no published tables beside the checkout")
    for name in (*(name for name, _ in rules.PUBLISHED), *edits.LISTS):
        assert (reference / name).is_file(), name
