"""`claimsctl fix`: what it prints, exit codes, and that no patient shows on the terminal."""

from __future__ import annotations

import io
from pathlib import Path

import polars as pl
import pytest

from claimsctl.cli.fix import fix
from claimsctl.fix.repairs import TITLES
from tests.claims import claim, csv_text, write_csv
from tests.commands import ROOT, Command
from tests.test_phi_stays_in import SECRETS, UNMAPPED, WORDS, bad_files, bad_rows, said

AS_OF = ("--as-of", "2026-06-30")


@pytest.fixture
def damaged(tmp_path: Path) -> Path:
    """A file with two cells to repair, a proposal, and a record that cannot be read."""
    text = csv_text([claim("A1", patient_zip="1609", charge_amount="$5"), claim("A2", ndc_code="0409488710")])
    path = tmp_path / "claims.csv"
    path.write_text(text + "A3,too,short\n")
    return path


def test_text_for_people(command: Command, damaged: Path, tmp_path: Path) -> None:
    ended = command("fix", damaged, *AS_OF, "--out", tmp_path / "fixed.csv")
    assert (ended.code, ended.err) == (0, "")
    said = ended.out.splitlines()
    assert said[0] == "3 rows read; 2 cells repaired."
    assert f"      1  {TITLES['zip_zero']}" in said
    assert f"      1  {TITLES['ndc_zero']}" in said
    for name in ("fixed.csv", "fixed.repairs.csv", "fixed.malformed.csv"):
        assert any(f"{tmp_path / name}  " in line for line in said)
    assert f"  claimsctl process {tmp_path / 'fixed.csv'}" in said


def test_json(command: Command, damaged: Path, tmp_path: Path) -> None:
    ended = command("fix", damaged, *AS_OF, "--out", tmp_path / "fixed.csv", "--json")
    done = ended.json
    assert done["rows"] == {"read": 3, "written": 2, "malformed": 1}
    assert done["repairs"] == {"amount_format": 1, "zip_zero": 1}
    assert done["proposals"] == {"ndc_zero": 1}
    assert set(done["outputs"]) == {"fixed", "repairs", "malformed"}
    assert all(Path(path).is_file() for path in done["outputs"].values())


def test_dry_run_and_quiet(command: Command, damaged: Path, tmp_path: Path) -> None:
    ended = command("fix", damaged, *AS_OF, "--dry-run")
    assert ended.code == 0
    assert "2 cells would be repaired" in ended.out
    assert "Nothing was written." in ended.out
    assert command("fix", damaged, *AS_OF, "--dry-run", "--json").json["outputs"] == {}
    ended = command("fix", damaged, *AS_OF, "--out", tmp_path / "fixed.csv", "--quiet")
    assert (ended.code, ended.out, ended.err) == (0, "", "")


def test_show_phi(command: Command, tmp_path: Path) -> None:
    path = write_csv(tmp_path / "claims.csv", [claim("A1", patient_first_name="Elena ")])
    command("fix", path, *AS_OF, "--out", tmp_path / "masked.csv")
    command("fix", path, *AS_OF, "--out", tmp_path / "plain.csv", "--show-phi")
    assert "Elena" not in (tmp_path / "masked.repairs.csv").read_text()
    assert "Elena" in (tmp_path / "plain.repairs.csv").read_text()


def test_nothing_to_repair(command: Command, tmp_path: Path) -> None:
    path = write_csv(tmp_path / "claims.csv", [claim()])
    ended = command("fix", path, *AS_OF, "--out", tmp_path / "fixed.csv")
    assert ended.out.startswith("1 row read; 0 cells repaired.")
    assert (tmp_path / "fixed.csv").read_bytes() == path.read_bytes()


def test_map_and_set(command: Command, tmp_path: Path) -> None:
    rows = [{("Was done" if k == "procedure_code" else k): v for k, v in claim(patient_zip="1609").items()}]
    rows[0] |= {"Was done": "99213.0"}
    del rows[0]["patient_state"]
    path = write_csv(tmp_path / "claims.csv", rows)
    options = ("--map", "Was done=procedure_code", "--set", "patient_state=CA", "--json", "--dry-run")
    done = command("fix", path, *AS_OF, *options).json
    assert done["repairs"] == {"point_zero": 1}
    assert done["proposals"] == {"zip_zero": 1}


