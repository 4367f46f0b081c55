"""A denial risk without a model: points for what makes payers deny, added up and told in words.

It orders claims for the person who looks at them. Nothing of it was learned from decisions, so it is no
probability: `risk_source` says "rules".
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Final

import polars as pl

from claimsctl.score.history import rates
from claimsctl.score.names import BETWEEN, RULES

BASE: Final = 5
"""Points of a claim of which nothing is known: payers deny some of those too."""
MOST: Final = 95
"""More points than these are not told apart: nothing is certain before the payer has decided."""
REASONS: Final = 3
"""So many reasons are given, those of most points."""


@dataclass(frozen=True, slots=True)
class Points:
    """What adds so many points, hundredths of a denial risk, to a claim; how it is told, and what helps."""

    points: int
    words: str
    fix: str


# The weights are judgements, in the order in which payers report their reasons (claims adjustment reason
# codes 197, 18, 22, 29, 11, 4): missing authorization and copies first, small slips of form last.
TABLE: Final[Mapping[str, Points]] = {
    "filing_past": Points(
        40, "The payer's filing limit has passed",
        "Send it with proof of timely filing or a delay reason, or write it off.",
    ),
    "filing_15_days": Points(20, "15 days or fewer are left to file it", "Send this claim first."),
    "filing_late": Points(6, "More than half of the time to file it has passed", "Send it soon."),
    "service_old": Points(
        6, "The service was more than 90 days ago and the payer's filing limit is not known",
        "Look up the limit of your contract and set filing_limit_days of the payer in claimsctl.toml.",
    ),
    "charge_below": Points(
        6, "The charge is below what the payer should allow", "Compare the charge with your fee schedule.",
    ),
    "charge_far_above": Points(
        5, "The charge is more than six times what the payer should allow",
        "Look for a slip in charge or units.",
    ),
    "not_priced": Points(
        3, "No line of the claim could be priced", "See pricing_status of its lines for the reason.",
    ),
    "payer_denies_often": Points(
        16, "This payer denied at least twice its usual share of your claims",
        "Check what it denied last for, in `claimsctl claims list --status DENIED`.",
    ),
    "payer_denies_more": Points(
        7, "This payer denied more than the usual share of your claims",
        "Check what it denied last for, in `claimsctl claims list --status DENIED`.",
    ),
    "provider_denied_often": Points(
        12, "Claims of this provider were denied at least twice as often as usual",
        "Check what the provider's claims were denied for.",
    ),
    "provider_denied_more": Points(
        5, "Claims of this provider were denied more often than usual",
        "Check what the provider's claims were denied for.",
    ),
}  # fmt: skip
WARNINGS: Final[Mapping[str, int]] = {
    "authorization": 25, "duplicate": 20, "coordination_of_benefits": 15, "ncci_mue": 15,
    "payer": 12, "provider": 12, "telehealth": 10, "diagnosis": 8, "modifier": 8, "procedure": 8,
    "place_of_service": 8, "mental_health": 8, "dme": 8, "laboratory": 8, "anesthesia": 8,
    "identifiers": 6, "patient": 6, "claim_structure": 5, "financial": 4, "pricing": 2,
}  # fmt: skip
"""Points of a warning by the category of its rule; those of other categories have OTHER."""
OTHER: Final = 6
WITHOUT: Final = frozenset({"TMF-001", "TMF-003"})
"""Rules that say what the time to file says already."""
_TWICE, _MORE = 2.0, 1.3
_FEW_DAYS, _OLD_DAYS = 15, 90
_FAR = 6
_KINDS: Final = tuple(TABLE)


@dataclass(frozen=True, slots=True)
class Warned:
    """A rule whose warnings score: its code, its category, and why payers care."""

    code: str
    category: str
    why: str


class PointsScore:
    """Scores claims by TABLE and by the warnings on them.

    `warned` are the rules that may warn about a claim, `history` is of `history_of`. `priced`: lines are.
    """

    def __init__(
        self,
        run_date: date,
        warned: Iterable[Warned] = (),
        history: pl.DataFrame | None = None,
        *,
        priced: bool = True,
    ) -> None:
        self._run_date = run_date
        self._history = history
        self._priced = priced
        scoring = [each for each in warned if each.code not in WITHOUT]
        points = [TABLE[key].points for key in _KINDS]
        points += [WARNINGS.get(each.category, OTHER) for each in scoring]
        words = [TABLE[key].words for key in _KINDS] + [warning_words(each) for each in scoring]
        self._what = pl.DataFrame(
            {"points": points, "words": words}, schema={"points": pl.Int32, "words": pl.String}
        )
        codes = {each.code: len(_KINDS) + number for number, each in enumerate(scoring)}
        self._codes = pl.DataFrame(
            {"code": list(codes), "what": list(codes.values())}, schema={"code": pl.String, "what": pl.UInt32}
        )

    @property
    def source(self) -> str:
        """What `risk_source` says."""
        return RULES

    def score(self, claims: pl.DataFrame, findings: pl.DataFrame) -> pl.DataFrame:
        """claim_id, denial_risk (0 to 1) and risk_reasons, row-aligned with `claims` (of `claims_of`).

        `findings` has claim_id, severity and code of what was found on them. Reasons are the three of most
        points, null where nothing speaks against a claim.
        """
        found = pl.concat([self._of_claims(claims), self._of_warnings(findings)])
        what = found["what"]
        named = found.with_columns(self._what["points"].gather(what), self._what["words"].gather(what)).sort(
            "points", "what", descending=[True, False]
        )
        summed = named.group_by("claim_id", maintain_order=True).agg(
            pl.col("points").sum(), pl.col("words").head(REASONS).str.join(BETWEEN).alias("risk_reasons")
        )
        scored = claims.select("claim_id").join(summed, on="claim_id", how="left", maintain_order="left")
        points = (pl.col("points").fill_null(0) + BASE).clip(upper_bound=MOST)
        return scored.select("claim_id", (points / 100).alias("denial_risk"), "risk_reasons")

    def _of_claims(self, claims: pl.DataFrame) -> pl.DataFrame:
        """claim_id and number of each kind of TABLE that holds for a claim."""
        left = (pl.col("filing_deadline") - pl.lit(self._run_date)).dt.total_days()
        age = (pl.lit(self._run_date) - pl.col("first_day")).dt.total_days()
        known = pl.col("filing_deadline").is_not_null()
        charge, expected = pl.col("priced_charge_cents"), pl.col("expected_cents")
        usual = pl.when(pl.col("all_denial_rate") > 0).then("all_denial_rate")
        payer, provider = (pl.col(f"{who}_denial_rate") / usual for who in ("payer", "provider"))
        holds = {
            "filing_past": left < 0,
            "filing_15_days": left.is_between(0, _FEW_DAYS),
            "filing_late": (left > _FEW_DAYS) & (left * 2 < pl.col("filing_days")),
            "service_old": ~known & (age > _OLD_DAYS),
            "charge_below": charge < expected,
            "charge_far_above": (expected > 0) & (charge > expected * _FAR),
            "not_priced": expected.is_null() & pl.lit(self._priced),
            "payer_denies_often": payer >= _TWICE,
            "payer_denies_more": (payer >= _MORE) & (payer < _TWICE),
            "provider_denied_often": provider >= _TWICE,
            "provider_denied_more": (provider >= _MORE) & (provider < _TWICE),
        }
        rated = claims.with_columns(rates(claims, self._history).get_columns())
        flags = rated.select(holds[key].fill_null(False).alias(key) for key in _KINDS)
        ids = claims["claim_id"]
        return pl.concat(
            pl.DataFrame({"claim_id": ids.filter(flags[key])}).with_columns(
                pl.lit(number, pl.UInt32).alias("what")
            )
            for number, key in enumerate(_KINDS)
        )

    def _of_warnings(self, findings: pl.DataFrame) -> pl.DataFrame:
        """claim_id and number of each rule that warns about a claim, once however many lines it warns of."""
        warnings = findings.lazy().filter(pl.col("severity") == "warning").select("claim_id", "code")
        return (
            warnings.unique()
            .join(self._codes.lazy(), on="code")
            .select("claim_id", "what")
            .collect(engine="in-memory")
        )


def warning_words(rule: Warned) -> str:
    """Why payers care for a rule, and its code: one reason of a risk."""
    first = " ".join(rule.why.split()).split(". ", maxsplit=1)[0].rstrip(".").replace(BETWEEN, ", ")
    return f"{first} ({rule.code})" if first else rule.code
