"""The twenty rules every tool is asked to check, stated once.

Cells are the text of the file, blank is null. A null passes except under `required`. A cell that cannot be
read as a number fails `number_from`; comparisons of two columns pass where a side is missing or unreadable.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

Kind = Literal["required", "matches", "one_of", "npi", "number_from", "number_not_above", "date_not_after"]
CROSS_KINDS = ("number_not_above", "date_not_after")


@dataclass(frozen=True)
class Rule:
    """One rule of one column; `argument` is a pattern, a set, a least number or another column."""

    column: str
    kind: Kind
    argument: str | tuple[str, ...] | float = ""

    @property
    def name(self) -> str:
        """A name that is a Python identifier."""
        other = f"_{self.argument}" if self.kind in CROSS_KINDS else ""
        return f"{self.column}_{self.kind}{other}"


STATES = tuple(
    "AL AK AZ AR CA CO CT DE FL GA HI ID IL IN IA KS KY LA ME MD MA MI MN MS MO MT NE NV NH NJ NM NY NC "
    "ND OH OK OR PA RI SC SD TN TX UT VT VA WA WV WI WY DC AS GU MP PR VI".split()
)
PLACES = tuple(
    "01 02 03 04 05 06 07 08 09 10 11 12 13 14 15 16 17 18 19 20 21 22 23 24 25 26 27 31 32 33 34 41 42 "
    "49 50 51 52 53 54 55 56 57 58 60 61 62 65 66 71 72 81 99".split()
)
DATE = r"^[0-9]{4}-[0-9]{2}-[0-9]{2}$"
RULES: tuple[Rule, ...] = (
    Rule("claim_number", "required"),
    Rule("patient_last_name", "required"),
    Rule("patient_dob", "matches", DATE),
    Rule("patient_sex", "one_of", ("F", "M", "U")),
    Rule("patient_state", "one_of", STATES),
    Rule("patient_zip", "matches", r"^[0-9]{5}([0-9]{4})?$"),
    Rule("relationship_code", "one_of", ("18", "01", "19", "20", "21", "39", "40", "53", "G8")),
    Rule("member_id", "required"),
    Rule("payer_id", "required"),
    Rule("billing_npi", "npi"),
    Rule("rendering_npi", "npi"),
    Rule("billing_tax_id", "matches", r"^[0-9]{9}$"),
    Rule("place_of_service", "one_of", PLACES),
    Rule("service_date_from", "date_not_after", "received_date"),
    Rule("service_date_from", "date_not_after", "service_date_to"),
    Rule("procedure_code", "matches", r"^([0-9]{5}|[0-9]{4}[A-Z]|[A-Z][0-9]{4})$"),
    Rule("modifier_1", "matches", r"^[A-Z0-9]{2}$"),
    Rule("diagnosis_1", "matches", r"^[A-Z][0-9A-Z][0-9A-Z](\.[0-9A-Z]{1,4})?$"),
    Rule("units", "number_from", 0.001),
    Rule("copay_amount", "number_not_above", "charge_amount"),
)
COLUMNS: tuple[str, ...] = tuple(
    dict.fromkeys(
        name
        for rule in RULES
        for name in (rule.column, rule.argument)
        if isinstance(name, str) and name and (name == rule.column or rule.kind in CROSS_KINDS)
    )
)
NUMBER = r"^-?[0-9]+(\.[0-9]+)?$"


def npi_is_valid(npi: str) -> bool:
    """Ten digits that pass the Luhn check with the prefix 80840."""
    if len(npi) != 10 or not npi.isascii() or not npi.isdigit():
        return False
    total = 24
    for place, sign in enumerate(reversed(npi)):
        digit = int(sign)
        if place % 2:
            digit = digit * 2 - 9 if digit > 4 else digit * 2
        total += digit
    return total % 10 == 0


def passes(rule: Rule, row: dict[str, str | None]) -> bool:
    """The rule on one row, in plain Python: what every other implementation must agree with."""
    value = row.get(rule.column)
    if rule.kind == "required":
        return bool(value)
    if not value:
        return True
    match rule.kind:
        case "matches":
            return re.search(str(rule.argument), value) is not None
        case "one_of":
            return value in rule.argument  # type: ignore[operator]
        case "npi":
            return npi_is_valid(value)
        case "number_from":
            return re.search(NUMBER, value) is not None and float(value) >= float(rule.argument)  # type: ignore[arg-type]
    other = row.get(str(rule.argument))
    if not other:
        return True
    shape = NUMBER if rule.kind == "number_not_above" else DATE
    if re.search(shape, value) is None or re.search(shape, other) is None:
        return True
    if rule.kind == "number_not_above":
        return float(value) <= float(other)
    return value <= other


REPORT_HEADER = ("row_number", "rule", "column", "value")
