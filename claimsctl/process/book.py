"""The findings of a run: deduplicated by level, counted by code, field and cause, written as they come."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Protocol

import polars as pl

from claimsctl.validate.checks import Check

_MOST_CAUSES = 5_000
_FREQUENT = 0.02
_MOST_LINES_TO_PASTE = 20
_RANK = {"error": 0, "warning": 1, "info": 2}
NARROW = {"claim_id": pl.UInt64, "code": pl.String, "row_index": pl.UInt32, "line_number": pl.Int64}


class FindingSink(Protocol):
    """Where described findings go (claimsctl.write.errors.ErrorsWriter)."""

    def write(self, findings: pl.DataFrame) -> None:
        """Append described findings."""


@dataclass
class Cause:
    """Findings that one action clears."""

    cause: str
    fix: str
    severity: str
    code: str
    rows: int = 0


@dataclass
class FindingBook:
    """Takes findings part by part; knows the totals at the end.

    `suppressed` counts those a house put aside, by number of the suppression; they stand nowhere else.
    """

    sink: FindingSink
    by_severity: Counter[str] = field(default_factory=Counter)
    by_code: Counter[str] = field(default_factory=Counter)
    claims_by_code: Counter[str] = field(default_factory=Counter)
    by_field: Counter[str] = field(default_factory=Counter)
    about: dict[str, tuple[str, str, str]] = field(default_factory=dict)
    causes: dict[tuple[str, str, str], Cause] = field(default_factory=dict)
    suppressed: Counter[int] = field(default_factory=Counter)
    _seen_claims: set[tuple[int, tuple[str, ...]]] = field(default_factory=set)
    _seen_values: set[tuple[str, str, str]] = field(default_factory=set)
    _counted: list[pl.Series] = field(default_factory=list)

    def once_per_claim(
        self, hits: pl.DataFrame, checks: Sequence[Check], claim_id: pl.Series, open_claims: pl.Series
    ) -> pl.DataFrame:
        """Hits of claim-level rules kept once per claim, on the first line that shows them.

        `open_claims` (row-aligned booleans) marks lines of claims that also stand in other parts; only
        those are remembered from part to part. Inputs number their checks each in its own way.
        """
        others, first = split_by_level(hits, checks, claim_id)
        if first.is_empty():
            return hits
        first = first.with_columns(open_claims.gather(first["row"]).alias("open"))
        if first["open"].any():
            told = [(check.rule.code, check.field, check.severity) for check in checks]
            found = first.select("claim", "check", "open").iter_rows()
            keys = [(claim, told[check]) if is_open else None for claim, check, is_open in found]
            repeated = [key in self._seen_claims for key in keys]
            self._seen_claims.update(key for key in keys if key is not None)
            first = first.filter(~pl.Series(repeated, dtype=pl.Boolean))
        return pl.concat([others, first.select(hits.columns)]).sort("row", "check")

    def add(
        self,
        findings: pl.DataFrame,
        claim_id: pl.Series | None,
        file_level: Iterable[str] = (),
        *,
        spread: pl.Series | None = None,
    ) -> None:
        """Count and write described findings; `claim_id` is aligned with them.

        `spread` are claims that also stand in other parts; only those are remembered from part to part.
        """
        if findings.is_empty():
            return
        if claim_id is not None:
            findings = findings.with_columns(claim_id.alias("claim_id"))
        else:
            findings = findings.with_columns(pl.lit(None, pl.UInt64).alias("claim_id"))
        if "cause" not in findings.columns:
            findings = findings.with_columns(pl.lit(None, pl.String).alias("cause"))
        codes = list(file_level)
        if codes and findings["code"].is_in(codes).any():
            findings = self._once_per_value(findings, codes)
        self._count(findings)
        if spread is not None and len(spread):
            self._count_once(findings.filter(pl.col("claim_id").is_in(spread.implode())))
        self.sink.write(findings)

    def _once_per_value(self, findings: pl.DataFrame, codes: list[str]) -> pl.DataFrame:
        keep = []
        for code, name, value in findings.select("code", "field", "value").iter_rows():
            key = (code, name or "", value or "")
            keep.append(code not in codes or key not in self._seen_values)
            if code in codes and len(self._seen_values) < 100_000:
                self._seen_values.add(key)
        return findings.filter(pl.Series(keep, dtype=pl.Boolean))

    def _count(self, findings: pl.DataFrame) -> None:
        counted = findings.group_by("code", "severity", "category", maintain_order=True).agg(
            pl.len().alias("rows"), pl.col("claim_id").n_unique().alias("claims"),
            pl.col("message").first(),
        )  # fmt: skip
        for code, severity, category, rows, claims, message in counted.iter_rows():
            self.by_severity[severity] += rows
            self.by_code[code] += rows
            self.claims_by_code[code] += claims
            known = self.about.setdefault(code, (severity, category, message))
            if _RANK[severity] < _RANK[known[0]]:  # a rule may be milder for some payers
                self.about[code] = (severity, category, message)
        for name, rows in findings.group_by("field", maintain_order=True).len().iter_rows():
            self.by_field[name or ""] += rows
        grouped = findings.group_by("code", "severity", "cause", maintain_order=True).agg(
            pl.len().alias("rows"), pl.col("message").first(), pl.col("suggestion").first()
        )
        for code, severity, cause, rows, message, suggestion in grouped.iter_rows():
            key = (code, severity, cause or "")
            if key not in self.causes and len(self.causes) >= _MOST_CAUSES:
                key = (code, severity, "")
            entry = self.causes.setdefault(key, Cause(cause or message, suggestion, severity, code))
            entry.rows += rows

    def _count_once(self, findings: pl.DataFrame) -> None:
        """Take back the claims of these findings that an earlier part has counted."""
        key = pl.struct("code", "severity", "category", "claim_id").hash(seed=1)
        here = findings.select("code", key.alias("key")).unique()
        # The list of all parts may be long: it is looked through, and no table is made of it.
        met = [keys.filter(keys.is_in(here["key"].implode())) for keys in self._counted]
        again = pl.concat([here["key"].clear(), *met])
        counted = pl.col("key").is_in(again.implode())
        self.claims_by_code.subtract(dict(here.filter(counted)["code"].value_counts().iter_rows()))
        self._counted.append(here.filter(~counted)["key"])

    def concerns(self, code: str, rows: int) -> None:
        """Findings of `code` concern `rows` rows each, not the one of the finding (a missing column)."""
        for cause in self.causes.values():
            if cause.code == code:
                cause.rows = rows

    def top_causes(self) -> list[Cause]:
        """Causes by severity (errors first), then by rows; rare values of a rule are one cause."""
        by_code: dict[tuple[str, str], list[Cause]] = {}
        for cause in self.causes.values():
            by_code.setdefault((cause.code, cause.severity), []).append(cause)
        kept = [each for causes in by_code.values() for each in _without_rare(causes)]
        return sorted(kept, key=lambda c: (_RANK[c.severity], -c.rows, c.code, c.cause))


def split_by_level(
    hits: pl.DataFrame, checks: Sequence[Check], claim_id: pl.Series
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Hits of other than claim-level rules; and those of claim-level rules, with `claim`, each on the
    first line of its claim that shows it."""
    level = pl.Series([n for n, c in enumerate(checks) if c.rule.level == "claim"], dtype=pl.UInt16)
    by_claim = hits["check"].is_in(level.implode())
    claims = hits.filter(by_claim)
    claims = claims.with_columns(claim_id.gather(claims["row"]).alias("claim"))
    first = claims.unique(["claim", "check"], keep="first", maintain_order=True)
    return hits.filter(~by_claim), first


