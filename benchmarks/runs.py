"""What the sections of `make bench` share: files of claims, throw-away homes, commands, results so far."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from benchmarks.measure import HERE, ROOT, Failed, Measure, Row, run

DATA = HERE / "data"
AS_OF = "2026-06-30"
LOCALITY = "01112/05"
REFERENCE = ROOT.parent / "shared" / "data" / "reference"
"""Published tables, where they lie beside the checkout."""
FLOOR = """
import sys, polars as pl
pl.scan_csv(sys.argv[1], infer_schema=False).sink_parquet(sys.argv[2])
"""
_SOURCES = ("generate.py", "demographics.py", "mistakes.py", "people.py", "recipes.py", "visits.py")
Summary = dict[str, Any]


@dataclass
class Bench:
    """One run of the bench: `work` is a private directory, `python` the environment that is measured.

    A stored claim is not new, so every run of claimsctl gets an empty workspace and a home of its own;
    only the section `workspace` fills one, with `store` lines. The section `status` asks about `inquiries`
    claims.
    """

    work: Path
    python: str
    sizes: tuple[int, ...] = (100_000, 1_000_000, 10_000_000)
    quick: bool = False
    store: int = 1_000_000
    inquiries: int = 10_000
    rows: list[Row] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    facts: dict[str, object] = field(default_factory=dict)
    homes: int = 0

    @property
    def claimsctl(self) -> list[str]:
        """The command, as installed beside the interpreter where it is."""
        beside = Path(self.python).parent / "claimsctl"
        return [str(beside)] if beside.exists() else [self.python, "-m", "claimsctl.cli.app"]

    def module(self, name: str, *arguments: object) -> list[str]:
        """Command line of a module of the benchmarks."""
        return [self.python, "-m", f"benchmarks.{name}", *map(str, arguments)]

    def rounds(self, many: int) -> range:
        """How often to measure what is compared by its best time."""
        return range(1 if self.quick else many)

    def say(self, text: str) -> None:
        print(text, file=sys.stderr, flush=True)

    def add(self, row: Row) -> None:
        self.rows.append(row)
        seconds = f"{row.measure.wall:8.2f} s" if row.measure else row.note
        self.say(f"{row.what:<44} {seconds}")

    def file(self, lines: int, *, bad: bool = False) -> Path:
        """A claims file of that size, made once per version of the generator."""
        version = hashlib.sha256(b"".join((HERE / name).read_bytes() for name in _SOURCES)).hexdigest()[:8]
        path = DATA / f"{'bad' if bad else 'claims'}-{lines}-{version}.csv"
        if not path.exists():
            self.say(f"making {path.name}")
            DATA.mkdir(exist_ok=True)
            making = path.with_suffix(".part")
            run([self.python, str(HERE / "generate.py"), str(lines), str(making), *(["--bad-rows"] * bad)])
            making.rename(path)
        return path

    def environment(self, tables: Path | None = None) -> dict[str, str]:
        """Variables of a fresh home; `tables` is a directory of loaded editions that it starts with."""
        self.homes += 1
        home = self.work / f"home-{self.homes}"
        home.mkdir()
        if tables is not None:
            shutil.copytree(tables, home / "workspace" / "reference")
        return os.environ | {
            "CLAIMSCTL_WORKSPACE": str(home / "workspace"),
            "CLAIMSCTL_CONFIG_DIR": str(home / "config"),
        }

    def process(
        self,
        source: Path,
        *options: str,
        tables: Path | None = None,
        keep: str | None = None,
        variables: Mapping[str, str] | None = None,
        program: Sequence[str] | None = None,
    ) -> tuple[Measure, Summary]:
        """One `claimsctl process` with all outputs, and its summary; `keep` is an output to put aside,
        `program` what runs instead of the command."""
        environment = self.environment(tables) | dict(variables or {})
        out = self.work / f"out-{self.homes}"
        started = self.claimsctl if program is None else program
        command = [*started, "process", str(source), "--out", str(out), "--as-of", AS_OF, "--quiet"]
        try:
            measure = run([*command, *options], environment)
            if keep is not None:
                (out / keep).replace(self.work / keep)
            return measure, json.loads((out / "summary.json").read_text())
        finally:
            shutil.rmtree(out, ignore_errors=True)
            shutil.rmtree(self.work / f"home-{self.homes}", ignore_errors=True)

    def floor(self, source: Path) -> Measure:
        """A bare copy from CSV to Parquet."""
        target = self.work / "floor.parquet"
        try:
            return run([self.python, "-c", FLOOR, str(source), str(target)])
        finally:
            target.unlink(missing_ok=True)

    def load(self, path: Path, *options: str, workspace: dict[str, str]) -> Measure:
        """One `claimsctl reference load` into the workspace of an environment."""
        return run([*self.claimsctl, "reference", "load", str(path), *options], workspace)

    def installed(self, package: str) -> str | None:
        """The version of a package in the measured environment; None where it is not there."""
        code = "import importlib.metadata as m, sys; print(m.version(sys.argv[1]))"
        try:
            return run([self.python, "-c", code, package]).output.strip()
        except Failed:
            return None


def describe(summary: Summary) -> str:
    """How many rules ran and what they found."""
    rules, findings = summary["rules"], summary["findings"]
    partly = {each["code"] for each in rules["not_run"] if "table" in each}
    off = {each["code"] for each in rules["not_run"]} - partly
    some = f" ({len(partly)} not on every line)" if partly else ""
    return f"{rules['active']} rules ran{some}, {len(off)} did not; {sum(findings.values()):,} findings"
