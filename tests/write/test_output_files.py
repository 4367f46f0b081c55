"""The output directory: all files or none, nobody else's overwritten, private, clear refusals."""

import json
import os
import signal
import stat
import subprocess
import sys
import time
from pathlib import Path

import pytest

from claimsctl.errors import InternalError, OutputError
from claimsctl.write.files import OutputDir
from claimsctl.write.marker import clear_unfinished


def put(out: OutputDir, name: str, text: str = "x") -> None:
    with out.open_temp(name) as file:
        file.write(text.encode())


def visible(path: Path) -> list[str]:
    return sorted(str(p.relative_to(path)) for p in path.rglob("*") if p.is_file())


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_files_appear_together_on_commit(tmp_path: Path) -> None:
    target = tmp_path / "a" / "b"
    with OutputDir.create(target, "job-1") as out:
        put(out, "summary.json", "{}")
        put(out, "rejected/june.csv")
        put(out, "accepted.parquet")
        assert not [name for name in visible(target) if not Path(name).name.startswith(".")]
        assert list(out.commit()) == ["accepted.parquet", "rejected/june.csv", "summary.json"]
    assert visible(target) == ["accepted.parquet", "rejected/june.csv", "summary.json"]
    assert {mode(p) for p in target.rglob("*") if p.is_file()} == {0o600}
    assert [mode(tmp_path / d) for d in ("a", "a/b", "a/b/rejected")] == [0o700] * 3


def test_without_commit_nothing_remains(tmp_path: Path) -> None:
    with OutputDir.create(tmp_path / "a" / "b", "job-1") as out:
        put(out, "rejected/june.csv")
        out.scratch()
    assert list(tmp_path.iterdir()) == []


