"""Who comes when, for what: patients, their visits, and the arrays that recipes become."""

from __future__ import annotations

import datetime as dt
import functools
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from benchmarks import people
from benchmarks.people import blank_unless, digits, money, pick
from benchmarks.recipes import SPECIALTIES, recipes

Ints = npt.NDArray[Any]
Flags = npt.NDArray[np.bool_]

AS_OF = dt.date(2026, 6, 30)
SLOTS = 8
SESSION_STEP = 65  # minutes between two sessions of one clinician
HOLIDAYS = {dt.date(2026, 1, 19), dt.date(2026, 2, 16), dt.date(2026, 5, 25)}
KINDS = "CAMDWX"
COLUMN_ORDER: tuple[str, ...] = tuple(
    """claim_number line_number claim_type frequency_code original_claim_number prior_auth_number
    referral_number clia_number patient_id patient_last_name patient_first_name patient_dob patient_sex
    patient_ssn patient_address patient_city patient_state patient_zip patient_phone patient_death_date
    relationship_code member_id group_number subscriber_last_name subscriber_first_name subscriber_dob
    subscriber_sex payer_id payer_name claim_filing_code payer_sequence coverage_start_date
    coverage_end_date billing_npi billing_name billing_address billing_city billing_state billing_zip
    billing_tax_id billing_tax_id_type billing_taxonomy rendering_taxonomy rendering_npi referring_npi
    ordering_npi supervising_npi facility_npi facility_name facility_address facility_zip
    place_of_service service_date_from service_date_to received_date admission_date discharge_date
    onset_date accident_date lmp_date initial_treatment_date last_seen_date related_cause_code
    accident_state procedure_code modifier_1 modifier_2 modifier_3 modifier_4 diagnosis_1 diagnosis_2
    diagnosis_3 diagnosis_4 diagnosis_5 diagnosis_6 diagnosis_7 diagnosis_8 diagnosis_9 diagnosis_10
    diagnosis_11 diagnosis_12 diagnosis_pointers units unit_type minutes charge_amount
    claim_charge_amount copay_amount patient_paid_amount allowed_amount paid_amount coinsurance_amount
    deductible_amount other_payer_id other_payer_paid_amount other_payer_adjudication_date
    adjustment_group_code adjustment_reason_code adjustment_amount msp_type_code delay_reason_code
    ndc_code ndc_quantity ndc_unit line_note accept_assignment_code benefits_assignment_code
    release_of_info_code provider_signature_code other_member_id other_payer_sequence
    patient_responsibility_amount session_start_time session_end_time practice_type diagnosis_code_type
    property_casualty_claim_number clinical_trial_number mammography_certificate pickup_zip
    dropoff_address""".split()
)


@dataclass(frozen=True)
class Book:
    """Recipes as arrays: one entry a recipe, or (`line_...`) one a recipe line."""

    weight: npt.NDArray[np.float64]
    specialty: Ints
    for_kind: Flags
    low_age: Ints
    high_age: Ints
    sex: Ints
    when: Ints
    pos: Any
    session: Flags
    orders: Flags
    refers: Flags
    clia: Flags
    authorized: Flags
    mammography: Flags
    no_copay: Flags
    therapy: Flags
    supervised: Flags
    trial: Flags
    transport: Flags
    zero: Flags
    stay: Ints
    lmp: Ints
    course: Ints
    injured: Ints
    seen: Ints
    accident: Any
    last_day: Ints
    diagnoses: list[pl.Series]
    line_start: Ints
    line_count: Ints
    line_day: Ints
    line_cents: Ints
    line_units: npt.NDArray[np.float64]
    line_anesthesia: Flags
    line_minutes: Ints
    line_text: dict[str, pl.Series]


