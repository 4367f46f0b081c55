"""Rule packs: TOML files of rules, read strictly, so that a mistake in a rule is never read as bad data."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from functools import cache, cached_property
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Any, Final, Literal, cast

from claimsctl.claim import BY_NAME
from claimsctl.errors import RuleError
from claimsctl.validate.language.ast import Name, walk
from claimsctl.validate.language.parser import Expr, parse
from claimsctl.validate.language.types import Where, did_you_mean, expand_pattern

Severity = Literal["error", "warning", "info"]
Level = Literal["line", "claim", "file"]

SEVERITIES: Final[tuple[Severity, ...]] = ("error", "warning", "info")
LEVELS: Final[tuple[Level, ...]] = ("line", "claim", "file")
_CODE: Final = re.compile(r"[A-Z]{2,6}-[0-9]{3}|HOUSE-[A-Z0-9][A-Z0-9-]{0,23}")
_NAME: Final = re.compile(r"[a-z][a-z0-9_]*")
_PLACEHOLDER: Final = re.compile(r"\{([^{}]*)\}")
_RULE_HEADER: Final = re.compile(r"^\s*\[\[\s*rule\s*\]\]")


@dataclass(frozen=True)
class Example:
    """Rows a rule is tried on: cells of canonical columns as text, facts as values.

    `as_of` is the run date, None for the default. A column that is not given is absent.
    """

    rows: tuple[Mapping[str, object], ...]
    as_of: date | None = None


@dataclass(frozen=True)
class Rule:
    """One rule of a pack. `rule_expression` is what must hold; unknown (null) passes.

    `builtin` rules have no expression: their findings are made in code. `fields` may hold patterns;
    `expanded` has their columns. `requires` is None for the default (`fields`).
    """

    code: str
    name: str
    severity: Severity
    category: str
    level: Level
    fields: tuple[str, ...]
    error_message: str
    suggestion: str
    rule_expression: str = ""
    when: str | None = None
    each: bool = False
    builtin: bool = False
    requires: tuple[str, ...] | None = None
    why: str = ""
    source: str = ""
    needs: tuple[str, ...] = ()
    cause: str | None = None
    valid_from: date | None = None
    valid_to: date | None = None
    passes: tuple[Example, ...] = field(default=(), repr=False)
    fails: tuple[Example, ...] = field(default=(), repr=False)
    file: str = ""
    line: int | None = None
    lines: Mapping[str, int] = field(default_factory=dict, repr=False, compare=False)

    def where(self, key: str = "rule_expression") -> Where:
        """Place of one of the rule's keys, for messages."""
        return Where(self.file, self.code, key, self.lines.get(key, self.line))

    @cached_property
    def expanded(self) -> tuple[str, ...]:
        """The fields, patterns replaced by the columns they stand for."""
        found = (_expanded(pattern) or (pattern,) for pattern in self.fields)
        return tuple(dict.fromkeys(name for names in found for name in names))

    @cached_property
    def holds(self) -> Expr | None:
        """The parsed `rule_expression`, None for a builtin rule."""
        if self.builtin:
            return None
        holds = parse(self.rule_expression, where=self.where())
        if self.each and not any(_reads_value(part) for part in (holds, self.guard) if part is not None):
            raise RuleError(
                f"{self.where('each')}: with each = true the expression is about `value`, which does not"
                " occur in it; write value for the column, or remove each"
            )
        return holds

    @cached_property
    def guard(self) -> Expr | None:
        """The parsed `when`, None without one."""
        return None if self.when is None else parse(self.when, where=self.where("when"))


def _reads_value(expr: Expr) -> bool:
    return any(isinstance(node, Name) and node.name == "value" for node in walk(expr.root))


@cache
def _expanded(pattern: str) -> tuple[str, ...]:
    return expand_pattern(pattern, BY_NAME)


@dataclass(frozen=True)
class Pack:
    """A file of rules."""

    name: str
    title: str
    rules: tuple[Rule, ...]
    file: str
    description: str = ""


def load_packs(
    paths: Iterable[Path | Traversable],
    *,
    facts: Collection[str] | None = None,
    cache: Path | None = None,
) -> tuple[Pack, ...]:
    """Read several packs; codes, rule names and pack names are unique across them.

    `cache` is a directory for packs as they were read (see `packcache`).
    """
    packs = tuple(_load(path, facts, cache) for path in paths)
    seen: dict[tuple[str, str], str] = {}
    for pack in packs:
        _refuse_twice(seen, "pack", pack.name, pack.file)
        for rule in pack.rules:
            _refuse_twice(seen, "rule", rule.code, f"{rule.file}, line {rule.line}")
            _refuse_twice(seen, "rule", rule.name, f"{rule.file}, line {rule.line}")
    return packs


def _load(path: Path | Traversable, facts: Collection[str] | None, cache: Path | None) -> Pack:
    if cache is None:
        return load_pack(path, facts=facts)
    from claimsctl.validate.packcache import load_pack_cached

    return load_pack_cached(path, cache, facts=facts)


