from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from claimsctl.reference import Tables
from claimsctl.reference.loading import recognise
from claimsctl.reference.releases import Opened, Release, Wanted
from tests.reference.published import Real, unpacked

SHARED = Path(__file__).resolve().parents[3] / "shared"


@pytest.fixture(scope="session")
def tables(tmp_path_factory: pytest.TempPathFactory) -> Tables:
    return Tables.shipped(cache_dir=tmp_path_factory.mktemp("cache"))


@pytest.fixture(scope="session")
def shared() -> Path:
    if not SHARED.is_dir():
        pytest.skip("the shared reference files are not beside this checkout")
    return SHARED


@pytest.fixture(scope="session")
def files(shared: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Opened]:
    """Every published file by its name, unpacked."""
    folder = tmp_path_factory.mktemp("unpacked")
    plain = [unpacked(p, folder) for p in sorted((shared / "data/reference").rglob("*")) if p.is_file()]
    return {path.name: Opened.of(path) for path in plain}


@pytest.fixture(scope="session")
def real(files: dict[str, Opened]) -> Real:
    """The one release in a published file, by its name; each is read once."""
    releases: dict[str, Release] = {}

    def load(name: str) -> Release:
        if name not in releases:
            form = recognise(files[name])
            assert form is not None, name
            # These do not say their date.
            wanted = Wanted(valid_from=date(2025, 10, 1)) if name.startswith("OPPSCAP") else Wanted()
            (releases[name],) = form.read(files[name], wanted)
        return releases[name]

    return load
