"""How a cell is rewritten: one function per repair, from texts to texts, null where a text is left alone.

Every function is pure and looks at one text at a time, so it is asked only for the distinct texts of a
column. `""` from a proposal means that nothing can be offered: the cell has to be typed again.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Final

import polars as pl

from claimsctl.facts import tidying
from claimsctl.facts.values import amount_parts, read_amounts

Change = Callable[[pl.Series], pl.Series]

_T: Final = pl.col("t")
_COMPACT: Final = _T.str.replace_all(" ", "", literal=True).str.replace(r"\.$", "")
_INVISIBLE: Final = rf"[\x01-\x08\x0E-\x1F\x7F]|{tidying.UNSEEN}"
_ODD_SPACES: Final = r"[\x{A0}\x{1680}\x{2000}-\x{200A}\x{202F}\x{205F}\x{3000}]"
_SCIENTIFIC: Final = r"^([1-9])(?:\.([0-9]+))?[Ee]\+?([0-9]{1,2})$"
# 12E4 is a code as well; a plus or a decimal point is what only a number has.
_SURELY_SCIENTIFIC: Final = r"^[1-9](\.[0-9]+[Ee]\+?|[Ee]\+)[0-9]{1,2}$"
_SHOWN_WHOLE: Final = 5
"""Up to this exponent a spreadsheet shows every digit of a whole number."""
_FIXED_DECIMALS: Final = 2
"""The Scientific format of a spreadsheet always shows so many decimals, whatever the number is."""
_ICD10: Final = r"^[A-Za-z][0-9][0-9A-Za-z](\.?[0-9A-Za-z]{1,4})?$"
_PROCEDURE: Final = r"^[0-9A-Za-z][0-9]{3}[0-9A-Za-z]$"
_MBI: Final = (
    r"^[1-9][AC-HJKMNP-RT-Y][0-9AC-HJKMNP-RT-Y][0-9][AC-HJKMNP-RT-Y][0-9AC-HJKMNP-RT-Y][0-9]"
    r"[AC-HJKMNP-RT-Y]{2}[0-9]{2}$"
)


def rewritten(text: pl.Series, after: pl.Expr, where: pl.Expr) -> pl.Series:
    """`after` of each text (column "t") where the condition holds, else null."""
    return text.to_frame("t").select(pl.when(where).then(after)).to_series().alias("after")


def without_invisible(text: pl.Series) -> pl.Series:
    """Texts without zero-width, direction and control characters, and the spaces these hid at the ends."""
    visible = tidying.without_unseen(_T, _INVISIBLE)
    return rewritten(text, visible.str.strip_chars(), visible != _T)


def without_stray_spaces(text: pl.Series) -> pl.Series:
    """Texts without spaces around them, with plain spaces inside; blank cells are left alone."""
    trimmed = _T.str.replace_all(_ODD_SPACES, " ").str.strip_chars()
    return rewritten(text, trimmed, (trimmed != _T) & (trimmed != ""))


def without_spaces_around(text: pl.Series) -> pl.Series:
    """As `without_stray_spaces`, at the ends only: inside a number an odd space parts thousands, a plain one
    two numbers."""
    trimmed = _T.str.strip_chars()
    return rewritten(text, trimmed, (trimmed != _T) & (trimmed != ""))


def with_single_spaces(text: pl.Series) -> pl.Series:
    """As `without_stray_spaces`, and one space between words (names, addresses)."""
    spaced = _T.str.replace_all(_ODD_SPACES, " ").str.strip_chars().str.replace_all(r"[ \t]+", " ")
    return rewritten(text, spaced, (spaced != _T) & (spaced != ""))


def without_text_formula(text: pl.Series) -> pl.Series:
    """01609 from ="01609"."""
    bare = tidying.without_text_formula(_T)
    return rewritten(text, bare, bare != _T)


def without_text_marks(text: pl.Series) -> pl.Series:
    """Texts without the mark that makes a spreadsheet keep them as text: '01609."""
    bare = _T.str.replace(r"^'['\s]*", "").str.strip_chars()
    return rewritten(text, bare, _T.str.starts_with("'") & (bare != ""))


def from_scientific(text: pl.Series) -> pl.Series:
    """Whole numbers from scientific notation in which every digit is still there."""
    frame = _parts(text)
    fraction = frame["all"].str.slice(frame["exponent"] + 1)
    whole = frame["all"].str.slice(0, frame["exponent"] + 1)
    return frame.select(
        pl.when(_nothing_lost() & (fraction.str.strip_chars("0") == "")).then(whole)
    ).to_series()


