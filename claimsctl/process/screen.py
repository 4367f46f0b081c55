"""Rows of an input that are no claim lines: headers of glued files, totals at the end."""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

from claimsctl.errors import InputError
from claimsctl.facts.typed import Layout, clean_text
from claimsctl.security.cells import SEALED

FOOTER_ROWS = 3
_LOOKED_AT = 100
_MARK = "\ufeff"
# A file glued to another one may begin with a byte order mark, behind which quotes are left standing.
_AROUND = f' \t\r\n\u00a0{_MARK}"'
_FOOTER = r"(?i)^(total|grand total|count|records|page|report)"


def refuse_encrypted(rows: pl.DataFrame, name: str) -> None:
    """InputError where the first rows of an input have encrypted cells, which would pass for a patient's."""
    sealed = rows.head(_LOOKED_AT).select(pl.col(pl.String).str.contains(SEALED).any())
    if sealed.width and any(sealed.row(0)):
        raise InputError(
            f"{name} has encrypted values.", hint=f"Decrypt it first: claimsctl crypt decrypt '{name}'"
        )


def repeated_headers(rows: pl.DataFrame, header: Sequence[str]) -> pl.Series:
    """True for rows that equal the header after trimming and case folding (catalogue FILE-007)."""
    nothing = pl.repeat(False, rows.height, eager=True)
    cells = [name for name in rows.columns if name.startswith("c")][: len(header)]
    if not cells or not rows.height:
        return nothing
    first = next((n for n, title in enumerate(header) if title.strip(_AROUND)), None)
    if first is None:
        return nothing
    titles = [title.strip(_AROUND).lower() for title in header]
    texts = rows[cells[first]]
    # Looking for the mark is cheaper than stripping it.
    candidates = (texts.str.strip_chars().str.to_lowercase() == titles[first]) | texts.str.starts_with(_MARK)
    if not candidates.any():
        return nothing
    same = [
        pl.col(cell).fill_null("").str.strip_chars(_AROUND).str.to_lowercase() == title
        for cell, title in zip(cells, titles, strict=False)
    ]
    return rows.select(pl.all_horizontal(same)).to_series().fill_null(False)


def footers(rows: pl.DataFrame, layout: Layout) -> pl.Series:
    """True for total and page lines; to be asked of the last FOOTER_ROWS of an input (FILE-008)."""
    text = clean_text(rows, layout, ("claim_number", "service_date_from"))
    if "service_date_from" not in text.columns or "claim_number" not in text.columns:
        return pl.repeat(False, rows.height, eager=True)
    number = pl.col("claim_number")
    footer = number.is_null() | number.str.contains(_FOOTER)
    return text.select((footer & pl.col("service_date_from").is_null()).alias("footer")).to_series()
