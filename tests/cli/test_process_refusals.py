"""`claimsctl process`: what it refuses and what goes wrong on its way, exit codes."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.claims import claim, write_csv
from tests.cli.conftest import read_few as read_once
from tests.commands import Command

__all__ = ["read_once"]  # a fixture: few rules will do

AS_OF = ("--as-of", "2026-06-30")


USAGE = {
    "no input": (("process",), "--from"),
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
    "no rule left": (("process", "CLEAN", "--only", "PAT-*", "--without", "PAT-*"), "No rule is left"),
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
