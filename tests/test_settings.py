"""Settings: where they are found, what wins, and that a mistake is named."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from claimsctl.errors import SettingsError
from claimsctl.settings import Settings, find_workspace, load_settings
from claimsctl.settings_security import SecuritySettings

FILE = """
[mapping]
"Their CPT" = "procedure_code"

[practice.Main]
name = "Oak Street Therapy"
npi = "1234567893"
zip = "02139"
payer = "87726"
constants = { place_of_service = "11" }

[payers.NEW1]
name = "New Plan"
aliases = ["NP", "NEWPLAN"]

[rules]
without = ["pat-001"]
severity = { "PAT-002" = "warning" }

[process]
profile = "session"
batch_size = 5000
"""


def write(directory: Path, text: str) -> Path:
    directory.mkdir(parents=True, exist_ok=True)
    (directory / "claimsctl.toml").write_text(text, "utf-8")
    return directory


def test_file_is_read(tmp_path: Path) -> None:
    settings = load_settings(write(tmp_path, FILE), {})
    assert settings.file == tmp_path / "claimsctl.toml"
    assert settings.mapping == {"Their CPT": "procedure_code"}
    assert settings.payers["NEW1"]["aliases"] == ["NP", "NEWPLAN"]
    assert settings.rules.without == ("PAT-001",)
    assert settings.rules.severity == {"PAT-002": "warning"}
    assert settings.process.profile == "session"
    assert settings.process.batch_size == 5000
    assert settings.process.duplicates is None


def test_practice_gives_constants_of_columns(tmp_path: Path) -> None:
    practice = load_settings(write(tmp_path, FILE), {}).practice_named("Main")
    assert practice.columns() == {
        "billing_name": "Oak Street Therapy",
        "billing_npi": "1234567893",
        "billing_zip": "02139",
        "payer_id": "87726",
        "place_of_service": "11",
    }


def test_environment_wins_over_file(tmp_path: Path) -> None:
    env = {
        "CLAIMSCTL_PROCESS__BATCH_SIZE": "700",
        "CLAIMSCTL_PROCESS__FAIL_ON": "",
        "CLAIMSCTL_RULES__PACKS": '["house.toml"]',
        "CLAIMSCTL_PRACTICE__MAIN__NPI": "0000000006",
        "CLAIMSCTL_WORKSPACE": "/elsewhere",
        "CLAIMSCTL_PRACTICE": "Main",
        "OTHER": "x",
    }
    settings = load_settings(write(tmp_path, FILE), env)
    assert settings.process.batch_size == 700
    assert settings.process.fail_on is None, "an empty variable is not set"
    assert settings.process.profile == "session", "the rest of the table stays"
    assert settings.rules.packs == ("house.toml",)
    assert settings.practice["Main"].npi == "0000000006", "text, with its zeros"
    assert settings.practice["Main"].zip == "02139"


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("[proces]\na = 1", ["[proces]", "Did you mean process?"]),
        ('[process]\nprofil = "session"', ["[process] profil", "Did you mean profile?"]),
        ('[process]\nprofile = "sesion"', ["[process] profile", "'session'"]),
        ("[process]\nbatch_size = 5", ["batch_size", "from 100 to 5000000"]),
        ('[process]\nbatch_size = "many"', ["batch_size", "whole number"]),
        ("[process\n", ["not TOML", "line 1"]),
        ("[practice.m]\nnpi = 1234567893", ["[practice.m] npi", "text, in quotes"]),
        ('[practice.m]\nnpii = "1"\nstreet = "x"', ["[practice.m] npii", "Did you mean npi?", "1 more"]),
        ('[rules]\nseverity = { "PAT-001" = "bad" }', ["[rules] severity.PAT-001", "'warning'"]),
        ('[rules]\nwithout = "PAT-001"', ["[rules] without", "list of texts"]),
        ("[mapping]\nx = 1", ["[mapping] x", "text, in quotes"]),
        ('practice = "a"', ["[practice]", "table"]),
        ('[security]\nseal = ["line_charge"]', ["[security]", "line_charge", "patient_dob"]),
        ('[security]\nhours = "7-19"', ["[security]", "hours", '"07-19"']),
        ("[security]\nexport_rows = 0", ["[security]", "export_rows", "1 or more"]),
        ("[security]\nsession_minutes = 0", ["[security]", "session_minutes", "from 1 to 1440"]),
        ("[security]\nretention_days = 99999999999", ["[security]", "retention_days", "from 1 to 36500"]),
        ('[security]\npurpose = "fun"', ["[security] purpose", "'payment'"]),
    ],
)
def test_mistake_in_file_is_named(tmp_path: Path, text: str, parts: list[str]) -> None:
    with pytest.raises(SettingsError) as caught:
        load_settings(write(tmp_path, text), {})
    message = str(caught.value)
    assert str(tmp_path / "claimsctl.toml") in message
    assert "\n" not in message
    assert [part for part in parts if part not in message] == []
    assert caught.value.exit_code == 2


@pytest.mark.parametrize(
    ("name", "value", "parts"),
    [
        ("CLAIMSCTL_PROCES__PROFILE", "session", ["no setting", "CLAIMSCTL_PROCESS__"]),
        ("CLAIMSCTL_PROFILE", "session", ["no setting", "Did you mean CLAIMSCTL_PROCESS__PROFILE?"]),
        ("CLAIMSCTL_PROCESS_BATCH_SIZE", "9", ["no setting", "Did you mean CLAIMSCTL_PROCESS__BATCH_SIZE?"]),
        ("CLAIMSCTL_HOLD_ABOVE", "0.5", ["no setting", "Did you mean CLAIMSCTL_SCORING__HOLD_ABOVE?"]),
        ("CLAIMSCTL_WORKSPCE", "/x", ["no setting", "CLAIMSCTL_WORKSPACE"]),
        ("CLAIMSCTL_PROCESS__PROFIL", "session", ["CLAIMSCTL_PROCESS__PROFIL", "Did you mean profile?"]),
        ("CLAIMSCTL_PROCESS__PROFILE", "x", ["CLAIMSCTL_PROCESS__PROFILE", "'session'"]),
        ("CLAIMSCTL_RULES__PACKS", "a.toml", ["CLAIMSCTL_RULES__PACKS", "list of texts"]),
        ("CLAIMSCTL_PROCESS", "{x", ["CLAIMSCTL_PROCESS", "not JSON"]),
        ("CLAIMSCTL_PRICING__CHARGE_FACTOR", "0", ["variable CLAIMSCTL_PRICING__CHARGE_FACTOR", "above 1"]),
    ],
)
def test_mistake_in_environment_is_named(tmp_path: Path, name: str, value: str, parts: list[str]) -> None:
    with pytest.raises(SettingsError) as caught:
        load_settings(tmp_path, {name: value})
    assert [part for part in parts if part not in str(caught.value)] == []


def test_security_is_read_and_has_its_defaults(tmp_path: Path) -> None:
    assert load_settings(tmp_path, {}).security == SecuritySettings(session_minutes=30, purpose="payment")
    text = '[security]\nseal = ["patient_dob"]\nhours = "07-19"\n'
    security = load_settings(write(tmp_path, text), {}).security
    assert (security.seal, security.hours, security.export_rows) == (("patient_dob",), "07-19", None)


def test_not_utf8(tmp_path: Path) -> None:
    (tmp_path / "claimsctl.toml").write_bytes(b'[mapping]\n"\xe9" = "x"\n')
    with pytest.raises(SettingsError, match="UTF-8"):
        load_settings(tmp_path, {})


def test_workspace_is_found_upwards_and_overridden(tmp_path: Path) -> None:
    root = write(tmp_path / "practice", FILE)
    below = root / "a" / "b"
    below.mkdir(parents=True)
    assert find_workspace(None, {}, below) == root
    assert find_workspace(None, {"CLAIMSCTL_WORKSPACE": str(tmp_path / "e")}, below) == tmp_path / "e"
    both = find_workspace(tmp_path / "flag", {"CLAIMSCTL_WORKSPACE": str(tmp_path / "e")}, below)
    assert both == tmp_path / "flag"


def test_without_file_the_users_data_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    monkeypatch.setenv("HOME", str(tmp_path))
    found = find_workspace(None, {}, tmp_path)
    assert found.name == "claimsctl"
    assert tmp_path in found.parents
    assert load_settings(None, {}, cwd=tmp_path) == Settings(found)
    assert not found.exists(), "reading settings makes nothing"


def test_a_file_that_others_could_have_laid_is_ignored(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shared = write(tmp_path / "shared", FILE)
    shared.chmod(0o777)
    assert find_workspace(None, {}, shared) == shared, "our own file counts"
    monkeypatch.setattr("claimsctl.settings.os.geteuid", lambda: 4242)
    assert find_workspace(None, {}, shared) != shared


def test_unknown_practice_is_named_with_the_known_ones(tmp_path: Path) -> None:
    settings = load_settings(write(tmp_path, FILE), {})
    with pytest.raises(SettingsError, match="Did you mean Main"):
        settings.practice_named("Mein")
    with pytest.raises(SettingsError, match=r"No practice is named; .* has .*Main.*: --practice "):
        settings.practice_named("default")
    assert Settings(tmp_path).practice_named("default").columns() == {}


def test_pack_beside_the_file_is_found(tmp_path: Path) -> None:
    write(tmp_path, '[rules]\npacks = ["house.toml", "therapy"]')
    (tmp_path / "house.toml").write_text("")
    settings = load_settings(tmp_path, {})
    assert settings.rule_packs() == (str(tmp_path / "house.toml"), "therapy")


def test_checked_settings_are_not_checked_again_until_they_change(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parents[1]))
    write(tmp_path, FILE)
    (tmp_path / "workspace.id").write_text("00000000-0000-4000-8000-000000000000")
    code = (
        "import sys; from pathlib import Path; from claimsctl.settings import load_settings\n"
        f"s = load_settings(Path({str(tmp_path)!r}), {{}})\n"
        "print(s.process.batch_size, s.rules.without, 'pydantic' in sys.modules)"
    )

    def run() -> str:
        return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout

    assert run() == "5000 ('PAT-001',) True\n"
    assert run() == "5000 ('PAT-001',) False\n", "the slow import is spared"
    write(tmp_path, FILE.replace("5000", "6000"))
    assert run() == "6000 ('PAT-001',) True\n"
    write(tmp_path, FILE.replace("batch_size", "batchsize"))
    with pytest.raises(SettingsError, match="batch_size"):
        load_settings(tmp_path, {})
