"""`make bench`: one table of speed and memory, measured in one run on one machine.

Every row is a whole process from its start to its last byte written. This module imports only the standard
library, because the peak memory of a child is never less than that of the parent it was forked from.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import platform
import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import asdict, dataclass, field
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent
DATA = HERE / "data"
RESULTS = HERE / "results"
AS_OF = "2026-06-30"
FLOOR = """
import sys, polars as pl
pl.scan_csv(sys.argv[1], infer_schema=False).sink_parquet(sys.argv[2])
"""
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


@dataclass
class Measure:
    """One process: seconds by the clock and of CPU, peak megabytes (10^6 bytes), what it printed."""

    wall: float
    cpu: float
    peak_mb: float
    output: str = field(repr=False, default="")


@dataclass
class Row:
    """One line of the table."""

    what: str
    lines: int | None
    measure: Measure | None
    floor: float | None = None
    note: str = ""


class Failed(Exception):
    """A measured process did not end well."""


def run(command: list[str], environment: dict[str, str] | None = None) -> Measure:
    """Run a process and read its own resource usage."""
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        start = time.perf_counter()
        child = subprocess.Popen(command, stdout=out, stderr=err, env=environment, cwd=ROOT)
        _pid, status, usage = os.wait4(child.pid, 0)
        wall = time.perf_counter() - start
        child.returncode = os.waitstatus_to_exitcode(status)
        out.seek(0)
        err.seek(0)
        if child.returncode != 0:
            tail = err.read().decode(errors="replace").strip().splitlines()[-1:] or ["no message"]
            raise Failed(tail[0])
        kilobytes = usage.ru_maxrss / (1024 if sys.platform == "darwin" else 1)
        return Measure(
            wall,
            usage.ru_utime + usage.ru_stime,
            kilobytes * 1024 / 1e6,
            out.read().decode(errors="replace"),
        )


def best(measures: list[Measure]) -> Measure:
    """The quickest: on a shared machine the others measure the neighbours."""
    return min(measures, key=lambda measure: measure.wall)


class Bench:
    """Files, a throw-away home for claimsctl, and the rows measured so far."""

    def __init__(self, work: Path, python: str, *, quick: bool = False) -> None:
        self.work = work
        self.python = python
        self.quick = quick
        self.rows: list[Row] = []
        self.facts: dict[str, object] = {}
        beside = Path(python).parent / "claimsctl"
        self.claimsctl = [str(beside)] if beside.exists() else [python, "-m", "claimsctl.cli.app"]
        # A stored claim is not new: every run gets an empty workspace and a home of its own.
        self.count = 0

    def rounds(self, many: int) -> range:
        """How often to measure what is compared by its best time."""
        return range(1 if self.quick else many)

    def say(self, text: str) -> None:
        print(text, file=sys.stderr, flush=True)

    def file(self, lines: int, *, bad: bool = False) -> Path:
        """A claims file of that size, made once per version of the generator."""
        sources = b"".join(
            (HERE / name).read_bytes()
            for name in (
                "generate.py",
                "demographics.py",
                "mistakes.py",
                "people.py",
                "recipes.py",
                "visits.py",
            )
        )
        version = hashlib.sha256(sources).hexdigest()[:8]
        path = DATA / f"{'bad' if bad else 'claims'}-{lines}-{version}.csv"
        if not path.exists():
            self.say(f"making {path.name}")
            DATA.mkdir(exist_ok=True)
            making = path.with_suffix(".part")
            run([self.python, str(HERE / "generate.py"), str(lines), str(making), *(["--bad-rows"] * bad)])
            making.rename(path)
        return path

    def environment(self) -> dict[str, str]:
        self.count += 1
        home = self.work / f"home-{self.count}"
        home.mkdir()
        return os.environ | {
            "CLAIMSCTL_WORKSPACE": str(home / "workspace"),
            "CLAIMSCTL_CONFIG_DIR": str(home / "config"),
        }

    def process(self, source: Path, *extra: str) -> tuple[Measure, dict[str, object]]:
        """One `claimsctl process` with all outputs; its summary."""
        environment = self.environment()
        out = self.work / f"out-{self.count}"
        command = [
            *self.claimsctl,
            "process",
            str(source),
            "--out",
            str(out),
            "--as-of",
            AS_OF,
            "--quiet",
            *extra,
        ]
        try:
            measure = run(command, environment)
            return measure, json.loads((out / "summary.json").read_text())
        finally:
            shutil.rmtree(out, ignore_errors=True)
            shutil.rmtree(self.work / f"home-{self.count}", ignore_errors=True)

    def floor(self, source: Path) -> Measure:
        """A bare copy from CSV to Parquet."""
        target = self.work / "floor.parquet"
        try:
            return run([self.python, "-c", FLOOR, str(source), str(target)])
        finally:
            target.unlink(missing_ok=True)

    def add(self, row: Row) -> None:
        self.rows.append(row)
        seconds = f"{row.measure.wall:8.2f} s" if row.measure else row.note
        self.say(f"{row.what:<44} {seconds}")

    def sizes(self, sizes: list[int]) -> None:
        """The floor and the main job, turn and turn about, at each size; then a file that is all wrong."""
        normal: dict[int, float] = {}
        for lines in sizes:
            source = self.file(lines)
            floors: list[Measure] = []
            runs: list[tuple[Measure, dict[str, object]]] = []
            failure = ""
            for _round in self.rounds(3 if lines <= 1_000_000 else 1):
                floors.append(self.floor(source))
                try:
                    runs.append(self.process(source))
                except Failed as error:
                    failure = f"failed: {error}"
                    break
            floor = best(floors)
            self.add(Row("bare Polars copy, CSV to Parquet", lines, floor, floor.wall))
            if failure:
                self.add(Row("claimsctl process", lines, None, None, failure))
                continue
            mine = best([measure for measure, _summary in runs])
            normal[lines] = mine.wall
            self.add(Row("claimsctl process", lines, mine, floor.wall, describe(runs[-1][1])))
            self.facts["summary"] = {key: runs[-1][1].get(key) for key in ("rules", "findings", "timings")}
        for lines in [n for n in normal if n <= 1_000_000][-1:]:
            title = "claimsctl process, three mistakes in every row"
            try:
                bad = [self.process(self.file(lines, bad=True)) for _ in self.rounds(2)]
            except Failed as error:
                self.add(Row(title, lines, None, None, f"failed: {error}"))
                continue
            mine = best([measure for measure, _summary in bad])
            note = f"{mine.wall / normal[lines]:.1f} x the normal file; {describe(bad[-1][1])}"
            self.add(Row(title, lines, mine, None, note))

    def twenty(self) -> None:
        """The same twenty rules in every tool, whole job."""
        sys.path.insert(0, str(ROOT))
        from benchmarks.peers import pack

        rules = self.work / "twenty.toml"
        rules.write_text(pack.pack(), encoding="utf-8")
        options = ["--rules", str(rules)]
        for number in range(1, 21):
            options += ["--only", pack.code(number)]
        counts: dict[int, dict[str, int]] = {}
        share = 10 if self.quick else 1
        for full in (TINY, 10_000, 50_000, 100_000):
            lines = full if full == TINY else full // share
            source = self.file(lines)
            if full in (TINY, 100_000):
                self._same_twenty(source, lines, options, counts)
            for name, title, most in PEERS:
                if full in (TINY, most):
                    self._peer(name, title, source, lines, counts)
        self.facts["findings_of_the_twenty_rules"] = {str(n): c for n, c in counts.items()}

    def _same_twenty(
        self, source: Path, lines: int, options: list[str], counts: dict[int, dict[str, int]]
    ) -> None:
        if lines == TINY:
            try:
                measure = best([self.process(source)[0] for _ in self.rounds(3)])
                self.add(Row("claimsctl process, all rules", lines, measure))
            except Failed as error:
                self.add(Row("claimsctl process, all rules", lines, None, None, f"failed: {error}"))
        try:
            results = [self.process(source, *options) for _ in self.rounds(3)]
        except Failed as error:
            self.add(Row("claimsctl process, same 20 rules", lines, None, None, f"failed: {error}"))
            return
        measure = best([result[0] for result in results])
        findings = results[0][1].get("findings", {})
        counts.setdefault(lines, {})["claimsctl"] = sum(findings.values())  # type: ignore[attr-defined]
        self.add(
            Row("claimsctl process, same 20 rules", lines, measure, None, "store and all outputs written")
        )

    def _peer(
        self, name: str, title: str, source: Path, lines: int, counts: dict[int, dict[str, int]]
    ) -> None:
        report = self.work / "report.csv"
        command = [self.python, "-m", "benchmarks.peers", name, str(source), str(report)]
        try:
            measure = best([run(command) for _ in self.rounds(3 if lines == TINY else 2)])
        except Failed as error:
            self.add(Row(title, lines, None, None, str(error)))
            return
        counts.setdefault(lines, {})[name] = int(measure.output)
        self.add(Row(title, lines, measure))

    def start_up(self) -> None:
        """`--help`, and one claim at a time through the warm Python API."""
        measure = best([run([*self.claimsctl, "--help"], self.environment()) for _ in range(10)])
        self.add(Row("claimsctl --help", None, measure))
        try:
            latency = run(
                [self.python, "-m", "benchmarks.latency", str(self.file(10_000))], self.environment()
            )
        except Failed as error:
            self.facts["checker"] = f"failed: {error}"
            return
        self.facts["checker"] = json.loads(latency.output)


def describe(summary: dict[str, object]) -> str:
    """How many rules ran and what they found."""
    rules, findings = summary.get("rules"), summary.get("findings")
    if not isinstance(rules, dict) or not isinstance(findings, dict):
        return ""
    active, off = rules.get("active"), rules.get("not_run")
    ran = active if isinstance(active, int) else len(active or ())
    return f"{ran} rules ran, {len(off or ())} did not; {sum(findings.values()):,} findings"


def table(rows: list[Row]) -> str:
    """The rows as one Markdown table."""
    out = [
        "| what | lines | seconds | lines/s | peak memory | x floor | |",
        "|---|---:|---:|---:|---:|---:|---|",
    ]
    for row in rows:
        lines = f"{row.lines:,}" if row.lines else ""
        if row.measure is None:
            out.append(f"| {row.what} | {lines} | | | | | {row.note} |")
            continue
        speed = f"{row.lines / row.measure.wall:,.0f}" if row.lines else ""
        ratio = f"{row.measure.wall / row.floor:.1f}" if row.floor else ""
        out.append(
            f"| {row.what} | {lines} | {row.measure.wall:.2f} | {speed} | {row.measure.peak_mb:,.0f} MB "
            f"| {ratio} | {row.note} |"
        )
    return "\n".join(out)


def machine(python: str) -> str:
    """What was measured on, without its name."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e9
    code = "import importlib.metadata as m; print(m.version('polars'), m.version('claimsctl'))"
    try:
        polars, claimsctl = run([python, "-c", code]).output.split()
    except Failed:
        polars, claimsctl = "?", "?"
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return (
        f"{cores} cores, {memory:.0f} GB, {platform.system()} {platform.machine()}, "
        f"Python {platform.python_version()}, Polars {polars}, claimsctl {claimsctl}"
    )


