"""msdrg's code editor, a reimplementation of CMS's, beside our rules on diagnosis edits."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks.measure import Failed, run
from benchmarks.runs import REFERENCE, Bench

LISTS = ("mce/MCE_Simple_Code_Edits_v37.txt.gz", "mce/mce_dx_edits_2026_derived.csv.gz")
RULES = ("DX-017", "DX-018", "DX-019", "DX-028", "DX-029")


def measure(bench: Bench) -> None:
    version = bench.installed("msdrg")
    missing = [name for name in LISTS if not (REFERENCE / name).exists()]
    if version is None or missing:
        why = f"{', '.join(missing)} not beside the checkout" if missing else "msdrg is not installed"
        bench.notes.append(f"Diagnosis edits beside msdrg's code editor: not compared, {why}.")
        return
    try:
        told = _compared(bench)
    except Failed as error:
        bench.notes.append(f"Diagnosis edits beside msdrg's code editor: failed: {error}")
        return
    bench.facts["diagnosis_edits"] = told
    bench.notes.append(described(version, told))


def _compared(bench: Bench) -> list[dict[str, Any]]:
    workspace = bench.environment()
    for name in LISTS:
        bench.load(REFERENCE / name, workspace=workspace)
    claims, every = bench.work / "edit-claims.csv", 20 if bench.quick else 1
    run(bench.module("diagnosis_edits", "ask", claims, every), workspace)
    only = [part for code in RULES for part in ("--only", code)]
    tables = Path(workspace["CLAIMSCTL_WORKSPACE"]) / "reference"
    bench.process(claims, *only, tables=tables, keep="errors.csv")
    done = run(bench.module("diagnosis_edits", "compare", claims, bench.work / "errors.csv"))
    told: list[dict[str, Any]] = json.loads(done.output)
    return told


def described(version: str, told: Sequence[dict[str, Any]]) -> str:
    """Agreement by day and edit, then every kind of difference."""
    asked = {each["asked"] for each in told}
    out = [
        f"Diagnosis edits beside the code editor of msdrg {version} ({max(asked, default=0):,} questions of "
        "age and sex a day, every code at several ages):",
        "| service date | edit | rule | asked | both find it | differ |\n|---|---|---|---:|---:|---:|",
    ]
    differences = []
    for each in told:
        differ = sum(each["differences"].values())
        out[-1] += (
            f"\n| {each['day']} | {each['edit']} | {each['rule']} | {each['asked']:,} | {each['both']:,} "
            f"| {differ:,} |"
        )
        for kind, count in each["differences"].items():
            examples = ", ".join(each["examples"][kind])
            differences.append(f"- {each['day']}, {each['edit']}: {count:,} {kind} ({examples})")
    return "\n\n".join([*out, "\n".join(differences) or "No differences."])