def amount_from_scientific(text: pl.Series) -> pl.Series:
    """Amounts from scientific notation in which every digit is still there; the amount is the same."""
    frame = _parts(text).with_columns(
        pl.col("all").str.slice(0, pl.col("exponent") + 1).alias("whole"),
        pl.col("all").str.slice(pl.col("exponent") + 1).alias("fraction"),
    )
    plain = (
        pl.when(pl.col("fraction") == "")
        .then("whole")
        .otherwise(pl.concat_str("whole", pl.lit("."), "fraction"))
    )
    return _same_amount(text, frame.select(pl.when(_nothing_lost()).then(plain)).to_series())


def lost_in_scientific(text: pl.Series) -> pl.Series:
    """ "" where scientific notation has lost digits, so that the number must be typed again."""
    lost = text.str.contains(_SURELY_SCIENTIFIC) & from_scientific(text).is_null()
    return rewritten(text, pl.lit(""), pl.lit(lost))


def _parts(text: pl.Series) -> pl.DataFrame:
    """Digits, number of decimals and exponent of scientific notation; "all" has zeros up to the exponent."""
    groups = _T.str.extract_groups(_SCIENTIFIC).struct
    surely = text.str.contains(_SURELY_SCIENTIFIC)
    return (
        text.to_frame("t")
        .select(
            pl.when(pl.lit(surely)).then(groups.field("1")).alias("first"),
            groups.field("2").fill_null("").alias("more"),
            groups.field("3").cast(pl.Int64).alias("exponent"),
        )
        .with_columns(
            pl.col("more").str.len_bytes().alias("decimals"),
            (pl.col("first") + pl.col("more")).str.pad_end(pl.col("exponent") + 1, "0").alias("all"),
        )
    )


def _nothing_lost() -> pl.Expr:
    decimals, exponent = pl.col("decimals"), pl.col("exponent")
    return (decimals >= exponent) | ((exponent <= _SHOWN_WHOLE) & (decimals != _FIXED_DECIMALS))


def without_point_zero(text: pl.Series) -> pl.Series:
    """Whole numbers without the .0 of a number column; longer ones than a spreadsheet keeps are left."""
    return rewritten(text, _T.str.extract(r"^([0-9]{1,15})\.0+$", 1), pl.lit(True))


def plain_amount(text: pl.Series) -> pl.Series:
    """Amounts without $ and separators, (12.00) and 12.00- as -12.00; the value stays to the last digit."""
    negative, digits = amount_parts(_T)
    after = pl.when(negative).then("-" + digits).otherwise(digits)
    return _same_amount(text, rewritten(text, after, _T.str.contains(r"[$,()\s]|USD|-$")))


def _same_amount(before: pl.Series, after: pl.Series) -> pl.Series:
    """`after` only where both read as the same amount: a repair never moves money."""
    pairs = pl.DataFrame({"t": after, "old": read_amounts(before), "new": read_amounts(after)})
    return pairs.select(pl.when(pl.col("old") == pl.col("new")).then("t")).to_series().alias("after")


def where_shaped(shape: str, after: pl.Expr) -> Change:
    """`after` of the texts (column "t") of a shape."""

    def change(text: pl.Series) -> pl.Series:
        return rewritten(text, after, _T.str.contains(shape))

    return change


# ZIP codes of 4 or 4+4 digits lost one zero, of 3 or 3+4 digits two.
zip_with_zero: Final = where_shaped("^([0-9]{4}|[0-9]{8}|[0-9]{4}-[0-9]{4})$", "0" + _T)
zip_with_two_zeros: Final = where_shaped("^([0-9]{3}|[0-9]{7}|[0-9]{3}-[0-9]{4})$", "00" + _T)
zip_without_hyphen: Final = where_shaped("^[0-9]{5}-$", _T.str.head(5))
two_digit_place: Final = where_shaped("^[1-9]$", "0" + _T)
tax_id_with_zero: Final = where_shaped("^[0-9]{8}$", "0" + _T)
# Too short and without hyphens: nobody can tell where the zero belongs.
ndc_without_hyphens: Final = where_shaped("^[0-9]{8,10}$", pl.lit(""))


def ndc_of_eleven(text: pl.Series) -> pl.Series:
    """Drug codes of 11 digits; hyphens show which segment lacks its zero."""
    hyphens = "^([0-9]{4}-[0-9]{4}-[0-9]{2}|[0-9]{5}-([0-9]{3}-[0-9]{2}|[0-9]{4}-[0-9]{1,2}))$"
    segments = _T.str.split("-").list
    eleven = (
        segments.get(0, null_on_oob=True).str.zfill(5)
        + segments.get(1, null_on_oob=True).str.zfill(4)
        + segments.get(2, null_on_oob=True).str.zfill(2)
    )
    return rewritten(text, eleven, _T.str.contains(hyphens))


