"""What changed between two sets of rule packs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import date
from typing import Final

from claimsctl.validate.pack import Example, Pack, Rule

KEYS: Final = tuple(
    each.name for each in fields(Rule) if each.name not in ("code", "file", "line", "lines", "builtin")
)
"""Keys of a rule that are compared; where it stands is not part of it."""


@dataclass(frozen=True)
class RuleChange:
    """A rule in both, with its keys that differ: key -> (old, new)."""

    rule: Rule
    keys: Mapping[str, tuple[object, object]]


@dataclass(frozen=True)
class RuleChanges:
    """Rules by code: only in the second, only in the first, different in the two."""

    added: tuple[Rule, ...]
    removed: tuple[Rule, ...]
    changed: tuple[RuleChange, ...]

    def __bool__(self) -> bool:
        return bool(self.added or self.removed or self.changed)


def compare_packs(before: Sequence[Pack], after: Sequence[Pack]) -> RuleChanges:
    """What changed, in order of codes. A rule that moved to another pack of the same set is the same rule."""
    old = {rule.code: rule for pack in before for rule in pack.rules}
    new = {rule.code: rule for pack in after for rule in pack.rules}
    changed = []
    for code in sorted(old.keys() & new.keys()):
        pairs = {key: (getattr(old[code], key), getattr(new[code], key)) for key in KEYS}
        keys = {key: (_plain(a), _plain(b)) for key, (a, b) in pairs.items() if a != b}
        if keys:
            changed.append(RuleChange(new[code], keys))
    return RuleChanges(
        tuple(new[code] for code in sorted(new.keys() - old.keys())),
        tuple(old[code] for code in sorted(old.keys() - new.keys())),
        tuple(changed),
    )


def _plain(value: object) -> object:
    """A value of a rule as JSON has it."""
    match value:
        case date():
            return value.isoformat()
        case tuple():
            return [_plain(each) for each in value]
        case Example():
            rows: list[object] = [dict(row) for row in value.rows]
            return rows if value.as_of is None else [*rows, {"as_of": value.as_of.isoformat()}]
        case _:
            return value
