"""The commands below `claimsctl`, as a table: each is imported when it is asked for, not before.

Reading the parameters of all commands takes longer than many a command does.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib import import_module
from typing import Any, Final

import typer
from typer.core import TyperCommand, TyperGroup
from typer.main import get_command, get_group

from claimsctl.cli.optional import SandboxCommand
from claimsctl.cli.plain_values import read_plainly


@dataclass(frozen=True, slots=True)
class Entry:
    """A command or a group of them, in `claimsctl.cli`.

    `module` has the group as `app`, or else the command as a function with its name; `summary` is the first
    line of its help, here a second time so that `claimsctl --help` imports none of them.
    """

    module: str
    summary: str
    cls: type[TyperCommand] | None = None


ENTRIES: Final = {
    "init": Entry(
        "init", "Make a workspace: claimsctl.toml with every setting explained, inbox, outbox, house rules."
    ),
    "process": Entry(
        "process", "Check claims: accepted ones, rejected ones with every error explained, and a summary."
    ),
    "preview": Entry(
        "preview",
        "Look at an input before running it: mapping, types, sample, findings, run time; writes nothing.",
    ),
    "fix": Entry(
        "fix",
        "Repair the form of a file: lost zeros, dates, amounts, spaces, capitals; never what a cell says.",
    ),
    "price": Entry(
        "price", "Say what lines should pay, or why they have no price: those of files, or one line (--code)."
    ),
    "check-status": Entry(
        "checkstatus",
        "Ask payers for the status of many claims, of a file or of the workspace.",
        SandboxCommand,
    ),
    "worklist": Entry(
        "worklist", "List the claims to look at first: most money at stake, why, and what helps."
    ),
    "sandbox": Entry(
        "sandbox",
        "Serve invented payers on this machine: five interfaces with tokens, pages, polling, and faults.",
    ),
    "scan": Entry(
        "scan",
        "Find SSNs, member ids, names, birth dates and phones in logs, tables, archives and databases.",
    ),
    "doctor": Entry(
        "doctor",
        "Check workspace, stores, disk, settings, rules, tables, drivers and key; say how to mend what is "
        "wrong.",
    ),
    "template": Entry("template", "Templates of input files."),
    "rules": Entry("rules", "List, explain, check and compare rules."),
    "reference": Entry(
        "reference", "List, fetch, load and check reference tables: code sets, edits, fee schedules."
    ),
    "claims": Entry(
        "claims", "Find stored claims, follow one through time, count, export, correct their status."
    ),
    "patients": Entry("patients", "Patients of stored claims: list, delete, restore."),
    "jobs": Entry("jobs", "Come back to a run: look, retry, resume, cancel, roll back."),
    "crypt": Entry("crypt", "Encrypt and decrypt columns of your own files with the key of the workspace."),
    "practices": Entry("practices", "The practices that bill and ask: add, list, show, change."),
    "payers": Entry("payers", "How payers are asked, and which payer an insurance id means."),
    "sql": Entry("sql", "Databases that claims are read from and written to."),
    "model": Entry("model", "Models that judge how likely a payer denies a claim."),
    "audit": Entry(
        "audit", "Who did what with patient data, when, to how many claims: list, verify, export, anchor."
    ),
    "keys": Entry("keys", "Keys of patients' data: wrapped for users, rotated, recovered."),
    "users": Entry("users", "Users, their roles and practices: add, list, change, disable."),
}


class LazyGroup(TyperGroup):
    """The application: its commands are those of ENTRIES."""

    def __init__(self, **rest: Any) -> None:
        super().__init__(**rest)
        read_plainly(self)
        self.commands = _Loaded(self)  # type: ignore[assignment]  # nobody adds to it

    def load(self, name: str) -> Any:
        """Import and build one command. KeyError for a name that is none."""
        command = self._built(name)
        read_plainly(command)
        return command

    def _built(self, name: str) -> Any:
        entry = ENTRIES[name]
        module = import_module(f"claimsctl.cli.{entry.module}")
        if hasattr(module, "app"):
            group = get_group(module.app)
            group.name = name
            return group
        alone = typer.Typer(add_completion=False, rich_markup_mode=None)
        alone.command(name, cls=entry.cls)(getattr(module, name.replace("-", "_")))
        return get_command(alone)

    def list_commands(self, ctx: Any) -> list[str]:
        """Names, in the order help shows them."""
        return list(self.commands)

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        """The table as help shows it, without importing a command."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, entry.summary) for name, entry in ENTRIES.items()])


class _Loaded(Mapping[str, Any]):
    """Commands by name; one is loaded when it is looked up."""

    def __init__(self, group: LazyGroup) -> None:
        self._group = group
        self._built: dict[str, Any] = {}

    def __getitem__(self, name: str) -> Any:
        if name not in self._built:
            self._built[name] = self._group.load(name)
        return self._built[name]

    def __contains__(self, name: object) -> bool:
        return name in ENTRIES

    def __iter__(self) -> Iterator[str]:
        return iter(ENTRIES)

    def __len__(self) -> int:
        return len(ENTRIES)
