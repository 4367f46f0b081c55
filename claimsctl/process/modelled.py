"""A trained model as what scores a run: features by parts, reasons in words, and how claims have moved."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Final

import polars as pl

from claimsctl.score.drift import MOVED, OTHER, RISK, stability
from claimsctl.score.features import BY_NAME, features_of
from claimsctl.score.gathering import NEEDED, gather, put_together
from claimsctl.score.model import TOP, ScoringModel
from claimsctl.score.names import BETWEEN
from claimsctl.score.own import OWN

_KEPT: Final = 20_000
"""So many claims at most are compared with those of the training."""
_LEAST: Final = 200
"""Fewer say little of how claims have moved."""
_MOST: Final = 10


@dataclass
class ModelScorer:
    """A model as a Scorer (process.scorers). `reference` are the claims it was trained on (score.drift).

    `limits` are days to file by payer of the registry, `history` of `history_of`. `own` are the columns of
    the house's own that it reads, and the kind of each; those `lacking` in all inputs are no reason.
    """

    model: ScoringModel
    run_date: date
    limits: Mapping[str, int]
    history: pl.DataFrame | None = None
    reference: Mapping[str, Any] = field(default_factory=dict)
    own: Mapping[str, str] = field(default_factory=dict)
    lacking: frozenset[str] = frozenset()
    _sample: list[pl.DataFrame] = field(default_factory=list)
    _step: int = 1

    @property
    def source(self) -> str:
        """What `risk_source` says."""
        return self.model.source

    @property
    def needed(self) -> Collection[str]:
        """Columns and facts of lines that features are made of."""
        return NEEDED.keys()

    def gather(self, lines: pl.DataFrame, findings: pl.DataFrame) -> pl.DataFrame:
        """A row for each claim of a part."""
        return gather(lines, findings, self.own)

    def together(self, parts: Sequence[pl.DataFrame]) -> pl.DataFrame:
        """What several parts say of a claim as one row."""
        return put_together(parts)

    def score(
        self, claims: pl.DataFrame, findings: pl.DataFrame, gathered: pl.DataFrame | None
    ) -> pl.DataFrame:
        """claim_id, denial_risk and risk_reasons of each claim; reasons as a biller would call them."""
        assert gathered is not None
        mine = claims.select("claim_id").join(gathered, on="claim_id", how="left", maintain_order="left")
        limits = pl.DataFrame(
            {"payer_key": list(self.limits), "filing_limit_days": list(self.limits.values())},
            schema={"payer_key": pl.String, "filing_limit_days": pl.Int64},
        )
        features = features_of(mine, self.history, self.run_date, filing_limits=limits)
        features = features.with_columns(mine[name] for name in self.own)
        judged = self.model.predict(features)
        self._keep(features, judged)
        names = [f"reason_{n}" for n in range(1, TOP + 1)]
        words = pl.concat_str(
            (
                pl.when(~pl.col(name).is_in(self.lacking)).then(pl.col(name).replace(self._words))
                for name in names
            ),
            separator=BETWEEN,
            ignore_nulls=True,
        )
        return judged.select(
            "claim_id", "denial_risk", pl.when(words != "").then(words).alias("risk_reasons")
        )

    @property
    def _words(self) -> dict[str, str]:
        """Features as a biller would call them; a column of the house's own has the words of its header."""
        return {**_WORDS, **{name: name.removeprefix(OWN).replace("_", " ") for name in self.own}}

    def _keep(self, features: pl.DataFrame, judged: pl.DataFrame) -> None:
        """Keep some claims to compare with those of the training: the same ones whatever the parts are."""
        if not self.reference:
            return
        used = [name for name in self.reference if name in features.columns]
        seen = features.select("claim_id", *used).with_columns(judged["denial_risk"].alias(RISK))
        self._sample.append(seen.filter(pl.col("claim_id") % self._step == 0))
        while sum(part.height for part in self._sample) > _KEPT:
            self._step *= 2
            self._sample = [part.filter(pl.col("claim_id") % self._step == 0) for part in self._sample]

    def drift(self) -> Mapping[str, object] | None:
        """How far the claims of the run are from those of the training, by the features that moved most.

        `moved` is none, some or other, by the largest index; None where too few claims were scored.
        """
        seen = pl.concat(self._sample) if self._sample else pl.DataFrame()
        if seen.height < _LEAST:
            return None
        found = stability(self.reference, seen, seen[RISK])
        most = sorted(found.items(), key=lambda item: (-item[1], item[0]))
        largest = most[0][1] if most else 0.0
        return {
            "claims": seen.height,
            "moved": "other" if largest >= OTHER else "some" if largest >= MOVED else "none",
            "risk": found.get(RISK),
            "features": [
                {"feature": name, "words": self._words.get(name, name), "index": index}
                for name, index in most
                if name != RISK and index >= MOVED
            ][:_MOST],
        }


_WORDS: Final = {feature.name: feature.words for feature in BY_NAME.values()}
