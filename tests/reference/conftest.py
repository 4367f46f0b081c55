from __future__ import annotations

from pathlib import Path

import pytest

from claimsctl.reference import Tables

SHARED = Path(__file__).resolve().parents[3] / "shared"


@pytest.fixture(scope="session")
def tables(tmp_path_factory: pytest.TempPathFactory) -> Tables:
    return Tables.shipped(cache_dir=tmp_path_factory.mktemp("cache"))


@pytest.fixture(scope="session")
def shared() -> Path:
    if not SHARED.is_dir():
        pytest.skip("the shared reference files are not beside this checkout")
    return SHARED
