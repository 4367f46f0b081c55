"""The store that the bench grows holds the lines it says, each claim once."""

from __future__ import annotations

import json

import pytest

from benchmarks import many_claims
from claimsctl.inquiry.filters import Filters
from claimsctl.inquiry.statistics import statistics
from claimsctl.store.database import open_store
from claimsctl.store.workspace import Workspace


@pytest.mark.parametrize(("options", "patients"), [([], 3), (["--same-patients"], 1)])
def test_a_store_is_grown_for_patients(
    workspace: Workspace, capsys: pytest.CaptureFixture[str], options: list[str], patients: int
) -> None:
    many_claims.main([str(workspace.root), "15", *options])
    with open_store(workspace, write=False) as connection:
        counted = "SELECT count(DISTINCT history_key), count(DISTINCT job_id) FROM claims"
        keys, jobs = connection.execute(counted).fetchone() or (0, 0)
        first = (
            "SELECT count(DISTINCT history_key) FROM claims WHERE job_id = (SELECT min(job_id) FROM claims)"
        )
        (before,) = connection.execute(first).fetchone() or (0,)
    assert jobs == 3
    assert keys == before * patients > 0


def test_a_store_is_grown(workspace: Workspace, capsys: pytest.CaptureFixture[str]) -> None:
    many_claims.main([str(workspace.root), "12"])
    made = json.loads(capsys.readouterr().out)
    assert (made["lines"], made["lines_per_job"]) == (15, 5)
    found = statistics(workspace, Filters(), top=None)
    assert (found["total_claims"], found["total_lines"]) == (12, 15)
    assert {row["code"]: row["lines"] for row in found["by_code"]} == {"99213": 9, "90834": 3, "99214": 3}
    assert all(row["claims"] % 3 == 0 for row in found["top_findings"])
