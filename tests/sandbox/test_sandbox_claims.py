"""Invented claims: the same for the same seed, of every kind, and consistent in themselves."""

from __future__ import annotations

import csv
from datetime import timedelta
from pathlib import Path

from claimsctl.sandbox.book import Asked, Book
from claimsctl.sandbox.claims import EXAMPLE_DAY, EXAMPLES
from claimsctl.sandbox.inventing import fillers, invent_claims, write_status_file


def test_the_same_seed_gives_the_same_claims() -> None:
    assert list(invent_claims(50, seed=4)) == list(invent_claims(50, seed=4))
    assert list(invent_claims(50, seed=4)) != list(invent_claims(50, seed=5))
    assert list(invent_claims(9, seed=4)) == list(invent_claims(50, seed=4))[:9]


def test_amounts_and_dates_agree() -> None:
    claims = [*EXAMPLES, *invent_claims(400, seed=2)]
    assert {claim.category for claim in claims} >= {"F1", "F2", "F3", "F4", "P1", "P3", "A2", "A3", "R0"}
    for claim in claims:
        assert claim.paid + claim.patient == claim.allowed <= claim.charge
        assert (claim.paid > 0) == bool(claim.check_number) == (claim.paid_on is not None)
        assert claim.service_from <= claim.service_to <= claim.effective
        assert sum(line.paid for line in claim.lines) == claim.paid
        assert claim.decided == (claim.processed is not None)
    numbers = {claim.payer_claim_number for claim in claims} | {claim.claim_number for claim in claims}
    assert len(numbers) == 2 * len(claims)


def test_a_file_of_them_can_be_asked_with(tmp_path: Path) -> None:
    claims = list(invent_claims(5, payer="AETNA"))
    assert write_status_file(tmp_path / "claims.csv", claims) == 5
    with (tmp_path / "claims.csv").open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert [row["Claim #"] for row in rows] == [claim.claim_number for claim in claims]
    assert {row["Payer Code"] for row in rows} == {"AETNA"}


def test_everything_said_must_agree() -> None:
    claim = EXAMPLES[0]
    book = Book(EXAMPLES)
    right = Asked(
        payer_id="87726", number=claim.claim_number, last_name="whitfield", dob=claim.dob,
        start=claim.service_from, end=claim.service_to, charge=claim.charge,
    )  # fmt: skip
    assert book.find(right) == [claim]
    for wrong in (
        Asked("60054", number=claim.claim_number),
        Asked("87726", number=claim.claim_number, last_name="SOMEBODY"),
        Asked("87726", number=claim.claim_number, dob=claim.dob + timedelta(days=1)),
        Asked("87726", payer_number=claim.claim_number),
        Asked("87726", account=claim.payer_claim_number),
        Asked("87726", last_name=claim.last_name, start=EXAMPLE_DAY, end=EXAMPLE_DAY),
        Asked("87726"),
    ):
        assert book.find(wrong) == []


def test_others_claims_are_the_same_in_every_window() -> None:
    start, end = EXAMPLE_DAY - timedelta(days=29), EXAMPLE_DAY
    middle = start + timedelta(days=14)
    whole = {claim.payer_claim_number for claim in fillers(510, start, end)}
    parts = [fillers(510, start, middle), fillers(510, middle + timedelta(days=1), end)]
    assert len(whole) == 510
    assert {claim.payer_claim_number for part in parts for claim in part} == whole
