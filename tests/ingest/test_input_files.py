"""What can be named as an input, and what is refused with which words."""

from __future__ import annotations

import bz2
import gzip
import hashlib
import io
import os
import socket
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.orc as orc
import pytest

from claimsctl.errors import InputError
from claimsctl.ingest import sources as opened
from claimsctl.ingest.sources import open_sources
from claimsctl.ingest.stream import BLOCK, Limits

CLAIMS = b"claim_number,units\nC1,1\nC2,2\n"
OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"


def names(paths: list[str], tmp_path: Path) -> list[str]:
    return [source.name for source in open_sources(paths, spool_dir=tmp_path)]


def zipped(*members: str) -> bytes:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as archive:
        for member in members:
            archive.writestr(member, "x")
    return target.getvalue()


def orc_file(compression: str) -> bytes:
    target = io.BytesIO()
    orc.write_table(pa.table({"claim_number": ["C1", "C2"]}), target, compression=compression)
    return target.getvalue()


def tarred() -> bytes:
    target = io.BytesIO()
    with tarfile.open(fileobj=target, mode="w") as archive:
        archive.addfile(tarfile.TarInfo("claims.csv"))
    return target.getvalue()


@pytest.mark.parametrize("suffix", ["gz", "zst"])
def test_compressed_text(read: Callable[..., Any], suffix: str) -> None:
    data = gzip.compress(CLAIMS) if suffix == "gz" else pa.compress(CLAIMS, codec="zstd", asbytes=True)
    found = read(data, f"claims.csv.{suffix}")
    assert found.rows == [("C1", "1"), ("C2", "2")]
    assert found.parts[-1].bytes_read == len(data)


def test_gzip_of_several_members(read: Callable[..., Any]) -> None:
    data = gzip.compress(CLAIMS) + gzip.compress(b"C3,3\n") + b"\0\0"
    assert read(data).rows[-1] == ("C3", "3")


