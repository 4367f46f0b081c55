"""The `reference` commands from the shell's side, and what a loaded table does to a run."""

from __future__ import annotations

import gzip
import json
import zipfile
from pathlib import Path

import pytest

from tests.claims import claim, write_csv
from tests.commands import Command

MUE_HEAD = (
    '"Current Procedural Terminology (CPT) codes, descriptions and other data only are copyright 2025\n'
    'American Medical Association. All rights reserved."\n'
    '"HCPCS/\nCPT Code",Practitioner Services MUE Values,MUE Adjudication Indicator,MUE Rationale\n'
)
NAME = "MCR_MUE_PractitionerServices_Eff_04-01-2026.csv"


def mue(units: int = 1, codes: int = 2_000) -> bytes:
    """A quarter's file as CMS publishes it, with invented limits; 90834 is in it."""
    numbers = [90834, *range(10_000, 10_000 + codes - 1)]
    rows = "".join(f"{n:05d},{units},3 Date of Service Edit: Clinical,Clinical: Data\n" for n in numbers)
    return (MUE_HEAD + rows).encode("cp1252")


@pytest.fixture
def published(tmp_path: Path) -> Path:
    path = tmp_path / NAME
    path.write_bytes(mue())
    return path


def test_a_loaded_table_makes_its_rules_run(command: Command, published: Path, tmp_path: Path) -> None:
    lines = write_csv(tmp_path / "claims.csv", [claim("A1", units="3", procedure_code="90834")])
    arguments = ("process", lines, "--as-of", "2026-06-30", "--json", "--only", "NCCI-007")
    before = command(*arguments, "--out", tmp_path / "before").json
    assert {"code": "NCCI-007", "reason": "reference table mue is not loaded"}.items() <= next(
        each for each in before["rules"]["not_run"] if each["code"] == "NCCI-007"
    ).items()
    loaded = command("reference", "load", "--accept-smaller", published)
    assert loaded.code == 0
    assert "mue 2026Q2: 2,000 rows, service dates 2026-04-01 to 2026-06-30" in loaded.out
    after = command(*arguments, "--out", tmp_path / "after").json
    assert [each["code"] for each in after["findings_by_code"]] == ["NCCI-007"]
    assert {"table": "mue", "edition": "2026Q2"} in after["reference"]
    old = write_csv(
        tmp_path / "old.csv",
        [claim("A2", units="3", procedure_code="90834", service_date_from="2026-02-02")],
    )
    unknown = command("process", old, *arguments[2:], "--out", tmp_path / "old").json
    assert unknown["findings_by_code"] == []


def test_listing_and_showing(command: Command, published: Path) -> None:
    command("reference", "load", "--accept-smaller", published)
    listed = command("reference", "list", "--json").json
    entry = next(each for each in listed["tables"] if each["table"] == "mue")
    assert (entry["rows"], entry["valid_from"], entry["origin"]) == (2_000, "2026-04-01", NAME)
    assert "ncci_ptp" in listed["not_loaded"]
    assert "mue" not in listed["not_loaded"]
    assert next(each for each in listed["tables"] if each["table"] == "pos")["origin"] == "shipped"
    shown = command("reference", "show", "mue", "90834")
    assert "units: 1; mai: 3" in shown.out
    assert command("reference", "show", "mue", "90834", "--on", "2026-05-01", "--json").json["rows"] == 1
    missing = command("reference", "show", "mue", "90834", "--on", "2025-05-01")
    assert missing.code == 2
    assert "has no code 90834 on 2025-05-01" in missing.err
    assert "Did you mean mue" in command("reference", "show", "mua").err
    assert "not loaded" in command("reference", "show", "mpfs").err


def test_packed_files_and_files_loaded_twice(command: Command, published: Path, tmp_path: Path) -> None:
    packed = tmp_path / f"{NAME}.gz"
    packed.write_bytes(gzip.compress(published.read_bytes()))
    zipped = tmp_path / "q3.zip"
    with zipfile.ZipFile(zipped, "w") as archive:
        archive.writestr("MCR_MUE_PractitionerServices_Eff_07-01-2026.csv", mue(2))
    assert command("reference", "load", "--accept-smaller", packed, zipped).code == 0
    assert "loaded already" in command("reference", "load", "--accept-smaller", packed).out
    other = tmp_path / "corrected" / NAME
    other.parent.mkdir()
    other.write_bytes(mue(5))
    refused = command("reference", "load", "--accept-smaller", other)
    assert refused.code == 2
    assert "--replace" in refused.err
    assert command("reference", "load", "--accept-smaller", other, "--replace").code == 0
    assert "units: 5" in command("reference", "show", "mue", "90834", "--on", "2026-05-01").out
    assert "units: 2" in command("reference", "show", "mue", "90834", "--on", "2026-08-01").out


