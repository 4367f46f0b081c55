"""What the audit file costs: prints a JSON document.

    python -m benchmarks.audit_costs [--records 200000]

One access to PHI is recorded again and again (a record each, on disk when the call returns), in a process
that has opened its keys; then with `phi_per_hour` of `[security]`, which looks back over the hour. Many
records are then listed and verified.
"""

from __future__ import annotations

import argparse
import json
import os
import tempfile
import time
from collections.abc import Callable
from itertools import islice
from pathlib import Path
from typing import Any

from claimsctl.security import audit
from claimsctl.security.audit_reading import Wanted, entries
from claimsctl.security.audit_verifying import verify
from claimsctl.security.audit_watch import access
from claimsctl.settings_security import SecuritySettings
from claimsctl.store.workspace import Workspace

_ACCESSES = 1_000
_BATCH = 10_000
_ACTIONS = ("claims list", "claims show", "process", "claims export")


def measure(place: Path, records: int) -> dict[str, Any]:
    """Milliseconds of an access, seconds of listing and verifying."""
    few = Workspace.open(place / "few")
    access(few, "claims show", count=1)  # makes the secret and loads what signs
    found: dict[str, Any] = {"access": _accesses(few)}
    audit.follow(SecuritySettings(phi_per_hour=10**9))
    found["access_with_phi_per_hour"] = _accesses(few) | {"records_in_the_hour": _ACCESSES}
    audit.follow(SecuritySettings())
    many = Workspace.open(place / "many")
    _fill(many, records)
    found["records"], found["megabytes"] = records, round(many.audit_log.stat().st_size / 1e6, 1)
    found["list_newest_50_s"] = _seconds(lambda: list(islice(entries(many), 50)))
    found["list_one_job_s"] = _seconds(lambda: list(entries(many, Wanted(job="20260105-090017-0001"))))
    found["verify_s"] = _seconds(lambda: verify(many))
    return found


def _accesses(workspace: Workspace) -> dict[str, float]:
    """Wall and processor time: what the disk takes for an fsync is the difference."""
    spent, used = [], time.process_time()
    for _ in range(_ACCESSES):
        begun = time.perf_counter()
        access(workspace, "claims show", count=1, show_phi=True)
        spent.append(time.perf_counter() - begun)
    used = time.process_time() - used
    spent.sort()
    return {
        "median_ms": round(spent[_ACCESSES // 2] * 1e3, 3),
        "p99_ms": round(spent[_ACCESSES * 99 // 100] * 1e3, 3),
        "processor_ms": round(used / _ACCESSES * 1e3, 3),
    }


def _fill(workspace: Workspace, records: int) -> None:
    with audit.opened(workspace) as log:
        for first in range(0, records, _BATCH):
            log.append(
                *(
                    log.entry(
                        _ACTIONS[number % 4],
                        number % 50,
                        None,
                        {"job": f"20260105-09{number % 6000:04d}-0001"},
                    )
                    for number in range(first, min(first + _BATCH, records))
                )
            )


def _seconds(work: Callable[[], object]) -> float:
    begun = time.perf_counter()
    work()
    return round(time.perf_counter() - begun, 2)


def main() -> None:
    made = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    made.add_argument("--records", type=int, default=200_000)
    with tempfile.TemporaryDirectory(prefix="claimsctl-bench-") as place:
        os.environ["CLAIMSCTL_CONFIG_DIR"] = str(Path(place) / "config")
        print(json.dumps(measure(Path(place), made.parse_args().records), indent=2))


if __name__ == "__main__":
    main()
