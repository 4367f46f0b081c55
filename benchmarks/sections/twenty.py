"""The same twenty rules in every tool, whole job."""

from __future__ import annotations

from pathlib import Path

from benchmarks.measure import Failed, Row, best, run
from benchmarks.peers import pack
from benchmarks.runs import Bench

# Lines a tool gets: about as many as it does in ten seconds or so, and never more than a hundred thousand.
PEERS: tuple[tuple[str, str, int], ...] = (
    ("polars", "bare Polars, rules by hand", 100_000),
    ("dataframely", "dataframely", 100_000),
    ("pandera", "pandera[polars]", 100_000),
    ("pointblank", "pointblank", 100_000),
    ("python", "plain Python loop", 100_000),
    ("pydantic", "pydantic, row by row", 100_000),
    ("frictionless", "frictionless", 50_000),
    ("rule_engine", "rule-engine", 10_000),
)
TINY = 100
Counts = dict[int, dict[str, int]]


def measure(bench: Bench) -> None:
    rules = bench.work / "twenty.toml"
    rules.write_text(pack.pack(), encoding="utf-8")
    options = ["--rules", str(rules)]
    for number in range(1, 21):
        options += ["--only", pack.code(number)]
    counts: Counts = {}
    share = 10 if bench.quick else 1
    for full in (TINY, 10_000, 50_000, 100_000):
        lines = full if full == TINY else full // share
        source = bench.file(lines)
        if full in (TINY, 100_000):
            _claimsctl(bench, source, lines, options, counts)
        for name, title, most in PEERS:
            if full in (TINY, most):
                _peer(bench, name, title, source, lines, counts)
    bench.facts["findings_of_the_twenty_rules"] = {str(n): c for n, c in counts.items()}
    bench.notes.append(agreement(counts))


def agreement(counts: Counts) -> str:
    """Whether the tools found as many failures as each other."""
    differ = [
        f"WARNING: tools disagree on the findings in {lines} lines: "
        + ", ".join(f"{name} {count}" for name, count in found.items())
        + "."
        for lines, found in counts.items()
        if len(set(found.values())) > 1
    ]
    return "\n".join(differ) or "All tools report the same number of findings of the twenty rules."


def _claimsctl(bench: Bench, source: Path, lines: int, options: list[str], counts: Counts) -> None:
    if lines == TINY:
        try:
            quickest = best([bench.process(source)[0] for _ in bench.rounds(3)])
            bench.add(Row("claimsctl process, all rules", lines, quickest))
        except Failed as error:
            bench.add(Row("claimsctl process, all rules", lines, None, None, f"failed: {error}"))
    try:
        results = [bench.process(source, *options) for _ in bench.rounds(3)]
    except Failed as error:
        bench.add(Row("claimsctl process, same 20 rules", lines, None, None, f"failed: {error}"))
        return
    quickest = best([result[0] for result in results])
    counts.setdefault(lines, {})["claimsctl"] = sum(results[0][1]["findings"].values())
    note = "store and all outputs written"
    bench.add(Row("claimsctl process, same 20 rules", lines, quickest, None, note))


def _peer(bench: Bench, name: str, title: str, source: Path, lines: int, counts: Counts) -> None:
    command = bench.module("peers", name, source, bench.work / "report.csv")
    try:
        quickest = best([run(command) for _ in bench.rounds(3 if lines == TINY else 2)])
    except Failed as error:
        bench.add(Row(title, lines, None, None, str(error)))
        return
    counts.setdefault(lines, {})[name] = int(quickest.output)
    bench.add(Row(title, lines, quickest))