def notes(facts: dict[str, object]) -> str:
    """Sentences under the table."""
    out = []
    checker = facts.get("checker")
    if isinstance(checker, dict):
        out.append(
            f"One claim through a warm `Checker`: p50 {checker['p50_ms']} ms, p99 {checker['p99_ms']} ms "
            f"({checker['claims']} claims; made ready in {checker['ready_ms']} ms)."
        )
    elif checker:
        out.append(f"One claim through a warm `Checker`: {checker}")
    counts = facts.get("findings_of_the_twenty_rules")
    if isinstance(counts, dict):
        for lines, found in counts.items():
            if len(set(found.values())) > 1:
                listed = ", ".join(f"{name} {count}" for name, count in found.items())
                out.append(f"WARNING: tools disagree on the findings in {lines} lines: {listed}.")
        if not any("WARNING" in line for line in out):
            out.append("All tools report the same number of findings of the twenty rules.")
    return "\n".join(out)


def size(text: str) -> int:
    """`100k`, `1m`, `2500`."""
    units = {"k": 1_000, "m": 1_000_000}
    text = text.strip().lower()
    return int(float(text[:-1]) * units[text[-1]]) if text[-1] in units else int(text)


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description="Measure claimsctl beside a bare copy and other tools.")
    parser.add_argument("--sizes", default="100k,1m,10m", help="lines, parted by commas")
    parser.add_argument("--no-peers", action="store_true", help="leave the other tools out")
    parser.add_argument("--quick", action="store_true", help="measure once, other tools on a tenth")
    parser.add_argument("--keep", action="store_true", help="keep the generated files in benchmarks/data")
    parser.add_argument("--python", default=sys.executable, help="interpreter of the environment to measure")
    chosen = parser.parse_args()
    sizes = sorted(size(text) for text in chosen.sizes.split(",") if text.strip())
    RESULTS.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="claimsctl-bench-", dir=HERE) as work:
        bench = Bench(Path(work), chosen.python, quick=chosen.quick)
        bench.start_up()
        if sizes:
            bench.sizes(sizes)
        if not chosen.no_peers:
            bench.twenty()
    text = "\n\n".join((f"Measured on {machine(chosen.python)}.", table(bench.rows), notes(bench.facts)))
    print(text)
    (RESULTS / "bench.md").write_text(text + "\n", encoding="utf-8")
    rows = [
        asdict(row)
        | {"measure": row.measure and {k: v for k, v in asdict(row.measure).items() if k != "output"}}
        for row in bench.rows
    ]
    (RESULTS / "bench.json").write_text(
        json.dumps({"rows": rows, **bench.facts}, indent=1) + "\n", encoding="utf-8"
    )
    if not chosen.keep and DATA.exists():
        shutil.rmtree(DATA)


if __name__ == "__main__":
    main()
