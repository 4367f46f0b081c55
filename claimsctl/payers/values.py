"""Values of replies as typed values: dates in the payer's formats, exact amounts, trimmed texts."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from typing import Any, Final

from claimsctl.payers.connector import Formats

_EFT: Final = {"E": "EFT", "EFT": "EFT", "ACH": "EFT", "C": "CHECK", "CHK": "CHECK", "CHECK": "CHECK"}
_NO_NUMBERS: Final = frozenset("0 00 000 N/A NA NONE".split())
_LONGEST: Final = 200


class Reader:
    """Reads the values of one claim; `flags` name fields whose values could not be read."""

    def __init__(self, formats: Formats) -> None:
        self._formats = formats
        self.flags: list[str] = []

    def read_all(self, values: Mapping[str, Any]) -> dict[str, Any]:
        """Values by field name, those without a value left out; `service_dates` becomes its two dates."""
        read: dict[str, Any] = {}
        for name, value in values.items():
            if value is None or (isinstance(value, str) and not value.strip()):
                continue
            if name == "service_dates":
                read |= self._dates(str(value))
            elif (typed := self._typed(name, value)) is not None:
                read[name] = typed
        return read

    def _typed(self, name: str, value: Any) -> Any:
        if isinstance(value, (dict, list)):
            self._strange(name)
            return None
        text = str(value).strip()
        if name.endswith("_amount"):
            return self._amount(name, text)
        if name.endswith(("_date", "_date_from", "_date_to", "_dob")):
            return self._date(name, text)
        if name == "line_number":
            if text.isdigit() and len(text) < 10:
                return int(text)
            self._strange(name)
            return None
        if name == "payment_method":
            return _EFT.get(text.upper())
        if name == "check_number":
            return None if text.upper() in _NO_NUMBERS else text[:_LONGEST]
        return text[:_LONGEST]

    def _amount(self, name: str, text: str) -> Decimal | None:
        negative = text.startswith("(") and text.endswith(")")
        try:
            amount = Decimal(text.strip("()").replace(",", "").removeprefix("$"))
        except InvalidOperation:
            amount = Decimal("NaN")
        if not amount.is_finite() or abs(amount) > Decimal("1e12"):
            self._strange(name)
            return None
        return -amount if negative else amount

    def _date(self, name: str, text: str) -> date | None:
        for form in self._formats.read_dates:
            try:
                return datetime.strptime(text, form).date()  # noqa: DTZ007 - a calendar day
            except ValueError:
                continue
        try:
            return datetime.fromisoformat(text).date()
        except ValueError:
            self._strange(name)
            return None

    def _dates(self, text: str) -> dict[str, date]:
        """`20250701-20250702`, or one day that is both."""
        first, _, last = text.partition("-") if text.count("-") == 1 else (text, "", "")
        found = {
            "service_date_from": self._date("service_dates", first.strip()),
            "service_date_to": self._date("service_dates", (last or first).strip()),
        }
        return {name: day for name, day in found.items() if day is not None}

    def _strange(self, name: str) -> None:
        self.flags.append(f"unreadable_{name}")
