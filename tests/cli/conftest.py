"""Commands run in this process, with the shipped rules read once."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from claimsctl.cli.app import main
from claimsctl.process import rulebook as process_rulebook
from claimsctl.process.rulebook import Rulebook
from tests.commands import Command, Ended

_KEPT = 12
"""Rulebooks in memory at once; each takes some 50 MB."""


@pytest.fixture(scope="session")
def read_once() -> Callable[..., Rulebook]:
    """`load_rulebook` that keeps what it read: reading every rule takes longer than any test here."""
    load = process_rulebook.load_rulebook
    kept: dict[str, Rulebook] = {}

    def loaded(
        selection: Any, extra_packs: Any = (), payers: Any = None, editions: Any = None, **options: Any
    ) -> Rulebook:
        packs = [(str(path), path.read_bytes() if path.is_file() else b"") for path in extra_packs]
        there = [e for table in editions.tables() for e in editions.editions(table)] if editions else []
        asked = repr((selection, packs, payers, there, sorted(options.items())))
        if asked not in kept:
            if len(kept) == _KEPT:
                del kept[next(iter(kept))]
            kept[asked] = load(selection, extra_packs, payers, editions, **options)
        return kept[asked]

    return loaded


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
