"""Jobs of questions against a payer that answers in memory."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from claimsctl.asking.request import Place, StatusRequest
from claimsctl.asking.run import check_status
from claimsctl.process import rulebook as rulebooks
from claimsctl.settings import Settings
from claimsctl.settings_payers import RouteSettings
from claimsctl.store.workspace import Workspace
from tests.asking.fakes import FakeAsker
from tests.cli.conftest import read_once

__all__ = ["read_once"]  # a fixture

AS_OF = date(2026, 6, 30)
HEADER = "Claim #,Payer Code,Pt Last,Pt First,DOB,Subscriber ID,From Date,Total Charge"


def row(number: str, payer: str = "UHC", **cells: str) -> str:
    values = {"last": "Whitfield", "first": "Ada", "dob": "03/14/1979", "member": "914402217",
              "day": "05/04/2026", "charge": "165.00"} | cells  # fmt: skip
    return ",".join([number, payer, *values.values()])


def status_file(path: Path, *rows: str) -> Path:
    path.write_text("\n".join([HEADER, *rows]) + "\n", "utf-8")
    return path


Check = Callable[..., dict[str, Any]]


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    return Workspace.open(tmp_path / "workspace")


@pytest.fixture
def place(workspace: Workspace, monkeypatch: pytest.MonkeyPatch, read_once: Any) -> Place:
    monkeypatch.setattr(rulebooks, "load_rulebook", read_once)
    monkeypatch.setenv("UHC_ID", "the-id")
    routes = {"uhc": RouteSettings(credentials={"client_id": "env:UHC_ID"})}
    return Place(workspace, Settings(workspace.root, payer_route=routes), FakeAsker())


@pytest.fixture
def check(place: Place) -> Check:
    """Ask about files; keywords are those of StatusRequest, and `asker`."""

    def run(*inputs: Path | str, asker: FakeAsker | None = None, **options: Any) -> dict[str, Any]:
        request = StatusRequest(AS_OF, tuple(str(each) for each in inputs), **options)
        return check_status(request, replace(place, asker=asker or place.asker))

    return run
