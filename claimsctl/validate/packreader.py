"""Reading one pack strictly: every key known, every value of its kind, every name a column or fact."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final, cast

from claimsctl.claim import BY_NAME
from claimsctl.errors import RuleError
from claimsctl.validate.language.types import did_you_mean
from claimsctl.validate.rule import LEVELS, SEVERITIES, Example, Pack, Rule, expanded
from claimsctl.validate.rule_keys import ANY_OF

_CODE: Final = re.compile(r"[A-Z]{2,6}-[0-9]{3}|HOUSE-[A-Z0-9][A-Z0-9-]{0,23}")
_NAME: Final = re.compile(r"[a-z][a-z0-9_]*")
_PLACEHOLDER: Final = re.compile(r"\{([^{}]*)\}")
_RULE_HEADER: Final = re.compile(r"^\s*\[\[\s*rule\s*\]\]")
_REQUIRED: Final = ("code", "name", "severity", "error_message", "suggestion")
_TEXTS: Final = (
    "code", "name", "severity", "category", "level", "error_message", "suggestion", "rule_expression", "when",
    "why", "source", "cause",
)  # fmt: skip
_LISTS: Final = ("fields", "requires", "needs", "uses")
_FLAGS: Final = ("each", "builtin")
_DATES: Final = ("valid_from", "valid_to")
_EXAMPLES: Final = ("passes", "fails")
_BESIDE: Final = ("as_of", "history")
"""Keys of an example row that are no cells."""
_TABLES: Final = ("show",)
_KEYS: Final = (*_TEXTS, *_LISTS, *_FLAGS, *_DATES, *_TABLES, *_EXAMPLES)


@dataclass
class PackReader:
    """Reads one document; `place` says where it is, for messages."""

    file: str
    text: str
    facts: frozenset[str]
    place: str = ""

    def _fail(self, problem: str, hint: str | None = None) -> RuleError:
        advice = "" if hint is None else f"; {hint}"
        return RuleError(f"{self.place}: {problem}{advice}")

    def pack(self, document: dict[str, Any]) -> Pack:
        """The pack of a parsed document; RuleError for the first mistake."""
        self.place = self.file
        self._known_keys(document, ("pack", "rule"), "a pack has [pack] and [[rule]] tables")
        head = document.get("pack")
        if not isinstance(head, dict):
            raise self._fail("the table [pack] is missing", 'begin with [pack] and name = "..."')
        self._known_keys(head, ("name", "title", "description"), "[pack] has name, title, description")
        for key in ("name", "title", "description"):
            if not isinstance(head.get(key, ""), str):
                raise self._fail(f"{key} of [pack] must be a text")
        name = head.get("name", "")
        if not _NAME.fullmatch(name):
            raise self._fail("name of [pack] must be a word such as patient or house_rules")
        tables = document.get("rule", [])
        if not isinstance(tables, list):
            raise self._fail("a rule begins with [[rule]], in double brackets")
        starts = [n for n, line in enumerate(self.text.splitlines(), 1) if _RULE_HEADER.match(line)]
        lines = starts if len(starts) == len(tables) else [None] * len(tables)
        rules = tuple(self._rule(table, line) for table, line in zip(tables, lines, strict=True))
        title = head.get("title") or name.replace("_", " ").capitalize()
        return Pack(name, title, rules, self.file, head.get("description", ""))

    def _rule(self, table: dict[str, Any], line: int | None) -> Rule:
        code = table.get("code")
        self.place = self.file if line is None else f"{self.file}, line {line}"
        self.place += f", {code}" if isinstance(code, str) else ""
        self._known_keys(table, _KEYS, "docs/rule-language.md lists the keys of a rule")
        values = {key: self._value(key, value) for key, value in table.items()}
        for key in _REQUIRED:
            if not values.get(key):
                raise self._fail(f"{key} is missing")
        values.setdefault("category", "house")
        values.setdefault("level", "line")
        values.setdefault("fields", ())
        rule = Rule(**values, file=self.file, line=line, lines=self._lines(line))
        self._check(rule)
        return rule

    def _known_keys(self, table: Mapping[str, Any], keys: Sequence[str], otherwise: str) -> None:
        for key in table:
            if key not in keys:
                raise self._fail(f"unknown key '{key}'", did_you_mean(key, keys) or otherwise)

    def _value(self, key: str, value: Any) -> Any:
        if key in _TEXTS:
            if not isinstance(value, str):
                raise self._fail(f"{key} must be a text in quotes")
            return value.strip()
        if key in _LISTS:
            if not isinstance(value, list) or not all(isinstance(part, str) for part in value):
                raise self._fail(f"{key} must be a list of texts", f'write {key} = ["..."]')
            return tuple(value)
        if key in _FLAGS:
            if not isinstance(value, bool):
                raise self._fail(f"{key} must be true or false")
            return value
        if key in _DATES:
            if not isinstance(value, date) or isinstance(value, datetime):
                raise self._fail(f"{key} must be a date without quotes", f"write {key} = 2026-01-01")
            return value
        if key in _TABLES:
            if not isinstance(value, dict) or not all(isinstance(part, str) for part in value.values()):
                raise self._fail(f"{key} must be a table of texts", f'write {key} = {{ limit = "..." }}')
            return {name: text.strip() for name, text in value.items()}
        if not isinstance(value, list):
            raise self._fail(f"{key} must be a list of example rows", f'write {key} = [{{ units = "1" }}]')
        return tuple(self._example(key, part) for part in value)

    def _example(self, key: str, part: Any) -> Example:
        rows = part if isinstance(part, list) else [part]
        if not rows or not all(isinstance(row, dict) for row in rows):
            raise self._fail(
                f"an example of {key} is a row {{ ... }} or a list of rows", 'write { units = "1" }'
            )
        dates = {self._as_of(row["as_of"]) for row in rows if "as_of" in row}
        if len(dates) > 1:
            raise self._fail(f"the rows of an example of {key} have different as_of dates")
        earlier = [line for row in rows if "history" in row for line in self._history(key, row["history"])]
        cells = tuple(
            {name: self._cell(name, cell) for name, cell in row.items() if name not in _BESIDE}
            for row in rows
        )
        return Example(cells, next(iter(dates), None), tuple(earlier))

    def _history(self, key: str, lines: Any) -> list[dict[str, object]]:
        """Lines of earlier runs, written beside a row."""
        if not isinstance(lines, list) or not all(isinstance(line, dict) for line in lines):
            raise self._fail(f"history in an example of {key} is a list of earlier lines",
                             'write history = [{ procedure_code = "99213" }]')  # fmt: skip
        for line in lines:
            for name in line:
                if name in self.facts:
                    raise self._fail(f"history in an example of {key} names the fact {name}",
                                     "give the columns it is made from")  # fmt: skip
        return [{name: self._cell(name, cell) for name, cell in line.items()} for line in lines]

    def _as_of(self, value: Any) -> date:
        if isinstance(value, str):
            try:
                return date.fromisoformat(value)
            except ValueError:
                pass
        if not isinstance(value, date) or isinstance(value, datetime):
            raise self._fail("as_of of an example must be a date such as 2026-06-30")
        return value

    def _cell(self, name: str, value: Any) -> object:
        if name in self.facts:
            return value
        column = BY_NAME.get(name)
        if column is None:
            raise self._fail(f"unknown column or fact '{name}' in an example",
                            did_you_mean(name, [*BY_NAME, *self.facts]))  # fmt: skip
        if isinstance(value, str):
            return value
        if isinstance(value, date) and not isinstance(value, datetime) and column.type == "date":
            return value.isoformat()
        if (
            isinstance(value, int)
            and not isinstance(value, bool)
            and column.type in ("integer", "decimal", "money")
        ):
            return str(value)
        raise self._fail(f"{name} in an example must be a text in quotes, as it stands in a file")

    def _lines(self, start: int | None) -> Mapping[str, int]:
        """Line of each key of the rule that begins at `start`."""
        if start is None:
            return {}
        found: dict[str, int] = {}
        for number, line in enumerate(self.text.splitlines()[start:], start + 1):
            if _RULE_HEADER.match(line):
                break
            key = re.match(r"\s*([a-z_]+)(?:\.[a-z0-9_]+)?\s*=", line)
            if key is not None and key.group(1) in _KEYS:
                found.setdefault(key.group(1), number)
        return found

    def _check(self, rule: Rule) -> None:
        if not _CODE.fullmatch(rule.code):
            raise self._fail("code must look like PAT-008, or HOUSE-001 for a rule of your own")
        if not _NAME.fullmatch(rule.name):
            raise self._fail("name must be lower-case words joined by _, such as patient_age_in_range")
        self._one_of("severity", rule.severity, SEVERITIES)
        self._one_of("level", rule.level, LEVELS)
        if rule.builtin:
            if rule.rule_expression or rule.code.startswith("HOUSE-"):
                raise self._fail("builtin is only for rules of claimsctl without a rule_expression")
            return
        if not rule.rule_expression:
            raise self._fail("rule_expression is missing", "write what must hold, such as units > 0")
        if not rule.fields:
            raise self._fail("fields is missing", 'write the columns the rule is about: fields = ["units"]')
        for key in ("fields", "requires"):
            for pattern in cast(Sequence[str], getattr(rule, key) or ()):
                for each in pattern.split(ANY_OF) if key == "requires" else (pattern,):
                    self._known_field(key, each)
        for name in rule.show:
            if not _NAME.fullmatch(name) or name in (*BY_NAME, *self.facts, "value", "column"):
                raise self._fail(f"show cannot be called '{name}'", "choose a word that is no column or fact")
        for key in ("error_message", "suggestion", "cause"):
            self._known_placeholders(key, getattr(rule, key) or "", rule)
        if rule.valid_from and rule.valid_to and rule.valid_from > rule.valid_to:
            raise self._fail("valid_from is after valid_to")

    def _one_of(self, key: str, value: str, allowed: Sequence[str]) -> None:
        if value not in allowed:
            hint = did_you_mean(value, allowed) or f"it is {', '.join(allowed[:-1])} or {allowed[-1]}"
            raise self._fail(f"unknown {key} '{value}'", hint)

    def _known_field(self, key: str, pattern: str) -> None:
        if pattern in BY_NAME or pattern in self.facts:
            return
        if "*" in pattern and expanded(pattern):
            return
        hint = did_you_mean(pattern, [*BY_NAME, *self.facts])
        raise self._fail(f"{key} names an unknown column '{pattern}'", hint)

    def _known_placeholders(self, key: str, template: str, rule: Rule) -> None:
        if re.search(r"[{}]", _PLACEHOLDER.sub("", template)):
            raise self._fail(f"{key} has a single brace", "a placeholder is written {column}")
        for name in _PLACEHOLDER.findall(template):
            known = (*BY_NAME, *self.facts, *rule.show, "value", "column")
            if name in known:
                continue
            hint = did_you_mean(name, known)
            raise self._fail(f"{key} has an unknown placeholder {{{name}}}", hint)
