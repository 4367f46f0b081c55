"""What each role may do, and which permission each command needs. Data only: nothing here enforces.

`claimsctl.requiring` refuses, `claimsctl.cli.permitting` asks it before any command runs. A role
without PHI rights also has no key (`claimsctl.security.access`), so that asking is not all there is.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final, Literal, get_args

Role = Literal["admin", "billing", "therapist", "front_desk", "analyst", "auditor"]
ROLES: Final[tuple[Role, ...]] = get_args(Role)

Permission = Literal[
    "claims", "amounts", "identifiers", "statistics", "export", "deidentified", "change", "prepare",
    "submit", "jobs", "prune", "settings", "audit", "users",
]  # fmt: skip

MEANING: Final[Mapping[Permission, str]] = MappingProxyType({
    "claims": "see stored claims, their lines, findings and history",
    "amounts": "see amounts, RVUs and diagnoses of them",
    "identifiers": "see patients' identifiers (`--show-phi`, `crypt decrypt`)",
    "statistics": "count claims and sum amounts",
    "export": "export claims as they are",
    "deidentified": "export claims de-identified",
    "change": "set statuses; delete and restore claims and patients",
    "prepare": "check, fix, price and store claims of files and databases",
    "submit": "ask payers",
    "jobs": "see, stop, retry, resume and roll back jobs",
    "prune": "remove what is old for good",
    "settings": "change practices, payers, reference tables and databases",
    "audit": "read, verify and export the audit log",
    "users": "manage users, roles and keys",
})  # fmt: skip
"""Each permission in words, in the order of the table in docs/security.md."""

MAY: Final[Mapping[Role, frozenset[Permission]]] = MappingProxyType({
    "admin": frozenset(MEANING),
    "billing": frozenset({
        "claims", "amounts", "identifiers", "statistics", "export", "deidentified", "change", "prepare",
        "submit", "jobs",
    }),
    "therapist": frozenset({"claims", "amounts", "identifiers", "statistics", "export"}),
    "front_desk": frozenset({"claims", "identifiers"}),
    "analyst": frozenset({"statistics", "deidentified"}),
    "auditor": frozenset({"audit"}),
})  # fmt: skip
"""What a role may do in the practices of its user; a therapist only with claims of their own NPI."""

TRAINED: Final[frozenset[Permission]] = frozenset(
    {"claims", "amounts", "identifiers", "export", "change", "prepare", "submit", "jobs"}
)
"""What shows or takes PHI of single patients, and so needs a date of training."""

DEFAULT_PRACTICE: Final = "default"
"""The practice of what names none."""

OWN_CLAIMS: Final[frozenset[Role]] = frozenset({"therapist"})
"""Roles that see only claims whose rendering provider they are."""

WITHOUT_PERSONS: Final[frozenset[Role]] = frozenset({"analyst"})
"""Roles that may not look for one claim or one person."""

COMMANDS: Final[Mapping[str, Permission | None]] = MappingProxyType({
    "init": "settings",
    "process": "prepare",
    "preview": "prepare",
    "fix": "prepare",
    "price": "prepare",
    "check-status": "submit",
    "sandbox": None,
    "doctor": None,
    "template download": None,
    "rules list": None,
    "rules show": None,
    "rules explain": None,
    "rules check": None,
    "rules test": "prepare",
    "rules diff": None,
    "reference list": None,
    "reference show": None,
    "reference load": "settings",
    "reference fetch": "settings",
    "reference verify": None,
    "reference remove": "settings",
    "claims list": "claims",
    "claims show": "claims",
    "claims history": "claims",
    "claims export": "export",
    "claims stats": "statistics",
    "claims refresh": "submit",
    "claims set-status": "change",
    "claims delete": "change",
    "claims restore": "change",
    "jobs list": "jobs",
    "jobs show": "jobs",
    "jobs watch": "jobs",
    "jobs cancel": "jobs",
    "jobs errors": "jobs",
    "jobs retry": "jobs",
    "jobs resume": "jobs",
    "jobs rollback": "jobs",
    "jobs prune": "prune",
    "practices add": "settings",
    "practices list": None,
    "practices show": None,
    "practices edit": "settings",
    "payers list": None,
    "payers show": None,
    "payers test": "submit",
    "payers check": None,
    "payers map add": "settings",
    "payers map list": None,
    "payers map show": None,
    "payers map remove": "settings",
    "sql init": "settings",
    "sql ddl": None,
    "sql test": "prepare",
    "patients list": "claims",
    "patients delete": "change",
    "patients restore": "change",
    "worklist": "amounts",
    "model train": "prepare",
    "model list": None,
    "model show": "statistics",
    "model features": None,
    "model evaluate": "prepare",
    "model compare": "prepare",
    "model use": "settings",
    "model export": "settings",
    "model import": "settings",
    "keys init": "users",
    "keys list": "users",
    "keys rotate": "users",
    "keys export-recovery": "users",
    "keys import-recovery": None,
    "keys status": None,
    "keys unlock": None,
    "keys lock": None,
    "users add": "users",
    "users list": "users",
    "users disable": "users",
    "users enable": "users",
    "users grant": "users",
    "users training": "users",
    "users reset": "users",
    "audit list": "audit",
    "audit verify": "audit",
    "audit export": "audit",
    "audit anchor": "audit",
    "crypt encrypt": "prepare",
    "crypt decrypt": "identifiers",
    "scan": None,
})  # fmt: skip
"""Path of a command -> the permission it needs; None: it shows and changes nothing of a practice.

Options may ask for more (`needed`)."""


def needed(command: str, options: Mapping[str, object]) -> tuple[Permission, ...]:
    """The permissions that a command needs with these options (as the command's parameters are named).

    KeyError for a command without an entry in COMMANDS.
    """
    permission = COMMANDS[command]
    if command == "claims export" and (options.get("deidentify") or options.get("phi") == "deidentify"):
        permission = "deidentified"
    if command == "rules diff" and options.get("claims"):
        permission = "prepare"
    more: tuple[Permission, ...] = ()
    if options.get("show_phi") or options.get("phi") == "plain":
        more = ("identifiers",)
    return more if permission is None else (permission, *more)


def may(role: Role, permission: Permission) -> bool:
    """Whether a role has a permission."""
    return permission in MAY[role]