def _refuse_twice(seen: dict[tuple[str, str], str], kind: str, name: str, place: str) -> None:
    if (kind, name) in seen:
        raise RuleError(
            f"{place}: the {kind} {name} exists already, in {seen[kind, name]}; give it another name"
        )
    seen[kind, name] = place


def load_pack(path: Path | Traversable, *, facts: Collection[str] | None = None) -> Pack:
    """Read one pack; RuleError names file, line, rule and key of the first mistake.

    Expressions are parsed when `Rule.holds` and `Rule.guard` are first read. `facts` are the names beside
    the canonical columns that messages and examples may use; by default those of `claimsctl.facts`.
    """
    shown = str(path)
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise RuleError(f"{shown}: not a text file in UTF-8 (byte {error.start})") from None
    except OSError as error:
        raise RuleError(f"{shown}: cannot be read: {error.strerror or error}") from None
    try:
        document = tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise _toml_error(shown, text, str(error)) from None
    return _Reader(shown, text, frozenset(fact_names() if facts is None else facts)).pack(document)


def fact_names() -> Collection[str]:
    """Names of the facts of `claimsctl.facts`."""
    from claimsctl.facts.table import FACT_TYPES

    return FACT_TYPES.keys()


def _toml_error(file: str, text: str, message: str) -> RuleError:
    found = re.search(r"\(at line (\d+), column (\d+)\)", message)
    problem = re.sub(r"\s*\(at .*\)$", "", message)
    problem = problem[:1].lower() + problem[1:]
    if found is None:
        return RuleError(f"{file}: not valid TOML: {problem}")
    line, column = int(found.group(1)), int(found.group(2))
    lines = text.splitlines()
    source = lines[line - 1].replace("\t", " ") if line <= len(lines) else ""
    caret = f"\n    {source[:100]}\n    {' ' * (column - 1)}^" if column <= 100 else ""
    return RuleError(f"{file}, line {line}, column {column}: not valid TOML: {problem}{caret}")


_REQUIRED: Final = ("code", "name", "severity", "error_message", "suggestion")
_TEXTS: Final = (
    "code", "name", "severity", "category", "level", "error_message", "suggestion", "rule_expression", "when",
    "why", "source", "cause",
)  # fmt: skip
_LISTS: Final = ("fields", "requires", "needs")
_FLAGS: Final = ("each", "builtin")
_DATES: Final = ("valid_from", "valid_to")
_EXAMPLES: Final = ("passes", "fails")
_KEYS: Final = (*_TEXTS, *_LISTS, *_FLAGS, *_DATES, *_EXAMPLES)


