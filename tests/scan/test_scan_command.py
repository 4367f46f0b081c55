"""`claimsctl scan`: every kind of file, stored patients wherever they stand, and never a value."""

from __future__ import annotations

import base64
import gzip
import json
import sqlite3
import zipfile
from contextlib import closing
from pathlib import Path
from typing import Any

import duckdb
import polars as pl
import pytest

from claimsctl.scan import scanning
from tests.cli.conftest import Prepared, command, prepared, read_once
from tests.cli.test_claims_command import stored
from tests.commands import Command

__all__ = ["Prepared", "command", "prepared", "read_once", "stored"]  # fixtures

LOG = """2026-06-30 start
2026-06-30 12:00:01 failed for Zeb Quill, member XKW-7730915
born 1980-05-17, 536-48-2917
"""
SECRET = ("Quill", "Zeb", "7730915", "1980-05-17", "536-48")


def found(command: Command, *paths: Path, fail_on: str | None = None) -> list[dict[str, Any]]:
    done = command("scan", *paths, "--json", *(["--fail-on", fail_on] if fail_on else []))
    assert done.code == int(fail_on is not None), done.err
    assert not [word for word in SECRET if word in done.out + done.err]
    result: list[dict[str, Any]] = done.json["found"]
    return result


def what(found: list[dict[str, Any]]) -> set[tuple[str, str]]:
    return {(each["kind"], each["certainty"]) for each in found}


EVERYTHING = {("name", "known"), ("member id", "known"), ("birth date", "likely"), ("ssn", "likely")}


def test_a_log(stored: Command, tmp_path: Path) -> None:
    path = tmp_path / "run.log"
    path.write_text(LOG)
    hits = found(stored, path, fail_on="known")
    assert what(hits) == EVERYTHING
    assert {each["kind"]: (each["first"], each["shown"], each["count"]) for each in hits} == {
        "name": (2, "Q.", 1), "member id": (2, "***0915", 1), "birth date": (3, "***", 1),
        "ssn": (3, "***-**-2917", 1),
    }  # fmt: skip


@pytest.mark.parametrize(
    "form", ["utf-16", "utf-16-le", "base64", "hex", "gz", "zip", "zip in zip", "binary"]
)
def test_wrapped_logs(stored: Command, tmp_path: Path, form: str) -> None:
    path = tmp_path / "wrapped"
    match form:
        case "base64":
            path.write_bytes(b"payload: " + base64.b64encode(LOG.encode()))
        case "hex":
            path.write_text(f"payload: {LOG.encode().hex()}")
        case "gz":
            path.write_bytes(gzip.compress(LOG.encode()))
        case "zip" | "zip in zip":
            with zipfile.ZipFile(path, "w") as archive:
                archive.writestr("logs/run.log", LOG)
            if form == "zip in zip":
                inner = path.read_bytes()
                with zipfile.ZipFile(path, "w") as archive:
                    archive.writestr("inner.zip", inner)
        case "binary":
            path.write_bytes(b"\x00\x01\xfe" + LOG.encode() + b"\x00")
        case _:
            path.write_bytes(LOG.encode(form))
    assert what(found(stored, path)) == EVERYTHING


def test_a_date_beside_a_name_is_taken_for_a_birth_date(stored: Command, tmp_path: Path) -> None:
    path = tmp_path / "run.log"
    path.write_text("2026-06-30 12:00:00 Quill, Zeb (5/17/1980)\n2026-06-30T12:00:00 Zeb Quill\n")
    hits = {each["kind"]: (each["first"], each["count"]) for each in found(stored, path)}
    assert hits == {"name": (1, 2), "birth date": (1, 1)}


