"""The wheel works alone: built, installed into an empty environment, run from elsewhere."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Mapping
from pathlib import Path

import pytest

from claimsctl import __version__
from claimsctl.process.rulebook import Rulebook

ROOT = Path(__file__).parents[1]
NO_INDEX = re.compile(
    r"NewConnectionError|ConnectTimeout|Max retries exceeded|Connection (refused|reset)|Temporary failure"
)


def run(
    *command: object, cwd: Path, env: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    return subprocess.run([str(part) for part in command], cwd=cwd, env=env, text=True, capture_output=True)


@pytest.fixture(scope="session")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("dist")
    built = run(sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", out, ROOT, cwd=out)
    assert built.returncode == 0, built.stdout + built.stderr
    (path,) = out.glob("*.whl")
    return path


@pytest.fixture(scope="session")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The bin directory of an environment that holds the wheel and what it requires, nothing else."""
    place = tmp_path_factory.mktemp("env")
    run(sys.executable, "-m", "venv", "--without-pip", place / "env", cwd=place).check_returncode()
    python = place / "env" / "bin" / "python"
    pip = [sys.executable, "-m", "pip", "--python", python, "install", "--quiet", "--no-compile"]
    done = run(*pip, "-c", ROOT / "constraints.txt", wheel, cwd=place)
    if done.returncode != 0 and NO_INDEX.search(done.stdout + done.stderr):
        pytest.skip("the package index cannot be reached")
    assert done.returncode == 0, done.stderr
    return python.parent


@pytest.fixture
def elsewhere(tmp_path: Path) -> tuple[Path, dict[str, str]]:
    """A directory without the project, and an environment that leads nowhere near it."""
    place = tmp_path / "elsewhere"
    shutil.copytree(ROOT / "examples", place)
    (place / "claimsctl.toml").unlink()
    kept = {
        name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "CLAIMSCTL_"))
    }
    return place, {
        **kept,
        "HOME": str(tmp_path),
        "XDG_DATA_HOME": str(tmp_path),
        "XDG_CONFIG_HOME": str(tmp_path),
    }


def test_wheel_holds_the_package_rules_and_tables_and_nothing_else(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
    top = {name.split("/")[0] for name in names}
    assert top == {"claimsctl", f"claimsctl-{__version__}.dist-info"}
    for folder in ("rules", "reference_data"):
        there = {str(path.relative_to(ROOT)) for path in (ROOT / folder).rglob("*") if path.is_file()}
        packed = {name.removeprefix("claimsctl/_data/") for name in names if f"/_data/{folder}/" in name}
        assert {name for name in there if "__pycache__" not in name} == packed
    assert "claimsctl/py.typed" in names
    assert any(name.endswith("licenses/LICENSE") for name in names)


def test_the_main_job_and_other_commands_run_from_the_wheel(
    installed: Path, elsewhere: tuple[Path, dict[str, str]], rulebook: Rulebook
) -> None:
    place, env = elsewhere
    options = ("--as-of", "2026-06-30", "--out", "out", "--json")
    ran = run(installed / "claimsctl", "process", "claims.csv", *options, cwd=place, env=env)
    assert ran.returncode == 0, ran.stderr
    summary = json.loads(ran.stdout)
    assert summary["rows"]["accepted"] > 0
    assert summary["rows"]["rejected"] > 0
    assert (place / "out" / "accepted.parquet").stat().st_size > 0
    assert summary["rules"]["digest"] == rulebook.ruleset.digest, "the rules and tables of the project"
    assert len(summary["reference"]) >= 5
    again = run(installed / "claimsctl", "process", "out/rejected.csv", "--dry-run", cwd=place, env=env)
    assert again.returncode == 0, again.stderr
    # In the same test: another one may run in another process, which would install it once more.
    ran = run(installed / "claimsctl", "template", "download", "--payer", "aetna", cwd=place, env=env)
    assert ran.returncode == 0, ran.stderr
    code = "from claimsctl import Checker; print(Checker().check({'claim_number': 'A1'}).clean)"
    asked = run(installed / "python", "-c", code, cwd=place, env=env)
    assert asked.stdout == "False\n", asked.stderr
