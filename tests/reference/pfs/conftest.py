from __future__ import annotations

from pathlib import Path

import pytest

from claimsctl.reference.formats import localities, pprrvu, zips
from claimsctl.reference.releases import Opened
from tests.reference.pfs.reading import Open


@pytest.fixture
def opened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Open:
    """Writes a small file as published, in cp1252 with CRLF, and lets two rows be enough."""
    monkeypatch.setattr(pprrvu, "LEAST_ROWS", 2)
    for module in (localities, zips):
        monkeypatch.setattr(module, "LEAST_ROWS", dict.fromkeys(module.LEAST_ROWS, 2))

    def write(name: str, text: str) -> Opened:
        path = tmp_path / "unpacked"
        path.write_bytes(text.replace("\n", "\r\n").encode("cp1252"))
        return Opened.of(path, name)

    return write
