"""Commands run in this process, with the shipped rules read once."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from claimsctl.cli.app import main
from claimsctl.process import rulebook as process_rulebook
from claimsctl.process.rulebook import Rulebook
from claimsctl.validate.ruleset import Selection
from tests.claims import claim, write_csv
from tests.commands import Command, Ended, remembering

_DONE = "AMB ANE AUT COB CPT DME DX EM INS LAB MH MOD NCCI OB POS PRE PRV RX SUR TEL THR TMF"
LEFT_OUT = frozenset(f"{group}-*" for group in _DONE.split())


@pytest.fixture(scope="session")
def read_once() -> Callable[..., Rulebook]:
    """`load_rulebook` that keeps what it read: reading every rule takes longer than any test here."""
    return remembering(process_rulebook.load_rulebook)


@pytest.fixture(scope="session")
def read_few() -> Callable[..., Rulebook]:
    """The same without rules on what was done: for tests of what becomes of runs, whatever is found."""
    load = process_rulebook.load_rulebook

    def loaded(selection: Selection, *others: Any, **options: Any) -> Rulebook:
        return load(replace(selection, without=selection.without | LEFT_OUT), *others, **options)

    return remembering(loaded)


class Prepared:
    """Workspaces that several tests begin with: made by runs once, then copied.

    What a job records of its inputs and outputs names the place where it ran, which stays as it is.
    """

    def __init__(self, top: Path) -> None:
        self._top = top
        self._made: dict[str, str] = {}

    def copy(self, name: str, make: Callable[[Path], str], into: Path) -> str:
        """What `make` leaves in its directory, `workspace` and `config` among it, copied; what it answers."""
        place = self._top / name
        if name not in self._made:
            place.mkdir()
            with pytest.MonkeyPatch.context() as patched:
                patched.chdir(place)
                patched.setenv("CLAIMSCTL_WORKSPACE", str(place / "workspace"))
                patched.setenv("CLAIMSCTL_CONFIG_DIR", str(place / "config"))
                self._made[name] = make(place)
        shutil.copytree(place, into, dirs_exist_ok=True)
        return self._made[name]


@pytest.fixture(scope="session")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Prepared:
    """Workspaces to begin with."""
    return Prepared(tmp_path_factory.mktemp("prepared"))


@pytest.fixture
def command(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, read_once: Callable[..., Rulebook]
) -> Command:
    """Run a command line; returns its exit code, standard output and standard error."""
    import claimsctl.cli.rulebook
    import claimsctl.process.house_terms

    monkeypatch.setattr(process_rulebook, "load_rulebook", read_once)
    monkeypatch.setattr(claimsctl.cli.rulebook, "load_rulebook", read_once)
    monkeypatch.setattr(claimsctl.process.house_terms, "load_rulebook", read_once)

    def run(*arguments: object) -> Ended:
        capsys.readouterr()
        with pytest.raises(SystemExit) as stopped:
            main([str(argument) for argument in arguments])
        out, err = capsys.readouterr()
        assert "Traceback" not in out + err
        code = stopped.value.code
        assert isinstance(code, int)
        return Ended(code, out, err)

    return run


@pytest.fixture
def clean(tmp_path: Path) -> Path:
    """A file of two good claims."""
    return write_csv(tmp_path / "clean.csv", [claim("A1"), claim("A2")])


@pytest.fixture
def mixed(tmp_path: Path) -> Path:
    """Two good claims and one with an error; the second good one has a warning."""
    rows = [claim("A1"), claim("A2", patient_ssn="900-12-3456"), claim("A3", charge_amount="-5")]
    return write_csv(tmp_path / "mixed.csv", rows)