def test_a_directory_that_was_there_stays(tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("keep")
    out = OutputDir.create(tmp_path, "job-1")
    put(out, "errors.csv")
    out.abort()
    assert visible(tmp_path) == ["mine.txt"]


def test_output_of_another_job_is_refused_before_anything_is_written(tmp_path: Path) -> None:
    (tmp_path / "summary.json").write_text('{"job_id": "job-1"}')
    with pytest.raises(OutputError, match=r"holds the output of another run.*--out"):
        OutputDir.create(tmp_path, "job-2")
    assert visible(tmp_path) == ["summary.json"]


def test_a_file_in_the_way_is_never_overwritten(tmp_path: Path) -> None:
    (tmp_path / "rejected.csv").write_text("precious")
    with (
        OutputDir.create(tmp_path, "job-1") as out,
        pytest.raises(OutputError, match=r"rejected\.csv exists"),
    ):
        out.open_temp("rejected.csv")
    assert (tmp_path / "rejected.csv").read_text() == "precious"


def test_a_file_that_comes_in_the_way_later_is_not_overwritten_either(tmp_path: Path) -> None:
    with OutputDir.create(tmp_path, "job-1") as out:
        put(out, "accepted.csv")
        put(out, "errors.csv")
        (tmp_path / "errors.csv").write_text("precious")
        with pytest.raises(OutputError, match="exists already"):
            out.commit()
    assert visible(tmp_path) == ["errors.csv"]
    assert (tmp_path / "errors.csv").read_text() == "precious"


def test_a_failing_rename_takes_back_the_others(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rename = Path.replace

    def refuse_summary(self: Path, target: Path) -> Path:
        if Path(target).name == "summary.json":
            raise OSError(28, "No space left on device")
        return rename(self, target)

    with OutputDir.create(tmp_path, "job-1") as out:
        put(out, "accepted.csv")
        put(out, "summary.json")
        monkeypatch.setattr(Path, "replace", refuse_summary)
        with pytest.raises(OutputError, match="the disk is full"):
            out.commit()
    assert visible(tmp_path) == []


def test_the_same_job_may_write_again(tmp_path: Path) -> None:
    for text in ("first", "second"):
        with OutputDir.create(tmp_path, "job-1") as out:
            put(out, "errors.csv", text)
            put(out, "summary.json", '{"job_id": "job-1"}')
            out.commit()
    assert (tmp_path / "errors.csv").read_text() == "second"


def test_another_job_may_take_the_place_of_one(tmp_path: Path) -> None:
    """As a whole: no file of the first one stays; what is not its own does."""
    outputs = {name: str(tmp_path / name) for name in ("errors.csv", "malformed.csv", "rejected/june.csv")}
    outputs["elsewhere"] = str(tmp_path.parent / "elsewhere.csv")
    (tmp_path.parent / "elsewhere.csv").write_text("not of this directory")
    with OutputDir.create(tmp_path, "job-1") as out:
        for name in ("errors.csv", "malformed.csv", "rejected/june.csv"):
            put(out, name, "first")
        put(out, "summary.json", json.dumps({"job_id": "job-1", "outputs": outputs}))
        out.commit()
    (tmp_path / "mine.txt").write_text("mine")
    before = visible(tmp_path)
    with OutputDir.create(tmp_path, "job-2", instead_of="job-1") as out:
        put(out, "errors.csv", "second")
    assert visible(tmp_path) == before, "given up: all is as it was"
    assert (tmp_path / "errors.csv").read_text() == "first"
    with OutputDir.create(tmp_path, "job-2", instead_of="job-1") as out:
        put(out, "errors.csv", "second")
        put(out, "summary.json", '{"job_id": "job-2"}')
        out.commit()
    assert visible(tmp_path) == ["errors.csv", "mine.txt", "summary.json"]
    assert (tmp_path / "errors.csv").read_text() == "second"
    assert (tmp_path.parent / "elsewhere.csv").exists()
    with pytest.raises(OutputError, match="ask first"):
        OutputDir.create(tmp_path, "job-3", instead_of="job-1", hint="ask first")


def test_two_runs_in_one_directory_the_second_is_told(tmp_path: Path) -> None:
    with (
        OutputDir.create(tmp_path, "job-1"),
        pytest.raises(OutputError, match=r"being written to by job-1.*--out"),
    ):
        OutputDir.create(tmp_path, "job-2")


@pytest.mark.parametrize("name", ["", "sub"])
def test_a_file_where_the_directory_should_be(tmp_path: Path, name: str) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(OutputError, match=r"Cannot write .*file.*not a directory.*--out") as caught:
        OutputDir.create(tmp_path / "file" / name, "job-1")
    assert caught.value.exit_code == 4


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_read_only_directory(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    with pytest.raises(OutputError, match="permission denied"):
        OutputDir.create(tmp_path / "out", "job-1")


def test_names_cannot_leave_the_directory(tmp_path: Path) -> None:
    with OutputDir.create(tmp_path / "out", "job-1") as out, pytest.raises(InternalError):
        out.open_temp("../elsewhere.csv")


_KILLED = """
import sys, time
from claimsctl.write.files import OutputDir
out = OutputDir.create(sys.argv[1], "job-1")
for name in ("accepted.csv", "rejected/a.csv", "summary.json"):
    with out.open_temp(name) as file:
        file.write(b"half")
out.scratch()
if sys.argv[2] == "renaming":
    from pathlib import Path
    rename = Path.replace
    def slow(self, target):
        rename(self, target)
        print("ready", flush=True)
        time.sleep(600)
    Path.replace = slow
    out.commit()
print("ready", flush=True)
time.sleep(600)
"""


@pytest.mark.parametrize("moment", ["writing", "renaming"])
def test_a_killed_run_does_not_stand_in_the_way(tmp_path: Path, moment: str) -> None:
    target = tmp_path / "out"
    with subprocess.Popen(
        [sys.executable, "-c", _KILLED, str(target), moment], stdout=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        process.stdout.readline()
        assert clear_unfinished(target) is False, "its job is alive"
        process.send_signal(signal.SIGKILL)
    assert "summary.json" not in visible(target)
    with OutputDir.create(target, "job-2") as out:
        put(out, "accepted.csv", "whole")
        out.commit()
    assert visible(target) == ["accepted.csv"]


def test_leftovers_can_be_cleared_without_a_new_run(tmp_path: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", _KILLED, str(tmp_path), "writing"], stdout=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        process.stdout.readline()
        process.kill()
    deadline = time.monotonic() + 60
    while not clear_unfinished(tmp_path) and time.monotonic() < deadline:
        time.sleep(0.01)
    assert visible(tmp_path) == []
    assert clear_unfinished(tmp_path) is False


_FULL = """
import resource, sys
import polars as pl
from claimsctl.errors import OutputError
from claimsctl.write.accepted import AcceptedWriter
from claimsctl.write.files import OutputDir
part = pl.DataFrame({"claim_number": [f"{i * 7919 % 100003:020d}" for i in range(50_000)]})
resource.setrlimit(resource.RLIMIT_FSIZE, (50_000, 50_000))
try:
    with OutputDir.create(sys.argv[1], "job-1") as out:
        writer = AcceptedWriter(out, sys.argv[2], part.schema)
        for _ in range(20):
            writer.write(part)
        writer.close()
except OutputError as error:
    print(error)
    sys.exit(error.exit_code)
"""


@pytest.mark.parametrize("output_format", ["parquet", "csv", "xlsx"])
def test_a_disk_that_fills_up(tmp_path: Path, output_format: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", _FULL, str(tmp_path / "out"), output_format],
        capture_output=True, text=True, timeout=300, check=False,
    )  # fmt: skip
    assert done.returncode == 4, done.stderr
    assert f"accepted.{output_format}: the file would be larger than is allowed here." in done.stdout
    assert "--out" in done.stdout
    assert done.stderr == ""
    assert not (tmp_path / "out").exists()


def test_results_are_never_written_through_links(tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (tmp_path / "out").symlink_to(elsewhere)
    with pytest.raises(OutputError, match="out is a link"):
        OutputDir.create(tmp_path / "out", "job-1")
    (tmp_path / "own").mkdir()
    (tmp_path / "own" / "rejected").symlink_to(elsewhere)
    with (
        OutputDir.create(tmp_path / "own", "job-1") as out,
        pytest.raises(OutputError, match="rejected is a link"),
    ):
        put(out, "rejected/a.csv")
    (tmp_path / "own" / "errors.csv").symlink_to(elsewhere / "theirs.csv")
    with (
        OutputDir.create(tmp_path / "own", "job-1") as out,
        pytest.raises(OutputError, match="exists already"),
    ):
        put(out, "errors.csv")
    (tmp_path / "third").mkdir()
    (tmp_path / "third" / ".claimsctl-job").symlink_to(elsewhere / "marker")
    with pytest.raises(OutputError):
        OutputDir.create(tmp_path / "third", "job-1")
    assert list(elsewhere.iterdir()) == []


@pytest.mark.parametrize("name", ["../kept", "sub/kept", "sub/../../kept", "/kept"])
def test_what_a_directory_says_of_itself_removes_nothing_outside(tmp_path: Path, name: str) -> None:
    (tmp_path / "kept").write_text("mine")
    out = tmp_path / "out"
    out.mkdir()
    (out / "sub").symlink_to(tmp_path)
    named = str(tmp_path / "kept") if name.startswith("/") else name
    (out / ".claimsctl-job").write_text(json.dumps({"job_id": "dead", "files": [named]}))
    assert clear_unfinished(out)
    assert (tmp_path / "kept").read_text() == "mine"
    for each in (out / "sub/kept", out / "../kept", tmp_path / "kept"):
        (out / "summary.json").write_text(json.dumps({"job_id": "old", "outputs": {"a": str(each)}}))
        with OutputDir.create(out, "new", instead_of="old") as again:
            put(again, "b")
            again.commit()
        assert (tmp_path / "kept").read_text() == "mine"
        (out / "b").unlink()
