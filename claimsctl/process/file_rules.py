"""Built-in rules: their words and severities, for findings that are made in code."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from claimsctl.validate.findings import FINDING, fill_text
from claimsctl.validate.pack import Rule
from claimsctl.validate.ruleset import Selection

EXACT_COPY: Final = "DUP-001"
"""Copies are found before the rules run, and skipped; the rule gives the finding its words."""

COLUMN_MISSING: Final = "FILE-001"
"""A required column is missing, which rejects the whole file whatever rules are chosen."""

STORED_BEFORE: Final = "DUP-010"
"""The one rule that runs on lines which --duplicates skip leaves out."""


@dataclass(frozen=True)
class FileRules:
    """The built-in rules by code, with the severity in force; a rule left out is absent."""

    rules: Mapping[str, Rule]
    severities: Mapping[str, str]

    @staticmethod
    def of(rules: Iterable[Rule], selection: Selection) -> FileRules:
        """Those of `rules` that are built in and selected.

        What rejects a whole file is told as an error always: rows would be rejected without a reason.
        """
        chosen = {r.code: r for r in rules if r.builtin}
        chosen = {c: r for c, r in chosen.items() if c == COLUMN_MISSING or selection.takes(c)}
        severities = {c: selection.severity(c, r.severity) for c, r in chosen.items()}
        return FileRules(chosen, severities | {COLUMN_MISSING: "error"})

    def finding(
        self, code: str, input_name: str, *, field: str | None = None, value: str | None = None,
        row_number: int | None = None, claim_number: str | None = None, **texts: str,
    ) -> Iterator[dict[str, object]]:  # fmt: skip
        """The finding of a built-in rule; none where the rule is left out."""
        rule = self.rules.get(code)
        if rule is None:
            return
        yield {
            **dict.fromkeys(FINDING),
            "input": input_name,
            "row_number": row_number,
            "claim_number": claim_number,
            "severity": self.severities.get(code, rule.severity),
            "code": code,
            "category": rule.category,
            "field": field,
            "value": value,
            "message": fill_text(rule.error_message, texts),
            "suggestion": fill_text(rule.suggestion, texts),
            "cause": fill_text(rule.cause, texts) if rule.cause else None,
        }
