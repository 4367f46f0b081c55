"""Every test has its own workspace, secrets and current directory; none touches the user's."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest
from hypothesis import settings

from claimsctl.pipeline import Setting, process
from claimsctl.process.request import Request
from claimsctl.process.rulebook import Rulebook, load_rulebook
from claimsctl.store.workspace import Workspace
from claimsctl.validate.ruleset import Selection

AS_OF = date(2026, 6, 30)

# How long one example takes says how busy the machine is, not whether the code is right.
settings.register_profile("claimsctl", deadline=None)
settings.load_profile("claimsctl")


@pytest.fixture(autouse=True)
def _own_place(
    tmp_path: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path_factory.mktemp("home"))
    monkeypatch.setenv("CLAIMSCTL_WORKSPACE", str(tmp_path / "workspace"))
    monkeypatch.setenv("CLAIMSCTL_CONFIG_DIR", str(tmp_path / "config"))
    monkeypatch.setenv("COLUMNS", "100")


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
