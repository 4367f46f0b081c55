"""The commands below `claimsctl`, as a table: each is imported when it is asked for, not before.

Reading the parameters of all commands takes longer than many a command does.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from copy import copy
from dataclasses import dataclass
from functools import partial
from importlib import import_module
from typing import Any, Final

import typer
from typer.core import TyperCommand, TyperGroup
from typer.main import get_command, get_command_from_info, get_command_name, get_group
from typer.models import CommandInfo

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
    """The application: its commands are those of ENTRIES, and none is built, in groups neither, before it is
    looked up."""

    def __init__(self, **rest: Any) -> None:
        super().__init__(**rest)
        read_plainly(self)
        self.commands = _Commands(ENTRIES, self._load)  # type: ignore[assignment]  # nobody adds to it

    def ready(self, path: str, command: Any) -> Any:
        """A command or group as it runs, before it is first given out; `path` is its name below the
        application, such as "payers map list"."""
        read_plainly(command)
        if isinstance(command, TyperGroup):
            below = command.commands
            command.commands = _Commands(  # type: ignore[assignment]  # nobody adds to it
                below, lambda name: self.ready(f"{path} {name}", below[name])
            )
        return command

    def _load(self, name: str) -> Any:
        """Import a command. KeyError for a name that is none."""
        entry = ENTRIES[name]
        module = import_module(f"claimsctl.cli.{entry.module}")
        if hasattr(module, "app"):
            group = _group(module.app)
            group.name = name
            return self.ready(name, group)
        alone = typer.Typer(add_completion=False, rich_markup_mode=None)
        alone.command(name, cls=entry.cls)(getattr(module, name.replace("-", "_")))
        return self.ready(name, get_command(alone))

    def list_commands(self, ctx: Any) -> list[str]:
        """Names, in the order help shows them."""
        return list(self.commands)

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        """The table as help shows it, without importing a command."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, entry.summary) for name, entry in ENTRIES.items()])


def _group(app: typer.Typer) -> TyperGroup:
    """A group whose commands are built when they are looked up, a millisecond each; groups in it at once."""
    empty = copy(app)
    empty.registered_commands = []
    group = get_group(empty)
    build = partial(
        get_command_from_info,
        pretty_exceptions_short=app.pretty_exceptions_short,
        rich_markup_mode=app.rich_markup_mode,
    )
    infos = {_name(each): each for each in app.registered_commands}
    groups = group.commands
    group.commands = _Commands(  # type: ignore[assignment]  # nobody adds to it
        (*infos, *groups), lambda name: build(infos[name]) if name in infos else groups[name]
    )
    return group


def _name(info: CommandInfo) -> str:
    """As Typer names it."""
    return info.name or get_command_name(getattr(info.callback, "__name__", ""))


class _Commands(Mapping[str, Any]):
    """Commands by name; each is made when it is first looked up."""

    def __init__(self, names: Iterable[str], make: Callable[[str], Any]) -> None:
        self._names = tuple(names)
        self._make = make
        self._made: dict[str, Any] = {}

    def __getitem__(self, name: str) -> Any:
        if name not in self._made:
            if name not in self._names:
                raise KeyError(name)
            self._made[name] = self._make(name)
        return self._made[name]

    def __contains__(self, name: object) -> bool:
        return name in self._names

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    def __len__(self) -> int:
        return len(self._names)
