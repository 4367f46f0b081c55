"""Names that stand in one column: "Last, First M" or "First M Last", with Jr and the like or without."""

from __future__ import annotations

from typing import Final

import polars as pl

from claimsctl.claim import BY_NAME

_GENERATION: Final = "(?:jr|sr|iii?|iv)"
_TITLE: Final = r"(?:m\.?d)"
_SUFFIX: Final = rf"({_GENERATION}|{_TITLE})\.?"
_SOME_SUFFIX: Final = rf"(?i)[\s,]{_SUFFIX}\s*(?:,|$)"
# (shape, the name without what its second group holds). Md alone behind a last name, and behind a first
# name, is a first name.
_SHAPES: Final = tuple(
    (f"(?i)^{shape}$", bare)
    for shape, bare in (
        (rf"([^,]*[^,\s])[\s,]+{_SUFFIX}\s*,\s*([^,\s].*)", "$1, $3"),
        (rf"(.*\S)\s*,\s*({_GENERATION})\.?", "$1"),
        (rf"(.*\S[\s,]+[^\s,]+)\s*,\s*({_TITLE})\.?", "$1"),
        (rf"(.*[^\s,])\s+({_GENERATION})\.?", "$1"),
        (rf"([^\s,]+\s[^,]*[^\s,])\s+({_TITLE})\.?", "$1"),
    )
)


def split_columns(who: str) -> tuple[str, ...]:
    """The canonical columns that the full name of "patient" or "subscriber" fills."""
    names = (f"{who}_last_name", f"{who}_first_name", f"{who}_name_suffix")
    return tuple(name for name in names if name in BY_NAME)


def split_name(raw: pl.Expr, name: str) -> pl.Expr:
    """Last name, first name or suffix (by the ending of `name`) from full names; null where there is none."""
    if name.endswith("_name_suffix"):
        return raw.map_batches(_suffixes, return_dtype=pl.String, is_elementwise=True)
    bare = raw.map_batches(_without_suffixes, return_dtype=pl.String, is_elementwise=True).str.strip_chars()
    comma = bare.str.contains(",", literal=True)
    if name.endswith("_last_name"):
        in_front, behind = r"^([^,]*),", r"(\S+)$"
    else:
        in_front, behind = r"^[^,]*,\s*(.*)$", r"^(.*)\s\S+$"
    # What is left of a name after splitting may be blank or padded.
    part = pl.when(comma).then(bare.str.extract(in_front, 1)).otherwise(bare.str.extract(behind, 1))
    part = part.str.strip_chars()
    return pl.when(part != "").then(part)


def _suffixes(names: pl.Series) -> pl.Series:
    found = _split_suffixes(names)
    if found is None:
        return pl.Series(names.name, [None], dtype=pl.String).new_from_index(0, len(names))
    return found["suffix"].alias(names.name)


def _without_suffixes(names: pl.Series) -> pl.Series:
    found = _split_suffixes(names)
    return names if found is None else found["bare"].alias(names.name)


def _split_suffixes(names: pl.Series) -> pl.DataFrame | None:
    """Each name as `bare` and `suffix`; None where no name has one, as is usual."""
    some = names.str.contains(_SOME_SUFFIX).fill_null(False)
    if not some.any():
        return None
    name = pl.col("name")
    trimmed = name.str.strip_chars()
    shape = [(trimmed.str.contains(shape), shape, bare) for shape, bare in _SHAPES]
    bare, suffix = name, pl.lit(None, pl.String)
    for fits, pattern, left in reversed(shape):
        bare = pl.when(fits).then(trimmed.str.replace(pattern, left)).otherwise(bare)
        suffix = (
            pl.when(fits).then(trimmed.str.extract(pattern, 2).str.replace_all(r"\.", "")).otherwise(suffix)
        )
    known = (
        names.filter(some)
        .unique()
        .to_frame("name")
        .select("name", bare.alias("bare"), suffix.alias("suffix"))
    )
    joined = names.to_frame("name").join(known, on="name", how="left", maintain_order="left")
    return joined.select(pl.coalesce("bare", "name").alias("bare"), "suffix")