def once_per_value(hits: pl.DataFrame, checks: Sequence[Check], frame: pl.DataFrame) -> pl.DataFrame:
    """Hits of file-level rules kept once per value of their field in this part; most rows may show one.

    Over all parts the book counts each value once.
    """
    numbers = set(hits["check"].unique().to_list())
    level = [n for n, check in enumerate(checks) if n in numbers and check.rule.level == "file"]
    if not level:
        return hits
    kept = [hits.filter(~pl.col("check").is_in(level))]
    for number in level:
        shown = hits.filter(pl.col("check") == number)
        if checks[number].field in frame.columns:
            values = frame[checks[number].field].gather(shown["row"]).alias("value")
            shown = shown.with_columns(values).unique("value", keep="first", maintain_order=True)
        kept.append(shown.select(hits.columns))
    return pl.concat(kept).sort("row", "check")


def _without_rare(causes: list[Cause]) -> list[Cause]:
    """Causes of one rule, those of few rows taken together: a list of single values helps nobody."""
    total = sum(cause.rows for cause in causes)
    frequent = [cause for cause in causes if cause.rows >= max(2, _FREQUENT * total)]
    rare = [cause for cause in causes if cause not in frequent]
    if len(rare) < 2:
        return causes
    first = rare[0]
    rows = sum(cause.rows for cause in rare)
    others = "1 other value" if len(rare) == 2 else f"{len(rare) - 1:,} other values"
    words = f"{first.cause.rstrip('.')}; and {others}"
    return [*frequent, Cause(words, _of_all([cause.fix for cause in rare]), first.severity, first.code, rows)]


def _of_all(fixes: Sequence[str]) -> str:
    """The words of the first, which are its first line, and the lines to paste of all."""
    words, *lines = fixes[0].split("\n")
    lines += [line for fix in fixes[1:] for line in fix.split("\n")[1:]]
    lines = list(dict.fromkeys(lines))
    left = len(lines) - _MOST_LINES_TO_PASTE
    more = [f"# and {left:,} lines more, in errors.csv"] if left > 0 else []
    return "\n".join([words, *lines[:_MOST_LINES_TO_PASTE], *more])
