"""What a rule, an example of it and a pack of rules are."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from functools import cache, cached_property
from typing import Final, Literal

from claimsctl.claim import BY_NAME
from claimsctl.errors import RuleError
from claimsctl.validate.language.ast import Name, walk
from claimsctl.validate.language.parser import Expr, parse, with_names
from claimsctl.validate.language.types import Where, expand_pattern

Severity = Literal["error", "warning", "info"]
Level = Literal["line", "claim", "file"]

SEVERITIES: Final[tuple[Severity, ...]] = ("error", "warning", "info")
LEVELS: Final[tuple[Level, ...]] = ("line", "claim", "file")


@dataclass(frozen=True)
class Example:
    """Rows a rule is tried on: cells of canonical columns as text, facts as values.

    `as_of` is the run date, None for the default. A column that is not given is absent. `history` are
    lines of earlier runs, cells only.
    """

    rows: tuple[Mapping[str, object], ...]
    as_of: date | None = None
    history: tuple[Mapping[str, object], ...] = ()


@dataclass(frozen=True)
class Rule:
    """One rule of a pack. `rule_expression` is what must hold; unknown (null) passes.

    `builtin` rules have no expression: their findings are made in code. `fields` may hold patterns;
    `expanded` has their columns. `requires` is None for the default (`fields`). `show` names values that
    the texts of a finding quote and `when` and `rule_expression` may use, each by the expression that
    computes it. Without a table that it `needs`
    a rule does not run; what a table that it `uses` would say is unknown where that is not loaded.
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
    uses: tuple[str, ...] = ()
    cause: str | None = None
    show: Mapping[str, str] = field(default_factory=dict)
    valid_from: date | None = None
    valid_to: date | None = None
    passes: tuple[Example, ...] = field(default=(), repr=False)
    fails: tuple[Example, ...] = field(default=(), repr=False)
    file: str = ""
    line: int | None = None
    lines: Mapping[str, int] = field(default_factory=dict, repr=False, compare=False)

    def where(self, key: str = "rule_expression") -> Where:
        """Place of one of the rule's keys, for messages."""
        return Where(self.file, self.code, key, self.lines.get(key.partition(".")[0], self.line))

    @property
    def texts(self) -> tuple[str, ...]:
        """The texts of its expressions."""
        return tuple(text for text in (self.rule_expression, self.when, *self.show.values()) if text)

    @cached_property
    def expanded(self) -> tuple[str, ...]:
        """The fields, patterns replaced by the columns they stand for."""
        found = (expanded(pattern) or (pattern,) for pattern in self.fields)
        return tuple(dict.fromkeys(name for names in found for name in names))

    @cached_property
    def holds(self) -> Expr | None:
        """The parsed `rule_expression`, None for a builtin rule."""
        if self.builtin:
            return None
        holds = with_names(parse(self.rule_expression, where=self.where()), self.shown)
        if self.each and not any(_reads_value(part) for part in (holds, self.guard) if part is not None):
            raise RuleError(
                f"{self.where('each')}: with each = true the expression is about `value`, which does not"
                " occur in it; write value for the column, or remove each"
            )
        return holds

    @cached_property
    def guard(self) -> Expr | None:
        """The parsed `when`, None without one."""
        if self.when is None:
            return None
        return with_names(parse(self.when, where=self.where("when")), self.shown)

    @cached_property
    def shown(self) -> Mapping[str, Expr]:
        """The parsed expressions of `show`."""
        return {name: parse(text, where=self.where(f"show.{name}")) for name, text in self.show.items()}


def _reads_value(expr: Expr) -> bool:
    return any(isinstance(node, Name) and node.name == "value" for node in walk(expr.root))


@cache
def expanded(pattern: str) -> tuple[str, ...]:
    """The canonical columns that a pattern of fields stands for."""
    return expand_pattern(pattern, BY_NAME)


@dataclass(frozen=True)
class Pack:
    """A file of rules."""

    name: str
    title: str
    rules: tuple[Rule, ...]
    file: str
    description: str = ""
