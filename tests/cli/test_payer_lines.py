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


def test_rare_payers_are_one_cause_with_the_lines_of_all(command: Command, tmp_path: Path) -> None:
    payers = [f"RARE {number}" for number in range(25)]
    path = write_csv(tmp_path / "claims.csv", [claim(f"C{p}", payer_id=p) for p in payers])
    ended = command("process", path, *AS_OF, "--dry-run", "--json")
    (cause,) = (each for each in ended.json["causes"] if each["code"] == "PAY-002")
    assert cause["cause"] == "Payer RARE 0 is not in the payer registry; and 24 other values"
    assert set(tomllib.loads(lines_of(ended, "PAY-002"))["payers"]) == set(payers[:10])
    assert cause["fix"].endswith("# and 30 lines more, in errors.csv")
