"""`claimsctl process`: what its options do, what it prints, exit codes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from tests.claims import claim, write_csv
from tests.commands import EXAMPLES, Command

AS_OF = ("--as-of", "2026-06-30")


def found(summary: Any) -> set[str]:
    return {each["code"] for each in summary["findings_by_code"]}


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
    tried = command("process", mixed, *AS_OF, "--quiet", "--dry-run")
    assert (tried.code, tried.out, tried.err) == (0, "", "")
    assert command("process", mixed, *AS_OF, "--quiet", "--dry-run", "--json").json["rows"]["read"] == 3
    told = " ".join(command("process", "--help").out.split())
    assert "Only trouble is told; the results are in the files, summary.json and --json." in told


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


def test_practice_from_settings(command: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
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
    monkeypatch.setenv("CLAIMSCTL_PRACTICE", "other")
    named = command("process", path, *AS_OF, "--dry-run", "--json")
    assert named.json["rows"]["rejected"] == 1
    unknown = command("process", path, "--practice", "mian")
    assert unknown.code == 2
    assert "Did you mean main?" in unknown.err


def test_practice_type_allows_its_codes_only(command: Command, clean: Path) -> None:
    ended = command("process", clean, *AS_OF, "--dry-run", "--json", "--practice-type", "therapy")
    assert ended.json["rows"]["rejected"] == 2
    assert command("process", clean, *AS_OF, "--dry-run", "--json").json["rows"]["rejected"] == 0


@pytest.mark.parametrize("written", ["therapie", "THERPAY", "therapist", "mental health", "psycho-therapy"])
def test_a_mistyped_practice_type_is_refused(
    command: Command, clean: Path, tmp_path: Path, written: str
) -> None:
    ended = command("process", clean, *AS_OF, "--dry-run", "--practice-type", written)
    assert (ended.code, "Did you mean therapy?" in ended.err) == (2, True), ended.err
    assert command("process", clean, *AS_OF, "--dry-run", "--set", f"practice_type={written}").code == 2
    (tmp_path / "workspace").mkdir(exist_ok=True)
    settings = tmp_path / "workspace" / "claimsctl.toml"
    for table in ("process", "practice.default"):
        settings.write_text(f'[{table}]\npractice_type = "{written}"\n')
        ended = command("process", clean, *AS_OF, "--dry-run")
        assert ended.code == 2
        assert f"[{table}] practice_type" in ended.err


def test_a_practice_type_of_the_house_is_taken(command: Command, clean: Path) -> None:
    for written in ("dental", "Art Therapy", " Therapy"):
        assert command("process", clean, *AS_OF, "--dry-run", "--practice-type", written).code == 0


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


def test_limit(command: Command, clean: Path) -> None:
    assert command("process", clean, *AS_OF, "--dry-run", "--json", "--limit", "1").json["rows"]["read"] == 1


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
