"""`preview`, `template download` and `rules`: what they print, what they leave, exit codes."""

from __future__ import annotations

import csv
import gzip
import io
from datetime import date
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from claimsctl.claim import BY_NAME
from claimsctl.reference.tables import Tables
from claimsctl.security.masking import MASKED
from claimsctl.store.workspace import Workspace
from claimsctl.template import template_rows
from tests.claims import claim, write_csv
from tests.commands import EXAMPLES, ROOT, Command

AS_OF = ("--as-of", "2026-06-30")


def test_preview_shows_mapping_sample_and_findings(command: Command, tmp_path: Path) -> None:
    rows = [claim(f"A{n}", charge_amount="-5" if n == 1 else "120") | {"Room": "12"} for n in range(8)]
    path = write_csv(tmp_path / "claims.csv", rows)
    ended = command("preview", path, *AS_OF, "--json")
    assert ended.code == 0
    seen = ended.json
    assert seen["mapping"]["columns"]["procedure_code"] == "header 'procedure_code' (exact name)"
    assert seen["mapping"]["ignored"] == ["Room"]
    assert seen["types"]["service_date_from"] == "date"
    assert len(seen["sample"]["rows"]) == 5
    assert [each["code"] for each in seen["findings_by_code"] if each["severity"] == "error"] == ["FIN-002"]
    assert seen["estimate"]["rows"] == 8
    text = command("preview", path, *AS_OF)
    assert text.code == 0
    assert "FIN-002" in text.out


def test_preview_masks_cells_that_may_be_another_columns(command: Command, tmp_path: Path) -> None:
    """A delimiter lost behind the last number or date: the address stands in the column of a number."""
    last = {"group_number": "G7", "prior_auth_number": "P7", "patient_address": "9 Quillfeather Court",
            "referral_number": ""}  # fmt: skip
    rows = [{**claim(f"A{n}"), **last} for n in range(3)]
    rows = [{name: row[name] for name in (*(n for n in row if n not in last), *last)} for row in rows]
    path = write_csv(tmp_path / "claims.csv", rows)
    header, good, shifted, other = path.read_text().splitlines()
    path.write_text("\n".join([header, good, shifted.replace("G7,P7", "G7P7"), other]) + "\n")
    for form in ((), ("--json",)):
        seen = command("preview", path, *AS_OF, *form)
        assert seen.code == 0
        assert "Quillfeather" not in seen.out + seen.err
    sample = seen.json["sample"]
    assert sample["row_numbers"] == [2, 3, 4]
    numbers = [row[sample["header"].index("prior_auth_number")] for row in sample["rows"]]
    assert numbers == ["P7", MASKED, "P7"]


def test_preview_masks_and_writes_nothing(command: Command, tmp_path: Path) -> None:
    path = write_csv(
        tmp_path / "claims.csv", [claim(patient_last_name="Quillfeather") | {"Room": "Ostrander"}]
    )
    for options in ((), ("--json",)):
        ended = command("preview", path, *AS_OF, *options)
        assert "Quillfeather" not in ended.out
        assert "Ostrander" not in ended.out, "columns that are not known may hold anything"
        assert claim()["member_id"] not in ended.out
    assert list(Path().iterdir()) == []
    workspace = tmp_path / "workspace"
    assert not workspace.exists(), "where there is none, none is made"
    Workspace.open(workspace)
    assert command("preview", path, *AS_OF).code == 0
    assert (workspace / "audit.log").exists()
    assert not (workspace / "claims.duckdb").exists()
    assert not (workspace / "jobs.sqlite").exists()
    assert list((workspace / "tmp").iterdir()) == []


