"""Claims of the store whose payer has decided, as labelled claims and as history."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import polars as pl
import pytest

from claimsctl.errors import InputError
from claimsctl.facts.table import Context
from claimsctl.learning.stored import read_decided
from claimsctl.process.risks import named_payers
from claimsctl.process.rulebook import load_rulebook
from claimsctl.score.history import HISTORY, history_of
from claimsctl.store.answers import commit_answers
from claimsctl.store.decided import decided_claims
from claimsctl.store.workspace import Workspace
from claimsctl.validate.ruleset import Selection
from tests.claims import claim, write_csv
from tests.conftest import Process
from tests.store.test_answers import answers

PAID_ON = date(2026, 7, 20)


def test_claims_that_payers_decided_are_labelled(run: Process, tmp_path: Path) -> None:
    workspace = Workspace.open(tmp_path / "workspace")
    rulebook = load_rulebook(Selection(only=frozenset({"PAT-*"})))
    context = Context(date(2026, 8, 1), payers=rulebook.payers)
    with pytest.raises(InputError, match=r"no claim whose payer has decided.*claims refresh"):
        read_decided(workspace, rulebook, context)
    assert decided_claims(workspace, "default").height == 0
    run(write_csv(tmp_path / "claims.csv", [claim("C-1"), claim("C-2"), claim("C-3"), claim("C-4")]))
    told = [
        {"claim_number": "C-1", "status": "DENIED", "paid_amount": None, "processed_date": PAID_ON},
        {"claim_number": "C-2", "status": "PAID", "processed_date": PAID_ON},
        {"claim_number": "C-3", "status": "PENDING", "paid_amount": None},
        {"claim_number": "C-9", "status": "DENIED", "paid_amount": None},  # only its status is known
    ]
    commit_answers(workspace, "20260721-120000-0001", [answers(tmp_path / "one.parquet", *told)])
    appealed = answers(tmp_path / "two.parquet", {"claim_number": "C-1", "status": "PAID"})
    commit_answers(workspace, "20260821-120000-0001", [appealed])

    found = read_decided(workspace, rulebook, context)
    assert found.features.height == 2
    by_claim = dict(zip(found.denied, found.features["charge"], strict=True))
    assert set(by_claim) == {True, False}  # an appeal that is won does not unmake a denial
    assert found.features["days_to_file"].null_count() == 0
    assert found.digest == read_decided(workspace, rulebook, context).digest
    decided = decided_claims(workspace, "default")
    assert decided.filter(pl.col("job_id").is_null()).height == 1
    assert decided.filter(pl.col("decided_on") == PAID_ON).height == 2
    assert decided_claims(workspace, "other").height == 0
    history = history_of(named_payers(decided, rulebook))
    assert history.schema == HISTORY
    assert history.filter(pl.col("kind") == "all")["decided"].max() == 3