@functools.cache
def book() -> Book:
    """The recipes, ready for vectorised use."""
    every = recipes()
    lines = [line for recipe in every for line in recipe.lines]
    counts = np.array([len(recipe.lines) for recipe in every])

    def flags(name: str) -> Flags:
        return np.array([bool(getattr(recipe, name)) for recipe in every])

    def days(name: str) -> Ints:
        return np.array([-1 if getattr(r, name) is None else getattr(r, name) for r in every])

    def text(values: list[str]) -> pl.Series:
        return pl.Series(values, dtype=pl.String)

    line_text = {
        "procedure_code": text([line.code for line in lines]),
        "diagnosis_pointers": text([line.pointers for line in lines]),
        "units": text([line.units for line in lines]),
        "unit_type": text(["MJ" if line.anesthesia else "UN" for line in lines]),
        "line_note": text([line.note for line in lines]),
    }
    for slot in range(4):
        line_text[f"modifier_{slot + 1}"] = text([(*line.modifiers, "", "", "", "")[slot] for line in lines])
    for slot, name in enumerate(("ndc_code", "ndc_quantity", "ndc_unit")):
        line_text[name] = text([line.ndc[slot] if line.ndc else "" for line in lines])
    return Book(
        weight=np.array([recipe.weight for recipe in every]),
        specialty=np.array([list(SPECIALTIES).index(recipe.specialty) for recipe in every]),
        for_kind=np.array([[letter in recipe.payers for recipe in every] for letter in KINDS]),
        low_age=np.array([recipe.ages[0] for recipe in every]),
        high_age=np.array([recipe.ages[1] for recipe in every]),
        sex=np.array([{"F": 0, "M": 1, "": -1}[recipe.sex] for recipe in every]),
        when=np.array([("any", "first", "last").index(recipe.when) for recipe in every]),
        pos=np.array([recipe.pos for recipe in every]),
        session=flags("session"),
        orders=flags("orders"),
        refers=flags("refers"),
        clia=flags("clia"),
        authorized=flags("authorized"),
        mammography=flags("mammography"),
        no_copay=flags("no_copay"),
        therapy=flags("therapy"),
        supervised=flags("supervised"),
        trial=flags("trial"),
        transport=flags("transport"),
        zero=np.array(["zero" in recipe.tags for recipe in every]),
        stay=days("stay_days"),
        lmp=days("lmp_days"),
        course=days("course_days"),
        injured=days("injury_days"),
        seen=days("seen_days"),
        accident=np.array([recipe.accident for recipe in every]),
        last_day=np.array([max(line.day for line in recipe.lines) for recipe in every]),
        diagnoses=[text([(*r.diagnoses, *[""] * 12)[slot] for r in every]) for slot in range(12)],
        line_start=np.cumsum(counts) - counts,
        line_count=counts,
        line_day=np.array([line.day for line in lines]),
        line_cents=np.array([line.charge for line in lines]),
        line_units=np.array([float(line.units) for line in lines]),
        line_anesthesia=np.array([line.anesthesia for line in lines]),
        line_minutes=np.array([line.minutes or (0, 0) for line in lines]),
        line_text=line_text,
    )


@functools.cache
def _fitting(cell: int, single: bool) -> tuple[Ints, npt.NDArray[np.float64]]:
    """Recipes that fit a kind of payer, sex, age and position of the visit, and their cumulated weights."""
    cell, position = divmod(cell, 4)
    cell, age = divmod(cell, 100)
    kind, sex = divmod(cell, 2)
    all_ = book()
    fits = all_.for_kind[kind] & (all_.low_age <= age) & (age <= all_.high_age)
    fits &= (all_.sex == -1) | (all_.sex == sex)
    fits &= (
        (all_.when == 0) | ((all_.when == 1) & (position & 1 > 0)) | ((all_.when == 2) & (position & 2 > 0))
    )
    if single:
        fits &= all_.line_count == 1
    chosen = np.flatnonzero(fits)
    weights = np.cumsum(all_.weight[chosen])
    return chosen, weights / weights[-1]


def _choose(cells: Ints, luck: npt.NDArray[np.float64], *, single: bool = False) -> Ints:
    chosen = np.empty(len(cells), np.int64)
    if not len(cells):
        return chosen
    order = np.argsort(cells, kind="stable")
    values, starts = np.unique(cells[order], return_index=True)
    for value, rows in zip(values, np.split(order, starts[1:]), strict=True):
        fitting, weights = _fitting(int(value), single)
        chosen[rows] = fitting[np.searchsorted(weights, luck[rows], side="right")]
    return chosen


