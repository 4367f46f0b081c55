"""A person at a terminal is asked before large inputs; nobody else ever is."""

from __future__ import annotations

import io
from pathlib import Path

import pytest

from claimsctl.cli.confirming import confirm_size
from claimsctl.cli.priorities import parse_priorities
from claimsctl.cli.state import State
from claimsctl.errors import Interrupted, UsageError
from tests.claims import claim, write_csv
from tests.commands import Command


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def at_a_terminal(monkeypatch: pytest.MonkeyPatch, answer: str) -> Terminal:
    shown = Terminal()
    monkeypatch.setattr("sys.stdin", Terminal(f"{answer}\n"))
    monkeypatch.setattr("sys.stderr", shown)
    return shown


@pytest.fixture
def claims(tmp_path: Path) -> Path:
    return write_csv(tmp_path / "claims.csv", [claim(f"A{n}") for n in range(10)])


def test_no_ends_the_run(claims: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shown = at_a_terminal(monkeypatch, "n")
    with pytest.raises(Interrupted, match="--yes"):
        confirm_size(State(), [str(claims)], 1_000)
    assert "more than the 1 kB" in shown.getvalue()


def test_yes_goes_on(claims: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shown = at_a_terminal(monkeypatch, "y")
    confirm_size(State(), [str(claims.parent)], 1_000)
    assert "Go on?" in shown.getvalue()


@pytest.mark.parametrize(("state", "above"), [(State(yes=True), 1), (State(), 0), (State(), 1_000_000)])
def test_not_asked(claims: Path, monkeypatch: pytest.MonkeyPatch, state: State, above: int) -> None:
    shown = at_a_terminal(monkeypatch, "n")
    confirm_size(state, [str(claims), "-", "nowhere.csv"], above)
    assert shown.getvalue() == ""


def test_without_a_terminal_the_run_goes_on(
    command: Command, claims: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "workspace").mkdir()
    (tmp_path / "workspace" / "claimsctl.toml").write_text("[process]\nconfirm_above_mb = 0\n")
    monkeypatch.setattr("claimsctl.settings_tables.ProcessSettings.confirm_above", 1)
    ended = command("process", claims, "--as-of", "2026-06-30", "--dry-run")
    assert (ended.code, "Go on?" in ended.err) == (0, False)


@pytest.mark.parametrize("said", [("--yes", "jobs", "resume", "last"), ("jobs", "resume", "last", "-y")])
def test_resume_is_told_yes_before_the_command_or_after_it(
    command: Command, monkeypatch: pytest.MonkeyPatch, said: tuple[str, ...]
) -> None:
    states: list[State] = []
    monkeypatch.setattr("claimsctl.cli.jobactions.resume_job", lambda state, _job: states.append(state))
    assert command(*said).code == 0
    assert [state.yes for state in states] == [True]


def test_priorities() -> None:
    assert parse_priorities(["3", "a=b=-2", "4"], inbox=True) == (4, {"a=b": -2})
    for wrong in ("high", "a=", "1e3", "99999999"):
        with pytest.raises(UsageError):
            parse_priorities([wrong], inbox=True)
    with pytest.raises(UsageError, match="--move-to"):
        parse_priorities(["a=1"], inbox=False)
