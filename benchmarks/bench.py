"""`make bench`: speed and memory, and what other tools say, measured in one run on one machine.

    python -m benchmarks.bench --sizes 100k,1m
    python -m benchmarks.bench --sections rules,edits --sizes 50k --quick

Every row of the first table is a whole process from its start to its last byte written.
"""

from __future__ import annotations

import argparse
import json
import shutil
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path

from benchmarks.measure import HERE, machine, size, table
from benchmarks.runs import DATA, Bench
from benchmarks.sections import (
    codes,
    edits,
    phi,
    pricing,
    risk,
    rules,
    speed,
    sql,
    start_up,
    status,
    twenty,
    workspace,
)

RESULTS = HERE / "results"
SECTIONS: Mapping[str, tuple[Callable[[Bench], None], str]] = {
    "start": (start_up.measure, "--help, and a warm Checker"),
    "speed": (speed.measure, "the main job at every size, beside a bare copy"),
    "peers": (twenty.measure, "the same 20 rules in other tools"),
    "rules": (rules.measure, "cost by category and rule, and the main job with all tables"),
    "pricing": (pricing.measure, "what pricing adds to the main job, and the cost of its parts"),
    "risk": (risk.measure, "algorithms of risk models side by side, and ONNX Runtime beside scikit-learn"),
    "workspace": (workspace.measure, "claims in a large store: adding, finding, counting, exporting"),
    "sql": (sql.measure, "claims into PostgreSQL, beside a bare COPY of them"),
    "status": (status.measure, "asking payers: pace, requests spared by searches"),
    "phi": (phi.measure, "what encryption, search by SSN, new keys and the audit file cost"),
    "codes": (codes.measure, "claim-validator: its speed, and which diagnosis codes it takes"),
    "edits": (edits.measure, "msdrg's code editor beside the rules on diagnosis edits"),
}


def chosen_sections(text: str) -> list[str]:
    """Names in the order of SECTIONS; `all` means all."""
    names = [name.strip() for name in text.split(",") if name.strip()]
    unknown = [name for name in names if name not in SECTIONS and name != "all"]
    if unknown or not names:
        wrong = f"no section {', '.join(unknown)}" if unknown else "no section named"
        raise argparse.ArgumentTypeError(f"{wrong}; there are {', '.join(SECTIONS)}, and all")
    return [name for name in SECTIONS if name in names or "all" in names]


def chosen_sizes(text: str) -> tuple[int, ...]:
    """Numbers of lines, the smallest first."""
    try:
        sizes = sorted({size(part) for part in text.split(",") if part.strip()})
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is no list of sizes such as 100k,1m") from None
    if not sizes or sizes[0] < 1:
        raise argparse.ArgumentTypeError("give at least one size, such as 100k")
    return tuple(sizes)


def parser() -> argparse.ArgumentParser:
    """The command line."""
    sections = "; ".join(f"{name}: {what}" for name, (_measure, what) in SECTIONS.items())
    made = argparse.ArgumentParser(description="Measure claimsctl beside a bare copy and other tools.")
    made.add_argument("--sections", type=chosen_sections, default="all", help=f"by commas: {sections}")
    made.add_argument("--sizes", type=chosen_sizes, default="100k,1m,10m", help="lines, parted by commas")
    made.add_argument("--quick", action="store_true", help="once each, peers on a tenth, a sample of codes")
    made.add_argument("--store", type=size, default="1m", help="lines in the store of section workspace")
    made.add_argument("--inquiries", type=size, default="10k", help="claims asked about in section status")
    made.add_argument("--keep", action="store_true", help="keep the generated files in benchmarks/data")
    made.add_argument("--python", default=sys.executable, help="interpreter of the environment to measure")
    return made


def report(bench: Bench) -> str:
    """The whole result as Markdown."""
    parts = [f"Measured on {machine(bench.python)}.", *([table(bench.rows)] if bench.rows else [])]
    return "\n\n".join([*parts, *bench.notes])


def main(arguments: Sequence[str] | None = None) -> None:
    """Command line."""
    chosen = parser().parse_args(arguments)
    RESULTS.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="claimsctl-bench-", dir=HERE) as work:
        bench = Bench(Path(work), chosen.python, chosen.sizes, chosen.quick, chosen.store, chosen.inquiries)
        for name in chosen.sections:
            bench.say(f"--- {name}")
            SECTIONS[name][0](bench)
    text = report(bench)
    print(text)
    (RESULTS / "bench.md").write_text(text + "\n", encoding="utf-8")
    rows = [
        asdict(row)
        | {"measure": row.measure and {k: v for k, v in asdict(row.measure).items() if k != "output"}}
        for row in bench.rows
    ]
    (RESULTS / "bench.json").write_text(
        json.dumps({"rows": rows, **bench.facts}, indent=1) + "\n", encoding="utf-8"
    )
    if not chosen.keep and DATA.exists():
        shutil.rmtree(DATA)


if __name__ == "__main__":
    main()
