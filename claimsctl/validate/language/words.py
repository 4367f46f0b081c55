"""Values as the texts of findings show them."""

from __future__ import annotations

import polars as pl

from claimsctl.validate.language.compiler import Compiled
from claimsctl.validate.language.types import LangType


def as_words(value: Compiled) -> pl.Expr:
    """A value as text: 3, 120.50, 2026-01-31, 08:30, yes; null stays null."""
    text = value.expr.cast(pl.String)
    match value.type:
        case LangType.DECIMAL:
            exact = text.str.replace(r"(\.\d*?)0+$", "${1}").str.strip_suffix(".")
            return exact.str.replace(r"(\.\d)$", "${1}0")
        case LangType.TIME:
            return text.str.slice(0, 5)
        case LangType.BOOLEAN:
            return pl.when(value.expr).then(pl.lit("yes")).when(~value.expr).then(pl.lit("no"))
        case _:
            return text
