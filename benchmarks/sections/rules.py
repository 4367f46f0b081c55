"""What the rules cost by category and one by one, and the main job with all rules and all tables."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks.measure import Failed, Row, best, run
from benchmarks.runs import REFERENCE, Bench, describe

MOST_LINES = 1_000_000
DEAREST = 20
TARGET = "target at 1 million lines: 6 x the floor (aim 4 x), 1,500 MB"
HALF_YEAR = ("--from", "2026-01-01", "--to", "2026-06-30")
"""Lists of one quarter are put in force for the whole half-year of the generated claims."""
Files = Sequence[tuple[str, tuple[str, ...]]]
PUBLISHED: Files = (
    ("ncci/ptp_practitioner_pairs_derived_2026Q2.csv.gz", HALF_YEAR),
    ("ncci/MCR_MUE_PractitionerServices_Eff_04-01-2026.csv.gz", HALF_YEAR),
    ("pfs/rvu26b/PPRRVU2026_Apr_nonQPP.txt.gz", HALF_YEAR),
    ("pfs/rvu26c/PPRRVU2026_Jul_nonQPP.csv.gz", ()),
    ("pfs/rvu26b/GPCI2026.csv", ()),
    ("mce/mce_dx_edits_2026_derived.csv.gz", ()),
    ("hcpcs/hcpcs_level2_2026q3_codes.txt.gz", HALF_YEAR),
    ("geo/ZIP5_OCT2025.txt.gz", HALF_YEAR),
)
INVENTED: Files = (
    ("ptp_practitioner_pairs.csv", HALF_YEAR),
    ("MCR_MUE_PractitionerServices_Eff_01-01-2026.csv", HALF_YEAR),
    ("PPRRVU2026_Jan.csv", HALF_YEAR),
    ("mce_dx_edits_2026.csv", ()),
    ("hcpcs_level2_codes.txt", HALF_YEAR),
    ("ZIP5_JAN2026.txt", HALF_YEAR),
)
METHOD = """\
How it was measured: {lines:,} lines went through the steps of `claimsctl process`; where the rules are
evaluated on a part, each category was evaluated again, alone, on the same facts. Rules share their work (a
condition that several ask is decided once, a fact is made once), so these times do not add up to the run.
*Lines joined* is what duplicates, totals and NCCI pairs of the category cost beyond what every run needs.
Single rules were evaluated alone on {sampled:,} of the lines, the quickest of three, and scaled up; *once*
is what does not grow with the lines. Not in these times: typing and facts, findings, files, the store."""


def measure(bench: Bench) -> None:
    try:
        tables = _tables(bench)
    except Failed as error:
        bench.add(Row("reference tables", None, None, None, f"failed: {error}"))
        return
    lines = min(MOST_LINES, bench.sizes[-1])
    source = bench.file(lines)
    _whole(bench, source, lines, tables)
    try:
        done = run(bench.module("rule_costs", source), bench.environment(tables))
    except Failed as error:
        bench.notes.append(f"Cost of the rules: failed: {error}")
        return
    costs = json.loads(done.output)
    bench.facts["rule_costs"] = costs
    bench.notes.append(described(costs))


def _tables(bench: Bench) -> Path:
    """A directory of loaded editions, from the published files where they are, else from invented ones."""
    folder, files = REFERENCE, PUBLISHED
    if not all((folder / name).exists() for name, _ in files):
        folder, files = bench.work / "tables", INVENTED
        bench.say("making reference tables of the published size")
        run(bench.module("tables", folder))
    workspace = bench.environment()
    for name, options in files:
        loaded = bench.load(folder / name, *options, workspace=workspace)
        if name == files[0][0]:
            kind = "as published" if folder == REFERENCE else "invented"
            bench.add(Row("claimsctl reference load, NCCI pairs", 2_140_693, loaded, None, kind))
    return Path(workspace["CLAIMSCTL_WORKSPACE"]) / "reference"


def _whole(bench: Bench, source: Path, lines: int, tables: Path) -> None:
    """The floor and the main job with all rules and tables, turn and turn about."""
    title = "claimsctl process, all rules and tables"
    floors, runs = [], []
    try:
        for _round in bench.rounds(2):
            floors.append(bench.floor(source))
            runs.append(bench.process(source, tables=tables))
    except Failed as error:
        bench.add(Row(title, lines, None, None, f"failed: {error}"))
        return
    floor = best(floors)
    bench.add(Row("bare Polars copy, CSV to Parquet", lines, floor, floor.wall))
    mine = best([done for done, _summary in runs])
    bench.add(Row(title, lines, mine, floor.wall, f"{describe(runs[-1][1])}; {TARGET}"))
    bench.facts["timings_with_tables"] = runs[-1][1]["timings"]


def described(costs: Mapping[str, Any]) -> str:
    """The costs as Markdown: method, totals, categories, the dearest rules."""
    categories, rules = costs["categories"], costs["rules"]
    alone = sum(each["evaluation"] for each in categories.values())
    stages = costs["stages"]
    out = [
        METHOD.format(**costs),
        f"All {len(rules)} rules of lines together: {costs['together']:.2f} s, of it {costs['once']:.2f} s "
        f"once; the categories alone add up to {alone:.2f} s, and a rule that asks nothing takes "
        f"{costs['nothing']:.3f} s. Beside that: reading and first pass {stages['ingest']:.2f} s, joining "
        f"lines {stages['cross']:.2f} s, typing and facts {stages['facts']:.2f} s.",
        "| category | rules | evaluation, s | lines joined, s |\n|---|---:|---:|---:|",
    ]
    dearest = sorted(categories.items(), key=lambda item: -item[1]["evaluation"] - (item[1]["cross"] or 0))
    for name, each in dearest:
        joined = "" if each["cross"] is None else f"{each['cross']:.2f}"
        out[-1] += f"\n| {name} | {each['rules']} | {each['evaluation']:.2f} | {joined} |"
    out.append("| rule | evaluation, s | once, s |\n|---|---:|---:|")
    for code, (rows, once) in sorted(rules.items(), key=lambda item: -sum(item[1]))[:DEAREST]:
        out[-1] += f"\n| {code} | {rows:.2f} | {once:.2f} |"
    facts = sorted(costs["facts"].items(), key=lambda item: -item[1])[:5]
    out.append("Dearest facts: " + "; ".join(f"{name} {spent:.2f} s" for name, spent in facts) + ".")
    return "\n\n".join(out)
