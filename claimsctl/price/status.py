"""Why a line is priced or not: a small fixed vocabulary, each word with its sentence."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

PRICED: Final = "PRICED"
BUNDLED: Final = "BUNDLED"
CONTRACTOR_PRICED: Final = "CONTRACTOR_PRICED"
NOT_COVERED: Final = "NOT_COVERED"
NOT_VALID: Final = "NOT_VALID"
EXCLUDED: Final = "EXCLUDED"
MEASUREMENT: Final = "MEASUREMENT"
DELETED: Final = "DELETED"
NO_CODE: Final = "NO_CODE"
NO_DATE: Final = "NO_DATE"
NO_EDITION: Final = "NO_EDITION"
NO_FEE_ROW: Final = "NO_FEE_ROW"
NOT_ON_DATE: Final = "NOT_ON_DATE"
NO_CONVERSION_FACTOR: Final = "NO_CONVERSION_FACTOR"
NO_LOCALITY: Final = "NO_LOCALITY"
UNKNOWN_LOCALITY: Final = "UNKNOWN_LOCALITY"
ZIP4_NEEDED: Final = "ZIP4_NEEDED"
NO_PLACE: Final = "NO_PLACE"
NOT_PAID_HERE: Final = "NOT_PAID_HERE"
BAD_UNITS: Final = "BAD_UNITS"
BAD_CHARGE: Final = "BAD_CHARGE"
BAD_MODIFIER: Final = "BAD_MODIFIER"
CONTRADICTORY_MODIFIERS: Final = "CONTRADICTORY_MODIFIERS"
MODIFIER_NOT_VALID: Final = "MODIFIER_NOT_VALID"
MODIFIER_NOT_PAID: Final = "MODIFIER_NOT_PAID"
NOT_PROFESSIONAL: Final = "NOT_PROFESSIONAL"
ANESTHESIA_NO_BASE: Final = "ANESTHESIA_NO_BASE"
ANESTHESIA_NO_FACTOR: Final = "ANESTHESIA_NO_FACTOR"
ANESTHESIA_NO_ROLE: Final = "ANESTHESIA_NO_ROLE"
ANESTHESIA_NO_TIME: Final = "ANESTHESIA_NO_TIME"
TOO_LARGE: Final = "TOO_LARGE"

SENTENCES: Final[Mapping[str, str]] = MappingProxyType(
    {
        PRICED: "The line has an expected amount.",
        BUNDLED: "Payment for it is part of the payment for other services; nothing is paid apart.",
        CONTRACTOR_PRICED: "There is no national amount: the Medicare contractor sets it, often by report.",
        NOT_COVERED: "Medicare does not cover it.",
        NOT_VALID: "Medicare takes another code for this service.",
        EXCLUDED: "It is outside the physician fee schedule; another schedule may pay it.",
        MEASUREMENT: "It is a measurement code, for reporting only.",
        DELETED: "The code or its modifier was deleted from the fee schedule.",
        NO_CODE: "The line has no procedure code.",
        NO_DATE: "The line has no service date.",
        NO_EDITION: "No edition of the fee schedule covers the service date.",
        NO_FEE_ROW: "The code stands in no loaded fee schedule.",
        NOT_ON_DATE: "The code stands in another edition of the fee schedule, not in that of the date.",
        NO_CONVERSION_FACTOR: "No conversion factor covers the service date.",
        NO_LOCALITY: "Nothing says in which payment locality the service was done.",
        UNKNOWN_LOCALITY: "The payment locality is not in the GPCI table of the service date.",
        ZIP4_NEEDED: "The ZIP code lies in several localities, which only ZIP+4 tells apart.",
        NO_PLACE: "The place of service is missing or unknown, so the practice expense is too.",
        NOT_PAID_HERE: "This part of the service is paid to the hospital, not to who bills it there.",
        BAD_UNITS: "The units are missing, zero, negative, fractional, or do not agree with a modifier.",
        BAD_CHARGE: "The charge is zero or negative.",
        BAD_MODIFIER: "A modifier is not two letters or digits, or there are more than four of them.",
        CONTRADICTORY_MODIFIERS: "Two modifiers of the line contradict each other.",
        MODIFIER_NOT_VALID: "The fee schedule does not know the code with this modifier.",
        MODIFIER_NOT_PAID: "The fee schedule pays nothing for the code with this modifier.",
        NOT_PROFESSIONAL: "It is an institutional line; the physician fee schedule does not pay it.",
        ANESTHESIA_NO_BASE: "No table of anesthesia base units with this code is loaded.",
        ANESTHESIA_NO_FACTOR: "No anesthesia conversion factor covers the locality and the service date.",
        ANESTHESIA_NO_ROLE: "No modifier says who gave or directed the anesthesia.",
        ANESTHESIA_NO_TIME: "The minutes of anesthesia are missing or not positive.",
        TOO_LARGE: "Units times amount are above a billion dollars: units or rate are wrong.",
    }
)
"""Every pricing status and what it says."""

BY_FEE_STATUS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "A": PRICED, "R": PRICED, "T": PRICED,
        "B": BUNDLED, "P": BUNDLED,
        "C": CONTRACTOR_PRICED,
        "D": DELETED, "F": DELETED, "H": DELETED,
        "E": EXCLUDED, "X": EXCLUDED,
        "G": NOT_VALID, "I": NOT_VALID,
        "M": MEASUREMENT,
        "N": NOT_COVERED,
    }
)  # fmt: skip
"""What the status of a code in the fee schedule says (RVU26B, attachment A); J is anesthesia."""
