"""Crash reports: where it broke, never on what."""

from __future__ import annotations

import json
from pathlib import Path

import polars as pl
import pytest

from claimsctl.security.crashes import SHARING, crash_report, keep_crash_report, our_places, places_of


@pytest.fixture
def crash(tmp_path: Path) -> BaseException:
    """An error of a library that quotes a cell, on its way through our code."""
    secret = "Quillfeather"
    try:
        try:
            pl.DataFrame({"a": [secret]}).select(pl.col("a").cast(pl.Int64))
        except pl.exceptions.PolarsError as error:  # whose message quotes the cell
            raise RuntimeError(f"on {secret} in {tmp_path}") from error
    except RuntimeError as error:
        return error


def test_a_report_has_kinds_and_places_only(crash: BaseException, tmp_path: Path) -> None:
    report = json.dumps(crash_report(crash, ["claims", "list"]))
    assert "Quillfeather" not in report
    assert str(tmp_path) not in report
    assert "no messages, values" in report
    read = json.loads(report)
    assert [each["kind"] for each in read["errors"]] == [
        "RuntimeError", "polars.exceptions.InvalidOperationError",
    ]  # fmt: skip
    assert any(place.startswith("polars/") for place in read["errors"][1]["places"])
    assert read["command"] == "claims list"
    assert read["versions"]["polars"] == pl.__version__


def test_places_name_no_directory_of_the_machine(crash: BaseException) -> None:
    for place in (*places_of(crash), our_places(crash)):
        assert "/home" not in place
        assert not place.startswith("/")


def test_reports_are_private_and_few(crash: BaseException, tmp_path: Path) -> None:
    assert keep_crash_report(crash, [], tmp_path) is None, "where no workspace is, none is begun"
    (tmp_path / "workspace.id").touch()
    (tmp_path / "crashes").mkdir()
    for number in range(25):
        (tmp_path / "crashes" / f"crash-20200101-000000-{number:06}.json").touch()
    path = keep_crash_report(crash, [], tmp_path)
    assert path is not None
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.parent.stat().st_mode & 0o777 == 0o700
    assert json.loads(path.read_text())["sharing"] == SHARING
    left = sorted(path.parent.iterdir())
    assert len(left) == 20
    assert left[-1] == path


def test_a_place_that_cannot_be_written_is_no_further_error(crash: BaseException, tmp_path: Path) -> None:
    (tmp_path / "workspace.id").touch()
    (tmp_path / "crashes").write_text("a file in its place")
    assert keep_crash_report(crash, [], tmp_path) is None
