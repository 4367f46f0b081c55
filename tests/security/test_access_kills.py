"""A process that dies between any two steps leaves a workspace that works: as it was, or as it was to be."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from claimsctl.errors import ClaimsctlError, PermissionDenied
from claimsctl.security.access import users
from claimsctl.security.access.founding import found, give_up_secret, plain_secret_is_left
from claimsctl.security.access.opening import forget_opened
from claimsctl.security.access.recovery import export_recovery, import_recovery, open_recovery
from claimsctl.security.access.registry import Registry, load_registry
from claimsctl.security.access.rotation import add_practice, pending, resume, rotate
from claimsctl.security.access.unlocking import new_method
from claimsctl.security.keys import load_keys, secret_path
from claimsctl.security.sealing import seal, unseal
from claimsctl.store.workspace import Workspace

STEPS = ("replace", "link", "unlink", "write", "ftruncate")
"""Calls by which files come to be, change and go."""
MOST = 60


class Killed(BaseException):
    """The process is gone."""


class Killing:
    """Counts the steps of what is done, and ends it before, or right after, one of them."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.monkeypatch = monkeypatch
        self.left: float = float("inf")
        self.dead = False
        for name in STEPS:
            self._count(name, getattr(os, name))

    def _count(self, name: str, real: Callable[..., Any]) -> None:
        def step(*arguments: Any, **options: Any) -> Any:
            if self.dead:
                raise Killed  # nor does anything that would clear up
            self.left -= 1
            if self.left == -0.5:
                self.dead = True
                raise Killed
            done = real(*arguments, **options)
            if self.left == 0:
                self.dead = True
                raise Killed
            return done

        self.monkeypatch.setattr(os, name, step)

    def after(self, steps: float, do: Callable[[], object]) -> bool:
        """Do something and die at a step (N.5: before it, N: after it); False when it ended earlier."""
        self.left, self.dead = steps, False
        try:
            do()
        except Killed:
            return True
        except ClaimsctlError:
            if not self.dead:
                raise
            return True
        finally:
            self.left, self.dead = float("inf"), False
            forget_opened()
        return False


@pytest.fixture
def killing(monkeypatch: pytest.MonkeyPatch) -> Killing:
    return Killing(monkeypatch)


def each_step(killing: Killing, do: Callable[[], object]) -> Iterator[bool]:
    """Do the same again and again, dying one half step later each time; the last time nobody dies."""
    for half in range(1, 2 * MOST):
        died = killing.after(half / 2, do)
        yield died
        if not died:
            assert half > 2
            return
    raise AssertionError("it does not end")


def begun(workspace: Workspace) -> bytes:
    """A value sealed with the one secret there was, and users since then; the admin has a key file."""
    sealed = seal(b"name", b"place", load_keys(workspace))
    bring_in(workspace)
    give_up_secret(workspace)
    forget_opened()
    return sealed


def bring_in(workspace: Workspace) -> str:
    method = new_method("file", workspace, "root")
    made = found(
        workspace, "root", method, practices=["default"], with_data=["default"], trained=date.today()
    )
    return made.code


def reads(workspace: Workspace, sealed: bytes) -> bool:
    forget_opened()
    keys = load_keys(workspace)
    assert unseal(seal(b"new", b"place", keys), b"place", keys) == b"new"
    return unseal(sealed, b"place", keys) == b"name"


@pytest.mark.parametrize("with_data", [True, False])
def test_init(tmp_path: Path, killing: Killing, with_data: bool) -> None:
    outcomes = set()
    for half in range(1, 2 * MOST):
        workspace = Workspace.open(tmp_path / f"w{half}")
        sealed = seal(b"name", b"place", load_keys(workspace)) if with_data else None

        def init(workspace: Workspace = workspace) -> None:
            """As `keys init` does: from the beginning, or the end of what was cut short."""
            if not workspace.access_file.exists():
                bring_in(workspace)
            give_up_secret(workspace)

        died = killing.after(half / 2, init)
        there = workspace.access_file.exists(), secret_path(workspace).exists()
        outcomes.add(there)
        if sealed is None:
            load_keys(workspace)
        else:
            assert any(there), "a key is there at every moment"
            assert reads(workspace, sealed)
        init()
        assert workspace.access_file.exists()
        assert not plain_secret_is_left(workspace)
        assert sealed is None or reads(workspace, sealed)
        if not died:
            break
    wanted = {(False, True), (True, True), (True, False)} if with_data else {(False, False), (True, False)}
    assert outcomes == wanted


