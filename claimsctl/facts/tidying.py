"""What of a cell's text is not its value: spaces around it, and the ="…" of a spreadsheet's export."""

from __future__ import annotations

from typing import Final

import polars as pl

_T: Final = pl.col("t")
_QUOTED: Final = '="'
# ="01609" keeps a spreadsheet from taking the text for a number.
_TEXT_FORMULA: Final = r'^="([^"]*)"$'


def without_text_formula(text: pl.Expr) -> pl.Expr:
    """01609 from ="01609"; other texts as they are."""
    return pl.coalesce(text.str.extract(_TEXT_FORMULA, 1).str.strip_chars(), text)


def untidy(cell: pl.Expr, *, empty: bool) -> pl.Expr:
    """True where tidying may change a cell; `empty`: or where it is empty."""
    found = (cell < "!") & (cell != "") | cell.str.ends_with(" ") | cell.str.ends_with("\t")
    found = found | cell.str.starts_with("\u00a0") | cell.str.ends_with("\u00a0")
    found = found | cell.str.starts_with(_QUOTED)
    return found | (cell == "") if empty else found


def untidy_values(values: pl.Series, *, empty: bool) -> pl.Series:
    """`untidy` of each of few texts."""
    return values.to_frame("t").select(untidy(_T, empty=empty)).to_series()


def tidy(cells: pl.DataFrame) -> pl.DataFrame:
    """Columns of text with their values only; blank is null."""
    if not cells.width:
        return cells
    cells = cells.select(pl.all().str.strip_chars())
    quoted = _columns_where(cells, pl.all().str.starts_with(_QUOTED))
    if quoted:
        cells = cells.with_columns(without_text_formula(pl.col(name)) for name in quoted)
    return cells.select(blank_as_null(cells.columns))


def blank_as_null(names: list[str]) -> list[pl.Expr]:
    """Columns of text with null for empty cells."""
    return [pl.when(pl.col(name) != "").then(name).alias(name) for name in names]


def untidy_columns(cells: pl.DataFrame, *, empty: bool) -> list[str]:
    """The columns of many texts that have untidy ones."""
    return _columns_where(cells, untidy(pl.all(), empty=empty))


def _columns_where(cells: pl.DataFrame, condition: pl.Expr) -> list[str]:
    found = cells.select(condition.any()).row(0)
    return [name for name, some in zip(cells.columns, found, strict=True) if some]
