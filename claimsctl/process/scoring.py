"""Denial risks in a run: a claim is scored when its last line has been checked, and its lines get the answer.

Most claims stand together in a part and are scored there. Of the others each part gives what is needed of
its lines, one row a claim; they are scored when the first of their lines is handed on, which is after the
last one has been checked.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import polars as pl

from claimsctl.facts.priced import SCHEMA
from claimsctl.process.riskbook import RiskBook
from claimsctl.process.routing import Reviewed
from claimsctl.process.scorers import Scorer
from claimsctl.process.spilling import read_aside, write_aside
from claimsctl.process.timing import Timings
from claimsctl.score.claims import NEEDED, OF_HISTORY, claims_of, gather_claims, put_claims_together
from claimsctl.score.risk import RISK, Bands, risk_columns
from claimsctl.validate.checks import Check

FOUND: Final = {"claim_id": pl.UInt64, "severity": pl.String, "code": pl.String, "category": pl.String}
"""What scores know of findings."""
KEPT: Final[Mapping[str, pl.DataType]] = {**RISK, "filing_deadline": pl.Date()}
"""Columns of a checked line."""
_ABSENT: Final = SCHEMA
"""Types of what only a run that prices its lines has."""
_AT_ONCE: Final = 200_000
_FEW: Final = 20_000


@dataclass(frozen=True)
class RiskTerms:
    """How the claims of a run are scored: by what, into which bands, and above which risk they are held.

    `limits` are the days to file by payer of the registry; `with_history`: there are decided claims.
    """

    scorer: Scorer
    bands: Bands = field(default_factory=Bands)
    hold_above: float | None = None
    limits: Mapping[str, int] = field(default_factory=dict)
    with_history: bool = False
    told: Mapping[str, object] = field(default_factory=dict)

    @property
    def needed(self) -> frozenset[str]:
        """Columns and facts of lines that scoring reads."""
        asked = OF_HISTORY if self.with_history else ()
        return frozenset([*NEEDED, *asked, *self.scorer.needed])


@dataclass
class _Some:
    """What was gathered of claims that stand in several parts, and the last row of each."""

    claims: pl.DataFrame
    findings: pl.DataFrame
    gathered: pl.DataFrame | None

    def of(self, ids: pl.Series) -> _Some:
        chosen = pl.col("claim_id").is_in(ids.implode())
        more = None if self.gathered is None else self.gathered.filter(chosen)
        return _Some(self.claims.filter(chosen), self.findings.filter(chosen), more)


class ClaimScoring:
    """Scores the claims of a run part by part; `deliver` hands decided parts on with their risks."""

    def __init__(
        self, terms: RiskTerms, deliver: Callable[[Reviewed, pl.Series], None], spill: Path, timings: Timings
    ) -> None:
        self.terms = terms
        self.book = RiskBook()
        self._deliver = deliver
        self._spill = spill
        self._timings = timings
        self._open: list[_Some | Path] = []
        self._few: int = 0
        self._done = 0
        self._settled = 0
        self._scored = pl.DataFrame(schema={"claim_id": pl.UInt64, **KEPT})

    def look(
        self,
        frame: pl.DataFrame,
        hits: pl.DataFrame,
        checks: Sequence[Check],
        failed: pl.Series,
        spread: pl.Series,
        last: pl.Series,
        rows_done: int,
    ) -> list[pl.Series]:
        """The columns KEPT of a checked part, row-aligned; null for claims that `failed` or are not complete.

        `frame` has columns and facts, and of the house's own columns what the scorer reads of them.

        `spread` are claims that stand in other parts too, `last` the run-wide number of the last line of each
        row's claim, `rows_done` how many rows have been checked with this part.
        """
        self._done = rows_done
        with self._timings.stage("score"):
            left = ~frame["claim_id"].is_in(failed.implode()) if len(failed) else None
            lines = frame.select(
                pl.col(name) if name in frame.columns else pl.lit(None, _ABSENT[name]).alias(name)
                for name in sorted({*self.terms.needed, "claim_id"})
            ).with_columns(frame[name] for name in self.terms.scorer.own if name in frame.columns)
            lines = lines if left is None else lines.filter(left)
            found = _found(frame["claim_id"], hits, checks)
            some = self._gather(lines, found)
            if len(spread):
                ends = pl.DataFrame({"claim_id": frame["claim_id"], "last": last}).unique("claim_id")
                self._put_aside(some.of(spread), ends)
                some = some.of(
                    some.claims["claim_id"].filter(~some.claims["claim_id"].is_in(spread.implode()))
                )
            return self._spread_out(frame["claim_id"], self._score(some))

    def lines(self, part: Reviewed, rejected: pl.Series) -> None:
        """Complete the risks of a decided part, say which lines are held, and hand it on."""
        with self._timings.stage("score"):
            frame = part.frame
            unknown = frame["denial_risk"].is_null() & ~rejected
            if unknown.any():
                self._settle()
                found = self._spread_out(frame["claim_id"], self._scored)
                frame = frame.with_columns(
                    pl.when(unknown).then(series).otherwise(pl.col(series.name)).alias(series.name)
                    for series in found
                )
            if rejected.any():
                frame = frame.with_columns(pl.when(~rejected).then(pl.col(name)).alias(name) for name in RISK)
            part.frame = frame
            if self.terms.hold_above is not None:
                held = (frame["denial_risk"] > self.terms.hold_above).fill_null(False)
                part.held = held if held.any() else None
            self.book.add(frame, part.held)
        self._deliver(part, rejected)

    def summary(self) -> dict[str, object]:
        """The `scoring` of summary.json."""
        terms = self.terms
        drift = terms.scorer.drift()
        return {
            **self.book.summary(terms.scorer.source),
            "bands": {"medium": terms.bands.medium, "high": terms.bands.high},
            "hold_above": terms.hold_above,
            **terms.told,
            "drift": drift,
        }

    def _gather(self, lines: pl.DataFrame, found: pl.DataFrame) -> _Some:
        claims = gather_claims(lines, self.terms.limits, with_history=self.terms.with_history)
        return _Some(claims, found, self.terms.scorer.gather(lines, found))

    def _score(self, some: _Some) -> pl.DataFrame:
        """claim_id and KEPT of complete claims."""
        if not some.claims.height:
            return pl.DataFrame(schema={"claim_id": pl.UInt64, **KEPT})
        claims = claims_of(some.claims)
        scores = self.terms.scorer.score(claims, some.findings, some.gathered)
        risks = risk_columns(scores, claims.select("claim_id", "expected_cents"), self.terms.scorer.source,
                             self.terms.bands)  # fmt: skip
        return risks.join(
            claims.select("claim_id", "filing_deadline"), on="claim_id", how="left", maintain_order="left"
        )

    def _put_aside(self, some: _Some, ends: pl.DataFrame) -> None:
        """Keep what was gathered of claims that are not complete; much of it on disk."""
        if not some.claims.height:
            return
        some.claims = some.claims.join(ends, on="claim_id", how="left", maintain_order="left")
        if some.claims.height < _FEW:
            self._open.append(some)
            return
        place = self._spill / f"risks-{self._done:012d}"
        place.mkdir(mode=0o700)
        write_aside(some.claims, place / "claims.parquet")
        write_aside(some.findings, place / "findings.parquet")
        if some.gathered is not None:
            write_aside(some.gathered, place / "gathered.parquet")
        self._few = max(self._few, some.claims.height)
        self._open.append(place)

    def _settle(self) -> None:
        """Score every claim that was put aside and is complete by now, as many at once as memory is for."""
        if self._settled == self._done:
            return
        now = pl.col("last").is_between(self._settled, self._done - 1)
        rows = sum(each.claims.height if isinstance(each, _Some) else self._few for each in self._open)
        buckets = max(1, -(-rows // _AT_ONCE))
        scored = [self._scored]
        for bucket in range(buckets):
            mine = now if buckets == 1 else now & (pl.col("claim_id") % buckets == bucket)
            parts = [each.of(each.claims.filter(mine)["claim_id"]) for each in map(_read, self._open)]
            parts = [each for each in parts if each.claims.height]
            if not parts:
                continue
            gathered = [each.gathered for each in parts if each.gathered is not None]
            some = _Some(
                put_claims_together([each.claims.drop("last") for each in parts]),
                pl.concat([each.findings for each in parts]),
                self.terms.scorer.together(gathered) if gathered else None,
            )
            scored.append(self._score(some))
        self._scored = pl.concat(scored)
        self._settled = self._done
        self._forget()

    def _forget(self) -> None:
        """Let go of what has been scored."""
        kept: list[_Some | Path] = []
        for each in self._open:
            if _latest(each) >= self._settled:
                kept.append(each)
            elif isinstance(each, Path):
                for path in each.iterdir():
                    path.unlink()
                each.rmdir()
        self._open = kept

    @staticmethod
    def _spread_out(claim_id: pl.Series, scored: pl.DataFrame) -> list[pl.Series]:
        """What was scored of claims, on each row of theirs."""
        found = claim_id.to_frame().join(scored, on="claim_id", how="left", maintain_order="left")
        return found.select(pl.col(name).cast(kind) for name, kind in KEPT.items()).get_columns()


def _found(claim_id: pl.Series, hits: pl.DataFrame, checks: Sequence[Check]) -> pl.DataFrame:
    """The findings of a part as FOUND; rules about a file say nothing of a claim."""
    number = hits["check"]
    frame = pl.DataFrame({
        "claim_id": claim_id.gather(hits["row"]),
        **{
            name: pl.Series(values, dtype=pl.String).gather(number)
            for name, values in (
                ("severity", [c.severity for c in checks]), ("code", [c.rule.code for c in checks]),
                ("category", [c.rule.category for c in checks]),
            )
        },
    }, schema_overrides=FOUND)  # fmt: skip
    files = pl.Series([n for n, c in enumerate(checks) if c.rule.level == "file"], dtype=pl.UInt16)
    return frame.filter(~number.is_in(files.implode())) if len(files) else frame


def _read(aside: _Some | Path) -> _Some:
    if isinstance(aside, _Some):
        return aside
    gathered = aside / "gathered.parquet"
    return _Some(
        read_aside(aside / "claims.parquet", {}), read_aside(aside / "findings.parquet", {}),
        read_aside(gathered, {}) if gathered.exists() else None,
    )  # fmt: skip


def _latest(aside: _Some | Path) -> int:
    """The last row of any claim that was put aside."""
    claims = aside.claims if isinstance(aside, _Some) else read_aside(aside / "claims.parquet", {}, ["last"])
    return int(claims.select(pl.col("last").max()).item() or 0)


__all__ = ["FOUND", "KEPT", "ClaimScoring", "RiskTerms"]