def test_standard_input(command: Command, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    text = csv_text([claim("A1", patient_zip="1609")])
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(text.encode())))
    ended = command("fix", "-", *AS_OF, "--out", tmp_path / "fixed.csv", "--json")
    assert ended.json["repairs"] == {"zip_zero": 1}


@pytest.mark.parametrize("yes", ["--yes", "-y"])
def test_replacing_needs_a_yes(command: Command, damaged: Path, tmp_path: Path, yes: str) -> None:
    out = ("--out", tmp_path / "fixed.csv", "-q")
    assert command("fix", damaged, *AS_OF, *out).code == 0
    again = command("fix", damaged, *AS_OF, *out)
    assert again.code == 2
    assert "--yes" in again.err
    assert command("fix", damaged, *AS_OF, *out, yes).code == 0
    assert command(yes, "fix", damaged, *AS_OF, *out).code == 0


def test_wrong_usage(command: Command, damaged: Path, tmp_path: Path) -> None:
    for arguments, code, says in (
        (("fix",), 2, "INPUT"),
        (("fix", damaged), 2, "--out"),
        (("fix", damaged, "--out", damaged, "-y"), 2, "the input itself"),
        (("fix", damaged, "--out", tmp_path / "fixed.xlsx"), 2, ".csv"),
        (("fix", damaged, "--out", tmp_path / "f.csv", "--profile", "sesion"), 2, "session"),
        (("fix", damaged, "--out", tmp_path / "f.csv", "--map", "units=unit"), 2, "did you mean 'units'?"),
        (("fix", tmp_path / "nope.csv", "--out", tmp_path / "f.csv"), 3, "nope.csv"),
        (("fix", damaged, "--out", damaged / "f.csv"), 4, "--out"),
    ):
        ended = command(*arguments)
        assert (ended.code, ended.out) == (code, ""), arguments
        assert says in ended.err
    assert {each.name for each in tmp_path.iterdir()} <= {"claims.csv", "workspace", "config"}


def test_process_says_fix_again(command: Command, tmp_path: Path) -> None:
    path = write_csv(tmp_path / "claims.csv", [claim(patient_zip="1609", charge_amount="-5")])
    ended = command("process", path, *AS_OF, "--fix", "--out", tmp_path / "out")
    assert ended.code == 0
    assert "repairs.csv" in ended.out
    assert "claimsctl process --fix " in " ".join(ended.out.split())


def test_the_page_names_every_repair() -> None:
    page = (ROOT / "docs" / "fix.md").read_text("utf-8")
    for name in TITLES:
        assert f"| `{name}` |" in page
    assert fix.__doc__ is not None


def test_no_patient_on_the_terminal_or_in_the_list(command: Command, tmp_path: Path) -> None:
    place = tmp_path / "inputs"
    place.mkdir()
    leaks: list[str] = []
    codes = []
    padded = [{name: f" {value}\u200b" for name, value in row.items()} for row in bad_rows()]
    padded += [{**claim("S1"), **SECRETS, "Room": UNMAPPED}]
    write_csv(place / "padded.csv", padded)
    files = [("padded.csv",), *((name,) for name, *options in bad_files(place) if not options)]
    for number, (name,) in enumerate(files):
        ending = {"json": "jsonl"}.get(name.rpartition(".")[2], name.rpartition(".")[2])
        out = tmp_path / str(number) / f"fixed.{ending}"
        forms: tuple[tuple[str, ...], ...] = ((), ("--json", "-y"))
        for options in forms if number == 0 else forms[number % 2 :][:1]:
            ended = command("fix", place / name, *AS_OF, "--out", out, *options)
            codes.append(ended.code)
            assert ended.code in (0, 2, 3), ended.err
            leaks += said(WORDS, f"stdout of {name}", ended.out.encode())
            leaks += said(WORDS, f"stderr of {name}", ended.err.encode())
        report = out.with_name("fixed.repairs.csv")
        if report.exists():
            leaks += said(WORDS, f"list of {name}", report.read_bytes())
    assert codes.count(0) > len(codes) / 2
    assert not leaks, "\n".join(sorted(set(leaks)))
    listed = pl.read_csv(tmp_path / "0" / "fixed.repairs.csv", infer_schema=False)
    assert {"patient_last_name", "line_note", "dropoff_address"} <= set(listed["field"])
