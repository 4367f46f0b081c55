"""Help: quick, complete, with an example that runs; and the ends of the process that only a process has."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer

from claimsctl import __version__
from claimsctl.cli.app import app
from tests.commands import EXAMPLES, ROOT, Command, ended, start

HEAVY = ("polars", "duckdb", "sqlalchemy", "sklearn", "httpx", "pydantic", "rich", "pyarrow", "cryptography")


def commands(group: Any, *path: str) -> Iterator[tuple[str, ...]]:
    """Every command and group below the application."""
    yield path
    for name, command in getattr(group, "commands", {}).items():
        yield from commands(command, *path, name)


ALL = list(commands(typer.main.get_command(app)))


def examples(text: str) -> list[str]:
    """Commands of the Example lines of a help text, each on one line, ready to be copied."""
    return re.findall(r"^ *Example: (.*)$", text, flags=re.MULTILINE)


@pytest.mark.parametrize("path", ALL, ids=lambda path: " ".join(path) or "claimsctl")
def test_help_has_an_example_that_runs(
    command: Command, path: tuple[str, ...], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    helped = command(*path, "--help")
    assert helped.code == 0
    (example,) = examples(helped.out)
    name, *arguments = shlex.split(example)
    assert name == "claimsctl"
    assert arguments[: len(path)] == list(path), "it shows the command itself"
    shutil.copytree(EXAMPLES, tmp_path / "try" / "examples")
    monkeypatch.chdir(tmp_path / "try")
    if path == ("reference", "remove"):  # what its example removes is what that of `load` loads
        command("reference", "load", "examples/practice_fees.csv")
    if path[:1] in (("jobs",), ("claims",)) and len(path) > 1:
        command("process", "examples/claims.csv", "--out", "made-before", "-q")
    if path == ("claims", "restore"):
        command("claims", "delete", arguments[-1], "--yes")
    ran = command(*arguments)
    assert ran.code == int(path == ("rules", "diff")), ran.err  # 1: the packs of its example differ
    assert ran.out


def test_every_option_says_what_it_does() -> None:
    for path in ALL:
        found = typer.main.get_command(app)
        for name in path:
            found = found.commands[name]  # type: ignore[attr-defined]
        for option in found.params:
            assert getattr(option, "help", None), f"{path}: {option.name}"


def test_help_loads_nothing_heavy(tmp_path: Path) -> None:
    code = (
        "import json, sys\n"
        "from claimsctl.cli.app import main\n"
        "try:\n    main(json.loads(sys.argv[1]))\n"
        "except SystemExit as stop:\n    assert stop.code == 0\n"
        f"print(json.dumps([name for name in {HEAVY!r} if name in sys.modules]), file=sys.stderr)\n"
    )
    for path in ((), ("process",), ("rules", "list"), ("template", "download")):
        ran = subprocess.run(
            [sys.executable, "-c", code, json.dumps([*path, "--help"])],
            env={**os.environ, "PYTHONPATH": str(ROOT)}, cwd=tmp_path, text=True, capture_output=True,
        )  # fmt: skip
        loaded = set(json.loads(ran.stderr.splitlines()[-1]))
        # Typer itself reads the parameters of a command with pydantic.
        assert loaded <= ({"pydantic"} if path else set()), path


def test_version(command: Command) -> None:
    assert command("--version").out == f"claimsctl {__version__}\n"


def test_without_a_command_help_is_shown(command: Command) -> None:
    bare = command()
    assert bare.code in (0, 2)
    assert "process" in bare.out + bare.err


def test_a_reader_that_goes_away_is_no_error(tmp_path: Path) -> None:
    command = f"{shlex.quote(sys.executable)} -m claimsctl.cli.app rules list --json | head -c 100"
    ran = subprocess.run(
        ["bash", "-o", "pipefail", "-c", command], env={**os.environ, "PYTHONPATH": str(ROOT)},
        text=True, capture_output=True,
    )  # fmt: skip
    assert ran.returncode == 0
    assert ran.stderr == ""


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_output_that_cannot_be_printed() -> None:
    with open("/dev/full", "w") as full:
        ran = subprocess.run(
            [sys.executable, "-m", "claimsctl.cli.app", "rules", "list"], stdout=full, stderr=subprocess.PIPE,
            env={**os.environ, "PYTHONPATH": str(ROOT)}, text=True,
        )  # fmt: skip
    assert ran.returncode == 4
    assert "No space left" in ran.stderr
    assert "Traceback" not in ran.stderr


def test_results_and_notices_are_kept_apart(tmp_path: Path) -> None:
    shutil.copy(EXAMPLES / "claims.csv", tmp_path / "claims.csv")
    options = ("--as-of", "2026-06-30", "--json", "--verbose")
    ran = ended(start("process", "claims.csv", *options, cwd=tmp_path))
    assert ran.code == 0, ran.err
    assert ran.json["rows"]["read"] > 50
    assert "\x1b[" not in ran.out + ran.err
    wrong = ended(start("process", "nope.csv", cwd=tmp_path))
    assert (wrong.code, wrong.out) == (3, "")
    assert wrong.err.startswith("claimsctl: nope.csv: ")
