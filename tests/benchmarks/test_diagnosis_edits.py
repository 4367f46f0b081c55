"""The comparison with another code editor, on the few codes of the sample tables and a scripted editor."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from pathlib import Path

import polars as pl

from benchmarks import diagnosis_edits as edits
from benchmarks.diagnosis_edits import AGES, EDITS, Ask, Question
from claimsctl.process.rulebook import load_rulebook
from claimsctl.validate.ruleset import Selection
from tests.conftest import Process

DAY = date(2026, 5, 4)
CODES = ["A000", "F0280", "H28", "N400", "O0990", "P220", "W19XXXA", "Z5189", "Z9981"]
MALE, FEMALE = {"N400"}, {"O0990"}
SPANS = {"P220": (0, 0), "O0990": (9, 64), "N400": (15, 124)}
FIRST = {
    "F0280": "MANIFESTATION_AS_PDX",
    "H28": "MANIFESTATION_AS_PDX",
    "W19XXXA": "E_CODE_AS_PDX",
    "Z5189": "REQUIRES_SDX",
    "Z9981": "UNACCEPTABLE_PDX",
}


def scripted(*, first: Mapping[str, str] = FIRST, sexes_until: date = date(2024, 9, 30)) -> Ask:
    def ask(day: date, age: int, sex: str, code: str) -> frozenset[str]:
        raised = {first[code]} if code in first else set()
        low, high = SPANS.get(code, (0, 200))
        if not low <= age <= high:
            raised.add("AGE_CONFLICT")
        if day <= sexes_until and ((code in MALE and sex == "F") or (code in FEMALE and sex == "M")):
            raised.add("SEX_CONFLICT")
        return frozenset(raised)

    return ask


def answered(run: Process, tmp_path: Path) -> tuple[pl.DataFrame, dict[str, set[Question]]]:
    """The questions on all codes, and what the rules say with the sample tables."""
    asked = edits.questions({DAY: pl.Series("code", CODES)})
    edits.claims(asked).write_csv(tmp_path / "claims.csv")
    book = load_rulebook(Selection(only=frozenset(edits.RULES)), samples=True)
    run(tmp_path / "claims.csv", book=book, out=tmp_path / "out")
    findings = pl.read_csv(tmp_path / "out" / "errors.csv", infer_schema=False)
    return asked, edits.found_by_rules(asked, findings)


def test_every_code_is_asked_at_every_age_and_of_a_man() -> None:
    codes = pl.Series("code", [f"A{n:03d}" for n in range(30)])
    asked = edits.questions({DAY: codes})
    every = list(edits.unpacked(asked))
    assert len(every) == len(set(every)) == 30 * (len(AGES) + 2)
    assert {(q.age, q.sex) for q in every if not q.principal} == set(edits.patients())
    assert sum(q.principal for q in every) == 30
    assert asked.filter(~pl.col("principal")).height == 3 * (len(AGES) + 1)
    born = edits.claims(asked).filter(pl.col("patient_sex") == "F")["patient_dob"]
    assert {int(day[:4]) for day in born} == {2026 - age for age in AGES}


def test_rules_and_editor_agree_but_for_the_retired_edit(run: Process, tmp_path: Path) -> None:
    asked, ours = answered(run, tmp_path)
    result = edits.compare(edits.unpacked(asked), ours, scripted(), {DAY: DAY})
    assert {name for _day, name in result} == set(EDITS)
    for (_day, name), each in result.items():
        assert each.asked == (len(CODES) if EDITS[name].principal else len(CODES) * (len(AGES) + 1))
        if name != "sex":
            assert (each.both > 0, dict(each.differences)) == (True, {}), name
    sex = result[DAY, "sex"]
    assert set(sex.differences) == {edits.RETIRED}
    assert set(sex.examples[edits.RETIRED]) == MALE | FEMALE


def test_what_the_editor_does_not_show_stays_unexplained(run: Process, tmp_path: Path) -> None:
    asked, ours = answered(run, tmp_path)
    other = scripted(first={**FIRST, "A000": "UNACCEPTABLE_PDX", "Z9981": "NONE"})
    result = edits.compare(edits.unpacked(asked), ours, other, {DAY: DAY})
    principal = result[DAY, "unacceptable principal"]
    assert dict(principal.differences) == {edits.THEIRS: 1, edits.OURS: 1}
    assert principal.examples == {edits.THEIRS: ["A000"], edits.OURS: ["Z9981"]}


def test_differences_that_the_editor_explains() -> None:
    later, made = date(2026, 6, 1), date(2026, 1, 15)

    def ask(day: date, age: int, sex: str, code: str) -> frozenset[str]:
        names = {"Z9981": "UNACCEPTABLE_PDX" if day == made else "", "W99XXXA": "INVALID_CODE"}
        return frozenset({names.get(code, "")})

    asked = [Question(later, 40, "F", True, code) for code in ("Z9981", "W99XXXA")]
    ours: dict[str, set[Question]] = {name: set() for name in EDITS}
    ours["unacceptable principal"] = {asked[0]}
    ours["external cause first"] = {asked[1]}
    result = edits.compare(asked, ours, ask, {later: made})
    assert dict(result[later, "unacceptable principal"].differences) == {edits.CHANGED: 1}
    assert dict(result[later, "external cause first"].differences) == {edits.NOT_VALID: 1}
