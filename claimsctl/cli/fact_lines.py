"""What the terminal says of a run in labelled lines: columns, rules, tables, earlier runs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from decimal import Decimal
from typing import Any, Final

from claimsctl.cli.control_lines import control_lines
from claimsctl.cli.screen import count, listed
from claimsctl.cli.sent_lines import sent_lines
from claimsctl.fix.repairs import TITLES

MAX_REASONS: Final = 3
MAX_REPAIRS: Final = 3


def fact_lines(summary: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Label and text of each line; a text is blank where there is nothing to say."""
    return [
        ("Columns", mapping_line(summary.get("mapping") or {})),
        ("Repairs", _repairs_line(summary)),
        ("Unread", unread_line(summary.get("unread") or ())),
        ("Rules", _rules_line(summary.get("rules") or {})),
        *control_lines(summary),
        ("Expected", _expected_line(summary.get("pricing") or {})),
        ("Risk", _risk_line(summary.get("scoring") or {})),
        ("Tables", _tables_line(summary.get("reference") or ())),
        *unserved_lines(summary.get("rules") or {}),
        ("Last run", _since_line(summary.get("since_last"))),
        ("History", _history_line(summary)),
        *sent_lines(summary.get("sent") or {}),
    ]


def mapping_line(mapping: Mapping[str, Any]) -> str:
    """How many columns were mapped, which are missing, which nobody knows."""
    if not mapping:
        return ""
    parts = [f"{len(mapping.get('columns') or ()):,} mapped"]
    ignored, missing = (_names(mapping.get(key)) for key in ("ignored", "missing"))
    if missing:
        parts.append(f"{len(missing):,} required but not in the file: {listed(missing)}")
    if own := _names(mapping.get("own")):
        parts.append(f"{len(own):,} that claimsctl added and now passes over: {listed(own)}")
    if ignored:
        parts.append(f"{len(ignored):,} not recognised and kept as x_ columns: {listed(ignored)}")
    return "; ".join(parts)


def unread_line(unread: Sequence[Mapping[str, Any]]) -> str:
    """Cells that are no dates or numbers where their columns ask for them."""
    if not unread:
        return ""
    words = [f"{each['cells']:,} of {each['column']} (first in row {each['first_row']:,})" for each in unread]
    return f"cells that are no date, time or number and count as blank: {listed(words)}"


def _repairs_line(summary: Mapping[str, Any]) -> str:
    """Cells that `process --fix` repaired; blank in a run without --fix."""
    repairs, cells = summary.get("repairs"), summary.get("cells_repaired", 0)
    if repairs is None:
        return ""
    parts = ["no cell needed one"]
    if cells:
        kinds = [f"{number:,} {TITLES[name]}" for name, number in list(repairs.items())[:MAX_REPAIRS]]
        more = len(repairs) - len(kinds)
        kinds += [f"{more} more {'kind' if more == 1 else 'kinds'}"] if more else []
        parts = [f"{count(cells, 'cell')} repaired ({', '.join(kinds)})"]
    proposed = sum((summary.get("proposals") or {}).values())
    if proposed:
        parts.append(f"{proposed:,} only proposed")
    if (cells or proposed) and "repairs" in (summary.get("outputs") or {}):
        parts.append("repairs.csv lists them")
    return "; ".join(parts)


def _expected_line(pricing: Mapping[str, Any]) -> str:
    """What the lines should pay, and how many could not be priced for which reason."""
    if not pricing or not pricing.get("lines"):
        return ""
    lines, priced = pricing["lines"], pricing["priced"]
    amount = f"{Decimal(pricing['expected_allowed_amount']):,}"
    clean = f"{Decimal(pricing['accepted_expected_allowed_amount']):,}"
    parts = [f"${amount} for {priced:,} of {count(lines, 'line')}, ${clean} of it on accepted claims"]
    if not priced:
        parts = [f"none of {count(lines, 'line')} could be priced (docs/pricing.md says what it takes)"]
    reasons = list((pricing.get("not_priced") or {}).items())
    why = [f"{number:,} {status.lower().replace('_', ' ')}" for status, number in reasons[:MAX_REASONS]]
    if len(reasons) > MAX_REASONS:
        why.append(f"{sum(number for _, number in reasons[MAX_REASONS:]):,} for other reasons")
    return "; ".join([*parts, *([f"not priced: {', '.join(why)}"] if why else [])])


