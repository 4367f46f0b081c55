"""What becomes of patients' data in files and tables for machines: one word of settings or an option.

`plain` as it is; `encrypt` each value sealed, for `claimsctl crypt decrypt`; `mask` as people see it, for
good; `drop` left out; `deidentify` as `security.deidentify` says. The middle three treat what names or
describes a person (`is_personal`); service dates and claim numbers stay: rows are worked with by them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, Literal, get_args

from claimsctl.claim import BY_NAME

if TYPE_CHECKING:
    import polars as pl

    from claimsctl.security.deidentify import Deidentifier
    from claimsctl.security.keys import Keys

Phi = Literal["plain", "encrypt", "mask", "drop", "deidentify"]
PHI_WAYS: Final[tuple[Phi, ...]] = get_args(Phi)

PERSONAL: Final = frozenset(
    "patient_dob patient_death_date subscriber_dob patient_city patient_zip pickup_zip".split()
)
"""Columns of class `quasi` that describe a person."""
UNMAPPED: Final = "x_"
"""How columns of an input begin that nobody mapped; they may hold anything."""
_ZIP_SHOWN: Final = 3


def is_personal(name: str) -> bool:
    """Whether a column names or describes a person, or may, being unmapped."""
    column = BY_NAME.get(name)
    if column is None:
        return name.startswith(UNMAPPED)
    return column.phi == "identifier" or name in PERSONAL


def masked(name: str, values: pl.Series) -> pl.Series:
    """A column as text, masked: as people see it (security.masking), of dates and ZIP codes the beginning."""
    import polars as pl

    from claimsctl.security.masking import MASKED, mask_expr

    text = pl.col("text")
    if values.dtype == pl.Date:
        shown = text.str.slice(0, 4) + "-**-**"
    elif name.endswith("_zip"):
        shown = text.str.slice(0, _ZIP_SHOWN) + "**"
    elif name in PERSONAL and not name.endswith("_dob"):
        shown = pl.lit(MASKED)
    else:
        shown = mask_expr(BY_NAME.get(name), text)
    texts = values.cast(pl.String).alias("text").to_frame()
    return texts.select(pl.when(text != "").then(shown).alias(values.name)).to_series()


@dataclass
class Treatment:
    """The policy for the rows of one file, given part by part in their order.

    `key_of` gives the keys of a practice; encrypted cells are bound to their place in the file and sealed
    with the keys of `practice`. `deidentifier` is needed for `deidentify`.
    """

    phi: Phi
    key_of: Callable[[str], Keys]
    practice: str = "default"
    deidentifier: Deidentifier | None = None
    _table: str = field(init=False, default="")
    _rows: int = field(init=False, default=0)

    def lines(
        self, frame: pl.DataFrame, patients: pl.Series | None = None, practices: pl.Series | None = None
    ) -> pl.DataFrame:
        """Canonical lines treated; `patients` and `practices` as `Deidentifier.lines` takes them."""
        import polars as pl

        if self.phi == "plain":
            return frame
        if self.phi == "deidentify":
            assert self.deidentifier is not None
            assert patients is not None
            if practices is None:
                practices = pl.repeat(self.practice, frame.height, dtype=pl.String, eager=True)
            return self.deidentifier.lines(frame, patients, practices)
        personal = [name for name in frame.columns if is_personal(name)]
        if self.phi == "drop":
            return frame.drop(personal)
        if self.phi == "mask":
            # Texts of other columns may hold an SSN by a wrong mapping.
            texts = [name for name in frame.columns if name in BY_NAME and frame.schema[name] == pl.String]
            return frame.with_columns(masked(name, frame[name]) for name in {*personal, *texts})
        return self.sealed(frame, personal)

    def sealed(self, frame: pl.DataFrame, names: Sequence[str]) -> pl.DataFrame:
        """The next rows of the file with these columns encrypted; blank texts are nothing."""
        import polars as pl

        from claimsctl.security.cells import Binding, new_table, seal_cells

        self._table = self._table or new_table()
        binding = Binding.by_place(self._table, self._rows, frame.height)
        self._rows += frame.height
        texts = [name for name in names if frame.schema[name] == pl.String]
        frame = frame.with_columns(pl.when(pl.col(name) != "").then(pl.col(name)) for name in texts)
        keys = self.key_of(self.practice)
        return frame.with_columns(seal_cells(frame[name], binding, keys) for name in names)

    def cells(self, frame: pl.DataFrame, meant: Mapping[str, str | None]) -> pl.DataFrame:
        """Cells as they were given, treated: `meant` names the canonical column of some of them, None of one
        that nobody mapped. Dropped ones are blank. Not for `deidentify`, which needs typed lines.
        """
        import polars as pl

        personal = {
            name: column or UNMAPPED
            for name, column in meant.items()
            if name in frame.columns and (column is None or is_personal(column))
        }
        match self.phi:
            case "mask":
                return frame.with_columns(
                    masked(column, frame[name]).alias(name) for name, column in personal.items()
                )
            case "drop":
                return frame.with_columns(pl.lit(None, pl.String).alias(name) for name in personal)
            case "encrypt":
                return self.sealed(frame, [*personal])
            case _:
                return frame

    def schema(self, schema: pl.Schema) -> pl.Schema:
        """Names and types that lines of a schema have afterwards."""
        import polars as pl

        nothing = pl.DataFrame(schema=schema)
        nobody = pl.Series(dtype=pl.String)
        rows, table = self._rows, self._table
        found = self.lines(nothing, nobody, nobody).schema
        self._rows, self._table = rows, table
        return found
