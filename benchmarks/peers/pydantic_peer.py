"""One pydantic model per row, as most row-by-row validators are written."""

from __future__ import annotations

import csv
from functools import partial
from pathlib import Path
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict, ValidationError, create_model, model_validator

from benchmarks.peers.twenty import COLUMNS, CROSS_KINDS, REPORT_HEADER, RULES, Rule, passes

OWN = [rule for rule in RULES if rule.kind not in CROSS_KINDS]
CROSS = [rule for rule in RULES if rule.kind in CROSS_KINDS]


def _check(rule: Rule, value: str) -> str:
    if not passes(rule, {rule.column: value}):
        raise ValueError(rule.name)
    return value


class Cross(BaseModel):
    """Rules that look at two columns."""

    model_config = ConfigDict(extra="ignore")

    @model_validator(mode="wrap")
    @classmethod
    def compare(cls, data: Any, handler: Any) -> Any:
        """Runs after the fields, whether or not they failed."""
        wrong = [
            {"type": "value_error", "loc": (rule.column,), "input": data[rule.column],
             "ctx": {"error": ValueError(rule.name)}}
            for rule in CROSS
            if not passes(rule, data)
        ]  # fmt: skip
        try:
            model = handler(data)
        except ValidationError as error:
            wrong = [
                {"type": e["type"], "loc": e["loc"], "input": e["input"], "ctx": e.get("ctx", {})}
                for e in error.errors(include_url=False)
            ] + wrong
            model = None
        if wrong:
            raise ValidationError.from_exception_data("Row", wrong)  # type: ignore[arg-type]
        return model


def _fields() -> dict[str, Any]:
    fields: dict[str, Any] = {}
    for column in COLUMNS:
        kind: Any = str
        for rule in OWN:
            if rule.column == column:
                kind = Annotated[kind, AfterValidator(partial(_check, rule))]
        fields[column] = (kind, "")
    return fields


Row = create_model("Row", __base__=Cross, **_fields())


def run(source: Path, report: Path) -> int:
    """csv.DictReader, one model per row, errors of each."""
    count = 0
    with (
        source.open(newline="", encoding="utf-8") as lines,
        report.open("w", newline="", encoding="utf-8") as out,
    ):
        writer = csv.writer(out)
        writer.writerow(REPORT_HEADER)
        for number, row in enumerate(csv.DictReader(lines), 2):
            try:
                Row.model_validate(row)
            except ValidationError as error:
                for problem in error.errors(include_url=False):
                    writer.writerow(
                        (number, str(problem["ctx"]["error"]), problem["loc"][0], problem["input"])
                    )
                    count += 1
    return count
