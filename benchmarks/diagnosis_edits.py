"""Our rules on diagnosis edits beside another Medicare Code Editor: every code, several ages, both sexes.

    python -m benchmarks.diagnosis_edits ask claims.csv 1
    python -m benchmarks.diagnosis_edits compare claims.csv errors.csv

`ask` writes claims that put every code to the rules (the last argument: every n-th code only), `compare` sets
the findings on them against what the msdrg package says, and prints JSON. The codes are those of ICD-10-CM
and those of the loaded lists. Edits of age and sex are asked twelve codes to a row, since each diagnosis is
edited alone; those of the principal diagnosis one to a row.
"""

from __future__ import annotations

import json
import sys
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Final, NamedTuple

import polars as pl

from claimsctl.reference import icd10cm
from claimsctl.reference.editions import EditionStore
from claimsctl.settings import load_settings

Ask = Callable[[date, int, str, str], frozenset[str]]
"""(discharge date, age, sex, code) -> names of the edits that an editor raises."""

TABLE: Final = "icd10cm_edits"
AGES: Final = (0, 1, 8, 9, 14, 15, 17, 18, 40, 64, 65, 124)
ADULT: Final = 40
SLOTS: Final = 12
DAYS: Final[Mapping[date, date]] = {
    date(2020, 6, 1): date(2020, 6, 1),
    date(2026, 1, 15): date(2026, 1, 15),
    date(2026, 6, 1): date(2026, 1, 15),
}
"""Service dates that are asked, each with a day on which the list in force for it was up to date."""


class Edit(NamedTuple):
    """An edit: our rule, and what the editor calls it."""

    rule: str
    names: frozenset[str]
    principal: bool


EDITS: Final[Mapping[str, Edit]] = {
    "age": Edit("DX-029", frozenset({"AGE_CONFLICT"}), False),
    "sex": Edit("DX-028", frozenset({"SEX_CONFLICT"}), False),
    "external cause first": Edit("DX-017", frozenset({"E_CODE_AS_PDX"}), True),
    "manifestation first": Edit("DX-018", frozenset({"MANIFESTATION_AS_PDX"}), True),
    "unacceptable principal": Edit("DX-019", frozenset({"UNACCEPTABLE_PDX", "REQUIRES_SDX"}), True),
}
RULES: Final = tuple(edit.rule for edit in EDITS.values())


class Question(NamedTuple):
    """One code of one patient on one day; `principal` where edits of the principal diagnosis are asked."""

    day: date
    age: int
    sex: str
    principal: bool
    code: str


def patients() -> Iterator[tuple[int, str]]:
    """Ages and sexes asked for the edits of age and sex."""
    yield from ((age, "F") for age in AGES)
    yield ADULT, "M"


def questions(codes: Mapping[date, pl.Series]) -> pl.DataFrame:
    """One row per claim: day, age, sex, principal, diagnosis_1 to _12; `codes` are those asked on a day."""
    parts = []
    for day, listed in codes.items():
        row = pl.int_range(pl.len()) // SLOTS
        slot = pl.format("diagnosis_{}", pl.int_range(pl.len()) % SLOTS + 1)
        packed = listed.to_frame("code").select(row.alias("row"), slot.alias("slot"), "code")
        wide = packed.pivot("slot", index="row", values="code").drop("row")
        one = listed.to_frame("diagnosis_1")
        asked = [(age, sex, False, wide) for age, sex in patients()] + [(ADULT, "F", True, one)]
        for age, sex, principal, frame in asked:
            who = {"day": day, "age": age, "sex": sex, "principal": principal}
            parts.append(frame.select(*[pl.lit(value).alias(name) for name, value in who.items()], pl.all()))
    empty = pl.DataFrame(schema={f"diagnosis_{n}": pl.String for n in range(1, SLOTS + 1)})
    every = pl.concat([*parts, empty], how="diagonal")
    return every.select("day", "age", "sex", "principal", *empty.columns)


def claims(asked: pl.DataFrame) -> pl.DataFrame:
    """The questions as claims of an inpatient stay, one line each, in the same order."""
    return asked.select(
        pl.format("Q{}", pl.int_range(1, pl.len() + 1)).alias("claim_number"),
        pl.lit("institutional").alias("claim_type"),
        pl.lit("0111").alias("bill_type_code"),
        pl.col("day").cast(pl.String).alias("service_date_from"),
        pl.date(pl.col("day").dt.year() - pl.col("age"), 1, 1).cast(pl.String).alias("patient_dob"),
        pl.col("sex").alias("patient_sex"),
        pl.col("^diagnosis_.*$"),
    )


