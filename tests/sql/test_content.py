"""The content hash of a claim: the same for the same claim for ever, another one for any other."""

from __future__ import annotations

from datetime import date, time
from decimal import Decimal
from pathlib import Path

import pytest

from claimsctl.security.keys import Keys
from claimsctl.security.policy import Phi
from tests.sql.lines import line, outbox, rows

GOLDEN = 4589736600420561518
TWO = (line("A1", 1), line("A1", 2, session_start_time=time(14, 0), minutes=45))


def _hash(tmp_path: Path, lines: list[dict[str, object]], **options: object) -> int:
    box = outbox(tmp_path / "box", lines, **options)  # type: ignore[arg-type]
    return int(rows(box, "claims")["content_hash"][0])


def test_it_is_the_same_in_every_version(tmp_path: Path) -> None:
    # Changing this number makes every claim of every target look changed.
    assert _hash(tmp_path, list(TWO)) == GOLDEN


def test_where_a_claim_stood_and_when_it_was_written_do_not_count(tmp_path: Path) -> None:
    first = _hash(tmp_path, list(TWO))
    assert _hash(tmp_path, [line("Z"), *TWO][1:], job="another", part=1) == first
    assert _hash(tmp_path, [{**each, "row_number": 99} for each in reversed(TWO)]) == first


@pytest.mark.parametrize(
    "change",
    [
        {"patient_last_name": "Nuñez"},
        {"patient_dob": date(1980, 5, 18)},
        {"charge_amount": Decimal("120.01")},
        {"units": Decimal("1.5")},
        {"line_note": None},
        {"diagnosis_1": "F411"},
        {"pricing_status": "NOT_COVERED"},
        {"session_start_time": time(14, 1)},
        {"minutes": 46},
    ],
)
def test_every_value_counts(tmp_path: Path, change: dict[str, object]) -> None:
    changed = [{**each, **change} for each in TWO]
    assert _hash(tmp_path, changed) != _hash(tmp_path, list(TWO))


def test_a_line_more_and_values_that_change_places_count(tmp_path: Path) -> None:
    found = {
        _hash(tmp_path, lines)
        for lines in (
            [line("A1", 1)],
            list(TWO),
            [line("A1", 1, charge_amount=Decimal(5)), line("A1", 2)],
            [line("A1", 1), line("A1", 2, charge_amount=Decimal(5))],
        )
    }
    assert len(found) == 4


@pytest.mark.parametrize("phi", ["mask", "encrypt"])
def test_it_is_of_what_is_true_and_not_of_what_is_written(tmp_path: Path, phi: Phi) -> None:
    first = _hash(tmp_path, list(TWO), phi=phi)
    assert _hash(tmp_path, list(TWO), phi=phi) == first  # sealed anew
    assert _hash(tmp_path, [{**each, "patient_ssn": "745-38-2917"} for each in TWO], phi=phi) != first
    assert first != _hash(tmp_path, list(TWO))  # another policy writes the claim again


def test_without_the_key_nobody_can_try_values(tmp_path: Path) -> None:
    other = Keys.derive(b"another workspace" * 2)
    assert _hash(tmp_path, list(TWO), keys=other) != _hash(tmp_path, list(TWO))
