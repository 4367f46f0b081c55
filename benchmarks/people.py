"""Invented people, places, practices and identifiers: plausible, well formed, nobody's."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

Ints = npt.NDArray[Any]

LAST_NAMES = (
    "Abbott Acosta Adler Alvarez Anders Archer Ashby Avila Baker Barnett Barrera Becker Bennett Bishop "
    "Bowen Brandt Briggs Burgess Calderon Cameron Carver Castillo Chan Clarke Colby Cortez Crane Dalton "
    "Daniels Delgado Dixon Dorsey Duarte Eaton Ellison Esparza Farrell Fields Figueroa Fleming Foster "
    "Fuentes Gallagher Garner Gibbs Goodwin Graves Guerra Haines Hansen Harmon Hendrix Herrera Hoffman "
    "Hollis Horton Ibarra Ingram Jacobs Jansen Jimenez Joyce Kaplan Keller Kendall Khan Kirby Kowalski "
    "Lambert Larsen Lawson Leon Lindgren Logan Lozano Maddox Maldonado Marsh Mathis Mercer Meyers Molina "
    "Moran Nash Navarro Newell Nguyen Norris Novak Ochoa Olsen Ortega Osborne Pacheco Park Pearce Pruitt "
    "Quinn Ramsey Rankin Rhodes Rivas Rowland Salazar Santos Sawyer Shaffer Silva Sloan Sorensen Stokes "
    "Strand Tanaka Thornton Trujillo Underwood Valdez Vance Vaughn Villa Walton Weaver Whitley Wilkins "
    "Wolfe Wong Yates Zamora Zimmerman O'Brien O'Neal Garcia-Lopez Smith-Rowe"
).split()
FEMALE_NAMES = (
    "Abigail Alicia Amanda Amelia Andrea Angela Anita Beatrice Bianca Camille Carla Carmen Caroline "
    "Cecilia Clara Daniela Deborah Diana Eleanor Elena Emily Erica Esther Eva Fatima Felicia Gloria Grace "
    "Hannah Helen Irene Isabel Ivy Janet Joanna Julia Karen Laura Leah Lena Linda Lucia Maria Marta Mei "
    "Miriam Monica Nadia Naomi Nina Olivia Paula Priya Rachel Renee Rosa Ruth Sandra Sara Sofia Stella "
    "Susan Teresa Vera Yolanda"
).split()
MALE_NAMES = (
    "Aaron Adrian Alan Albert Andre Anthony Arthur Benjamin Brian Bruno Carlos Charles Cyrus Daniel "
    "Darren David Dennis Diego Edgar Edward Elias Eric Felix Frank Gabriel George Gilbert Hector Henry "
    "Hugo Ian Isaac Ivan Jacob Jamal Javier Joel Jonas Joseph Julian Kevin Leon Liam Luis Marcus Mario "
    "Martin Miguel Nathan Noah Omar Oscar Patrick Paul Peter Rafael Ravi Robert Samuel Simon Stefan "
    "Thomas Victor Vincent Walter Wei"
).split()
STREETS = (
    "Oak Street,Maple Avenue,Cedar Lane,Elm Court,Lake Drive,Hill Road,Park Place,River Road,"
    "Sunset Boulevard,Mill Street,Church Street,Garden Way,Spring Street,Forest Avenue,Meadow Lane,"
    "Union Street"
).split(",")
# City, state, ZIP, area code of its telephones.
CITIES = (
    ("Boston", "MA", "02108", "617"),
    ("Worcester", "MA", "01608", "508"),
    ("Albany", "NY", "12207", "518"),
    ("Buffalo", "NY", "14202", "716"),
    ("Austin", "TX", "78701", "512"),
    ("Houston", "TX", "77002", "713"),
    ("San Diego", "CA", "92101", "619"),
    ("Sacramento", "CA", "95814", "916"),
    ("Tampa", "FL", "33602", "813"),
    ("Orlando", "FL", "32801", "407"),
    ("Columbus", "OH", "43215", "614"),
    ("Cleveland", "OH", "44114", "216"),
)
PRACTICE_NAMES = (
    "Lakeside Family Medicine",
    "Harbor Health Partners, LLC",
    "Northfield Medical Group",
    "Cedar Grove Clinic, PC",
    "Riverside Physicians",
    "Summit Care Associates, PLLC",
)
EIN_PREFIXES = ("04", "20", "26", "27", "45", "46", "47", "81", "82", "83", "84", "85")


@dataclass(frozen=True)
class Payer:
    """A payer of the shipped registry; `kind` as in recipes, `state` of a state programme.

    `member`: shape of its member ids, # a digit and @ a letter.
    """

    id: str
    name: str
    kind: str
    filing_code: str
    share: float
    member: str
    state: str = ""


PAYERS: tuple[Payer, ...] = (
    Payer("87726", "UNITEDHEALTHCARE", "C", "CI", 30, "9########"),
    Payer("60054", "AETNA", "C", "CI", 25, "W#########"),
    Payer("62308", "CIGNA", "C", "CI", 20, "U########01"),
    Payer("61101", "HUMANA", "C", "CI", 8, "H########"),
    Payer("SB700", "BCBSMA", "C", "BL", 60, "XXP9########", "MA"),
    Payer("00590", "FLORIDA BLUE", "C", "BL", 50, "XJBH########", "FL"),
    Payer("84980", "BCBSTX", "C", "BL", 50, "ZGP8########", "TX"),
    Payer("63665", "CIGNA MEDICARE", "A", "16", 20, "C########"),
    Payer("14163", "WELLCARE", "A", "16", 10, "1#######"),
    Payer("14212", "MEDICARE MASSACHUSETTS", "M", "MB", 1, "", "MA"),
    Payer("13282", "MEDICARE NEW YORK (UPSTATE)", "M", "MB", 1, "", "NY"),
    Payer("04412", "MEDICARE TEXAS", "M", "MB", 1, "", "TX"),
    Payer("01182", "MEDICARE SOUTHERN CALIFORNIA", "M", "MB", 1, "", "CA"),
    Payer("09102", "MEDICARE FLORIDA", "M", "MB", 1, "", "FL"),
    Payer("15202", "MEDICARE OHIO", "M", "MB", 1, "", "OH"),
    Payer("SKMA0", "MASSHEALTH", "D", "MC", 1, "1000########", "MA"),
    Payer("MCDNY", "NY MEDICAID", "D", "MC", 1, "@@#####@", "NY"),
    Payer("86916", "TX MEDICAID", "D", "MC", 1, "5########", "TX"),
    Payer("SKCA0", "MEDI-CAL", "D", "MC", 1, "9#######A", "CA"),
    Payer("SKFL0", "FL MEDICAID", "D", "MC", 1, "98########", "FL"),
    Payer("SKOH0", "OH MEDICAID", "D", "MC", 1, "9100########", "OH"),
    Payer("33600", "LIBERTY MUTUAL", "W", "WC", 1, "WC########"),
    Payer("31059", "STATE FARM", "X", "AM", 1, "SF########"),
)


def npi(uid: Ints) -> pl.Series:
    """NPIs with a valid check digit, distinct for distinct `uid`."""
    base = 100_000_000 + (uid.astype(np.int64) * 137 + 20_011) % 199_999_991
    total = np.full(base.shape, 24, np.int64)  # the prefix 80840
    rest, double = base.copy(), True
    for _ in range(9):
        digit = rest % 10
        if double:
            digit = digit * 2
            digit = digit - 9 * (digit > 9)
        total += digit
        rest //= 10
        double = not double
    return pl.Series(base * 10 + (10 - total % 10) % 10).cast(pl.String)


def pick(values: tuple[str, ...] | list[str], index: Ints) -> pl.Series:
    """`values[index % len(values)]`."""
    return pl.Series(values, dtype=pl.String).gather(index % len(values))


def digits(number: Ints, width: int) -> pl.Series:
    """Numbers as text of a fixed width with leading zeros; digits beyond it are dropped."""
    return pl.Series(number.astype(np.int64) % 10**width).cast(pl.String).str.zfill(width)


def money(cents: Ints, given: npt.NDArray[np.bool_] | None = None) -> pl.Series:
    """Cents as dollars with two decimals, blank where not given."""
    text = pl.Series(cents // 100).cast(pl.String) + "." + digits(cents % 100, 2)
    return text if given is None else blank_unless(given, text)


def iso(days: Ints, given: npt.NDArray[np.bool_] | None = None) -> pl.Series:
    """Days since 1970 as ISO dates, blank where not given."""
    text = pl.Series(days.astype(np.int32)).cast(pl.Date).cast(pl.String)
    return text if given is None else blank_unless(given, text)


def blank_unless(given: npt.NDArray[np.bool_], text: pl.Series | str) -> pl.Series:
    """The text where given, else an empty string."""
    values = pl.repeat(text, len(given), dtype=pl.String, eager=True) if isinstance(text, str) else text
    return values.zip_with(pl.Series(given), pl.repeat("", len(given), dtype=pl.String, eager=True))


def ssn(index: Ints) -> pl.Series:
    """Distinct, issuable SSNs (area 001-665, 667-899, group 01-99, serial 0001-9999)."""
    number = (index.astype(np.int64) * 7_919 + 104_729) % (898 * 99 * 9_999)
    area = number // (99 * 9_999) + 1
    area = area + (area >= 666)
    return digits(area, 3) + "-" + digits(number // 9_999 % 99 + 1, 2) + "-" + digits(number % 9_999 + 1, 4)


def member_id(shape: str, index: Ints) -> pl.Series:
    """Member ids of one payer: # is a digit and @ a letter of a number spread from `index`."""
    rest = index.astype(np.int64) * 29 + 100_003
    out = pl.repeat("", len(index), dtype=pl.String, eager=True)
    for sign in reversed(shape):
        if sign == "#":
            out, rest = digits(rest, 1) + out, rest // 10
        elif sign == "@":
            out, rest = pick([chr(65 + n) for n in range(26)], rest) + out, rest // 26
        else:
            out = sign + out
    return out


def medicare_id(index: Ints) -> pl.Series:
    """Distinct numbers in the format of the Medicare Beneficiary Identifier (C A AN N A AN N A A N N)."""
    letters = list("ACDEFGHJKMNPQRTUVWXY")
    figures = list("0123456789")
    mixed = letters + figures
    rest = (index.astype(np.int64) * 15_485_863 + 7) % (9 * 20 * 30 * 10 * 20 * 30 * 10 * 20 * 20 * 100)
    parts = []
    last_to_first = (figures, figures, letters, letters, figures, mixed, letters, figures, mixed, letters)
    for alphabet in (*last_to_first, figures[1:]):
        parts.append(pick(alphabet, rest))
        rest = rest // len(alphabet)
    out = parts.pop()
    while parts:
        out = out + parts.pop()
    return out
