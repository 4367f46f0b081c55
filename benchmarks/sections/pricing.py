"""What pricing adds to the main job, and what its parts cost."""

from __future__ import annotations

import json

from benchmarks.measure import Failed, Row, best, run
from benchmarks.runs import LOCALITY, Bench

MOST_LINES = 1_000_000
OFF = {"CLAIMSCTL_PRICING__ENABLED": "false"}


def measure(bench: Bench) -> None:
    """The main job with pricing and without, turn and turn about; then the steps of pricing."""
    lines = min(MOST_LINES, bench.sizes[-1])
    source = bench.file(lines)
    without, with_prices = [], []
    try:
        for _round in bench.rounds(2):
            without.append(bench.process(source, variables=OFF))
            with_prices.append(bench.process(source, "--locality", LOCALITY))
        done = run(bench.module("price_costs", source), bench.environment())
    except Failed as error:
        bench.add(Row("claimsctl process with prices", lines, None, None, f"failed: {error}"))
        return
    plain, priced = (best([each for each, _summary in runs]) for runs in (without, with_prices))
    bench.add(Row("claimsctl process, pricing off", lines, plain, None))
    added = (priced.wall / plain.wall - 1) * 100
    count = with_prices[-1][1]["pricing"]["priced"]
    note = f"{added:+.0f} % (target: at most +25 %); {count:,} lines got an amount"
    bench.add(Row("claimsctl process, pricing on", lines, priced, None, note))
    costs = json.loads(done.output)
    bench.facts["price_costs"] = costs
    bench.notes.append(
        f"Pricing of {costs['lines']:,} lines, {costs['priced']:,} of which got an amount, in both passes of "
        f"{costs['passes']:.1f} s: {costs['price']:.2f} s for the prices; for multiple-procedure ranking "
        f"{costs['candidates']:.2f} s to find the lines that others of the day may reduce and "
        f"{costs['ranks']:.2f} s to rank them."
    )
