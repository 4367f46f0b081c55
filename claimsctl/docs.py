"""The parts of README.md, rules/README.md and docs/ that are written from the code; cog calls these."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterable, Iterator
from itertools import groupby
from pathlib import Path
from typing import Any, Final

from claimsctl import claim
from claimsctl.reference.locate import data_path
from claimsctl.security.audited import ACTIONS, KINDS, RECORDS
from claimsctl.security.roles import COMMANDS, MEANING, ROLES, may
from claimsctl.validate.pack import SEVERITIES, Pack, Severity, load_packs
from claimsctl.validate.rule_keys import REQUIRED_KEYS, RULE_KEYS

_PHI = {"identifier": "identifier (sealed, masked)", "quasi": "quasi-identifier", "none": ""}
_WIDTH: Final = 80
_EFFECTS: Final = {
    "error": "rejects the claim",
    "warning": "look at it; never rejects",
    "info": "worth knowing",
}


def shipped_packs() -> tuple[Pack, ...]:
    """The rule packs that come with claimsctl, by file name."""
    return load_packs(sorted(data_path("rules").glob("*.toml")))


def rule_keys_markdown() -> str:
    """The keys of a rule, as a table."""
    lines = ["| key | | meaning |", "|---|---|---|"]
    for key, meaning in RULE_KEYS.items():
        lines.append(f"| `{key}` | {'required' if key in REQUIRED_KEYS else ''} | {meaning} |")
    return "\n".join(lines)


def rule_counts_markdown() -> str:
    """How many rules there are, by severity."""
    counts = Counter(rule.severity for pack in shipped_packs() for rule in pack.rules)
    lines = ["| severity | rules | effect |", "|---|--:|---|"]
    lines += [f"| {severity} | {counts[severity]} | {_EFFECTS[severity]} |" for severity in SEVERITIES]
    lines.append(f"| **all** | **{counts.total()}** | |")
    return "\n".join(lines)


def rules_markdown() -> str:
    """Every shipped rule by pack: how many, then code, severity, level, name and message of each."""
    return "\n".join(_rule_lines(shipped_packs()))


def _rule_lines(packs: Iterable[Pack]) -> Iterator[str]:
    packs = sorted(packs, key=lambda pack: pack.name)
    yield "| pack | about | errors | warnings | infos | rules |"
    yield "|---|---|--:|--:|--:|--:|"
    total: Counter[Severity] = Counter()
    for pack in packs:
        counts = Counter(rule.severity for rule in pack.rules)
        total += counts
        yield f"| [{pack.name}](#{pack.name}) | {pack.title} | {_numbers(counts)} |"
    yield f"| **all** | | {_numbers(total)} |"
    for pack in packs:
        yield f"\n### {pack.name}\n"
        yield f"{pack.title} ([{pack.name}.toml]({pack.name}.toml)).\n"
        yield "| code | severity | level | name | finding |"
        yield "|---|---|---|---|---|"
        for rule in sorted(pack.rules, key=lambda rule: rule.code):
            finding = " ".join(rule.error_message.split())
            yield f"| {rule.code} | {rule.severity} | {rule.level} | `{rule.name}` | {_cell(finding)} |"


def _numbers(counts: Counter[Severity]) -> str:
    return " | ".join(str(n) for n in (*(counts[severity] for severity in SEVERITIES), counts.total()))


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("<", "&lt;").replace("*", "\\*")


def commands_markdown() -> str:
    """The help of claimsctl and of each of its commands, as they print it."""
    return "\n\n".join(_command_blocks())


def command_names() -> list[tuple[str, ...]]:
    """Every command, groups before their commands; () is claimsctl itself."""
    return [path for path, _ in _commands()]


def _commands() -> Iterator[tuple[tuple[str, ...], Any]]:
    """Every command with the context its help is made in."""
    from typer.main import get_command

    from claimsctl.cli.app import app

    def below(command: Any, path: tuple[str, ...], parent: Any) -> Iterator[tuple[tuple[str, ...], Any]]:
        name = path[-1] if path else "claimsctl"
        context = command.make_context(name, [], parent=parent, resilient_parsing=True, terminal_width=_WIDTH)
        yield path, context
        for name, inner in getattr(command, "commands", {}).items():
            yield from below(inner, (*path, name), context)

    return below(get_command(app), (), None)


def _command_blocks() -> Iterator[str]:
    for path, context in _commands():
        yield f"## {' '.join(('claimsctl', *path))}\n\n```text\n{context.get_help().strip()}\n```"


def example_output(*arguments: str) -> str:
    """What a command line prints when it is run beside examples/ in a new workspace, as a text block.

    Job id and directory are replaced by examples of them; the last line, with time and memory of the
    run, is left out. Only from a checkout.
    """
    examples = data_path("rules").parent / "examples"
    with tempfile.TemporaryDirectory() as scratch:
        here = Path(scratch).resolve() / "claims"
        here.mkdir()
        (here / "examples").symlink_to(examples)
        env = {
            **{name: value for name, value in os.environ.items() if not name.startswith("CLAIMSCTL_")},
            "CLAIMSCTL_WORKSPACE": f"{scratch}/workspace", "CLAIMSCTL_CONFIG_DIR": f"{scratch}/config",
            "COLUMNS": "80", "NO_COLOR": "1",
        }  # fmt: skip
        ended = subprocess.run(  # noqa: S603 - our own command lines, written in README.md
            [sys.executable, "-m", "claimsctl.cli.app", *arguments],
            cwd=here, env=env, capture_output=True, text=True, check=True,
        )  # fmt: skip
        printed = ended.stdout.replace(str(here), "/home/you/claims")
    printed = re.sub(r"\b20\d{6}-\d{6}-[0-9a-f]{4}\b", "20260601-083000-1a2b", printed)
    printed = re.sub(r"\n\d+ (?:row|claim)s? in .*\Z", "", printed.rstrip())
    typed = " ".join(["claimsctl", *arguments])
    return f"```text\n$ {typed}\n{printed.rstrip()}\n```"


def columns_markdown() -> str:
    """The reference of canonical columns: a table for every group, in canonical order."""
    return "\n".join(_column_lines())


def _column_lines() -> Iterator[str]:
    yield f"{len(claim.COLUMNS)} columns. Headers match after dropping case, accents, spaces and punctuation;"
    yield "`#` in a header also stands for No, Num, Nbr and Number. In brackets: headers used only where no"
    yield "other header maps to the column. *Required* names the profiles whose claims need a value;"
    yield "*claim* columns repeat their value on every line of the claim."
    for group, columns in groupby(claim.COLUMNS, key=lambda column: column.group):
        yield f"\n## {group[0].upper()}{group[1:]}\n"
        yield "| column | meaning | type | level | required | privacy | form / 837 | read from | example |"
        yield "|---|---|---|---|---|---|---|---|---|"
        for column in columns:
            yield _row(column)
    yield "\n## Full names\n"
    yield "One header with the whole name is split into last and first name:"
    yield f"{', '.join(claim.PATIENT_NAME_SYNONYMS)} [{', '.join(claim.PATIENT_NAME_FALLBACKS)}] (patient);"
    yield f"{', '.join(claim.SUBSCRIBER_NAME_SYNONYMS)} (subscriber). `--map` calls them"
    yield f"`{claim.PATIENT_NAME}` and `{claim.SUBSCRIBER_NAME}`."
    yield "\n## What a file must bring\n"
    for profile, requirements in claim.REQUIRED_TO_RUN.items():
        needs = "; ".join(" or ".join(" + ".join(option) for option in need) for need in requirements)
        yield f"- `{profile}`: {needs}"
    swaps = "; ".join(f"`{new}` for `{old}`" for old, new in claim.INSTITUTIONAL_INSTEAD.items())
    yield f"\nA file with a `bill_type_code` column needs, of `professional`, {swaps}."


def _row(column: claim.Column) -> str:
    meaning = column.meaning
    if column.value_aliases:
        said: dict[str, list[str]] = {}
        for alias, code in column.value_aliases.items():
            said.setdefault(code, []).append(alias)
        readings = [f"{', '.join(texts)} as {code}" for code, texts in said.items()]
        meaning += f" (reads {'; '.join(readings)})"
    if column.max_length is not None:
        meaning += f"; at most {column.max_length} characters"
    kind = f"{column.type}, list parted by `;`" if column.is_list else column.type
    also = ", ".join(column.synonyms)
    if column.fallbacks:
        also += f" [{', '.join(column.fallbacks)}]"
    cells = (
        f"`{column.name}`", meaning, kind, column.level, ", ".join(sorted(column.required)),
        _PHI[column.phi], " / ".join(filter(None, (column.box, column.segment))), also,
        f"`{column.example}`",
    )  # fmt: skip
    return f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |"


def pricing_statuses_markdown() -> str:
    """Every word that pricing_status can be, with its sentence."""
    from claimsctl.price.status import SENTENCES

    rows = (f"| `{word}` | {sentence} |" for word, sentence in SENTENCES.items())
    return "\n".join(["| status | what it says |", "|---|---|", *rows])


def pricing_modifiers_markdown() -> str:
    """What modifiers pay by the indicators of the fee schedule, with where it is written."""
    return "\n".join(_modifier_lines())


def _modifier_lines() -> Iterator[str]:
    from claimsctl.price.manual import EFFECTS, STATUTORY

    yield "| modifier | by | percent of the amount | source |"
    yield "|---|---|---|---|"
    for effect in EFFECTS:
        shares = " + ".join(share.replace("_op", "operative") for share in effect.shares)
        pays = "; ".join(
            f"{value}: {said if isinstance(said, str) else f'{said.normalize():f}'}"
            for value, said in effect.percents.items()
        )
        by = f"`{effect.indicator}`" if effect.indicator else "shares of the surgery"
        yield f"| {', '.join(effect.modifiers)} | {by} | {pays or shares} | {effect.manual} |"
    for modifier, (percent, said) in STATUTORY.items():
        yield f"| {modifier} | the statute, shown apart | {percent:f} | {said} |"


def points_markdown() -> str:
    """What adds points: the table of kinds, and that of warnings by category."""
    from claimsctl.score.points import OTHER, TABLE, WARNINGS

    lines = ["| what | points | what helps |", "|---|--:|---|"]
    lines += [f"| {each.words} | {each.points} | {each.fix} |" for each in TABLE.values()]
    lines += ["", "| a warning of a rule about | points |", "|---|--:|"]
    by_points: dict[int, list[str]] = {}
    for category, points in WARNINGS.items():
        by_points.setdefault(points, []).append(category)
    for points, categories in sorted(by_points.items(), reverse=True):
        lines.append(f"| {', '.join(each.replace('_', ' ') for each in categories)} | {points} |")
    return "\n".join([*lines, f"| anything else | {OTHER} |"])


def sql_tables_markdown() -> str:
    """The six tables of a target: a table of columns for each, with types of SQL Server."""
    return "\n".join(_sql_table_lines())


def _sql_table_lines() -> Iterator[str]:
    from claimsctl.sql.ddl import sql_type
    from claimsctl.sql.tables import TARGET_TABLES, tables_for

    for name in TARGET_TABLES:
        table = tables_for("plain")[name]
        yield f"### {name}\n"
        indexes = "; ".join(", ".join(f"`{column}`" for column in index) for index in table.indexes)
        key = ", ".join(f"`{column}`" for column in table.key)
        yield f"{table.meaning}. Key: {key}. Indexes: {indexes}.\n"
        yield "| column | type | | meaning |"
        yield "|---|---|---|---|"
        for column in table.columns:
            marks = ["not null"] * (not column.nullable) + ["person"] * column.treated
            yield f"| `{column.name}` | {sql_type('mssql', column)} | {', '.join(marks)} | {column.meaning} |"
        yield ""


def records_markdown() -> str:
    """Which command writes which record of the audit file, by what it is, as a table."""
    there = {" ".join(path) for path in command_names()}
    lines = ["| records | action: commands that write it |", "|---|---|"]
    for kind, meaning in KINDS.items():
        told = []
        for action in (action for action, its in ACTIONS.items() if its == kind):
            commands = [command for command, actions in RECORDS.items() if action in actions]
            if commands and not there.intersection(commands):
                continue
            by = [f"`{command}`" for command in commands if command in there and command != action]
            told.append(f"`{action}`" + (f" ({', '.join(by)})" if by else ""))
        lines.append(f"| {meaning} | {', '.join(told)} |")
    return "\n".join(lines)


def permissions_markdown() -> str:
    """Which role has which permission, and which commands ask for it, as a table."""
    asking: dict[str, list[str]] = {}
    there = {" ".join(path) for path in command_names()}
    for command, permission in COMMANDS.items():
        if permission is not None and command in there:
            asking.setdefault(permission, []).append(command)
    lines = [f"| permission | {' | '.join(ROLES)} | commands |", "|---|" + "---|" * (len(ROLES) + 1)]
    for permission, meaning in MEANING.items():
        marks = " | ".join("yes" if may(role, permission) else "" for role in ROLES)
        commands = ", ".join(f"`{command}`" for command in asking.get(permission, ()))
        lines.append(f"| {permission}: {meaning} | {marks} | {commands} |")
    return "\n".join(lines)
