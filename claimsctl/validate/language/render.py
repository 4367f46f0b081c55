"""A tree back to text: the canonical spelling."""

from __future__ import annotations

from claimsctl.validate.language.ast import (
    LEAVES,
    And,
    Arithmetic,
    Between,
    Call,
    Case,
    Comparison,
    Date,
    Duration,
    In,
    IsNull,
    IsTruth,
    Like,
    Minus,
    Name,
    Node,
    Not,
    Null,
    Number,
    Or,
    Pattern,
    Range,
    Several,
    Text,
    Time,
    Truth,
)

_OR, _AND, _NOT, _PREDICATE, _SUM, _PRODUCT, _UNARY, _ATOM = range(8)


def render(node: Node) -> str:
    """Canonical text of a tree: `parse(render(tree))` is the same tree."""
    return _at(node, _OR)


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def _at(node: Node, level: int) -> str:
    text, own = _text(node)
    return text if own >= level else f"({text})"


def _text(node: Node) -> tuple[str, int]:
    """The text and how tightly it binds."""
    if isinstance(node, LEAVES):
        return _leaf(node), _ATOM
    match node:
        case Or(terms):
            return " or ".join(_at(term, _AND) for term in terms), _OR
        case And(terms):
            return " and ".join(_at(term, _NOT) for term in terms), _AND
        case Not(operand):
            return f"not {_at(operand, _NOT)}", _NOT
        case Comparison(operands, operators):
            parts = [_at(operands[0], _SUM)]
            for operator, operand in zip(operators, operands[1:], strict=True):
                parts += [operator, _at(operand, _SUM)]
            return " ".join(parts), _PREDICATE
        case Between(operand, low, high, negated):
            return (
                f"{_at(operand, _SUM)} {_no(negated)}between {_at(low, _SUM)} and {_at(high, _SUM)}",
                _PREDICATE,
            )
        case In(operand, items, negated):
            listed = ", ".join(_text(i)[0] if isinstance(i, Range) else _at(i, _SUM) for i in items)
            return f"{_at(operand, _SUM)} {_no(negated)}in ({listed})", _PREDICATE
        case Range(low, high):
            return f"{_at(low, _SUM)}..{_at(high, _SUM)}", _PREDICATE
        case Like(operand, pattern, negated):
            return f"{_at(operand, _SUM)} {_no(negated)}like {_quoted(pattern)}", _PREDICATE
        case IsNull(operand, negated):
            return f"{_at(operand, _SUM)} is {_no(negated)}null", _PREDICATE
        case IsTruth(operand, value, negated):
            return f"{_at(operand, _SUM)} is {_no(negated)}{str(value).lower()}", _PREDICATE
        case Arithmetic(operator, left, right):
            level = _SUM if operator in "+-" else _PRODUCT
            return f"{_at(left, level)} {operator} {_at(right, level + 1)}", level
        case Minus(operand):
            return f"-{_at(operand, _UNARY)}", _UNARY
        case Case(branches, otherwise):
            parts = [f"when {_at(c, _OR)} then {_at(r, _OR)}" for c, r in branches]
            parts += [] if otherwise is None else [f"else {_at(otherwise, _OR)}"]
            return f"case {' '.join(parts)} end", _ATOM
        case Call(function, arguments):
            return f"{function}({', '.join(_at(a, _OR) for a in arguments)})", _ATOM
        case Several(items):
            return f"({', '.join(_at(item, _OR) for item in items)})", _ATOM
    raise AssertionError(node)


def _no(negated: bool) -> str:
    return "not " if negated else ""


def _leaf(node: Node) -> str:
    match node:
        case Name(name) | Pattern(name):
            return name
        case Text(text):
            return _quoted(text)
        case Number(number):
            return format(number, "f")
        case Date(date):
            return f"date '{date.isoformat()}'"
        case Time(time):
            return f"time '{time.isoformat()}'"
        case Duration(amount, unit):
            return f"{amount} {unit}"
        case Truth(truth):
            return "true" if truth else "false"
        case Null():
            return "null"
    raise AssertionError(node)
