"""Claim lines of which nobody can say whose they are: 45 CFR 164.514(b)(2), dates as asked.

A closed list: what is not known to be harmless is dropped, unmapped columns and free text first. Numbers
become keyed pseudonyms, the same in every file made with the same key, so that files can still be joined;
another practice has another key, and nothing joins across.

Dates as years are what Safe Harbor says. Dates shifted by an amount of their patient keep every interval, but
Safe Harbor does not list them: whoever shares such files needs an expert's determination, 164.514(b)(1).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from hashlib import blake2b
from types import MappingProxyType
from typing import Final, Literal

import polars as pl

from claimsctl.claim import BY_NAME, PRICE_COLUMNS, RISK_COLUMNS
from claimsctl.security.masking import SSN_SHAPE

Dates = Literal["shift", "year"]
Way = Literal["keep", "drop", "date", "birth", "zip", "number"]
KeyOf = Callable[[str], bytes]
"""The de-identification key of a practice; PermissionDenied where there is none for the caller."""

PATIENT: Final = "patient_pseudonym"
AGE: Final = "patient_age"
"""Columns that de-identified lines begin with: who (for joins), and the age at the service, "90+" at most."""

SPARSE_ZIP3: Final = frozenset("036 059 063 102 203 556 692 790 821 823 830 831 878 879 884 890 893".split())
"""Areas of 20,000 people or fewer, written as 000: 45 CFR 164.514(b)(2)(i)(B).

