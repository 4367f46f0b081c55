"""What the terminal says of prices: of a file in sums, of one line in full."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any, Final

from claimsctl.cli.screen import Screen, count, new_table
from claimsctl.price.status import SENTENCES

_PARTS: Final = {"work": "work", "pe": "practice expense", "mp": "malpractice"}
_AMOUNT: Final = "expected_allowed_amount"
_MOST: Final = 10
"""Codes shown; all of them are in the JSON document and can be summed from the file."""


def dollars(amount: str) -> str:
    """ "$1,204.50", "-$3.00"."""
    number = Decimal(amount)
    return f"{'-' if number < 0 else ''}${abs(number):,.2f}"


def show_file(done: Mapping[str, Any], screen: Screen) -> None:
    """Expected total, lines without a price by reason, files."""
    pricing, rows, written = done["pricing"], done["rows"], done["outputs"]
    total, lines = dollars(pricing["expected_allowed_amount"]), count(pricing["lines"], "line")
    priced = f"{total} expected for {pricing['priced']:,} of {lines}."
    screen.line(priced if pricing["priced"] else f"None of {lines} could be priced.", "bold")
    if rows["malformed"]:
        screen.wrapped(f"{count(rows['malformed'], 'record')} could not be read.")
    if rows["no_lines"]:
        screen.wrapped(
            f"{count(rows['no_lines'], 'row')} repeat the header or are totals, and have no price."
        )
    if pricing["by_source"]:
        screen.heading("Priced by")
        table = new_table("Lines", "Expected", "Source")
        for column in table.columns[:2]:
            column.justify = "right"
        for each in pricing["by_source"]:
            amount = dollars(each["expected_allowed_amount"])
            table.add_row(f"{each['lines']:,}", amount, screen.text(each["source"]))
        screen.block(table)
    if pricing["not_priced"]:
        screen.heading("Not priced")
        table = new_table("Lines", "Status", "Why")
        table.columns[0].justify = "right"
        table.columns[2].overflow = "fold"
        for status, number in pricing["not_priced"].items():
            table.add_row(f"{number:,}", status, SENTENCES[status])
        screen.block(table)
    if "comparison" in done:
        _show_comparison(done["comparison"], screen)
    if not written:
        screen.gap()
        for note in done["notes"]:
            screen.wrapped(note)
        screen.line("Nothing was written; --out priced.csv writes every line with its price.")
        return
    screen.heading("Files")
    screen.line(f"  {written['priced']}  {count(rows['read'] - rows['malformed'], 'row')}")
    if "claims" in written:
        screen.line(f"  {written['claims']}  totals of claims")
    if "malformed" in written:
        screen.line(f"  {written['malformed']}  {count(rows['malformed'], 'record')} as they came")
    for note in done["notes"]:
        screen.wrapped(note, 2)


def _show_comparison(found: Mapping[str, Any], screen: Screen) -> None:
    """Totals by both releases, and the codes with the largest changes."""
    other, lines = found["edition"], found["lines"]
    before, after = (Decimal(found[name]) for name in (_AMOUNT, f"{_AMOUNT}_{other}"))
    percent = f" ({(after - before) / before:+.1%})" if before else ""
    screen.heading(f"By {other} instead")
    both, change = count(lines["both"], "line"), f"{dollars(found['difference'])}{percent}"
    totals = f"{dollars(str(after))} instead of {dollars(str(before))}"
    screen.wrapped(f"{totals} for {both} that both price: {change}.", 2)
    for name, text in (("only_in_force", f"not by {other}"), ("only_other", f"only by {other}")):
        if lines[name]:
            verb = "has" if lines[name] == 1 else "have"
            screen.wrapped(f"{count(lines[name], 'line')} {verb} a price {text}.", 2)
    changed = [code for code in found["codes"] if Decimal(code["difference"])]
    if not changed:
        return
    screen.heading(f"Largest changes, {min(len(changed), _MOST)} of {count(len(changed), 'code')}")
    table = new_table("Code", "Lines", "In force", other, "Difference")
    for column in table.columns[1:]:
        column.justify = "right"
    for code in changed[:_MOST]:
        amounts = (dollars(code[name]) for name in ("in_force", "other", "difference"))
        table.add_row(screen.text(code["procedure_code"]), f"{code['lines']:,}", *amounts)
    screen.block(table)


def show_line(done: Mapping[str, Any], screen: Screen) -> None:
    """The price of one line, and what it was computed with."""
    price, status = done["price"], done["price"]["pricing_status"]
    amount = price["expected_allowed_amount"]
    screen.line(f"{dollars(amount)} expected" if amount else "No price", "bold")
    screen.labelled("Status", f"{status}: {done['sentence']}")
    for label, text in _told(price):
        if text:
            screen.labelled(label, text)
    if "steps" in done:
        _show_steps(done["steps"], screen)


def _show_steps(steps: Sequence[Mapping[str, str | None]], screen: Screen) -> None:
    """Every step with its value, and below it how it came about and where that is written."""
    screen.heading("Step by step")
    for step in steps:
        screen.line(f"  {step['step']:<26}  {step['value']}".rstrip())
        if step["how"]:
            screen.wrapped(step["how"], 6)
        if said := "; ".join(text for text in (step["edition"], step["manual"]) if text):
            screen.wrapped(f"[{said}]", 6, "dim")


def _told(price: Mapping[str, str | None]) -> list[tuple[str, str | None]]:
    values = [f"{word} {price[f'{part}_rvu']}" for part, word in _PARTS.items()]
    indices = [f"{word} {price[f'gpci_{part}']}" for part, word in _PARTS.items()]
    return [
        ("Note", price["pricing_note"]),
        ("Source", price["pricing_source"]),
        ("RVU", f"{', '.join(values)}; total {price['total_rvu']}" if price["total_rvu"] else None),
        ("GPCI", ", ".join(indices) if price["gpci_work"] else None),
        ("Factor", price["conversion_factor"]),
        ("Adjusted", price["modifier_adjustment"]),
        ("Statutory", price.get("statutory_adjustment")),
        ("Net", _net(price)),
        ("Limit", dollars(price["limiting_charge"]) if price["limiting_charge"] else None),
    ]


def _net(price: Mapping[str, str | None]) -> str | None:
    net = price["expected_net_amount"]
    return None if net is None else f"{dollars(net)} after sequestration"