@dataclass
class _Reader:
    """Reads one document; `place` says where it is, for messages."""

    file: str
    text: str
    facts: frozenset[str]
    place: str = ""

    def fail(self, problem: str, hint: str | None = None) -> RuleError:
        advice = "" if hint is None else f"; {hint}"
        return RuleError(f"{self.place}: {problem}{advice}")

    def pack(self, document: dict[str, Any]) -> Pack:
        self.place = self.file
        self._known_keys(document, ("pack", "rule"), "a pack has [pack] and [[rule]] tables")
        head = document.get("pack")
        if not isinstance(head, dict):
            raise self.fail("the table [pack] is missing", 'begin with [pack] and name = "..."')
        self._known_keys(head, ("name", "title", "description"), "[pack] has name, title, description")
        for key in ("name", "title", "description"):
            if not isinstance(head.get(key, ""), str):
                raise self.fail(f"{key} of [pack] must be a text")
        name = head.get("name", "")
        if not _NAME.fullmatch(name):
            raise self.fail("name of [pack] must be a word such as patient or house_rules")
        tables = document.get("rule", [])
        if not isinstance(tables, list):
            raise self.fail("a rule begins with [[rule]], in double brackets")
        starts = [n for n, line in enumerate(self.text.splitlines(), 1) if _RULE_HEADER.match(line)]
        lines = starts if len(starts) == len(tables) else [None] * len(tables)
        rules = tuple(self.rule(table, line) for table, line in zip(tables, lines, strict=True))
        title = head.get("title") or name.replace("_", " ").capitalize()
        return Pack(name, title, rules, self.file, head.get("description", ""))

    def rule(self, table: dict[str, Any], line: int | None) -> Rule:
        code = table.get("code")
        self.place = self.file if line is None else f"{self.file}, line {line}"
        self.place += f", {code}" if isinstance(code, str) else ""
        self._known_keys(table, _KEYS, "docs/rule-language.md lists the keys of a rule")
        values = {key: self._value(key, value) for key, value in table.items()}
        for key in _REQUIRED:
            if not values.get(key):
                raise self.fail(f"{key} is missing")
        values.setdefault("category", "house")
        values.setdefault("level", "line")
        values.setdefault("fields", ())
        rule = Rule(**values, file=self.file, line=line, lines=self._lines(line))
        self._check(rule)
        return rule

    def _known_keys(self, table: Mapping[str, Any], keys: Sequence[str], otherwise: str) -> None:
        for key in table:
            if key not in keys:
                raise self.fail(f"unknown key '{key}'", did_you_mean(key, keys) or otherwise)

    def _value(self, key: str, value: Any) -> Any:
        if key in _TEXTS:
            if not isinstance(value, str):
                raise self.fail(f"{key} must be a text in quotes")
            return value.strip()
        if key in _LISTS:
            if not isinstance(value, list) or not all(isinstance(part, str) for part in value):
                raise self.fail(f"{key} must be a list of texts", f'write {key} = ["..."]')
            return tuple(value)
        if key in _FLAGS:
            if not isinstance(value, bool):
                raise self.fail(f"{key} must be true or false")
            return value
        if key in _DATES:
            if not isinstance(value, date) or isinstance(value, datetime):
                raise self.fail(f"{key} must be a date without quotes", f"write {key} = 2026-01-01")
            return value
        if not isinstance(value, list):
            raise self.fail(f"{key} must be a list of example rows", f'write {key} = [{{ units = "1" }}]')
        return tuple(self._example(key, part) for part in value)

    def _example(self, key: str, part: Any) -> Example:
        rows = part if isinstance(part, list) else [part]
        if not rows or not all(isinstance(row, dict) for row in rows):
            raise self.fail(
                f"an example of {key} is a row {{ ... }} or a list of rows", 'write { units = "1" }'
            )
        dates = {self._as_of(row["as_of"]) for row in rows if "as_of" in row}
        if len(dates) > 1:
            raise self.fail(f"the rows of an example of {key} have different as_of dates")
        cells = tuple(
            {name: self._cell(name, cell) for name, cell in row.items() if name != "as_of"} for row in rows
        )
        return Example(cells, next(iter(dates), None))

    def _as_of(self, value: Any) -> date:
        if isinstance(value, str):
            try:
                return date.fromisoformat(value)
            except ValueError:
                pass
        if not isinstance(value, date) or isinstance(value, datetime):
            raise self.fail("as_of of an example must be a date such as 2026-06-30")
        return value

    def _cell(self, name: str, value: Any) -> object:
        if name in self.facts:
            return value
        column = BY_NAME.get(name)
        if column is None:
            raise self.fail(f"unknown column or fact '{name}' in an example",
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
        raise self.fail(f"{name} in an example must be a text in quotes, as it stands in a file")

    def _lines(self, start: int | None) -> Mapping[str, int]:
        """Line of each key of the rule that begins at `start`."""
        if start is None:
            return {}
        found: dict[str, int] = {}
        for number, line in enumerate(self.text.splitlines()[start:], start + 1):
            if _RULE_HEADER.match(line):
                break
            key = re.match(r"\s*([a-z_]+)\s*=", line)
            if key is not None and key.group(1) in _KEYS:
                found.setdefault(key.group(1), number)
        return found

    def _check(self, rule: Rule) -> None:
        if not _CODE.fullmatch(rule.code):
            raise self.fail("code must look like PAT-008, or HOUSE-001 for a rule of your own")
        if not _NAME.fullmatch(rule.name):
            raise self.fail("name must be lower-case words joined by _, such as patient_age_in_range")
        self._one_of("severity", rule.severity, SEVERITIES)
        self._one_of("level", rule.level, LEVELS)
        if rule.builtin:
            if rule.rule_expression or rule.code.startswith("HOUSE-"):
                raise self.fail("builtin is only for rules of claimsctl without a rule_expression")
            return
        if not rule.rule_expression:
            raise self.fail("rule_expression is missing", "write what must hold, such as units > 0")
        if not rule.fields:
            raise self.fail("fields is missing", 'write the columns the rule is about: fields = ["units"]')
        for key in ("fields", "requires"):
            for pattern in cast(Sequence[str], getattr(rule, key) or ()):
                self._known_field(key, pattern)
        for key in ("error_message", "suggestion", "cause"):
            self._known_placeholders(key, getattr(rule, key) or "", rule)
        if rule.valid_from and rule.valid_to and rule.valid_from > rule.valid_to:
            raise self.fail("valid_from is after valid_to")

    def _one_of(self, key: str, value: str, allowed: Sequence[str]) -> None:
        if value not in allowed:
            hint = did_you_mean(value, allowed) or f"it is {', '.join(allowed[:-1])} or {allowed[-1]}"
            raise self.fail(f"unknown {key} '{value}'", hint)

    def _known_field(self, key: str, pattern: str) -> None:
        if pattern in BY_NAME or pattern in self.facts:
            return
        if "*" in pattern and _expanded(pattern):
            return
        hint = did_you_mean(pattern, [*BY_NAME, *self.facts])
        raise self.fail(f"{key} names an unknown column '{pattern}'", hint)

    def _known_placeholders(self, key: str, template: str, rule: Rule) -> None:
        if re.search(r"[{}]", _PLACEHOLDER.sub("", template)):
            raise self.fail(f"{key} has a single brace", "a placeholder is written {column}")
        for name in _PLACEHOLDER.findall(template):
            if name in BY_NAME or name in self.facts or (name in ("value", "column") and rule.fields):
                continue
            hint = did_you_mean(name, [*BY_NAME, *self.facts, "value", "column"])
            raise self.fail(f"{key} has an unknown placeholder {{{name}}}", hint)