@pytest.mark.parametrize("suffix", ["gz", "zst"])
def test_compressed_text_that_is_cut_short(read: Callable[..., Any], suffix: str) -> None:
    text = b"a,b\n" + os.urandom(200_000).hex().encode()
    data = gzip.compress(text) if suffix == "gz" else pa.compress(text, codec="zstd", asbytes=True)
    with pytest.raises(InputError, match="ends in the middle of its compressed data"):
        read(data[: len(data) // 2], "claims.csv")


@pytest.mark.parametrize("suffix", ["gz", "zst"])
def test_a_zip_bomb_is_refused(read: Callable[..., Any], suffix: str) -> None:
    text = b"a,b\n" + b"1,2\n" * 5_000_000
    data = gzip.compress(text) if suffix == "gz" else pa.compress(text, codec="zstd", asbytes=True)
    with pytest.raises(InputError, match="zip bomb"):
        read(data, "claims.csv", limits=Limits(ratio_applies_from=4 * BLOCK, max_ratio=100))
    with pytest.raises(InputError, match="zip bomb"):
        read(data, "claims.csv", limits=Limits(max_bytes=10 * BLOCK))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "the file is empty"),
        (b"\n \n\n", "no header line"),
        (b"# nothing but a comment\n", "no header line"),
        (b"%PDF-1.7\n%\xe2\xe3", "a PDF document"),
        (b"\x89PNG\r\n\x1a\n\0\0", "a PNG image"),
        (b"\x7fELF\x02\x01\x01" + bytes(50), "a program"),
        (b"MZ\x90\0\x03" + bytes(200), "a program"),
        (bytes(range(256)) * 4, "binary data"),
        (b"ISA*00*          *00*          *ZZ*A~GS*HC*A~ST*837*0001~", "EDI text .X12 837 claim file"),
        (b"ISA|00|          |00|          |ZZ|A~ST|835|0001~", "EDI text .X12 835 remittance"),
        (b"ISA^00^^00^^ZZ^A\nST^277^0001\n", "EDI text .X12 277 status response"),
        (b"MSH|^~\\&|A|B|C\r", "HL7"),
        (b"\n<!DOCTYPE html><html></html>", "an HTML page"),
        (b"<?xml version='1.0'?><Workbook/>", "an XML document"),
        (b"<claims>\n\t<claim>", "an XML document"),
        (b'<c:claims xmlns:c="x"><c:claim>', "an XML document"),
        (zipped("claims.csv"), "a zip archive"),
        (zipped("word/document.xml"), "a Word document"),
        (zipped("xl/workbook.bin"), "xlsb"),
        (zipped("content.xml"), "OpenDocument"),
        (b"PK\x03\x04 not really", "damaged zip or Excel"),
        (OLE + bytes(600) + "EncryptedPackage".encode("utf-16-le"), "protected by a password"),
        (OLE + bytes(600) + "Workbook".encode("utf-16-le"), "old format .*.xlsx or CSV"),
        (b"SQLite format 3\x00", "an SQLite database"),
        (bz2.compress(b""), "bzip2"),
        (bz2.compress(CLAIMS), "bzip2"),
        (orc_file("uncompressed"), "an ORC file"),
        (orc_file("zlib"), "an ORC file"),
        (b"PARE\x2c\0\0\0" + bytes(range(128, 172)), "an encrypted Parquet file"),
        (b"ARROW1\0\0\xff\xff", "an Arrow IPC file"),
        (b"GIF89a\x01\0\x01\0", "a GIF image"),
        (b"Rar!\x1a\x07\x01\0", "a RAR archive"),
        (b"12345678DUCK\x40" + bytes(7), "a DuckDB database"),
        (tarred(), "a tar archive"),
        (gzip.compress(tarred()), "a tar archive"),
        (gzip.compress(b""), "the file is empty"),
        (gzip.compress(b"%PDF-1.7"), "a PDF document"),
        (gzip.compress(zipped("xl/workbook.xml")), "Decompress it first"),
        (b"\x1f\x8b\x08 not gzip", "damaged compressed data"),
        (b"version https://git-lfs.github.com/spec/v1\n", "Git LFS"),
    ],
    ids=lambda part: part if isinstance(part, str) else "",  # packed bytes hold the time
)
def test_what_is_not_a_claim_file(read: Callable[..., Any], content: bytes, message: str) -> None:
    with pytest.raises(InputError, match=message) as caught:
        read(content, "export.csv")
    assert "export.csv" in str(caught.value)
    assert caught.value.exit_code == 3
    assert caught.value.hint


@pytest.mark.parametrize(
    "title",
    [
        "ORCHARD FAMILY PRACTICE",
        "PARENT HEALTH SYSTEM",
        "PAR1 claims of March",
        "BZh Clinic",
        "GIF89a",
        "MZ Dental",
        "Rar!",
        "ARROW1 Transport",
        "%PDF of March",
        "Dr. Joe DUCK MD",
        "Mustard & Sons".rjust(256 + 14),
    ],
)
def test_a_title_may_begin_like_another_format(read: Callable[..., Any], title: str) -> None:
    found = read(f"{title}\nclaim_number,units,charge\nC1,1,2\n")
    assert found.source.header == ("claim_number", "units", "charge")
    assert found.rows == [("C1", "1", "2")]


@pytest.mark.parametrize(
    "header",
    [
        "PARENT CLAIM,units",
        "ORC,units",
        "PAR1,units",
        "ISA_ID,units",
        "ISA,ID,claim number,x",
        "ISA|ID|claim number|x",
        "ISA#,units",
        "MSH|claim|units",
        "<Claim Number>,<Units>",
        "<Claim>,<Units>",
        "<Claim>\t<Units>",
        "GIF8,units",
    ],
)
def test_a_column_name_may_begin_like_another_format(read: Callable[..., Any], header: str) -> None:
    delimiter = next(mark for mark in ",|\t" if mark in header)
    values = ("1",) * (header.count(delimiter) + 1)
    found = read(f"{header}\n{delimiter.join(values)}\n")
    assert found.source.header == tuple(header.split(delimiter))
    assert found.rows == [values]