@dataclass(frozen=True)
class Plan:
    """What a chunk holds. One entry a patient: practice, payer, age, sex, last_visit; a line: claim_of_line,
    line_number, minutes; a claim: the rest. Days count from 1970; `slot` is -1 outside timed sessions."""

    practice: Ints
    payer: Ints
    age: Ints
    sex: Ints
    last_visit: Ints
    recipe: Ints
    patient: Ints
    first_day: Ints
    slot: Ints
    session_minutes: Ints
    remitted: Flags
    claim_of_line: Ints
    line_number: Ints
    minutes: Ints


@functools.cache
def _working_days() -> Ints:
    first, last = dt.date(2026, 1, 5), dt.date(2026, 5, 29)
    days = [first + dt.timedelta(n) for n in range((last - first).days + 1)]
    kept = [day for day in days if day.weekday() < 5 and day not in HOLIDAYS]
    return np.array([(day - dt.date(1970, 1, 1)).days for day in kept])


def plan(lines: int, practices: int, rng: np.random.Generator) -> Plan:
    """Patients and visits that add up to exactly `lines` service lines.

    A patient has one claim a day at most and visits at least a week apart, always in one practice.
    """
    all_ = book()
    wanted = lines if lines < 1_000 else int(lines / 1.3)
    visits = rng.choice(np.arange(1, 9), wanted, p=[0.25, 0.2, 0.15, 0.12, 0.1, 0.08, 0.06, 0.04])
    people_count = int(np.searchsorted(np.cumsum(visits), wanted)) + 1
    visits = visits[:people_count]
    practice = np.sort(rng.integers(0, practices, people_count))
    group = rng.choice(3, people_count, p=[0.22, 0.55, 0.23])
    age = np.choose(
        group, [rng.integers(low, high, people_count) for low, high in ((1, 18), (18, 64), (66, 91))]
    )
    sex = rng.integers(0, 2, people_count)
    payer = _payers(group, practice, rng)

    patient = np.repeat(np.arange(people_count), visits)
    ends = np.cumsum(visits)
    nth = np.arange(ends[-1]) - np.repeat(ends - visits, visits)
    step = np.where(rng.random(people_count) < 0.5, 5, 10)
    start = (rng.random(people_count) * (len(_working_days()) - (visits - 1) * step)).astype(np.int64)
    day = _working_days()[start[patient] + nth * step[patient]]
    position = (nth == 0) + 2 * (nth == visits[patient] - 1)
    order = rng.permutation(len(patient))
    patient, day, position = patient[order], day[order], position[order]
    kind = np.array([KINDS.index(p.kind) for p in people.PAYERS])[payer]
    cells = (((kind * 2 + sex)[patient]) * 100 + age[patient]) * 4 + position
    recipe = _choose(cells, rng.random(len(cells)))

    ends = np.cumsum(all_.line_count[recipe])
    full = int(np.searchsorted(ends, lines, side="right"))
    rest = lines - (int(ends[full - 1]) if full else 0)
    recipe[full : full + rest] = _choose(cells[full : full + rest], rng.random(rest), single=True)
    kept = full + rest
    recipe, patient, day = recipe[:kept], patient[:kept], day[:kept]
    counts = all_.line_count[recipe]
    starts = np.cumsum(counts) - counts
    claim_of_line = np.repeat(np.arange(kept), counts)
    line_number = np.arange(lines) - starts[claim_of_line] + 1
    span = all_.line_minutes[all_.line_start[recipe][claim_of_line] + line_number - 1]
    minutes = span[:, 0] + (rng.random(lines) * (span[:, 1] - span[:, 0] + 1)).astype(np.int64)
    last_visit = np.zeros(people_count, np.int64)
    np.maximum.at(last_visit, patient, day + all_.last_day[recipe])
    return Plan(
        practice=practice,
        payer=payer,
        age=age,
        sex=sex,
        last_visit=last_visit,
        recipe=recipe,
        patient=patient,
        first_day=day,
        slot=_slots(all_.session[recipe], practice[patient], day),
        session_minutes=np.maximum.reduceat(minutes, starts),
        remitted=rng.random(kept) < 0.06,
        claim_of_line=claim_of_line,
        line_number=line_number,
        minutes=minutes,
    )


