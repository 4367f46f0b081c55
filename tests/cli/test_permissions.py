"""Which command needs which permission, and what becomes of those who lack it."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
import typer

from claimsctl.cli.app import app
from claimsctl.cli.state import State
from claimsctl.errors import PermissionDenied
from claimsctl.security.roles import COMMANDS, MAY, MEANING, ROLES, TRAINED, Role, needed
from claimsctl.store.workspace import Workspace
from tests.claims import claim, write_csv
from tests.cli.conftest import Prepared
from tests.commands import Command
from tests.managed import managed

A = "1497758544"
"""The therapist of A2."""
Become = Callable[..., None]


def becoming(workspace: Workspace, monkeypatch: pytest.MonkeyPatch, *with_data: str) -> Become:
    """Bring users into a workspace; a function that makes the test a new one, of some practices or all."""
    place = managed(workspace, monkeypatch, "default", "a", "b", "c", with_data=with_data)

    def become(role: Role, *practices: str, **said: Any) -> None:
        name = f"user-{len(place.tokens)}"
        place.add(name, role, *practices, **said)
        place.be(name)

    return become


def last_record(workspace: Path) -> tuple[str, Any]:
    """What was done last, and its facts, as the audit log has it."""
    record = json.loads((workspace / "audit.log").read_text().splitlines()[-1])
    return record["action"], record["facts"]


def leaves(group: Any, *path: str) -> Iterator[tuple[str, Any]]:
    """Every command below the application, by its path."""
    for name, command in group.commands.items():
        if hasattr(command, "commands"):
            yield from leaves(command, *path, name)
        else:
            yield " ".join((*path, name)), command


def test_every_command_has_an_entry_in_the_table() -> None:
    """A command that nobody thought about must not be open to everybody."""
    assert {path for path, _ in leaves(typer.main.get_command(app))} == set(COMMANDS)


def test_roles_have_only_permissions_there_are() -> None:
    assert set(MAY) == set(ROLES)
    assert frozenset().union(*MAY.values(), TRAINED) <= set(MEANING)
    assert set(COMMANDS.values()) - {None} <= set(MEANING)


@pytest.mark.parametrize(
    ("command", "options", "permissions"),
    [
        ("claims show", {"show_phi": False}, ("claims",)),
        ("claims show", {"show_phi": True}, ("claims", "identifiers")),
        ("claims export", {"show_phi": False}, ("export",)),
        ("claims export", {"deidentify": True}, ("deidentified",)),
        ("claims export", {"phi": "deidentify", "show_phi": True}, ("deidentified", "identifiers")),
        ("claims export", {"phi": "plain"}, ("export", "identifiers")),
        ("fix", {"show_phi": True}, ("prepare", "identifiers")),
        ("rules diff", {"claims": None}, ()),
        ("rules diff", {"claims": ["claims.csv"]}, ("prepare",)),
    ],
)
def test_options_ask_for_further_permissions(
    command: str, options: dict[str, object], permissions: tuple[str, ...]
) -> None:
    assert needed(command, options) == permissions


@pytest.fixture
def empty(tmp_path: Path) -> Workspace:
    return Workspace.open(tmp_path / "workspace")


OPEN = {
    "admin": {"process", "claims list", "claims export", "jobs prune", "practices add", "check-status"},
    "billing": {"process", "claims list", "claims export", "check-status", "jobs rollback", "claims delete"},
    "therapist": {"claims list", "claims show", "claims export", "claims stats", "worklist"},
    "front_desk": {"claims list", "claims show", "claims history"},
    "analyst": {"claims stats"},
    "auditor": set(),
}
SHUT = {
    "admin": set(),
    "billing": {"jobs prune", "practices add", "reference load", "payers map add", "init"},
    "therapist": {"process", "check-status", "jobs list", "claims set-status", "claims delete"},
    "front_desk": {
        "process", "claims export", "claims stats", "jobs errors", "claims set-status", "worklist",
        "model show",
    },
    "analyst": {"claims list", "claims show", "claims export", "jobs list", "process", "claims history"},
    "auditor": {"claims list", "claims stats", "claims export", "jobs list", "process"},
}  # fmt: skip


@pytest.mark.parametrize("role", ROLES)
def test_every_command_is_run_or_refused_as_the_role_says(
    role: Role, empty: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every command of the application, as a user of the role calls it; only its own work is left out."""
    becoming(empty, monkeypatch)(role, **({"npi": A} if role == "therapist" else {}))
    ran: list[str] = []
    application = typer.main.get_command(app)
    for path, leaf in leaves(application):
        monkeypatch.setattr(leaf, "callback", lambda path=path, **_: ran.append(path))
        # Below the application, as a user calls it: a command keeps the help option of its first context.
        above = application.make_context("claimsctl", [], resilient_parsing=True, obj=State(empty.root))
        with leaf.make_context(path, [], parent=above, resilient_parsing=True) as context:
            if COMMANDS[path] is None or COMMANDS[path] in MAY[role]:
                leaf.invoke(context)
                assert ran[-1] == path
            else:
                with pytest.raises(PermissionDenied) as refused:
                    leaf.invoke(context)
                assert refused.value.exit_code == 5
                records = [json.loads(line) for line in empty.audit_log.read_text().splitlines()[-2:]]
                last = [each for each in records if each["action"] == "refused"][-1]  # before "unusual"
                assert last["facts"]["command"] == path
    assert OPEN[role] <= set(ran)
    assert not SHUT[role] & set(ran)
    assert {"rules list", "template download", "sandbox"} <= set(ran)


