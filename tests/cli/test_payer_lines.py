"""The lines that findings give for claimsctl.toml, pasted."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from tests.claims import claim, write_csv
from tests.commands import Command

AS_OF = ("--as-of", "2026-06-30")


def lines_of(ended: object, code: str) -> str:
    causes = ended.json["causes"]  # type: ignore[attr-defined]
    fix = next(each["fix"] for each in causes if each["code"] == code)
    return "".join(f"{line}\n" for line in fix.splitlines() if line.startswith("payers."))


@pytest.mark.parametrize("payer", ["HARBORWELL", 'Blue "X" Plan', "Anejo\\Health", "A.B C"])
def test_lines_for_an_unknown_payer_can_be_pasted(command: Command, tmp_path: Path, payer: str) -> None:
    path = write_csv(tmp_path / "claims.csv", [claim(payer_id=payer)])
    (tmp_path / "workspace").mkdir()
    settings = tmp_path / "workspace" / "claimsctl.toml"
    rest = '[payers.OTHER]\nname = "Other"\ntype = "commercial"\n'
    settings.write_text(rest)
    pasted = lines_of(command("process", path, *AS_OF, "--dry-run", "--json"), "PAY-002")
    assert set(tomllib.loads(pasted)["payers"]) == {payer}
    settings.write_text(pasted + rest)
    known = command("process", path, *AS_OF, "--dry-run", "--json")
    assert known.json["rows"]["accepted"] == 1, known.err
    pasted += lines_of(known, "TMF-006")
    settings.write_text(pasted + rest)
    limited = command("process", path, *AS_OF, "--dry-run", "--json")
    assert limited.code == 0, limited.err
    assert "TMF-006" not in {each["code"] for each in limited.json["causes"]}
