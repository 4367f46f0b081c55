"""From a raw text part to the canonical typed frame that facts and rules read."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from functools import partial

import polars as pl

from claimsctl.claim import BY_NAME, COLUMNS
from claimsctl.facts.cells import typed_columns, typed_text
from claimsctl.facts.coded import FEW_ROWS, Codebook, Coded, Coding, as_text, is_coded, spread
from claimsctl.facts.full_names import split_columns, split_name
from claimsctl.facts.tidying import blank_as_null, tidy, untidy_columns, untidy_values
from claimsctl.facts.values import MONEY

TEXT_SUFFIX = ":text"
"""`charge_amount:text` is the stripped original text of `charge_amount`; null = blank."""

DTYPES: Mapping[str, pl.DataType | type[pl.DataType]] = {
    "text": pl.String,
    "code": pl.String,
    "date": pl.Date,
    "time": pl.Time,
    "integer": pl.Int64,
    "decimal": MONEY,
    "money": MONEY,
}


@dataclass(frozen=True)
class Layout:
    """Where each canonical column comes from in the raw parts of one input.

    `columns` maps canonical names to raw columns (`c3`); `constants` fill columns the input lacks and
    cells that are blank; `full_names` maps "patient" and "subscriber" to raw columns that hold
    "Last, First" or "First Last" and are split; Jr and the like become `patient_name_suffix`.
    """

    columns: Mapping[str, str]
    constants: Mapping[str, str] = field(default_factory=dict)
    full_names: Mapping[str, str] = field(default_factory=dict)
    codebook: Codebook = field(default_factory=Codebook, compare=False, repr=False)

    def gives(self, name: str) -> bool:
        """Whether the input can have a value for the canonical column."""
        return name in self.columns or name in self.constants or self._whose(name) is not None

    def _whose(self, name: str) -> str | None:
        return next((who for who in self.full_names if name in split_columns(who)), None)

    def split_name(self, name: str) -> pl.Expr | None:
        """The column split from a full name, null where it is not one."""
        who = self._whose(name)
        if who is None or name in self.columns:
            return None
        return split_name(pl.col(self.full_names[who]).cast(pl.String), name).alias(name)


VERBATIM = "verbatim:"
"""`verbatim:c3` is the cell text of `c3` as it stands in the input, where cleaning changed it."""


def clean_cells(
    rows: pl.DataFrame, codebook: Codebook | None = None, *, keep_empty: bool = False
) -> pl.DataFrame:
    """A raw part with tidy cells and null for blank ones; done once, everything after reads this.

    Where tidying changed a column its cells as given are kept beside it (VERBATIM). `keep_empty`: an
    empty text is not the same as none in this input (JSON, Parquet), so it counts as a change.
    `codebook` has the coded columns of the part.
    """
    if not rows.height:
        return rows
    text = [name for name, kind in rows.schema.items() if kind == pl.String]
    if text:
        odd = _untidy_columns(rows.select(text), empty=keep_empty)
        given = [rows[name].alias(VERBATIM + name) for name in odd]
        plain = blank_as_null([name for name in text if name not in odd])
        rows = rows.with_columns(*plain, *tidy(rows.select(odd)).get_columns(), *given)
    if codebook is None:
        return rows
    coded = [series for series in rows.iter_columns() if is_coded(series)]
    changed, blanked = [], []
    for series in coded:
        coding = codebook.codings[series.name]
        odd_values = coding.derived("untidy", partial(untidy_values, empty=keep_empty))
        if odd_values.any() and odd_values.gather(series.to_physical()).any():
            changed.append(series)
        elif coding.derived("clean", _clean_values).null_count():
            # Only blank cells change: they lose their code, the others stay as they are.
            kept = coding.table("kept", coding.values, partial(_kept_codes, coding))
            blanked.append(spread(kept, series.name).cat.to(coding.dtype).alias(series.name))
    cleaned = []
    for series in changed:
        coding = codebook.codings[series.name]
        values = coding.derived("clean", _clean_values)
        cleaned.append(coding.encode(values.gather(series.to_physical())).alias(series.name))
        cleaned.append(series.alias(VERBATIM + series.name))
    return rows.with_columns(blanked).with_columns(cleaned)


def _untidy_columns(texts: pl.DataFrame, *, empty: bool) -> list[str]:
    # Looking is cheaper than tidying, and nearly all columns need none.
    if texts.height >= FEW_ROWS:
        return untidy_columns(texts, empty=empty)
    every = pl.concat([cells.alias("v") for cells in texts.iter_columns()])
    places = untidy_values(every, empty=empty).arg_true() // texts.height
    return [texts.columns[place] for place in places.unique(maintain_order=True)]


def _clean_values(values: pl.Series) -> pl.Series:
    return tidy(values.to_frame()).to_series()


def _kept_codes(coding: Coding) -> pl.Series:
    """Per code: itself, or null where its value is blank."""
    blank = coding.derived("clean", _clean_values).is_null()
    codes = pl.int_range(len(blank), dtype=pl.UInt32, eager=True)
    return pl.select(pl.when(~blank).then(codes)).to_series()


def verbatim_cells(rows: pl.DataFrame, *, blank: str | None) -> pl.DataFrame:
    """The cells of a cleaned part as they stand in the input; `blank` is what an empty cell reads."""
    kept = {name.removeprefix(VERBATIM) for name in rows.columns if name.startswith(VERBATIM)}
    rows = as_text(rows)
    return rows.select(
        [
            pl.col(VERBATIM + name if name in kept else name).fill_null(blank).alias(name)
            if dtype == pl.String and blank is not None
            else pl.col(VERBATIM + name if name in kept else name).alias(name)
            for name, dtype in rows.schema.items()
            if not name.startswith(VERBATIM)
        ]
    )


def clean_text(rows: pl.DataFrame, layout: Layout, names: Iterable[str]) -> pl.DataFrame:
    """Text of the named canonical columns of a cleaned part; null = blank. Absent ones are left out."""
    wanted = [name for name in names if layout.gives(name)]
    raw = [
        pl.col(layout.columns[name]).cast(pl.String).alias(name) for name in wanted if name in layout.columns
    ]
    raw += [split for name in wanted if (split := layout.split_name(name)) is not None]
    frame = rows.select(raw)
    constants = [
        (pl.col(name).fill_null(layout.constants[name]) if name in frame.columns
         else pl.lit(layout.constants[name], pl.String)).alias(name)
        for name in wanted
        if name in layout.constants
    ]  # fmt: skip
    if not constants:
        return frame
    if not frame.width:
        return rows.select(constants) if rows.height == 0 else pl.select(
            [pl.repeat(layout.constants[n], rows.height, dtype=pl.String).alias(n)
             for n in wanted if n in layout.constants]
        )  # fmt: skip
    return frame.with_columns(constants)


def typed_frame(rows: pl.DataFrame, layout: Layout, names: Iterable[str], *, run_date: date) -> pl.DataFrame:
    """The named canonical columns of a raw part, typed; `<name>:text` gives the stripped text.

    Columns the input lacks are null columns of their type. Order follows `names`. Codes are upper
    case, value aliases are applied (FEMALE -> F), diagnoses lose dots and spaces.
    """
    ordered = list(dict.fromkeys(names))
    base = list(dict.fromkeys(name.removesuffix(TEXT_SUFFIX) for name in ordered))
    coded = {name: found for name in base if (found := coded_column(rows, layout, name)) is not None}
    text = clean_text(rows, layout, [name for name in base if name not in coded])
    wanted = set(ordered)
    filled = [s for s in text.iter_columns() if s.name in wanted and s.null_count() < text.height]
    typed = typed_columns(filled, run_date)
    columns: list[pl.Series | pl.Expr] = []
    spreads: list[pl.Expr] = []
    for name in base:
        column = BY_NAME[name]
        if name in coded:
            raw = layout.columns[name]
            if name + TEXT_SUFFIX in wanted:
                spreads.append(spread(coded[name].texts, raw).alias(name + TEXT_SUFFIX))
            if name in wanted:
                spreads.append(spread(_typed_values(coded[name], run_date), raw).alias(name))
            continue
        if name not in text.columns or text[name].null_count() == text.height:
            columns += [
                pl.lit(None, DTYPES[column.cell_type] if n == name else pl.String).alias(n)
                for n in (name, name + TEXT_SUFFIX)
                if n in wanted
            ]
            continue
        if name + TEXT_SUFFIX in wanted:
            columns.append(text[name].alias(name + TEXT_SUFFIX))
        if name in wanted:
            columns.append(typed[name])
    index = pl.select(pl.int_range(rows.height, dtype=pl.UInt32).alias("__row"))
    columns += rows.select(spreads).get_columns()
    return index.select([*columns, pl.col("__row")]).select(ordered)  # keeps height when all are literals


def coded_column(rows: pl.DataFrame, layout: Layout, name: str) -> Coded | None:
    """The original text of a canonical column as codes; None where it is not coded."""
    raw = layout.columns.get(name)
    if raw is None or name in layout.constants or not is_coded(rows[raw]):
        return None
    coding = layout.codebook.codings[raw]
    return Coded(name, rows[raw], coding.values, coding)


def coded_text(rows: pl.DataFrame, layout: Layout, name: str, run_date: date) -> Coded | None:
    """A text column of the typed frame, or the `:text` of any, as codes; None where it is not coded."""
    coded = coded_column(rows, layout, name.removesuffix(TEXT_SUFFIX))
    if coded is None or name.endswith(TEXT_SUFFIX):
        return coded
    return replace(coded, texts=_typed_values(coded, run_date))


def _typed_values(coded: Coded, run_date: date) -> pl.Series:
    column = BY_NAME[coded.name]
    return coded.coding.derived(
        (column.name, run_date), lambda values: typed_text(values.alias(column.name), column, run_date)
    )


CANONICAL = tuple(column.name for column in COLUMNS)
