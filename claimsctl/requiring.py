"""Refusing what a user may not do: by role, by practice, by the date of their training.

A workspace without a registry has one user who may do everything; every function here passes then.
"""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn, Protocol

from claimsctl.errors import PermissionDenied
from claimsctl.security import audit
from claimsctl.security.access import opening
from claimsctl.security.roles import TRAINED, Permission, may

if TYPE_CHECKING:
    from claimsctl.security.access.opening import Access
    from claimsctl.security.audit import Audited

    class Place(Audited, Protocol):
        """What is needed of a workspace."""

        @property
        def root(self) -> Path:
            """Its directory."""


def require(
    workspace: Place, permission: Permission, *, practice: str | None = None, doing: str | None = None
) -> Access:
    """Who asks, when they have the permission, in the `practice` where one is meant.

    `doing` names the command in the audit record. Raises PermissionDenied (exit 5), noted in the audit log.
    """
    access = opening.open_access(workspace)
    if not access.managed:
        return access
    if not may(access.role, permission):
        refuse(
            workspace, access, permission,
            f"The role {access.role} may not do this (permission: {permission}).",
            "docs/security.md says which role may do what; an administrator changes roles with "
            "`claimsctl users grant`.",
            practice=practice, doing=doing,
        )  # fmt: skip
    if permission in TRAINED:
        _require_training(workspace, access, permission, doing)
    if practice is not None:
        require_practice(workspace, access, practice, permission, doing=doing)
    return access


def require_practice(
    workspace: Place, access: Access, practice: str, permission: Permission, *, doing: str | None = None
) -> None:
    """PermissionDenied where the user has no part in the practice."""
    if access.practices is None or practice in access.practices:
        return
    there = ", ".join(sorted(access.practices)) or "none"
    refuse(
        workspace, access, permission, f"The practice {practice!r} is none of yours ({there}).",
        "Name another with --practice, or ask an administrator: claimsctl users grant",
        practice=practice, doing=doing,
    )  # fmt: skip


def refuse(
    workspace: Place,
    access: Access,
    permission: Permission,
    message: str,
    hint: str,
    *,
    practice: str | None = None,
    doing: str | None = None,
) -> NoReturn:
    """Note in the audit log that a permission was lacking, and raise PermissionDenied (exit 5)."""
    error = PermissionDenied(message, hint=hint)
    raise audit.refused(
        workspace, error, command=doing, permission=permission, role=access.role, practice=practice
    )


def _require_training(workspace: Place, access: Access, permission: Permission, doing: str | None) -> None:
    days = _training_days(workspace)
    if access.trained is not None and access.trained + timedelta(days=days) >= date.today():
        return
    when = "never noted" if access.trained is None else f"of {access.trained}, more than {days} days ago"
    refuse(
        workspace, access, permission,
        f"PHI is shown only after training; that of {access.user} is {when}.",
        f"An administrator notes it: claimsctl users training {access.user}", doing=doing,
    )  # fmt: skip


def _training_days(workspace: Place) -> int:
    from claimsctl.settings import load_settings  # only users with roles pay for it

    return load_settings(workspace.root).security.training_days
