"""How the amount of one line came about, step by step, from the very figures it was computed with."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

import polars as pl

from claimsctl.price import status
from claimsctl.price.arithmetic import DOLLAR, FACTOR_ONE, UNIT
from claimsctl.price.keys import keyed, with_needed
from claimsctl.price.line import STATUTORY_ONE, worked
from claimsctl.price.manual import BY_TEXT, STATUTORY
from claimsctl.price.schedule import Schedule
from claimsctl.price.unit import unit_prices

FORMULA: Final = "RVU26B, formula; 42 CFR 414.20"
_CODE: Final = "RVU26B, status code"
_PLACE: Final = "Pub 100-04 ch. 12 s. 20.4.2"
_ANESTHESIA: Final = "Pub 100-04 ch. 12 s. 50"
_PROVIDERS: Final = "Pub 100-04 ch. 12 s. 110-150; ch. 1 s. 30.3.12"
_PARTS: Final = {"26": ", professional part", "TC": ", technical part", "53": ", broken off"}
_GROSS: Final = DOLLAR * UNIT

Figures = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Step:
    """One step: what it is, its value, how it came about, by which edition, and where it is written.

    `value` is a number as text, dollars where the step is an amount; the other texts are None where there is
    nothing to say.
    """

    step: str
    value: str
    how: str | None = None
    edition: str | None = None
    manual: str | None = None


def explain(line: pl.DataFrame, schedule: Schedule, ranks: pl.DataFrame | None = None) -> list[Step]:
    """The steps of one line (a frame of one row; `ranks` as for `price`), to its amounts or its status.

    The values are those of the computation; the amounts are those of `price`.
    """
    if line.height != 1:
        raise ValueError("explain takes a frame of one line")
    result = worked(line, schedule, ranks).row(0, named=True)
    _, combinations = keyed(with_needed(line), schedule)
    unit = unit_prices(combinations, schedule).row(0, named=True)
    return [*_steps(unit, result, schedule)]


def _steps(unit: Figures, result: Figures, schedule: Schedule) -> Iterator[Step]:
    if result["base"] is not None:
        if unit["rate"] is not None:
            yield Step("rate of the contract", _dollars(unit["rate"]), "for one unit", unit["contract"])
        elif unit["fee_status"] == "J":
            yield from _anesthesia(unit)
        else:
            yield from _fee(unit)
        if result["gross"] is not None:
            yield from _line(unit, result)
    word = result["pricing_status"]
    if word == status.PRICED:
        yield from _amounts(unit, result, schedule)
    else:
        yield Step("status", word, status.SENTENCES[word])
    if result["pricing_note"]:
        yield Step("note", "", result["pricing_note"])


def _fee(unit: Figures) -> Iterator[Step]:
    """From the fee row to the amount of one unit."""
    release, place = unit["release"], "facility" if unit["facility"] else "non-facility"
    said = f"status {unit['fee_status']}{_PARTS.get(unit['own_row'], '')}"
    yield Step("code", unit["procedure_code"], said, release, _CODE)
    yield Step("place of service", unit["place_of_service"], f"{place} rate", None, _PLACE)
    yield Step("locality", unit["locality"], None, unit["gpci_edition"])
    floor = "with the floor of 1.0" if unit["floor"] else "without the floor of 1.0"
    parts = {"work": ("work", floor), "practice expense": ("pe", place), "malpractice": ("mp", None)}
    products = []
    for name, (part, more) in parts.items():
        rvu, index = _number(unit[part]), _number(unit[f"gpci_{part}"])
        products.append(f"{rvu} x {index}")
        value = Decimal(unit[part]) * Decimal(unit[f"gpci_{part}"]) / DOLLAR**2
        how = f"{rvu} RVU x GPCI {index}" + (f", {more}" if more else "")
        yield Step(name, _shortest(value), how, release, FORMULA)
    factor = _number(unit["cf"])
    yield Step("conversion factor", factor, "dollars for one RVU", release, FORMULA)
    how = f"({' + '.join(products)}) x {factor}, rounded half up to the cent"
    manual = FORMULA
    if unit["is_capped"]:
        how += f"; the OPPS amount, below the fee of {_cents(unit['uncapped_cents'])}"
        manual = "RVU26B, OPPS payment amount"
    yield Step("amount of one unit", _cents(unit["cents"]), how, release, manual)


def _anesthesia(unit: Figures) -> Iterator[Step]:
    yield Step("code", unit["procedure_code"], "anesthesia (status J)", unit["release"], _CODE)
    supervised = "three, for supervision (AD)" if unit["is_supervision"] else None
    yield Step("base units", _units(unit["base_units"]), supervised, None, _ANESTHESIA)
    yield Step("locality", unit["locality"])
    yield Step("conversion factor", _dollars(unit["anesthesia_cf"]), "dollars for a unit", None, _ANESTHESIA)


def _line(unit: Figures, result: Figures) -> Iterator[Step]:
    """From the amount of a unit to that of the line."""
    units = _units(result["paid_units"])
    if result["is_timed"]:
        how = f"{_units(unit['base_units'])} base units + minutes / 15, rounded to one decimal"
        yield Step("units", units, how, None, f"{_ANESTHESIA} G")
    amount = Decimal(result["gross"]) / _GROSS
    yield Step("units x amount", _plain(amount), f"{units} x {_dollars(result['base'])}")
    if taken := Decimal(result["rank_deduction"] or 0) / _GROSS:
        said = result["rank_adjustment"]
        how = f"{_plain(amount)} - {_plain(taken)}" + (f" ({said})" if said else "")
        amount -= taken
        yield Step("several services of the day", _plain(amount), how, None, _written(said))
    for part in (unit["adjustment"] or "").split(";"):
        name, _, percent = part.partition(":")
        if percent:
            how = f"{_plain(amount)} x {percent}"
            amount *= Decimal(percent.rstrip("%")) / 100
            yield Step(f"modifier {name}", _plain(amount), how, None, _written(part))
    if (percent := unit["contract_factor"]) is not None:
        how = f"{_plain(amount)} x {_shortest(Decimal(percent) * 100 / FACTOR_ONE)}%"
        amount *= Decimal(percent) / FACTOR_ONE
        yield Step("percent of Medicare", _plain(amount), how, unit["source"])
    yield Step("amount of the line", _cents(result["full_cents"]), "rounded half up to the cent")


def _amounts(unit: Figures, result: Figures, schedule: Schedule) -> Iterator[Step]:
    allowed, terms = str(result["expected_allowed_amount"]), schedule.terms
    if result["is_charge"]:
        yield Step("charge", allowed, "the contract pays the lesser of charge and amount", unit["contract"])
    yield Step("expected allowed amount", allowed, None, result["pricing_source"])
    *words, last = str(result["statutory_adjustment"] or "").split(";")
    words += [] if last.startswith("sequestration") else [last]
    if result["statutory"] not in (None, STATUTORY_ONE):
        said = [STATUTORY[name][1] for word in words if (name := word.partition(":")[0]) in STATUTORY]
        adjusted = str(result["adjusted_allowed_amount"])
        yield Step("adjusted allowed amount", adjusted, ";".join(words), None, "; ".join(said) or _PROVIDERS)
    if result["limiting_charge"] is not None:
        how, limit = "115% of 95% of the expected allowed amount", "RVU26B, limiting charge; 42 CFR 414.48"
        yield Step("limiting charge", str(result["limiting_charge"]), how, None, limit)
    if last.startswith("sequestration"):
        how = (
            f"less {_shortest(terms.sequestration_percent)}% of Medicare's share of"
            f" {_shortest(terms.medicare_share_percent)}%; the deductible is taken as met"
        )
        yield Step("expected net amount", str(result["expected_net_amount"]), how, None, "2 USC 901a(6)")


def _written(text: str | None) -> str | None:
    """Where what a text of modifier_adjustment says is written."""
    names = [part.partition(":")[0] for part in (text or "").split(";")]
    return "; ".join(dict.fromkeys(BY_TEXT[name] for name in names if name in BY_TEXT)) or None


def _shortest(number: Decimal) -> str:
    return f"{number.normalize():f}"


def _number(ten_thousandths: int) -> str:
    return _shortest(Decimal(ten_thousandths) / DOLLAR)


def _units(thousandths: int) -> str:
    return _shortest(Decimal(thousandths) / UNIT)


def _plain(dollars: Decimal) -> str:
    """Dollars with their cents, and with further decimals where there are some."""
    cents = dollars.quantize(Decimal("0.01"))
    return f"{cents:f}" if cents == dollars else _shortest(dollars)


def _dollars(ten_thousandths: int) -> str:
    return _plain(Decimal(ten_thousandths) / DOLLAR)


def _cents(cents: int) -> str:
    return f"{Decimal(cents) / 100:.2f}"