From the five-digit ZIP Code Tabulation Areas of the 2000 Census, as listed in the guidance on
de-identification of the Office for Civil Rights (HHS, 26 November 2012).
"""
HIDDEN_ZIP3: Final = "000"
OLDEST_SHOWN: Final = 89
OLDER: Final = "90+"
LONGEST_SHIFT: Final = 365
"""Days. Dates are shifted back by 1 to so many, so that none lies in the future."""

# What names one thing in several columns has one kind, so that they join.
_NUMBERS: Final[Mapping[str, str]] = MappingProxyType({
    "claim_number": "claim", "payer_claim_number": "payer claim", "original_claim_number": "payer claim",
    "property_casualty_claim_number": "property claim", "prior_auth_number": "authorisation",
    "referral_number": "referral", "patient_id": "patient id", "member_id": "member",
    "other_member_id": "member", "group_number": "group",
})  # fmt: skip
# A letter first, or a spreadsheet takes 123E45 for a number.
_LETTERS: Final[Mapping[str, str]] = MappingProxyType(
    {"claim": "C", "payer claim": "K", "patient": "P", "member": "M"}
)
_BIRTHS: Final = frozenset({"patient_dob", "subscriber_dob"})
# Where a service was done may be the patient's home.
_HOMES: Final = frozenset({"facility_name", "facility_address"})
_ZIPS: Final = frozenset({"patient_zip", "pickup_zip", "facility_zip"})
_WORDS: Final = frozenset({"pricing_note", "risk_reasons"})
_OURS: Final = frozenset({
    *(name for name in PRICE_COLUMNS if name != "pricing_note"), *RISK_COLUMNS, "claim_status", "status",
    "version",
})  # fmt: skip
_SERVICE: Final = ("service_date_from", "statement_date_from")
_NO_PRACTICE: Final = "default"


def way_of(name: str) -> Way:
    """What becomes of a column; names that are not known are dropped."""
    column = BY_NAME.get(name)
    if column is None:
        return "keep" if name in _OURS else "drop"
    if name in _NUMBERS:
        return "number"
    if name in _ZIPS:
        return "zip"
    if name in _BIRTHS:
        return "birth"
    if name in _HOMES or column.phi == "identifier":
        return "drop"
    if column.phi == "quasi":
        return "date" if column.cell_type == "date" else "drop"
    return "keep"


def kind_of(name: str) -> str | None:
    """What the numbers of a column stand for, such as "claim"; None where it holds none."""
    return _NUMBERS.get(name)


@dataclass(frozen=True, slots=True)
class Deidentifier:
    """How lines are de-identified: with the keys of whom, with what dates, `as_of` which day.

    Whoever is over 89 on that day, or is at a service, has no birth date, and the age "90+" there; the day
    decides rather than each line, so that a younger line of the same person does not give the age away.
    """

    key_of: KeyOf
    as_of: date
    dates: Dates = "shift"

    def lines(self, frame: pl.DataFrame, patients: pl.Series, practices: pl.Series) -> pl.DataFrame:
        """Canonical lines, dates as dates, without what could name a person; PATIENT and AGE stand first.

        `patients` are the patient keys of the rows (store.patients), `practices` their practice ids: text,
        null where unknown. A row without a patient has its dates shifted by its claim; without either it has
        no dates. A blank number stays blank.
        """
        who = patients.cast(pl.String).str.replace_all("-", "", literal=True)
        keys = {name: self.key_of(name) for name in practices.fill_null(_NO_PRACTICE).unique().to_list()}
        shift = self._shifts(frame, who, practices, keys)
        columns = []
        for name in frame.columns:
            values = frame[name]
            match way_of(name):
                case "keep":
                    columns.append(without_ssn(values))
                case "date":
                    columns.append(self._moved(values, shift))
                case "birth":
                    shown = values.cast(pl.Date).zip_with(
                        ~_over(values, self.as_of, frame), pl.Series([None], dtype=pl.Date)
                    )
                    columns.append(self._moved(shown, shift))
                case "zip":
                    columns.append(frame.select(zip3(pl.col(name)).alias(name)).to_series())
                case "number":
                    columns.append(_pseudonyms(values, _NUMBERS[name], practices, keys))
                case "drop":
                    continue
        return pl.DataFrame(
            [_pseudonyms(who.alias(PATIENT), "patient", practices, keys), _ages(frame, self.as_of), *columns]
        )

    def numbers(self, values: pl.Series, kind: str, practices: pl.Series) -> pl.Series:
        """Pseudonyms of numbers of a kind (`kind_of`), as `lines` has them."""
        keys = {name: self.key_of(name) for name in practices.fill_null(_NO_PRACTICE).unique().to_list()}
        return _pseudonyms(values, kind, practices, keys)

    def _shifts(
        self, frame: pl.DataFrame, who: pl.Series, practices: pl.Series, keys: Mapping[str, bytes]
    ) -> pl.Series:
        """Days by which the dates of each row are shifted; null where nothing says whose they are."""
        if "claim_number" in frame.columns:
            who = who.fill_null("claim " + frame["claim_number"].cast(pl.String))
        digests = _digests(who, "shift", practices, keys).bin.slice(0, 8)
        return (digests.bin.reinterpret(dtype=pl.UInt64) % LONGEST_SHIFT + 1).cast(pl.Int64)

    def _moved(self, dates: pl.Series, shift: pl.Series) -> pl.Series:
        moved = pl.DataFrame([dates.cast(pl.Date).alias("date"), shift.alias("days")]).select(
            pl.col("date").dt.year()
            if self.dates == "year"
            else pl.col("date") - pl.duration(days=pl.col("days"))
        )
        return moved.to_series().alias(dates.name)


def zip3(zips: pl.Expr) -> pl.Expr:
    """The first three digits of five- and nine-digit ZIP codes, 000 where few people live; else null."""
    first = zips.str.strip_chars().str.extract(r"^(\d{3})\d{2}(?:-?\d{4})?$")
    return pl.when(first.is_in(sorted(SPARSE_ZIP3))).then(pl.lit(HIDDEN_ZIP3)).otherwise(first)


def _over(births: pl.Series, as_of: date, frame: pl.DataFrame) -> pl.Series:
    """Whether people born then are over 89 on the day, or at the service of the row."""
    return (_years(births, _latest(frame, as_of)) > OLDEST_SHOWN).fill_null(False)


def _ages(frame: pl.DataFrame, as_of: date) -> pl.Series:
    """Age in years at the service, "90+" for people over 89; null without a birth date or a service."""
    nothing = pl.repeat(None, frame.height, dtype=pl.String, eager=True).alias(AGE)
    if "patient_dob" not in frame.columns:
        return nothing
    births = frame["patient_dob"]
    service = _first(frame)
    ages = _years(births, service)
    shown = ages.set(ages < 0, None).cast(pl.String)
    return shown.zip_with(~_over(births, as_of, frame), pl.Series([OLDER])).alias(AGE)


def _first(frame: pl.DataFrame) -> pl.Series:
    given = [pl.col(name).cast(pl.Date) for name in _SERVICE if name in frame.columns]
    dates = frame.select(pl.coalesce([*given, pl.lit(None, pl.Date)]).alias("service"))
    return dates.to_series() if given else pl.repeat(None, frame.height, dtype=pl.Date, eager=True)


def _latest(frame: pl.DataFrame, as_of: date) -> pl.Series:
    service = _first(frame).alias("service").to_frame()
    return service.select(pl.max_horizontal(pl.col("service"), pl.lit(as_of))).to_series()


def _years(births: pl.Series, on: pl.Series) -> pl.Series:
    """Whole years of people born on `births`, on the days `on`."""
    birth, day = pl.col("birth"), pl.col("on")
    day_of_year, birthday = (each.dt.month().cast(pl.Int32) * 31 + each.dt.day() for each in (day, birth))
    years = day.dt.year() - birth.dt.year() - (day_of_year < birthday).cast(pl.Int32)
    return pl.DataFrame([births.cast(pl.Date).alias("birth"), on.alias("on")]).select(years).to_series()


def without_ssn(values: pl.Series) -> pl.Series:
    """Texts, but null where one holds what looks like an SSN (a wrong mapping)."""
    if values.dtype != pl.String:
        return values
    return values.set(values.str.contains(SSN_SHAPE).fill_null(False), None)


def _pseudonyms(values: pl.Series, kind: str, practices: pl.Series, keys: Mapping[str, bytes]) -> pl.Series:
    text = values.cast(pl.String).str.strip_chars()
    if kind == "member":  # cards, portals and files part it differently
        text = text.str.to_uppercase().str.replace_all(r"[^\p{L}\p{N}]", "")
    text = text.set(text == "", None)
    digests = _digests(text, kind, practices, keys).bin.slice(0, 9).bin.encode("hex").str.to_uppercase()
    return (_LETTERS.get(kind, "N") + digests).alias(values.name)


def _digests(values: pl.Series, kind: str, practices: pl.Series, keys: Mapping[str, bytes]) -> pl.Series:
    """Keyed BLAKE2b of each text, by the key of its practice; null for null. Hashes distinct ones only."""
    rows = pl.DataFrame([practices.fill_null(_NO_PRACTICE).alias("practice"), values.alias("value")])
    found = [pl.DataFrame(schema={"practice": pl.String, "value": pl.String, "digest": pl.Binary})]
    for (practice,), group in rows.drop_nulls().unique().group_by("practice"):
        fresh = blake2b(key=keys[str(practice)], digest_size=16, person=kind.encode()).copy
        digests = []
        for value in group["value"].to_list():
            state = fresh()
            state.update(value.encode())
            digests.append(state.digest())
        found.append(group.with_columns(pl.Series("digest", digests, dtype=pl.Binary)))
    return rows.join(pl.concat(found), on=["practice", "value"], how="left", maintain_order="left")["digest"]