def payer_with_zeros(known: Collection[str], words: Collection[str]) -> Change:
    """Payer ids of five characters, where those are in the registry and the short one means no payer."""
    ids = pl.Series(sorted(known), dtype=pl.String).implode()
    taken = pl.Series(sorted({*known, *words}), dtype=pl.String).implode()

    def change(text: pl.Series) -> pl.Series:
        padded = _T.str.zfill(5)
        short = _T.str.contains("^[0-9A-Za-z]{1,4}$") & ~_T.str.to_uppercase().is_in(taken)
        return rewritten(text, padded, short & padded.str.to_uppercase().is_in(ids))

    return change


def _hyphened(nine: pl.Expr) -> pl.Expr:
    return nine.str.replace("^(.{3})(.{2})(.{4})$", "${1}-${2}-${3}")


ssn_with_hyphens: Final = where_shaped(
    r"^([0-9]{9}|[0-9]{3}[ .][0-9]{2}[ .][0-9]{4})$", _hyphened(_T.str.replace_all("[ .]", ""))
)
ssn_with_zero: Final = where_shaped("^[0-9]{8}$", _hyphened("0" + _T))


def ten_digit_phone(text: pl.Series) -> pl.Series:
    """US phone numbers as ten digits, without punctuation and country code; extensions are left alone."""
    digits = _T.str.replace_all("[^0-9]", "")
    phone = _T.str.contains(r"^[0-9 ()./+-]+$") & digits.str.contains("^1?[2-9][0-9]{9}$")
    return rewritten(text, digits.str.tail(10), phone)


def plain_mbi(text: pl.Series) -> pl.Series:
    """Medicare numbers as 11 capital characters without hyphens and spaces."""
    plain = _T.str.replace_all("[ -]", "").str.to_uppercase()
    return rewritten(text, plain, plain.str.contains(_MBI))


def one_icd10_form(text: pl.Series) -> pl.Series:
    """Diagnoses without spaces inside and without a dot at the end; dots inside stay as they are."""
    # I10 E119 is two codes: what follows a space must not look like the start of another one.
    one_code = ~_T.str.contains("[ ,;/][A-Za-z][0-9]")
    return rewritten(text, _COMPACT, _COMPACT.str.contains(_ICD10) & one_code)


def one_procedure_form(text: pl.Series) -> pl.Series:
    """Procedure codes without spaces inside and without a dot at the end."""
    return rewritten(text, _COMPACT, _COMPACT.str.contains(_PROCEDURE))


def npi_without_spaces(text: pl.Series) -> pl.Series:
    """Ten digits without spaces between them."""
    compact = _T.str.replace_all(" ", "", literal=True)
    return rewritten(text, compact, compact.str.contains("^[0-9]{10}$"))


def capitals(shape: str) -> Change:
    """Upper case, for texts of the given shape."""
    return where_shaped(shape, pl.when(_T.str.contains("[a-z]")).then(_T.str.to_uppercase()))


# A longer word without a digit is no code but what somebody wrote instead of one.
capital_code: Final = capitals("^([A-Za-z]{1,3}|[0-9A-Za-z.,:;-]{0,11}[0-9][0-9A-Za-z.,:;-]{0,11})$")
capital_pointers: Final = capitals("^[A-La-l]([ ,:;]?[A-La-l]){0,11}$")
capital_state: Final = capitals("^[A-Za-z]{2}$")
capital_country: Final = capitals("^[A-Za-z]{2,3}$")
capital_postal_code: Final = capitals("^[0-9A-Za-z]{3} ?[0-9A-Za-z]{3}$")
capital_diagnosis: Final = capitals(_ICD10)
capital_procedure: Final = capitals(_PROCEDURE)


def digits_for_letters(text: pl.Series) -> pl.Series:
    """Diagnoses with 0 for O and 1 for I after the first letter, where ICD-10-CM has no such letter."""
    upper = _T.str.to_uppercase()
    rest = upper.str.slice(1)
    digits = rest.str.replace_all("O", "0", literal=True).str.replace_all("I", "1", literal=True)
    shape = "^[A-Z][0-9OI][0-9A-Z](\\.?[0-9A-Z]{1,4})?$"
    return rewritten(
        text,
        upper.str.head(1) + digits,
        upper.str.contains(shape) & _T.str.contains("[0-9]") & (digits != rest),
    )
