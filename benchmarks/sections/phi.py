"""What protecting patients' data costs: sealing in the main job, search by SSN, new keys, the audit file."""

from __future__ import annotations

import csv
import json
import shutil
from pathlib import Path
from typing import Final

from benchmarks.measure import Failed, Measure, Row, best, run
from benchmarks.runs import Bench
from benchmarks.sections import phi_audit

LINES: Final = 100_000
LINES_PER_PATIENT: Final = 4
PLAIN: Final = """
from claimsctl.security import spills
spills.SEALED = False
from claimsctl.cli.app import main
main()
"""


def measure(bench: Bench) -> None:
    """The main job with its temporary files encrypted and in plain, then a store of `bench.store` lines."""
    for lines in bench.sizes:
        try:
            _sealing(bench, lines)
        except Failed as error:
            bench.add(
                Row("claimsctl process, temporary files in plain", lines, None, None, f"failed: {error}")
            )
    try:
        _store(bench)
    except Failed as error:
        bench.add(Row("a store and its keys", bench.store, None, None, f"failed: {error}"))
    phi_audit.measure(bench)


def _sealing(bench: Bench, lines: int) -> None:
    source = bench.file(lines)
    plain: list[Measure] = []
    sealed: list[Measure] = []
    for _round in bench.rounds(3):
        plain.append(bench.process(source, program=[bench.python, "-c", PLAIN])[0])
        sealed.append(bench.process(source)[0])
    bare, mine = best(plain), best(sealed)
    bench.add(Row("claimsctl process, temporary files in plain", lines, bare, bare.wall))
    note = (
        f"{(mine.wall / bare.wall - 1) * 100:+.0f} % of time, {(mine.cpu / bare.cpu - 1) * 100:+.0f} % of CPU"
    )
    bench.add(Row("claimsctl process, as it is", lines, mine, bare.wall, f"{note} (target: at most +30 %)"))


def _store(bench: Bench) -> None:
    source = bench.file(LINES)
    environment = bench.environment()
    workspace = Path(environment["CLAIMSCTL_WORKSPACE"])
    out = bench.work / "phi-out"
    try:
        run([*bench.claimsctl, "process", str(source), "--out", str(out), "--quiet"], environment)
        bench.say(f"growing the store to {bench.store:,} lines")
        run(bench.module("many_claims", workspace, bench.store), environment)
        patients = bench.store // LINES_PER_PATIENT
        done = run(bench.module("phi_search", workspace, _an_ssn(source), patients), environment)
        told = json.loads(done.output)
        bench.facts["phi_search"] = told
        bench.notes.append(
            f"By SSN, {told['found']:,} claims of one patient were found among {bench.store:,} lines and "
            f"{patients:,} patients in {told['again']:.2f} s, the first time in {told['first']:.2f} s, in a "
            "program that was running and had its keys (target 0.3 s)."
        )
        run([*bench.claimsctl, "keys", "init", "--method", "file"], environment)
        rotated = run([*bench.claimsctl, "keys", "rotate"], environment)
        bench.add(Row("keys rotate: one job of the store sealed anew", LINES, rotated))
    finally:
        shutil.rmtree(workspace, ignore_errors=True)
        shutil.rmtree(out, ignore_errors=True)


def _an_ssn(source: Path) -> str:
    """The first SSN of a file of claims."""
    with source.open(newline="", encoding="utf-8") as file:
        return next(row["patient_ssn"] for row in csv.DictReader(file) if row["patient_ssn"])
