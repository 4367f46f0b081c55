"""A registry that was altered anywhere, or is another's, opens nothing."""

from __future__ import annotations

import json
from base64 import b64decode, b64encode
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from claimsctl.errors import PermissionDenied, StoreError
from claimsctl.security.access.founding import found
from claimsctl.security.access.opening import forget_opened, known_verify_keys, open_access, open_held
from claimsctl.security.access.recovery import import_recovery, write_kit
from claimsctl.security.access.registry import Registry, load_registry, parse_registry, save_registry
from claimsctl.security.access.unlocking import new_method
from claimsctl.security.access.users import disable_user, grant_user, reset_user
from claimsctl.security.access.wrapping import is_signed, new_private
from claimsctl.security.keys import load_keys
from claimsctl.store.workspace import Workspace
from tests.managed import Managed, managed


@pytest.fixture
def place(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> Managed:
    there = managed(workspace, monkeypatch, "east", "west", pat="billing")
    there.add("tess", "therapist", "east", npi="1234567893", account="tess", trained=date(2026, 1, 15))
    there.be("root")
    return there


def leaves(document: Any, *path: Any) -> Iterator[tuple[Any, ...]]:
    if isinstance(document, dict) and document:
        for name, value in document.items():
            yield from leaves(value, *path, name)
    elif isinstance(document, list) and document:
        for at, value in enumerate(document):
            yield from leaves(value, *path, at)
    else:
        yield path


def altered(value: Any) -> Any:
    """Another value that a reader could take for one of the field."""
    if isinstance(value, int):
        return value + 1
    if value is None:
        return "2026-01-01"
    if isinstance(value, list | dict):
        return ["east"] if isinstance(value, list) else {"east": "AAAA"}
    if value.count("-") == 2 and value[:2] == "20":
        return "2031-01-01"
    roles = {"admin": "billing", "billing": "admin", "therapist": "admin", "token": "file"}
    if value in roles:
        return roles[value]
    if len(value) > 10:
        data = bytearray(b64decode(value)) if value[-1] == "=" or len(value) % 4 == 0 else None
        if data:
            data[len(data) // 2] ^= 1
            return b64encode(bytes(data)).decode()
    return value[:-1] + ("x" if value[-1] != "x" else "y")


def put(document: Any, path: tuple[Any, ...], value: Any) -> Any:
    changed = json.loads(json.dumps(document))
    at = changed
    for name in path[:-1]:
        at = at[name]
    at[path[-1]] = value
    return changed


def test_every_altered_field_is_noticed(place: Managed) -> None:
    """By everybody, not only by whom the field is about."""
    file = place.workspace.access_file
    document = json.loads(file.read_text())
    paths = list(leaves(document))
    assert len(paths) > 60
    unnoticed = []
    for path in paths:
        value = document
        for name in path:
            value = value[name]
        file.write_text(json.dumps(put(document, path, altered(value))))
        forget_opened()
        try:
            open_access(place.workspace)
        except PermissionDenied:
            continue
        except StoreError:
            assert path == ("format",)
        else:
            unnoticed.append(path)
    assert unnoticed == []


def test_every_removed_field_is_noticed(place: Managed) -> None:
    file = place.workspace.access_file
    document = json.loads(file.read_text())
    for name in document:
        file.write_text(json.dumps({key: value for key, value in document.items() if key != name}))
        forget_opened()
        with pytest.raises(PermissionDenied):
            open_access(place.workspace)


def test_every_altered_byte_of_ones_own_keys_is_noticed(
    place: Managed, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever could sign the registry, as an admin can, still cannot exchange what is in it unseen."""
    monkeypatch.setattr(Registry, "check", lambda *_: None)
    place.be("pat")
    file, name_of = place.workspace.access_file, place.workspace.id
    document = json.loads(file.read_text())
    for field in (("private",), ("grants", "east"), ("encrypt",), ("verify",)):
        path = ("users", "pat", *field)
        value = document["users"]["pat"]
        for name in field:
            value = value[name]
        data = b64decode(value)
        for at in range(len(data)):
            changed = bytearray(data)
            changed[at] ^= 0x10
            text = json.dumps(put(document, path, b64encode(bytes(changed)).decode()))
            forget_opened()
            with pytest.raises(PermissionDenied):
                open_held(place.workspace, parse_registry(text.encode(), name_of, file)).bundle("east")


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", "null", '{"format": 1}', "\xff"])
def test_a_damaged_registry_is_refused(place: Managed, text: str) -> None:
    place.workspace.access_file.write_bytes(text.encode("latin-1"))
    forget_opened()
    with pytest.raises(PermissionDenied, match="damaged") as caught:
        load_keys(place.workspace)
    assert "import-recovery" in str(caught.value)


def test_another_authority_is_not_taken(place: Managed) -> None:
    """Somebody who may write the file signs it anew with a key of their own."""
    from dataclasses import replace

    from claimsctl.security.access.wrapping import verifying_half

    registry, own = load_registry(place.workspace), new_private()
    assert registry is not None
    users = {**registry.users, "pat": replace(registry.users["pat"], role="admin")}
    save_registry(place.workspace, replace(registry, authority=verifying_half(own), users=users).signed(own))
    for name in ("root", "pat"):
        place.be(name)
        with pytest.raises(PermissionDenied, match="altered"):
            open_access(place.workspace)


def test_a_registry_of_another_workspace_is_not_taken(place: Managed, tmp_path: Path) -> None:
    other = Workspace.open(tmp_path / "other")
    other.access_file.write_bytes(place.workspace.access_file.read_bytes())
    with pytest.raises(PermissionDenied, match="another workspace"):
        open_access(other)


def test_a_registry_that_is_gone_does_not_open_the_workspace(place: Managed) -> None:
    """Else whoever may remove it would begin with a new secret, as its only user."""
    place.workspace.access_file.unlink()
    forget_opened()
    with pytest.raises(PermissionDenied, match=r"access\.json is missing"):
        load_keys(place.workspace)


def test_the_file_is_private_and_holds_no_key(place: Managed) -> None:
    keys = load_keys(place.workspace, "east")
    text = place.workspace.access_file.read_text()
    assert place.workspace.access_file.stat().st_mode & 0o777 == 0o600
    for secret in (keys.lookup, keys.sealing, keys.digest):
        assert secret.hex() not in text
        assert b64encode(secret).decode() not in text
    assert all(token.rpartition(".")[2] not in text for token in place.tokens.values())
    assert place.code.replace("-", "") not in text


def test_old_signatures_verify_after_a_reset(place: Managed) -> None:
    place.be("pat")
    signature = open_access(place.workspace).sign(b"record")
    place.be("root")
    reset_user(place.workspace, "pat", new_method("token", place.workspace, "pat"))
    halves = known_verify_keys(place.workspace)["pat"]
    assert [is_signed(half, signature, b"record") for half in halves] == [False, True]


def test_a_change_by_two_admins_at_once_loses_neither(
    place: Managed, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is changed is read again when it is one's turn."""
    from claimsctl.security.access import changing

    lock, done = changing.registry_lock, []

    def late(workspace: Workspace) -> Any:
        if not done:
            done.append(True)
            grant_user(workspace, "pat", role="front_desk")
        return lock(workspace)

    monkeypatch.setattr(changing, "registry_lock", late)
    grant_user(place.workspace, "tess", practices=frozenset({"west"}))
    registry = load_registry(place.workspace)
    assert registry is not None
    assert (registry.users["pat"].role, registry.users["tess"].practices) == ("front_desk", {"west"})


def test_users_are_brought_in_once(place: Managed) -> None:
    method = new_method("token", place.workspace, "bob")
    with pytest.raises(Exception, match="has users and roles already"):
        found(place.workspace, "bob", method, practices=["default"], with_data=[])


def test_an_older_registry_that_is_put_back_is_refused(place: Managed) -> None:
    """It is signed as well, and has a user who was disabled since."""
    before = place.workspace.access_file.read_bytes()
    disable_user(place.workspace, "pat")
    place.be("root")
    load_keys(place.workspace, "east")
    newest = place.workspace.access_file.read_bytes()
    place.workspace.access_file.write_bytes(before)
    for name in ("root", "pat"):
        place.be(name)
        with pytest.raises(PermissionDenied, match="older registry of users"):
            load_keys(place.workspace, "east")
    place.workspace.access_file.write_bytes(newest)
    place.be("root")
    load_keys(place.workspace, "east")


def test_a_copy_of_the_recovery_kit_is_newer_than_all_before(place: Managed, tmp_path: Path) -> None:
    kit = tmp_path / "kit.json"
    registry = load_registry(place.workspace)
    assert registry is not None
    write_kit(registry, kit)
    disable_user(place.workspace, "pat")
    load_keys(place.workspace, "east")
    place.be(None)
    method = new_method("file", place.workspace, "root")
    import_recovery(place.workspace, place.code, "root", method, kit=kit)
    load_keys(place.workspace, "east")
