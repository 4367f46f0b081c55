"""One process measured, and rows of the table that `make bench` prints.

This module and the sections import only the standard library, because the peak memory of a child is never
less than that of the parent it was forked from.
"""

from __future__ import annotations

import os
import platform
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent


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


def size(text: str) -> int:
    """`100k`, `1m`, `2500`."""
    units = {"k": 1_000, "m": 1_000_000}
    text = text.strip().lower()
    return int(float(text[:-1]) * units[text[-1]]) if text[-1] in units else int(text)
