"""CSV records with fewer cells than the header: blanks left out at the end, or a delimiter lost before it.

A spreadsheet leaves out blank cells at the end of a row. A lost delimiter looks the same and moves every
cell behind it into its neighbour's column: names may stand where nothing is masked. What tells the two apart
are the columns whose cells must be dates, numbers or NPIs.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date
from typing import TYPE_CHECKING, Final

import polars as pl

from claimsctl.claim import BY_NAME
from claimsctl.facts.cells import readable
from claimsctl.facts.typed import Layout
from claimsctl.ingest.parts import MALFORMED_SCHEMA, ROW_NUMBER, RawPart

if TYPE_CHECKING:
    from claimsctl.process.intake import Input

TRUSTED: Final = "trusted"
_FOUND: Final = ("place", "lacking", TRUSTED, "misfits", "misfit", "glued")
_LEAST_MISFITS: Final = 2
"""One cell that does not fit its column is a mistake like any other."""
_LOST: Final = (1, 2, 3, 4)
"""Delimiters that a record is taken to have lost; blanks may be left out beside them."""


_PARTS_CELLS: Final = r"[;|\t,]"


def short_records(rows: pl.DataFrame, layout: Layout, header: Sequence[str], run_date: date) -> pl.DataFrame:
    """The records of a raw CSV part that lack cells (null, not empty), one row each.

    `place` in the part; `lacking`, how many cells; TRUSTED, the last raw column of which it is sure that it
    and those before it stand in their places, -1 for none; `misfits` and `misfit`, how many cells are not
    what their columns hold, and the first raw column of these; `glued`, 1 where the claim number holds what
    parts cells elsewhere. A column without a header does not count.
    """
    cells = [n for n in _cells(rows) if header[n].strip()]
    if not cells or not rows[f"c{cells[-1]}"].null_count():
        return pl.DataFrame(schema=dict.fromkeys(_FOUND, pl.Int64))
    places = rows[f"c{cells[-1]}"].is_null().arg_true()
    some = rows[places]
    lacking = some.select(pl.sum_horizontal(pl.col(f"c{n}").is_null() for n in cells).alias("lacking"))
    found = _judged(some, _anchors(layout), len(header), run_date, layout.columns.get("claim_number"))
    return found.with_columns(places.alias("place"), lacking.to_series()).select(_FOUND).cast(pl.Int64)


def in_their_places(cells: pl.Series, each: Input, run_date: date) -> pl.Series:
    """Of records as lists of cells the last raw column of which it is sure that it and those before it stand
    in their places, -1 for none: all of them where there are as many as the header has.

    Only dates and NPIs tell: a small number may as well be of the column beside it.
    """
    width, number = each.source.width, each.layout.columns.get("claim_number")
    telling = {n: name for n, name in _anchors(each.layout).items()
               if BY_NAME[name].cell_type == "date" or name.endswith("_npi")}  # fmt: skip
    rows = cells.to_frame("cells").with_columns(
        pl.col("cells").list.get(n, null_on_oob=True).alias(f"c{n}")
        for n in range(width)
        if n in telling or f"c{n}" == number
    )
    trusted = _judged(rows, telling, width, run_date, number)[TRUSTED]
    return trusted.zip_with((cells.list.len() != width).fill_null(True), pl.Series([width], dtype=pl.Int64))


def last_in_its_place(row: pl.DataFrame, columns: Mapping[str, str], run_date: date) -> int | None:
    """Of one raw row without nulls the last raw column of which it is sure that it and those before it stand
    in their places, -1 for none; None where all do.

    `columns` are the canonical columns of raw ones. A blank that ends a row may be a cell that it lacks.
    """
    cells = _cells(row)
    if not cells or row[f"c{cells[-1]}"].item():
        return None
    anchors = {n: columns[f"c{n}"] for n in cells if f"c{n}" in columns}
    number = next((f"c{n}" for n, name in anchors.items() if name == "claim_number"), None)
    return int(_judged(row, anchors, len(cells), run_date, number)[TRUSTED].item())


def _judged(
    rows: pl.DataFrame, anchors: Mapping[int, str], width: int, run_date: date, number: str | None
) -> pl.DataFrame:
    """TRUSTED, `misfits`, `misfit` and `glued` of raw rows, by the canonical columns that some raw ones are
    and the raw column of the claim `number`."""
    asked = {n: _fits(rows, n, name, run_date) for n, name in anchors.items()}
    fits = {n: fit for n, fit in asked.items() if fit is not None}
    frame = pl.DataFrame({"at": range(rows.height), **{str(n): fit for n, fit in fits.items()}})
    wrong = {n: (~pl.col(str(n))).fill_null(False) for n in fits}
    frame = frame.with_columns(
        pl.sum_horizontal([pl.lit(0), *wrong.values()]).alias("misfits"),
        pl.min_horizontal([pl.lit(None), *(pl.when(w).then(n) for n, w in wrong.items())]).alias("misfit"),
    )
    end = pl.col("misfit").fill_null(width)
    right = [pl.when(pl.col(str(n)) & (pl.lit(n) < end)).then(n) for n in fits]
    glued = rows[number].str.contains(_PARTS_CELLS).fill_null(False) if number in rows.columns else False
    trusted = pl.max_horizontal([pl.lit(-1), *right])
    return frame.with_columns(pl.lit(glued).alias("glued")).with_columns(
        pl.when("glued").then(-1).otherwise(trusted).alias(TRUSTED)
    )


def without_shifted(part: RawPart, each: Input, run_date: date) -> RawPart:
    """The part with short records that lost a delimiter among the malformed ones.

    Those are records of which two cells or more do not fit their columns, and far fewer would with a few
    lost delimiters put back, and those with cells glued to the claim number. The text of such a record has
    its quotes as CSV asks for them.
    """
    if each.source.format != "csv":
        return part
    found = short_records(part.rows, each.layout, each.source.header, run_date)
    found = found.filter((pl.col("misfits") >= _LEAST_MISFITS) | (pl.col("glued") == 1))
    if found.is_empty():
        return part
    found = found.filter((found["glued"] == 1) | _explained(part.rows, found, each.layout, run_date))
    if found.is_empty():
        return part
    bad = pl.Series("bad", [False]).new_from_index(0, part.rows.height).scatter(found["place"], True)
    malformed = pl.concat([part.malformed, _as_malformed(part.rows, found, each)])
    return replace(part, rows=part.rows.filter(~bad), malformed=malformed.sort(ROW_NUMBER))


def trusted_cells(rows: pl.DataFrame, each: Input, run_date: date) -> pl.Series | None:
    """Per row of a raw part (TRUSTED) the last raw column that surely stands in its place, null for records
    of full length; None where all are."""
    if each.source.format != "csv":
        return None
    found = short_records(rows, each.layout, each.source.header, run_date)
    if found.is_empty():
        return None
    nothing = pl.repeat(None, rows.height, dtype=pl.Int64, eager=True).alias(TRUSTED)
    return nothing.scatter(found["place"], found[TRUSTED])


def _cells(rows: pl.DataFrame) -> list[int]:
    return [int(name[1:]) for name in rows.columns if name[:1] == "c" and name[1:].isdecimal()]


def _anchors(layout: Layout) -> Mapping[int, str]:
    """Raw columns by number, with the canonical columns that they are."""
    numbered = {raw: name for name, raw in layout.columns.items() if raw[:1] == "c" and raw[1:].isdecimal()}
    return {int(raw[1:]): numbered[raw] for raw in sorted(numbered, key=lambda raw: int(raw[1:]))}


def _fits(rows: pl.DataFrame, cell: int, name: str, run_date: date) -> pl.Series | None:
    """Whether the cells of a raw column are what a canonical one holds; None where that may be anything."""
    if f"c{cell}" not in rows.columns:
        return None
    text = pl.col(f"c{cell}").str.strip_chars()
    texts = rows.select(pl.when(text != "").then(text).alias(name)).to_series()
    return readable(texts, BY_NAME[name], run_date)


def _explained(rows: pl.DataFrame, found: pl.DataFrame, layout: Layout, run_date: date) -> pl.Series:
    """Whether at most half as many cells would not fit, and some would, with some blank cells put in before
    the first that does not fit now."""
    explained = pl.repeat(False, found.height, eager=True)
    here = rows[found["place"]]
    for lost in _LOST:
        right = wrong = pl.repeat(0, found.height, dtype=pl.Int64, eager=True)
        for n, name in _anchors(layout).items():
            fit = _fits(here, n - lost, name, run_date)
            if fit is not None:
                behind = found["misfit"] + lost <= n
                right = right + (fit.fill_null(False) & behind).cast(pl.Int64)
                wrong = wrong + ((~fit).fill_null(False) & behind).cast(pl.Int64)
        explained |= (found["lacking"] >= lost) & (right > 0) & (wrong * 2 <= found["misfits"])
    return explained


def _as_malformed(rows: pl.DataFrame, found: pl.DataFrame, each: Input) -> pl.DataFrame:
    """The records with reason, text and the cells that stand in their places; no others, for messages quote
    a claim number. One that other records have is surely one."""
    some, numbers = rows[found["place"]], _cells(rows)
    quote, delimiter = '"', each.source.delimiter or ","
    texts, cells = [], []
    number = each.header_map.columns.get("claim_number")
    others = rows.filter(~pl.int_range(rows.height, eager=True).is_in(found["place"].implode()))
    for n in numbers:
        cell = pl.col(f"c{n}")
        quoted = pl.lit(quote) + cell.str.replace_all(quote, quote * 2, literal=True) + quote
        texts.append(pl.when(cell.str.contains(f'[\r\n"{delimiter}]')).then(quoted).otherwise(cell))
        sure = pl.lit(found[TRUSTED] >= n)
        if n == number:
            sure = sure | cell.is_in(others[f"c{n}"].implode())
        cells.append(pl.when(sure).then(cell))
    fields = pl.sum_horizontal(pl.col(f"c{n}").is_not_null() for n in numbers).cast(pl.String)
    first = (found["misfit"].fill_null(number or 0) + 1).cast(pl.String)
    return some.select(
        ROW_NUMBER,
        pl.concat_str(
            pl.lit("has "), fields, pl.lit(f" fields, the header has {each.source.width}, and from field "),
            pl.lit(first), pl.lit(" on they do not fit their columns"),
        ).alias("reason"),
        pl.concat_str(texts, separator=delimiter, ignore_nulls=True).alias("raw"),
        pl.concat_list(cells).alias("cells"),
    ).cast(MALFORMED_SCHEMA)  # fmt: skip
