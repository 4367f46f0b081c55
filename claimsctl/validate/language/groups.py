"""Which lines a function over groups looks at: those of the run, of earlier runs, or both; and how near."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Final, Literal

from claimsctl.validate.language.ast import Call, Minus, Name, Node, Number
from claimsctl.validate.language.functions import GROUPS
from claimsctl.validate.language.types import did_you_mean
from claimsctl.validate.language.unknown import require_stored, unknown_name

if TYPE_CHECKING:
    from claimsctl.validate.language.compiler import Compiler

Source = Literal["run", "history"]
"""Lines of this run, or accepted lines of earlier runs."""

SOURCES: Final[dict[str, tuple[Source, ...]]] = {
    "by": ("run",),
    "history": ("history",),
    "with_history": ("run", "history"),
}
"""The functions that make groups, and whose lines they gather."""

OVER_LINES: Final = frozenset(
    {"any_in", "any_other_in", "count_in", "sum_in", "distinct_in", "min_in", "max_in"}
    | {"overlapping_in", "at_once_in", "paired_in"}
)
"""The functions that look at a group of lines; a rule that names none of them has no aggregates."""

PATIENT: Final = "same_patient"
"""Earlier runs are read for the patients of the run, so that every group of them has this key."""
DAY: Final = "service_date_from"
_MOST_DAYS = 99_999


@dataclass(frozen=True)
class Scope:
    """Lines that share `keys` (sorted); `window`: their service date is that many days from the line's own,
    from the first to the second number, both included, negative is earlier.
    """

    keys: tuple[str, ...]
    sources: tuple[Source, ...] = ("run",)
    window: tuple[int, int] | None = None

    def node(self, source: Source) -> Call:
        """How the group of one source is written."""
        arguments: tuple[Node, ...] = tuple(Name(key) for key in self.keys)
        if self.window is not None:
            arguments += (Call("days", tuple(_number(day) for day in self.window)),)
        return Call("by" if source == "run" else source, arguments)


def scope_of(compiler: Compiler, node: Node) -> Scope:
    """The lines that a group names; errors point at what is wrong with it."""
    if isinstance(node, Call) and node.function in SOURCES:
        return _made(compiler, node)
    if isinstance(node, Name) and node.name in GROUPS:
        for key in GROUPS[node.name]:
            if key not in compiler.names.types:
                raise compiler.error(f"the group {node.name} needs {key}, which does not exist here", node)
        return Scope(tuple(sorted(GROUPS[node.name])))
    hint = f"groups are {', '.join(GROUPS)}, by(column, ...), history({PATIENT}, ...)"
    if isinstance(node, Name):
        if node.name in compiler.names.types:
            hint = f"write by({node.name})"
        else:
            hint = did_you_mean(node.name, [*GROUPS, *SOURCES]) or hint
    raise compiler.error("a group of lines is needed here", node, hint)


def group_of(compiler: Compiler, node: Node) -> tuple[str, ...]:
    """The columns that lines of the run share, for functions that look at no others; sorted."""
    scope = scope_of(compiler, node)
    if scope.sources != ("run",) or scope.window is not None:
        raise compiler.error("here stand lines of the run only, without days", node, "write by(column, ...)")
    return scope.keys


def _made(compiler: Compiler, node: Call) -> Scope:
    if not node.arguments:
        example = "by(claim_id, procedure_code)" if node.function == "by" else f"{node.function}({PATIENT})"
        raise compiler.error(f"{node.function} needs at least one column", node, f"write {example}")
    *columns, last = node.arguments
    window = _window(compiler, last) if isinstance(last, Call) and last.function == "days" else None
    keys = []
    for argument in node.arguments if window is None else columns:
        if not isinstance(argument, Name):
            hint = "days(from, to) stands last" if isinstance(argument, Call) else None
            raise compiler.error(f"{node.function} takes columns and facts only", argument, hint)
        if argument.name not in compiler.names.types:
            raise unknown_name(compiler, argument)
        if "history" in SOURCES[node.function] and argument.name != PATIENT:
            require_stored(compiler, argument.name, argument)
        keys.append(argument.name)
    if not keys:
        raise compiler.error(f"{node.function} needs at least one column beside days", node)
    if "history" in SOURCES[node.function] and PATIENT not in keys:
        problem = f"{node.function} needs {PATIENT}: of earlier runs only lines of the same patient are read"
        raise compiler.error(problem, node, f"write {node.function}({PATIENT}, {', '.join(keys)})")
    if window is not None and DAY not in compiler.names.types:
        raise compiler.error(f"days needs {DAY}, which does not exist here", last)
    return Scope(tuple(sorted(set(keys))), SOURCES[node.function], window)


def _window(compiler: Compiler, node: Call) -> tuple[int, int]:
    """`days(-29, 29)`."""
    found = [_whole(argument) for argument in node.arguments]
    if len(found) != 2 or None in found:
        raise compiler.error("days takes two whole numbers of days, the earlier one first", node,
                             "write days(-29, 29) for up to 29 days before and after this line")  # fmt: skip
    first, last = (day for day in found if day is not None)
    if first > last:
        raise compiler.error(
            "the first number of days is after the second", node, f"write days({last}, {first})"
        )
    return first, last


def _whole(node: Node) -> int | None:
    if isinstance(node, Minus):
        found = _whole(node.operand)
        return None if found is None or isinstance(node.operand, Minus) else -found
    whole = isinstance(node, Number) and node.value.as_tuple().exponent == 0
    return int(node.value) if whole and isinstance(node, Number) and node.value <= _MOST_DAYS else None


def _number(day: int) -> Node:
    number = Number(Decimal(abs(day)))
    return Minus(number) if day < 0 else number
