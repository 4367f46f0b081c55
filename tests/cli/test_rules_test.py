"""`rules test`: findings against expected ones, as a house's CI runs it."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.claims import claim, write_csv
from tests.commands import Command

PACK = """
[pack]
name = "house"
[[rule]]
code = "HOUSE-001"
name = "units_small"
severity = "{severity}"
fields = ["{field}"]
rule_expression = "{expression}"
error_message = "units is {{units}}"
suggestion = "Check the units."
"""


def pack(
    path: Path, expression: str = "units <= 20", *, severity: str = "warning", field: str = "units"
) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(PACK.format(expression=expression, severity=severity, field=field))
    return path


@pytest.fixture
def house(tmp_path: Path) -> tuple[object, ...]:
    """The arguments of a house's test, its pack and its claims."""
    rows = [claim("A1"), claim("A2", units="50"), claim("A3", units="30")]
    claims = write_csv(tmp_path / "claims.csv", rows)
    rules = pack(tmp_path / "house.toml")
    return (
        "rules", "test", claims, "--expect", tmp_path / "expected.csv",
        "--rules", rules, "--only", "HOUSE-*", "--as-of", "2026-06-30",
    )  # fmt: skip


def test_findings_as_expected(command: Command, house: tuple[object, ...], tmp_path: Path) -> None:
    (tmp_path / "expected.csv").write_text("row_number,code\n2,\n3,HOUSE-001\n4,HOUSE-001\n")
    ended = command(*house)
    assert (ended.code, ended.out) == (0, "2 findings, all as expected.\n")
    assert command(*house, "--json").json == {"expected": 2, "found": 2, "missing": [], "unexpected": []}


def test_findings_that_differ(command: Command, house: tuple[object, ...], tmp_path: Path) -> None:
    (tmp_path / "expected.csv").write_text("row_number,code,field\n2,HOUSE-001,\n3,,\n4,HOUSE-001,units\n")
    ended = command(*house)
    assert ended.code == 1
    assert ended.out.splitlines() == [
        "2 findings expected, 2 found.", "",
        "Missing", "  row 2  HOUSE-001", "",
        "Unexpected", "  row 3  HOUSE-001  units  warning; value 50; no finding is expected on this row",
    ]  # fmt: skip
    differences = command(*house, "--json")
    assert differences.code == 1
    assert [each["row_number"] for each in differences.json["missing"]] == [2]
    assert [each["claim_number"] for each in differences.json["unexpected"]] == ["A2"]


def test_why_an_expected_finding_could_not_be_made(
    command: Command, house: tuple[object, ...], tmp_path: Path
) -> None:
    pack(tmp_path / "house.toml", "ndc_quantity <= 20", field="ndc_quantity")
    (tmp_path / "expected.csv").write_text("row_number,code\n3,HOUSE-001\n4,HOUSE-010\n")
    ended = command(*house)
    assert ended.code == 1
    assert "row 3  HOUSE-001  did not run: the input has no value in ndc_quantity" in ended.out
    assert "row 4  HOUSE-010  no rule has this code" in ended.out


def test_expected_file_is_written_only_when_asked(
    command: Command, house: tuple[object, ...], tmp_path: Path
) -> None:
    path = tmp_path / "expected.csv"
    ended = command(*house)
    assert (ended.code, ended.out) == (3, "")
    assert "--update" in ended.err
    assert not path.exists()
    written = command(*house, "--update")
    assert (written.code, written.out.split()) == (0, ["Wrote", f"{path}:", "2", "findings."])
    assert path.read_text() == "row_number,code,field\n3,HOUSE-001,units\n4,HOUSE-001,units\n"
    assert command(*house).code == 0
    pack(tmp_path / "house.toml", "units <= 40")
    assert command(*house).code == 1
    assert path.read_text().count("HOUSE-001") == 2, "compared, not overwritten"
    assert command(*house, "--update", "--json").json == {"written": str(path), "findings": 1}


def test_nothing_is_stored(command: Command, house: tuple[object, ...], tmp_path: Path) -> None:
    command(*house, "--update")
    workspace = tmp_path / "workspace"
    assert not (workspace / "claims.duckdb").exists()
    assert not (workspace / "jobs.sqlite").exists()
    assert list((workspace / "tmp").iterdir()) == []
    assert list(Path().iterdir()) == []


def test_pack_of_the_workspace_may_be_named(
    command: Command, house: tuple[object, ...], tmp_path: Path
) -> None:
    mine = pack(tmp_path / "workspace" / "rules" / "house.toml")
    arguments = [mine if each == tmp_path / "house.toml" else each for each in house]
    assert command(*arguments, "--update").code == 0
    assert command(*arguments, "--rules", mine).out == "2 findings, all as expected.\n"


def test_one_file_only(command: Command, house: tuple[object, ...], tmp_path: Path) -> None:
    folder = tmp_path / "several"
    folder.mkdir()
    for name in ("a.csv", "b.csv"):
        write_csv(folder / name, [claim()])
    arguments = [folder if each == tmp_path / "claims.csv" else each for each in house]
    ended = command(*arguments, "--update")
    assert (ended.code, ended.out) == (2, "")
    assert "one claims file" in ended.err
    assert not (tmp_path / "expected.csv").exists()


def test_a_long_list_is_cut_and_says_so(command: Command, house: tuple[object, ...], tmp_path: Path) -> None:
    write_csv(tmp_path / "claims.csv", [claim(f"B{n}", units="50") for n in range(60)])
    (tmp_path / "expected.csv").write_text("row_number,code\n")
    ended = command(*house)
    assert "Unexpected, 50 of 60 (all with --json)" in ended.out
    assert ended.out.count("HOUSE-001") == 50
    assert len(command(*house, "--json").json["unexpected"]) == 60
