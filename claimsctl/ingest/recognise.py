"""What a file is, by its content: the format to read it with, or why it is not a claim file."""

from __future__ import annotations

import re
import zipfile
from dataclasses import dataclass

from claimsctl.errors import InputError
from claimsctl.ingest.parts import Format
from claimsctl.ingest.sniff import CONTROLS
from claimsctl.ingest.stream import (
    GZIP_MAGIC,
    ZSTD_MAGIC,
    ByteStream,
    Compression,
    InputFile,
    Limits,
    RawReader,
)
from claimsctl.security.spills import MAGIC, is_spill

HEAD_BYTES = 1 << 18

EXPORT_HINT = "Give a CSV, TSV, Excel (.xlsx), Parquet or JSON file of claims."

# Magic numbers at the start of files that are certainly not claim tables.
_MAGIC: tuple[tuple[bytes, str, str], ...] = (
    (b"%PDF-", "a PDF document", "Ask for the data behind it as CSV or Excel."),
    (b"\x89PNG", "a PNG image", EXPORT_HINT),
    (b"\xff\xd8\xff", "a JPEG image", EXPORT_HINT),
    (b"II*\x00", "a TIFF image", EXPORT_HINT),
    (b"MM\x00*", "a TIFF image", EXPORT_HINT),
    (b"\x7fELF", "a program", EXPORT_HINT),
    (b"\xcf\xfa\xed\xfe", "a program", EXPORT_HINT),
    (b"\xca\xfe\xba\xbe", "a program", EXPORT_HINT),
    (b"SQLite format 3\x00", "an SQLite database", "Export the claims table as CSV or Parquet."),
    (b"ARROW1\0\0", "an Arrow IPC file", "Convert it to Parquet or CSV."),
    (b"Obj\x01", "an Avro file", "Convert it to Parquet or CSV."),
    (b"\xfd7zXZ\x00", "an xz archive", "Decompress it first, or use gzip (.gz) or Zstandard (.zst)."),
    (b"7z\xbc\xaf\x27\x1c", "a 7-Zip archive", "Unpack it first."),
    (b"Rar!\x1a\x07", "a RAR archive", "Unpack it first."),
    (b"{\\rtf", "a rich text document", EXPORT_HINT),
    (b"-----BEGIN PGP", "an encrypted (PGP) message", "Decrypt it first."),
    (b"version https://git-lfs", "a Git LFS pointer, not the file itself", "Run `git lfs pull`."),
)
# Magic numbers that a title or a column name may begin with too; here binary data follows them.
_LETTERS: tuple[tuple[bytes, str, str], ...] = (
    (b"MZ", "a program", EXPORT_HINT),
    (b"GIF8", "a GIF image", EXPORT_HINT),
    (b"ORC", "an ORC file", "Convert it to Parquet or CSV."),
    (b"PARE", "an encrypted Parquet file", "Decrypt it first."),
    (b"BZh", "a bzip2 archive", "Decompress it first, or use gzip (.gz) or Zstandard (.zst)."),
)
# ISA01 and ISA03 are two digits each at fixed places, which no header has; the ten characters after each
# may have lost their blanks on the way.
_X12 = re.compile(rb"ISA([^\w\s])\d\d\1[^\r\n]{0,10}?\1\d\d\1")
_HL7 = re.compile(rb"MSH\|[^\w\s|]{2,5}\|")
# A tag of XML has attributes or ends; `<Claim Number>,` is a column's name.
_TAG = re.compile(rb"<[a-z_][\w:.-]*(\s+[\w:.-]+\s*=|\s*/?>(?! *[,;|\t]))")
_X12_NAMES = {
    "837": "837 claim file",
    "835": "835 remittance",
    "277": "277 status response",
    "276": "276 status request",
    "999": "999 acknowledgement",
    "270": "270 eligibility request",
    "271": "271 eligibility response",
}


@dataclass(frozen=True, slots=True)
class Recognised:
    """Format and compression of an input; `head` is the start of its decompressed content."""

    format: Format
    compression: Compression | None
    head: bytes


