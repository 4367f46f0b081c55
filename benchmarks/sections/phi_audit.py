"""The part of the section `phi` on the audit file: what one record costs, and reading many."""

from __future__ import annotations

import json

from benchmarks.measure import Failed, run
from benchmarks.runs import Bench

RECORDS = 200_000


def measure(bench: Bench) -> None:
    try:
        done = run(bench.module("audit_costs", "--records", RECORDS // 20 if bench.quick else RECORDS),
                   bench.environment())  # fmt: skip
    except Failed as error:
        bench.notes.append(f"The audit file: failed: {error}")
        return
    costs = json.loads(done.output)
    bench.facts["audit"] = costs
    one, hour = costs["access"], costs["access_with_phi_per_hour"]
    bench.notes.append(
        f"Recording one access to PHI, on disk: p50 {one['median_ms']} ms, p99 {one['p99_ms']} ms "
        f"({one['processor_ms']} ms of processor); with `phi_per_hour` p50 {hour['median_ms']} ms. Of "
        f"{costs['records']:,} records ({costs['megabytes']} MB) the newest 50 are listed in "
        f"{costs['list_newest_50_s']} s, those of a job in {costs['list_one_job_s']} s; all are verified in "
        f"{costs['verify_s']} s."
    )
