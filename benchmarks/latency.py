"""How long a warm `Checker` takes for one claim: prints count, p50 and p99 in milliseconds as JSON."""

from __future__ import annotations

import csv
import itertools
import json
import sys
import time

from claimsctl import Checker

WARM, MEASURED = 20, 500
LONGEST = 30  # seconds for all; fewer claims are measured when one takes long


def main(path: str) -> None:
    """Check claim after claim of a CSV file, each by its own call."""
    started = time.perf_counter()
    checker = Checker()
    ready = time.perf_counter() - started
    with open(path, newline="", encoding="utf-8") as lines:
        groups = itertools.groupby(csv.DictReader(lines), key=lambda row: row["claim_number"])
        claims = [list(rows) for _number, rows in itertools.islice(groups, WARM + MEASURED)]
    times = []
    for claim in claims:
        start = time.perf_counter()
        checker.check(claim)
        times.append((time.perf_counter() - start) * 1_000)
        if time.perf_counter() - started > LONGEST and len(times) > 2 * WARM:
            break
    times = sorted(times[WARM:])
    print(
        json.dumps(
            {
                "claims": len(times),
                "ready_ms": round(ready * 1_000, 1),
                "p50_ms": round(times[len(times) // 2], 2),
                "p99_ms": round(times[int(len(times) * 0.99)], 2),
            }
        )
    )


if __name__ == "__main__":
    main(sys.argv[1])
