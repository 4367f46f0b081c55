"""A workspace with many claims: adding to it, finding, showing, counting, exporting."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any, Final

from benchmarks.measure import Failed, Measure, Row, best, run
from benchmarks.runs import AS_OF, LOCALITY, Bench

LINES: Final = 100_000
EXPORTED: Final = 1_000_000
COPY: Final = """
import duckdb, glob, sys
parts = sorted(glob.glob(sys.argv[1] + "/lines/*/part-*.parquet"))
lines = f"SELECT * FROM read_parquet({parts}, union_by_name = true)"
duckdb.execute(f"COPY ({lines}) TO '{sys.argv[2]}' (HEADER)")
"""
QUERIES: Final = {
    "claims list, two filters": ("list", "--status", "VALIDATED", "--min-amount", "500"),
    "claims list, a code and a diagnosis": ("list", "--code", "99214", "--diagnosis", "I10"),
    "claims list, by patient": ("list", "--search", "Nobody, Known"),
    "claims show": ("show", "{claim}"),
    "claims history": ("history", "{claim}"),
    "claims stats": ("stats", "--json"),
    "claims stats of one payer": ("stats", "--payer", "AETNA", "--json"),
}
TARGETS: Final = {
    "claims list, two filters": "target 0.7 s with 10 million lines",
    "claims show": "target 0.6 s with 10 million lines",
    "claims stats": "target 1.5 s with 10 million lines",
}


def measure(bench: Bench) -> None:
    """A store of `bench.store` lines, made of the first 100 thousand again and again."""
    source = bench.file(LINES)
    environment = bench.environment()
    workspace = Path(environment["CLAIMSCTL_WORKSPACE"])
    try:
        empty = _process(bench, source, environment, "empty")
        bench.add(Row("claimsctl process into an empty workspace", LINES, empty))
        _grow(bench, workspace, min(EXPORTED, bench.store), environment)
        _export(bench, workspace, environment)
        made = _grow(bench, workspace, bench.store, environment)
        _ask(bench, environment, made)
        _add(bench, source, environment, empty)
    except Failed as error:
        bench.add(Row("a workspace with many claims", bench.store, None, None, f"failed: {error}"))
    finally:
        shutil.rmtree(workspace, ignore_errors=True)


def _process(bench: Bench, source: Path, environment: dict[str, str], name: str) -> Measure:
    out = bench.work / f"workspace-{name}"
    command = [*bench.claimsctl, "process", str(source), "--out", str(out), "--as-of", AS_OF, "--quiet"]
    try:
        return run([*command, "--locality", LOCALITY], environment)
    finally:
        shutil.rmtree(out, ignore_errors=True)


def _grow(bench: Bench, workspace: Path, lines: int, environment: dict[str, str]) -> dict[str, Any]:
    bench.say(f"growing the store to {lines:,} lines")
    done: dict[str, Any] = json.loads(run(bench.module("many_claims", workspace, lines), environment).output)
    return done


def _export(bench: Bench, workspace: Path, environment: dict[str, str]) -> None:
    """All lines to CSV, beside a bare copy of the same files."""
    target = bench.work / "export.csv"
    bare, mine = [], []
    for _round in bench.rounds(2):
        bare.append(run([bench.python, "-c", COPY, str(workspace), str(target)]))
        command = [*bench.claimsctl, "claims", "export", "--out", str(target), "--yes", "--json"]
        mine.append(run(command, environment))
    lines = json.loads(mine[-1].output)["lines"]
    target.unlink()
    floor = best(bare)
    bench.add(Row("bare DuckDB COPY of the lines to CSV", lines, floor, floor.wall))
    bench.add(Row("claims export to CSV", lines, best(mine), floor.wall, "target: at most 2 times the copy"))


def _ask(bench: Bench, environment: dict[str, str], made: dict[str, Any]) -> None:
    claims = [*bench.claimsctl, "claims"]
    (claim,) = json.loads(run([*claims, "list", "--limit", "1", "--json"], environment).output)["claims"]
    for what, asked in QUERIES.items():
        command = [*claims, *(part.format(claim=claim["claim_number"]) for part in asked)]
        quickest = best([run(command, environment) for _ in bench.rounds(5)])
        bench.add(Row(what, made["lines"], quickest, None, TARGETS.get(what, "")))
    per_million = {
        name: made[f"{name}_bytes"] / made["lines"] for name in ("line", "database")
    }  # bytes of a line are megabytes of a million
    bench.facts["workspace"] = made
    bench.notes.append(
        f"A workspace of {made['lines']:,} lines takes {per_million['line']:.0f} MB of line files and "
        f"{per_million['database']:.0f} MB of claims.duckdb for each million lines."
    )


def _add(bench: Bench, source: Path, environment: dict[str, str], empty: Measure) -> None:
    """The same lines as other claims, then once more: what the store adds to a run."""
    other = bench.work / "other.csv"
    other.write_bytes(source.read_bytes().replace(b"\nCL", b"\nCM"))
    added = _process(bench, other, environment, "added")
    note = f"{added.wall - empty.wall:+.1f} s (target: under +2 s)"
    bench.add(Row("claimsctl process into it, all claims new", LINES, added, None, note))
    again = _process(bench, other, environment, "again")
    note = f"{(again.wall / empty.wall - 1) * 100:+.0f} % (target: under +30 %)"
    bench.add(Row("claimsctl process into it, all claims known", LINES, again, None, note))
    other.unlink()
