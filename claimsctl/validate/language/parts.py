"""Functions over a list in one cell: parts divided by semicolons, several lists in equal order.

A cell is taken apart in a frame with a row per part; the condition is an expression on that frame. Only
rows that have a list are looked at, so a column that is mostly blank costs nearly nothing.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import polars as pl

from claimsctl.facts.values import read_amounts, read_dates
from claimsctl.validate.language.ast import Call, Name, Node
from claimsctl.validate.language.places import rewritten
from claimsctl.validate.language.types import LangType, Names, text_column
from claimsctl.validate.language.unknown import unknown_name
from claimsctl.validate.language.values import (
    COLUMN_DIGITS,
    SUM_DIGITS,
    WHOLE_DIGITS,
    Value,
    dtype_of,
    summable,
)

if TYPE_CHECKING:
    from claimsctl.validate.language.compiler import Compiler

_IT: Final = "it"
_ROW: Final = "part:row"
_PLACE: Final = "part:place"
_HELD: Final = "part:held"
_READERS: Mapping[LangType, Callable[[pl.Series], pl.Series]] = {
    LangType.DECIMAL: read_amounts,
    LangType.DATE: read_dates,
}


@dataclass(frozen=True)
class _Lists:
    """The cells taken apart: name of a part in the condition -> column it comes from; `it` is the first."""

    columns: Mapping[str, str]
    names: Names

    def parts(self, rows: pl.DataFrame) -> pl.DataFrame:
        """A row per filled part of the first list, with the parts of the others at the same place."""
        main, *others = self.columns.items()
        filled = rows.with_row_index(_ROW).filter(pl.col(main[1]).is_not_null())
        split = filled.with_columns(
            pl.col(column).str.split(";").alias(text_column(name)) for name, column in self.columns.items()
        )
        places = split.with_columns(pl.int_ranges(0, pl.col(text_column(main[0])).list.len()).alias(_PLACE))
        long = places.explode(text_column(main[0]), _PLACE, empty_as_null=False)
        long = long.with_columns(
            pl.col(text_column(name)).list.get(pl.col(_PLACE), null_on_oob=True) for name, _ in others
        )
        texts = long.with_columns(_filled(text_column(name)) for name in self.columns)
        texts = texts.filter(pl.col(text_column(main[0])).is_not_null())
        return texts.with_columns(self._typed(texts[text_column(name)], name) for name in self.columns)

    def _typed(self, text: pl.Series, name: str) -> pl.Series:
        reader = _READERS.get(self.names.types[name])
        if reader is not None:
            return reader(text).alias(name)
        column = self.columns[name]
        return (text.str.to_uppercase() if column in self.names.rewritten else text).alias(name)


def _filled(name: str) -> pl.Expr:
    text = pl.col(name).str.strip_chars()
    return pl.when(text != "").then(text).alias(name)


def _lists(compiler: Compiler, node: Call) -> tuple[_Lists, Node | None]:
    """The lists a call takes apart, and its condition with a name for each part beside `it`."""
    first = node.arguments[0]
    columns = {_IT: _column(compiler, first, node.function)}
    condition = node.arguments[1] if len(node.arguments) > 1 else None

    def beside(part: Node) -> Node | None:
        if not isinstance(part, Call) or part.function != "beside":
            return None
        if len(part.arguments) != 1 or not isinstance(part.arguments[0], Name):
            raise compiler.error("beside takes one column here", part, "write beside(value_amount)")
        column = _column(compiler, part.arguments[0], "beside")
        name = f"{_IT} of {column}"
        columns[name] = column
        return Name(name, pos=part.pos)

    condition = None if condition is None else rewritten(condition, beside)
    known = compiler.names
    kinds = {name: known.lists.get(column, LangType.TEXT) for name, column in columns.items()}
    names = Names(
        {**known.types, **kinds}, known.columns | kinds.keys(), known.rewritten | kinds.keys(), known.lists
    )
    return _Lists(columns, names), condition


def _column(compiler: Compiler, node: Node, function: str) -> str:
    if not isinstance(node, Name):
        raise compiler.error(f"{function} takes a column with a list here", node)
    kind = compiler.names.types.get(node.name)
    if kind is None:
        raise unknown_name(compiler, node)
    if kind is not LangType.TEXT:
        raise compiler.error(f"{node.name} is a {kind.word}, not a list parted by semicolons", node)
    return node.name


def _held(
    compiler: Compiler, node: Call, of: Callable[[Compiler, Node], Value] | None = None
) -> tuple[_Lists, Value | None, set[str]]:
    """The lists, the value of the second argument for a part, and the columns of the line it all reads."""
    lists, inner = _lists(compiler, node)
    read = set(lists.columns.values())
    value = None
    if inner is not None:
        inside = dataclasses.replace(
            compiler, names=lists.names, columns=set(), aggregates={}, predicates=None, texts={}
        )
        value = inside.boolean(inner) if of is None else of(inside, inner)
        if inside.aggregates:
            raise compiler.error("the parts of a cell cannot be compared with other lines", node.arguments[1])
        parts = {name for part in lists.columns for name in (part, text_column(part))}
        read |= inside.columns - parts
    compiler.columns |= read
    return lists, value, read


def _gathered(
    lists: _Lists,
    read: set[str],
    value: pl.Expr,
    result: pl.Expr,
    dtype: pl.DataType,
    otherwise: bool | int | None,
) -> pl.Expr:
    """`result` over the parts of each row, from `value` of each part; `otherwise` for a row without parts."""

    def gathered(cells: pl.Series) -> pl.Series:
        rows = cells.struct.unnest()
        parts = lists.parts(rows)
        if parts.is_empty():
            return pl.repeat(otherwise, len(cells), dtype=dtype, eager=True)
        found = parts.with_columns(value.alias(_HELD)).group_by(_ROW).agg(result.alias(_HELD))
        joined = rows.select(pl.int_range(pl.len(), dtype=pl.UInt32).alias(_ROW)).join(
            found.with_columns(pl.lit(True).alias("found")), on=_ROW, how="left", maintain_order="left"
        )
        return joined.select(
            pl.when("found").then(pl.col(_HELD).cast(dtype, strict=False)).otherwise(pl.lit(otherwise, dtype))
        ).to_series()

    cells = pl.struct([pl.col(name) for name in sorted(read)])
    return cells.map_batches(gathered, return_dtype=dtype, is_elementwise=True)


def _any_part(compiler: Compiler, node: Call) -> Value:
    lists, value, read = _held(compiler, node)
    assert value is not None
    found = _gathered(lists, read, value.expr, pl.col(_HELD).any(), pl.Boolean(), otherwise=False)
    return Value(found, LangType.BOOLEAN, node)


def _all_parts(compiler: Compiler, node: Call) -> Value:
    lists, value, read = _held(compiler, node)
    assert value is not None
    every = pl.col(_HELD).all(ignore_nulls=False)
    return Value(
        _gathered(lists, read, value.expr, every, pl.Boolean(), otherwise=True), LangType.BOOLEAN, node
    )


def _count_parts(compiler: Compiler, node: Call) -> Value:
    lists, value, read = _held(compiler, node)
    held = pl.lit(True) if value is None else value.expr
    counted = _gathered(lists, read, held, pl.col(_HELD).sum(), pl.Int64(), otherwise=0)
    return Value(counted, LangType.INTEGER, node, WHOLE_DIGITS)


def _distinct_parts(compiler: Compiler, node: Call) -> Value:
    lists, value, read = _held(compiler, node, lambda inside, part: inside.compile(part))
    if value is not None and value.type is not LangType.TEXT:
        raise compiler.error(f"distinct_parts counts texts, this is a {value.type.word}", value.node)
    text = (pl.col(text_column(_IT)) if value is None else value.expr).str.to_uppercase()
    different = pl.col(_HELD).drop_nulls().n_unique()
    counted = _gathered(lists, read, text, different, pl.Int64(), otherwise=0)
    return Value(counted, LangType.INTEGER, node, WHOLE_DIGITS)


def _sum_parts(compiler: Compiler, node: Call) -> Value:
    """The sum, unknown when a part that counts cannot be read."""
    lists, value, read = _held(compiler, node)
    first = node.arguments[0]
    if lists.names.types[_IT] is not LangType.DECIMAL:
        raise compiler.error("sum_parts takes a list of amounts", first)
    it = Value(pl.col(_IT), LangType.DECIMAL, first, COLUMN_DIGITS)
    counts = pl.lit(True) if value is None else value.expr.fill_null(False)
    amount = pl.when(counts).then(summable(it)).otherwise(pl.lit(0, dtype_of(LangType.DECIMAL)))
    total = pl.when(pl.col(_HELD).is_not_null().all()).then(pl.col(_HELD).sum())
    return Value(
        _gathered(lists, read, amount, total, dtype_of(LangType.DECIMAL), otherwise=None),
        LangType.DECIMAL, node, SUM_DIGITS,
    )  # fmt: skip


BUILDERS: Mapping[str, Callable[[Compiler, Call], Value]] = {
    "any_part": _any_part,
    "all_parts": _all_parts,
    "count_parts": _count_parts,
    "distinct_parts": _distinct_parts,
    "sum_parts": _sum_parts,
}
