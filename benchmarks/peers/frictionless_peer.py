"""frictionless: a table schema with constraints, and a custom check for what constraints cannot say."""

from __future__ import annotations

import csv
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import attrs
from frictionless import Check, Checklist, Detector, Resource, Row, Schema, errors, fields

from benchmarks.peers.twenty import COLUMNS, REPORT_HEADER, RULES, Rule, passes

CONSTRAINTS = ("required", "matches", "one_of")
OTHER = [rule for rule in RULES if rule.kind not in CONSTRAINTS]


@attrs.define(kw_only=True, repr=False)
class Others(Check):
    """Check digits, numbers and comparisons of columns."""

    type = "others"
    Errors = [errors.RowConstraintError]  # noqa: RUF012

    def validate_row(self, row: Row) -> Iterable[Any]:
        """Called for every row."""
        for rule in OTHER:
            if not passes(rule, row):  # type: ignore[arg-type]
                yield errors.RowConstraintError.from_row(row, note=rule.name)


def _field(column: str) -> Any:
    constraints: dict[str, Any] = {}
    for rule in RULES:
        if rule.column == column and rule.kind == "required":
            constraints["required"] = True
        elif rule.column == column and rule.kind == "matches":
            constraints["pattern"] = str(rule.argument)
        elif rule.column == column and rule.kind == "one_of":
            constraints["enum"] = list(rule.argument)  # type: ignore[arg-type]
    return fields.StringField(name=column, constraints=constraints)


def _rule_of(column: str, note: str) -> Rule:
    wanted = "required" if '"required"' in note else "matches" if '"pattern"' in note else "one_of"
    return next(rule for rule in RULES if rule.column == column and rule.kind == wanted)


def run(source: Path, report: Path) -> int:
    """Validate the file, then flatten the report."""
    with source.open(encoding="utf-8") as lines:
        header = lines.readline().strip().split(",")
    schema = Schema(
        fields=[_field(name) if name in COLUMNS else fields.StringField(name=name) for name in header]
    )
    resource = Resource(
        path=source.name, basepath=str(source.parent), schema=schema, detector=Detector(sample_size=5)
    )
    result = resource.validate(Checklist(checks=[Others()]), limit_errors=10**9)
    count = 0
    with report.open("w", newline="", encoding="utf-8") as out:
        writer = csv.writer(out)
        writer.writerow(REPORT_HEADER)
        for number, kind, column, note, cell in result.flatten(
            ["rowNumber", "type", "fieldName", "note", "cell"]
        ):
            rule = (
                next(r for r in OTHER if r.name == note)
                if kind == "row-constraint"
                else _rule_of(column, note)
            )
            writer.writerow((number, rule.name, rule.column, cell))
            count += 1
    return count
