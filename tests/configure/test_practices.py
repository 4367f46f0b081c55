"""Practices are added and changed in claimsctl.toml, and everything else in it stays."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from claimsctl.configure.practices import add_practice, edit_practice, is_npi
from claimsctl.errors import SettingsError, UsageError
from claimsctl.settings import Settings, load_settings

BEFORE = """# Settings of our house
[process] # defaults
profile = "status" # we mostly ask

[practice.main] # the first one
npi = "1234567893" # group
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "claimsctl.toml"
    path.write_text(BEFORE, "utf-8")
    return path


def loaded(file: Path) -> Settings:
    return load_settings(file.parent, {})


def test_a_practice_is_added_below_what_there_is(file: Path) -> None:
    add_practice(file, loaded(file), "oak", {"name": "Oak", "npi": "1234567893", "tax_id": "04-4410291"})
    text = file.read_text("utf-8")
    assert text.startswith(BEFORE)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    oak = loaded(file).practice["oak"]
    assert (oak.name, oak.npi, oak.tax_id) == ("Oak", "1234567893", "044410291")


def test_a_change_keeps_comments_and_joins_networks(file: Path) -> None:
    edit_practice(file, loaded(file), "main", {"zip": "02139", "network": {"87726": "in"}})
    edit_practice(file, loaded(file), "main", {"zip": "", "network": {"60054": "out"}})
    assert file.read_text("utf-8").startswith(BEFORE)
    main = loaded(file).practice["main"]
    assert main.zip is None
    assert main.network == {"87726": "in", "60054": "out"}


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("npi", "1234567890"),
        ("tax_id", "12345"),
        ("taxonomy", "193200000"),
        ("state", "Mass"),
        ("zip", "213"),
    ],
)
def test_what_cannot_be_right_is_refused(file: Path, name: str, value: str) -> None:
    with pytest.raises(UsageError, match=value):
        edit_practice(file, loaded(file), "main", {name: value})
    assert file.read_text("utf-8") == BEFORE


def test_settings_that_would_be_wrong_are_not_written(file: Path) -> None:
    with pytest.raises(SettingsError, match=r"\[practice.main\] network"):
        edit_practice(file, loaded(file), "main", {"network": {"87726": "maybe"}})
    assert file.read_text("utf-8") == BEFORE


def test_unknown_and_taken_ids_are_named(file: Path) -> None:
    with pytest.raises(UsageError, match="Did you mean main"):
        edit_practice(file, loaded(file), "mian", {"zip": "02139"})
    with pytest.raises(UsageError, match="practice main already"):
        add_practice(file, loaded(file), "main", {"zip": "02139"})
    with pytest.raises(UsageError, match="no id"):
        add_practice(file, loaded(file), "a b", {})


def test_a_link_to_the_settings_stays_a_link(file: Path, tmp_path: Path) -> None:
    place = tmp_path / "workspace"
    place.mkdir()
    link = place / "claimsctl.toml"
    link.symlink_to(file)
    add_practice(link, loaded(link), "oak", {"name": "Oak"})
    assert link.is_symlink()
    assert "oak" in loaded(file).practice


@pytest.mark.parametrize(
    ("text", "right"),
    [
        ("1234567893", True),
        ("1245319599", True),
        ("1234567890", False),
        ("0123456789", False),
        ("12345", False),
    ],
)
def test_check_digit(text: str, right: bool) -> None:
    assert is_npi(text) is right
