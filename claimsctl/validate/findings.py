"""From hits to findings: the rows of errors.csv, with message, value and fix."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Final

import polars as pl

from claimsctl.claim import BY_NAME
from claimsctl.facts.table import FACT_TYPES
from claimsctl.facts.typed import Layout, clean_text
from claimsctl.security.masking import mask_by_way, mask_way
from claimsctl.validate.checks import Check

FINDING: Final = {
    "input": pl.String,
    "row_number": pl.Int64,
    "claim_number": pl.String,
    "line_number": pl.Int64,
    "severity": pl.String,
    "code": pl.String,
    "category": pl.String,
    "field": pl.String,
    "value": pl.String,
    "message": pl.String,
    "suggestion": pl.String,
}
"""Columns of a finding, in the order of errors.csv. Value and message are masked for identifiers."""

_PLACEHOLDER: Final = re.compile(r"\{([a-z_0-9]+)\}")


def display_names(checks: Sequence[Check]) -> set[str]:
    """Columns and facts that messages, suggestions and causes of the checks quote."""
    names: set[str] = set()
    for check in checks:
        names.add(check.field)
        for template in (check.rule.error_message, check.rule.suggestion, check.rule.cause or ""):
            quoted = set(_PLACEHOLDER.findall(template)) - check.shown.keys()
            names.update(check.field if n == "value" else n for n in quoted)
        names.discard("column")
    return names


def describe(
    hits: pl.DataFrame,
    checks: Sequence[Check],
    rows: pl.DataFrame,
    frame: pl.DataFrame,
    layout: Layout,
    *,
    input_name: str,
    show_phi: bool = False,
    trusted: pl.Series | None = None,
) -> pl.DataFrame:
    """One finding per hit, in hit order, with an extra column `cause` (null where the rule has none).

    `rows` is the raw part and `frame` its typed columns and facts; both are row-aligned with the hits.
    `trusted` (row-aligned too) has the last raw column that stands in its place, null where all do; what
    stands behind it may be anything, and is masked as a whole.
    """
    if hits.is_empty():
        return pl.DataFrame(schema={**FINDING, "cause": pl.String})
    return pl.concat(
        _describe(
            hits.slice(start, _AT_ONCE), checks, rows, frame, layout, input_name, trusted, show_phi=show_phi
        )
        for start in range(0, hits.height, _AT_ONCE)
    )


_AT_ONCE: Final = 20_000
"""Findings described at once: all texts that they may quote are in memory meanwhile."""


def _describe(
    hits: pl.DataFrame,
    checks: Sequence[Check],
    rows: pl.DataFrame,
    frame: pl.DataFrame,
    layout: Layout,
    input_name: str,
    trusted: pl.Series | None,
    *,
    show_phi: bool,
) -> pl.DataFrame:
    numbers = hits["check"].unique().sort()
    used = [checks[n] for n in numbers.to_list()]
    at = hits["row"].unique().sort()
    names = sorted(display_names(used) | {"claim_number"})
    facts = [n for n in names if n in FACT_TYPES and n in frame.columns]
    few = rows[at]
    told_facts = frame.select(facts)[at] if facts else pl.DataFrame()
    shown = _shown(used, frame, at)
    names += shown.columns
    doubt = None if trusted is None else doubtful(names, trusted.gather(at), layout)
    quoted = _Quoted(names, few, told_facts, shown, layout, doubt, show_phi=show_phi)
    wording = _Wording(used, names)
    place = at.search_sorted(hits["row"]).alias("place")
    told = wording.table[numbers.search_sorted(hits["check"])].with_columns(place)
    claim = names.index("claim_number")
    return told.select(
        pl.lit(input_name).alias("input"),
        few["row_number"].gather(place),
        quoted.text(pl.lit(claim, pl.UInt32)).alias("claim_number"),
        frame["line_number_in_claim"].cast(pl.Int64).gather(hits["row"]).alias("line_number"),
        "severity",
        "code",
        "category",
        "field",
        quoted.text(pl.col("value_name")).alias("value"),
        wording.text("message", quoted),
        wording.text("suggestion", quoted),
        pl.when("has_cause").then(wording.text("cause", quoted)).alias("cause"),
    )


def doubtful(names: Sequence[str], trusted: pl.Series, layout: Layout) -> pl.Series:
    """Whether a text may be another column's, name by name, row by row; `trusted` as in `describe`."""
    parts = []
    for name in names:
        raw = layout.columns.get(name, "")
        if raw[:1] == "c" and raw[1:].isdecimal():
            doubt = (trusted < int(raw[1:])).fill_null(False)
        elif name == "row_number" or raw or (name in BY_NAME and name in layout.constants):
            doubt = pl.repeat(False, len(trusted), eager=True)
        else:  # a fact, or a value that a rule computes: from cells that may be in doubt
            doubt = trusted.is_not_null()
        parts.append(doubt.rename("doubt"))
    return pl.concat(parts)


def _shown(checks: Sequence[Check], frame: pl.DataFrame, at: pl.Series) -> pl.DataFrame:
    """The values of `show` on some rows, named by the number of their check."""
    exprs = [
        expr.alias(_shown_name(number, name))
        for number, check in enumerate(checks)
        for name, expr in check.shown.items()
    ]
    if not exprs:
        return pl.DataFrame()
    read = set().union(
        *(check.columns | {a.name for a in check.aggregates} for check in checks if check.shown)
    )
    rows = frame.select(sorted(read & set(frame.columns)))[at]
    return rows.with_columns(exprs).select(pl.all().exclude(rows.columns))


