from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from claimsctl.reference import download as downloading
from claimsctl.reference.editions import EditionStore
from claimsctl.reference.publishers import (
    find,
)
from claimsctl.reference.terms import accept
from tests.publisher import (
    PublisherServer,
    publishing,
)
from tests.reference.fetching.fetches import PROXIES


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[PublisherServer]:
    for name in PROXIES:
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)
    monkeypatch.setattr(downloading, "WAITS", (0.0, 0.0, 0.0))
    with publishing() as there:
        yield there


@pytest.fixture
def store(tmp_path: Path) -> EditionStore:
    """An empty store whose user has accepted the terms."""
    root = tmp_path / "reference"
    terms = find("mue").terms
    assert terms is not None
    accept(root, terms)
    return EditionStore(root)


@pytest.fixture
def spool(tmp_path: Path) -> Path:
    path = tmp_path / "spool"
    path.mkdir()
    return path
