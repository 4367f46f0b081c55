"""`rules diff`: packs and editions compared, and what that does to claims."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.claims import claim, write_csv
from tests.cli.test_reference import MUE_HEAD
from tests.cli.test_rules_test import pack
from tests.commands import EXAMPLES, ROOT, Command

AS_OF = ("--as-of", "2026-06-30")


@pytest.fixture
def packs(tmp_path: Path) -> tuple[Path, Path]:
    return pack(tmp_path / "a.toml"), pack(tmp_path / "b.toml", "units <= 40", severity="error")


def test_packs_that_differ(command: Command, packs: tuple[Path, Path], tmp_path: Path) -> None:
    ended = command("rules", "diff", *packs)
    assert ended.code == 1
    assert "0 rules added, 0 removed, 1 changed." in ended.out
    assert "    severity: warning -> error" in ended.out.splitlines()
    assert "    rule_expression: units <= 20 -> units <= 40" in ended.out.splitlines()
    told = command("rules", "diff", *packs, "--json")
    assert told.code == 1
    assert told.json["changed"][0]["keys"]["severity"] == {"before": "warning", "after": "error"}
    assert told.json["claims"] is None
    assert not (tmp_path / "workspace").exists()


def test_packs_that_do_not_differ(command: Command, packs: tuple[Path, Path]) -> None:
    ended = command("rules", "diff", packs[0], packs[0])
    assert ended.code == 0
    assert "do not differ" in ended.out
    assert command("rules", "diff", ROOT / "rules", ROOT / "rules", "--json").json["changed"] == []


def test_pack_in_force_by_its_name(command: Command, tmp_path: Path) -> None:
    text = (ROOT / "rules" / "patient.toml").read_text()
    (tmp_path / "mine.toml").write_text(text.replace('severity = "warning"', 'severity = "info"', 1))
    ended = command("rules", "diff", "patient", tmp_path / "mine.toml", "--json")
    assert ended.code == 1
    assert [list(each["keys"]) for each in ended.json["changed"]] == [["severity"]]


def test_findings_that_a_new_pack_brings(command: Command, packs: tuple[Path, Path], tmp_path: Path) -> None:
    units = (("A1", "1"), ("A2", "30"), ("A3", "30"), ("A4", "50"))
    claims = write_csv(tmp_path / "claims.csv", [claim(number, units=n) for number, n in units])
    arguments = ("rules", "diff", *packs, "--claims", claims, *AS_OF)
    ended = command(*arguments, "--show", "1")
    assert ended.code == 1
    lines = ended.out.splitlines()
    at = lines.index("Disappear: 2 findings")
    assert lines[at + 1 : at + 4] == [
        "  HOUSE-001  2 findings", "    row 3, claim A2, units: 30", "    and 1 more",
    ]  # fmt: skip
    assert "  HOUSE-001  warning -> error  1 finding" in lines
    assert not any(line.startswith("Appear") for line in lines)
    moved = command(*arguments, "--json").json["claims"]
    assert (moved["claims"], moved["appear"]) == (4, [])
    assert moved["rejected"]["after"] == moved["rejected"]["before"] + 1
    assert [each["row_number"] for each in moved["disappear"][0]["examples"]] == [3, 4]
    workspace = tmp_path / "workspace"
    assert not (workspace / "claims.duckdb").exists()
    assert not (workspace / "jobs.sqlite").exists()
    assert list((workspace / "tmp").iterdir()) == []
    assert list(Path().iterdir()) == []


def test_identifiers_of_examples_are_masked(command: Command, tmp_path: Path) -> None:
    before = pack(tmp_path / "a.toml", "patient_last_name != 'X'", field="patient_last_name")
    after = pack(tmp_path / "b.toml", "patient_last_name = 'X'", field="patient_last_name")
    claims = write_csv(tmp_path / "claims.csv", [claim("A1", patient_last_name="Quillfeather")])
    for options in ((), ("--json",)):
        ended = command("rules", "diff", before, after, "--claims", claims, *AS_OF, *options)
        assert "Q." in ended.out
        assert "Quillfeather" not in ended.out


def test_new_version_of_the_workspaces_own_pack(command: Command, tmp_path: Path) -> None:
    mine = pack(tmp_path / "workspace" / "rules" / "house.toml")
    new = pack(tmp_path / "new.toml", "units <= 40")
    claims = write_csv(tmp_path / "claims.csv", [claim("A2", units="30")])
    for before in (mine, "house"):
        told = command("rules", "diff", before, new, "--claims", claims, *AS_OF, "--json")
        assert told.code == 1, told.err
        assert [each["code"] for each in told.json["claims"]["disappear"]] == ["HOUSE-001"]
    back = command("rules", "diff", new, mine, "--claims", claims, *AS_OF, "--json")
    assert [each["code"] for each in back.json["claims"]["appear"]] == ["HOUSE-001"]


@pytest.fixture
def quarters(command: Command, tmp_path: Path) -> None:
    """Two loaded editions of the MUE table: 90834 goes from 3 units to 1."""
    codes = range(10_000, 12_000)
    for name, units, extra in (("04-01-2026", 3, ""), ("07-01-2026", 1, "99999,2,3 X,Y\n")):
        rows = "".join(f"{n:05d},2,3 Date of Service Edit: Clinical,Clinical: Data\n" for n in codes)
        path = tmp_path / f"MCR_MUE_PractitionerServices_Eff_{name}.csv"
        path.write_text(MUE_HEAD + rows + f"90834,{units},3 Date of Service Edit: Clinical,X\n" + extra)
        assert command("reference", "load", "--accept-smaller", path).code == 0


@pytest.mark.usefixtures("quarters")
def test_editions(command: Command, tmp_path: Path) -> None:
    ended = command("rules", "diff", "mue@2026Q2", "mue@2026Q3")
    assert ended.code == 1
    assert "1 code added, 0 removed, 1 changed." in ended.out
    assert "  90834  units 3 -> 1" in ended.out.splitlines()
    told = command("rules", "diff", "mue@2026Q2", "mue@2026Q3", "--json").json
    assert told["counts"] == {"added": 1, "removed": 0, "changed": 1}
    assert told["changed"][0]["after"] == [{"units": 1}]
    assert command("rules", "diff", "mue@2026Q2", "mue@2026Q2").code == 0


@pytest.mark.usefixtures("quarters")
def test_findings_that_a_new_edition_brings(command: Command, tmp_path: Path) -> None:
    claims = write_csv(tmp_path / "claims.csv", [claim("A1", units="2", procedure_code="90834")])
    arguments = ("rules", "diff", "mue@2026Q2", "mue@2026Q3", "--claims", claims, *AS_OF)
    told = command(*arguments, "--json")
    assert told.code == 1
    (appears,) = told.json["claims"]["appear"]
    assert (appears["code"], appears["findings"]) == ("NCCI-007", 1)
    assert told.json["claims"]["disappear"] == []
    assert "for all service dates, then with mue@2026Q3 in its place" in " ".join(
        command(*arguments).out.split()
    )


@pytest.mark.usefixtures("quarters")
def test_refusals(command: Command) -> None:
    for before, after, says in (
        ("mue@2026Q2", "mue@2026Q9", "Editions: 2026Q2, 2026Q3"),
        ("mue@2026Q2", "pos@2026", "pos has no edition 2026"),
        ("mua@1", "mua@2", "The table mua is not loaded"),
        ("mue@2026Q2", EXAMPLES / "house_rules.toml", "two editions of one table"),
        ("no_such_pack", "mue@2026Q2", "no file, no pack and no edition"),
        ("absent.toml", "absent.toml", "absent.toml"),
        (".", ".", "no rule pack"),
    ):
        ended = command("rules", "diff", before, after)
        assert (ended.code, ended.out) == (2, "")
        assert says in ended.err


def test_standard_input_cannot_be_read_twice(command: Command, packs: tuple[Path, Path]) -> None:
    ended = command("rules", "diff", *packs, "--claims", "-")
    assert (ended.code, ended.out) == (2, "")
    assert "twice" in ended.err