def test_rotate(workspace: Workspace, killing: Killing) -> None:
    sealed = begun(workspace)
    newer: list[bytes] = []
    for _ in each_step(killing, lambda: rotate(workspace)):
        assert reads(workspace, sealed)
        newer.append(seal(b"name", b"place", load_keys(workspace)))
        assert all(reads(workspace, each) for each in newer)


def test_retiring(workspace: Workspace, killing: Killing) -> None:
    sealed = begun(workspace)
    rotate(workspace)

    def go_on() -> None:
        resume(workspace, lambda *_: True, lambda _text: None)

    for died in each_step(killing, go_on):
        assert reads(workspace, sealed)  # a retired key goes on to open what is elsewhere
        registry = load_registry(workspace)
        assert registry is not None
        if not died:
            assert pending(registry) == {}


def test_what_is_not_all_sealed_anew_is_not_retired(workspace: Workspace) -> None:
    begun(workspace)
    before = load_registry(workspace)
    assert before is not None
    after = resume(workspace, lambda *_: False, lambda _text: None)
    assert pending(after) == pending(before) != {}


def test_export_recovery(workspace: Workspace, killing: Killing) -> None:
    sealed = begun(workspace)
    codes = [export_recovery(workspace)[1]]

    def anew() -> None:
        export_recovery(workspace, lambda _registry, code: codes.append(code))

    for died in each_step(killing, anew):
        assert reads(workspace, sealed)
        registry = load_registry(workspace)
        assert registry is not None
        assert any(opens(registry, code) for code in codes), "somebody has seen the code in force"
        if not died:
            assert opens(registry, codes[-1])


def opens(registry: Registry, code: str) -> bool:
    try:
        return set(open_recovery(registry, code).bundles) == {"default"}
    except PermissionDenied:
        return False


def test_import_recovery(workspace: Workspace, killing: Killing) -> None:
    sealed = seal(b"name", b"place", load_keys(workspace))
    code = bring_in(workspace)
    give_up_secret(workspace)

    def back() -> None:
        import_recovery(workspace, code, "root", new_method("file", workspace, "root"))

    for _ in each_step(killing, back):
        assert reads(workspace, sealed)


@pytest.mark.parametrize("action", ["add", "grant", "disable", "enable", "training", "reset", "practice"])
def test_changing_users(workspace: Workspace, killing: Killing, action: str) -> None:
    sealed = begun(workspace)
    if action not in ("add", "practice"):
        add(workspace, "pat")
    if action == "enable":
        users.disable_user(workspace, "pat")
    number = iter(range(MOST * 2))
    do: dict[str, Callable[[], object]] = {
        "add": lambda: add(workspace, f"pat{next(number)}"),
        "grant": lambda: users.grant_user(workspace, "pat", role="front_desk"),
        "disable": lambda: users.disable_user(workspace, "pat"),
        "enable": lambda: users.enable_user(workspace, "pat"),
        "training": lambda: users.note_training(workspace, "pat", date(2026, 1, 15)),
        "reset": lambda: users.reset_user(workspace, "pat", new_method("token", workspace, "pat")),
        "practice": lambda: add_practice(workspace, f"p{next(number)}"),
    }
    for _ in each_step(killing, do[action]):
        assert reads(workspace, sealed)
        leftovers = [path for path in workspace.root.glob(".access.json.*") if path.suffix == ".json"]
        assert leftovers == []


def add(workspace: Workspace, name: str) -> None:
    method = new_method("token", workspace, name)
    users.add_user(workspace, name, "billing", method, practices=None)


def test_a_first_use_that_is_cut_short_is_gone_on_with(tmp_path: Path, killing: Killing) -> None:
    for half in range(1, 2 * MOST):
        place = tmp_path / f"w{half}"
        died = killing.after(half / 2, lambda place=place: load_keys(Workspace.open(place)))  # type: ignore[misc]
        there = Workspace.open(place)
        assert load_keys(there) == load_keys(there)
        if not died:
            assert half > 4
            return
