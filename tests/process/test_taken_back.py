"""A claim and what corrects it in one file: only the newer one was done, wherever the file is cut."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest

from claimsctl.process.rulebook import load_rulebook
from claimsctl.validate.ruleset import Selection
from tests.claims import claim, write_csv
from tests.conftest import Process

ICN = "26120129995"
BOOK = load_rulebook(Selection(only=frozenset({"EM-002", "LAB-009", "MH-014", "DUP-004"})))


def lines(number: str, visit: str = "99213", **changes: str) -> list[dict[str, str]]:
    """A visit and a drug test of one patient, each of which may be billed once a day."""
    shared = {"member_id": "XYQ1", "session_start_time": "09:00", "session_end_time": "09:30", **changes}
    return [
        claim(number, line_number="1", procedure_code=visit, **shared),
        claim(number, line_number="2", procedure_code="80307", **shared),
    ]


ORIGINAL = lines("A1", "99214", payer_claim_number=ICN)
NEW = lines("A2")
PAIRS = {
    "a void and the new claim": [*lines("A1", frequency_code="8", original_claim_number=ICN), *NEW],
    "a void by its bill type": [
        *lines("A1", bill_type_code="0138", revenue_code="0510"),
        *lines("A2", bill_type_code="0131", revenue_code="0510"),
    ],
    "a replacement under the same number": [*lines("A1"), *lines("A1", "99214", frequency_code="7")],
    "a replacement that names the payer's number": [
        *ORIGINAL, *lines("A2", frequency_code="7", original_claim_number="2612-0129995"),
    ],
    "a replacement that names our number": [
        *ORIGINAL, *lines("A2", frequency_code="7", original_claim_number="A1", payer_claim_number="X2"),
    ],
    "a replacement that carries the number of what it replaces": [
        *ORIGINAL, *lines("A2", frequency_code="7", original_claim_number=ICN, payer_claim_number=ICN),
    ],
}  # fmt: skip


def told(run: Process, tmp_path: Path, rows: list[dict[str, str]], batch_size: int) -> set[tuple[str, str]]:
    run(write_csv(tmp_path / "claims.csv", rows), out=tmp_path / "out", batch_size=batch_size, book=BOOK)
    found = pl.read_csv(tmp_path / "out" / "errors.csv", infer_schema=False)
    return set(found.select("code", "claim_number").iter_rows())


@pytest.mark.parametrize("batch_size", [1, 10_000])
@pytest.mark.parametrize("what", PAIRS)
def test_what_is_taken_back_is_no_second_service(
    run: Process, tmp_path: Path, what: str, batch_size: int
) -> None:
    assert told(run, tmp_path, PAIRS[what], batch_size) == set()


def test_other_claims_of_the_day_still_meet(run: Process, tmp_path: Path) -> None:
    rows = [*PAIRS["a void and the new claim"], *lines("A3", "99214")]
    both = {(code, number) for code in ("EM-002", "LAB-009") for number in ("A2", "A3")}
    assert told(run, tmp_path, rows, 10_000) == both


def test_a_number_of_another_patient_takes_nothing_back(run: Process, tmp_path: Path) -> None:
    other = lines("B1", frequency_code="7", original_claim_number=ICN, member_id="XYQ2")
    both = {(code, number) for code in ("EM-002", "LAB-009") for number in ("A1", "A2")}
    assert told(run, tmp_path, [*ORIGINAL, *NEW, *other], 10_000) == both
