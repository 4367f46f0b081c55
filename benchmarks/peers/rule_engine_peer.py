"""The rule-engine package: one expression per rule, row by row."""

from __future__ import annotations

import csv
import re
from pathlib import Path
from typing import Any

import rule_engine

from benchmarks.peers.twenty import DATE, NUMBER, REPORT_HEADER, RULES, Rule, npi_is_valid


def expression(rule: Rule) -> str:
    """The rule in rule-engine's language.

    Check digits have no counterpart there, and its `to_flt` does not read negative numbers (5.1): both are
    values computed beforehand.
    """
    cell, other = rule.column, str(rule.argument)

    def pattern(text: str) -> str:
        return '"' + text.replace("\\", "\\\\") + '"'

    def same_shape(shape: str) -> str:
        return f"{cell} =~~ {pattern(shape)} and {other} =~~ {pattern(shape)}"

    match rule.kind:
        case "required":
            return f'{cell} != ""'
        case "matches":
            return f'{cell} == "" or {cell} =~~ {pattern(str(rule.argument))}'
        case "one_of":
            values = ", ".join(f'"{value}"' for value in rule.argument)  # type: ignore[union-attr]
            return f'{cell} == "" or {cell} in [{values}]'
        case "npi":
            return f'{cell} == "" or {cell}_valid'
        case "number_from":
            return f'{cell} == "" or ({cell}_number != null and {cell}_number >= {rule.argument})'
        case "number_not_above":
            return f"{cell}_number == null or {other}_number == null or {cell}_number <= {other}_number"
        case "date_not_after":
            return f"not ({same_shape(DATE)}) or {cell} <= {other}"


def run(source: Path, report: Path) -> int:
    """Compile once, match every row."""
    rules = [(rule, rule_engine.Rule(expression(rule))) for rule in RULES]
    count = 0
    with (
        source.open(newline="", encoding="utf-8") as lines,
        report.open("w", newline="", encoding="utf-8") as out,
    ):
        writer = csv.writer(out)
        writer.writerow(REPORT_HEADER)
        for number, row in enumerate(csv.DictReader(lines), 2):
            facts: dict[str, Any] = dict(row)
            for column in ("billing_npi", "rendering_npi"):
                facts[f"{column}_valid"] = npi_is_valid(row[column])
            for column in ("units", "copay_amount", "charge_amount"):
                readable = re.search(NUMBER, row[column])
                facts[f"{column}_number"] = float(row[column]) if readable else None
            for rule, compiled in rules:
                if not compiled.matches(facts):
                    writer.writerow((number, rule.name, rule.column, row[rule.column]))
                    count += 1
    return count
