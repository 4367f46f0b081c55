"""What a condition needs of a line to be true, or to be false and not only unknown.

Only what is certain from its form counts, so that a rule may be left out where a part has none of it:
a comparison with a blank is unknown, `and` is true only where all its terms are.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

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

Named = Callable[[Node], str | None]
"""The boolean column that says what a condition is: that of a predicate, or of a fact."""


@dataclass(frozen=True)
class Needs:
    """Boolean columns that are true or false, and columns that are filled, on every line that will do."""

    true: frozenset[str] = frozenset()
    false: frozenset[str] = frozenset()
    filled: frozenset[str] = frozenset()

    def __or__(self, other: Needs) -> Needs:
        return Needs(self.true | other.true, self.false | other.false, self.filled | other.filled)

    def __and__(self, other: Needs) -> Needs:
        return Needs(self.true & other.true, self.false & other.false, self.filled & other.filled)


NOTHING = Needs()


def needs(node: Node, wanted: bool, named: Named) -> Needs:
    """What the condition needs to be as `wanted`."""
    name = named(node)
    if name is None:
        return _of_form(node, wanted, named)
    here = frozenset({name})
    # What stands inside it is no column by itself.
    return _of_form(node, wanted, lambda _node: None) | (Needs(true=here) if wanted else Needs(false=here))


def _of_form(node: Node, wanted: bool, named: Named) -> Needs:
    match node:
        case And(terms) | Or(terms):
            parts = [needs(term, wanted, named) for term in terms]
            every = isinstance(node, And) == wanted  # else one of the terms is enough
            whole = parts[0]
            for part in parts[1:]:
                whole = whole | part if every else whole & part
            return whole
        case Not(operand):
            return needs(operand, not wanted, named)
        case IsTruth(operand, value, negated):
            # "is true" is false of an unknown, so only one answer says anything.
            return NOTHING if wanted == negated else needs(operand, value, named)
        case IsNull(operand, negated):
            return _filled(operand) if wanted == negated else NOTHING
        case Comparison(operands) if len(operands) == 2:
            return _filled(operands[0]) | _filled(operands[1])
        case In(operand) | Like(operand) | Between(operand):
            return _filled(operand)
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
