"""`claimsctl keys` and `claimsctl users`: from one secret to users, their ways in, and the way back."""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from claimsctl.cli import keyfounding, keyways
from claimsctl.security.access import unlocking
from claimsctl.security.access.opening import forget_opened
from claimsctl.security.keys import Keys, load_keys, secret_path
from claimsctl.store.workspace import Workspace
from tests.claims import claim, write_csv
from tests.cli.conftest import Prepared
from tests.commands import Command

FEW = ("--only", "FIN-*")
PERSON = {"patient_last_name": "Quillfeather", "patient_first_name": "Zebulonia", "member_id": "XKW7730915"}


@pytest.fixture
def place(
    command: Command, prepared: Prepared, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Path]:
    """A directory with `workspace` and `config`, and two practices with data."""
    prepared.copy("keys", partial(stored, command), tmp_path)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("CLAIMSCTL_WORKSPACE", str(tmp_path / "workspace"))
    monkeypatch.setenv("CLAIMSCTL_CONFIG_DIR", str(tmp_path / "config"))
    monkeypatch.delenv("XDG_RUNTIME_DIR", raising=False)
    monkeypatch.setattr(unlocking, "SCRYPT", {"n": 2, "r": 1, "p": 1})
    yield tmp_path
    forget_opened()


def stored(command: Command, place: Path) -> str:
    """Runs of two practices: claims A1 and B1, of the same patient, and one rejected each."""
    (place / "workspace").mkdir()
    (place / "workspace" / "claimsctl.toml").write_text('[practice.east]\nname = "East"\n[practice.west]\n')
    for name, practice in (("A", "east"), ("B", "west")):
        path = write_csv(
            place / f"{name}.csv", [claim(f"{name}1", **PERSON), claim(f"{name}2", charge_amount="-5")]
        )
        ran = command("process", path, "--practice", practice, "--out", place / name, *FEW, "-q")
        assert ran.code == 0, ran.err
    return ""


def workspace(place: Path) -> Workspace:
    return Workspace.open(place / "workspace")


def secret(path: Path, text: str) -> str:
    path.write_text(text)
    path.chmod(0o600)
    return f"file:{path}"


def init(command: Command, *more: str) -> dict[str, Any]:
    ran = command("keys", "init", "--user", "owner", "--method", "file", "--json", *more)
    assert ran.code == 0, ran.err
    return dict(ran.json)


def name_of(command: Command, claim_number: str) -> str:
    ran = command("claims", "show", claim_number, "--show-phi", "--json")
    assert ran.code == 0, ran.err
    return str(ran.json["patient"]["patient_last_name"])


def actions(place: Path) -> list[str]:
    return [
        json.loads(line)["action"] for line in (place / "workspace" / "audit.log").read_text().splitlines()
    ]


def test_init_keeps_all_readable_and_removes_the_secret(command: Command, place: Path) -> None:
    before = load_keys(workspace(place))
    path = secret_path(workspace(place))
    made = init(command)
    assert made["practices"] == ["default", "east", "west"]
    assert not path.exists()
    forget_opened()
    keys = load_keys(workspace(place), "east")
    assert (keys.lookup, keys.digest) == (before.lookup, before.digest)
    assert keys.key_id != before.key_id
    assert name_of(command, "A1") == name_of(command, "B1") == PERSON["patient_last_name"]
    found = command("claims", "list", "--search", PERSON["member_id"], "--json").json
    assert len(found["claims"]) == 2
    again = command("process", "A.csv", "--practice", "east", "--out", "again", *FEW, "--json", "-q")
    assert again.code == 0, again.err
    assert again.json["claims"]["accepted"] == 1  # known by its digest, and no duplicate
    assert command("audit", "verify").code == 0


def test_what_is_printed_once_is_nowhere_else(command: Command, place: Path) -> None:
    made = init(command)
    code = made["recovery_code"]
    for path in place.rglob("*"):
        if path.is_file():
            text = path.read_bytes()
            assert code.encode() not in text, path
            assert code.replace("-", "").encode() not in text, path
    again = command("keys", "init")
    assert again.code == 2
    assert "users and roles already" in again.err