def test_tables(stored: Command, tmp_path: Path) -> None:
    frame = pl.DataFrame({
        "id": ["1", "2", "3"], "Pt Last": ["Masked", None, "J."], "note": ["", "seen: Quill, Zeb", "ok"],
        "ref": ["XKW7730915", "x", "y"],
    })  # fmt: skip
    frame.write_csv(tmp_path / "a.csv")
    frame.write_parquet(tmp_path / "a.parquet")
    frame.write_excel(tmp_path / "a.xlsx")
    with closing(sqlite3.connect(tmp_path / "a.db")) as base:
        base.execute('CREATE TABLE t (id, "Pt Last", note, ref)')
        base.executemany("INSERT INTO t VALUES (?, ?, ?, ?)", frame.rows())
        base.commit()
    with duckdb.connect(str(tmp_path / "a.duckdb")) as store:
        store.execute('CREATE TABLE t (id VARCHAR, "Pt Last" VARCHAR, note VARCHAR, ref VARCHAR)')
        store.executemany("INSERT INTO t VALUES (?, ?, ?, ?)", frame.rows())
    for name in ("a.csv", "a.parquet", "a.xlsx", "a.db", "a.duckdb"):
        hits = found(stored, tmp_path / name)
        assert {(each["kind"], each["column"], each["certainty"], each["count"]) for each in hits} == {
            ("name", "Pt Last", "likely", 1), ("name", "note", "known", 1), ("member id", "ref", "known", 1),
        }, name  # fmt: skip


def test_files_of_the_product(stored: Command, tmp_path: Path) -> None:
    accepted = found(stored, tmp_path / "out")
    assert {each["kind"] for each in accepted if "accepted" in each["path"]} >= {"name", "member id"}
    assert not [each for each in accepted if "errors" in each["path"] or "summary" in each["path"]]
    assert stored("scan", tmp_path / "workspace", "--fail-on", "known").code == 0


def test_what_is_said(stored: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "run.log"
    path.write_text(LOG * 3)
    text = stored("scan", path, "--fail-on", "any")
    assert text.code == 1
    assert text.out.startswith("12 places with patients' data in 1 file.")
    assert not [word for word in SECRET if word in text.out]
    path.write_text("nothing here\n")
    assert stored("scan", path, "--fail-on", "any").out == "Nothing was found in 1 file.\n"
    (tmp_path / "bad.zip").write_bytes(b"PK\x03\x04 no archive")
    assert "could not be searched whole" in stored("scan", tmp_path / "bad.zip").err
    assert stored("scan", tmp_path / "gone").code == 3
    monkeypatch.setenv("CLAIMSCTL_WORKSPACE", str(tmp_path / "empty"))
    assert "were not looked for" in json.loads(stored("scan", path, "--json").out)["notes"][0]


def test_damaged_files_are_told_and_the_others_searched(stored: Command, tmp_path: Path) -> None:
    place = tmp_path / "files"
    place.mkdir()
    with closing(sqlite3.connect(place / "a.sqlite")) as base:
        base.execute("CREATE TABLE t (a)")
    (place / "a.sqlite").write_bytes((place / "a.sqlite").read_bytes()[:1000])
    with duckdb.connect(str(place / "b.duckdb")) as duck:
        duck.execute("CREATE TABLE t (a INT)")
    (place / "b.duckdb").write_bytes((place / "b.duckdb").read_bytes()[:5000])
    with zipfile.ZipFile(place / "c.zip", "w") as archive:
        archive.writestr("\u00e9.txt", LOG)  # a name in UTF-8, which it is no longer
    (place / "c.zip").write_bytes((place / "c.zip").read_bytes().replace("\u00e9".encode(), b"\xff\xff"))
    (place / "d.log").write_text(LOG)
    done = stored("scan", place, "--json")
    assert done.code == 0, done.err
    assert {note.split(":")[0] for note in done.json["notes"]} == {
        str(place / name) for name in ("a.sqlite", "b.duckdb", "c.zip")
    }
    assert what(done.json["found"]) == EVERYTHING


def test_an_archive_that_grows_is_not_searched_for_ever(
    stored: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(scanning, "_LARGEST_ARCHIVE", 1_000)
    with zipfile.ZipFile(tmp_path / "grown.zip", "w") as archive:
        for name in ("one.log", "two.log", "three.log", "four.log"):
            archive.writestr(name, LOG + "\n" * 600)
    done = stored("scan", tmp_path / "grown.zip", "--json")
    assert {each["path"].rpartition("/")[2] for each in done.json["found"]} == {"one.log"}
    assert [note for note in done.json["notes"] if "two.log: only its first 0 bytes" in note]
