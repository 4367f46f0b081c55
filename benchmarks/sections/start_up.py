"""`--help`, and one claim at a time through the warm Python API."""

from __future__ import annotations

import json

from benchmarks.measure import Failed, Row, best, run
from benchmarks.runs import Bench


def measure(bench: Bench) -> None:
    quickest = best([run([*bench.claimsctl, "--help"], bench.environment()) for _ in range(10)])
    bench.add(Row("claimsctl --help", None, quickest))
    try:
        done = run(bench.module("latency", bench.file(10_000)), bench.environment())
    except Failed as error:
        bench.notes.append(f"One claim through a warm `Checker`: failed: {error}")
        return
    checker = json.loads(done.output)
    bench.facts["checker"] = checker
    bench.notes.append(
        f"One claim through a warm `Checker`: p50 {checker['p50_ms']} ms, p99 {checker['p99_ms']} ms "
        f"({checker['claims']} claims; made ready in {checker['ready_ms']} ms)."
    )