def _shown_name(number: int, name: str) -> str:
    return f"{number}:{name}"


def _fact_text(fact: pl.Series) -> pl.Series:
    """A fact as people write it: an amount in cents, other digits only where there are any."""
    text = fact.cast(pl.String)
    return text.str.replace(r"(\.\d\d\d*?)0+$", "$1") if fact.dtype.is_decimal() else text


class _Quoted:
    """Texts of some rows that findings may quote, one below the other: name by name, row by row."""

    def __init__(
        self,
        names: Sequence[str],
        rows: pl.DataFrame,
        facts: pl.DataFrame,
        shown: pl.DataFrame,
        layout: Layout,
        doubt: pl.Series | None,
        *,
        show_phi: bool,
    ) -> None:
        texts = clean_text(rows, layout, [n for n in names if n in BY_NAME])
        given = {s.name: s for s in texts.iter_columns()}
        given |= {s.name: _fact_text(s) for s in [*facts.iter_columns(), rows["row_number"]]}
        given |= {s.name: s for s in shown.iter_columns()}
        nothing = pl.repeat(None, rows.height, dtype=pl.String, eager=True)
        self._rows = rows.height
        self._texts = pl.concat([given.get(name, nothing).rename("text") for name in names])
        ways = [
            "plain" if n in shown.columns
            else mask_way(BY_NAME[n]) if n in BY_NAME and n in texts.columns
            else "none"
            for n in names
        ]  # fmt: skip
        self._ways = pl.Series(ways, dtype=pl.String)
        self._doubt = doubt
        self._masked = not show_phi

    def text(self, name: pl.Expr) -> pl.Expr:
        """What the row at `place` says in the name of that number, masked; null where blank or none."""
        found = pl.lit(self._texts).gather(name * self._rows + pl.col("place"))
        if not self._masked:
            return found
        ways = pl.lit(self._ways).gather(name)
        if self._doubt is not None:
            doubt = pl.lit(self._doubt).gather(name * self._rows + pl.col("place"))
            ways = pl.when(doubt).then(pl.lit("all")).otherwise(ways)
        return mask_by_way(found, ways)


class _Wording:
    """The words of checks, one row per check, so that many findings are put into words at once.

    A template "{value} is no {column}" is texts and names in turn: `message_0`, `message_name_0`, ...
    """

    def __init__(self, checks: Sequence[Check], names: Sequence[str]) -> None:
        self._pieces: dict[str, int] = {}
        numbers = {name: n for n, name in enumerate(names)}
        columns = [
            pl.Series("severity", [c.severity for c in checks], dtype=pl.String),
            pl.Series("code", [c.rule.code for c in checks], dtype=pl.String),
            pl.Series("category", [c.rule.category for c in checks], dtype=pl.String),
            pl.Series("field", [c.field for c in checks], dtype=pl.String),
            pl.Series("value_name", [numbers[c.field] for c in checks], dtype=pl.UInt32),
            pl.Series("has_cause", [bool(c.rule.cause) for c in checks], dtype=pl.Boolean),
        ]
        for kind, templates in (
            ("message", [c.rule.error_message for c in checks]),
            ("suggestion", [c.rule.suggestion for c in checks]),
            ("cause", [c.rule.cause or "" for c in checks]),
        ):
            split = [
                _split(text, check, number)
                for number, (text, check) in enumerate(zip(templates, checks, strict=True))
            ]
            most = max(len(quoted) for _, quoted in split)
            self._pieces[kind] = most
            for n in range(most + 1):
                texts = [words[n] if n < len(words) else "" for words, _ in split]
                columns.append(pl.Series(f"{kind}_{n}", texts, dtype=pl.String))
            for n in range(most):
                quotes = [numbers[quoted[n]] if n < len(quoted) else None for _, quoted in split]
                columns.append(pl.Series(f"{kind}_name_{n}", quotes, dtype=pl.UInt32))
        self.table = pl.DataFrame(columns)

    def text(self, kind: str, quoted: _Quoted) -> pl.Expr:
        """The words of one kind; blank values read "blank"."""
        parts = [pl.col(f"{kind}_0")]
        for n in range(self._pieces[kind]):
            name = pl.col(f"{kind}_name_{n}")
            value = quoted.text(name).fill_null("blank")
            parts += [pl.when(name.is_null()).then(pl.lit("")).otherwise(value), pl.col(f"{kind}_{n + 1}")]
        return pl.concat_str(parts).alias(kind)


def _split(template: str, check: Check, number: int) -> tuple[list[str], list[str]]:
    """The texts of a template and the names quoted between them; `{column}` is the field's name."""
    field = check.field
    texts, quoted = [""], []
    for n, piece in enumerate(_PLACEHOLDER.split(template)):
        if n % 2 == 0:
            texts[-1] += piece
        elif piece == "column":
            texts[-1] += field
        else:
            name = _shown_name(number, piece) if piece in check.shown else piece
            quoted.append(field if piece == "value" else name)
            texts.append("")
    return texts, quoted


def fill_text(template: str, texts: Mapping[str, str]) -> str:
    """The template with each {placeholder} replaced from `texts`; what is not given reads "blank"."""
    return _PLACEHOLDER.sub(lambda found: texts.get(found.group(1)) or "blank", template)


__all__ = ["FINDING", "describe", "display_names", "fill_text"]
