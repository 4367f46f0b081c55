"""Help: quick, complete, with an example that runs; and the ends of the process that only a process has."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterable, Iterator
from functools import partial
from pathlib import Path
from typing import Any, get_args

import pytest
import typer
from typer.main import get_command_from_info
from typer.models import CommandInfo

from claimsctl import __version__
from claimsctl.cli import claims, jobs, options, sql
from claimsctl.cli.app import app
from claimsctl.cli.commands import ENTRIES, LazyGroup
from claimsctl.jobs.pruning import Kind
from claimsctl.process.request import Dates, Duplicates, OutputFormat
from claimsctl.security.audited import RECORDS
from claimsctl.security.policy import Phi
from claimsctl.sql.ddl import DdlDialect
from claimsctl.store.job import JobStatus
from claimsctl.validate.rule import Severity
from claimsctl.write import formats
from tests.cli.conftest import Prepared
from tests.commands import EXAMPLES, ROOT, Command, ended, start

HEAVY = (
    "polars",
    "duckdb",
    "_duckdb",
    "sqlalchemy",
    "sklearn",
    "httpx",
    "pydantic",
    "rich",
    "pyarrow",
    "cryptography",
)


@pytest.mark.parametrize(
    ("offered", "known"),
    [
        (jobs.Status, JobStatus), (jobs.Severity, Severity), (options.ExportFormat, formats.TableFormat),
        (jobs.Kind, Kind), (options.OutputFormat, OutputFormat),
        (options.Duplicates, Duplicates), (sql.Dialect, DdlDialect), (sql.Phi, Phi), (claims.Phi, Phi),
        (claims.Dates, Dates),
    ],
)  # fmt: skip
def test_choices_offered_are_those_there_are(offered: Iterable[str], known: object) -> None:
    """Help offers them without importing what they belong to, so they are written there a second time."""
    assert set(offered) == set(get_args(known))


def commands(group: Any, *path: str) -> Iterator[tuple[str, ...]]:
    """Every command and group below the application."""
    yield path
    for name, command in getattr(group, "commands", {}).items():
        yield from commands(command, *path, name)


ALL = list(commands(typer.main.get_command(app)))


def examples(text: str) -> list[str]:
    """Commands of the Example lines of a help text, each on one line, ready to be copied."""
    return re.findall(r"^ *Example: (.*)$", text, flags=re.MULTILINE)


def one_run(command: Command, place: Path) -> str:
    """Check the example, for commands that look back at a run."""
    shutil.copytree(EXAMPLES, place / "examples")
    assert command("process", "examples/claims.csv", "--out", "made-before", "-q").code == 0
    return ""


def users_brought_in(command: Command, path: tuple[str, ...], place: Path) -> None:
    """What the example of a command on keys or users begins with."""
    (place / "passphrase.txt").write_text("a long enough passphrase")
    (place / "passphrase.txt").chmod(0o600)
    if path == ("keys", "init"):
        return
    locked = path in (("keys", "unlock"), ("keys", "lock"))
    way = ("--passphrase-from", "file:passphrase.txt") if locked else ("--method", "file")
    made = command("keys", "init", "--user", "owner", *way, "--json").json
    (place / "code.txt").write_text(made["recovery_code"])
    (place / "code.txt").chmod(0o600)
    if path[0] == "users" and path[1:] not in ((), ("add",), ("list",)):
        command("users", "add", "pat", "--role", "billing")
    if path == ("users", "enable"):
        command("users", "disable", "pat")


def grouped(path: tuple[str, ...]) -> Any:
    """A command as a parameter; those of one group that look back at the same work run in one process."""
    marks = [pytest.mark.xdist_group("help model")] if path[:1] == ("model",) else []
    return pytest.param(path, id=" ".join(path) or "claimsctl", marks=marks)


def two_models(command: Command, place: Path) -> str:
    """Train what the examples of `model` name."""
    shutil.copytree(EXAMPLES, place / "examples")
    for algorithm in ("logistic", "svm"):
        train = ("model", "train", "examples/decided.csv", "--algorithm", algorithm)
        assert command(*train).code == 0
    return ""


@pytest.mark.parametrize("path", [grouped(path) for path in ALL])
def test_help_has_an_example_that_runs(
    command: Command,
    path: tuple[str, ...],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    prepared: Prepared,
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    helped = command(*path, "--help")
    assert helped.code == 0
    (example,) = examples(helped.out)
    name, *arguments = shlex.split(example)
    assert name == "claimsctl"
    assert arguments[: len(path)] == list(path), "it shows the command itself"
    place = tmp_path / "try"
    shutil.copytree(EXAMPLES, place / "examples")
    monkeypatch.chdir(place)
    if path == ("reference", "remove"):  # what its example removes is what that of `load` loads
        command("reference", "load", "examples/practice_fees.csv")
    if path == ("sql", "test"):
        command("sql", "init", *arguments[len(path) :], "--phi", "mask")
    if path[:1] in (("jobs",), ("claims",), ("patients",)) and len(path) > 1:
        prepared.copy("help", partial(one_run, command), place)
        monkeypatch.setenv("CLAIMSCTL_WORKSPACE", str(place / "workspace"))
        monkeypatch.setenv("CLAIMSCTL_CONFIG_DIR", str(place / "config"))
    if path[:1] == ("model",) and path[1:] not in ((), ("train",), ("features",)):
        prepared.copy("models", partial(two_models, command), place)
        monkeypatch.setenv("CLAIMSCTL_WORKSPACE", str(place / "workspace"))
        monkeypatch.setenv("CLAIMSCTL_CONFIG_DIR", str(place / "config"))
    if path == ("model", "import"):
        command("model", "export", "logistic", "--to", "risk.onnx")
    if path == ("crypt", "decrypt"):
        command("crypt", "encrypt", "examples/status.csv", "--columns", "DOB", "--out", arguments[2])
    if path[1:] == ("restore",):
        command(path[0], "delete", arguments[-1], "--yes")
    if path[:1] in (("keys",), ("users",)):
        users_brought_in(command, path, place)
    if path in (("practices", "show"), ("practices", "edit")):
        command("practices", "add", arguments[len(path)], "--name", "Oak")
    if path in (("payers", "map", "show"), ("payers", "map", "remove")):
        command("payers", "map", "add", arguments[-1], "--route", "uhc")
    before = len(recorded())
    ran = command(*arguments)
    assert ran.code == int(path == ("rules", "diff")), ran.err  # 1: the packs of its example differ
    assert ran.out
    expected = RECORDS.get(" ".join(path))
    if expected is not None:
        # Some have nothing to do, as `jobs cancel` of a job that has ended.
        assert set(recorded()[before:]) <= {*expected, "keys plain secret removed", "keys retire"}
    if path[:1] == ("model",) and path[1:] not in ((), ("compare",)):
        assert tuple(recorded()[before:]) == expected


def recorded() -> list[str]:
    """Actions in the audit file of the workspace."""
    file = Path(os.environ["CLAIMSCTL_WORKSPACE"]) / "audit.log"
    return [json.loads(line)["action"] for line in file.read_bytes().splitlines()] if file.exists() else []


def test_the_list_of_commands_says_what_their_help_says() -> None:
    """It is shown without importing them, so their first lines are written there a second time."""
    for name, command in typer.main.get_command(app).commands.items():  # type: ignore[attr-defined]
        assert ENTRIES[name].summary == command.help.splitlines()[0]
        assert command.name == name


def test_a_command_is_imported_when_it_is_asked_for() -> None:
    code = (
        "import sys\nfrom claimsctl.cli.app import main\n"
        "try:\n    main(['template'])\nfinally:\n    print(*sys.modules)\n"
    )
    ran = subprocess.run([sys.executable, "-c", code], cwd=ROOT, text=True, capture_output=True)
    loaded = {name.removeprefix("claimsctl.cli.") for name in ran.stdout.splitlines()[-1].split()}
    assert loaded & {entry.module for entry in ENTRIES.values()} == {"template"}


def test_of_a_group_only_what_is_asked_for_is_built(monkeypatch: pytest.MonkeyPatch) -> None:
    built: list[str | None] = []

    def noted(info: CommandInfo, **rest: Any) -> Any:
        built.append(info.name)
        return get_command_from_info(info, **rest)

    monkeypatch.setattr("claimsctl.cli.commands.get_command_from_info", noted)
    group = LazyGroup().commands["payers"]
    assert list(group.commands) == ["list", "show", "test", "check", "map"]
    assert built == []
    assert group.commands["show"] is group.commands["show"]
    assert built == ["show"]


def test_a_command_that_is_none_is_refused_with_what_is_near(command: Command) -> None:
    ended = command("check-statu")
    assert ended.code == 2
    assert "Did you mean 'check-status'?" in ended.err


def test_every_option_says_what_it_does() -> None:
    top = typer.main.get_command(app)
    for path in ALL:
        found = top
        for name in path:
            found = found.commands[name]  # type: ignore[attr-defined]
        for option in found.params:
            assert getattr(option, "help", None), f"{path}: {option.name}"


def test_every_number_has_a_largest_one() -> None:
    """Where a larger one would be a defect deep inside, in a database or a date."""
    top: Any = typer.main.get_command(app)
    numbers = 0
    for path in ALL:
        found = top
        for name in path:
            found = found.commands[name]
        for option in found.params:
            kind = getattr(option, "type_descriptor", None)
            if kind is None or kind.annotation not in (int, float) or option.name == "seed":
                continue
            numbers += 1
            assert kind.parameter_info.max is not None, f"{path}: {option.name}"
    assert numbers > 20, "Typer tells the types of options another way"


@pytest.mark.parametrize(
    "line",
    [
        "claims list --page {}", "claims list --limit {}", "claims list --risk-above {}",
        "patients list --page {}", "worklist --top {}", "audit list --limit {}",
        "jobs errors last --page {}", "jobs errors last --row {}",
        "jobs prune --older-than {}", "process claims.csv --limit {}", "check-status claims.csv --limit {}",
        "model train --seed {}",
    ],
)  # fmt: skip
def test_numbers_beyond_measure_are_refused(command: Command, line: str) -> None:
    ended = command(*line.format("9" * 20).split())
    assert (ended.code, "Invalid value" in ended.err) == (2, True)


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
        assert json.loads(ran.stderr.splitlines()[-1]) == [], path


def test_questions_to_the_store_load_no_frames() -> None:
    code = (
        "import sys\n"
        "from claimsctl.cli import claimlist, claimstats, claimstory\n"
        "assert not {'polars', 'rich', 'sqlalchemy'} & set(sys.modules)\n"
    )
    subprocess.run([sys.executable, "-c", code], env={**os.environ, "PYTHONPATH": str(ROOT)}, check=True)


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
