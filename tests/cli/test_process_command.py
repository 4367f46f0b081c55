"""`claimsctl process`: options, what it prints where, exit codes."""

from __future__ import annotations

import csv
import io
import json
import os
import stat
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from tests.claims import claim, csv_text, write_csv
from tests.commands import EXAMPLES, Command

AS_OF = ("--as-of", "2026-06-30")


@pytest.fixture
def clean(tmp_path: Path) -> Path:
    return write_csv(tmp_path / "clean.csv", [claim("A1"), claim("A2")])


@pytest.fixture
def mixed(tmp_path: Path) -> Path:
    """Two good claims and one with an error; the second good one has a warning."""
    rows = [claim("A1"), claim("A2", patient_ssn="900-12-3456"), claim("A3", charge_amount="-5")]
    return write_csv(tmp_path / "mixed.csv", rows)


def read_csv(path: Path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def found(summary: Any) -> set[str]:
    return {each["code"] for each in summary["findings_by_code"]}


def test_text_for_people(command: Command, mixed: Path, tmp_path: Path) -> None:
    ended = command("process", mixed, *AS_OF, "--out", tmp_path / "out")
    assert ended.code == 0
    assert "FIN-002" in ended.out
    assert "rejected.csv" in ended.out
    assert {path.name for path in (tmp_path / "out").iterdir()} == {
        "accepted.parquet", "rejected.csv", "errors.csv", "errors.parquet", "summary.json",
    }  # fmt: skip


def test_default_output_directory_is_named_by_the_job(command: Command, clean: Path) -> None:
    ended = command("process", clean, *AS_OF)
    (job,) = Path("claimsctl-out").iterdir()
    assert json.loads((job / "summary.json").read_text())["job_id"] == job.name
    assert f"claimsctl-out/{job.name}" in ended.out.replace("\n", "")


def test_json_is_the_summary_file_and_nothing_else(command: Command, mixed: Path, tmp_path: Path) -> None:
    ended = command("process", mixed, *AS_OF, "--out", tmp_path / "out", "--json")
    assert ended.code == 0
    assert ended.json == json.loads((tmp_path / "out" / "summary.json").read_text())
    assert ended.json["rows"] == {"read": 3, "accepted": 2, "held": 0, "rejected": 1, "skipped": 0}
    before = command("--json", "process", mixed, *AS_OF, "--dry-run")
    assert before.json["rows"] == ended.json["rows"], "the global option does the same"


def test_quiet_prints_nothing(command: Command, mixed: Path) -> None:
    ended = command("process", mixed, *AS_OF, "--quiet")
    assert (ended.code, ended.out, ended.err) == (0, "", "")


def test_verbose_names_every_column_and_every_rule_not_run(command: Command, clean: Path) -> None:
    ended = command("process", clean, *AS_OF, "--dry-run", "--verbose")
    assert ended.code == 0
    assert all(name in ended.out for name in claim())
    summary = command("process", clean, *AS_OF, "--dry-run", "--json").json
    assert all(each["code"] in ended.out for each in summary["rules"]["not_run"])


@pytest.mark.parametrize(
    ("options", "code"),
    [
        ((), 0),
        (("--fail-on", "error"), 1),
        (("--fail-on", "warning"), 1),
        (("--fail-on", "error", "--without", "FIN-*"), 0),
        (("--fail-on", "warning", "--without", "FIN-*"), 1),
        (("--fail-on", "warning", "--only", "PAT-008"), 0),
    ],
)
def test_fail_on(command: Command, mixed: Path, options: tuple[str, ...], code: int) -> None:
    ended = command("process", mixed, *AS_OF, "--dry-run", "--json", *options)
    assert ended.code == code, ended.json["findings_by_code"]
    assert ended.json["rows"]["read"] == 3


def test_dry_run_leaves_nothing(command: Command, mixed: Path, tmp_path: Path) -> None:
    ended = command("process", mixed, *AS_OF, "--dry-run", "--out", tmp_path / "out", "--json")
    assert ended.code == 0
    assert ended.json["job_id"] is None
    assert not (tmp_path / "out").exists()
    assert not Path("claimsctl-out").exists()
    workspace = tmp_path / "workspace"
    assert not (workspace / "claims.duckdb").exists()
    assert not (workspace / "jobs.sqlite").exists()
    assert [*(workspace / "tmp").iterdir(), *(workspace / "jobs").iterdir()] == []


@pytest.mark.parametrize("file_format", ["parquet", "csv", "xlsx"])
def test_output_format(command: Command, clean: Path, tmp_path: Path, file_format: str) -> None:
    ended = command("process", clean, *AS_OF, "--output-format", file_format, "--out", tmp_path / "out")
    assert ended.code == 0
    accepted = tmp_path / "out" / f"accepted.{file_format}"
    read: dict[str, Any] = {"parquet": pl.read_parquet, "xlsx": pl.read_excel}
    frame = read.get(file_format, lambda path: pl.read_csv(path, infer_schema=False))(accepted)
    assert frame["claim_number"].to_list() == ["A1", "A2"]
    assert frame["patient_zip"].cast(pl.String).to_list() == ["01609", "01609"]


def test_files_are_for_the_user_alone(command: Command, mixed: Path, tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        command("process", mixed, *AS_OF, "--out", tmp_path / "out")
    finally:
        os.umask(before)
    made = [tmp_path / "workspace", tmp_path / "config" / "keys", tmp_path / "out"]
    for path in [*made, *(path for top in made for path in top.rglob("*"))]:
        mode = stat.S_IMODE(path.stat().st_mode)
        assert mode == (0o700 if path.is_dir() else 0o600), path


def test_map_and_set(command: Command, tmp_path: Path) -> None:
    rows = [
        {("Was done" if k == "procedure_code" else k): v for k, v in claim().items() if k != "billing_npi"}
    ]
    path = write_csv(tmp_path / "claims.csv", rows)
    assert command("process", path, *AS_OF, "--dry-run", "--json").json["rows"]["rejected"] == 1
    ended = command(
        "process", path, *AS_OF, "--map", "was done=procedure_code", "--set", "billing_npi=1679576722",
        "--json", "--out", tmp_path / "out",
    )  # fmt: skip
    assert ended.json["rows"]["accepted"] == 1, ended.json["findings_by_code"]
    assert "Was done" in ended.json["mapping"]["columns"]["procedure_code"]
    line = pl.read_parquet(tmp_path / "out" / "accepted.parquet").row(0, named=True)
    assert (line["procedure_code"], line["billing_npi"]) == ("99213", "1679576722")


def test_next_command_repeats_what_was_typed(command: Command, tmp_path: Path) -> None:
    rows = [{("Was done" if k == "procedure_code" else k): v for k, v in claim(charge_amount="-5").items()}]
    path = write_csv(tmp_path / "claims.csv", rows)
    ended = command("process", path, *AS_OF, "--map", "Was done=procedure_code", "--payer", "87726")
    shown = " ".join(ended.out.split())
    assert "--map=Was done=procedure_code" in shown.replace("'", "")
    assert "--payer=87726" in shown


def test_payer_fills_lines_without_one(command: Command, tmp_path: Path) -> None:
    path = write_csv(tmp_path / "claims.csv", [claim("A1", payer_id=""), claim("A2")])
    assert command("process", path, *AS_OF, "--dry-run", "--json").json["rows"]["rejected"] == 1
    ended = command("process", path, *AS_OF, "--dry-run", "--json", "--payer", "87726")
    assert ended.json["rows"]["accepted"] == 2


def test_practice_from_settings(command: Command, tmp_path: Path) -> None:
    (tmp_path / "workspace").mkdir()
    (tmp_path / "workspace" / "claimsctl.toml").write_text(
        '[practice.main]\nnpi = "1679576722"\ntax_id = "042104338"\n'
        '[practice.other]\npractice_type = "therapy"\n'
        '[process]\npractice = "main"\n'
    )
    rows = [{k: v for k, v in claim().items() if k not in ("billing_npi", "billing_tax_id")}]
    path = write_csv(tmp_path / "claims.csv", rows)
    ended = command("process", path, *AS_OF, "--dry-run", "--json")
    assert ended.json["rows"]["accepted"] == 1, ended.json["findings_by_code"]
    other = command("process", path, *AS_OF, "--dry-run", "--json", "--practice", "other")
    assert other.json["rows"]["rejected"] == 1
    assert command("--practice", "other", "process", path, *AS_OF, "--dry-run", "--json").json["rows"][
        "rejected"
    ]
    unknown = command("process", path, "--practice", "mian")
    assert unknown.code == 2
    assert "Did you mean main?" in unknown.err


def test_practice_type_allows_its_codes_only(command: Command, clean: Path) -> None:
    ended = command("process", clean, *AS_OF, "--dry-run", "--json", "--practice-type", "therapy")
    assert ended.json["rows"]["rejected"] == 2
    assert command("process", clean, *AS_OF, "--dry-run", "--json").json["rows"]["rejected"] == 0


def test_profile_session(command: Command) -> None:
    sessions = EXAMPLES / "sessions.csv"
    ended = command("process", sessions, "--profile", "session", *AS_OF, "--dry-run", "--json")
    assert ended.json["mapping"]["missing"] == []
    assert ended.json["rows"]["accepted"] > ended.json["rows"]["rejected"] > 0
    assert command("process", sessions, *AS_OF, "--dry-run", "--json").json["mapping"]["missing"]


def test_as_of_stands_for_today(command: Command, clean: Path) -> None:
    before = command("process", clean, "--as-of", "2026-05-03", "--dry-run", "--json")
    assert before.json["as_of"] == "2026-05-03"
    assert before.json["rows"]["rejected"] == 2, "services of the next day"


@pytest.mark.parametrize(
    ("strategy", "rows"),
    [
        ("error", {"rejected": 1}),
        ("skip", {"skipped": 1}),
        ("update", {"accepted": 1}),
        (None, {"rejected": 1}),
    ],
)
def test_duplicates(command: Command, tmp_path: Path, strategy: str | None, rows: dict[str, int]) -> None:
    assert command("process", write_csv(tmp_path / "a.csv", [claim()]), *AS_OF, "-q").code == 0
    changed = write_csv(tmp_path / "b.csv", [claim(charge_amount="121.00")])
    options = ("--duplicates", strategy) if strategy else ()
    ended = command("process", changed, *AS_OF, *options, "--json")
    assert {name: ended.json["rows"][name] for name in rows} == rows
    assert ended.json["duplicates"]["strategy"] == (strategy or "error")


def test_batch_size_does_not_change_the_files(command: Command, tmp_path: Path) -> None:
    rows = [claim(f"A{n % 90}", line_number=str(n // 90 + 1), charge_amount=str(n % 7)) for n in range(250)]
    path = write_csv(tmp_path / "claims.csv", rows)
    for name, size in (("whole", "100000"), ("parts", "100")):
        options = ("--batch-size", size, "--output-format", "csv", "--out", tmp_path / name)
        ended = command(
            "--workspace", tmp_path / f"workspace-{name}", "process", path, *AS_OF, "-q", *options
        )
        assert ended.code == 0
    for name in ("accepted.csv", "rejected.csv", "errors.csv"):
        assert (tmp_path / "whole" / name).read_bytes() == (tmp_path / "parts" / name).read_bytes()


def test_limit(command: Command, clean: Path) -> None:
    assert command("process", clean, *AS_OF, "--dry-run", "--json", "--limit", "1").json["rows"]["read"] == 1


def test_safe_csv_neutralises_formulas(command: Command, tmp_path: Path) -> None:
    path = write_csv(tmp_path / "claims.csv", [claim(patient_city="=1+1", charge_amount="-5")])
    for name, options in (("plain", ()), ("safe", ("--safe-csv",))):
        command("process", path, *AS_OF, *options, "--out", tmp_path / name, "-q")
    assert read_csv(tmp_path / "plain" / "rejected.csv")[0]["patient_city"] == "=1+1"
    assert read_csv(tmp_path / "safe" / "rejected.csv")[0]["patient_city"] == "'=1+1"


def test_only_and_without(command: Command, mixed: Path) -> None:
    only = command("process", mixed, *AS_OF, "--dry-run", "--json", "--only", "fin-002")
    assert found(only.json) == {"FIN-002"}
    without = command("process", mixed, *AS_OF, "--dry-run", "--json", "--without", "FIN-*")
    assert without.json["rows"]["rejected"] == 0


def test_rules_adds_a_pack(command: Command, clean: Path) -> None:
    house = EXAMPLES / "house_rules.toml"
    ended = command("process", clean, *AS_OF, "--dry-run", "--json", "--rules", house)
    assert ended.code == 0
    plain = command("process", clean, *AS_OF, "--dry-run", "--json")
    assert len(ended.json["rules"]["packs"]) == len(plain.json["rules"]["packs"]) + 1


def test_standard_input(command: Command, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    text = csv_text([claim("A1"), claim("A2", charge_amount="-5")])
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(text.encode())))
    ended = command("process", "-", *AS_OF, "--json", "--out", tmp_path / "out")
    assert ended.json["rows"] == {"read": 2, "accepted": 1, "held": 0, "rejected": 1, "skipped": 0}
    assert (tmp_path / "out" / "rejected.csv").exists()


def test_several_inputs_keep_their_rejected_rows_apart(command: Command, tmp_path: Path) -> None:
    for name in ("june", "july"):
        write_csv(tmp_path / f"{name}.csv", [claim(name.upper(), charge_amount="-5")])
    ended = command("process", tmp_path / "ju*.csv", *AS_OF, "--out", tmp_path / "out", "--json")
    assert len(ended.json["inputs"]) == 2
    assert sorted(path.name for path in (tmp_path / "out" / "rejected").iterdir()) == ["july.csv", "june.csv"]


def test_corrected_file_goes_straight_back_in(command: Command, mixed: Path, tmp_path: Path) -> None:
    command("process", mixed, *AS_OF, "--out", tmp_path / "out", "-q")
    rejected = tmp_path / "out" / "rejected.csv"
    rejected.write_text(rejected.read_text().replace(",-5,", ",5,"))
    ended = command("process", rejected, *AS_OF, "--json")
    assert ended.json["rows"]["accepted"] == 1, ended.json["findings_by_code"]
    assert ended.json["since_last"]["fixed"] >= 1


USAGE = {
    "no input": (("process",), "INPUTS"),
    "unknown option": (("process", "x.csv", "--outt", "y"), "--out"),
    "unknown command": (("proces",), "proces"),
    "bad date": (("process", "x.csv", "--as-of", "30.06.2026"), "--as-of"),
    "impossible date": (("process", "x.csv", "--as-of", "2026-02-30"), "--as-of"),
    "unknown format": (("process", "x.csv", "--output-format", "pdf"), "pdf"),
    "unknown severity": (("process", "x.csv", "--fail-on", "info"), "info"),
    "batch too small": (("process", "x.csv", "--batch-size", "1"), "--batch-size"),
    "negative limit": (("process", "x.csv", "--limit", "-1"), "--limit"),
    "unknown profile": (("process", "CLEAN", "--profile", "sesion"), "session"),
    "unknown column in --map": (("process", "CLEAN", "--map", "units=unit"), "did you mean 'units'?"),
    "unknown header in --map": (("process", "CLEAN", "--map", "Unitz=units"), "Unitz"),
    "--map without =": (("process", "CLEAN", "--map", "units"), "--map"),
    "unknown column in --set": (
        ("process", "CLEAN", "--set", "billing_pni=1"),
        "did you mean 'billing_npi'?",
    ),
    "--set without value": (("process", "CLEAN", "--set", "units"), "units"),
    "unknown rule": (("process", "CLEAN", "--only", "PTA-008"), "PAT-008"),
    "unknown rule left out": (("process", "CLEAN", "--without", "XYZ-001"), "rules list"),
    "missing pack": (("process", "CLEAN", "--rules", "nope.toml"), "nope.toml"),
    "unknown practice": (("process", "CLEAN", "--practice", "nope"), "nope"),
}


@pytest.mark.parametrize(("arguments", "says"), USAGE.values(), ids=USAGE.keys())
def test_wrong_usage(command: Command, clean: Path, arguments: tuple[str, ...], says: str) -> None:
    ended = command(*(str(clean) if argument == "CLEAN" else argument for argument in arguments))
    assert ended.code == 2
    assert ended.out == ""
    assert says.casefold() in ended.err.casefold()
    assert not Path("claimsctl-out").exists()


def test_ambiguous_headers_name_both_columns(command: Command, tmp_path: Path) -> None:
    line = claim() | {"CPT": "99214", "HCPCS": "99213"}
    del line["procedure_code"]
    ended = command("process", write_csv(tmp_path / "claims.csv", [line]))
    assert ended.code == 2
    assert "'CPT'" in ended.err
    assert "'HCPCS'" in ended.err


INPUTS = {
    "missing": None,
    "empty": b"",
    "blank lines": b"\n\n\n",
    "no claims": b"Shopping list\nmilk\nbread\n",
    "binary": bytes(range(256)) * 40,
    "picture": b"\x89PNG\r\n\x1a\n" + bytes(2000),
    "program": b"\x7fELF" + bytes(2000),
    "pdf": b"%PDF-1.7\n" + bytes(range(128, 256)) * 10,
    "cut gzip": b"\x1f\x8b\x08\x00" + bytes(20),
    "not a workbook": b"PK\x03\x04" + bytes(200),
    "broken json": b'[{"claim_number": "A1", ',
    "html": b"<!doctype html><html><body><table><tr><td>Claim #</td></tr></table></body></html>",
    "cut parquet": b"PAR1" + bytes(100),
}


@pytest.mark.parametrize("content", INPUTS.values(), ids=INPUTS.keys())
def test_not_claims(command: Command, tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "input.csv"
    if content is not None:
        path.write_bytes(content)
    for name in ("process", "preview"):
        ended = command(name, path)
        assert ended.code == 3, ended.err
        assert ended.out == ""
        assert "input.csv" in ended.err
        assert ended.err.count("\n") == 1, "one line that says what to do"
    assert not Path("claimsctl-out").exists() or not any(Path("claimsctl-out").iterdir())


def test_directory_without_claims(command: Command, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    assert command("process", tmp_path / "empty").code == 3
    assert command("process", tmp_path / "no*such.csv").code == 3


def test_output_that_cannot_be_written(command: Command, clean: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    ended = command("process", clean, *AS_OF, "--out", tmp_path / "file" / "out")
    assert ended.code == 4
    assert "--out" in ended.err
    again = command("process", clean, *AS_OF, "--out", tmp_path / "out", "-q")
    assert again.code == 0
    taken = command("process", clean, *AS_OF, "--out", tmp_path / "out")
    assert taken.code == 4
    assert "another run" in taken.err


def test_damaged_store_is_named(command: Command, clean: Path, tmp_path: Path) -> None:
    assert command("process", clean, *AS_OF, "-q").code == 0
    (tmp_path / "workspace" / "claims.duckdb").write_bytes(b"x" * 20_000)
    ended = command("process", clean, *AS_OF, "--out", tmp_path / "out")
    assert ended.code == 4
    assert "claims.duckdb" in ended.err
    assert not (tmp_path / "out").exists()


def test_workspace_that_is_a_file(command: Command, clean: Path, tmp_path: Path) -> None:
    ended = command("--workspace", clean, "process", clean)
    assert ended.code == 2
    assert "--workspace" in ended.err


def test_settings_with_an_unknown_key(command: Command, clean: Path, tmp_path: Path) -> None:
    (tmp_path / "workspace").mkdir()
    (tmp_path / "workspace" / "claimsctl.toml").write_text('[process]\nprofil = "session"\n')
    ended = command("process", clean)
    assert ended.code == 2
    assert "profile" in ended.err


def test_internal_errors_tell_where_and_no_values(
    command: Command, clean: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise ValueError("XYQ4410078 is not a number")

    monkeypatch.setattr("claimsctl.pipeline.check_inputs", fail)
    ended = command("process", clean)
    assert ended.code == 70
    assert "ValueError" in ended.err
    assert "XYQ4410078" not in ended.err
    assert "pipeline.py" in ended.err


def test_interrupted_early(command: Command, clean: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def stop(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("claimsctl.cli.run.open_workspace", stop)
    ended = command("process", clean)
    assert ended.code == 130
    assert "stopped" in ended.err
