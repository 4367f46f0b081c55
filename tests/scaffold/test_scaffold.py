"""`init`: a workspace whose settings and house pack say everything there is, and overwrite nothing."""

from __future__ import annotations

import re
from dataclasses import fields
from pathlib import Path

from claimsctl.process.house_terms import house_rulebook
from claimsctl.scaffold.about import ABOUT, SECTIONS_ABOUT
from claimsctl.scaffold.settings_text import settings_text
from claimsctl.scaffold.workspace import scaffold
from claimsctl.settings import SECTIONS, TABLES, load_settings
from claimsctl.validate.ruleset import Selection
from tests.commands import Command
from tests.conftest import AS_OF


def turned_on(text: str) -> str:
    """The text with every setting in force: words begin with `# `, settings with `#`."""
    return re.sub(r"^#(?=\S)", "", text, flags=re.MULTILINE)


def test_every_setting_is_explained_and_no_other() -> None:
    assert set(SECTIONS_ABOUT) == set(SECTIONS)
    assert set(ABOUT) == {f"{name}.{each.name}" for name, table in TABLES.items() for each in fields(table)}
    assert set(TABLES) == set(SECTIONS) - {"mapping", "payers"}


def test_settings_as_they_are_made_change_nothing_but_the_outbox(tmp_path: Path) -> None:
    scaffold(tmp_path)
    settings = load_settings(tmp_path, {})
    (tmp_path / "claimsctl.toml").write_text('[inbox]\nout = "outbox"\n')
    assert settings == load_settings(tmp_path, {})


def test_every_example_value_can_be_read(tmp_path: Path) -> None:
    scaffold(tmp_path)
    (tmp_path / "claimsctl.toml").write_text(turned_on(settings_text()))
    settings = load_settings(tmp_path, {})
    for name, table in TABLES.items():
        section = getattr(settings, name)
        section = next(iter(section.values())) if isinstance(section, dict) else section
        for each in fields(table):
            assert getattr(section, each.name), f"{name}.{each.name} is on"
    assert settings.mapping
    (tmp_path / "shared").mkdir()
    pack = (tmp_path / "rules" / "house.toml").read_text()
    (tmp_path / "shared" / "our_rules.toml").write_text(pack.replace('name = "house"', 'name = "shared"'))
    book = house_rulebook(settings, Selection(), (), practice_id="maple-street", run_date=AS_OF)
    assert "NSTAR" in book.payers.types


def test_the_house_pack_loads_and_its_examples_behave(command: Command, tmp_path: Path) -> None:
    scaffold(tmp_path)
    pack = tmp_path / "rules" / "house.toml"
    assert command("rules", "check", pack).code == 0
    pack.write_text(turned_on(pack.read_text()))
    checked = command("rules", "check", pack)
    assert (checked.code, "2 rules compiled" in checked.out) == (0, True), checked.out + checked.err


def test_what_is_there_is_kept(command: Command, tmp_path: Path) -> None:
    first = command("--json", "init", tmp_path / "new")
    assert first.code == 0
    assert set(first.json["made"]) == {
        "workspace.id", "inbox/", "outbox/", "rules/", "claimsctl.toml", "rules/house.toml", ".gitignore",
    }  # fmt: skip
    made = tmp_path / "new"
    assert all(not path.stat().st_mode & 0o077 for path in (made, *made.rglob("*")))
    (made / "claimsctl.toml").write_text("# mine\n")
    (made / "rules" / "house.toml").unlink()
    again = command("--json", "init", made)
    assert again.json["made"] == ["rules/house.toml"]
    assert (made / "claimsctl.toml").read_text() == "# mine\n"


def test_where_it_lies_is_told(command: Command, tmp_path: Path) -> None:
    command("init", tmp_path / "outer")
    (tmp_path / "outer" / "inner").mkdir(mode=0o755)
    ended = command("init", tmp_path / "outer" / "inner")
    assert "lies in the workspace" in ended.err
    assert "chmod 700" in ended.err
    (tmp_path / "file").write_text("")
    assert command("init", tmp_path / "file").code == 2
