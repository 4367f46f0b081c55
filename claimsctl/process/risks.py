"""How the claims of a run are scored, from settings, rules, tables and what payers decided before."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import polars as pl

from claimsctl.facts.payers import resolve_payer
from claimsctl.process.intake import Input
from claimsctl.process.own_columns import not_given
from claimsctl.process.request import Request
from claimsctl.process.rulebook import Rulebook
from claimsctl.process.scorers import PointsScorer, Scorer
from claimsctl.process.scoring import RiskTerms
from claimsctl.score.history import history_of
from claimsctl.score.outcomes import monthly
from claimsctl.score.points import PointsScore, Warned
from claimsctl.score.risk import Bands
from claimsctl.store.decided import decided_claims

if TYPE_CHECKING:
    from claimsctl.settings_tables import ScoringSettings
    from claimsctl.store.workspace import Workspace


def risk_terms(
    request: Request,
    rulebook: Rulebook,
    settings: ScoringSettings | None,
    workspace: Workspace,
    inputs: Sequence[Input],
    notify: Callable[[str], None],
) -> RiskTerms | None:
    """The terms of a run; None where its claims are not scored. Says what the model lacks in the inputs."""
    if settings is None or not request.score:
        return None
    decided = decided_claims(workspace, request.practice_id, notify=notify)
    decided = decided.filter(pl.col("decided_on") < request.run_date)
    history = history_of(named_payers(decided, rulebook)) if decided.height else None
    limits = filing_limits(rulebook)
    scorer, told = _model(request, settings, workspace, inputs, limits, history)
    if told is not None and (lacking := told["not_given"]):
        notify(
            f"The model {told['name']} reads columns that no input has: {', '.join(lacking)}. They count as "
            "unknown, so its risks say less."
        )
    if scorer is None:
        rules, priced = warned_rules(rulebook), rulebook.pricing is not None
        scorer = PointsScorer(PointsScore(request.run_date, rules, history, priced=priced))
    return RiskTerms(
        scorer,
        Bands(settings.medium, settings.high),
        request.hold_above,
        limits,
        with_history=history is not None,
        told={
            "model": told,
            "history": _told(history),
            "outcomes": monthly(decided, scorer.source) if told is not None else None,
        },
    )


def _model(
    request: Request,
    settings: ScoringSettings,
    workspace: Workspace,
    inputs: Sequence[Input],
    limits: Mapping[str, int],
    history: pl.DataFrame | None,
) -> tuple[Scorer | None, dict[str, Any] | None]:
    """What scores with the model of the settings, else the one in use, and what the summary says of it; None
    where points score. Raises UsageError and InputError for a model that is not there or was altered."""
    if settings.model is None and not (workspace.root / "models").is_dir():
        return None, None
    from claimsctl.models.artefact import ModelStore

    store = ModelStore(workspace)
    loaded = store.active() if settings.model is None else store.load(settings.model)
    if loaded is None:
        return None, None
    from claimsctl.process.modelled import ModelScorer

    reference = loaded.document.get("reference") or {}
    lacking = not_given(inputs, loaded.own)
    scorer = ModelScorer(
        loaded.model, request.run_date, limits, history, reference, loaded.own, frozenset(lacking)
    )
    return scorer, {"name": loaded.model.name, "sha256": loaded.digest, "not_given": lacking}


def named_payers(decided: pl.DataFrame, rulebook: Rulebook) -> pl.DataFrame:
    """Decided claims (store.decided) with their `payer` as features and history know it."""
    pairs = decided.select("payer_id", "payer_name").unique()
    keys = [resolve_payer(payer, name, rulebook.payers) for payer, name in pairs.iter_rows()]
    named = pairs.with_columns(pl.Series("payer_key", keys, dtype=pl.String))
    return decided.join(
        named, on=["payer_id", "payer_name"], how="left", nulls_equal=True, maintain_order="left"
    ).with_columns(pl.coalesce("payer_key", pl.col("payer_id").str.to_uppercase()).alias("payer"))


def _told(history: pl.DataFrame | None) -> dict[str, int]:
    """How many decided claims a run was compared with, for its summary."""
    if history is None:
        return {"decided": 0, "denied": 0}
    last = history.filter(pl.col("kind") == "all").tail(1)
    return {"decided": int(last["decided"].item()), "denied": int(last["denied"].item())}


def warned_rules(rulebook: Rulebook) -> list[Warned]:
    """Every rule that looks at claims or lines; whether it warns may differ from payer to payer."""
    return [
        Warned(rule.code, rule.category, rule.why)
        for rule in sorted(rulebook.ruleset.rules, key=lambda rule: rule.code)
        if rule.level != "file"
    ]


def filing_limits(rulebook: Rulebook) -> dict[str, int]:
    """Days to file by payer of the registry."""
    frame = rulebook.tables["timely_filing"].frame
    days = frame.select("payer_id", pl.col("filing_limit_days").cast(pl.Int32, strict=False)).drop_nulls()
    return dict(days.iter_rows())


__all__ = ["filing_limits", "risk_terms", "warned_rules"]
