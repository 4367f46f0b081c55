"""What `rules diff` prints for people."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from claimsctl.cli.screen import Screen, count
from claimsctl.process.comparing import FindingChanges, Moved
from claimsctl.reference.comparing import CodeChange, EditionChanges
from claimsctl.validate.diffing import RuleChange, RuleChanges

if TYPE_CHECKING:
    import polars as pl
    from rich.console import Console

    from claimsctl.validate.pack import Rule

_SHORT = 60


def show_changes(
    console: Console,
    titles: tuple[str, str],
    changes: RuleChanges | EditionChanges,
    moved: FindingChanges | None,
    inputs: Sequence[str],
    most: int,
) -> None:
    """Print what differs; of codes the first `most`, of rules all."""
    screen = Screen(console)
    if not changes:
        screen.line(f"{titles[0]} and {titles[1]} do not differ.")
    elif isinstance(changes, RuleChanges):
        _rules(screen, titles, changes)
    else:
        _editions(screen, titles, changes, most)
    if moved is not None:
        _claims(screen, titles, changes, moved, inputs)


def _rules(screen: Screen, titles: tuple[str, str], changes: RuleChanges) -> None:
    numbers = (len(changes.added), len(changes.removed), len(changes.changed))
    screen.line("{} -> {}: {}".format(*titles, _numbers("rule", *numbers)))
    for title, rules in (("Added", changes.added), ("Removed", changes.removed)):
        if rules:
            screen.heading(title)
        for rule in rules:
            _rule(screen, rule)
    if changes.changed:
        screen.heading("Changed")
    for change in changes.changed:
        _change(screen, change)


def _numbers(noun: str, added: int, removed: int, changed: int) -> str:
    return f"{count(added, noun)} added, {removed:,} removed, {changed:,} changed."


def _rule(screen: Screen, rule: Rule) -> None:
    screen.line(f"{rule.code}  {rule.severity}  {rule.name}", indent=2)
    screen.wrapped(" ".join(rule.error_message.split()), 4)


def _change(screen: Screen, change: RuleChange) -> None:
    screen.line(f"{change.rule.code}  {change.rule.name}", indent=2)
    for key, (old, new) in change.keys.items():
        if key in ("passes", "fails"):
            screen.line(f"{key}: other examples", indent=4)
            continue
        was, now = _shown(old), _shown(new)
        if len(was) + len(now) < _SHORT:
            screen.line(f"{key}: {was} -> {now}", indent=4)
        else:
            screen.line(f"{key}:", indent=4)
            screen.wrapped(f"- {was}", 6)
            screen.wrapped(f"+ {now}", 6)


def _shown(value: object) -> str:
    if value is None or value == "":
        return "(none)"
    if isinstance(value, list):
        return ", ".join(str(each) for each in value) or "(none)"
    return " ".join(str(value).split())


def _editions(screen: Screen, titles: tuple[str, str], changes: EditionChanges, most: int) -> None:
    counts = changes.counts
    screen.line("{} -> {}: {}".format(*titles, _numbers("code", **counts)))
    for words, names in (("New columns", changes.new_columns), ("Columns gone", changes.lost_columns)):
        if names:
            screen.wrapped(f"{words}: {', '.join(names)}")
    for title, frame, number in (
        ("Added", changes.added, counts["added"]),
        ("Removed", changes.removed, counts["removed"]),
    ):
        if number:
            screen.heading(_cut(title, number, most))
            _rows(screen, frame, changes.key, most)
    if counts["changed"]:
        screen.heading(_cut("Changed", counts["changed"], most))
    for change in changes.changes(most):
        _code(screen, change)


def _cut(title: str, number: int, most: int) -> str:
    return f"{title}, {most:,} of {number:,} (all with --json)" if number > most else title


def _rows(screen: Screen, frame: pl.DataFrame, key: str, most: int) -> None:
    codes = frame[key].unique(maintain_order=True).head(most)
    for row in frame.filter(frame[key].is_in(codes.implode())).iter_rows(named=True):
        screen.wrapped(f"{row[key]}  {_values(row, key)}".rstrip(), 2)


def _values(row: Mapping[str, object], key: str = "") -> str:
    return "; ".join(f"{name} {value}" for name, value in row.items() if value is not None and name != key)


def _code(screen: Screen, change: CodeChange) -> None:
    if len(change.before) == len(change.after) == 1:
        (old,), (new,) = change.before, change.after
        words = (f"{name} {_shown(value)} -> {_shown(new[name])}" for name, value in old.items())
        screen.wrapped(f"{change.code}  {'; '.join(words)}", 2)
        return
    screen.line(change.code, indent=2)
    for sign, rows in (("-", change.before), ("+", change.after)):
        for row in rows:
            screen.wrapped(f"{sign} {_values(row)}", 4)


def _claims(
    screen: Screen,
    titles: tuple[str, str],
    changes: RuleChanges | EditionChanges,
    moved: FindingChanges,
    inputs: Sequence[str],
) -> None:
    screen.heading(f"Findings in {', '.join(inputs)}")
    if isinstance(changes, EditionChanges):
        how = f"Checked with {titles[0]} for all service dates, then with {titles[1]} in its place."
    else:
        how = f"Checked with {titles[0]} beside all other rules, then with {titles[1]} in its place."
    screen.wrapped(how, 2)
    was, now = moved.rejected
    screen.wrapped(f"Of {count(moved.claims, 'claim')} {was:,} rejected before, {now:,} after.", 2)
    _moved(screen, "Appear", moved.appear)
    _moved(screen, "Disappear", moved.disappear)
    if moved.severities:
        screen.heading("Other severity")
    for (code, old, new), rows in sorted(moved.severities.items()):
        screen.line(f"{code}  {old} -> {new}  {count(rows, 'finding')}", indent=2)
    if not (moved.appear.rows or moved.disappear.rows or moved.severities):
        screen.line("The findings are the same.", indent=2)


def _moved(screen: Screen, title: str, moved: Moved) -> None:
    if moved.rows:
        screen.heading(f"{title}: {count(moved.rows.total(), 'finding')}")
    for code, rows in moved.by_rows():
        screen.line(f"{code}  {count(rows, 'finding')}", indent=2)
        shown = moved.examples[code]
        for row in shown:
            place = "the file" if row["row_number"] is None else f"row {row['row_number']}"
            claim = f", claim {row['claim_number']}" if row["claim_number"] else ""
            value = f", {row['field']}: {_shown(row['value'])}" if row["field"] else ""
            screen.wrapped(place + claim + value, 4)
        if rows > len(shown):
            screen.line(f"and {rows - len(shown):,} more", indent=4)
