"""What the code and the name of an ICD-10-CM diagnosis tell: its side, trimester, what it lacks."""

from __future__ import annotations

from typing import Final

import polars as pl

SCHEMA: Final[dict[str, pl.DataType]] = {
    "code": pl.String(),
    "billable": pl.Boolean(),
    "category": pl.String(),
    "chapter": pl.Int64(),
    "needs_seventh": pl.Boolean(),
    "side": pl.String(),
    "sided_sibling": pl.Boolean(),
    "trimester": pl.Int64(),
    "postpartum": pl.Boolean(),
}
"""code without dot; needs_seventh: only its 7th character is missing (X filled in where needed); side:
right, left or bilateral by its name; sided_sibling: names no side where another code names the right."""

NAMED: Final = ("side", "sided_sibling", "trimester", "postpartum")
"""The columns that only the name of a code tells."""


def described(frame: pl.DataFrame) -> pl.DataFrame:
    """The columns of SCHEMA from code, billable, category, chapter and title.

    The title is in lower case; where it is null, so is what a name tells.
    """
    title = pl.col("title")
    seventh = incomplete(frame).filter(pl.col("kind") == "seventh")["value"]
    return frame.with_columns(
        pl.col("code").is_in(seventh.implode()).alias("needs_seventh"),
        _side(frame["title"]),
        pl.when(title.is_not_null()).then(_sided_sibling(frame)).alias("sided_sibling"),
        title.str.contains(r"\b(?:puerper\w*|postpartum)\b").alias("postpartum"),
        title.str.extract(r"\b(first|second|third) trimester\b")
        .replace_strict({"first": 1, "second": 2, "third": 3}, default=None, return_dtype=pl.Int64)
        .alias("trimester"),
    ).select([pl.col(name).cast(dtype) for name, dtype in SCHEMA.items()])


def named_as(frame: pl.DataFrame, known: pl.DataFrame) -> pl.DataFrame:
    """Codes without names, with what the names of `known` (both with SCHEMA) tell of them.

    A code that `known` does not have is as the others with the same first six characters, when these agree:
    the seventh says the encounter or the fetus, never the side.
    """
    base = pl.col("code").str.head(6)
    full = pl.col("code").str.len_chars() == 7
    agree = [
        pl.when(pl.col(name).n_unique() == 1).then(pl.col(name).first()).alias(f"{name} of others")
        for name in NAMED
    ]
    others = known.filter(full).group_by(base.alias("base")).agg(agree)
    found = frame.drop(NAMED).join(known.select("code", *NAMED), on="code", how="left", maintain_order="left")
    found = found.with_columns(pl.when(full).then(base).alias("base"))
    found = found.join(others, on="base", how="left", maintain_order="left")
    is_known = pl.col("code").is_in(known["code"].implode())
    told = [pl.when(is_known).then(name).otherwise(f"{name} of others").alias(name) for name in NAMED]
    return found.with_columns(told).select(list(SCHEMA))


def _side(titles: pl.Series) -> pl.Expr:
    """The side a name gives, if the name exists for the other side too (so not `right heart failure`)."""
    known = titles.unique().implode()

    def only(here: str, there: str) -> pl.Expr:
        other = pl.col("title").str.replace_all(rf"\b{here}\b", there)
        return (
            pl.col("title").str.contains(rf"\b{here}\b")
            & ~pl.col("title").str.contains(rf"\b(?:{there}|bilateral)\b")
            & other.is_in(known)
        )

    return (
        pl.when(only("right", "left"))
        .then(pl.lit("right"))
        .when(only("left", "right"))
        .then(pl.lit("left"))
        .when(
            pl.col("title").str.contains(r"\bbilateral\b")
            & ~pl.col("title").str.contains(r"\b(?:right|left)\b")
        )
        .then(pl.lit("bilateral"))
        .alias("side")
    )


def _sided_sibling(frame: pl.DataFrame) -> pl.Expr:
    """True for a name with `unspecified` where the same category has the name with `right`."""
    full = pl.concat_str("category", pl.lit(" "), "title")
    known = frame.select(full).to_series().unique().implode()
    word = r"\bunspecified\b"
    sided = [full.str.replace(rf"^((?:.*?{word}){{{nth}}}.*?){word}", "${1}right") for nth in range(3)]
    return pl.any_horizontal((name != full) & name.is_in(known) for name in sided).alias("sided_sibling")


def incomplete(codes: pl.DataFrame) -> pl.DataFrame:
    """Values that lack one character of a valid code (rule DX-009); `codes` has code and billable.

    `kind` is seventh (only the 7th character is missing, X filled in where needed) or placeholder (an X
    is missing before the last character); `example` is the first valid code it may stand for.
    """
    code = pl.col("code")
    full = codes.filter(pl.col("billable") & (code.str.len_chars() == 7)).select("code")
    without_seventh = [
        full.filter(code.str.slice(6 - fillers, fillers) == "X" * fillers).select(
            code.str.slice(0, 6 - fillers).alias("value"),
            pl.lit("seventh").alias("kind"),
            code.alias("example"),
        )
        for fillers in range(4)
    ]
    without_filler = full.filter(code.str.slice(5, 1) == "X").select(
        pl.concat_str(code.str.slice(0, 5), code.str.slice(6, 1)).alias("value"),
        pl.lit("placeholder").alias("kind"),
        code.alias("example"),
    )
    headers = codes.filter(~pl.col("billable")).select(code.alias("value"))
    return (
        pl.concat([*without_seventh, without_filler.join(headers, on="value", how="anti")])
        .join(codes.filter("billable").select(code.alias("value")), on="value", how="anti")
        .unique("value", keep="first", maintain_order=True)
        .sort("value")
    )
