"""Names replaced inside a tree: `it` and `value` by a column, and with it the columns in the same place."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable

from claimsctl.validate.language.ast import (
    And,
    Arithmetic,
    Between,
    Call,
    Case,
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
    Pattern,
    Range,
    Several,
    children,
)

OWN_IT = frozenset({"any_of", "all_of", "count_of", "any_part", "all_parts", "count_parts", "sum_parts"})
"""Functions whose condition has an `it` of its own, and columns beside it."""

_NUMBERED = re.compile(r"(.+_)([0-9]+)")


def replace_name(node: Node, name: str, by: str | Node) -> Node:
    """The tree with every `name` replaced by another name, positions kept, or by a node."""

    def change(part: Node) -> Node | None:
        if not isinstance(part, Name) or part.name != name:
            return None
        return dataclasses.replace(part, name=by) if isinstance(by, str) else by

    return rewritten(node, change)


def stand_in(node: Node, name: str, column: str) -> Node:
    """The tree with `name` (it, value) replaced by a column, `beside(poa_*)` by the column of that pattern
    with the same number, and `before(diagnosis_*)` by those with smaller numbers.

    They stay as they are where the column has no number. Conditions with an `it` of their own keep it.
    """
    numbered = _NUMBERED.fullmatch(column)

    def change(part: Node) -> Node | None:
        match part:
            case Name(found):
                return dataclasses.replace(part, name=column) if found == name else None
            case Call(function, (first, *others)) if function in OWN_IT:
                inside = others if name == "it" else [replace_name(each, name, column) for each in others]
                return dataclasses.replace(part, arguments=(rewritten(first, change), *inside))
            case Call("beside" | "before" as function, (Pattern(pattern),)) if numbered and pattern.endswith(
                "_*"
            ):
                stem, number = pattern[:-1], int(numbered[2])
                if function == "beside":
                    return Name(f"{stem}{number}", pos=part.pos)
                return Several(
                    tuple(Name(f"{stem}{n}", pos=part.pos) for n in range(1, number)), pos=part.pos
                )
            case _:
                return None

    return rewritten(node, change)


def rewritten(node: Node, change: Callable[[Node], Node | None]) -> Node:
    """The tree with each part replaced by what `change` gives for it; None looks further down.

    Parts in which nothing changed are not copied.
    """
    changed = change(node)
    if changed is not None:
        return changed
    before = children(node)
    if not before:
        return node
    after = tuple([rewritten(part, change) for part in before])
    if all(new is old for new, old in zip(after, before, strict=True)):
        return node
    return _with_children(node, after)


def _with_children(node: Node, parts: tuple[Node, ...]) -> Node:
    """The node above other parts, which stand in the order of `children`."""
    match node:
        case Not() | Minus() | Like() | IsNull() | IsTruth():
            return dataclasses.replace(node, operand=parts[0])
        case And() | Or():
            return dataclasses.replace(node, terms=parts)
        case Several():
            return dataclasses.replace(node, items=parts)
        case Comparison():
            return dataclasses.replace(node, operands=parts)
        case Between():
            return dataclasses.replace(node, operand=parts[0], low=parts[1], high=parts[2])
        case Range():
            return dataclasses.replace(node, low=parts[0], high=parts[1])
        case In():
            return dataclasses.replace(node, operand=parts[0], items=parts[1:])
        case Arithmetic():
            return dataclasses.replace(node, left=parts[0], right=parts[1])
        case Call():
            return dataclasses.replace(node, arguments=parts)
        case Case(branches, otherwise):
            last = None if otherwise is None else parts[-1]
            pairs = zip(parts[: 2 * len(branches) : 2], parts[1 : 2 * len(branches) : 2], strict=True)
            return dataclasses.replace(node, branches=tuple(pairs), otherwise=last)
        case _:
            return node
