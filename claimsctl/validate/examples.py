"""Running the examples a rule carries: each passing one stays silent, each failing one is reported."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import TYPE_CHECKING, Final

import polars as pl

from claimsctl.claim import BY_NAME
from claimsctl.facts.table import FACT_TYPES, OF_HISTORY, Context
from claimsctl.facts.typed import Layout, clean_cells
from claimsctl.validate.checks import Check
from claimsctl.validate.in_memory import check_in_memory
from claimsctl.validate.ruleset import runs

if TYPE_CHECKING:
    from claimsctl.validate.pack import Example, Rule

EXAMPLE_DATE: Final = date(2026, 6, 30)
"""The run date of examples that do not set `as_of`."""
_FACT_DTYPES: Final[Mapping[str, pl.DataType]] = {
    "integer": pl.Int64(), "text": pl.String(), "date": pl.Date(), "boolean": pl.Boolean(),
    "decimal": pl.Decimal(18, 4),
}  # fmt: skip


@dataclass(frozen=True)
class ExampleFailure:
    """An example that does not do what it says."""

    code: str
    kind: str
    number: int
    problem: str

    def __str__(self) -> str:
        return f"{self.code}: {self.kind} example {self.number} {self.problem}"


def run_examples(rule: Rule, checks: Sequence[Check], context: Context) -> Iterator[ExampleFailure]:
    """Every example of a rule that misbehaves; `checks` are the rule's compiled checks."""
    for kind, examples in (("passes", rule.passes), ("fails", rule.fails)):
        for number, example in enumerate(examples, 1):
            fired = _fires(example, checks, context)
            if kind == "passes" and fired:
                yield ExampleFailure(rule.code, kind, number, f"is reported on {fired}")
            if kind == "fails" and not fired:
                yield ExampleFailure(rule.code, kind, number, "is not reported")


def _fires(example: Example, checks: Sequence[Check], context: Context) -> str | None:
    rows, layout, overrides = example_frame(example.rows, example.history)
    history = clean_cells(rows.slice(len(example.rows)))
    rows = clean_cells(rows.head(len(example.rows)))
    # An example stands for a row of a larger file: what it names is a column of that file.
    named = frozenset(name for row in example.rows for name in row if name in BY_NAME)
    active = [check for check in checks if runs(check, named)]
    if not active:
        return None
    asks = any(check.columns & OF_HISTORY for check in active)
    dated = replace(context, run_date=example.as_of or EXAMPLE_DATE, originals=asks)
    _, hits = check_in_memory(rows, layout, active, dated, overrides=overrides, history=history)
    if hits.is_empty():
        return None
    return ", ".join(dict.fromkeys(active[n].field for n in hits["check"].to_list()))


def example_frame(
    example: Sequence[Mapping[str, object]], history: Sequence[Mapping[str, object]] = ()
) -> tuple[pl.DataFrame, Layout, pl.DataFrame]:
    """An example as raw rows, those of `history` last, its layout, and the facts that its rows give."""
    lines = [*example, *history]
    names = list(dict.fromkeys(key for line in lines for key in line))
    columns = [name for name in names if name in BY_NAME]
    rows = pl.DataFrame(
        {"row_number": list(range(2, len(lines) + 2))}
        | {f"c{n}": [line.get(name) for line in lines] for n, name in enumerate(columns)},
        schema={"row_number": pl.Int64} | {f"c{n}": pl.String for n in range(len(columns))},
    )
    facts = {name: _fact(name, example) for name in names if name not in BY_NAME}
    return rows, Layout({name: f"c{n}" for n, name in enumerate(columns)}), pl.DataFrame(facts)


def _fact(name: str, example: Sequence[Mapping[str, object]]) -> pl.Series:
    """Values of a fact that an example gives; amounts are texts, as in "12.50"."""
    dtype, values = _FACT_DTYPES[FACT_TYPES[name]], [row.get(name) for row in example]
    if isinstance(dtype, pl.Decimal):
        return pl.Series(name, values, dtype=pl.String).cast(dtype)
    return pl.Series(name, values, dtype=dtype)
