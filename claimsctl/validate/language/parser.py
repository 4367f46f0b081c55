"""Text of a rule expression to its tree, and back.

The grammar is `grammar.lark`. Lark is imported and the grammar built at the first parse.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any, NoReturn, cast

from claimsctl.validate.language.actions import KEYWORDS, Actions, InvalidLiteral
from claimsctl.validate.language.ast import Name, Node, depth, walk
from claimsctl.validate.language.functions import FUNCTIONS
from claimsctl.validate.language.places import rewritten
from claimsctl.validate.language.types import ExpressionError, Where, did_you_mean

if TYPE_CHECKING:
    from lark import Lark

MAX_LENGTH = 20_000
"""Longest expression accepted, in characters."""
MAX_DEPTH = 60
"""Deepest nesting accepted, so that no later step can exhaust the stack."""


@dataclass(frozen=True, slots=True)
class Expr:
    """A parsed expression: its tree, and the text and place it came from (not part of equality)."""

    root: Node
    text: str = field(compare=False)
    where: Where = field(compare=False)

    def error(self, problem: str, node: Node, hint: str | None = None) -> ExpressionError:
        """An error that points at `node`."""
        return ExpressionError(problem, text=self.text, pos=node.pos, where=self.where, hint=hint)


def parse(text: str, *, where: Where) -> Expr:
    """Parse one expression; ExpressionError (a RuleError) when it is not in the language."""
    if len(text) > MAX_LENGTH:
        raise ExpressionError(
            f"the expression is longer than {MAX_LENGTH:,} characters", text="", pos=0, where=where,
            hint="move long lists of codes to a reference table",
        )  # fmt: skip
    if not text.strip():
        raise ExpressionError("the expression is empty", text="", pos=0, where=where)
    root = _KNOWN.get(text) or _tree(text, where)
    if depth(root) > MAX_DEPTH:
        _fail(f"the expression is nested more than {MAX_DEPTH} levels deep", text, root.pos, where)
    return Expr(root, text, where)


def with_names(expr: Expr, named: Mapping[str, Expr]) -> Expr:
    """The expression with each name of `named` replaced by what it stands for.

    ExpressionError when that nests too deep. A replaced part has the position of its name.
    """

    def change(part: Node) -> Node | None:
        if not isinstance(part, Name) or part.name not in named:
            return None
        return dataclasses.replace(named[part.name].root, pos=part.pos)

    if not any(isinstance(part, Name) and part.name in named for part in walk(expr.root)):
        return expr
    root = rewritten(expr.root, change)
    if depth(root) > MAX_DEPTH:
        problem = f"the expression and what its names stand for are nested more than {MAX_DEPTH} levels deep"
        _fail(problem, expr.text, expr.root.pos, expr.where)
    return dataclasses.replace(expr, root=root)


def _fail(problem: str, text: str, pos: int, where: Where, hint: str | None = None) -> NoReturn:
    raise ExpressionError(problem, text=text, pos=pos, where=where, hint=hint)


def _tree(text: str, where: Where) -> Node:
    from lark.exceptions import UnexpectedCharacters, UnexpectedInput, UnexpectedToken

    problem, pos, hint = "the expression cannot be read", 0, None
    try:
        return tree(text)
    except UnexpectedToken as error:
        problem, pos, hint = _explain(text, error.token.start_pos, str(error.token), error.token.type)
    except UnexpectedCharacters as error:
        problem, pos, hint = _explain(text, error.pos_in_stream, text[error.pos_in_stream or 0], "")
    except UnexpectedInput as error:  # pragma: no cover - LALR reports the end of the text as a token
        pos = error.pos_in_stream or 0
    except InvalidLiteral as error:
        problem, pos = error.problem, error.pos
    _fail(problem, text, pos, where, hint)


_KNOWN: dict[str, Node] = {}


def remember(trees: Mapping[str, Node]) -> None:
    """Trees of texts that were parsed in an earlier run, so that they need no parser."""
    _KNOWN.update(trees)


def tree(text: str) -> Node:
    """The tree of a text that parses; its errors are Lark's, use `parse` for any other text."""
    if text not in _KNOWN:
        _KNOWN[text] = cast(Node, _lark().parse(text))
    return _KNOWN[text]


_SLIPS: Sequence[tuple[str, str]] = (
    (r'"', "text stands in single quotes: 'A1'"),
    (r"==|!==|===", "equality is a single ="),
    (r"&&?", "write and"),
    (r"\|\|?", "write or"),
    (r"!", "write not, or <> for different"),
    (r"'", "a text that begins here has no closing quote; write '' for a quote inside a text"),
    (r"[\[\]{}]", "lists stand in round brackets: in ('A', 'B')"),
    (r"[;#]|--", "an expression is one condition, without comments or semicolons"),
    (r"[\u2018\u2019\u201c\u201d`\u00b4]", "text stands in straight single quotes: 'A1'"),
    (r"%", "there is no remainder operator"),
    (r"[\u2264\u2265\u2260]", "write <=, >= or <>"),
)


def _explain(text: str, pos: int | None, token: str, kind: str) -> tuple[str, int, str | None]:
    if pos is None or kind == "$END":
        return "the expression ends too early", len(text.rstrip()), None
    if text[pos : pos + 1] == "=" and text[pos - 1 : pos] == "=":
        return "unexpected ==", pos - 1, "equality is a single ="
    for slip, hint in _SLIPS:
        if re.match(slip, text[pos:]):
            return f"unexpected {_quoted(text[pos])}", pos, hint
    before = re.search(r"(\w+)\s*$", text[:pos])
    if before and before.group(1).lower() == "is":
        return f"unexpected {_quoted(token)}", pos, "after is comes [not] null, true or false"
    word = re.match(r"[A-Za-z_]\w*", text[pos:])
    if word and word.group().lower() not in KEYWORDS:
        return f"unexpected {_quoted(word.group())}", pos, _word_hint(text, pos, word.group())
    if kind in ("IS", "IN", "LIKE", "BETWEEN", "COMPARE") and text[:pos].rstrip()[-1:] not in "=<>+-*/":
        return f"unexpected {_quoted(token)}", pos, "put the part to compare in brackets"
    if before and before.group(1).lower() not in KEYWORDS and text[pos] == "(":
        return "unexpected '('", pos, did_you_mean(before.group(1), FUNCTIONS)
    return f"unexpected {_quoted(token)}", pos, None


def _word_hint(text: str, pos: int, word: str) -> str | None:
    before = re.search(r"(\w+)\s*$", text[:pos])
    near = did_you_mean(word, KEYWORDS)
    if near is not None:
        return near
    if (
        before
        and (hint := did_you_mean(before.group(1), KEYWORDS))
        and before.group(1).lower() not in KEYWORDS
    ):
        return f"{before.group(1)}: {hint}"
    return "an operator such as =, in, and is missing before it"


def _quoted(token: str) -> str:
    shown = token if len(token) <= 30 else token[:29] + "…"
    return f"'{shown}'" if shown.isprintable() and "'" not in shown else repr(shown)


@lru_cache(maxsize=1)
def _lark() -> Lark:
    from lark import Lark, Transformer

    grammar = files(__package__).joinpath("grammar.lark").read_text("utf-8")
    return Lark(
        grammar, start="start", parser="lalr", lexer="contextual", maybe_placeholders=True,
        transformer=cast("Transformer[Any, Node]", Actions()),
    )  # fmt: skip