def recognise(file: InputFile, limits: Limits) -> Recognised:
    """Look at the start of a file; raises InputError, saying what was found, when it holds no table."""
    label = file.label
    if file.size == 0:
        raise _empty(label)
    with RawReader(file) as raw:
        start = raw.read(1 << 12)
    if _is_parquet(start) or (start.startswith(MAGIC) and is_spill(file.path)):
        return Recognised("parquet", None, start)
    if start.startswith((b"PK\x03\x04", b"PK\x05\x06")):
        _require_workbook(file)
        return Recognised("xlsx", None, start)
    if start.startswith(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"):
        raise _compound_document(file)
    compression: Compression | None = None
    if start.startswith(GZIP_MAGIC):
        compression = "gz"
    elif start.startswith(ZSTD_MAGIC):
        compression = "zst"
    with ByteStream(file, compression, limits) as stream:
        head = stream.read(HEAD_BYTES)
    if compression is not None:
        if not head:
            raise _empty(label)
        if _is_parquet(head) or head.startswith(b"PK\x03\x04"):
            raise InputError(
                f"{label}: holds a compressed Parquet, Excel or zip file.", hint="Decompress it first."
            )
    refuse_foreign(label, head)
    return Recognised("json" if _is_json(head) else "csv", compression, head)


def refuse_foreign(label: str, head: bytes) -> None:
    """Raise InputError for content that is known not to be a table of claims."""
    for magic, found, todo in _MAGIC + _LETTERS if _begins_binary(head) else _MAGIC:
        if head.startswith(magic):
            raise _not_claims(label, found, todo)
    if head[8:12] == b"DUCK" and _begins_binary(head):
        raise _not_claims(label, "a DuckDB database", "Export the claims table as CSV or Parquet.")
    if head[257:262] == b"ustar" and b"\0" in head[:257]:
        raise _not_claims(label, "a tar archive", "Unpack it first.")
    text = head.removeprefix(b"\xef\xbb\xbf").lstrip()
    if _X12.match(text):
        raise _x12(label, text)
    if _HL7.match(text):
        raise _not_claims(label, "an HL7 version 2 message", EXPORT_HINT)
    if text.startswith(b"<"):
        lowered = text[:512].lower()
        if b"<html" in lowered or b"<!doctype html" in lowered or b"<table" in lowered:
            raise _not_claims(
                label,
                "an HTML page",
                "If it was downloaded, sign in and download it again; else save as CSV.",
            )
        if lowered.startswith((b"<?xml", b"<!--")) or _TAG.match(lowered):
            raise _not_claims(label, "an XML document", "Export as CSV, or save as .xlsx.")


def _begins_binary(head: bytes) -> bool:
    """Whether bytes that text does not hold stand at the very start, right after a magic number."""
    start = head[:64]
    return len(start.translate(None, CONTROLS)) < len(start)


def _is_parquet(head: bytes) -> bool:
    return head.startswith(b"PAR1") and _begins_binary(head)


def _is_json(head: bytes) -> bool:
    encoding = "utf-8"
    if head.startswith((b"\xff\xfe", b"\xfe\xff")):
        encoding = "utf-16"
    text = head[: 1 << 12].decode(encoding, "replace").lstrip("\ufeff").lstrip()
    return re.match(r'\{\s*(["}]|$)|\[\s*([\[{\]"]|-?\d|$)', text) is not None


def _require_workbook(file: InputFile) -> None:
    try:
        with zipfile.ZipFile(file.path) as archive:
            names = set(archive.namelist())
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError):
        raise InputError(
            f"{file.label}: is a damaged zip or Excel file.", hint="Save or download it again."
        ) from None
    if "xl/workbook.xml" in names:
        return
    if "xl/workbook.bin" in names:
        raise _not_claims(file.label, "a binary Excel workbook (.xlsb)", "Save it as .xlsx or CSV.")
    if "word/document.xml" in names:
        raise _not_claims(file.label, "a Word document", EXPORT_HINT)
    if "ppt/presentation.xml" in names:
        raise _not_claims(file.label, "a PowerPoint presentation", EXPORT_HINT)
    if "content.xml" in names:
        raise _not_claims(file.label, "an OpenDocument file", "Save it as .xlsx or CSV.")
    raise _not_claims(file.label, "a zip archive", "Unpack it and give the claim files in it.")


def _compound_document(file: InputFile) -> InputError:
    with RawReader(file) as raw:
        content = raw.read(8 << 20)
    if "EncryptedPackage".encode("utf-16-le") in content:
        return InputError(
            f"{file.label}: is an Excel workbook protected by a password.",
            hint="Open it in Excel, remove the password (File, Info, Protect Workbook) and save it as .xlsx.",
        )
    if "WordDocument".encode("utf-16-le") in content:
        return _not_claims(file.label, "an old Word document (.doc)", EXPORT_HINT)
    return InputError(
        f"{file.label}: is an Excel workbook of the old format (.xls).", hint="Save it as .xlsx or CSV."
    )


def _x12(label: str, text: bytes) -> InputError:
    separator = re.escape(text[3:4])
    found = re.search(rb"ST" + separator + rb"(\d{3})", text[:4096])
    kind = _X12_NAMES.get(found.group(1).decode(), "interchange") if found else "interchange"
    if kind == "837 claim file":
        todo = "Reading 837P arrives in a later version; until then export the same claims as CSV or Excel."
    else:
        todo = EXPORT_HINT
    return InputError(f"{label}: is EDI text (X12 {kind}), not a table of claims.", hint=todo)


def _empty(label: str) -> InputError:
    todo = "Check the export's filter and date range, then export again."
    return InputError(f"{label}: the file is empty.", hint=todo)


def _not_claims(label: str, found: str, todo: str) -> InputError:
    return InputError(f"{label}: is {found}, not a table of claims.", hint=todo)
