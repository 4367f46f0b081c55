"""Who is at the keyboard, and what they hold."""

from __future__ import annotations

import os

import pytest

from claimsctl.security.access.opening import SINGLE_USER, account_name, known_verify_keys, open_access
from claimsctl.security.access.wrapping import is_signed
from claimsctl.security.keys import load_keys, secret_path
from claimsctl.store.workspace import Workspace


def test_without_users_the_account_may_do_everything(workspace: Workspace) -> None:
    access = open_access(workspace)
    assert (access.user, access.role, access.managed, access.practices) == (
        account_name(), "admin", False, None,
    )  # fmt: skip
    assert not secret_path(workspace).exists()  # asking who it is makes no key
    assert access.keys("east") == access.keys("west") == load_keys(workspace)
    assert access.deidentify_key("east") == access.deidentify_key("east") != access.deidentify_key("west")


def test_the_one_secret_signs(workspace: Workspace) -> None:
    signature = open_access(workspace).sign(b"record")
    (half,) = known_verify_keys(workspace)[SINGLE_USER]
    assert is_signed(half, signature, b"record")


def test_the_account_is_not_what_the_environment_says(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOGNAME", "somebody")
    monkeypatch.setenv("USER", "somebody")
    assert account_name() != "somebody"


def test_an_account_without_a_name_has_its_number(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 3_999_999)
    assert account_name() == "uid 3999999"
