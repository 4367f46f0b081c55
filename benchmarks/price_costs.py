"""What the parts of pricing cost: prints a JSON document.

    python -m benchmarks.price_costs claims.csv

The run goes through both passes as `claimsctl process --dry-run` does, and times what it asks of pricing:
finding the lines that a day's other services may reduce, ranking them, and pricing every line.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import date
from pathlib import Path
from typing import Any, TypeVar

import polars as pl

from benchmarks.runs import AS_OF, LOCALITY
from claimsctl.price.terms import Terms
from claimsctl.process.core import check_inputs
from claimsctl.process.prepare import open_inputs
from claimsctl.process.pricing import SchedulePricing
from claimsctl.process.request import Request
from claimsctl.process.rulebook import Rulebook, load_rulebook
from claimsctl.process.timing import Timings
from claimsctl.validate.ruleset import Selection

STEPS = ("candidates", "ranks", "price")
T = TypeVar("T")


@dataclass(frozen=True)
class Timed(SchedulePricing):
    """Prices lines, and notes the seconds of each step."""

    seconds: dict[str, float] = field(default_factory=lambda: dict.fromkeys(STEPS, 0.0))

    def candidates(self, frame: pl.DataFrame) -> pl.DataFrame:
        return self._timed("candidates", lambda: SchedulePricing.candidates(self, frame))

    def ranks(self, rows: pl.LazyFrame, candidates: pl.LazyFrame) -> pl.LazyFrame:
        return self._timed("ranks", lambda: SchedulePricing.ranks(self, rows, candidates))

    def price(self, frame: pl.DataFrame) -> pl.DataFrame:
        return self._timed("price", lambda: SchedulePricing.price(self, frame))

    def _timed(self, step: str, work: Callable[[], T]) -> T:
        begun = time.perf_counter()
        try:
            return work()
        finally:
            self.seconds[step] += time.perf_counter() - begun


def measure(source: Path, rulebook: Rulebook, spill: Path) -> dict[str, Any]:
    """Lines, how many were priced, and the seconds of each step and of both passes."""
    assert rulebook.pricing is not None
    timed = Timed(rulebook.pricing.schedule)
    request = Request((str(source),), date.fromisoformat(AS_OF))
    begun = time.perf_counter()
    outcome = check_inputs(
        request, replace(rulebook, pricing=timed), open_inputs(request, spill, {}), spill, [],
        timings=Timings(),
    )  # fmt: skip
    assert outcome.prices is not None
    found = outcome.prices.summary()
    passes = time.perf_counter() - begun
    return {"lines": found["lines"], "priced": found["priced"], **timed.seconds, "passes": passes}


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("source", type=Path)
    rulebook = load_rulebook(Selection(), terms=Terms(locality=LOCALITY))
    with tempfile.TemporaryDirectory() as spill:
        print(json.dumps(measure(parser.parse_args().source, rulebook, Path(spill))))


if __name__ == "__main__":
    main()
