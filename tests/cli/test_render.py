"""The terminal summary and preview, as a person at 80 columns reads them."""

import copy
import io
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from claimsctl.cli.fact_lines import fact_lines
from claimsctl.cli.render import render_summary
from claimsctl.cli.render_preview import render_preview, render_sample

GOLDEN = Path(__file__).parent / "golden"
OUT = "claimsctl-out/20260630-1"

MIXED: dict[str, Any] = {
    "job_id": "20260630-1",
    "status": "COMPLETED_WITH_ERRORS",
    "mapping": {
        "columns": {f"column_{n}": "header" for n in range(34)},
        "ignored": ["Internal Ref", "Clinic [bold]", "\x1b]0;title\x07red", *["Extra"] * 5],
        "missing": ["patient_sex"],
    },
    "rows": {"read": 2600, "accepted": 2467, "held": 0, "rejected": 123, "skipped": 10, "malformed": 3},
    "claims": {"read": 1300, "accepted": 1240, "held": 0, "rejected": 60, "skipped": 0},
    "findings": {"error": 130, "warning": 1022, "info": 9},
    "findings_by_code": [
        {"code": "DTE-014", "severity": "warning", "rows": 1022, "claims": 800, "message":
         "service_date_from 2019-01-02 is more than two years before 2026-06-30; most payers refuse it"},
        {"code": "PAY-001", "severity": "error", "rows": 84, "claims": 40, "message": "payer_id X unknown"},
        *({"code": f"XXX-{n:03}", "severity": "info", "rows": 1, "message": "note"} for n in range(9)),
    ],
    "causes": [
        {"cause": "Payer 60054X is not in the payer registry", "rows": 84, "claims": 40, "severity": "error",
         "fix": 'Add to claimsctl.toml:\n[payer.60054X]\nname = "..."'},
        {"cause": "patient_age is -1; it must be from 0 to 150", "rows": 1, "severity": "error",
         "fix": "Look for swapped or two-digit years in the birth date."},
        *({"cause": f"Cause {n}", "rows": 2, "severity": "warning", "fix": ""} for n in range(1007)),
    ],
    "rules": {
        "active": 214,
        "not_run": [
            *({"code": "A", "reason": "the file has no column bill_type_code"},) * 8,
            *({"code": "B", "reason": "reference table ncci is not loaded"},) * 4,
            {"code": "C", "reason": "reason c"}, {"code": "D", "reason": "reason d"},
        ],
    },
    "since_last": {"fixed": 40, "new": 3, "same": 17},
    "history": {
        "jobs": ["20260511-1", "20260629-1"], "claims": 1204, "not_compared": 3,
        "seen_before": {"ab12": "20260629-1"},
    },
    "duplicates": {"found": 1, "strategy": "error"},
    "timings": {"total": 0.42},
    "rows_per_second": 6190.4,
    "peak_memory_bytes": 212_000_000,
    "outputs": {
        "accepted": f"{OUT}/accepted.parquet",
        "rejected": f"{OUT}/rejected.csv",
        "malformed": f"{OUT}/malformed.csv",
        "errors": f"{OUT}/errors.csv",
        "summary": f"{OUT}/summary.json",
    },
}  # fmt: skip
CLEAN: dict[str, Any] = {
    "status": "COMPLETED",
    "rows": {"read": 5, "accepted": 5},
    "claims": {"read": 2, "accepted": 2},
    "rules": {"active": 214, "not_run": []},
    "timings": {"total": 75.2},
    "outputs": {"accepted": f"{OUT}/accepted.csv", "summary": f"{OUT}/summary.json"},
}
PREVIEW: dict[str, Any] = {
    "inputs": [{"path": "june.csv", "format": "csv", "bytes": 123_456}],
    "mapping": {
        "columns": {"claim_number": "header 'Claim #' (synonym)", "procedure_code": "header 'CPT' (synonym)"},
        "ignored": ["Memo"],
        "missing": ["payer_id"],
    },
    "types": {"claim_number": "text", "procedure_code": "code"},
    "sample": {
        "header": ["Claim #", "CPT", "Patient Name", "Memo", "Empty"],
        "row_numbers": [2, 3, 4, 5, 1206],
        "rows": [
            ["A1", "99213", "J.", "a long\nmemo of some kind", ""],
            *[["A2", "99214", "", "", None]] * 4,
        ],
    },
    "warnings": ["payer_id is required and no header maps to it."],
    "findings_by_code": [{"code": "PRC-001", "severity": "error", "rows": 3, "message": "99999 is no code"}],
    "estimate": {"rows": 1_200_000, "seconds": 75},
}


def shown(render: Any, *arguments: Any, width: int = 80, encoding: str = "utf-8", **options: Any) -> str:
    raw = io.BytesIO()
    with io.TextIOWrapper(raw, encoding=encoding, newline="\n", write_through=True) as file:
        render(*arguments, Console(file=file, width=width), **options)
        return raw.getvalue().decode(encoding)


@pytest.mark.parametrize(
    ("name", "render", "content"),
    [
        ("mixed", render_summary, MIXED),
        ("clean", render_summary, CLEAN),
        ("preview", render_preview, PREVIEW),
    ],
)
def test_golden(name: str, render: Any, content: dict[str, Any]) -> None:
    assert shown(render, content) == (GOLDEN / f"{name}.txt").read_text("utf-8")


def test_plain_text_without_a_terminal_and_no_escape_from_the_file() -> None:
    text = shown(render_summary, MIXED)
    assert "\x1b" not in text
    assert "\x07" not in text
    assert "Clinic [bold]" in text, "markup in a header is text"


