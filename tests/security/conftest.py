"""A workspace in a temporary directory, its secret beside it."""

from __future__ import annotations

from pathlib import Path

import pytest

from claimsctl.security.access.opening import forget_opened
from claimsctl.security.keys import Keys
from claimsctl.store.workspace import Workspace


@pytest.fixture(autouse=True)
def _own_config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CLAIMSCTL_CONFIG_DIR", str(tmp_path / "config"))
    # For the processes that tests start, wherever the test run stands.
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parents[2]))
    monkeypatch.delenv("CLAIMSCTL_TOKEN", raising=False)
    forget_opened()


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    return Workspace.open(tmp_path / "workspace")


@pytest.fixture
def keys() -> Keys:
    return Keys.derive(bytes(range(32)))
