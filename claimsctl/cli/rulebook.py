"""What the `rules` commands print."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from difflib import get_close_matches
from pathlib import Path

from claimsctl.cli.run import console
from claimsctl.cli.state import State
from claimsctl.errors import UsageError
from claimsctl.process.rulebook import EXAMPLE_TERMS, Rulebook, load_rulebook, rule_packs
from claimsctl.reference.editions import EditionStore
from claimsctl.reference.locate import data_path
from claimsctl.settings import load_settings
from claimsctl.store.workspace import REFERENCE_DIRECTORY
from claimsctl.validate.examples import EXAMPLE_DATE, run_examples
from claimsctl.validate.pack import Example, Rule, load_packs
from claimsctl.validate.ruleset import Selection


def _rulebook(state: State, extra: Sequence[Path] = (), *, samples: bool = False) -> Rulebook:
    """Shipped packs, those of the settings and of the workspace, then `extra` ones that are none of them."""
    settings = load_settings(state.workspace)
    packs = rule_packs(settings.rule_packs(), settings.workspace)
    known = {path.resolve() for path in (*packs, *data_path("rules").glob("*.toml"))}
    own = [path for path in dict.fromkeys(extra) if path.resolve() not in known]
    editions = EditionStore(settings.workspace / REFERENCE_DIRECTORY)
    return load_rulebook(
        Selection(), [*packs, *own], settings.payers, editions, samples=samples,
        terms=EXAMPLE_TERMS if samples else settings.pricing.terms(),
    )  # fmt: skip


def _find(rulebook: Rulebook, code: str) -> Rule:
    """The rule of a code or name, in any case."""
    rules = {key.upper(): rule for rule in rulebook.ruleset.rules for key in (rule.code, rule.name)}
    wanted = code.strip().upper()
    if wanted in rules:
        return rules[wanted]
    near = get_close_matches(wanted, rules, n=3, cutoff=0.75)
    meant = f"Did you mean {' or '.join(rules[key].code for key in near)}? " if near else ""
    raise UsageError(f"There is no rule {code}.", hint=f"{meant}`claimsctl rules list` shows all codes.")


def print_rules(state: State, category: str | None, severity: str | None) -> None:
    """All rules as a table, or as JSON."""
    rulebook = _rulebook(state)
    stopped = {note.code: note.reason for note in rulebook.ruleset.not_run}
    rules = [
        rule
        for rule in sorted(rulebook.ruleset.rules, key=lambda r: r.code)
        if (category is None or rule.category == category) and (severity is None or rule.severity == severity)
    ]
    if not rules:
        categories = ", ".join(sorted({rule.category for rule in rulebook.ruleset.rules}))
        raise UsageError("No rule fits.", hint=f"Categories: {categories}; severities: error, warning, info.")
    if state.json:
        entries = [
            _brief(rule) | {"runs": rule.code not in stopped, "reason": stopped.get(rule.code)}
            for rule in rules
        ]
        print(json.dumps(entries, indent=2))
        return
    from rich.table import Table

    table = Table("code", "severity", "level", "name", "note", box=None, pad_edge=False)
    for rule in rules:
        table.add_row(rule.code, rule.severity, rule.level, rule.name, stopped.get(rule.code, ""))
    screen = console(state)
    screen.print(table)
    screen.print(f"{len(rules)} rules. `claimsctl rules explain CODE` says more about one.")


def _brief(rule: Rule) -> dict[str, object]:
    return {
        "code": rule.code, "name": rule.name, "severity": rule.severity, "category": rule.category,
        "level": rule.level, "fields": list(rule.fields),
    }  # fmt: skip


def _full(rule: Rule) -> dict[str, object]:
    return _brief(rule) | {
        "when": rule.when,
        "rule_expression": rule.rule_expression or None,
        "error_message": rule.error_message,
        "suggestion": rule.suggestion,
        "why": rule.why,
        "source": rule.source,
        "needs": list(rule.needs),
        "uses": list(rule.uses),
        "cause": rule.cause,
        "show": dict(rule.show),
        "valid_from": rule.valid_from.isoformat() if rule.valid_from else None,
        "valid_to": rule.valid_to.isoformat() if rule.valid_to else None,
        "passes": [_rows(example) for example in rule.passes],
        "fails": [_rows(example) for example in rule.fails],
        "file": rule.file,
        "line": rule.line,
    }


def _rows(example: Example) -> list[Mapping[str, object]]:
    first, *others = (dict(row) for row in example.rows)
    earlier = {"history": [dict(line) for line in example.history]} if example.history else {}
    return [first | earlier, *others]


def print_rule(state: State, code: str) -> None:
    """One rule as its pack has it."""
    rule = _find(_rulebook(state), code)
    if state.json:
        print(json.dumps(_full(rule), indent=2, default=str))
        return
    lines: list[str] = []
    for line in Path(rule.file).read_text("utf-8").splitlines()[(rule.line or 1) - 1 :]:
        if lines and line.lstrip().startswith("[["):
            break
        lines.append(line)
    print("\n".join(lines).rstrip())


def explain_rule(state: State, code: str) -> None:
    """One rule in words: condition, why, fix, source, tables and editions, examples."""
    rulebook = _rulebook(state)
    rule = _find(rulebook, code)
    tables = _tables(rulebook, rule)
    if state.json:
        print(json.dumps(_full(rule) | {"tables": tables}, indent=2, default=str))
        return
    screen = console(state)

    def section(title: str, text: str | None) -> None:
        if text:
            screen.print(f"[bold]{title}[/bold]")
            screen.print("  " + text.strip().replace("\n", "\n  "), markup=False)

    screen.print(f"{rule.code}  {rule.name}", style="bold", markup=False)
    screen.print(
        f"  {rule.severity}, {rule.level} level, {rule.category}; fields: {', '.join(rule.fields) or '-'}",
        markup=False,
    )
    section("Finding", rule.error_message)
    section("Why", rule.why)
    section("Fix", rule.suggestion)
    section("Applies when", rule.when)
    section("What must hold", rule.rule_expression or "Found by claimsctl itself while reading the input.")
    section("Reference", "\n".join(map(_table_text, tables)) or None)
    section("Source", rule.source)
    section("Earlier runs", _history_told(rulebook, rule))
    for title, examples in (("Passes", rule.passes), ("Is reported", rule.fails)):
        section(title, "\n".join(_example_text(example) for example in examples) or None)
    reason = next((note.reason for note in replace(rulebook.ruleset, rules=(rule,)).not_run), None)
    section("Does not run", reason)


def _history_told(rulebook: Rulebook, rule: Rule) -> str | None:
    """Whether the rule looks at claims of earlier runs."""
    checks = rulebook.ruleset.checks_of(rule.code)
    if any(check.needs_history for check in checks):
        return "Needs their claims: not run where they are not read, as in a dry run."
    sources = {a.source for check in checks for a in check.aggregates}
    return "Looks at their claims too." if "history" in sources else None


def _example_text(example: Example) -> str:
    lines = [*example.rows, *example.history]
    rows = [", ".join(f"{name}={value}" for name, value in row.items()) or "(all blank)" for row in lines]
    earlier = len(example.rows)
    rows[earlier:] = [f"earlier run: {row}" for row in rows[earlier:]]
    dated = f"  [as of {example.as_of}]" if example.as_of else ""
    return "- " + "\n  ".join(rows) + dated


def _tables(rulebook: Rulebook, rule: Rule) -> list[dict[str, str]]:
    names = sorted({*rule.needs, *rule.uses, *_tables_read(rulebook, rule)})
    found = []
    for name in names:
        if name not in rulebook.tables:
            found.append({"table": name, "edition": "not loaded", "source": ""})
            continue
        table = rulebook.tables[name]
        edition = table.editions[-1].name if table.editions else ""
        found.append({"table": name, "edition": edition, "source": table.source})
    return found


def _table_text(table: Mapping[str, str]) -> str:
    source = f" ({table['source']})" if table["source"] else ""
    return f"{table['table']}: {table['edition']}{source}"


def _tables_read(rulebook: Rulebook, rule: Rule) -> set[str]:
    return set().union(*(check.tables for check in rulebook.ruleset.checks_of(rule.code)))


def check_packs(state: State, files: Sequence[Path]) -> int:
    """Compile packs and run their examples; the exit status."""
    packs = load_packs(files)
    rulebook = _rulebook(state, files, samples=True)
    context = rulebook.example_context(EXAMPLE_DATE)
    failures: list[str] = []
    untried: list[str] = []
    rules = [rule for pack in packs for rule in pack.rules]
    for rule in rules:
        checks = rulebook.ruleset.checks_of(rule.code)
        if not rule.passes or not rule.fails:
            untried.append(rule.code)
        failures += [str(failure) for failure in run_examples(rule, checks, context)]
    if state.json:
        print(json.dumps({"rules": len(rules), "failures": failures, "without_examples": untried}, indent=2))
        return int(bool(failures))
    for failure in failures:
        print(failure)
    for code in untried:
        print(f"{code}: has no passing or no failing example; add passes = [...] and fails = [...]")
    count = sum(len(rule.passes) + len(rule.fails) for rule in rules)
    print(f"{len(rules)} rules compiled, {count} examples run, {len(failures)} misbehave.")
    return int(bool(failures))
