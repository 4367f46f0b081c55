"""claim-validator with its own rules: its speed, and which ICD-10-CM codes it takes as valid."""

from __future__ import annotations

import csv
import json
from collections import Counter
from collections.abc import Callable
from pathlib import Path

from benchmarks.measure import Failed, Row, best, run
from benchmarks.runs import Bench

LINES = 50_000
SERVICE_DATE = "2026-06-15"
CODE_RULES = ("DX-002", "DX-003", "DX-004", "DX-006", "DX-007", "DX-009")
"""The rules that say whether a diagnosis code exists and may be billed."""
Taken = dict[str, int]


def measure(bench: Bench) -> None:
    version = bench.installed("claim-validator")
    _speed(bench, version)
    listed, claims = bench.work / "codes.csv", bench.work / "code-claims.csv"
    run(bench.module("code_list", listed, claims, 20 if bench.quick else 1))
    with listed.open(newline="", encoding="utf-8") as rows:
        billable = [row["billable"] for row in csv.DictReader(rows)]
    taken: dict[str, Taken | str] = {}
    tools: dict[str, Callable[[], Taken]] = {
        "claimsctl": lambda: _taken_by_rules(bench, claims, billable),
        "claim-validator": lambda: _asked(bench, "peers.claim_validator_peer", listed),
        "msdrg": lambda: _asked(bench, "peers.msdrg_peer", listed, SERVICE_DATE),
    }
    for tool, ask in tools.items():
        try:
            taken[tool] = ask()
        except Failed as error:
            taken[tool] = str(error)
    bench.facts["diagnosis_codes_taken"] = taken
    bench.notes.append(described(Counter(billable), taken))


def _speed(bench: Bench, version: str | None) -> None:
    """The same claims through both, each with its own rules."""
    source = bench.file(LINES // 10 if bench.quick else LINES)
    title = f"claim-validator {version or ''}, its own rules".replace(" ,", ",")
    try:
        runs = [bench.process(source) for _ in bench.rounds(2)]
    except Failed as error:
        bench.add(Row("claimsctl process, all rules", None, None, None, f"failed: {error}"))
        return
    mine, summary = best([done for done, _summary in runs]), runs[0][1]
    lines, claims = summary["rows"]["read"], summary["claims"]["read"]
    rejected = summary["claims"]["rejected"]
    bench.add(
        Row("claimsctl process, all rules", lines, mine, None, _speed_note(claims, rejected, mine.wall))
    )
    report = bench.work / "report.csv"
    try:
        theirs = best(
            [run(bench.module("peers", "claim_validator", source, report)) for _ in bench.rounds(2)]
        )
    except Failed as error:
        bench.add(Row(title, lines, None, None, str(error)))
        return
    bench.add(Row(title, lines, theirs, None, _speed_note(claims, _with_error(report), theirs.wall)))


def _speed_note(claims: int, rejected: int, wall: float) -> str:
    return f"{claims / wall:,.0f} claims/s; errors in {rejected:,} of {claims:,} claims"


def _with_error(report: Path) -> int:
    with report.open(newline="", encoding="utf-8") as rows:
        return len({row["claim_number"] for row in csv.DictReader(rows) if row["severity"] == "error"})


def _asked(bench: Bench, module: str, *arguments: object) -> Taken:
    taken: Taken = json.loads(run(bench.module(module, *arguments)).output)
    return taken


def _taken_by_rules(bench: Bench, claims: Path, billable: list[str]) -> Taken:
    only = [part for code in CODE_RULES for part in ("--only", code)]
    bench.process(claims, *only, keep="errors.csv")
    with (bench.work / "errors.csv").open(newline="", encoding="utf-8") as rows:
        refused = {
            int(row["row_number"]) - 2
            for row in csv.DictReader(rows)
            if row["code"] in CODE_RULES and row["severity"] == "error"
        }
    return Counter(kind for number, kind in enumerate(billable) if number not in refused)


def described(listed: Taken, taken: dict[str, Taken | str]) -> str:
    """The counts as Markdown."""
    out = [
        f"Diagnosis codes taken as valid on {SERVICE_DATE}, of the ICD-10-CM list with {listed['yes']:,} "
        f"billable codes and {listed['no']:,} headings, which may not be billed:",
        "| tool | billable codes taken | headings taken |\n|---|---:|---:|",
    ]
    for tool, counts in taken.items():
        if isinstance(counts, str):
            out[-1] += f"\n| {tool} | {counts} | |"
            continue
        yes, no = counts.get("yes", 0), counts.get("no", 0)
        out[-1] += f"\n| {tool} | {yes:,} ({_percent(yes, listed['yes'])}) | {no:,} |"
    return "\n\n".join(out)


def _percent(part: int, whole: int) -> str:
    return f"{100 * part / whole:.1f} %" if part != whole else "all"