def test_missing_and_special_files(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "dangling").symlink_to(tmp_path / "nowhere")
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(tmp_path / "socket"))
        for name, message in [
            ("absent.csv", "no such file"),
            ("dangling", "no such file"),
            ("pipe", "a named pipe"),
            ("socket", "a socket"),
            ("*.parquet", "no file matches"),
        ]:
            with pytest.raises(InputError, match=message):
                open_sources([str(tmp_path / name)], spool_dir=tmp_path)
    with pytest.raises(InputError, match="a device"):
        open_sources(["/dev/null"], spool_dir=tmp_path)
    with pytest.raises(InputError, match="No input"):
        open_sources([], spool_dir=tmp_path)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_file_without_read_permission(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_bytes(CLAIMS)
    (tmp_path / "a.csv").chmod(0)
    with pytest.raises(InputError, match="may not be read"):
        open_sources([str(tmp_path / "a.csv")], spool_dir=tmp_path)


def test_a_directory_gives_its_claim_files_by_name(tmp_path: Path) -> None:
    files = {
        "b.csv": CLAIMS,
        "a.tsv": b"x\ty\n1\t2\n",
        "c.json": b'{"a": 1}',
        "pipes.txt": b"a|b|c\n1|2|3\n",
        "README.txt": b"Claims of March.\nAsk Jo.\n",
        "notes.md": b"# no",
        ".hidden.csv": CLAIMS,
        "~$open.xlsx": b"lock",
        "sub/a.csv": CLAIMS + b"C3,3\n",
        ".cache/x.csv": CLAIMS,
        "claimsctl-out/7/rejected.csv": CLAIMS,
        "older/summary.json": b"{}",
        "older/rejected.csv": CLAIMS,
    }
    for name, data in files.items():
        path = tmp_path / "in" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    assert names([str(tmp_path / "in")], tmp_path) == ["a.tsv", "b.csv", "c.json", "pipes.txt", "a.csv"]
    with pytest.raises(InputError, match="output directory of an earlier run"):
        open_sources([str(tmp_path / "in" / "older")], spool_dir=tmp_path)
    (tmp_path / "none").mkdir()
    with pytest.raises(InputError, match="holds no claim files"):
        open_sources([str(tmp_path / "none")], spool_dir=tmp_path)


def test_what_a_workspace_keeps_is_no_input(tmp_path: Path) -> None:
    """The directory of claims may be the workspace, as `claimsctl init` makes it."""
    kept = (
        "lines/7/part-00000.parquet",
        "tmp/7/owner.json",
        "jobs/7/findings.parquet",
        "reference/x/1/a.csv",
    )
    for name in (
        "workspace.id",
        "claimsctl.toml",
        "claims.csv",
        "inbox/june.csv",
        "inbox/lines/a.csv",
        *kept,
    ):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(CLAIMS if path.suffix == ".csv" else b"{}")
    assert names([str(tmp_path)], tmp_path) == ["claims.csv", "june.csv", "a.csv"]
    pattern = str(tmp_path / "**" / "*.csv")
    assert names([pattern], tmp_path) == ["claims.csv", "june.csv", "a.csv"]
    with pytest.raises(InputError, match="no file matches"):
        open_sources([str(tmp_path / "*" / "*" / "*.parquet")], spool_dir=tmp_path)


def test_a_glob_may_name_the_corrected_files_of_a_run(tmp_path: Path) -> None:
    for name in ("errors.csv", "rejected/a.csv", "rejected/b.csv"):
        path = tmp_path / "out" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(CLAIMS)
    (tmp_path / "out" / "summary.json").write_bytes(b"{}")
    assert names([str(tmp_path / "out" / "rejected" / "*.csv")], tmp_path) == ["a.csv", "b.csv"]
    for pattern in (("out", "*.csv"), ("*", "rejected", "*.csv"), ("**", "*.csv")):
        with pytest.raises(InputError, match="no file matches"):
            open_sources([str(tmp_path.joinpath(*pattern))], spool_dir=tmp_path)


def test_globs_are_sorted_and_a_file_is_read_once(tmp_path: Path) -> None:
    for name in ("b.csv", "a.csv", "[x].csv"):
        (tmp_path / name).write_bytes(CLAIMS)
    (tmp_path / "link.csv").symlink_to(tmp_path / "a.csv")
    pattern = str(tmp_path / "*.csv")
    assert names([pattern, str(tmp_path / "a.csv"), str(tmp_path)], tmp_path) == ["[x].csv", "a.csv", "b.csv"]
    assert names([str(tmp_path / "[x].csv")], tmp_path) == ["[x].csv"]


def test_names_of_sources_are_unique(tmp_path: Path) -> None:
    for folder in ("x", "y"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "claims.csv.gz").write_bytes(gzip.compress(CLAIMS))
    paths = [str(tmp_path / folder / "claims.csv.gz") for folder in ("x", "y")]
    sources = open_sources(paths, spool_dir=tmp_path)
    assert [source.name for source in sources] == ["claims.csv.gz", "claims-2.csv.gz"]
    assert [source.path for source in sources] == paths
    assert [source.index for source in sources] == [0, 1]


def test_standard_input_is_copied_privately(tmp_path: Path) -> None:
    (source,) = open_sources(["-"], stdin=io.BytesIO(CLAIMS), spool_dir=tmp_path)
    assert (source.path, source.name, source.format) == ("standard input", "stdin", "csv")
    assert [part.rows.height for part in source.parts(10)] == [2]
    assert source.file.path.stat().st_mode & 0o777 == 0o600
    if opened._NAMELESS.is_dir():
        assert not list(tmp_path.iterdir()), "a killed process leaves no copy"
    else:
        (tmp_path / "stdin").unlink()
    with pytest.raises(InputError, match="standard input: the file is empty"):
        open_sources(["-"], stdin=io.BytesIO(b""), spool_dir=tmp_path)
    with pytest.raises(InputError, match="nothing is connected"):
        open_sources(["-"], spool_dir=tmp_path)


def test_the_hash_is_of_the_file_as_stored(tmp_path: Path) -> None:
    data = gzip.compress(CLAIMS)
    (tmp_path / "a.csv.gz").write_bytes(data)
    (source,) = open_sources([str(tmp_path / "a.csv.gz")], spool_dir=tmp_path)
    before = source.sha256
    list(source.parts(1))
    assert source.sha256 == before == hashlib.sha256(data).hexdigest()


@pytest.mark.parametrize("change", ["delete", "append", "replace"])
def test_an_input_that_changes_while_it_is_read(tmp_path: Path, change: str) -> None:
    path = tmp_path / "claims.csv"
    path.write_bytes(b"a,b\n" + b"1,2\n" * 400_000)
    (source,) = open_sources([str(path)], spool_dir=tmp_path)
    parts = source.parts(1000)
    next(parts)
    if change == "delete":
        path.unlink()
    elif change == "append":
        with path.open("ab") as handle:
            handle.write(b"3,4\n")
    else:
        other = tmp_path / "other"
        other.write_bytes(path.read_bytes())
        other.replace(path)
    with pytest.raises(InputError, match="deleted" if change == "delete" else "changed"):
        list(parts)


def test_a_source_can_be_left_early_and_read_again(tmp_path: Path) -> None:
    path = tmp_path / "claims.csv"
    path.write_bytes(b"a,b\n" + b"1,2\n" * 100_000)
    (source,) = open_sources([str(path)], spool_dir=tmp_path)
    parts = source.parts(100)
    assert next(parts).rows.height == 100
    parts.close()
    assert sum(part.rows.height for part in source.parts(30_000)) == 100_000