def test_what_preview_puts_aside_of_standard_input_lies_in_the_workspace(
    command: Command, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Where a killed one would leave it, the next command removes it."""
    text = write_csv(tmp_path / "claims.csv", [claim()]).read_bytes()
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(text)))
    monkeypatch.setattr("claimsctl.cli.previewing.TemporaryDirectory", None)
    assert command("preview", "-", *AS_OF).code == 0
    assert (tmp_path / "workspace" / "audit.log").exists()


def test_preview_looks_at_the_first_rows_only(command: Command, tmp_path: Path) -> None:
    path = write_csv(tmp_path / "claims.csv", [claim(f"A{n}") for n in range(40)])
    seen = command("preview", path, *AS_OF, "--rows", "10", "--json").json
    assert seen["inputs"][0]["rows_looked_at"] == 10
    assert 35 <= seen["estimate"]["rows"] <= 50
    frame = pl.read_csv(path, infer_schema=False)
    (tmp_path / "claims.csv.gz").write_bytes(gzip.compress(path.read_bytes()))
    frame.write_parquet(tmp_path / "claims.parquet")
    frame.write_excel(tmp_path / "claims.xlsx")
    for name in ("claims.csv.gz", "claims.parquet", "claims.xlsx"):
        seen = command("preview", tmp_path / name, *AS_OF, "--rows", "10", "--json").json
        assert 35 <= seen["estimate"]["rows"] <= 50, name
    frame.write_ndjson(tmp_path / "claims.jsonl")
    text = command("preview", tmp_path / "claims.jsonl", *AS_OF, "--rows", "10").out
    assert "only reading all of them would tell" in " ".join(text.split())


def test_preview_warns_of_missing_columns(command: Command, tmp_path: Path) -> None:
    rows = [{name: value for name, value in claim().items() if name != "units"}]
    seen = command("preview", write_csv(tmp_path / "claims.csv", rows), *AS_OF, "--json").json
    assert seen["mapping"]["missing"] == ["units"]
    assert any("units" in warning for warning in seen["warnings"])


TEMPLATES = [("process", "professional"), ("process", "session"), ("status", "professional")]


@pytest.mark.parametrize("file_format", ["csv", "xlsx"])
@pytest.mark.parametrize(("purpose", "profile"), TEMPLATES)
def test_template_runs_without_errors(
    command: Command, tmp_path: Path, purpose: str, profile: str, file_format: str
) -> None:
    path = tmp_path / f"template.{file_format}"
    options = ("--purpose", purpose, "--profile", profile, "--format", file_format, "--output", path)
    ended = command("template", "download", "--payer", "uhc", *options)
    assert ended.code == 0
    assert str(path) in ended.out
    suggested = ended.out.strip().rpartition("claimsctl ")[2].split()
    summary = command(*suggested, "--json")
    assert summary.code == 0
    assert summary.json["findings"]["error"] == 0, summary.json["findings_by_code"]
    assert summary.json["rows"]["accepted"] >= 2
    assert summary.json["mapping"]["ignored"] == summary.json["mapping"]["missing"] == []


def test_template_of_every_payer_runs_without_errors(command: Command, tmp_path: Path) -> None:
    payers = Tables.shipped()["payers"].frame["payer_id"].to_list()
    lines: list[list[str]] = []
    for number, payer in enumerate(payers):
        header, examples, _ = template_rows(payer, "process", "professional", today=date.today())
        at = header.index("claim_number")
        # Each payer's examples are claims of their own.
        lines += [[*row[:at], f"{row[at]}-{number}", *row[at + 1 :]] for row in examples]
    with (tmp_path / "all.csv").open("w", newline="") as file:
        csv.writer(file).writerows([header, *lines])
    ended = command("process", tmp_path / "all.csv", "--dry-run", "--json")
    assert ended.json["rows"]["read"] == 3 * len(payers) > 30
    assert ended.json["findings"]["error"] == 0, ended.json["findings_by_code"]


def test_template_to_the_terminal(command: Command) -> None:
    text = command("template", "download").out
    comments = [line for line in text.splitlines() if line.startswith("#")]
    header = next(csv.reader(line for line in text.splitlines() if not line.startswith("#")))
    assert set(header) <= set(BY_NAME)
    assert len(comments) > len(header), "one rule per column"
    seen = command("template", "download", "--json").json
    assert seen["headers"] == header
    assert all(len(row) == len(header) for row in seen["rows"])


def test_template_with_a_payer_of_the_settings(command: Command, tmp_path: Path) -> None:
    (tmp_path / "workspace").mkdir()
    (tmp_path / "workspace" / "claimsctl.toml").write_text(
        '[payers.NSTAR]\nname = "Northstar Health Plan"\ntype = "commercial"\naliases = ["NORTHSTAR"]\n'
    )
    path = tmp_path / "template.csv"
    assert command("template", "download", "--payer", "northstar", "--output", path).code == 0
    ended = command("process", path, "--dry-run", "--json")
    assert ended.json["findings"]["error"] == 0, ended.json["findings_by_code"]


@pytest.mark.parametrize(
    ("options", "code", "says"),
    [
        (("--payer", "no such payer"), 2, "no such payer"),
        (("--profile", "sesion"), 2, "session"),
        (("--format", "pdf"), 2, "pdf"),
        (("--format", "xlsx"), 2, "--output"),
        (("--format", "csv", "--output", "y.xlsx"), 2, "y.xlsx"),
        (("--format", "xlsx", "--output", "y.csv"), 2, "y.csv"),
        (("--output", "y.parquet"), 2, ".parquet"),
        (("--output", "there.csv"), 2, "there.csv"),
        (("--output", "no/such/place.csv"), 4, "--output"),
    ],
)
def test_template_refusals(command: Command, options: tuple[str, ...], code: int, says: str) -> None:
    Path("there.csv").write_text("mine")
    ended = command("template", "download", *options)
    assert (ended.code, ended.out) == (code, "")
    assert says in ended.err
    assert Path("there.csv").read_text() == "mine"


@pytest.mark.parametrize(
    ("options", "start"),
    [
        (("-o", "t.xlsx"), b"PK"), (("-o", "T.XLSX"), b"PK"), (("-o", "t", "--format", "xlsx"), b"PK"),
        (("-o", "t.csv"), b"#"), (("-o", "t.txt"), b"#"),
    ],
)  # fmt: skip
def test_a_template_has_the_format_of_its_name(
    command: Command, options: tuple[str, ...], start: bytes
) -> None:
    assert command("template", "download", *options).code == 0
    assert Path(options[1]).read_bytes().startswith(start)


def test_rules_list(command: Command) -> None:
    entries = command("rules", "list", "--json").json
    codes = [each["code"] for each in entries]
    assert len(codes) >= 200
    assert codes == sorted(codes)
    assert len(set(codes)) == len(codes)
    text = command("rules", "list")
    assert all(code in text.out for code in codes)
    some = command("rules", "list", "--category", "patient", "--severity", "error", "--json").json
    assert {(each["category"], each["severity"]) for each in some} == {("patient", "error")}
    assert command("rules", "list", "--category", "patients").code == 2


def test_rules_touch_no_workspace(command: Command, tmp_path: Path) -> None:
    for arguments in (("list",), ("show", "PAT-008"), ("explain", "PAT-008")):
        assert command("rules", *arguments).code == 0
    assert not (tmp_path / "workspace").exists()


def test_rules_show_is_the_text_of_the_pack(command: Command) -> None:
    shown = command("rules", "show", "PAT-008").out
    assert shown.startswith('[[rule]]\ncode = "PAT-008"\n')
    assert shown.strip() in (ROOT / "rules" / "patient.toml").read_text()
    assert shown.count("[[rule]]") == 1
    assert command("rules", "show", "pat-008").out == shown
    full = command("rules", "show", "patient_age_in_range", "--json").json
    assert full["code"] == "PAT-008"
    assert full["fails"]


def test_rules_can_be_explained(command: Command) -> None:
    """One of each category; what is explained stands in every rule (tests/rules)."""
    first_of = {entry["category"]: entry["code"] for entry in command("rules", "list", "--json").json}
    assert len(first_of) > 20
    for code in first_of.values():
        ended = command("rules", "explain", code)
        assert ended.code == 0
        for heading in ("Finding", "Why", "Fix", "What must hold", "Source"):
            assert f"\n{heading}\n" in ended.out, code
    assert "ncci_ptp: not loaded\n" in command("rules", "explain", "NCCI-002").out
    explained = command("rules", "explain", "PAT-008", "--json").json
    assert explained["why"]
    assert explained["tables"] == []


@pytest.mark.parametrize("name", ["show", "explain"])
def test_unknown_rule(command: Command, name: str) -> None:
    ended = command("rules", name, "PTA-008")
    assert (ended.code, ended.out) == (2, "")
    assert "PAT-008" in ended.err


def test_rules_check_of_the_example_pack(command: Command) -> None:
    ended = command("rules", "check", EXAMPLES / "house_rules.toml")
    assert ended.code == 0
    assert "0 misbehave" in ended.out
    assert command("rules", "check", EXAMPLES / "house_rules.toml", "--json").json["failures"] == []


def test_rules_check_of_a_shipped_pack(command: Command) -> None:
    assert command("rules", "check", ROOT / "rules" / "patient.toml").code == 0


HOUSE = """
[pack]
name = "house"
title = "House"
[[rule]]
code = "HOUSE-001"
name = "units_small"
severity = "warning"
category = "financial"
level = "line"
fields = ["units"]
rule_expression = "{expression}"
error_message = "units is {{units}}"
suggestion = "Check the units."
why = "Large numbers are slips."
source = "house"
passes = [{{ units = 1 }}]
fails = [{{ units = 50 }}]
"""


def pack(path: Path, expression: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(HOUSE.format(expression=expression))
    return path


def test_rules_check_reports_examples_that_misbehave(command: Command, tmp_path: Path) -> None:
    good = pack(tmp_path / "good.toml", "units <= 20")
    assert command("rules", "check", good).code == 0
    bad = pack(tmp_path / "bad.toml", "units <= 60")
    ended = command("rules", "check", bad)
    assert ended.code == 1
    assert "HOUSE-001" in ended.out
    assert command("rules", "check", bad, "--json").json["failures"]


@pytest.mark.parametrize(
    ("expression", "says"),
    [
        ("unitz <= 20", "did you mean"),
        ("units <=", "^"),
        ("lenth(procedure_code) = 5", "did you mean"),
        ("units = 'many'", "^"),
    ],
)
def test_broken_pack_shows_place_and_meaning(
    command: Command, tmp_path: Path, expression: str, says: str
) -> None:
    broken = pack(tmp_path / "broken.toml", expression)
    claims = write_csv(tmp_path / "claims.csv", [claim()])
    for arguments in (("rules", "check", broken), ("process", claims, "--rules", broken)):
        ended = command(*arguments)
        assert (ended.code, ended.out) == (2, "")
        for word in ("broken.toml", "HOUSE-001", says):
            assert word in ended.err


def test_house_rules_of_the_workspace_load_by_themselves(command: Command, tmp_path: Path) -> None:
    pack(tmp_path / "workspace" / "rules" / "house.toml", "units <= 20")
    claims = write_csv(tmp_path / "claims.csv", [claim(units="50", charge_amount="50")])
    found = command("process", claims, *AS_OF, "--dry-run", "--json").json["findings_by_code"]
    assert "HOUSE-001" in {each["code"] for each in found}
    listed = command("rules", "list", "--category", "financial", "--json").json
    assert "HOUSE-001" in {each["code"] for each in listed}
    assert command("rules", "check", tmp_path / "workspace" / "rules" / "house.toml").code == 0


def test_xlsx_comes_back_corrected(command: Command, tmp_path: Path) -> None:
    """The correction loop of a workbook: bad cells marked, the fixed file accepted as it is."""
    import xlsxwriter

    rows = [claim("A1"), claim("A2", place_of_service="98")]
    with xlsxwriter.Workbook(tmp_path / "claims.xlsx") as book:
        sheet = book.add_worksheet()
        for number, row in enumerate([list(rows[0]), *(list(row.values()) for row in rows)]):
            sheet.write_row(number, 0, row)
    command("process", tmp_path / "claims.xlsx", *AS_OF, "--out", tmp_path / "out", "-q")
    frame: Any = pl.read_excel(tmp_path / "out" / "rejected.xlsx", infer_schema_length=0)
    fixed = frame.with_columns(pl.lit("11").alias("place_of_service"))
    fixed.write_excel(tmp_path / "fixed.xlsx")
    ended = command("process", tmp_path / "fixed.xlsx", *AS_OF, "--json")
    assert ended.json["rows"]["accepted"] == 1, ended.json["findings_by_code"]
    assert ended.json["since_last"]["new"] == 0


def test_one_json_document_whatever_the_command(command: Command, tmp_path: Path) -> None:
    claims = write_csv(tmp_path / "claims.csv", [claim()])
    for arguments in (
        ("process", claims), ("preview", claims), ("template", "download", "--output", tmp_path / "t.csv"),
        ("rules", "list"), ("rules", "show", "PAT-008"), ("rules", "explain", "PAT-008"),
        ("rules", "check", EXAMPLES / "house_rules.toml"),
    ):  # fmt: skip
        ended = command("--json", *arguments)
        assert ended.code == 0
        assert ended.json is not None, arguments


def test_an_unknown_header_is_shown_with_the_column_it_may_mean(command: Command, tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text(
        "Claim No,NPI,DOS,CPT,Charge,Colour\nA1,1497758544,2026-05-01,90837,1,red\n"
    )
    said = command("preview", tmp_path / "a.csv", "--json").json
    (cause,) = [each for each in said["causes"] if each["code"] == "FILE-003"]
    assert '--map "NPI=billing_npi"' in cause["fix"]
