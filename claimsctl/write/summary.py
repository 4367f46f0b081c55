"""summary.json: the run manifest."""

from __future__ import annotations

import datetime as dt
import json
import math
from collections.abc import Iterable, Mapping
from decimal import Decimal
from pathlib import Path
from typing import Final

from claimsctl.write.files import OutputDir
from claimsctl.write.marker import SUMMARY
from claimsctl.write.trouble import writing

KEYS: Final = (
    "job_id", "command", "version", "status", "started_at", "finished_at", "inputs", "mapping",
    "rows", "claims", "findings", "findings_by_code", "findings_by_field", "causes", "suppressed",
    "suppressions_expired", "since_last",
    "rules", "reference", "history", "duplicates", "pricing", "scoring", "timings",
    "rows_per_second", "peak_memory_bytes", "outputs",
)  # fmt: skip
"""The documented keys in file order; further keys follow in the order given."""


def summary_json(summary: Mapping[str, object]) -> str:
    """The manifest as a JSON document: documented keys first, Decimal as exact text, dates in ISO 8601.

    A number that is not finite becomes null.
    """
    known = {key: summary[key] for key in KEYS if key in summary}
    return json.dumps(_plain({**known, **summary}), ensure_ascii=False, indent=2, allow_nan=False) + "\n"


def write_summary(out: OutputDir, summary: Mapping[str, object]) -> Path:
    """Write summary.json, which appears after all other files; its final path."""
    path = out.path / SUMMARY
    with writing(path), out.open_temp(SUMMARY) as file:
        file.write(summary_json(summary).encode())
    return path


def _plain(value: object) -> object:
    match value:
        case None | bool() | int() | str():
            return value
        case float():
            return value if math.isfinite(value) else None
        case Decimal():
            return format(value, "f")
        case dt.datetime() | dt.date() | dt.time():
            return value.isoformat()
        case dt.timedelta():
            return value.total_seconds()
        case Path():
            return str(value)
        case Mapping():
            return {str(key): _plain(item) for key, item in value.items()}
        case set() | frozenset():
            return [_plain(item) for item in sorted(value, key=str)]
        case Iterable():
            return [_plain(item) for item in value]
        case _:
            raise TypeError(f"summary.json cannot hold a {type(value).__name__}")
