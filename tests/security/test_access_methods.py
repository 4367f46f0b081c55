"""Every way to open one's keys: the right secret does, a wrong or missing one is refused."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from datetime import date
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from claimsctl.errors import PermissionDenied, UsageError
from claimsctl.security.access import session, unlocking
from claimsctl.security.access.changing import hold
from claimsctl.security.access.founding import found
from claimsctl.security.access.opening import forget_opened, named_user, open_access
from claimsctl.security.access.registry import load_registry
from claimsctl.security.access.session import begin_session, end_session, is_unlocked, session_path
from claimsctl.security.access.unlocking import new_method
from claimsctl.security.keys import load_keys
from claimsctl.store.workspace import Workspace

PASSPHRASE = "quiet maples by the river"


@pytest.fixture(autouse=True)
def _cheap(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(unlocking, "SCRYPT", {"n": 2, "r": 1, "p": 1})
    monkeypatch.delenv("XDG_RUNTIME_DIR", raising=False)


def ring(monkeypatch: pytest.MonkeyPatch) -> dict[tuple[str, str], str]:
    """A keyring in memory."""
    kept: dict[tuple[str, str], str] = {}
    fake = SimpleNamespace(
        set_password=lambda service, user, text: kept.__setitem__((service, user), text),
        get_password=lambda service, user: kept.get((service, user)),
    )
    monkeypatch.setitem(sys.modules, "keyring", fake)
    return kept


def begin(workspace: Workspace, kind: Any, **said: Any) -> Any:
    method = new_method(kind, workspace, "root", **said)
    found(workspace, "root", method, practices=["default"], with_data=[], trained=date.today())
    forget_opened()
    return method


def refused(workspace: Workspace) -> int:
    return sum(
        json.loads(line)["action"] == "refused" for line in workspace.audit_log.read_text().splitlines()
    )


def test_key_file(workspace: Workspace, tmp_path: Path) -> None:
    path = tmp_path / "keys" / "root.key"
    begin(workspace, "file", key_file=path)
    load_keys(workspace)
    assert path.stat().st_mode & 0o777 == 0o600
    right = path.read_text()
    for spoil in (
        lambda: path.write_text("0" * 64),
        lambda: path.write_bytes(b"\xff\xfe"),
        path.unlink,
        lambda: (path.write_text(right), path.chmod(0o644)),
    ):
        spoil()
        forget_opened()
        with pytest.raises(PermissionDenied) as caught:
            load_keys(workspace)
        assert caught.value.exit_code == 5
    assert refused(workspace) == 4
    path.chmod(0o600)
    load_keys(workspace)


def test_a_key_file_takes_no_place_of_another(workspace: Workspace, tmp_path: Path) -> None:
    path = tmp_path / "there.key"
    path.write_text("something")
    with pytest.raises(UsageError, match="is there already"):
        new_method("file", workspace, "root", key_file=path)


def test_keyring(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    kept = ring(monkeypatch)
    begin(workspace, "keyring")
    load_keys(workspace)
    (place,) = kept
    for wrong in ("f" * 64, ""):
        kept[place] = wrong
        forget_opened()
        with pytest.raises(PermissionDenied):
            load_keys(workspace)
    assert refused(workspace) == 2


@pytest.mark.parametrize("kind", ["env", "file"])
def test_reference(kind: str, workspace: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "service.secret"

    def put(text: str) -> None:
        monkeypatch.setenv("SERVICE_KEY", text)
        path.write_text(text)
        path.chmod(0o600)

    put("s" * 40)
    reference = "env:SERVICE_KEY" if kind == "env" else f"file:{path}"
    begin(workspace, "env", reference=reference)
    load_keys(workspace)
    for wrong in ("t" * 40, "short", ""):
        put(wrong)
        forget_opened()
        with pytest.raises(PermissionDenied):
            load_keys(workspace)
    assert refused(workspace) == 3


@pytest.mark.parametrize("reference", [None, "plain-secret-itself", "env:"])
def test_a_reference_is_one(workspace: Workspace, reference: str | None) -> None:
    with pytest.raises(UsageError) as caught:
        new_method("env", workspace, "root", reference=reference)
    assert "plain-secret" not in str(caught.value)


def test_token(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    method = begin(workspace, "token")
    assert method.told is not None
    assert method.told not in repr(method)
    for wrong in (None, method.told[:-1], method.told + "x", "cct1.root", "x"):
        if wrong is None:
            monkeypatch.delenv("CLAIMSCTL_TOKEN", raising=False)
        else:
            monkeypatch.setenv("CLAIMSCTL_TOKEN", wrong)
        with pytest.raises(PermissionDenied):
            load_keys(workspace)
    assert refused(workspace) == 5
    monkeypatch.setenv("CLAIMSCTL_TOKEN", method.told)
    load_keys(workspace)


def test_passphrase_is_asked_for_once(workspace: Workspace) -> None:
    begin(workspace, "passphrase", passphrase=PASSPHRASE)
    asked: list[str] = []

    def ask(prompt: str) -> str:
        asked.append(prompt)
        return PASSPHRASE

    open_access(workspace, ask=ask)
    load_keys(workspace)
    assert asked == ["Passphrase of root: "]


def test_a_script_without_session_is_told_to_unlock(workspace: Workspace) -> None:
    begin(workspace, "passphrase", passphrase=PASSPHRASE)
    with pytest.raises(PermissionDenied, match="claimsctl keys unlock"):
        load_keys(workspace)
    assert refused(workspace) == 1


def test_a_wrong_passphrase_is_refused_and_not_told(workspace: Workspace) -> None:
    begin(workspace, "passphrase", passphrase=PASSPHRASE)
    with pytest.raises(PermissionDenied, match="does not open the keys of root") as caught:
        open_access(workspace, ask=lambda _: "quiet maples by the lake")
    assert "lake" not in str(caught.value) + workspace.audit_log.read_text()
    assert refused(workspace) == 1


def test_a_passphrase_is_the_same_in_any_unicode_form(workspace: Workspace) -> None:
    begin(workspace, "passphrase", passphrase="caf\u00e9 au lait, please")
    open_access(workspace, ask=lambda _: "cafe\u0301 au lait, please")


def test_a_short_passphrase_is_not_taken(workspace: Workspace) -> None:
    with pytest.raises(UsageError, match="12 characters"):
        new_method("passphrase", workspace, "root", passphrase="short")


@pytest.mark.parametrize("cost", [{"n": 2**30}, {"r": 1000}, {"p": 99}, {"n": 0}])
def test_the_cost_of_a_passphrase_is_bounded(workspace: Workspace, cost: dict[str, int]) -> None:
    """An altered registry must not make the product use all memory."""
    begin(workspace, "passphrase", passphrase=PASSPHRASE)
    document = json.loads(workspace.access_file.read_text())
    document["users"]["root"]["method"]["parameters"] |= cost
    workspace.access_file.write_text(json.dumps(document))
    with pytest.raises(PermissionDenied):
        open_access(workspace, ask=lambda _: PASSPHRASE)


def unlocked(workspace: Workspace) -> Callable[[], None]:
    """Begin a session; what locks it."""
    held = hold(workspace, ask=lambda _: PASSPHRASE)
    begin_session(workspace, "root", held.private, 30)
    forget_opened()
    return lambda: (forget_opened(), end_session(workspace, "root"))  # type: ignore[return-value]


def test_a_session_opens_until_it_is_locked(workspace: Workspace) -> None:
    begin(workspace, "passphrase", passphrase=PASSPHRASE)
    lock = unlocked(workspace)
    path = session_path(workspace, "root")
    assert path.stat().st_mode & 0o777 == 0o600
    load_keys(workspace)
    lock()
    assert not path.exists()
    with pytest.raises(PermissionDenied, match="keys unlock"):
        load_keys(workspace)


@pytest.mark.parametrize("minutes", [31, -1])
def test_an_expired_session_is_refused_and_forgotten(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch, minutes: int
) -> None:
    """Also when the clock was turned back to before its beginning."""
    begin(workspace, "passphrase", passphrase=PASSPHRASE)
    unlocked(workspace)
    now = time.time() + 60 * minutes
    monkeypatch.setattr(session, "time", SimpleNamespace(time=lambda: now))
    with pytest.raises(PermissionDenied, match="has expired"):
        load_keys(workspace)
    assert refused(workspace) == 1
    assert not session_path(workspace, "root").exists()


def test_a_session_that_others_may_read_is_refused(workspace: Workspace) -> None:
    begin(workspace, "passphrase", passphrase=PASSPHRASE)
    unlocked(workspace)
    session_path(workspace, "root").chmod(0o644)
    with pytest.raises(PermissionDenied, match="Others may read"):
        load_keys(workspace)


@pytest.mark.parametrize("text", ["", "{", "[]", '{"from": 0}'])
def test_a_damaged_session_is_none(workspace: Workspace, text: str) -> None:
    begin(workspace, "passphrase", passphrase=PASSPHRASE)
    unlocked(workspace)
    session_path(workspace, "root").write_text(text)
    registry = load_registry(workspace)
    assert registry is not None
    assert not is_unlocked(workspace, "root", registry.users["root"])


def test_a_session_of_other_keys_opens_nothing(workspace: Workspace, tmp_path: Path) -> None:
    """As when a user was given new keys while a session was open."""
    begin(workspace, "passphrase", passphrase=PASSPHRASE)
    unlocked(workspace)
    other = Workspace.open(tmp_path / "other")
    begin(other, "passphrase", passphrase=PASSPHRASE)
    session_path(workspace, "root").rename(session_path(other, "root"))
    with pytest.raises(PermissionDenied, match="keys unlock"):
        load_keys(other)


def test_the_account_decides_who_is_there(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    begin(workspace, "file")
    registry = load_registry(workspace)
    assert registry is not None
    assert named_user(registry) == "root"
    monkeypatch.setattr("claimsctl.security.access.opening.account_name", lambda: "somebody else")
    with pytest.raises(PermissionDenied, match="none of them"):
        named_user(registry)


def test_a_session_lies_where_nobody_else_may_look(
    workspace: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path / "run"))
    elsewhere = tmp_path / "config" / "sessions"
    assert session_path(workspace, "pat").parent == elsewhere
    for mode, place in ((0o700, tmp_path / "run" / "claimsctl"), (0o755, elsewhere), (0o1777, elsewhere)):
        (tmp_path / "run").mkdir(exist_ok=True)
        (tmp_path / "run").chmod(mode)
        assert session_path(workspace, "pat").parent == place
