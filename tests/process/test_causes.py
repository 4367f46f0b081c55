"""What the causes of a run say."""

from __future__ import annotations

import pytest

from claimsctl.process.book import Cause, _without_rare


@pytest.mark.parametrize(("values", "others"), [(2, "1 other value"), (5, "4 other values")])
def test_single_values_are_taken_together(values: int, others: str) -> None:
    causes = [Cause(f"NPI {n} is wrong.", "Look it up.", "error", "PRV-003", 1) for n in range(values)]
    (cause,) = _without_rare(causes)
    assert (cause.cause, cause.rows) == (f"NPI 0 is wrong; and {others}", values)
