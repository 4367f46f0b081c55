"""Costs of pricing: every step is timed on a run that prices all lines."""

from __future__ import annotations

from pathlib import Path

from benchmarks import generate
from benchmarks.price_costs import measure
from claimsctl.price.terms import Terms
from claimsctl.process.rulebook import load_rulebook
from claimsctl.validate.ruleset import Selection


def test_every_step_is_timed(tmp_path: Path) -> None:
    generate.write(300, tmp_path / "claims.csv")
    spill = tmp_path / "spill"
    spill.mkdir()
    rulebook = load_rulebook(Selection(only=frozenset({"PRC-*"})), terms=Terms(locality="01112/05"))
    costs = measure(tmp_path / "claims.csv", rulebook, spill)
    assert 200 < costs["lines"] <= 300
    assert 0 < costs["priced"] < costs["lines"]
    assert all(costs[step] > 0 for step in ("candidates", "ranks", "price"))
    assert sum(costs[step] for step in ("candidates", "ranks", "price")) < costs["passes"]