def _payers(group: Ints, practice: Ints, rng: np.random.Generator) -> Ints:
    """A payer of the kind that fits the age group; state programmes only in their state."""
    shares: dict[int, tuple[float, ...]] = {
        0: (0.6, 0, 0, 0.4, 0, 0),
        1: (0.73, 0, 0.06, 0.18, 0.02, 0.01),
        2: (0.1, 0.3, 0.6, 0, 0, 0),
    }
    payer = np.zeros(len(group), np.int64)
    kind, luck = rng.random(len(group)), rng.random(len(group))
    for (number, share), town in ((s, t) for s in shares.items() for t in range(len(people.CITIES))):
        rows = np.flatnonzero((group == number) & (practice % len(people.CITIES) == town))
        local = [p.state in ("", people.CITIES[town][1]) for p in people.PAYERS]
        offered = [any(ok and p.kind == k for p, ok in zip(people.PAYERS, local, strict=True)) for k in KINDS]
        weights = np.cumsum([part if ok else 0 for part, ok in zip(share, offered, strict=True)])
        drawn = np.searchsorted(weights / weights[-1], kind[rows], side="right")
        for index, letter in enumerate(KINDS):
            mine = rows[drawn == index]
            members = [n for n, p in enumerate(people.PAYERS) if p.kind == letter and local[n]]
            if len(mine):
                parts = np.cumsum([people.PAYERS[n].share for n in members])
                payer[mine] = np.array(members)[np.searchsorted(parts / parts[-1], luck[mine], side="right")]
    return payer


def _slots(timed: Flags, practice: Ints, day: Ints) -> Ints:
    """Appointments of timed sessions, numbered within practice and day; -1 for other claims."""
    slot = np.full(len(timed), -1)
    rows = np.flatnonzero(timed)
    key = practice[rows] * 100_000 + day[rows]
    order = np.argsort(key, kind="stable")
    starts = np.flatnonzero(np.diff(key[order], prepend=-1))
    lengths = np.diff(np.append(starts, len(order)))
    slot[rows[order]] = np.arange(len(order)) - np.repeat(starts, lengths)
    return slot


def clock(slot: Ints, minutes: Ints) -> pl.Series:
    """The time of an appointment plus minutes, as HH:MM; blank without an appointment."""
    time = 8 * 60 + slot % SLOTS * SESSION_STEP + minutes
    return blank_unless(slot >= 0, digits(time // 60, 2) + ":" + digits(time % 60, 2))


def cents(plan: Plan, line: Ints, practice: Ints) -> Ints:
    """The charge of each line: the practice's own fee for the code, times its units."""
    fee = np.round(book().line_cents[line] * (0.9 + practice * 37 % 26 / 100)).astype(np.int64)
    units = np.where(book().line_anesthesia[line], plan.minutes, book().line_units[line])
    return np.round(fee * units).astype(np.int64)


def payments(plan: Plan, charge: Ints, secondary: Flags, zero: Flags) -> dict[str, pl.Series]:
    """What payers have paid: posted remittances, and the first payer's result on secondary claims."""
    posted = plan.remitted[plan.claim_of_line] & ~secondary & ~zero & (charge > 0)
    prior = secondary & (charge > 0)
    allowed = charge * 6 // 10
    share = allowed // 5
    odd = plan.claim_of_line % 2 == 1
    write_off = money(charge - allowed)
    listed = prior & odd
    return {
        "allowed_amount": money(allowed, posted),
        "paid_amount": money(allowed - share, posted),
        "coinsurance_amount": money(share, prior | (posted & ~odd)),
        "deductible_amount": money(share, posted & odd),
        "patient_responsibility_amount": money(share, prior | posted),
        "other_payer_paid_amount": money(allowed - share, prior),
        "adjustment_group_code": blank_unless(prior | posted, pick(["CO", "CO;PR"], listed * 1)),
        "adjustment_reason_code": blank_unless(prior | posted, pick(["45", "45;2"], listed * 1)),
        "adjustment_amount": blank_unless(
            prior | posted, (write_off + ";" + money(share)).zip_with(pl.Series(listed), write_off)
        ),
    }
