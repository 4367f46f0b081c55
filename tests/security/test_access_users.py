"""Users of a workspace hold the keys that their role and practices give them, and no others."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import date

import pytest

from claimsctl.errors import PermissionDenied, UsageError
from claimsctl.security.access.opening import open_access
from claimsctl.security.access.registry import load_registry
from claimsctl.security.access.unlocking import new_method
from claimsctl.security.access.users import (
    disable_user,
    enable_user,
    grant_user,
    note_training,
    reset_user,
)
from claimsctl.security.keys import load_keys, searching_keys
from claimsctl.security.sealing import seal, unseal
from claimsctl.store.workspace import Workspace
from tests.managed import Managed, managed


@pytest.fixture
def place(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> Managed:
    return managed(workspace, monkeypatch, "east", "west")


def refusals(workspace: Workspace) -> list[str]:
    lines = [json.loads(line) for line in workspace.audit_log.read_text().splitlines()]
    return [str(line["facts"].get("why")) for line in lines if line["action"] == "refused"]


def test_roles_with_keys_read_what_others_sealed(place: Managed) -> None:
    for role in ("admin", "billing", "therapist", "front_desk"):
        place.add(f"a-{role}", role)
    place.be("a-billing")
    sealed = seal(b"name", b"place", load_keys(place.workspace, "east"))
    for role in ("admin", "therapist", "front_desk"):
        place.be(f"a-{role}")
        assert unseal(sealed, b"place", load_keys(place.workspace, None)) == b"name"


def test_an_analyst_has_only_pseudonyms_and_an_auditor_nothing(place: Managed) -> None:
    wanted = open_access(place.workspace).deidentify_key("east")
    place.add("ann", "analyst")
    place.add("aud", "auditor")
    place.be("ann")
    assert open_access(place.workspace).deidentify_key("east") == wanted
    with pytest.raises(PermissionDenied, match="an analyst sees none"):
        load_keys(place.workspace, "east")
    place.be("aud")
    with pytest.raises(PermissionDenied, match="an auditor sees none"):
        load_keys(place.workspace, "east")
    with pytest.raises(PermissionDenied):
        open_access(place.workspace).deidentify_key("east")
    registry = load_registry(place.workspace)
    assert registry is not None
    assert registry.users["aud"].grants == {}
    assert len(refusals(place.workspace)) == 2


def test_practices_have_keys_of_their_own(place: Managed) -> None:
    east, west = (load_keys(place.workspace, name) for name in ("east", "west"))
    assert {east.lookup, east.sealing, east.digest}.isdisjoint({west.lookup, west.sealing, west.digest})
    assert searching_keys(place.workspace) == (east, west)
    sealed = seal(b"x", b"p", west)
    assert unseal(sealed, b"p", east) == b"x"  # the admin has both
    place.add("eve", "billing", "east")
    place.be("eve")
    assert load_keys(place.workspace, "east") == east
    assert searching_keys(place.workspace) == (east,)
    with pytest.raises(PermissionDenied, match="users grant eve --practice west") as caught:
        load_keys(place.workspace, "west")
    assert caught.value.exit_code == 5
    with pytest.raises(PermissionDenied):
        unseal(sealed, b"p", load_keys(place.workspace, "east"))
    assert len(refusals(place.workspace)) == 1


def test_a_practice_without_keys_is_named(place: Managed) -> None:
    with pytest.raises(PermissionDenied, match="keys init --practice north"):
        load_keys(place.workspace, "north")


def test_grant_changes_role_and_practices(place: Managed) -> None:
    place.add("eve", "billing", "east")
    grant_user(place.workspace, "eve", practices=frozenset({"west"}))
    place.be("eve")
    load_keys(place.workspace, "west")
    with pytest.raises(PermissionDenied):
        load_keys(place.workspace, "east")
    place.be("root")
    grant_user(place.workspace, "eve", role="admin", all_practices=True)
    place.be("eve")
    disable_user(place.workspace, "root")
    assert open_access(place.workspace).practices is None


def test_a_disabled_user_is_refused_until_enabled(place: Managed) -> None:
    place.add("bob", "billing")
    disable_user(place.workspace, "bob")
    registry = load_registry(place.workspace)
    assert registry is not None
    assert registry.users["bob"].grants == {}
    place.be("bob")
    with pytest.raises(PermissionDenied, match="bob was disabled"):
        open_access(place.workspace)
    assert refusals(place.workspace) == ["bob was disabled."]
    place.be("root")
    enable_user(place.workspace, "bob")
    place.be("bob")
    load_keys(place.workspace, "east")


def test_only_an_admin_changes_users(place: Managed) -> None:
    place.add("bob", "billing")
    place.be("bob")
    before = place.workspace.access_file.read_bytes()
    for change in (
        lambda: grant_user(place.workspace, "bob", role="admin"),
        lambda: disable_user(place.workspace, "root"),
        lambda: note_training(place.workspace, "bob", date.today()),
    ):
        with pytest.raises(PermissionDenied, match="for an admin"):
            change()
    assert place.workspace.access_file.read_bytes() == before
    assert len(refusals(place.workspace)) == 3


def test_an_admin_of_one_practice_gives_no_keys_of_another(place: Managed) -> None:
    place.add("eve", "admin", "east")
    place.be("eve")
    with pytest.raises(PermissionDenied, match="no key of the practice west"):
        grant_user(place.workspace, "eve", all_practices=True)


def test_a_reset_user_comes_in_by_the_new_way_only(place: Managed) -> None:
    old = place.add("bob", "billing")
    method = new_method("token", place.workspace, "bob")
    reset_user(place.workspace, "bob", method)
    place.be("bob")
    with pytest.raises(PermissionDenied, match="does not open the keys of bob"):
        open_access(place.workspace)
    assert method.told not in (None, old)
    place.tokens["bob"] = str(method.told)
    place.be("bob")
    load_keys(place.workspace, "east")


def test_training_is_noted(place: Managed) -> None:
    place.add("bob", "billing", trained=None)
    note_training(place.workspace, "bob", date(2026, 1, 15))
    place.be("bob")
    assert open_access(place.workspace).trained == date(2026, 1, 15)
    place.be("root")
    with pytest.raises(UsageError, match="still to come"):
        note_training(place.workspace, "bob", replace_year(date.today()))


def replace_year(day: date) -> date:
    return date(day.year + 2, 1, 1)


@pytest.mark.parametrize(
    ("name", "said", "message"),
    [
        ("Bob", {}, "cannot be the name"),
        ("*recovery", {}, "cannot be the name"),
        ("root", {}, "user root already"),
        ("bob", {"npi": "12"}, "no NPI"),
        ("bob", {"account": "taken"}, "bound to another user"),
    ],
)
def test_users_that_cannot_be(place: Managed, name: str, said: dict[str, str], message: str) -> None:
    place.add("tim", "billing", account="taken")
    with pytest.raises(UsageError, match=message):
        place.add(name, "billing", **said)


def test_a_therapist_needs_an_npi_and_a_practice_that_is_known(place: Managed) -> None:
    with pytest.raises(UsageError, match="needs --npi"):
        place.add("tess", "therapist", npi=None)
    with pytest.raises(UsageError, match="practice north has no keys yet"):
        place.add("bob", "billing", "north")


def test_the_last_admin_of_all_practices_stays(place: Managed) -> None:
    place.add("eve", "admin", "east")
    for change in (
        lambda: disable_user(place.workspace, "root"),
        lambda: grant_user(place.workspace, "root", role="billing"),
        lambda: grant_user(place.workspace, "root", practices=frozenset({"east"})),
    ):
        with pytest.raises(UsageError, match="without an admin"):
            change()


def test_a_stranger_is_refused_and_it_is_recorded(place: Managed, monkeypatch: pytest.MonkeyPatch) -> None:
    place.be(None)
    monkeypatch.setattr("claimsctl.security.access.opening.account_name", lambda: "stranger")
    with pytest.raises(PermissionDenied, match="you are none of them"):
        open_access(place.workspace)
    place.monkeypatch.setenv("CLAIMSCTL_TOKEN", "cct1.nobody.abc")
    with pytest.raises(PermissionDenied, match="you are none of them"):
        open_access(place.workspace)
    place.monkeypatch.setenv("CLAIMSCTL_TOKEN", "something else")
    with pytest.raises(PermissionDenied, match="is no token"):
        open_access(place.workspace)
    assert len(refusals(place.workspace)) == 3


def test_what_was_opened_is_kept_until_the_registry_changes(place: Managed) -> None:
    first = open_access(place.workspace)
    assert open_access(place.workspace) is first
    place.add("bob", "billing")
    assert open_access(place.workspace) is not first
    assert replace(open_access(place.workspace)) == open_access(place.workspace)


def test_an_older_registry_that_is_put_back_meanwhile_is_not_built_upon(place: Managed) -> None:
    """Who was disabled in it would come back, signed."""
    place.add("bill", "billing")
    older = place.workspace.access_file.read_bytes()
    disable_user(place.workspace, "bill")
    open_access(place.workspace)  # and so this account knows the newest one
    place.workspace.access_file.write_bytes(older)
    with pytest.raises(PermissionDenied, match="older registry of users"):
        note_training(place.workspace, "root", date(2026, 1, 15))
    assert place.workspace.access_file.read_bytes() == older
