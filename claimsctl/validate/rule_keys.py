"""The keys of a [[rule]] table in words."""

from __future__ import annotations

from typing import Final

ANY_OF: Final = " or "
"""Between columns of `requires` of which one is enough."""

RULE_KEYS: Final = {
    "code": "`HOUSE-001`, `HOUSE-CLINIC-7`; codes such as `PAT-008` are claimsctl's",
    "name": "lower-case words joined by `_`",
    "severity": "`error` (rejects the claim), `warning`, `info`",
    "fields": "columns the rule is about; the first is the `field` of the finding. Patterns such as"
    " `diagnosis_*` are allowed",
    "rule_expression": "what must hold. A finding is made where it is **false**; where it is unknown, nothing"
    " is reported",
    "error_message": "what is wrong. `{column_name}`, `{fact}` and `{value}` (the first field) are filled in;"
    " identifiers are masked",
    "suggestion": "what to do about it",
    "when": "the rule applies only where this is true",
    "level": "`line` (default); `claim` reports once per claim; `file` once per file and value",
    "each": "`true`: the rule is tried for each of `fields` by itself; in expressions `value` is that column"
    " and `column` its name, in messages `{value}` and `{column}`",
    "requires": "columns without which the rule is *not run*; by default all of `fields` (of a pattern, and"
    " of `payer_id or payer_name`, one is enough). `[]` for none",
    "needs": "reference tables the rule reads; found by themselves in `known` and `lookup`",
    "uses": "reference tables the rule can do without: where one is not loaded, what it would say is unknown,"
    " and the rest of the rule runs",
    "category": "for grouping; `house` by default",
    "why": "why it matters; shown by `claimsctl rules explain CODE`",
    "source": "who says so; shown by `claimsctl rules explain CODE`",
    "cause": "findings with the same filled-in text are summed up as one thing to fix",
    "show": "values that the texts quote: `{ limit = \"lookup(procedure_code, 'mue', 'units')\" }` gives"
    " `{limit}`. `when` and `rule_expression` may use the names too: `units <= limit`. An expression that"
    " reads an identifier is refused",
    "valid_from": "first date of service (`2026-01-01`, no quotes) for which the rule is meant",
    "valid_to": "last date of service for which the rule is meant",
    "passes": 'example rows that are not reported: `column = "text as in a file"`, or a fact and its value. A'
    " list of rows is a small file. `as_of` sets the run date, `history` lists lines of earlier runs. `{}` is"
    " a row without anything",
    "fails": "examples of which at least one row must be reported",
    "builtin": "only in claimsctl's packs: the finding is made in code, without an expression",
}
"""Every key of a [[rule]] table and what it means."""
REQUIRED_KEYS: Final = (
    "code",
    "name",
    "severity",
    "fields",
    "rule_expression",
    "error_message",
    "suggestion",
)
"""Those that a rule cannot do without."""
