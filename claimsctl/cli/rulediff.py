"""What `rules diff` does: two packs or editions compared, and a claims file checked with either."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from claimsctl.cli.run import Options, console, open_workspace, requested, stop_on_signals
from claimsctl.cli.state import State
from claimsctl.errors import UsageError
from claimsctl.process.comparing import (
    EditionSide,
    FindingChanges,
    Moved,
    PackSide,
    Side,
    compare_runs,
    read_side,
    stood_in_for,
)
from claimsctl.process.house_terms import house_control
from claimsctl.process.rulebook import rule_packs, shipped_packs
from claimsctl.process.trial import Trial, try_rules
from claimsctl.reference.comparing import EditionChanges, compare_editions
from claimsctl.reference.editions import EditionStore
from claimsctl.security import audit
from claimsctl.security.files import private_directory
from claimsctl.settings import Settings, load_settings
from claimsctl.store.workspace import REFERENCE_DIRECTORY
from claimsctl.validate.diffing import RuleChanges, compare_packs

Pair = tuple[PackSide, PackSide] | tuple[EditionSide, EditionSide]


def run_diff(state: State, before: str, after: str, options: Options, most: int) -> int:
    """Print what differs, and what that does to the claims of `options`; 1 when something differs."""
    settings = load_settings(state.workspace)
    store = EditionStore(settings.workspace / REFERENCE_DIRECTORY)
    house = rule_packs((*settings.rule_packs(), *options.rules), settings.workspace)
    in_force = [*shipped_packs(), *house]
    sides = _pair(*(read_side(text, in_force, store) for text in (before, after)))
    changes: RuleChanges | EditionChanges
    if isinstance(sides[0], PackSide) and isinstance(sides[1], PackSide):
        changes = compare_packs(sides[0].packs, sides[1].packs)
    elif isinstance(sides[0], EditionSide) and isinstance(sides[1], EditionSide):
        changes = compare_editions(sides[0].table, sides[1].table)
    moved = _moved(state, options, settings, sides, house, most) if options.inputs else None
    if state.json:
        told = {"before": before, "after": after, **_as_json(changes)}
        print(json.dumps(told | {"claims": moved and _moved_as_json(moved)}, indent=2, default=str))
    else:
        from claimsctl.cli.rulediff_screen import show_changes

        show_changes(console(state), (before, after), changes, moved, options.inputs, most)
    return int(bool(changes))


def _pair(before: Side, after: Side) -> Pair:
    match before, after:
        case PackSide(), PackSide():
            return before, after
        case EditionSide(), EditionSide() if before.table.name == after.table.name:
            return before, after
    raise UsageError(
        f"{before.title} and {after.title} cannot be compared.",
        hint="Give two rule packs, or two editions of one table.",
    )


def _moved(
    state: State, options: Options, settings: Settings, sides: Pair, house: Sequence[Path], most: int
) -> FindingChanges:
    """Both dry runs over the claims, one after the other."""
    from claimsctl.cli.progress import Progress
    from claimsctl.process.rulebook import load_rulebook

    if "-" in options.inputs:
        raise UsageError("Standard input cannot be read twice.", hint="Name a file with --claims.")
    stop_on_signals()
    _, workspace = open_workspace(state)
    request = requested(options, settings)
    store = EditionStore(workspace.reference_directory)
    packs = [side for side in sides if isinstance(side, PackSide)]
    left_out = stood_in_for(packs, [*shipped_packs(), *house])
    kept = [path for path in house if path not in left_out]

    def run(number: int) -> Trial:
        side = sides[number]
        rulebook = load_rulebook(
            request.selection,
            [*kept, *(side.paths if isinstance(side, PackSide) else ())],
            settings.payers,
            store,
            run_date=request.run_date,
            left_out=left_out,
            pinned=side.table if isinstance(side, EditionSide) else None,
            terms=settings.pricing.terms(options.locality),
        )
        rulebook = house_control(
            rulebook, settings, practice_id=request.practice_id, run_date=request.run_date
        )
        folder = scratch / str(number)
        private_directory(folder)
        trial = try_rules(request, rulebook, workspace, settings.mapping, folder, progress=progress)
        if number == 0:  # the same claims the second time
            audit.record(workspace, "rules diff", count=trial.outcome.ledger.rows.read)
        return trial

    quiet = state.quiet or state.json
    with workspace.scratch() as scratch, Progress(quiet=quiet, verbose=state.verbose) as progress:
        return compare_runs(run, most)


def _as_json(changes: RuleChanges | EditionChanges) -> dict[str, object]:
    if isinstance(changes, RuleChanges):
        added, removed = (
            [{"code": r.code, "name": r.name, "severity": r.severity, "error_message": r.error_message}
             for r in rules] for rules in (changes.added, changes.removed)
        )  # fmt: skip
        changed = [
            {"code": each.rule.code, "name": each.rule.name,
             "keys": {key: {"before": old, "after": new} for key, (old, new) in each.keys.items()}}
            for each in changes.changed
        ]  # fmt: skip
        return {"kind": "packs", "added": added, "removed": removed, "changed": changed}
    return {
        "kind": "editions",
        "key": changes.key,
        "counts": changes.counts,
        "new_columns": changes.new_columns,
        "lost_columns": changes.lost_columns,
        "added": changes.added.to_dicts(),
        "removed": changes.removed.to_dicts(),
        "changed": [
            {changes.key: each.code, "before": each.before, "after": each.after} for each in changes.changes()
        ],
    }


def _moved_as_json(moved: FindingChanges) -> dict[str, object]:
    return {
        "claims": moved.claims,
        "rejected": {"before": moved.rejected[0], "after": moved.rejected[1]},
        "appear": _codes_as_json(moved.appear),
        "disappear": _codes_as_json(moved.disappear),
        "severity": [
            {"code": code, "before": old, "after": new, "findings": rows}
            for (code, old, new), rows in sorted(moved.severities.items())
        ],
    }


def _codes_as_json(moved: Moved) -> list[dict[str, object]]:
    return [
        {"code": code, "findings": rows, "examples": moved.examples[code]} for code, rows in moved.by_rows()
    ]
