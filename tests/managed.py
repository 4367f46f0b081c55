"""Workspaces with users and roles, for tests: every user comes in with a token, which costs no time."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any

import pytest

from claimsctl.security.access.founding import found, give_up_secret
from claimsctl.security.access.opening import forget_opened
from claimsctl.security.access.unlocking import TOKEN_VARIABLE, new_method
from claimsctl.security.access.users import add_user
from claimsctl.security.roles import Role
from claimsctl.store.workspace import Workspace


@dataclass(frozen=True)
class Managed:
    """A workspace with the admin `root`, who is at the keyboard until `be` says otherwise."""

    workspace: Workspace
    tokens: dict[str, str]
    code: str
    monkeypatch: pytest.MonkeyPatch

    def add(self, name: str, role: Role, *practices: str, **said: Any) -> str:
        """A further user of these practices, or of all, trained today if nothing else is said; the token."""
        self.be("root")
        method = new_method("token", self.workspace, name)
        add_user(
            self.workspace, name, role, method, practices=frozenset(practices) or None,
            **{"trained": date.today(), "npi": "1234567893" if role == "therapist" else None} | said,
        )  # fmt: skip
        assert method.told is not None
        self.tokens[name] = method.told
        return method.told

    def be(self, name: str | None) -> None:
        """Sit somebody else at the keyboard: a user by the token, or nobody."""
        forget_opened()
        if name is None:
            self.monkeypatch.delenv(TOKEN_VARIABLE, raising=False)
        else:
            self.monkeypatch.setenv(TOKEN_VARIABLE, self.tokens[name])


def managed(
    workspace: Workspace,
    monkeypatch: pytest.MonkeyPatch,
    *practices: str,
    with_data: tuple[str, ...] = (),
    **users: Role,
) -> Managed:
    """Bring users and roles into a workspace: the admin `root`, and one user of all practices per role.

    `practices` are "default" where none is named; `with_data` those that keep the secret there was.
    """
    method = new_method("token", workspace, "root")
    assert method.told is not None
    made = found(
        workspace, "root", method, practices=practices or ("default",), with_data=with_data,
        trained=date.today(),
    )  # fmt: skip
    there = Managed(workspace, {"root": method.told}, made.code, monkeypatch)
    there.be("root")
    give_up_secret(workspace)
    for name, role in users.items():
        there.add(name, role)
    there.be("root")
    return there
