"""A sandbox in a process of its own, for the section `status`.

    python -m benchmarks.status_payer CLAIMS PAYER FILE

Writes the claims as a status file, prints the address, and when standard input ends what it counted.
"""

from __future__ import annotations

import gc
import json
import sys
from pathlib import Path

from claimsctl.sandbox.inventing import invent_claims, write_status_file
from claimsctl.sandbox.server import running_sandbox

LATENCY = 0.2
RATE = 50


def main() -> None:
    """Serve until standard input ends."""
    number, payer, path = int(sys.argv[1]), sys.argv[2], Path(sys.argv[3])
    claims = list(invent_claims(number, payer=payer))
    write_status_file(path, claims)
    gc.freeze()  # or the payer stands still for a tenth of a second now and then
    with running_sandbox(claims=claims, latency=LATENCY, requests_per_second=RATE) as box:
        print(box.url, flush=True)
        sys.stdin.read()
        times = sorted(seen.at for seen in box.log if seen.step != "token")
        seconds = times[-1] - times[0] if times else 0.0
        print(json.dumps({"counts": dict(box.counts), "requests": len(times), "seconds": seconds}))


if __name__ == "__main__":
    main()
