"""A workspace with a handful of processed claims, made once."""

from __future__ import annotations

import shutil
from datetime import date
from pathlib import Path

import pytest

from claimsctl.pipeline import Setting, process
from claimsctl.process.request import Request
from claimsctl.process.rulebook import EXAMPLE_TERMS, load_rulebook
from claimsctl.store.workspace import Workspace
from claimsctl.validate.ruleset import Selection
from tests.claims import claim, write_csv

ROWS = [
    claim("A1", patient_last_name="Quill", patient_first_name="Zeb Ana", member_id="XKW-7730915",
          charge_amount="120.00", payer_name="UnitedHealthcare"),
    claim("A2", procedure_code="90834", charge_amount="190.00", rendering_npi="1497758544",
          service_date_from="2026-05-20", service_date_to="2026-05-20", diagnosis_1="F33.1"),
    claim("A2", procedure_code="99214", line_number="2", charge_amount="250.00", rendering_npi="1497758544",
          service_date_from="2026-05-21", service_date_to="2026-05-21", diagnosis_1="F33.1"),
    claim("A3", payer_id="60054", payer_name="AETNA", charge_amount="75.50",
          service_date_from="2026-04-02", service_date_to="2026-04-02"),
    claim("A4", payer_id="60054", payer_name="AETNA", units="0"),
]  # fmt: skip
"""Four claims, of which A4 is rejected."""


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory with `workspace` and `config`, to be copied."""
    root = tmp_path_factory.mktemp("inquiry")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CLAIMSCTL_CONFIG_DIR", str(root / "config"))
        workspace = Workspace.open(root / "workspace")
        path = write_csv(root / "claims.csv", ROWS)
        request = Request(
            inputs=(str(path),), run_date=date(2026, 6, 30), out=root / "out",
            constants={"medicare_locality": "14212/01"},
        )  # fmt: skip
        summary = process(request, load_rulebook(Selection(), terms=EXAMPLE_TERMS), Setting(workspace))
        assert summary["claims"] == {"read": 4, "accepted": 3, "held": 0, "rejected": 1, "skipped": 0}
    return root


@pytest.fixture
def workspace(made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Workspace:
    """The workspace, of this test alone."""
    shutil.copytree(made / "workspace", tmp_path / "workspace")
    shutil.copytree(made / "config", tmp_path / "config")
    monkeypatch.setenv("CLAIMSCTL_CONFIG_DIR", str(tmp_path / "config"))
    monkeypatch.setenv("CLAIMSCTL_WORKSPACE", str(tmp_path / "workspace"))
    return Workspace.open(tmp_path / "workspace")
