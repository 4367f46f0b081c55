"""Names and functions that an expression cannot use: errors with the most helpful hint."""

from __future__ import annotations

from typing import TYPE_CHECKING

from claimsctl.validate.language.ast import Call, Name, Node, walk
from claimsctl.validate.language.functions import FUNCTIONS, GROUPS
from claimsctl.validate.language.types import ExpressionError, did_you_mean

if TYPE_CHECKING:
    from claimsctl.validate.language.compiler import Compiler


def unknown_name(compiler: Compiler, node: Name) -> ExpressionError:
    """The error for a name nobody knows."""
    if node.name == "it":
        return compiler.error("`it` has a meaning only inside any_of, all_of and count_of", node)
    if node.name == "value":
        return compiler.error("`value` has a meaning only in a rule with each = true", node)
    if node.name in FUNCTIONS:
        return compiler.error(f"{node.name} is a function", node, f"write {FUNCTIONS[node.name].signature}")
    if node.name in GROUPS:
        return compiler.error(
            f"{node.name} is a group of lines", node, f"use it as in count_in({node.name}, ...)"
        )
    hint = did_you_mean(node.name, compiler.names.types)
    return compiler.error(
        f"unknown name '{node.name}'", node, hint or "names are the canonical columns and the facts"
    )


def unknown_function(compiler: Compiler, node: Call) -> ExpressionError:
    """The error for a function nobody knows."""
    hint = did_you_mean(node.function, FUNCTIONS)
    if hint is None and node.function in compiler.names.types:
        hint = f"{node.function} is a column or fact: write it without brackets"
    return compiler.error(f"unknown function '{node.function}'", node, hint)


def require_stored(compiler: Compiler, column: str, node: Node) -> None:
    """Refuse a column or fact that nothing is known of on lines of earlier runs."""
    if compiler.names.stored is None or column in compiler.names.stored:
        return
    name = column.partition(":")[0]
    place = next((part for part in walk(node) if isinstance(part, Name) and part.name == name), node)
    if column != name and name in compiler.names.stored:
        raise compiler.error(f"of earlier runs {name} is kept as it was read, not as text", place,
                             "text, given and unreadable look at the file of this run")  # fmt: skip
    raise compiler.error(f"{name} is not known of lines of earlier runs", place,
                         "identifiers are sealed; same_patient stands for the patient")  # fmt: skip
