"""Which of the claims a payer tells of are the one that was asked about."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import Any

from claimsctl.payers.found import Found
from claimsctl.payers.inquiry import Inquiry


def folded(value: Any) -> Any:
    """A value as it is compared: texts without case, blanks and punctuation."""
    if isinstance(value, (date, Decimal)) or value is None:
        return value
    return "".join(c for c in str(value).upper() if c.isalnum()) or None


def field_of(found: Found, name: str) -> Any:
    """A value of a claim that was found, of the claim itself or of its person."""
    return found.person.get(name) if name in found.person else getattr(found.match, name, None)


def narrowed(found: Sequence[Found], inquiry: Inquiry) -> tuple[Found, ...]:
    """The claims that do not contradict the inquiry, or all where every one does; marked where they differ.

    A number of ours or the payer's decides first, then service date, then charge.
    """
    values = inquiry.values
    numbers = {folded(values.get(name)) for name in ("claim_number", "payer_claim_number")} - {None}
    tests: tuple[Callable[[Found], bool], ...] = (
        lambda f: not numbers or not _numbers(f) or bool(numbers & _numbers(f)),
        lambda f: _agree(f.match.service_date_from, values.get("service_date_from")),
        lambda f: _agree(f.match.charge_amount, _charge(values)),
    )
    kept = list(found)
    for test in tests:
        kept = [each for each in kept if test(each)] or kept
    return tuple(_marked(each, inquiry) for each in kept)


def _numbers(found: Found) -> set[Any]:
    match = found.match
    # A reply without our number says nothing about it: the payer's alone cannot contradict ours.
    if match.claim_number is None:
        return set()
    return {folded(match.claim_number), folded(match.payer_claim_number)} - {None}


def _agree(theirs: Any, ours: Any) -> bool:
    return theirs is None or ours is None or theirs == ours


def _charge(values: Mapping[str, Any]) -> Any:
    return values.get("claim_charge_amount") or values.get("charge_amount")


def _marked(found: Found, inquiry: Inquiry) -> Found:
    flags = []
    if not _agree(found.match.service_date_from, inquiry.values.get("service_date_from")):
        flags.append("service_date_differs")
    name = folded(found.person.get("patient_last_name"))
    if name is not None and not _agree(name, folded(inquiry.values.get("patient_last_name"))):
        flags.append("patient_differs")
    return found.marked(*flags) if flags else found


class Index:
    """Claims of a search, found by the ways a connector's group lists."""

    def __init__(self, ways: Iterable[Mapping[str, str]], found: Iterable[Found]) -> None:
        self._ways = tuple(ways)
        claims = [each for each in found if each.is_claim]
        self._tables: list[dict[tuple[Any, ...], list[Found]]] = []
        for way in self._ways:
            table: dict[tuple[Any, ...], list[Found]] = {}
            for each in claims:
                key = tuple(folded(field_of(each, name)) for name in way.values())
                if None not in key:
                    table.setdefault(key, []).append(each)
            self._tables.append(table)

    def matches(self, inquiry: Inquiry) -> tuple[Found, ...]:
        """The claims of the first way that finds any; empty when none does."""
        for way, table in zip(self._ways, self._tables, strict=True):
            key = tuple(folded(self._value(inquiry, name)) for name in way)
            if None not in key and (found := table.get(key)):
                return narrowed(found, inquiry)
        return ()

    @staticmethod
    def _value(inquiry: Inquiry, name: str) -> Any:
        return _charge(inquiry.values) if name == "charge_amount" else inquiry.values.get(name)
