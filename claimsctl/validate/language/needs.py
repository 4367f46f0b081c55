"""What a condition needs of a line to be true, or to be false and not only unknown.

Only what is certain from its form counts, so that a rule may be left out where a part has none of it:
a comparison with a blank is unknown, `and` is true only where all its terms are.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from claimsctl.validate.language.ast import (
    And,
    Arithmetic,
    Between,
    Call,
    Comparison,
    In,
    IsNull,
    IsTruth,
    Like,
    Minus,
    Name,
    Node,
    Not,
    Or,
)
from claimsctl.validate.language.scalar import BLANK_OF_BLANK


@dataclass(frozen=True)
class Forms:
    """What is known of the nodes of a condition: `named` gives the boolean column that says what one is, that
    of a predicate or fact; `spelled`, by the id of a call, what one must hold of where the call is true."""

    named: Callable[[Node], str | None]
    spelled: Mapping[int, Node]


@dataclass(frozen=True)
class Needs:
    """Boolean columns that are true or false, and columns that are filled or blank, on every line that will
    do; of each group in `either`, one is so on such a line."""

    true: frozenset[str] = frozenset()
    false: frozenset[str] = frozenset()
    filled: frozenset[str] = frozenset()
    blank: frozenset[str] = frozenset()
    either: tuple[tuple[Needs, ...], ...] = ()

    def __or__(self, other: Needs) -> Needs:
        """Both are needed."""
        if self is NOTHING or other is NOTHING:
            return other if self is NOTHING else self
        return Needs(
            self.true | other.true,
            self.false | other.false,
            self.filled | other.filled,
            self.blank | other.blank,
            self.either + other.either,
        )

    @staticmethod
    def one_of(parts: Sequence[Needs]) -> Needs:
        """One of the parts is enough; what all of them need is needed in any case."""
        if any(part is NOTHING for part in parts):
            return NOTHING
        return Needs(
            frozenset.intersection(*(part.true for part in parts)),
            frozenset.intersection(*(part.false for part in parts)),
            frozenset.intersection(*(part.filled for part in parts)),
            frozenset.intersection(*(part.blank for part in parts)),
            (tuple(parts),),
        )

    @cached_property
    def conditions(self) -> frozenset[str]:
        """All boolean columns that it names."""
        inside = (part.conditions for parts in self.either for part in parts)
        return self.true.union(self.false, *inside)


NOTHING = Needs()


def needs(node: Node, wanted: bool, forms: Forms) -> Needs:
    """What the condition needs to be as `wanted`."""
    name = forms.named(node)
    if name is None:
        return _of_form(node, wanted, forms)
    here = frozenset({name})
    # What stands inside it is no column by itself.
    inside = Forms(lambda _node: None, {})
    return _of_form(node, wanted, inside) | (Needs(true=here) if wanted else Needs(false=here))


def _of_form(node: Node, wanted: bool, forms: Forms) -> Needs:
    match node:
        case And(terms) | Or(terms):
            parts = [needs(term, wanted, forms) for term in terms]
            if isinstance(node, And) != wanted:
                return Needs.one_of(parts)
            whole = parts[0]
            for part in parts[1:]:
                whole = whole | part
            return whole
        case Not(operand):
            return needs(operand, not wanted, forms)
        case IsTruth(operand, value, negated):
            # "is true" is false of an unknown, so only one answer says anything.
            return NOTHING if wanted == negated else needs(operand, value, forms)
        case IsNull(operand, negated):
            if wanted == negated:
                return _filled(operand)
            return Needs(blank=frozenset({operand.name})) if isinstance(operand, Name) else NOTHING
        case Comparison(operands) if len(operands) == 2:
            return _filled(operands[0]) | _filled(operands[1])
        case In(operand) | Like(operand) | Between(operand):
            return _filled(operand)
        case Call() if wanted and id(node) in forms.spelled:
            return needs(forms.spelled[id(node)], True, forms)
        case Name() | Call():
            return _filled(node)
        case _:
            return NOTHING


def _filled(node: Node) -> Needs:
    """What must be filled for a value to be there."""
    match node:
        case Name(name):
            return Needs(filled=frozenset({name}))
        case Minus(operand):
            return _filled(operand)
        case Arithmetic(_, left, right):
            return _filled(left) | _filled(right)
        case Call(function, arguments) if function in BLANK_OF_BLANK:
            whole = NOTHING
            for argument in arguments:
                whole = whole | _filled(argument)
            return whole
        case Call("known", (Name() as key, *_)):
            return _filled(key)
        case _:
            return NOTHING
