"""Looking claims up in bulk, and finding the run that saw them last."""

from __future__ import annotations

import subprocess
import sys
from decimal import Decimal

import polars as pl
from run_commit import SCHEME, lines, spill

from claimsctl.store.claims import EXISTING, existing_claims, known_records, last_job_of
from claimsctl.store.commit import commit_run
from claimsctl.store.schema import KEY
from claimsctl.store.workspace import Workspace


def store(workspace: Workspace, part: pl.DataFrame) -> str:
    job_id = workspace.new_job_id()
    spill(workspace, job_id, part)
    commit_run(workspace, job_id, digest_scheme=SCHEME)
    return job_id


def test_nothing_is_known_of_an_empty_store_and_nothing_imported(workspace: Workspace) -> None:
    code = (
        "import sys; from pathlib import Path; import polars as pl\n"
        "from claimsctl.store.workspace import Workspace\n"
        "from claimsctl.store.claims import existing_claims, known_records, last_job_of\n"
        "from claimsctl.store.schema import KEY\n"
        f"w = Workspace.open(Path({str(workspace.root)!r}))\n"
        "keys = pl.DataFrame({name: ['a'] for name in KEY})\n"
        "print(existing_claims(w, keys).height, len(known_records(w)))\n"
        "print(last_job_of(w, pl.Series([1], dtype=pl.UInt64)))\n"
        "print(sorted({'duckdb', '_duckdb', 'sqlalchemy', 'cryptography', 'pydantic'} & set(sys.modules)))"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.splitlines() == ["0 0", "None", "[]"]


def test_existing_claims_are_the_current_versions(workspace: Workspace) -> None:
    first = store(workspace, lines(range(3), rejected=frozenset({2})))
    second = store(workspace, lines(range(1), charge="50.00"))
    keys = lines(range(5)).with_columns(
        payer_sequence=pl.when(pl.col("claim_number") == "C1").then(None).otherwise("payer_sequence")
    )
    found = existing_claims(workspace, keys)
    assert found.schema == EXISTING
    assert found.select("claim_number", "status", "job_id", "charge_total", "line_count").rows() == [
        ("C0", "VALIDATED", second, Decimal("100.00"), 2),
        ("C2", "INVALID", first, Decimal("20.20"), 2),
    ]
    assert found["digest"][1] == lines(range(2, 3))["content_digest"].sum()
    assert found["patient_key"].to_list() == [f"{0:032x}", f"{2:032x}"]
    assert found.select(KEY).row(0) == ("default", "C0", "P")


def test_no_keys(workspace: Workspace) -> None:
    store(workspace, lines(range(1)))
    assert existing_claims(workspace, lines(range(0))).height == 0


def test_null_payer_sequence_is_found(workspace: Workspace) -> None:
    nothing = lines(range(1)).with_columns(payer_sequence=pl.lit(None, pl.String))
    store(workspace, nothing)
    assert existing_claims(workspace, nothing)["payer_sequence"].to_list() == [None]
    assert existing_claims(workspace, lines(range(1))).height == 0


def test_last_job_is_the_one_that_shares_most_claims(workspace: Workspace) -> None:
    everything = lines(range(100))["claim_id"].unique()
    assert last_job_of(workspace, everything) is None
    whole = store(workspace, lines(range(100)))
    corrected = store(workspace, lines(range(10), charge="9.00"))
    assert last_job_of(workspace, everything) == whole
    assert last_job_of(workspace, everything.head(0)) is None
    few = lines(range(5))["claim_id"].unique()
    assert last_job_of(workspace, few) == corrected, "the later of equals"
    assert last_job_of(workspace, few, before=corrected) == whole
    assert last_job_of(workspace, everything + 1000) is None
    unchanged = store(workspace, lines(range(100)).head(150))
    assert last_job_of(workspace, few) == unchanged, "a job that stored nothing still saw them"


def test_no_records_without_patients(workspace: Workspace) -> None:
    store(workspace, lines(range(1)))
    assert known_records(workspace).dtype == pl.UInt64
    assert len(known_records(workspace)) == 0