def test_a_code_that_cannot_be_printed_changes_nothing(
    command: Command, place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(keyfounding, "print_document", full)
    assert command("keys", "init", "--method", "file", "--json").code == 4
    assert not workspace(place).access_file.exists()
    assert secret_path(workspace(place)).exists()
    monkeypatch.undo()


def test_a_code_that_is_not_written_down_changes_nothing(
    command: Command, place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(keyfounding, "can_ask", lambda _state: True)
    monkeypatch.setattr(keyfounding.typer, "prompt", lambda *_, **__: "no")
    ran = command("keys", "init", "--method", "file")
    assert ran.code == 130
    assert "Nothing was changed" in ran.err
    assert not workspace(place).access_file.exists()
    assert name_of(command, "A1") == PERSON["patient_last_name"]


def test_rotation_seals_anew_and_all_stays_readable(command: Command, place: Path) -> None:
    init(command)
    ran = command("keys", "rotate", "--json")
    assert ran.code == 0, ran.err
    assert set(ran.json["new"]) == {"default", "east", "west"}
    assert ran.json["older_keys_in_use"] == {}
    assert name_of(command, "A1") == PERSON["patient_last_name"]
    listed = command("keys", "list", "--json").json["keys"]
    assert {row["state"] for row in listed} == {"current", "retired"}
    assert command("keys", "rotate", "--practice", "nowhere").code == 2
    assert command("keys", "rotate", "--resume", "--practice", "east").code == 2
    assert command("keys", "rotate", "--resume").code == 0
    assert {"keys init", "keys rotate", "keys retire", "keys plain secret removed"} <= set(actions(place))


def test_another_practice_is_refused_and_recorded(
    command: Command, place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    init(command)
    added = command(
        "users", "add", "pat", "--role", "billing", "--practice", "east", "--trained", "2026-10-01", "--json"
    )
    monkeypatch.setenv("CLAIMSCTL_TOKEN", added.json["token"])
    assert name_of(command, "A1") == PERSON["patient_last_name"]
    refused = actions(place).count("refused")
    for line in (
        ("process", "B.csv", "--practice", "west"), ("keys", "rotate"), ("users", "list"), ("audit", "list"),
        ("keys", "export-recovery"), ("users", "grant", "pat", "--role", "admin"),
    ):  # fmt: skip
        assert command(*line).code == 5, line
    assert actions(place).count("refused") == refused + 6
    shown = command("claims", "show", "B1", "--show-phi")
    assert shown.code != 0
    assert PERSON["patient_last_name"] not in shown.out + shown.err


def test_an_admin_who_resets_themselves_signs_the_record_of_it(command: Command, place: Path) -> None:
    init(command)
    words = secret(place / "words", "quiet maples by the river")
    ran = command("users", "reset", "owner", "--passphrase-from", words, "--json")
    assert (ran.code, ran.json["method"]) == (0, "passphrase"), ran.err
    assert actions(place)[-1] == "users reset"
    assert command("audit", "verify").code == 5  # and from now on the passphrase is asked for
    assert command("keys", "unlock", "--passphrase-from", words).code == 0
    assert command("audit", "verify").code == 0
    command("users", "add", "second", "--role", "admin")
    ran = command("users", "disable", "owner")
    assert ran.code == 2
    assert "Another admin does it" in ran.err


def test_who_hands_over_a_key_file_hears_to_whom(command: Command, place: Path) -> None:
    init(command)
    ran = command(
        "users", "add", "night", "--role", "billing", "--method", "file", "--account", "cron", "--key-file",
        "night.key", "--json",
    )  # fmt: skip
    assert ran.json["key_file"] == str(place / "night.key")
    assert f"chown cron '{place / 'night.key'}'" in ran.json["use_it"]


def test_an_altered_registry_is_seen_by_status(command: Command, place: Path) -> None:
    init(command)
    registry = workspace(place).access_file
    registry.write_text(registry.read_text().replace('"trained": "2', '"trained": "1'))
    ran = command("keys", "status")
    assert ran.code == 5
    assert "was altered" in ran.err
    assert actions(place)[-1] == "refused"


def test_a_disabled_user_is_refused_and_recorded(
    command: Command, place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    init(command)
    token = command("users", "add", "pat", "--role", "billing", "--trained", "2026-10-01", "--json").json[
        "token"
    ]
    assert command("users", "disable", "pat").code == 0
    monkeypatch.setenv("CLAIMSCTL_TOKEN", token)
    ran = command("claims", "list")
    assert (ran.code, ran.out) == (5, "")
    assert "pat was disabled" in ran.err
    assert actions(place)[-1] == "refused"


def test_unlock_and_lock(command: Command, place: Path) -> None:
    right = secret(place / "right", "quiet maples by the river")
    wrong = secret(place / "wrong", "quiet maples by the lake!")
    made = command("keys", "init", "--user", "owner", "--passphrase-from", right, "--json")
    assert made.json["method"] == "passphrase"
    assert command("claims", "list").code == 5
    assert command("keys", "status", "--json").json["locked"] is True
    assert command("keys", "unlock").code == 5  # nobody is at a terminal
    refused = command("keys", "unlock", "--passphrase-from", wrong)
    assert refused.code == 5
    assert "lake" not in refused.err
    assert command("keys", "unlock", "--passphrase-from", right, "--minutes", "5").code == 0
    assert command("keys", "status", "--json").json["locked"] is False
    assert name_of(command, "A1") == PERSON["patient_last_name"]
    assert command("keys", "lock").code == 0
    assert command("keys", "lock", "--json").json["was_unlocked"] is False
    assert command("claims", "list").code == 5
    assert [each for each in actions(place) if each in ("keys unlock", "keys lock")] == [
        "keys unlock",
        "keys lock",
    ]


def test_status_of_one_secret(command: Command, place: Path) -> None:
    status = command("keys", "status", "--json").json
    assert status["secret_is_there"] is True
    assert status["secret"] == str(secret_path(workspace(place)))
    assert command("keys", "status", "--test-recovery").code == 2
    for line in (
        ("keys", "list"),
        ("keys", "rotate"),
        ("users", "list"),
        ("keys", "unlock"),
        ("keys", "lock"),
    ):
        ran = command(*line)
        assert ran.code == 2, line
        assert "keys init" in ran.err


def test_the_recovery_code_is_tried_on_what_is_stored(command: Command, place: Path) -> None:
    code = secret(place / "code", init(command)["recovery_code"])
    assert "never" in command("keys", "status", "--json").json["recovery_tested"]
    command("keys", "rotate")  # a rotation needs no new code
    ran = command("keys", "status", "--test-recovery", "--code-from", code, "--json")
    assert ran.code == 0, ran.err
    assert "4 stored patients" in ran.json["recovery_test"]
    assert "never" not in ran.json["recovery_tested"]
    for wrong, exit_code in (("AAAA-AAAA", 2), ("", 5)):
        assert (
            command("keys", "status", "--test-recovery", "--code-from", secret(place / "w", wrong)).code
            == exit_code
        )
    (sealed,) = {path.name for path in (place / "workspace" / "lines").rglob("patients-*.parquet")}
    for path in (place / "workspace" / "lines").rglob(sealed):
        path.unlink()
    gone = command("keys", "status", "--test-recovery", "--code-from", code)
    assert gone.code == 4
    assert "missing" in gone.err


def test_recovery_when_all_other_keys_are_lost(command: Command, place: Path) -> None:
    code = secret(place / "code", init(command)["recovery_code"])
    for path in (place / "config" / "keys").glob("*.key"):
        path.unlink()
    assert command("claims", "list").code == 5
    for wrong in ("LMNO-" * 9, "AAAA"):
        ran = command("keys", "import-recovery", "--code-from", secret(place / "w", wrong))
        assert ran.code == 2  # a slip is told from another code
    back = command("keys", "import-recovery", "--code-from", code, "--user", "owner", "--method", "file")
    assert back.code == 0, back.err
    assert name_of(command, "A1") == PERSON["patient_last_name"]
    assert command("audit", "verify").code == 0  # also what the lost key has signed


def test_a_newer_code_makes_the_older_worthless(command: Command, place: Path) -> None:
    old = secret(place / "old", init(command)["recovery_code"])
    new = command("keys", "export-recovery", "--out", "kit.json", "--json").json
    assert (place / "kit.json").stat().st_mode & 0o777 == 0o600
    ran = command("keys", "import-recovery", "--code-from", old)
    assert ran.code == 5
    assert actions(place)[-1] == "refused"
    good = secret(place / "new", new["recovery_code"])
    assert command("keys", "status", "--test-recovery", "--code-from", good).code == 0


def test_a_new_code_that_nobody_sees_leaves_the_older_in_force(
    command: Command, place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    code = secret(place / "code", init(command)["recovery_code"])
    (place / "taken.json").touch()
    assert command("keys", "export-recovery", "--out", "taken.json").code == 2
    assert command("keys", "export-recovery", "--out", "nowhere/kit.json").code == 4

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(keyfounding, "print_document", full)
        assert command("keys", "export-recovery", "--out", "kit.json", "--json").code == 4
    assert not (place / "kit.json").exists()
    assert command("keys", "status", "--test-recovery", "--code-from", code).code == 0


def test_a_lost_registry_comes_back_from_its_kit(command: Command, place: Path) -> None:
    init(command)
    code = secret(
        place / "code",
        command("keys", "export-recovery", "--out", "kit.json", "--json").json["recovery_code"],
    )
    for lost in (lambda path: path.unlink(), lambda path: path.write_text("{")):
        lost(workspace(place).access_file)
        assert command("claims", "show", "A1", "--show-phi").code == 5
        assert command("keys", "import-recovery", "--code-from", code).code in (2, 5)
        back = command(
            "keys", "import-recovery", "--code-from", code, "--kit", "kit.json", "--method", "file", "--json"
        )
        assert back.code == 0, back.err
        command("users", "training", back.json["user"])
        assert name_of(command, "A1") == PERSON["patient_last_name"]


@pytest.mark.parametrize(
    "line",
    [
        "claims list",
        "claims stats",
        "claims export",
        "jobs list",
        "patients list",
        "keys status",
        "users list",
    ],
)
def test_who_removes_the_registry_has_no_rights_by_it(command: Command, place: Path, line: str) -> None:
    init(command)
    workspace(place).access_file.unlink()
    ran = command(*line.split())
    assert (ran.code, ran.out) == (5, "")
    assert "access.json is missing" in ran.err
    assert actions(place)[-1] == "refused"


def test_users_are_changed_and_listed(command: Command, place: Path) -> None:
    init(command)
    assert command("users", "add", "tess", "--role", "therapist").code == 2
    assert command("users", "add", "tess", "--role", "therapist", "--npi", "1234567893").code == 0
    assert command("users", "add", "tess", "--role", "billing").code == 2
    assert command("users", "add", "bo", "--role", "billing", "--method", "file").code == 2  # whose account?
    assert (
        command("users", "add", "bo", "--role", "billing", "--method", "token", "--account", "bo").code == 2
    )
    assert (
        command("users", "add", "bo", "--role", "billing", "--method", "keyring", "--account", "bo").code == 2
    )
    assert command("users", "grant", "tess").code == 2
    assert command("users", "grant", "tess", "--practice", "east", "--all-practices").code == 2
    assert command("users", "grant", "tess", "--practice", "east", "--role", "front_desk").code == 0
    assert command("users", "training", "tess", "--date", "2026-01-15").code == 0
    assert command("users", "training", "nobody").code == 2
    assert command("users", "disable", "owner").code == 2
    assert command("users", "reset", "tess", "--json").json["token"].startswith("cct1.tess.")
    users = {each["user"]: each for each in command("users", "list", "--json").json["users"]}
    assert users["tess"] | {"made": None} == {
        "user": "tess", "role": "front_desk", "method": "token", "account": None, "npi": "1234567893",
        "practices": "east", "trained": "2026-01-15", "disabled": None, "made": None,
    }  # fmt: skip
    assert set(users) == {"owner", "tess"}


def test_a_new_practice_has_keys_of_its_own(command: Command, place: Path) -> None:
    init(command)
    assert command("practices", "add", "oak", "--name", "Oak").code == 0
    assert command("keys", "init", "--practice", "elm", "--json").json == {"practices": ["elm"]}
    assert command("keys", "init", "--practice", "elm").code == 2
    forget_opened()
    there = workspace(place)
    found = {name: load_keys(there, name).lookup for name in ("east", "west", "oak", "elm")}
    assert found["east"] == found["west"]  # the data of both was there before
    assert len(set(found.values())) == 3


def test_passphrases_are_typed_twice(command: Command, place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    typed = iter(["quiet maples by the river", "quiet maples by the lake!"])
    monkeypatch.setattr(keyways, "terminal", lambda: lambda _prompt: next(typed))
    ran = command("keys", "init", "--method", "passphrase")
    assert ran.code == 2
    assert "differ" in ran.err
    assert isinstance(load_keys(workspace(place)), Keys)


def test_a_passphrase_is_not_an_argument(command: Command, place: Path) -> None:
    """It would be seen in the list of processes and in the history of the shell."""
    ran = command("keys", "init", "--passphrase-from", "quiet maples by the river")
    assert ran.code == 2
    assert "does not belong on the command line" in ran.err
    assert "maples" not in ran.err