def test_no_color_means_no_colour_on_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    file = io.StringIO()
    render_summary(MIXED, Console(file=file, force_terminal=True, width=80))
    assert "\x1b[3" not in file.getvalue()


@pytest.mark.parametrize("encoding", ["ascii", "cp1252"])
def test_a_terminal_that_knows_few_characters(encoding: str) -> None:
    content = copy.deepcopy(MIXED)
    content["causes"][0]["cause"] = "Zahler 日本 ist unbekannt"
    assert "Zahler ?? ist" in shown(render_summary, content, encoding=encoding)
    assert "Sample rows" in shown(render_preview, PREVIEW, encoding=encoding)


@pytest.mark.parametrize("width", [40, 60, 200])
def test_commands_and_paths_are_never_broken(width: int) -> None:
    content = copy.deepcopy(MIXED)
    content["outputs"]["rejected"] = "my out/" + "x" * 90 + "/rejected.csv"
    command = ["claimsctl", "process", "--map", "Their Column=procedure_code"]
    text = shown(render_summary, content, width=width, next_command=command)
    line = "claimsctl process --map 'Their Column=procedure_code' 'my out/" + "x" * 90 + "/rejected.csv'"
    assert line in [line.strip() for line in text.splitlines()]
    assert '     name = "..."' in text.splitlines()
    assert "  Rows    2,600     2,467     0       123       10" in text.splitlines(), "numbers neither"


@pytest.mark.parametrize(
    ("claims", "rows", "status", "verdict"),
    [
        ({"read": 1, "accepted": 1}, {}, "COMPLETED", "The claim is clean."),
        ({"read": 1, "rejected": 1}, {}, "COMPLETED_WITH_ERRORS", "The claim needs fixing."),
        ({"read": 1200, "rejected": 1200}, {}, "COMPLETED", "All 1,200 claims need fixing."),
        ({"read": 3, "accepted": 1, "rejected": 1, "held": 1}, {}, "COMPLETED",
         "1 of 3 claims is clean; 1 needs fixing. 1 held back."),
        ({"read": 3, "accepted": 2, "held": 1}, {}, "COMPLETED", "2 of 3 claims are clean. 1 held back."),
        ({"read": 2, "accepted": 2}, {"rejected": 1}, "COMPLETED",
         "All 2 claims are clean; 1 record could not be read."),
        ({"read": 2, "skipped": 2}, {}, "COMPLETED", "Nothing new: every claim was skipped."),
        ({"read": 0}, {"rejected": 3}, "COMPLETED", "No claim could be read; 3 rows rejected."),
        ({"read": 0}, {}, "COMPLETED", "No claims were read."),
        ({"read": 9, "accepted": 4}, {}, "CANCELLED",
         "Cancelled before the end: 9 claims read, 4 clean so far."),
    ],
)  # fmt: skip
def test_verdict(claims: dict[str, int], rows: dict[str, int], status: str, verdict: str) -> None:
    text = shown(render_summary, {"status": status, "claims": claims, "rows": rows})
    assert text.splitlines()[0] == verdict


def test_several_inputs_are_fed_back_as_a_directory() -> None:
    content = {
        "claims": {"read": 2, "rejected": 2},
        "rows": {"rejected": 2},
        "outputs": {
            "rejected/a.csv": "out/rejected/a.csv",
            "rejected/b.xlsx": {"path": "out/rejected/b.xlsx", "rows": 7},
            "summary": "out/summary.json",
        },
    }
    text = shown(render_summary, content)
    assert "  rejected/b.xlsx  7 rows\n" in text
    assert "    claimsctl process out/rejected\n" in text


def test_workbooks_are_fixed_by_their_coloured_cells() -> None:
    content = {**MIXED, "outputs": {"rejected": "out/rejected.xlsx"}}
    assert "the coloured cells (see their comments)" in shown(render_summary, content)


def test_dry_run_says_that_nothing_was_written() -> None:
    text = shown(render_summary, {**MIXED, "outputs": {}})
    assert "Nothing was written (dry run)." in text
    assert "Files in" not in text


def test_sample_fits_and_counts_blank_columns() -> None:
    rows = [[f"{'value' * 9}{n}", None, ""] for n in range(5)]
    text = shown(render_sample, ["a", "b", "c"], rows)
    assert max(len(line) for line in text.splitlines()) <= 80
    assert "2 more columns blank in these rows." in text


@pytest.mark.parametrize(
    ("summary", "says"),
    [
        ({}, None),
        ({"cells_repaired": 0, "repairs": {}, "proposals": {}}, "no cell needed one"),
        (
            {"cells_repaired": 1_201, "repairs": {"zip_zero": 1_200, "date_format": 1}, "proposals": {},
             "outputs": {"repairs": f"{OUT}/repairs.csv"}},
            "1,201 cells repaired (1,200 ZIP codes with the zeros they lost, 1 dates as YYYY-MM-DD);"
            " repairs.csv lists them",
        ),
        (
            {"cells_repaired": 4, "proposals": {"date_order": 3, "date_year": 2},
             "repairs": {"zip_zero": 1, "npi_spaces": 1, "point_zero": 1, "zip_hyphen": 1}},
            "1 NPIs without spaces, 1 .0 behind a code removed, 1 more kind); 5 only proposed",
        ),
    ],
)  # fmt: skip
def test_repairs_are_counted(summary: dict[str, Any], says: str | None) -> None:
    found = dict(fact_lines(summary))["Repairs"]
    assert found.endswith(says) if says else found == ""
