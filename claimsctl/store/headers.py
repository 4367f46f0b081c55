"""One row per claim from its lines: the SQL that a commit and an upgrade of the store share."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path
from typing import Final

DIAGNOSES: Final = tuple(f"diagnosis_{number}" for number in range(1, 13))
_AMOUNTS: Final = ("expected_allowed_amount", "allowed_amount", "paid_amount", "work_rvu", "total_rvu")

LINE_FACTS: Final = ("payer_name", *_AMOUNTS, "codes", "diagnoses", "first_part", "last_part")
"""Columns of a claim that schema 3 added, each made by `line_facts`."""


def line_facts(found: Collection[str], part: str) -> str:
    """Select list of LINE_FACTS in a GROUP BY claim, in this order; `part` is the number of a line's part.

    Amounts are sums over the lines that have one, null where none has; `codes` and `diagnoses` are
    distinct and sorted. `found` are the columns of the lines.
    """
    columns = {"payer_name": "min(payer_name)" if "payer_name" in found else "NULL::VARCHAR"}
    for name in _AMOUNTS:
        kind = "DECIMAL(12, 2)" if name.endswith("_amount") else "DECIMAL(18, 4)"
        columns[name] = f"TRY_CAST(sum({name}) AS {kind})" if name in found else f"NULL::{kind}"
    codes = "list(procedure_code)" if "procedure_code" in found else "NULL::VARCHAR[]"
    there = [name for name in DIAGNOSES if name in found]
    diagnoses = f"flatten(list([{', '.join(there)}]))" if there else "NULL::VARCHAR[]"
    columns["codes"] = f"list_sort(list_distinct({codes}))"
    columns["diagnoses"] = f"list_sort(list_distinct({diagnoses}))"
    columns["first_part"] = f"min({part})::INTEGER"
    columns["last_part"] = f"max({part})::INTEGER"
    return ", ".join(f"{columns[name]} AS {name}" for name in LINE_FACTS)


def quoted(path: Path) -> str:
    """A path as a text of SQL."""
    return "'" + str(path).replace("'", "''") + "'"


def files(paths: Collection[Path]) -> str:
    """Paths as a list of SQL."""
    return "[" + ", ".join(map(quoted, paths)) + "]"
