"""Rows of patients and practices: what the front desk typed, and who bills."""

from __future__ import annotations

import datetime as dt

import numpy as np
import polars as pl

from benchmarks import people
from benchmarks.people import blank_unless, digits, iso, pick
from benchmarks.visits import AS_OF, Plan


def patients(plan: Plan, chunk: int, rng: np.random.Generator) -> dict[str, pl.Series]:
    """One row a patient: demographics, policy, payer."""
    count = len(plan.age)
    uid = chunk * 1_000_000 + np.arange(count)
    as_of = (AS_OF - dt.date(1970, 1, 1)).days
    born = as_of - (plan.age * 365.2425).astype(np.int64) - 200 - rng.integers(0, 150, count)
    last = pick(people.LAST_NAMES, rng.integers(0, 10_000, count))
    female = pick(people.FEMALE_NAMES, rng.integers(0, 10_000, count))
    male = pick(people.MALE_NAMES, rng.integers(0, 10_000, count))
    woman = pl.Series(plan.sex == 0)
    kind = np.array([p.kind for p in people.PAYERS])[plan.payer]
    child, luck = plan.age < 18, rng.random(count)
    dependent = (kind == "C") & (child | (luck < 0.15))
    shown = dependent | (luck > 0.6)
    town = plan.practice % len(people.CITIES)
    cities = people.CITIES
    extra = blank_unless(rng.random(count) < 0.05, ", Apt " + digits(uid % 90 + 1, 2))
    zip5 = pick([c[2] for c in cities], town)
    parent = born - 9_000 - rng.integers(0, 4_000, count)
    partner = born - 700 + rng.integers(0, 1_400, count)
    owner_born = np.where(dependent, np.where(child, parent, partner), born)
    member = people.medicare_id(uid)
    for index, payer in enumerate(people.PAYERS):
        rows = np.flatnonzero((plan.payer == index) & (kind != "M"))
        if len(rows):
            member = member.scatter(rows, people.member_id(payer.member, uid[rows]))
    state_of = [c[1] for c in cities]
    return {
        "patient_id": "MRN" + digits(uid, 9),
        "patient_last_name": last,
        "patient_first_name": female.zip_with(woman, male),
        "patient_dob": iso(born),
        "patient_sex": pick(["F", "M"], plan.sex),
        "patient_ssn": blank_unless(rng.random(count) < 0.3, people.ssn(uid)),
        "patient_address": digits(100 + uid % 8_900, 4).str.strip_chars_start("0")
        + " "
        + pick(people.STREETS, uid * 7)
        + extra,
        "patient_city": pick([c[0] for c in cities], town),
        "patient_state": pick(state_of, town),
        "patient_zip": zip5 + blank_unless(luck < 0.5, digits(1_001 + uid % 8_000, 4)),
        "patient_phone": blank_unless(
            rng.random(count) < 0.8, pick([c[3] for c in cities], town) + "555" + digits(uid * 7, 4)
        ),
        "patient_death_date": iso(plan.last_visit + 2, (rng.random(count) < 0.003) & (plan.age > 50)),
        "relationship_code": pick(["18", "01", "19"], np.where(dependent, np.where(child, 2, 1), 0)),
        "member_id": member,
        "group_number": blank_unless(kind == "C", "G" + digits(uid % 4_000 + 10_000, 6)),
        "subscriber_last_name": blank_unless(shown, last),
        "subscriber_first_name": blank_unless(shown, male.zip_with(woman == pl.Series(dependent), female)),
        "subscriber_dob": iso(owner_born, shown),
        "subscriber_sex": blank_unless(shown, pick(["F", "M"], np.where(dependent, 1 - plan.sex, plan.sex))),
        "payer_id": pick([p.id for p in people.PAYERS], plan.payer),
        "payer_name": pick([p.name for p in people.PAYERS], plan.payer),
        "claim_filing_code": pick([p.filing_code for p in people.PAYERS], plan.payer),
        "property_casualty_claim_number": blank_unless(np.isin(kind, ["W", "X"]), "PC" + digits(uid, 9)),
        "coverage_start_date": pick(["2024-01-01", "2025-01-01", "2025-07-01"], uid),
        "coverage_end_date": blank_unless(luck < 0.2, "2026-12-31"),
    }


def practices(plan: Plan, chunk: int, count: int) -> dict[str, pl.Series]:
    """One row a practice: the billing provider."""
    number = np.arange(count)
    town = number % len(people.CITIES)
    cities = people.CITIES
    uid = chunk * 64 + number
    prefix = pick(list(people.EIN_PREFIXES), uid)
    return {
        "billing_npi": people.npi(((uid * 32) + 30) * 32),
        "billing_name": pick([c[0] for c in cities], town) + " " + pick(people.PRACTICE_NAMES, uid * 5),
        "billing_address": digits(200 + uid % 700, 3) + " " + pick(people.STREETS, uid),
        "billing_city": pick([c[0] for c in cities], town),
        "billing_state": pick([c[1] for c in cities], town),
        "billing_zip": pick([c[2] for c in cities], town) + digits(2_000 + number, 4),
        "billing_tax_id": prefix + digits(1_000_003 + uid * 271, 7),
        "billing_tax_id_type": pl.repeat("EI", count, eager=True),
        "billing_taxonomy": pl.repeat("193200000X", count, eager=True),
    }
