"""What `rules test` does and prints."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

import polars as pl

from claimsctl.cli.run import Options, console, open_workspace, settle
from claimsctl.cli.screen import Screen, count
from claimsctl.cli.state import State
from claimsctl.errors import UsageError
from claimsctl.process.expected import Differences, compare, read_expected, write_expected
from claimsctl.process.rulebook import Rulebook
from claimsctl.process.trial import Trial, try_rules
from claimsctl.security import audit

_SHOWN: Final = 50


def run_test(state: State, options: Options, expect: Path, *, update: bool) -> int:
    """Compare the findings of a dry run with the expected ones; 1 when they differ."""
    expected = None if update else read_expected(expect)
    settings, workspace = open_workspace(state)
    request, rulebook, _ = settle(options, settings)
    with workspace.scratch() as folder:
        trial = try_rules(request, rulebook, workspace, settings.mapping, folder)
        audit.record(workspace, "rules test", count=trial.outcome.ledger.rows.read)
        if len(trial.outcome.intake.inputs) != 1:
            raise UsageError("rules test takes one claims file.", hint="Row numbers of several would mix.")
        if expected is None:
            _tell_written(state, expect, write_expected(expect, trial.found.scan()))
            return 0
        differences = compare(trial.found.scan(), expected)
        found = trial.found.scan().select(pl.len()).collect().item()
    why = _reasons(rulebook, trial)
    if state.json:
        print(json.dumps({
            "expected": expected.findings.height, "found": found,
            "missing": [row | {"reason": why(row["code"])} for row in differences.missing.to_dicts()],
            "unexpected": differences.unexpected.to_dicts(),
        }, indent=2))  # fmt: skip
    else:
        _tell(Screen(console(state)), differences, why, expected.findings.height, found)
    return int(bool(differences))


def _reasons(rulebook: Rulebook, trial: Trial) -> Callable[[str], str | None]:
    """Why a rule could not find anything; None where it ran."""
    known = {rule.code for rule in rulebook.ruleset.rules}
    stopped = trial.outcome.not_run

    def why(code: str) -> str | None:
        if code not in known:
            return "no rule has this code"
        return f"did not run: {stopped[code].reason}" if code in stopped else None

    return why


def _tell_written(state: State, path: Path, findings: int) -> None:
    if state.json:
        print(json.dumps({"written": str(path), "findings": findings}, indent=2))
    else:
        Screen(console(state)).line(f"Wrote {path}: {count(findings, 'finding')}.")


def _tell(
    screen: Screen,
    differences: Differences,
    why: Callable[[str], str | None],
    expected: int,
    found: int,
) -> None:
    if not differences:
        screen.line(f"{count(found, 'finding')}, all as expected.")
        return
    screen.line(f"{count(expected, 'finding')} expected, {found:,} found.")
    _list(screen, "Missing", differences.missing, lambda row: why(row["code"]))
    _list(screen, "Unexpected", differences.unexpected, _seen)


def _seen(row: Mapping[str, Any]) -> str:
    said = [row["severity"]]
    if row["value"] is not None:
        said.append(f"value {row['value']}")
    if row["row_is_clean"]:
        said.append("no finding is expected on this row")
    return "; ".join(said)


def _list(
    screen: Screen, title: str, rows: pl.DataFrame, remark: Callable[[Mapping[str, Any]], str | None]
) -> None:
    if rows.is_empty():
        return
    some = f", {_SHOWN} of {rows.height:,} (all with --json)" if rows.height > _SHOWN else ""
    screen.heading(f"{title}{some}")
    for row in rows.head(_SHOWN).iter_rows(named=True):
        place = "the file" if row["row_number"] is None else f"row {row['row_number']}"
        words = [place, row["code"], row["field"], remark(row)]
        screen.wrapped("  ".join(word for word in words if word), 2)
