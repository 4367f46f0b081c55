"""A trained model: encoding, estimator and calibration; it judges claims by their features."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

import numpy as np
import polars as pl

from claimsctl.score.encoding import Column, encode
from claimsctl.score.estimators import Estimator, Floats, sigmoid
from claimsctl.score.model import PREDICTION, TOP

_AT_ONCE: Final = 50_000
_LEAST_ADDED: Final = 1e-9


@dataclass(frozen=True)
class Calibration:
    """From log odds to a probability that is right on average.

    `platt`: a sigmoid of slope * margin + shift. `isotonic`: between the points (at, risk), which rise.
    Source: Platt 1999; Zadrozny and Elkan 2002.
    """

    form: Literal["none", "platt", "isotonic"] = "none"
    slope: float = 1.0
    shift: float = 0.0
    at: Sequence[float] = ()
    risk: Sequence[float] = ()

    def risks(self, margins: Floats) -> Floats:
        """Probabilities, from 0 to 1."""
        if self.form == "isotonic":
            return np.asarray(np.interp(margins, np.asarray(self.at), np.asarray(self.risk)))
        return sigmoid(self.slope * margins + self.shift)

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        if self.form == "isotonic":
            return {"form": self.form, "at": list(self.at), "risk": list(self.risk)}
        return {"form": self.form, "slope": self.slope, "shift": self.shift}


@dataclass(frozen=True)
class TrainedModel:
    """A ScoringModel (claimsctl.score.model) that was trained on labelled claims."""

    name: str
    columns: Sequence[Column]
    estimator: Estimator
    calibration: Calibration = Calibration()

    @property
    def source(self) -> str:
        """What `risk_source` says."""
        return f"model:{self.name}"

    @property
    def needed(self) -> Sequence[str]:
        """Features it reads, in the order of its columns."""
        names = (name for column in self.columns for name in (column.feature, column.other) if name)
        return tuple(dict.fromkeys(names))

    def risks(self, features: pl.DataFrame) -> Floats:
        """The risk alone, row-aligned."""
        found = [self._risks(part) for part in _parts(features)]
        return np.concatenate(found) if found else np.zeros(0)

    def _risks(self, features: pl.DataFrame) -> Floats:
        return self.calibration.risks(self.estimator.margins(encode(features, self.columns)))

    def predict(self, features: pl.DataFrame) -> pl.DataFrame:
        """PREDICTION, row-aligned; a reason is what raised the risk above that of a typical claim."""
        found = [self._predict(part) for part in _parts(features)]
        return pl.concat(found) if found else pl.DataFrame(schema=PREDICTION)

    def _predict(self, features: pl.DataFrame) -> pl.DataFrame:
        names = list(dict.fromkeys(column.feature for column in self.columns))
        numbers = {name: n for n, name in enumerate(names)}
        groups = np.asarray([numbers[column.feature] for column in self.columns], dtype=np.int64)
        matrix = encode(features, self.columns)
        margins, added = self.estimator.judged(matrix, groups, len(names))
        risks = self.calibration.risks(margins)
        told = pl.Series(names, dtype=pl.String)
        columns = [features["claim_id"].cast(pl.UInt64), pl.Series("denial_risk", risks)]
        weights = []
        place = np.arange(len(added))
        for n in range(1, TOP + 1):
            best = added.argmax(axis=1) if names else np.zeros(len(added), dtype=np.int64)
            most = added[place, best] if names else np.zeros(len(added))
            added[place, best] = -np.inf
            raised = pl.Series(most > _LEAST_ADDED)
            reason = (
                told.gather(pl.Series(best)) if names else pl.Series([None] * len(added), dtype=pl.String)
            )
            columns.append(_where(raised, reason, f"reason_{n}"))
            weights.append(_where(raised, pl.Series(most), f"weight_{n}"))
        return pl.DataFrame([*columns, *weights]).cast(PREDICTION)


def _parts(features: pl.DataFrame) -> list[pl.DataFrame]:
    return [features.slice(start, _AT_ONCE) for start in range(0, features.height, _AT_ONCE)]


def _where(mask: pl.Series, values: pl.Series, name: str) -> pl.Series:
    return values.to_frame("v").select(pl.when(mask).then("v").alias(name))[name]
