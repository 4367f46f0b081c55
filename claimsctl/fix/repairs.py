"""The list of repairs: on which columns, how, why, and whether they are sure enough to be applied.

A repair changes how a cell is written and never what it says. What is only likely is proposed in the
report and not applied. Sure repairs of a cell are tried in the order of the list, each on the result of
the one before; proposals are made for what then stands there.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Final

import polars as pl

from claimsctl.claim import BY_NAME, COLUMNS, PATIENT_NAME, SUBSCRIBER_NAME, Column
from claimsctl.facts.cells import BIRTH_DATES
from claimsctl.fix import changes, dates
from claimsctl.fix.changes import Change
from claimsctl.fix.dates import DateEvidence

Fits = Callable[[pl.DataFrame], pl.Series]
"""From the column "after" and what stands beside it: true apply, null only propose, false leave alone."""


@dataclass(frozen=True)
class Repair:
    """One repair of form: `change` gives the repaired texts, null where it leaves a text alone.

    `name` is counted in reports, `why` is told of every cell. Unless `sure`, it is only proposed; then
    `""` means that nothing can be offered. `beside` names, per column, the columns of the same row that
    `fits` looks at; `doubt` is told instead of `why` where they leave it open.
    """

    name: str
    columns: frozenset[str]
    change: Change
    why: str
    sure: bool = True
    beside: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    fits: Fits | None = None
    doubt: str = ""


@dataclass(frozen=True)
class Knowledge:
    """What repairs look up: payer ids and their other names, states of ZIP prefixes, and today."""

    payer_ids: frozenset[str] = frozenset()
    payer_words: frozenset[str] = frozenset()
    zip_states: Mapping[str, str] = field(default_factory=dict)
    as_of: date = date.max


def _named(*names: str) -> frozenset[str]:
    unknown = [name for name in names if name not in BY_NAME]
    assert not unknown, unknown
    return frozenset(names)


def _where(test: Callable[[Column], bool]) -> frozenset[str]:
    return frozenset(column.name for column in COLUMNS if test(column))


FULL_NAMES: Final = frozenset({PATIENT_NAME, SUBSCRIBER_NAME})
EVERYWHERE: Final = _where(lambda _: True) | FULL_NAMES
CLAIM_NUMBERS: Final = _named(
    "claim_number", "payer_claim_number", "original_claim_number", "property_casualty_claim_number"
)
PROSE: Final = FULL_NAMES | _where(
    lambda c: c.name.endswith(("_name", "_address", "_city", "_suffix")) or c.name == "dropoff_address"
)
"""Names and addresses: words with spaces between them."""
NUMBERS: Final = _named(
    "patient_id", "patient_ssn", "patient_phone", "member_id", "other_member_id", "group_number",
    "billing_tax_id", "prior_auth_number", "referral_number",
)  # fmt: skip
"""Text columns that mostly hold digits."""
DIAGNOSES: Final = _where(lambda c: c.name.startswith("diagnosis_") and c.name[10:].isdecimal())
PROCEDURES: Final = _named("procedure_code")
NPIS: Final = _where(lambda c: c.name.endswith("_npi"))
ZIPS: Final = _where(lambda c: c.name.endswith("_zip"))
STATES: Final = _where(lambda c: c.name.endswith("_state"))
PAYERS: Final = _named("payer_id", "other_payer_id")
CODES: Final = _where(lambda c: c.type == "code" and not c.is_list)
MONEY: Final = _where(lambda c: c.cell_type == "money")
QUANTITIES: Final = _where(lambda c: c.cell_type in ("money", "decimal", "integer"))
DATES: Final = _where(lambda c: c.cell_type == "date")
AMOUNTS_OF_SERVICE: Final = _named("units", "minutes", "ndc_quantity")
"""What was done: nothing but spaces and characters that nobody can see is taken from them."""
SPREADSHEET_TEXT: Final = CODES | NUMBERS | MONEY | DATES | _named("line_number")
INTEGERS: Final = (CODES - DIAGNOSES - _named("medicare_locality")) | NUMBERS | _named("line_number")
SCIENTIFIC: Final = NUMBERS | NPIS | ZIPS | PAYERS | _named("ndc_code")
# Codes with other spellings (sex, relationship, ...) are understood as they are; payers may be names.
_OTHERWISE: Final = _named("patient_country", "diagnosis_pointers", "practice_type")
CAPITALS: Final = _where(lambda c: c.type == "code" and not c.is_list and not c.value_aliases) - (
    DIAGNOSES | PROCEDURES | NPIS | ZIPS | STATES | PAYERS | _OTHERWISE
)
_ZIP_BESIDE: Final = {
    "patient_zip": {"state": "patient_state", "country": "patient_country"},
    "billing_zip": {"state": "billing_state"},
}
_US: Final = ("US", "USA", "UNITED STATES")

_SAFE: Final = (
    Repair("invisible_characters", EVERYWHERE, changes.without_invisible,
           "characters that nobody can see are removed"),
    Repair("stray_spaces", EVERYWHERE - PROSE - QUANTITIES, changes.without_stray_spaces,
           "stray spaces are removed"),
    Repair("stray_spaces", QUANTITIES, changes.without_spaces_around, "stray spaces are removed"),
    Repair("stray_spaces", PROSE, changes.with_single_spaces, "stray spaces are removed"),
    Repair("spreadsheet_text", EVERYWHERE - AMOUNTS_OF_SERVICE, changes.without_text_formula,
           'the ="" with which a spreadsheet keeps a cell as text is removed'),
    Repair("spreadsheet_text", SPREADSHEET_TEXT, changes.without_text_marks,
           "the mark with which a spreadsheet keeps a number as text is removed"),
    Repair("scientific_notation", SCIENTIFIC, changes.from_scientific,
           "the number is written out; all its digits were there"),
    Repair("scientific_notation", MONEY, changes.amount_from_scientific,
           "the amount is written out; all its digits were there"),
    Repair("point_zero", INTEGERS, changes.without_point_zero,
           "the .0 that a number column adds to a code is removed"),
    Repair("amount_format", MONEY, changes.plain_amount,
           "the amount is written without signs and separators; its value is the same"),
    Repair("place_of_service_zero", _named("place_of_service"), changes.two_digit_place,
           "a place of service has two digits; the zero was lost"),
    Repair("ndc_digits", _named("ndc_code"), changes.ndc_of_eleven,
           "the drug code is written in 11 digits; its hyphens show where a zero belongs"),
    Repair("ssn_hyphens", _named("patient_ssn"), changes.ssn_with_hyphens,
           "the social security number is written with hyphens"),
    Repair("phone_digits", _named("patient_phone"), changes.ten_digit_phone,
           "the phone number is written in ten digits"),
    Repair("diagnosis_form", DIAGNOSES, changes.one_icd10_form,
           "spaces and a dot at the end are no part of a diagnosis code"),
    Repair("procedure_form", PROCEDURES, changes.one_procedure_form,
           "spaces and a dot at the end are no part of a procedure code"),
    Repair("npi_spaces", NPIS, changes.npi_without_spaces, "an NPI is ten digits without spaces"),
    Repair("zip_hyphen", ZIPS, changes.zip_without_hyphen, "nothing follows the hyphen of the ZIP code"),
    Repair("capital_letters", CAPITALS, changes.capital_code, "codes are written in capital letters"),
    Repair("capital_letters", _named("diagnosis_pointers"), changes.capital_pointers,
           "pointers are written in capital letters"),
    Repair("capital_letters", STATES, changes.capital_state, "states are written in capital letters"),
    Repair("capital_letters", _named("patient_country"), changes.capital_country,
           "countries are written in capital letters"),
    Repair("capital_letters", ZIPS, changes.capital_postal_code,
           "postal codes are written in capital letters"),
    Repair("capital_letters", DIAGNOSES, changes.capital_diagnosis, "codes are written in capital letters"),
    Repair("capital_letters", PROCEDURES, changes.capital_procedure, "codes are written in capital letters"),
)  # fmt: skip

_LIKELY: Final = (
    Repair("spreadsheet_text", CLAIM_NUMBERS | PROSE, changes.without_text_marks,
           "a spreadsheet may have put this mark in front to keep the cell as text", sure=False),
    Repair("scientific_notation", CLAIM_NUMBERS, changes.from_scientific,
           "a spreadsheet seems to have changed the number; claim numbers are left to you", sure=False),
    Repair("point_zero", CLAIM_NUMBERS, changes.without_point_zero,
           "a number column seems to have added .0; claim numbers are left to you", sure=False),
    Repair("digits_lost", SCIENTIFIC | MONEY | CLAIM_NUMBERS, changes.lost_in_scientific,
           "a spreadsheet cut the number: digits are lost; type it again from the source", sure=False),
    Repair("ndc_zero", _named("ndc_code"), changes.ndc_without_hyphens,
           "without hyphens nobody can tell where the missing zero of the drug code belongs; "
           "type it again from the package", sure=False),
    Repair("ssn_zero", _named("patient_ssn"), changes.ssn_with_zero,
           "a zero in front seems to be lost; a digit may also be missing elsewhere", sure=False),
    Repair("tax_id_zero", _named("billing_tax_id"), changes.tax_id_with_zero,
           "a zero in front seems to be lost; a digit may also be missing elsewhere", sure=False),
    Repair("diagnosis_letter", DIAGNOSES, changes.digits_for_letters,
           "ICD-10-CM has no letter O or I there; 0 or 1 seems to be meant: look at the record", sure=False),
)  # fmt: skip


TITLES: Final[Mapping[str, str]] = {
    "invisible_characters": "characters that nobody can see removed",
    "stray_spaces": "stray spaces removed",
    "spreadsheet_text": "a spreadsheet's mark for text ('01609) removed",
    "scientific_notation": "scientific notation (1.234567893E+09) written out",
    "point_zero": ".0 behind a code removed",
    "amount_format": "amounts without $, separators and parentheses",
    "date_format": "dates as YYYY-MM-DD",
    "date_serial": "inner numbers of spreadsheet dates as dates",
    "date_order": "dates that may have the day or the month first",
    "date_year": "dates with a two-digit year",
    "place_of_service_zero": "places of service with two digits",
    "zip_zero": "ZIP codes with the zeros they lost",
    "zip_hyphen": "ZIP codes without a hyphen at the end",
    "ndc_digits": "drug codes with 11 digits",
    "ndc_zero": "drug codes too short, without hyphens",
    "payer_id_zero": "payer ids with the zeros they lost",
    "ssn_hyphens": "social security numbers with hyphens",
    "ssn_zero": "social security numbers of eight digits",
    "tax_id_zero": "tax numbers of eight digits",
    "phone_digits": "phone numbers with ten digits",
    "mbi_form": "Medicare numbers without hyphens, in capitals",
    "npi_spaces": "NPIs without spaces",
    "diagnosis_form": "diagnosis codes without spaces and a dot at the end",
    "diagnosis_letter": "diagnosis codes with a letter O or I for 0 or 1",
    "procedure_form": "procedure codes without spaces and a dot at the end",
    "capital_letters": "codes and states in capital letters",
    "digits_lost": "numbers whose digits a spreadsheet cut off",
}
"""What each repair is about, by name, for people."""


def repairs_for(
    column: str, knowledge: Knowledge, evidence: DateEvidence | None = None
) -> tuple[Repair, ...]:
    """The repairs of a column, sure ones first, in the order in which they are tried."""
    found = (*_SAFE, *_looked_up(knowledge), *_LIKELY, *_of_dates(column, knowledge, evidence))
    of_column = [repair for repair in found if column in repair.columns]
    return tuple(sorted(of_column, key=lambda repair: not repair.sure))


def _looked_up(known: Knowledge) -> tuple[Repair, ...]:
    """Repairs that ask a table."""
    return (
        Repair("payer_id_zero", PAYERS, changes.payer_with_zeros(known.payer_ids, known.payer_words),
               "with the lost zeros it is a payer of the registry; without them it is none"),
        Repair("mbi_form", _named("member_id"), changes.plain_mbi,
               "a Medicare number is sent in 11 capital characters without hyphens",
               beside={"member_id": {"filing": "claim_filing_code"}}, fits=_is_medicare,
               doubt="it looks like a Medicare number, which is sent in 11 capitals without hyphens"),
        Repair("zip_zero", ZIPS, changes.zip_with_zero, "a ZIP code has five digits; the zero was lost",
               beside=_ZIP_BESIDE, fits=_fits_state(known.zip_states, alone=True),
               doubt="a zero in front seems to be lost, but with it the ZIP code is not in the state"),
        Repair("zip_zero", ZIPS, changes.zip_with_two_zeros,
               "a ZIP code has five digits; two zeros were lost",
               beside=_ZIP_BESIDE, fits=_fits_state(known.zip_states, alone=None),
               doubt="two zeros in front seem to be lost; no state shows whether that is so"),
    )  # fmt: skip


def _of_dates(column: str, known: Knowledge, given: DateEvidence | None) -> tuple[Repair, ...]:
    """Repairs of a date column, which depend on what its values prove."""
    if column not in DATES:
        return ()
    seen, here = given or DateEvidence(), frozenset({column})
    order = (
        "the column also has dates with the day first"
        if seen.day_first
        else "no date of the column proves that the month is first"
    )
    year = (
        "the century of a birth date is a guess"
        if column in BIRTH_DATES
        else f"the year is a guess, or {order}"
    )
    serial = (
        "it may be a date as MMDDYY that lost its zero, or the inner number of a spreadsheet date"
        if seen.six_digits
        else "the inner number of a spreadsheet date, if so old or late a date can be right"
    )
    iso = Repair("date_format", here, dates.year_first, "dates are written as YYYY-MM-DD")
    return (
        iso,
        replace(iso, change=dates.month_first(seen, sure=True)),
        replace(iso, change=dates.two_digit_year(column, seen, known.as_of, sure=True)),
        Repair("date_serial", here, dates.spreadsheet_serial(column, seen, known.as_of, sure=True),
               "the inner number of a spreadsheet date is written as a date"),
        Repair("date_order", here, dates.month_first(seen, sure=False), f"a likely reading: {order}",
               sure=False),
        Repair("date_year", here, dates.two_digit_year(column, seen, known.as_of, sure=False),
               f"a likely reading: {year}", sure=False),
        Repair("date_serial", here, dates.spreadsheet_serial(column, seen, known.as_of, sure=False),
               f"a likely reading: {serial}", sure=False),
    )  # fmt: skip


def _fits_state(zip_states: Mapping[str, str], *, alone: bool | None) -> Fits:
    """Whether a ZIP code lies in the state beside it; `alone` is the answer where there is no state."""

    def fits(cells: pl.DataFrame) -> pl.Series:
        states = (
            pl.col("after").str.head(3).replace_strict(dict(zip_states), default=None, return_dtype=pl.String)
        )
        state, country = _word("state", cells), _word("country", cells)
        elsewhere = country.is_not_null() & ~country.is_in(_US)
        inside = (";" + states + ";").str.contains(";" + state + ";", literal=True)
        answer = (
            pl.when(elsewhere | states.is_null()).then(False)
            .when(state.is_null()).then(pl.lit(alone, pl.Boolean))
            .when(inside).then(True)
            .otherwise(pl.lit(None if alone else False, pl.Boolean))
        )  # fmt: skip
        return cells.select(answer).to_series()

    return fits


def _is_medicare(cells: pl.DataFrame) -> pl.Series:
    """True for Medicare claims, null where the kind of coverage is blank."""
    return cells.select(_word("filing", cells).is_in(["MA", "MB"])).to_series()


def _word(name: str, cells: pl.DataFrame) -> pl.Expr:
    """A cell beside the repaired one, upper case; null where it is blank or not there."""
    if name not in cells.columns:
        return pl.lit(None, pl.String)
    text = pl.col(name).str.strip_chars().str.to_uppercase()
    return pl.when(text != "").then(text)