def found_by_rules(asked: pl.DataFrame, findings: pl.DataFrame) -> dict[str, set[Question]]:
    """By edit, the questions our rules have a finding on; `findings` as in errors.csv."""
    numbered = asked.with_row_index("number", offset=2).with_columns(pl.col("number").cast(pl.Int64))
    cells = numbered.unpivot(
        index=["number", "day", "age", "sex", "principal"], variable_name="field", value_name="diagnosis"
    )
    hits = findings.select(pl.col("row_number").cast(pl.Int64).alias("number"), "code", "field")
    met = hits.join(cells, on=["number", "field"]).select(
        "code", "day", "age", "sex", "principal", "diagnosis"
    )
    found: dict[str, set[Question]] = {name: set() for name in EDITS}
    by_rule = {edit.rule: name for name, edit in EDITS.items()}
    for code, *rest in met.iter_rows():
        name = by_rule.get(code)
        question = Question(*rest)
        if name is not None and question.principal == EDITS[name].principal:
            found[name].add(question)
    return found


@dataclass
class Agreement:
    """How one edit compares on one day; differences by kind, with a few of their codes."""

    asked: int = 0
    both: int = 0
    differences: Counter[str] = field(default_factory=Counter)
    examples: dict[str, list[str]] = field(default_factory=dict)

    def differ(self, kind: str, code: str) -> None:
        """Count a difference."""
        self.differences[kind] += 1
        shown = self.examples.setdefault(kind, [])
        if code not in shown and len(shown) < 6:
            shown.append(code)


RETIRED = "ours alone: CMS switched the sex edit off on 1 October 2024, the rule warns on"
NOT_VALID = "ours alone: the code was not valid on the day, of which the editor says only that"
CHANGED = "ours alone: taken off the list after the loaded one was made, the editor agrees for its day"
OURS, THEIRS = "UNEXPLAINED, ours alone", "UNEXPLAINED, the editor alone"


def compare(
    asked: Iterable[Question], ours: Mapping[str, set[Question]], ask: Ask, days: Mapping[date, date] = DAYS
) -> dict[tuple[date, str], Agreement]:
    """Our findings and the editor's on every question, by day and edit."""
    result: dict[tuple[date, str], Agreement] = {}
    for question in asked:
        day, age, sex, principal, code = question
        raised = ask(day, age, sex, code)
        for name, edit in EDITS.items():
            if edit.principal != principal:
                continue
            agreement = result.setdefault((day, name), Agreement())
            agreement.asked += 1
            mine, theirs = question in ours[name], bool(edit.names & raised)
            if mine and theirs:
                agreement.both += 1
            elif mine:
                agreement.differ(_why(question, edit, raised, ask, days), code)
            elif theirs:
                agreement.differ(THEIRS, code)
    return result


def _why(question: Question, edit: Edit, raised: frozenset[str], ask: Ask, days: Mapping[date, date]) -> str:
    """Why the rule has a finding and the editor has not, as far as the editor itself shows it."""
    if "INVALID_CODE" in raised:
        return NOT_VALID
    if "SEX_CONFLICT" in edit.names and question.day >= date(2024, 10, 1):
        last = ask(date(2024, 9, 30), question.age, question.sex, question.code)
        return RETIRED if edit.names & last else OURS
    then = ask(days[question.day], question.age, question.sex, question.code)
    return CHANGED if edit.names & then else OURS


def asked_codes(every: int) -> dict[date, pl.Series]:
    """Codes to ask on each day: the ICD-10-CM list and the loaded lists of edits."""
    _release, known = icd10cm.load()
    store = EditionStore(load_settings().workspace / "reference")
    codes = [known.filter("billable")["code"]]
    codes += [store.read(edition)["code"] for edition in store.editions(TABLE)]
    listed = pl.concat([c.cast(pl.String).alias("code") for c in codes]).unique().sort()
    return dict.fromkeys(DAYS, listed.gather_every(every))


def unpacked(asked: pl.DataFrame) -> Iterator[Question]:
    """The questions one by one."""
    for day, age, sex, principal, *codes in asked.iter_rows():
        yield from (Question(day, age, sex, principal, code) for code in codes if code is not None)


def _compare_files(claims_file: str, errors_file: str) -> None:
    from benchmarks.peers.msdrg_peer import editor

    asked = pl.read_parquet(Path(claims_file).with_suffix(".parquet"))
    findings = pl.read_csv(errors_file, infer_schema=False)
    with editor() as ask:
        result = compare(unpacked(asked), found_by_rules(asked, findings), ask)
    told = [
        {"day": str(day), "edit": name, "rule": EDITS[name].rule, "asked": each.asked, "both": each.both,
         "differences": dict(each.differences), "examples": each.examples}
        for (day, name), each in result.items()
    ]  # fmt: skip
    print(json.dumps(told))


def main(what: str, claims_file: str, last: str) -> None:
    """The two halves."""
    if what == "compare":
        _compare_files(claims_file, last)
        return
    asked = questions(asked_codes(int(last)))
    asked.write_parquet(Path(claims_file).with_suffix(".parquet"))
    claims(asked).write_csv(claims_file)


if __name__ == "__main__":
    main(*sys.argv[1:])
