"""X12 claim status codes: categories (507) with the status they stand for, and status codes (508).

The tables stand in reference_data; texts are our own words.
"""

from __future__ import annotations

import csv
from dataclasses import dataclass
from functools import cache
from typing import Literal, cast

from claimsctl.payers.inquiry import Status
from claimsctl.reference.locate import data_path

Normalised = Status | Literal["INPUT_ERROR", "RETRY"]


@dataclass(frozen=True, slots=True)
class Category:
    """A category of claim status: what it stands for, and whether the amount paid may say more."""

    status: Normalised
    text: str | None
    use_amounts: bool = False


_UNKNOWN = Category("UNKNOWN", None)


def category(code: str | None) -> Category:
    """What a category code means; UNKNOWN without text for one that is not listed."""
    if not code:
        return _UNKNOWN
    listed = _categories()
    code = code.strip().upper()
    return listed.get(code) or listed.get(f"{code[:1]}*", _UNKNOWN)


def status_text(code: str | None) -> str | None:
    """Our words for a status code, None for one that is not listed."""
    return _status_codes().get(code.strip().lstrip("0") or "0") if code else None


@cache
def _categories() -> dict[str, Category]:
    return {
        row["code"]: Category(cast(Normalised, row["status"]), row["meaning"], row["use_amounts"] == "yes")
        for row in _rows("claim_status_categories.csv")
    }


@cache
def _status_codes() -> dict[str, str]:
    return {row["code"]: row["meaning"] for row in _rows("claim_status_codes.csv")}


def _rows(name: str) -> list[dict[str, str]]:
    with (data_path("reference_data") / name).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))
