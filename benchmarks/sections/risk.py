"""Risk models: algorithms side by side, ONNX Runtime beside scikit-learn, and a boosting tuned by hand."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from benchmarks.measure import Failed, run
from benchmarks.runs import REFERENCE, Bench

CLAIMS, FEW = 5_000, 2_000
LABELLED = REFERENCE.parent / "claims" / "denials"
"""Two published, synthetic sets of labelled claims, where they lie beside the checkout."""
SETS = (
    ("hospital_claims_history_train_validation.csv", "is_denied", "service_month", "2024-09-01"),
    ("claims_denial_synthetic_even.csv", "denial_flag"),
)


def measure(bench: Bench) -> None:
    try:
        rows = FEW if bench.quick else CLAIMS
        found = json.loads(run(bench.module("risk_models", "algorithms", rows)).output)
        bench.facts["risk_algorithms"] = found
        bench.notes.append(side_by_side(found, rows))
    except Failed as error:
        bench.notes.append(f"Risk models: failed: {error}")
        return
    for name, *rest in SETS:
        if not (LABELLED / name).exists():
            bench.notes.append(f"Risk models on {name}: not measured, it is not beside the checkout.")
            continue
        told = json.loads(run(bench.module("risk_models", "boosting", LABELLED / name, *rest)).output)
        bench.facts[f"risk_{name}"] = told
        bench.notes.append(beside_boosting(name, told))


def side_by_side(found: Sequence[Mapping[str, Any]], rows: int) -> str:
    """A line for each algorithm."""
    head = (
        f"Risk models on {rows:,} invented claims, a quarter of them to measure; seconds to score 50,000 "
        "encoded claims by our arrays, by ONNX Runtime and by scikit-learn, and with encoding and "
        "reasons:\n\n"
        "| algorithm | trained in | AUC (95 %) | Brier | calibration | ours | ONNX | scikit-learn | whole |\n"
        "|---|---:|---:|---:|---:|---:|---:|---:|---:|"
    )
    lines = [
        f"| {each['algorithm']} | {each['train_s']} s | {_interval(each['auc'])} | "
        f"{each['brier']['value']:.4f} | {each['calibration_error']:.3f} | {each['ours_s']} | "
        f"{each['onnx_s']} | {each['sklearn_s']} | {each['predict_s']} |"
        for each in found
    ]
    return "\n".join([head, *lines])


def beside_boosting(name: str, told: Mapping[str, Any]) -> str:
    """The default algorithm beside a boosting that was tuned by hand."""
    ahead, low, high = told["ahead"]
    return (
        f"Risk models on {name} ({told['train']:,} claims train, {told['test']:,} measure, {told['denied']} "
        f"of them denied, split by {told['by']}, {told['columns']} columns): AUC of the default "
        f"{_interval(told['ours']['auc'])}, of a gradient boosting tuned by hand "
        f"{_interval(told['boosting']['auc'])}; ahead by {ahead:+.3f} ({low:+.3f} to {high:+.3f}). Brier "
        f"{told['ours']['brier']['value']:.4f} and {told['boosting']['brier']['value']:.4f}, calibration "
        f"{told['ours']['calibration_error']:.3f} and {told['boosting']['calibration_error']:.3f}."
    )


def _interval(entry: Mapping[str, float]) -> str:
    return f"{entry['value']:.3f} ({entry['low']:.3f} to {entry['high']:.3f})"
