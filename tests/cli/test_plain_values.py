"""Options read without Pydantic mean what Typer reads, and what Typer refuses is refused in its words."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import pytest
import typer
from typer.main import get_command

from claimsctl.cli.plain_values import read_plainly
from tests.commands import ROOT


class Colour(StrEnum):
    """A choice."""

    red = "red"
    dark_red = "dark-red"


def _given(
    name: Annotated[str, typer.Argument()],
    more: Annotated[list[str] | None, typer.Argument()] = None,
    text: Annotated[str | None, typer.Option(envvar="PLAIN_TEXT")] = None,
    texts: Annotated[list[str] | None, typer.Option()] = None,
    number: Annotated[int | None, typer.Option(min=1, max=50)] = None,
    numbers: Annotated[list[int] | None, typer.Option()] = None,
    preset: Annotated[int, typer.Option(min=0)] = 7,
    share: Annotated[float | None, typer.Option()] = None,
    day: Annotated[datetime | None, typer.Option(formats=["%Y-%m-%d", "%m/%d/%Y"])] = None,
    colour: Annotated[Colour, typer.Option()] = Colour.red,
    place: Annotated[Path | None, typer.Option()] = None,
    there: Annotated[Path | None, typer.Option(exists=True)] = None,
    flag: Annotated[bool, typer.Option("--flag")] = False,
    choice: Annotated[bool | None, typer.Option("--yes/--no")] = None,
    upper: Annotated[str, typer.Option(callback=lambda value: value.upper())] = "low",
    parsed: Annotated[Any, typer.Option(parser=lambda text: text[::-1])] = None,
) -> None:
    typer.echo(repr(sorted(locals().items())))


def _answer(arguments: Sequence[str], *, plainly: bool) -> tuple[int, str]:
    app = typer.Typer(add_completion=False, rich_markup_mode=None)
    app.command()(_given)
    command = get_command(app)
    if plainly:
        read_plainly(command)
    said: list[str] = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(typer, "echo", lambda text="", **_: said.append(str(text)))
        try:
            command.main(list(arguments), prog_name="given", standalone_mode=False)
        except Exception as error:
            return getattr(error, "exit_code", 1), f"{type(error).__name__}: {error}"
    return 0, "".join(said)


@pytest.mark.parametrize(
    "arguments",
    [
        ["a"],
        [],
        ["a", "b", "c"],
        ["--text", "", "a"],
        ["--text", "two words", "--texts", "x", "--texts", "", "a"],
        ["--number", "1", "a"],
        ["--number", "50", "a"],
        ["--number", "51", "a"],
        ["--number", "0", "a"],
        ["--number", "-3", "a"],
        ["--number", " 5 ", "a"],
        ["--number", "1_0", "a"],
        ["--number", "٣", "a"],
        ["--number", "5.0", "a"],
        ["--number", "x", "a"],
        ["--numbers", "1", "--numbers", "2", "a"],
        ["--preset", "0", "a"],
        ["--preset", "-1", "a"],
        ["--share", "0.25", "a"],
        ["--day", "2026-02-28", "a"],
        ["--day", "02/28/2026", "a"],
        ["--colour", "dark-red", "a"],
        ["--place", "nowhere/at/all", "a"],
        ["--place", ".", "a"],
        ["--place", "", "a"],
        ["--there", ".", "a"],
        ["--there", "nowhere", "a"],
        ["--flag", "--no", "a"],
        ["--yes", "a"],
        ["--upper", "text", "a"],
        ["--parsed", "abc", "a"],
        ["--unknown", "a"],
    ],
    ids=" ".join,
)
def test_values_are_those_of_typer(arguments: list[str]) -> None:
    assert _answer(arguments, plainly=True) == _answer(arguments, plainly=False)


@pytest.mark.parametrize(
    ("option", "given", "said"),
    [
        ("--day", "2026-02-30", "'2026-02-30' is not a day written as YYYY-MM-DD or MM/DD/YYYY."),
        ("--day", "yesterday", "'yesterday' is not a day written as YYYY-MM-DD or MM/DD/YYYY."),
        ("--colour", "RED", "'RED' is not one of red, dark-red."),
        ("--colour", "", "'' is not one of red, dark-red."),
    ],
)
def test_days_and_choices_are_refused_in_plain_words(option: str, given: str, said: str) -> None:
    assert _answer([option, given, "a"], plainly=False)[0] == 2
    assert _answer([option, given, "a"], plainly=True) == (2, f"BadParameter: {said}")


def test_values_of_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PLAIN_TEXT", "from outside")
    plain = _answer(["a"], plainly=True)
    assert plain == _answer(["a"], plainly=False)
    assert "from outside" in plain[1]


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_path_that_cannot_be_read_is_refused(tmp_path: Path) -> None:
    locked = tmp_path / "locked"
    locked.write_text("x")
    locked.chmod(0)
    plain = _answer(["--place", str(locked), "a"], plainly=True)
    assert plain == _answer(["--place", str(locked), "a"], plainly=False)
    assert plain[0] != 0


@pytest.mark.parametrize(
    "command",
    [
        [
            "--workspace",
            ".",
            "claims",
            "list",
            "--limit",
            "5",
            "--service-from",
            "2026-01-01",
            "--code",
            "99213",
        ],
        ["claims", "stats"],
        ["jobs", "list"],
        ["process", "--help"],
    ],
    ids=" ".join,
)
def test_commands_with_plain_options_do_without_pydantic(command: list[str], tmp_path: Path) -> None:
    code = (
        "import sys\nfrom claimsctl.cli.app import main\n"
        "try:\n    main(sys.argv[1:])\nexcept SystemExit as stop:\n    assert stop.code == 0\n"
        "assert 'pydantic' not in sys.modules\n"
    )
    ran = subprocess.run(
        [sys.executable, "-c", code, *command], cwd=tmp_path, text=True, capture_output=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    assert ran.returncode == 0, ran.stderr
