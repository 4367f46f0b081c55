"""The log: lines without patient data, whoever writes them; a private file; nothing without being asked."""

from __future__ import annotations

import json
import logging
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import polars as pl
import pytest

from claimsctl.errors import OutputError
from claimsctl.security import logs
from claimsctl.security.logfilter import HIDDEN, without_phi
from claimsctl.security.logsink import file_mark
from tests.commands import EXAMPLES, ROOT


@pytest.fixture(autouse=True)
def _closed() -> Iterator[None]:
    yield
    logs.stop_log()


@pytest.fixture
def log(tmp_path: Path) -> Path:
    path = tmp_path / "run.log"
    logs.start_log(path, "json")
    return path


def lines(path: Path) -> list[dict[str, object]]:
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()]


def test_a_note_is_a_line(log: Path) -> None:
    logs.note("job.end", level="warning", job="20260630-141503-ab12", rows=123456789, share=0.5, done=True)
    (line,) = lines(log)
    assert line.pop("time")
    assert line.pop("pid")
    assert line == {
        "level": "warning", "event": "job.end", "job": "20260630-141503-ab12", "rows": 123456789,
        "share": 0.5, "done": True,
    }  # fmt: skip
    assert log.stat().st_mode & 0o777 == 0o600


def test_text_lines_keep_to_one_line(tmp_path: Path) -> None:
    logs.start_log(tmp_path / "log", "text")
    logs.note("odd", words="two words\nand a line", none=None, table={"a": 1})
    (line,) = (tmp_path / "log").read_text().splitlines()
    assert line.endswith('words="two words\\nand a line" table={"a": 1}')
    assert " info odd pid=" in line


def test_a_file_appears_as_a_hash_of_its_name(log: Path, tmp_path: Path) -> None:
    named = tmp_path / "Quillfeather Zebulonia.csv.gz"
    logs.note("job.inputs", file=named, files=[{"file": named}], odd=tmp_path / "zebulonia.quillfeather")
    (line,) = lines(log)
    assert "uillfeather" not in log.read_text()
    assert str(line["file"]).startswith("file:")
    assert str(line["file"]).endswith(".csv.gz")
    assert line["files"] == [{"file": line["file"]}]
    assert "." not in str(line["odd"])
    logs.start_log(log, "json")
    logs.note("job.inputs", file=named)
    assert lines(log)[-1]["file"] == line["file"], "the same file has the same mark in another run"
    assert file_mark(named, b"another key") != line["file"], "or trying names would find it"


def test_the_filter_is_the_last_step(log: Path) -> None:
    logs.hide("Quillfeather")
    logs.note(
        "note 536-48-2917",
        name="MRS QUILLFEATHER",
        ssn="536482917",
        nested=[{"536-48-2917": ("born 1971-02-03", {"phone": "(508) 555-0163"})}],
        member="XKW7730915",
        born="2/3/1971",
    )
    text = log.read_text()
    for secret in ("quillfeather", "536", "1971", "555", "7730915"):
        assert secret not in text.lower()
    assert text.count(HIDDEN) == 8


@pytest.mark.parametrize(
    "text",
    ["536-48-2917", "ssn536482917 ", "508.555.0163", "a.b@example.org", "19710203", "02031971", "1971/2/3",
     "W123456789", "XKW7730915A"],
)  # fmt: skip
def test_shapes_of_identifiers_are_hidden(text: str) -> None:
    assert without_phi(f"a {text} b") == f"a {HIDDEN} b".replace("  ", " ") or HIDDEN in without_phi(text)
    assert not any(part in without_phi(text) for part in ("2917", "0163", "example", "1971", "6789", "7730"))


def test_identifiers_of_the_examples_are_hidden() -> None:
    claims = pl.read_csv(EXAMPLES / "claims.csv", infer_schema=False)
    columns = ("DOB", "SSN", "Phone", "Subscriber ID", "Subscriber DOB")
    values = {value for name in columns for value in claims[name].drop_nulls()}
    assert len(values) > 30
    assert [value for value in values if value in without_phi(f"is {value} here")] == []


@pytest.mark.parametrize(
    "text", ["20260630-141503-ab12", "file:0123456789abcdef.csv", "99213", "1.25", "PAT-008", "commit.py:168"]
)
def test_codes_job_ids_and_marks_stay(text: str) -> None:
    assert without_phi(f"a {text}, b") == f"a {text}, b"


def test_libraries_and_errors_appear_without_their_words(log: Path) -> None:
    logging.getLogger("somelibrary").warning("cannot cast %s", "Quillfeather")
    try:
        raise ValueError("Quillfeather is no number")
    except ValueError:
        logging.getLogger("somelibrary.inner").exception("Quillfeather")
    logging.getLogger("somelibrary").info("Quillfeather")
    first, second = lines(log)
    assert first["logger"] == "somelibrary"
    assert str(first["at"]).startswith("test_logs:")
    assert second["error"] == "ValueError"
    assert "uillfeather" not in log.read_text()


def test_a_link_is_no_log(tmp_path: Path) -> None:
    (tmp_path / "theirs").write_text("kept")
    (tmp_path / "log").symlink_to(tmp_path / "theirs")
    with pytest.raises(OutputError, match="it is a link"):
        logs.start_log(tmp_path / "log")
    with pytest.raises(OutputError, match="No such file"):
        logs.start_log(tmp_path / "no" / "log")
    assert (tmp_path / "theirs").read_text() == "kept"


def test_a_full_disk_ends_no_run(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    full = Path("/dev/full")
    if not full.exists():
        pytest.skip("this system has no /dev/full")
    logs.start_log(full, "json")
    logs.note("one", secret="Quillfeather")
    logs.note("two")
    said = capfd.readouterr().err
    assert said.count("the log cannot be written") == 1
    assert "uillfeather" not in said


def test_without_a_log_nothing_is_loaded() -> None:
    code = (
        "import sys\n"
        "from claimsctl.cli.app import main\n"
        "try: main(['rules', 'show', '--help'])\n"
        "except SystemExit: pass\n"
        "print([each for each in ('logging', 'claimsctl.security.logsink') if each in sys.modules])"
    )
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=env)
    assert ended.stdout.splitlines()[-1] == "[]"
