"""Built-in rules: their words and severities, for findings that are made in code."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from claimsctl.validate.findings import FINDING, fill_text
from claimsctl.validate.pack import Rule

EXACT_COPY: Final = "DUP-001"
"""Copies are found before the rules run, and skipped; the rule gives the finding its words."""

STORED_BEFORE: Final = "DUP-010"
"""The one rule that runs on lines which --duplicates skip leaves out."""


@dataclass(frozen=True)
class FileRules:
    """The built-in rules by code, with the severity in force; a rule left out is absent."""

    rules: Mapping[str, Rule]
    severities: Mapping[str, str]

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
