"""Trees as JSON values, so that parsed rules can be kept between runs."""

from __future__ import annotations

import datetime
from decimal import Decimal
from typing import Any, Final

from claimsctl.validate.language import ast
from claimsctl.validate.language.ast import Node

_CLASSES: Final[tuple[Any, ...]] = (
    ast.Text, ast.Number, ast.Date, ast.Time, ast.Duration, ast.Truth, ast.Null, ast.Name, ast.Pattern,
    ast.Not, ast.Minus, ast.And, ast.Or, ast.Comparison, ast.Between, ast.Range, ast.In, ast.Like,
    ast.IsNull, ast.IsTruth, ast.Case, ast.Arithmetic, ast.Call, ast.Several,
)  # fmt: skip
_TAGS: Final = {made: tag for tag, made in enumerate(_CLASSES)}


def dump(node: Node) -> list[Any]:
    """A node as `[tag, position, fields...]`; tuples, numbers, dates and times are marked lists."""
    return [
        _TAGS[type(node)],
        node.pos,
        *(_dumped(getattr(node, name)) for name in type(node).__match_args__),
    ]


def _dumped(value: Any) -> Any:
    match value:
        case tuple():
            return ["(", *map(_dumped, value)]
        case Decimal():
            return ["n", str(value)]
        case datetime.date():
            return ["d", value.isoformat()]
        case datetime.time():
            return ["t", value.isoformat()]
        case None | bool() | int() | str():
            return value
        case _:
            return dump(value)


def load(value: list[Any]) -> Node:
    """The node that was dumped; any exception means that it was not."""
    return _CLASSES[value[0]](*[_loaded(part) for part in value[2:]], pos=value[1])  # type: ignore[no-any-return]


def _loaded(value: Any) -> Any:
    if not isinstance(value, list):
        return value
    match value[0]:
        case "(":
            return tuple([_loaded(part) for part in value[1:]])
        case "n":
            return Decimal(value[1])
        case "d":
            return datetime.date.fromisoformat(value[1])
        case "t":
            return datetime.time.fromisoformat(value[1])
        case _:
            return load(value)
