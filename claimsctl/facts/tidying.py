"""What of a cell's text is not its value: spaces around it, characters that nobody can see, and the ="…" of
a spreadsheet's export."""

from __future__ import annotations

from typing import Final

import polars as pl

_T: Final = pl.col("t")
# Soft hyphens, zero-width spaces, direction and byte order marks: they come with copied text and glued files.
UNSEEN: Final = r"[\x{AD}\x{200B}\x{200E}\x{200F}\x{202A}-\x{202E}\x{2060}-\x{2064}\x{2066}-\x{2069}\x{FEFF}]"
# Joiners have a meaning in some scripts and in emoji, but none after a plain letter, digit or space.
_JOINERS: Final = r"(^|[\x00-\x7F\s])[\x{200C}\x{200D}]+"
_SOME_UNSEEN: Final = f"{UNSEEN}|{_JOINERS}"
_UNTIDY_CHARACTERS: Final = rf"{_SOME_UNSEEN}|^\s|\s$"
_QUOTED: Final = '="'
# ="01609" keeps a spreadsheet from taking the text for a number.
_TEXT_FORMULA: Final = r'^="([^"]*)"$'


def without_unseen(text: pl.Expr, unseen: str = UNSEEN) -> pl.Expr:
    """Texts without the characters that nobody can see (a pattern) and joiners that join nothing."""
    return text.str.replace_all(unseen, "").str.replace_all(_JOINERS, "$1")


def without_text_formula(text: pl.Expr) -> pl.Expr:
    """01609 from ="01609"; other texts as they are."""
    return pl.coalesce(text.str.extract(_TEXT_FORMULA, 1).str.strip_chars(), text)


def untidy_values(values: pl.Series, *, empty: bool) -> pl.Series:
    """True where tidying may change one of few texts; `empty`: or where it is empty."""
    texts = values.to_frame("t")
    found = texts.select(_plainly_untidy(_T, empty=empty)).to_series()
    odd = texts.select(_not_ascii(_T)).to_series()
    return found | (odd & values.str.contains(_UNTIDY_CHARACTERS)) if odd.any() else found


def untidy_columns(cells: pl.DataFrame, *, empty: bool) -> list[str]:
    """The columns of many texts that have some which tidying may change."""
    odd = _some_contain(_UNTIDY_CHARACTERS)
    return _columns_where(cells, _plainly_untidy(pl.all(), empty=empty).any() | odd)


def _plainly_untidy(cell: pl.Expr, *, empty: bool) -> pl.Expr:
    """True where an ASCII cell is untidy."""
    found = (cell < "!") & (cell != "") | cell.str.ends_with(" ") | cell.str.ends_with("\t")
    found = found | cell.str.starts_with(_QUOTED)
    return found | (cell == "") if empty else found


def _some_contain(characters: str) -> pl.Expr:
    """Whether a column has some of the characters (a pattern), none of which is ASCII."""
    # Comparing lengths is far cheaper than searching, and few texts are not ASCII.
    return pl.all().filter(_not_ascii(pl.all())).str.contains(characters).any()


def _not_ascii(cell: pl.Expr) -> pl.Expr:
    return cell.str.len_bytes() != cell.str.len_chars()


def tidy(cells: pl.DataFrame) -> pl.DataFrame:
    """Columns of text with their values only; blank is null."""
    if not cells.width:
        return cells
    marked = _columns_where(cells, _some_contain(_SOME_UNSEEN))
    cells = cells.with_columns(without_unseen(pl.col(name)) for name in marked)
    cells = cells.select(pl.all().str.strip_chars())
    quoted = _columns_where(cells, pl.all().str.starts_with(_QUOTED).any())
    cells = cells.with_columns(without_text_formula(pl.col(name)) for name in quoted)
    return cells.select(blank_as_null(cells.columns))


def blank_as_null(names: list[str]) -> list[pl.Expr]:
    """Columns of text with null for empty cells."""
    return [pl.when(pl.col(name) != "").then(name).alias(name) for name in names]


def _columns_where(cells: pl.DataFrame, condition: pl.Expr) -> list[str]:
    return [name for name, some in zip(cells.columns, cells.select(condition).row(0), strict=True) if some]