def test_what_is_no_table_is_refused_with_what_was_found(command: Command, tmp_path: Path) -> None:
    path = tmp_path / "claims.csv"
    path.write_text("claim_number,charge_amount\nA1,5\n")
    refused = command("reference", "load", path)
    assert refused.code == 3
    assert "not recognised" in refused.err
    assert "found 2 columns, among them claim_number, charge_amount" in refused.err
    assert command("reference", "list", "mue").code == 2


def test_formats_that_can_be_loaded(command: Command) -> None:
    listed = command("reference", "list", "--formats").out
    assert "NPPES providers (npidata_pfile CSV)" in listed
    told = json.loads(command("reference", "list", "mue_hospital", "--formats", "--json").out)["formats"]
    assert [form["tables"] for form in told] == [["mue", "mue_hospital", "mue_dme"]]
    unknown = command("reference", "list", "meu", "--formats")
    assert unknown.code == 2
    assert "No file format holds the table meu" in unknown.err


def test_verify_and_remove(command: Command, published: Path, tmp_path: Path) -> None:
    command("reference", "load", "--accept-smaller", published)
    assert command("reference", "verify").code == 0
    rows = tmp_path / "workspace" / "reference" / "mue" / "2026Q2" / "rows.parquet"
    rows.write_bytes(rows.read_bytes()[:-9])
    verified = command("reference", "verify", "--json")
    assert verified.code == 1
    assert "checksum" in verified.json[0]["problem"]
    assert command("reference", "remove", "mue", "2026Q2").code == 0
    assert command("reference", "remove", "mue", "2026Q2").code == 2
    assert "cannot be removed" in command("reference", "remove", "pos", "2024-08").err
    assert json.loads(command("reference", "verify", "--json").out) == []


def test_an_old_table_warns_and_says_so(command: Command, tmp_path: Path) -> None:
    name = tmp_path / "MCR_MUE_PractitionerServices_Eff_01-01-2026.csv"
    rows = "".join(f"{n:05d},1,1 Line Edit,Anatomic Consideration\n" for n in [90834, *range(10_000, 12_000)])
    name.write_bytes((MUE_HEAD + rows).encode("cp1252"))
    command("reference", "load", "--accept-smaller", name)
    lines = [claim("A1", units="3", procedure_code="90834", service_date_from="2026-03-31"),
             claim("A2", units="3", procedure_code="90834", service_date_from="2026-05-04")]  # fmt: skip
    path = write_csv(tmp_path / "claims.csv", lines)
    ended = command("process", path, "--as-of", "2026-06-30", "--only", "NCCI-005", "--out", tmp_path / "o")
    assert "mue ended 2026-03-31" in ended.out
    found = (tmp_path / "o" / "errors.csv").read_text()
    assert [line.split(",")[2:5:2] for line in found.splitlines()[1:]] == [["A1", "error"], ["A2", "warning"]]
    summary = json.loads((tmp_path / "o" / "summary.json").read_text())
    assert {"table": "mue", "edition": "2026Q1", "ended": "2026-03-31"} in summary["reference"]
    assert summary["claims"]["rejected"] == 1


@pytest.mark.parametrize(
    ("table", "code", "shown"),
    [
        ("payers", "uhc", "payer_id: 87726"),
        ("payers", "Aetna Inc", "payer_id: 60054"),
        ("payers", "NSTAR", "name: Northern Star"),
        ("payers", "North Star", "payer_id: NSTAR"),
        ("icd10cm", "f41.1", "code: F411"),
    ],
)
def test_a_code_is_found_as_it_is_written_on_claims(
    command: Command, tmp_path: Path, table: str, code: str, shown: str
) -> None:
    own = 'payers."NSTAR".name = "Northern Star"\npayers."NSTAR".type = "commercial"\n'
    (tmp_path / "workspace").mkdir(exist_ok=True)
    (tmp_path / "workspace" / "claimsctl.toml").write_text(own + 'payers."NSTAR".aliases = ["North Star"]\n')
    found = command("reference", "show", table, code)
    assert found.code == 0, found.err
    assert shown in found.out


def test_an_edition_does_not_end_before_it_begins(command: Command, published: Path) -> None:
    dates = ("--from", "2026-07-01", "--to", "2026-06-01", "--edition", "bad")
    refused = command("reference", "load", "--accept-smaller", published, *dates)
    assert refused.code == 2
    assert "mue bad would end on 2026-06-01, before its first service date, 2026-07-01" in refused.err
    assert "not loaded" in command("reference", "show", "mue").err


def test_a_second_file_of_an_archive_is_not_left_out_silently(command: Command, tmp_path: Path) -> None:
    both = tmp_path / "both.zip"
    with zipfile.ZipFile(both, "w") as archive:
        archive.writestr(f"old/{NAME}", mue(2))
        archive.writestr(f"new/{NAME}", mue(3))
        archive.writestr(f"again/{NAME}", mue(2))
    loaded = command("reference", "load", "--accept-smaller", both)
    said = " ".join(loaded.out.split())
    assert said.count(f"{NAME} has mue for the same service dates with other rows, and was left out") == 1
    assert "units: 2" in command("reference", "show", "mue", "90834").out
