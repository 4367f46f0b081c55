"""Arguments of functions: what must be written out, and of which kind the others are."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import TYPE_CHECKING

import polars as pl

from claimsctl.validate.language.ast import Name, Node, Number, Pattern, Text
from claimsctl.validate.language.functions import Function, Parameter
from claimsctl.validate.language.types import LangType
from claimsctl.validate.language.values import Value, dtype_of

if TYPE_CHECKING:
    from claimsctl.validate.language.compiler import Compiler

_KINDS: Mapping[str, LangType] = {
    "text": LangType.TEXT,
    "number": LangType.INTEGER,
    "date": LangType.DATE,
    "time": LangType.TIME,
}


def check_literal(compiler: Compiler, node: Node, parameter: Parameter, function: Function) -> None:
    """Refuse an argument that must be written out and is not: a text, a count, a pattern."""
    if parameter.kind == "'text'" and not isinstance(node, Text):
        raise compiler.error(f"{parameter.name} of {function.name} must be a text in single quotes", node)
    if parameter.kind == "count":
        whole = isinstance(node, Number) and node.value.as_tuple().exponent == 0
        if not whole or not isinstance(node, Number) or node.value > 10_000:
            raise compiler.error(
                f"{parameter.name} of {function.name} must be a whole number such as 2", node
            )
    if isinstance(node, Pattern) and parameter.kind not in ("pattern", "values"):
        compiler.compile(node)


def argument_of(compiler: Compiler, node: Node, parameter: Parameter, function: Function) -> Value:
    """The argument as an expression of the kind that the parameter wants."""
    if parameter.kind == "boolean":
        return compiler.boolean(node)
    value = compiler.compile(node)
    if value.type is LangType.UNKNOWN:
        return dataclasses.replace(
            value, expr=pl.lit(None, dtype=dtype_of(_KINDS.get(parameter.kind, value.type)))
        )
    wanted = parameter.kind.strip("'")
    if wanted in ("any", "count"):
        return value
    if value.type is LangType.NULL or value.type.word != wanted:
        hint = None
        if wanted == "text" and isinstance(node, Name) and node.name in compiler.names.columns:
            hint = f"text({node.name}) is the value as it stands in the file"
        if wanted == "text" and isinstance(node, Number):
            hint = f"write '{node.value}'"
        if wanted == "number" and value.type is LangType.TEXT:
            hint = "write number(...) around it"
        raise compiler.error(
            f"{parameter.name} of {function.name} must be a {wanted}, this is {_a(value.type)}",
            node,
            hint,
        )
    return value


def _a(kind: LangType) -> str:
    return "null" if kind is LangType.NULL else f"a {kind.word}"


def counted(function: Function) -> str:
    """How many arguments a function takes, in words."""
    least, most = function.least, function.most
    if most is None:
        return f"at least {least} argument{'s' * (least != 1)}"
    return f"{least} argument{'s' * (least != 1)}" if least == most else f"{least} to {most} arguments"
