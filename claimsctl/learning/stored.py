"""Labelled claims of the store: those that payers decided, with the lines and findings they had."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from claimsctl.claim import BY_NAME as CANONICAL
from claimsctl.errors import InputError, StoreError
from claimsctl.facts.table import STORED, Context, closure, stored_facts
from claimsctl.facts.typed import DTYPES
from claimsctl.learning.assembling import dollars_of, kinds_of, known_features
from claimsctl.models.training import Labelled
from claimsctl.process.risks import named_payers
from claimsctl.process.rulebook import Rulebook
from claimsctl.score.features import claim_day
from claimsctl.score.gathering import NEEDED, gather, put_together
from claimsctl.score.history import history_of
from claimsctl.store.database import Notify
from claimsctl.store.decided import decided_claims
from claimsctl.store.workspace import Workspace

_PRICE = "expected_allowed_amount"


def read_decided(
    workspace: Workspace, rulebook: Rulebook, context: Context, *, notify: Notify | None = None
) -> Labelled:
    """The decided claims of the store, a row each. Raises InputError where there are none, StoreError where
    their lines cannot be read.
    """
    decided = decided_claims(workspace, context.practice_id, notify=notify)
    with_lines = decided.filter(pl.col("job_id").is_not_null())
    if not with_lines.height:
        raise InputError(
            "The store has no claim whose payer has decided.",
            hint="Ask payers with `claimsctl claims refresh`, set statuses with `claimsctl claims "
            "set-status`, or name labelled files.",
        )
    reading = _Reading(workspace, rulebook, context)
    gathered = put_together(
        [
            reading.job(str(job), claims)
            for (job,), claims in with_lines.group_by("job_id", maintain_order=True)
        ]
    )
    known = gathered.join(
        with_lines.select("claim_id", "denied", "recorded_on").unique("claim_id", keep="first"),
        on="claim_id", how="left", maintain_order="left",
    )  # fmt: skip
    # A claim was sent when it was stored; today says nothing of one that is decided.
    known = known.with_columns(pl.coalesce("received_date", "recorded_on").alias("received_date"))
    history = history_of(named_payers(decided, rulebook))
    features = known_features(known.select(gathered.columns), history, rulebook)
    return Labelled(
        features, kinds_of(features), known["denied"], known.select(claim_day().alias("day"))["day"],
        dollars_of(features), _digest(features, known["denied"]),
    )  # fmt: skip


def _digest(features: pl.DataFrame, denied: pl.Series) -> str:
    """sha256 of the features and outcomes, whatever the order of claims."""
    rows = features.drop("claim_id").with_columns(denied).sort(pl.all()).write_csv()
    return hashlib.sha256(rows.encode()).hexdigest()


@dataclass(frozen=True)
class _Reading:
    workspace: Workspace
    rulebook: Rulebook
    context: Context

    def job(self, job_id: str, claims: pl.DataFrame) -> pl.DataFrame:
        """The gathered claims of a job, in the order of its lines."""
        files = sorted(self.workspace.lines_directory(job_id).glob("part-*.parquet"))
        lines = self._lines(files, claims["claim_id"])
        return gather(lines, self._findings(job_id, claims["claim_id"]))

    def _lines(self, files: Collection[Path], wanted: pl.Series) -> pl.DataFrame:
        names = (set(NEEDED) & STORED) - {_PRICE, "claim_id"}
        columns = [name for name in closure(names)[0] if name in CANONICAL]
        schema: Mapping[str, pl.DataType | type[pl.DataType]] = {
            "claim_id": pl.UInt64(),
            **{name: DTYPES[CANONICAL[name].cell_type] for name in sorted(columns)},
            _PRICE: pl.Decimal(18, 4),
        }
        try:
            found = (
                pl.scan_parquet(
                    list(files), schema=schema, missing_columns="insert", extra_columns="ignore", glob=False,
                )
                .filter(pl.col("claim_id").is_in(wanted.implode()))
                .collect(engine="streaming")
            )  # fmt: skip
        except (OSError, pl.exceptions.ComputeError, pl.exceptions.SchemaError):
            raise StoreError(
                "Stored lines of decided claims cannot be read.",
                hint="Run again if another process was just removing a run; else restore the workspace.",
            ) from None
        given = found.drop("claim_id", _PRICE).with_row_index("row_index")
        given = given.with_columns(pl.lit(None, pl.UInt64).alias("same_patient"))
        facts = stored_facts(given, names, self.context)
        return facts.with_columns(found["claim_id"], found[_PRICE])

    def _findings(self, job_id: str, wanted: pl.Series) -> pl.DataFrame | None:
        path = self.workspace.findings_file(job_id)
        if not path.exists():
            return None
        rules = self.rulebook.ruleset.rules
        told = pl.DataFrame(
            [(rule.code, rule.severity, rule.category) for rule in rules],
            schema={"code": pl.String, "severity": pl.String, "category": pl.String}, orient="row",
        ).unique("code")  # fmt: skip
        found = pl.read_parquet(path).filter(pl.col("claim_id").is_in(wanted.implode()))
        return found.join(told, on="code", maintain_order="left").select("claim_id", "severity", "category")