def _risk_line(scoring: Mapping[str, Any]) -> str:
    """How many claims are likely to be denied, what is at stake, and by what that was judged."""
    if not scoring or not scoring.get("claims"):
        return ""
    bands = {each["band"]: each["claims"] for each in scoring["by_band"]}
    loss = Decimal(scoring["expected_loss"])
    stake = f", ${loss:,} at stake" if loss else ""
    of = count(scoring["claims"], "accepted claim")
    by = "points, no model" if scoring["source"] == "rules" else scoring["source"].removeprefix("model:")
    parts = [f"{bands['high']:,} high and {bands['medium']:,} medium of {of}{stake} (by {by})"]
    outcomes = scoring.get("outcomes")
    if outcomes and outcomes["off"]:
        months = [month["month"] for month in outcomes["months"] if month["off"]]
        parts.append(
            f"payers denied other shares than predicted in {listed(months)}: look at `claimsctl model show`"
        )
    drift = scoring.get("drift")
    if drift and drift["moved"] != "none":
        most = listed([each["words"] for each in drift["features"]][:3]) or "the risk itself"
        how = "others than" if drift["moved"] == "other" else "not quite like"
        parts.append(f"these claims are {how} those of the training ({most}): look at `claimsctl model show`")
    held = scoring["held"]
    if held["claims"]:
        parts.append(f"{held['claims']:,} above {scoring['hold_above']:g} held back")
    return "; ".join(parts)


def _tables_line(reference: Sequence[Mapping[str, Any]]) -> str:
    old = [f"{each['table']} ended {each['ended']}" for each in reference if each.get("ended")]
    if not old:
        return ""
    return f"{listed(old)}: later lines were checked against the old edition; load the new one"


def _rules_line(rules: Mapping[str, Any]) -> str:
    if not rules:
        return ""
    active = rules.get("active")
    not_run = [rule for rule in rules.get("not_run") or () if "table" not in rule]
    number = active if isinstance(active, int) else len(active or ())
    if not not_run:
        return f"{number:,} active" + ("" if _partly_run(rules) else ", all of them ran")
    reasons = Counter(str(rule.get("reason") or "unknown") for rule in not_run).most_common()
    why = "; ".join(f"{times:,} because {reason}" for reason, times in reasons[:MAX_REASONS])
    rest = sum(times for _, times in reasons[MAX_REASONS:])
    more = f"; {rest:,} for other reasons, in summary.json" if rest else ""
    return f"{number:,} active; {len(not_run):,} not run: {why}{more}"


def unserved_lines(rules: Mapping[str, Any]) -> list[tuple[str, str]]:
    """A labelled line per table and time without an edition: how many lines no rule could look up."""
    counts = Counter((each["rows"], each["table"], each["from"], each["to"]) for each in _partly_run(rules))
    lines = []
    for (rows, table, first, last), codes in sorted(counts.items(), key=lambda item: -item[0][0]):
        many = count(rows, "line")
        stopped = f"{count(codes, 'rule')} not run on {'it' if rows == 1 else 'them'}"
        if first is None:
            verb = "is" if rows == 1 else "are"
            begins = date.fromisoformat(str(last)) + timedelta(days=1)
            text = f"{many} {verb} older than the oldest {table} edition ({begins}): {stopped}"
        else:
            text = f"{many} of {first} to {last}, between two {table} editions: {stopped}"
        lines.append(("Warning", text))
    return lines


def _partly_run(rules: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """Entries of rules that did not run on some lines, since a table has no edition for their day."""
    return [each for each in rules.get("not_run") or () if "table" in each]


def _since_line(since: Mapping[str, int] | None) -> str:
    if not since:
        return ""
    fixed, new, same = (since.get(key, 0) for key in ("fixed", "new", "same"))
    return f"{count(fixed, 'finding')} fixed since, {new:,} new, {same:,} the same"


def _history_line(summary: Mapping[str, Any]) -> str:
    history = summary.get("history") or {}
    parts = []
    if history.get("seen_before"):
        names = dict.fromkeys(str(job) for job in history["seen_before"].values())
        parts.append(f"this input was processed before, in job {listed(list(names))}")
    if history.get("jobs"):
        claims, jobs = count(history["claims"], "claim"), count(len(history["jobs"]), "earlier run")
        parts.append(f"compared with {claims} of the same patients in {jobs}")
    if history.get("not_compared"):
        old = count(history["not_compared"], "claim")
        parts.append(f"{old} of an older version could not be compared until their files are run again")
    duplicates = summary.get("duplicates") or {}
    if duplicates.get("found"):
        strategy = duplicates.get("strategy")
        parts.append(f"{count(duplicates['found'], 'duplicate')} found (--duplicates {strategy})")
    return "; ".join(parts)


def _names(value: object) -> list[str]:
    if isinstance(value, Mapping):
        return [str(name) for name in value.values()]
    return [str(name) for name in value] if isinstance(value, list | tuple | set) else []
