"""What commands leave in the log, and what a crash leaves in the workspace."""

from __future__ import annotations

import json
import os
import resource
from pathlib import Path

import pytest

from claimsctl.cli import logged
from tests.commands import Command


def lines(path: Path) -> list[dict[str, object]]:
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()]


def test_a_run_is_logged(command: Command, mixed: Path, tmp_path: Path) -> None:
    log = tmp_path / "log"
    ended = command("--log", log, "--log-format", "json", "process", mixed, "--as-of", "2026-06-30", "--json")
    assert ended.code == 0
    begin, made, read, end, last = lines(log)
    assert [each["event"] for each in (begin, made, read, end, last)] == [
        "command.begin", "job.made", "job.inputs", "job.end", "command.end",
    ]  # fmt: skip
    assert begin["command"] == last["command"] == "process"
    assert made["job"] == end["job"] == ended.json["job_id"]
    assert end["ledger"] == {"rows": ended.json["rows"], "claims": ended.json["claims"]}
    assert end["timings"]
    assert mixed.name not in log.read_text()
    assert last["code"] == 0
    command("jobs", "list")
    assert len(lines(log)) == 5, "a log is kept for the command that asks for it"


def test_the_log_of_the_settings(command: Command, tmp_path: Path) -> None:
    workspace = tmp_path / "workspace"
    assert command("init", workspace).code == 0
    assert not (workspace / "claimsctl.log").exists()
    settings = workspace / "claimsctl.toml"
    text = settings.read_text()
    assert '#file = "claimsctl.log"' in text
    settings.write_text(text.replace('#file = "claimsctl.log"', 'file = "claimsctl.log"'))
    assert command("jobs", "list").code == 0
    assert command("jobs", "show", "no job", "--json").code == 2
    text = (workspace / "claimsctl.log").read_text()
    assert "command.begin" in text
    assert 'command="jobs list" code=0' in text
    assert 'command="jobs show" code=2 error=UsageError' in text
    assert "no job" not in text
    settings.write_text('[log]\nfile = "log"\nformat = "xml"\n')
    refused = command("jobs", "list")
    assert refused.code == 2
    assert "format" in refused.err


def test_the_log_on_standard_error_or_as_a_variable_says(
    command: Command, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    ended = command("--log", "-", "jobs", "list", "--json")
    assert ended.json["jobs"] == []
    assert "command.end" in ended.err
    monkeypatch.setenv("CLAIMSCTL_LOG__FILE", "env.log")
    ended = command("jobs", "list")
    assert (ended.code, ended.err) == (0, "")
    assert "command.end" in (tmp_path / "workspace" / "env.log").read_text()


def test_a_log_that_cannot_be_written_stops_the_command(command: Command) -> None:
    ended = command("--log", "no/such/place", "jobs", "list")
    assert ended.code == 4
    assert "Cannot write the log" in ended.err


@pytest.fixture
def broken(monkeypatch: pytest.MonkeyPatch) -> None:
    def fall(*_: object, **__: object) -> None:
        raise RuntimeError("Quillfeather 536-48-2917")

    monkeypatch.setattr("claimsctl.cli.joblist.print_jobs", fall)


@pytest.mark.usefixtures("broken")
def test_a_crash_leaves_a_report(command: Command, clean: Path, tmp_path: Path) -> None:
    assert command("process", clean, "--as-of", "2026-06-30").code == 0
    log = tmp_path / "log"
    ended = command("--log", log, "--log-format", "json", "jobs", "list")
    assert ended.code == 70
    (report,) = (tmp_path / "workspace" / "crashes").iterdir()
    assert str(report) in ended.err
    assert json.loads(report.read_text())["command"] == "jobs list"
    assert [each["event"] for each in lines(log)] == ["command.begin", "crash", "command.end"]
    assert lines(log)[-1]["error"] == "RuntimeError"
    for text in (ended.err, report.read_text(), log.read_text()):
        assert "Quillfeather" not in text


@pytest.mark.usefixtures("broken")
def test_a_crash_makes_no_workspace(command: Command, tmp_path: Path) -> None:
    ended = command("jobs", "list")
    assert ended.code == 70
    assert "holds no patient data" in ended.err
    assert not (tmp_path / "workspace" / "crashes").exists()


def test_words_of_a_command_are_names_only() -> None:
    from typer.main import get_command

    from claimsctl.cli.app import app

    group = get_command(app)
    assert logged._words(group, "jobs", ["jobs", "show", "list"]) == ("jobs", "show")
    assert logged._words(group, "process", ["process", "jobs", "list"]) == ("process",)
    assert logged._words(group, None, ["--version"]) == ()


def test_a_command_is_private_whatever_its_surroundings(
    command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[int] = []
    monkeypatch.setattr("claimsctl.cli.joblist.print_jobs", lambda *_, **__: seen.append(os.umask(0o077)))
    before = os.umask(0o022)
    try:
        command("jobs", "list")
        assert os.umask(before) == 0o022, "that of the caller is put back"
    finally:
        os.umask(before)
    assert seen == [0o077]
    assert resource.getrlimit(resource.RLIMIT_CORE)[0] == 0, "no dump of memory"
