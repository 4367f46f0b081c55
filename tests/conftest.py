"""Every test has its own workspace, secrets and current directory; none touches the user's."""

from __future__ import annotations

import functools
import os
from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path

import pytest
import typer.main
from hypothesis import HealthCheck, settings

from claimsctl.pipeline import Setting, process
from claimsctl.process.request import Request
from claimsctl.process.rulebook import Rulebook, load_rulebook
from claimsctl.store.workspace import Workspace
from claimsctl.validate import checks
from claimsctl.validate.ruleset import Selection
from tests.compiled_once import compiled_once

AS_OF = date(2026, 6, 30)

# How long examples take says how busy the machine is, not whether the code is right. The same examples are
# tried each time, so that a change fails by what it changed; `make soak` looks for new ones.
settings.register_profile(
    "claimsctl",
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
    derandomize="SOAK_ROUNDS" not in os.environ,
    max_examples=100 if "SOAK_ROUNDS" in os.environ else 40,
)
settings.load_profile("claimsctl")


LONGEST = ("tests/test_wheel.py", "tests/soak/", "tests/test_phi_stays_in.py", "tests/test_docs.py")
"""Begun first, so that no worker is left with one of them when the others have done their part."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items.sort(key=lambda item: not item.nodeid.startswith(LONGEST))


@pytest.fixture(autouse=True)
def _own_place(
    tmp_path: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path_factory.mktemp("home"))
    monkeypatch.setenv("CLAIMSCTL_WORKSPACE", str(tmp_path / "workspace"))
    monkeypatch.setenv("CLAIMSCTL_CONFIG_DIR", str(tmp_path / "config"))
    monkeypatch.setenv("COLUMNS", "100")


@pytest.fixture(scope="session", autouse=True)
def _made_once() -> Iterator[None]:
    """Commands are made anew for each command line, and rules for each rulebook: both take long."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(checks, "_compiled", compiled_once(checks._compiled))
        patched.setattr(typer.main, "get_command", functools.cache(typer.main.get_command))
        yield


@pytest.fixture(scope="session")
def rulebook() -> Rulebook:
    return load_rulebook(Selection())


Process = Callable[..., dict[str, object]]


@pytest.fixture
def run(tmp_path: Path, rulebook: Rulebook) -> Process:
    """Run the main job on files; keyword arguments are those of Request."""

    def process_files(*inputs: Path | str, book: Rulebook = rulebook, **options: object) -> dict[str, object]:
        request = Request(tuple(str(i) for i in inputs), run_date=AS_OF, **options)  # type: ignore[arg-type]
        return process(request, book, Setting(Workspace.open(tmp_path / "workspace")))

    return process_files