def test_without_a_registry_nobody_is_asked_who_they_are(
    command: Command, empty: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    import claimsctl.requiring

    monkeypatch.setattr(claimsctl.requiring, "require", None)
    assert command("claims", "list", "--json").json["total"] == 0


@pytest.mark.parametrize(("days", "code"), [(365, 0), (366, 5), (None, 5)])
def test_patient_data_needs_training_of_the_last_year(
    days: int | None, code: int, command: Command, empty: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    trained = None if days is None else date.today() - timedelta(days=days)
    becoming(empty, monkeypatch)("billing", trained=trained)
    ended = command("claims", "list")
    assert ended.code == code
    if code:
        assert "claimsctl users training" in ended.err
        assert last_record(empty.root)[1]["permission"] == "claims"


def test_settings_say_how_long_training_lasts(
    command: Command, empty: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    empty.settings_file.write_text("[security]\ntraining_days = 30\n")
    become = becoming(empty, monkeypatch)
    become("billing", trained=date.today() - timedelta(days=31))
    assert command("claims", "list").code == 5
    become("billing", trained=date.today() - timedelta(days=30))
    assert command("claims", "list").code == 0


def _two_practices(place: Path) -> str:
    """One run of practice a, one of practice b; the job of b."""
    from claimsctl.cli.app import main

    (place / "workspace").mkdir()
    (place / "workspace" / "claimsctl.toml").write_text("[practice.a]\n[practice.b]\n")
    rows = {
        "a": [claim("A1"), claim("A2", rendering_npi=A, charge_amount="777.31"), claim("A3", units="0")],
        "b": [claim("B1", diagnosis_1="F33.1"), claim("B2", units="0")],
    }
    for practice, lines in rows.items():
        path = write_csv(place / f"{practice}.csv", lines)
        with pytest.raises(SystemExit) as stopped:
            main(
                ["process", str(path), "--practice", practice, "--out", str(place / f"out-{practice}"), "-q"]
            )
        assert stopped.value.code == 0
    return sorted((place / "workspace" / "jobs").iterdir())[-1].name


@pytest.fixture
def shared(
    prepared: Prepared, tmp_path: Path, command: Command, read_few: Any, monkeypatch: pytest.MonkeyPatch
) -> tuple[Become, str]:
    """A workspace with claims of two practices: a function to become one of its users, and the job of b."""
    import claimsctl.process.house_terms

    monkeypatch.setattr(claimsctl.process.house_terms, "load_rulebook", read_few)
    job = prepared.copy("two practices", _two_practices, tmp_path)
    return becoming(Workspace.open(tmp_path / "workspace"), monkeypatch, "a", "b"), job


Shared = tuple[Become, str]


def numbers(listed: Any) -> list[str]:
    return sorted(each["claim_number"] for each in listed["claims"])


def test_users_see_claims_and_jobs_of_their_practices_only(shared: Shared, command: Command) -> None:
    become, _ = shared
    become("billing", "a")
    assert numbers(command("claims", "list", "--json").json) == ["A1", "A2", "A3"]
    assert [job["practice"] for job in command("jobs", "list", "--json").json["jobs"]] == ["a"]
    assert command("jobs", "show", "last", "--json").json["practice"] == "a"
    assert command("claims", "stats", "--json").json["total_claims"] == 3
    assert "B1" not in command("claims", "export", "--format", "csv").out
    become("admin")
    assert numbers(command("claims", "list", "--json").json) == ["A1", "A2", "A3", "B1", "B2"]
    assert command("jobs", "show", "last", "--json").json["practice"] == "b"


@pytest.mark.parametrize(
    "arguments",
    [
        "claims list", "claims show B1", "claims history B1", "claims export", "claims stats",
        "claims set-status B1 PENDING", "claims delete B1 --yes", "claims restore B1",
        "check-status --claim B1 --sandbox", "claims refresh --sandbox",
    ],
)  # fmt: skip
def test_claims_of_another_practice_are_refused_and_noted(
    arguments: str, shared: Shared, command: Command, tmp_path: Path
) -> None:
    become, _ = shared
    become("billing", "a")
    ended = command(*arguments.split(), "--practice", "b")
    assert ended.code == 5
    assert "none of yours" in ended.err
    assert "B1" not in ended.out
    action, facts = last_record(tmp_path / "workspace")
    assert (action, facts["practice"]) == ("refused", "b")


def test_a_refusal_has_the_purpose_given(shared: Shared, command: Command, tmp_path: Path) -> None:
    become, _ = shared
    become("billing", "a")
    assert command("--purpose", "treatment", "claims", "list", "--practice", "b").code == 5
    record = json.loads((tmp_path / "workspace" / "audit.log").read_text().splitlines()[-1])
    assert (record["action"], record["purpose"]) == ("refused", "treatment")


@pytest.mark.parametrize("verb", ["show", "history", "delete", "restore", "set-status"])
def test_a_claim_of_another_practice_is_as_if_it_were_not_there(
    verb: str, shared: Shared, command: Command
) -> None:
    """Whether a claim number exists elsewhere is nobody's business."""
    become, _ = shared
    become("billing", "a")
    more = {"delete": ["--yes"], "set-status": ["PENDING"]}.get(verb, [])
    theirs, none = (command("claims", verb, number, *more) for number in ("B1", "Z9"))
    assert (theirs.code, theirs.err.replace("B1", "Z9")) == (2, none.err)


@pytest.mark.parametrize("verb", ["show", "watch", "cancel", "errors", "retry", "resume", "rollback"])
def test_jobs_of_another_practice_are_refused_and_noted(
    verb: str, shared: Shared, command: Command, tmp_path: Path
) -> None:
    become, job_of_b = shared
    become("billing", "a")
    ended = command("jobs", verb, job_of_b, *(["--yes"] if verb == "rollback" else []))
    assert (ended.code, ended.out) == (5, "")
    action, facts = last_record(tmp_path / "workspace")
    assert (action, facts["practice"]) == ("refused", "b")


def test_a_user_of_one_practice_need_not_name_it(shared: Shared, command: Command, tmp_path: Path) -> None:
    become, _ = shared
    become("billing", "a")
    path = write_csv(tmp_path / "new.csv", [claim("A9")])
    assert command("process", path, "--out", tmp_path / "new", "-q").code == 0
    (found,) = command("claims", "list", "--search", "A9", "--columns", "practice", "--json").json["claims"]
    assert found == {"practice_id": "a"}
    become("billing", "a", "c")
    ended = command("process", path, "--out", tmp_path / "newer", "-q")
    assert ended.code == 5
    assert "--practice" in ended.err


def test_a_therapist_sees_their_own_claims(shared: Shared, command: Command) -> None:
    become, _ = shared
    become("therapist", "a", npi=A)
    assert numbers(command("claims", "list", "--json").json) == ["A2"]
    assert command("claims", "show", "A1").code == 2
    assert command("claims", "show", "A2").code == 0
    stats = command("claims", "stats", "--json").json
    assert stats["total_claims"] == 1
    assert [row["lines"] for row in stats["by_code"]] == [1]
    work = command("worklist", "--as-of", "2026-06-30", "--json").json
    assert (numbers(work), work["total"]) == (["A2"], 1)
    assert command("worklist", "--search", "A1", "--json").json["claims"] == []
    exported = command("claims", "export", "--format", "csv").out
    assert "A2" in exported
    assert "A1" not in exported
    become("therapist", "a", npi="1245319588")
    assert command("claims", "list", "--json").json["total"] == 0


def test_doctor_counts_what_the_user_sees(shared: Shared, command: Command) -> None:
    become, _ = shared

    def counted() -> dict[str, str]:
        checks = command("doctor", "--json").json["checks"]
        return {each["name"]: each["says"] for each in checks if each["state"] == "ok"}

    become("billing", "a")
    mine = counted()
    assert (mine["claims store"], mine["jobs"]) == ("3 claims in force, 3 versions in all.", "1 job.")
    assert mine["lines"] == "All are there."
    become("therapist", "a", npi=A)
    assert counted()["claims store"] == "1 claim in force, 1 version in all."
    become("admin")
    whole = counted()
    assert (whole["claims store"], whole["jobs"]) == ("5 claims in force, 5 versions in all.", "2 jobs.")


def test_the_front_desk_sees_no_amounts_and_no_diagnoses(shared: Shared, command: Command) -> None:
    become, _ = shared
    become("front_desk", "a")
    for arguments in (["list"], ["list", "--columns", "all"], ["list", "--columns", "all", "--json"],
                      ["show", "A2"], ["show", "A2", "--json"], ["show", "A3", "--json"],
                      ["show", "A2", "--show-phi"], ["history", "A2", "--json"]):  # fmt: skip
        ended = command("claims", *arguments)
        assert ended.code == 0, ended.err
        for hidden in ("777.31", "120.00", "F41", "F33"):
            assert hidden not in ended.out
    assert "99213" in command("claims", "show", "A2").out


@pytest.mark.parametrize(
    "options",
    [
        ["--columns", "charge_amount"], ["--columns", "diagnoses"], ["--sort=-paid_amount"],
        ["--sort", "diagnoses"], ["--min-amount", "500"], ["--max-amount", "500"], ["--diagnosis", "F33*"],
        ["--sort=-total_rvu"],
    ],
)  # fmt: skip
def test_the_front_desk_cannot_ask_by_amounts_and_diagnoses(
    options: list[str], shared: Shared, command: Command, tmp_path: Path
) -> None:
    become, _ = shared
    become("front_desk", "a")
    ended = command("claims", "list", *options)
    assert (ended.code, ended.out) == (5, "")
    assert "no amounts" in ended.err
    action, facts = last_record(tmp_path / "workspace")
    assert (action, facts["permission"]) == ("refused", "amounts")


def test_an_analyst_counts_and_looks_for_nobody(shared: Shared, command: Command) -> None:
    become, _ = shared
    become("analyst", "a")
    assert command("claims", "stats", "--json").json["total_claims"] == 3
    assert command("claims", "stats", "--search", "A1").code == 5
    assert command("claims", "export", "--format", "csv").code == 5
    assert command("claims", "export", "--phi", "plain", "--format", "csv").code == 5
    taken = command("claims", "export", "--deidentify", "--format", "csv")
    assert taken.code == 0, taken.err
    assert len(taken.out.splitlines()) == 4
    for hidden in ("XYQ", "Sample", "2026-05-04"):
        assert hidden not in taken.out
    assert "A1" not in re.split(r"[,\s]", taken.out)  # as a whole: pseudonyms may have these digits


def test_an_analyst_cannot_ask_by_how_much_dates_were_shifted(
    shared: Shared, command: Command, tmp_path: Path
) -> None:
    """A file of the claims of one day would tell it, and so would counts of claims that are one."""
    become, _ = shared
    become("analyst", "a")
    for day in (
        ["--service-from", "2026-05-04"],
        ["--service-to", "2026-05-04"],
        ["--queried-after", "2026-01-01"],
    ):
        for asked in (("stats",), ("export", "--deidentify", "--format", "csv")):
            ended = command("claims", *asked, *day)
            assert (ended.code, ended.out) == (5, ""), (asked, day)
    assert last_record(tmp_path / "workspace")[1]["what"] == "refused"  # the sixth one is unusual
    year = ("--service-from", "2026-01-01", "--service-to", "2026-12-31")
    assert len(command("claims", "export", "--deidentify", "--format", "csv", *year).out.splitlines()) == 4
    counted = command("claims", "stats", "--code", "99213", "--json", *year).json
    assert [row["month"] for row in counted["by_month"]] == ["2026"]
    assert (counted["date_range"]["service_from"], counted["date_range"]["service_to"]) == ("2026", "2026")
    assert "2026-05" not in command("claims", "stats").out


def test_patients_of_another_practice_are_not_there(shared: Shared, command: Command) -> None:
    become, _ = shared
    become("admin")
    everybody = command("patients", "list", "--json").json["patients"]
    keys = {each["patient_key"]: each["practice_id"] for each in everybody}
    assert sorted(keys.values()) == ["a", "a", "a", "b", "b"]
    become("billing", "a")
    seen = command("patients", "list", "--json").json["patients"]
    assert {each["practice_id"] for each in seen} == {"a"}
    assert command("patients", "list", "--practice", "b").code == 5
    theirs = next(key for key, practice in keys.items() if practice == "b")
    assert command("patients", "delete", theirs, "--yes").code == 2
    become("front_desk", "a")
    assert command("patients", "list", "--show-phi", "--json").json["patients"][0]["member_id"][:3] == "XYQ"
    assert command("patients", "delete", theirs, "--yes").code == 5
