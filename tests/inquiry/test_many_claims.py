"""The store that the bench grows holds the lines it says, each claim once."""

from __future__ import annotations

import json

import pytest

from benchmarks import many_claims
from claimsctl.inquiry.filters import Filters
from claimsctl.inquiry.statistics import statistics
from claimsctl.store.workspace import Workspace


def test_a_store_is_grown(workspace: Workspace, capsys: pytest.CaptureFixture[str]) -> None:
    many_claims.main([str(workspace.root), "12"])
    made = json.loads(capsys.readouterr().out)
    assert (made["lines"], made["lines_per_job"]) == (15, 5)
    found = statistics(workspace, Filters(), top=None)
    assert (found["total_claims"], found["total_lines"]) == (12, 15)
    assert {row["code"]: row["lines"] for row in found["by_code"]} == {"99213": 9, "90834": 3, "99214": 3}
    assert all(row["claims"] % 3 == 0 for row in found["top_findings"])
