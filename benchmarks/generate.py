"""Write realistic professional claims of any size.

    python benchmarks/generate.py 1_000_000 claims.csv
    python benchmarks/generate.py 100_000 claims.csv --errors 0          # nothing to find
    python benchmarks/generate.py 100_000 bad.csv --bad-rows             # three mistakes in every row

The same number of lines and seed give the same bytes. Lines are made and written 100,000 at a time, so memory
does not grow. Dates are those of a file received by 30 June 2026. `--answers` also writes which row got which
mistake.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

if __package__ in (None, ""):
    sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks import demographics, mistakes, people, visits
from benchmarks.people import blank_unless, digits, iso, money, pick
from benchmarks.recipes import FACILITY_POS, NO_RENDERING, SPECIALTIES

CHUNK = 100_000
LINES_PER_PRACTICE = 8_000
PROVIDERS = 32

Ints = npt.NDArray[Any]


def provider_uid(chunk: int, practice: Ints, specialty: Ints, number: Ints) -> Ints:
    """A number for one provider of one practice, from which the NPI is made."""
    return ((chunk * 64 + practice) * 32 + specialty) * PROVIDERS + number


def chunk_frame(chunk: int, lines: int, seed: int) -> tuple[pl.DataFrame, mistakes.Where]:
    """`lines` clean claim lines as text, and the facts mistakes ask for."""
    rng = np.random.default_rng([seed, chunk])
    practices = max(1, lines // LINES_PER_PRACTICE)
    plan = visits.plan(lines, practices, rng)
    book = visits.book()
    claim, recipe = plan.claim_of_line, plan.recipe[plan.claim_of_line]
    patient_of_claim = plan.patient
    columns: dict[str, pl.Series] = {}

    # The claim
    count = len(plan.recipe)
    specialty = book.specialty[plan.recipe]
    practice = plan.practice[patient_of_claim]
    payer = plan.payer[patient_of_claim]
    kind = np.array([p.kind for p in people.PAYERS])[payer]
    first_day, last_day = plan.first_day, plan.first_day + book.last_day[plan.recipe]
    uid = chunk * 1_000_000 + np.arange(count)
    patient_uid = chunk * 1_000_000 + patient_of_claim
    claims: dict[str, pl.Series] = {}
    secondary = (rng.random(count) < 0.05) & np.isin(kind, ["C", "M"]) & ~book.zero[plan.recipe]
    replaced = (rng.random(count) < 0.02) & (kind != "M")
    late = (rng.random(count) < 0.005) & (kind == "D")
    claims["claim_number"] = "CL" + digits(uid, 10)
    claims["claim_type"] = pl.repeat("professional", count, eager=True)
    claims["frequency_code"] = pick(["1", "7"], replaced * 1)
    claims["original_claim_number"] = blank_unless(replaced, "ICN" + digits(uid * 31, 11))
    claims["prior_auth_number"] = blank_unless(book.authorized[plan.recipe], "A" + digits(uid * 17, 9))
    claims["referral_number"] = blank_unless(rng.random(count) < 0.04, "R" + digits(uid * 13, 8))
    clia = pick([f"{10 + n:02d}D{1_234_567 + n * 7_919:07d}" for n in range(64)], practice)
    claims["clia_number"] = blank_unless(book.clia[plan.recipe], clia)
    certificate = digits(200_000 + practice * 37, 6)
    claims["mammography_certificate"] = blank_unless(book.mammography[plan.recipe], certificate)
    claims["clinical_trial_number"] = blank_unless(
        book.trial[plan.recipe], digits(30_000_000 + uid % 9_999, 8)
    )
    for name, value in (
        ("accept_assignment_code", "A"),
        ("benefits_assignment_code", "Y"),
        ("release_of_info_code", "Y"),
        ("provider_signature_code", "Y"),
        ("diagnosis_code_type", "0"),
    ):
        claims[name] = pl.repeat(value, count, eager=True)
    claims["payer_sequence"] = pick(["P", "S"], secondary * 1)
    claims["other_payer_sequence"] = blank_unless(secondary, "P")
    other = np.where(payer == 0, 1, 0)
    claims["other_payer_id"] = blank_unless(secondary, pick([p.id for p in people.PAYERS], other))
    claims["other_member_id"] = blank_unless(secondary, "X" + digits(patient_uid * 7 + 5, 10))
    adjudicated = last_day + 8 + rng.integers(0, 5, count)
    claims["other_payer_adjudication_date"] = iso(adjudicated, secondary)
    claims["msp_type_code"] = blank_unless(secondary & (kind == "M"), "12")
    claims["received_date"] = iso(last_day + np.where(secondary, 15, 3) + rng.integers(0, 10, count))
    claims["delay_reason_code"] = blank_unless(late, "7")
    stay = book.stay[plan.recipe]
    claims["admission_date"] = iso(first_day, stay >= 0)
    claims["discharge_date"] = iso(first_day + stay, stay >= 0)
    accident = book.accident[plan.recipe]
    claims["related_cause_code"] = blank_unless(accident != "", pl.Series(accident))
    claims["accident_date"] = iso(first_day - book.injured[plan.recipe], accident != "")
    town = pick([c[1] for c in people.CITIES], practice)
    claims["accident_state"] = blank_unless(accident == "AA", town)
    course = book.course[plan.recipe]
    claims["onset_date"] = iso(first_day - course - 12, course >= 0)
    claims["initial_treatment_date"] = iso(first_day - course, course >= 0)
    claims["last_seen_date"] = iso(first_day - book.seen[plan.recipe], book.seen[plan.recipe] >= 0)
    claims["lmp_date"] = iso(first_day - book.lmp[plan.recipe], book.lmp[plan.recipe] >= 0)

    # Who gave it
    number = np.where(plan.slot >= 0, plan.slot // visits.SLOTS, patient_of_claim % 4)
    renders = ~np.isin(np.array(list(SPECIALTIES))[specialty], list(NO_RENDERING))
    rendering = people.npi(provider_uid(chunk, practice, specialty, number))
    primary = people.npi(provider_uid(chunk, practice, np.full(count, 1), patient_of_claim % 4))
    claims["rendering_npi"] = blank_unless(renders, rendering)
    claims["rendering_taxonomy"] = blank_unless(renders, pick(list(SPECIALTIES.values()), specialty))
    claims["referring_npi"] = blank_unless(book.refers[plan.recipe], primary)
    claims["ordering_npi"] = blank_unless(book.orders[plan.recipe], primary)
    supervisor = people.npi(provider_uid(chunk, practice, np.full(count, 4), np.full(count, PROVIDERS - 1)))
    claims["supervising_npi"] = blank_unless(book.supervised[plan.recipe], supervisor)
    place = np.array([city[2] for city in people.CITIES])[practice % len(people.CITIES)]
    away = np.isin(book.pos[plan.recipe], list(FACILITY_POS))
    claims["facility_npi"] = blank_unless(
        away, people.npi(provider_uid(chunk, practice, np.full(count, 31), np.zeros(count, int)))
    )
    city = pick([c[0] for c in people.CITIES], practice)
    claims["facility_name"] = blank_unless(away, city + " General Hospital")
    claims["facility_address"] = blank_unless(away, digits(100 + practice, 3) + " Hospital Drive")
    claims["facility_zip"] = blank_unless(away, pl.Series(place) + digits(2_000 + practice, 4))
    rides = book.transport[plan.recipe]
    claims["pickup_zip"] = blank_unless(rides, pl.Series(place))
    claims["dropoff_address"] = blank_unless(rides, digits(100 + practice, 3) + " Hospital Drive")
    claims["practice_type"] = blank_unless(book.therapy[plan.recipe], "therapy")
    claims["session_start_time"] = visits.clock(plan.slot, np.zeros(count, np.int64))
    claims["session_end_time"] = visits.clock(plan.slot, plan.session_minutes)

    # The lines
    line = book.line_start[recipe] + plan.line_number - 1
    service = plan.first_day[claim] + book.line_day[line]
    cents = visits.cents(plan, line, practice[claim])
    total = np.bincount(claim, cents, count).astype(np.int64)
    columns["line_number"] = pl.Series(plan.line_number).cast(pl.String)
    columns["place_of_service"] = pl.Series(book.pos).gather(recipe)
    columns["service_date_from"] = iso(service)
    columns["service_date_to"] = iso(service)
    columns |= {name: text.gather(line) for name, text in book.line_text.items()}
    for slot in range(12):
        columns[f"diagnosis_{slot + 1}"] = book.diagnoses[slot].gather(recipe)
    minutes = pl.Series(plan.minutes).cast(pl.String)
    columns["minutes"] = blank_unless(plan.minutes > 0, minutes)
    columns["units"] = (
        book.line_text["units"].gather(line).zip_with(~pl.Series(book.line_anesthesia[line]), minutes)
    )
    columns["charge_amount"] = money(cents)
    columns |= visits.payments(plan, cents, secondary[claim], book.zero[recipe])
    copay = np.where(
        ~secondary
        & np.isin(kind, ["C", "A"])
        & ~book.no_copay[plan.recipe]
        & ~plan.remitted
        & (total > 4_500),
        np.array([0, 0, 1_500, 2_000, 2_500, 3_000])[rng.integers(0, 6, count)],
        0,
    )
    claims["claim_charge_amount"] = money(total)
    claims["copay_amount"] = money(copay, copay > 0)
    claims["patient_paid_amount"] = money(copay, copay > 0)

    columns |= {name: series.gather(claim) for name, series in claims.items()}
    patients = demographics.patients(plan, chunk, rng)
    columns |= {name: series.gather(patient_of_claim[claim]) for name, series in patients.items()}
    billing = demographics.practices(plan, chunk, practices)
    columns |= {name: series.gather(practice[claim]) for name, series in billing.items()}
    frame = pl.DataFrame({name: columns[name] for name in visits.COLUMN_ORDER})
    starts = np.flatnonzero(plan.line_number == 1)
    where = mistakes.Where(
        claim_start=starts[claim],
        claim_length=np.diff(np.append(starts, lines))[claim],
        facts={
            "medicare": kind[claim] == "M",
            "not_medicare": kind[claim] != "M",
            "commercial": kind[claim] == "C",
            "unitedhealthcare": payer[claim] == 0,
            "self": (frame["relationship_code"] == "18").to_numpy(),
            "secondary": secondary[claim],
            "inpatient": book.pos[recipe] == "21",
            "facility": away[claim],
            "rendering": renders[claim],
            "two_diagnoses": (frame["diagnosis_2"] != "").to_numpy(),
            "anesthesia": book.line_anesthesia[line],
            "ambulance": rides[claim],
            "charged": cents > 0,
            "no_minutes_unit": ~book.line_anesthesia[line],
            "whole_units": ~book.line_anesthesia[line] & (frame["procedure_code"] < "A").to_numpy(),
        },
    )
    return frame, where


def chunks(
    lines: int, *, errors: float = 0.05, bad_rows: bool = False, seed: int = 1
) -> Iterator[tuple[pl.DataFrame, pl.DataFrame]]:
    """Frames of claim lines in file order, each with the answers to the mistakes in it."""
    for chunk, start in enumerate(range(0, lines, CHUNK)):
        frame, where = chunk_frame(chunk, min(CHUNK, lines - start), seed)
        rng = np.random.default_rng([seed, chunk, 1])
        drawn = mistakes.draw_three(frame.height, rng) if bad_rows else mistakes.draw_some(where, rng, errors)
        made = mistakes.make(frame, drawn, rng)
        # Polars writes an empty text as "" and only a null as nothing.
        yield made.select(pl.when(pl.all() != "").then(pl.all())), mistakes.answers(drawn, start + 2)


def write(
    lines: int,
    path: Path,
    *,
    errors: float = 0.05,
    bad_rows: bool = False,
    seed: int = 1,
    answers: Path | None = None,
) -> None:
    """Write the claims as CSV, and where asked the answers beside them."""
    with path.open("wb") as out:
        log = answers.open("wb") if answers else None
        try:
            for number, (frame, truth) in enumerate(
                chunks(lines, errors=errors, bad_rows=bad_rows, seed=seed)
            ):
                frame.write_csv(out, include_header=number == 0)
                if log:
                    truth.write_csv(log, include_header=number == 0)
        finally:
            if log:
                log.close()


def main(arguments: list[str] | None = None) -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description="Write realistic professional claims of any size.")
    parser.add_argument("lines", type=int)
    parser.add_argument("output", type=Path)
    parser.add_argument("--errors", type=float, default=0.05, help="share of rows with a mistake")
    parser.add_argument("--bad-rows", action="store_true", help="three mistakes in every row")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--answers", type=Path, help="also write row_number, kind, code of every mistake")
    chosen = parser.parse_args(arguments)
    write(
        chosen.lines,
        chosen.output,
        errors=chosen.errors,
        bad_rows=chosen.bad_rows,
        seed=chosen.seed,
        answers=chosen.answers,
    )


if __name__ == "__main__":
    main()
