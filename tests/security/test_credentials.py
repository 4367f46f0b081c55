"""Secrets are read where the settings say they are, and never told."""

from __future__ import annotations

import builtins
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from claimsctl.asking.accounts import account_of
from claimsctl.errors import SettingsError
from claimsctl.security.credentials import resolve
from claimsctl.settings import Settings
from claimsctl.settings_payers import PayerMapSettings, RouteSettings

PLACE = "[payer_route.uhc]"


def secret_of(reference: str, root: Path) -> str:
    return resolve({"key": reference}, PLACE, root)["key"]


def test_environment_and_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("THE_KEY", " from-env ")
    assert secret_of("env:THE_KEY", tmp_path) == "from-env"
    (tmp_path / "key").write_text("from-file\n")
    (tmp_path / "key").chmod(0o600)
    assert secret_of("file:key", tmp_path) == "from-file"
    assert secret_of(f"file:{tmp_path / 'key'}", Path("/")) == "from-file"


def test_a_file_that_others_may_read_is_refused(tmp_path: Path) -> None:
    (tmp_path / "key").write_text("hunter2")
    (tmp_path / "key").chmod(0o644)
    with pytest.raises(SettingsError, match="others may read") as caught:
        secret_of("file:key", tmp_path)
    assert "hunter2" not in str(caught.value)
    with pytest.raises(SettingsError, match=r"\[payer_route.uhc\] credentials.key: cannot read"):
        secret_of("file:gone", tmp_path)


def test_keyring(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    kept = {("claims/uhc", "oak"): "from-ring"}
    ring = SimpleNamespace(get_password=lambda service, user: kept.get((service, user)))
    monkeypatch.setitem(sys.modules, "keyring", ring)
    assert secret_of("keyring:claims/uhc/oak", tmp_path) == "from-ring"
    with pytest.raises(SettingsError, match="keyring set claims/uhc elm"):
        secret_of("keyring:claims/uhc/elm", tmp_path)


def test_without_the_keyring_package_its_extra_is_named(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    found = builtins.__import__

    def missing(name: str, *rest: Any, **more: Any) -> Any:
        if name == "keyring":
            raise ImportError
        return found(name, *rest, **more)

    monkeypatch.setattr(builtins, "__import__", missing)
    with pytest.raises(SettingsError, match=r"pip install 'claimsctl\[keyring\]'"):
        secret_of("keyring:uhc/oak", tmp_path)


def test_a_secret_stands_in_no_representation(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("THE_KEY", "hunter2")
    said = RouteSettings(credentials={"api_key": "env:THE_KEY"}, ca_file="ca.pem", environment="sandbox")
    settings = Settings(tmp_path, payer_route={"stedi": said})
    account = account_of(settings, "stedi", None)
    assert account.credentials == {"api_key": "hunter2"}
    assert "hunter2" not in repr(account)
    assert account.ca_file == tmp_path / "ca.pem"
    assert account_of(settings, "stedi", None, secrets=False).credentials == {}


def test_an_account_that_is_not_there_is_named(tmp_path: Path) -> None:
    settings = Settings(tmp_path, payer_map={"INS1": PayerMapSettings(route="stedi", account="two")})
    with pytest.raises(SettingsError, match=r"\[payer_account.two\]"):
        account_of(settings, "stedi", "INS1")
