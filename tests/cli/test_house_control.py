"""Suppressions and choices of claimsctl.toml, from the shell's side."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.claims import claim, write_csv
from tests.commands import Command

AS_OF = ("--as-of", "2026-06-30", "--dry-run")
SUPPRESS = '[[rules.suppress]]\ncode = "FIN-002"\nreason = "Payer takes them"\nuntil = {until}\n'


@pytest.fixture
def claims(tmp_path: Path) -> Path:
    return write_csv(tmp_path / "claims.csv", [claim("A1", charge_amount="-5"), claim("A2")])


def house(tmp_path: Path, text: str) -> None:
    (tmp_path / "workspace").mkdir(exist_ok=True)
    (tmp_path / "workspace" / "claimsctl.toml").write_text(text)


def test_suppressed_findings_are_counted(command: Command, claims: Path, tmp_path: Path) -> None:
    house(tmp_path, SUPPRESS.format(until="2026-12-31"))
    ended = command("process", claims, *AS_OF, "--fail-on", "error")
    assert ended.code == 0
    assert "Suppressed 1 finding: 1 of FIN-002 until 2026-12-31 (Payer takes them)" in ended.out
    summary = command("process", claims, *AS_OF, "--json").json
    assert summary["suppressed"] == [
        {"code": "FIN-002", "rows": 1, "reason": "Payer takes them", "until": "2026-12-31"}
    ]
    assert summary["claims"]["rejected"] == 0
    assert "Suppressed: 1 finding" in command("preview", claims, *AS_OF[:2]).out


def test_a_suppression_that_has_ended_is_told(command: Command, claims: Path, tmp_path: Path) -> None:
    house(tmp_path, SUPPRESS.format(until="2026-06-29"))
    ended = command("process", claims, *AS_OF, "--fail-on", "error")
    assert ended.code == 1
    assert "Warning" in ended.out
    assert "no longer work: FIN-002 on 2026-06-29 (Payer takes them)" in " ".join(ended.out.split())
    assert command("process", claims, *AS_OF, "--json").json["suppressed"] == []


def test_unknown_code_ends_the_run(command: Command, claims: Path, tmp_path: Path) -> None:
    house(tmp_path, SUPPRESS.format(until="2026-12-31").replace("FIN-002", "FIM-002"))
    ended = command("process", claims, *AS_OF)
    assert (ended.code, ended.out) == (2, "")
    assert "No rule has the code FIM-002. Did you mean FIN-002" in ended.err


def test_rules_of_a_practice(command: Command, claims: Path, tmp_path: Path) -> None:
    house(
        tmp_path,
        '[rules.severity]\n"FIN-002" = "info"\n[practice.a]\nname = "A"\n[practice.b]\nname = "B"\n'
        '[practice.a.rules]\nseverity = { "FIN-002" = "warning" }\n[practice.b.rules]\nwithout = ["FIN-*"]\n',
    )

    def severity(*options: str) -> dict[str, str]:
        found = command("process", claims, *AS_OF, "--json", *options).json["findings_by_code"]
        return {each["code"]: each["severity"] for each in found}

    assert severity("--practice", "a")["FIN-002"] == "warning"
    assert "FIN-002" not in severity("--practice", "b")


def test_rules_of_a_payer(command: Command, claims: Path, tmp_path: Path) -> None:
    house(tmp_path, '[rules.payer.87726]\nseverity = { "FIN-002" = "warning" }\n')
    summary = command("process", claims, *AS_OF, "--json").json
    assert summary["claims"]["rejected"] == 0
    assert summary["findings"]["warning"] >= 1
    assert summary["rules"]["by_payer"]["87726"]["severity"] == {"FIN-002": "warning"}


def test_tests_and_comparisons_go_by_it_too(command: Command, claims: Path, tmp_path: Path) -> None:
    house(tmp_path, SUPPRESS.format(until="2026-12-31"))
    expected = tmp_path / "expected.csv"
    ended = command("rules", "test", claims, "--expect", expected, *AS_OF[:2], "--only", "FIN-*", "--update")
    assert ended.code == 0
    assert "FIN-002" not in expected.read_text()
