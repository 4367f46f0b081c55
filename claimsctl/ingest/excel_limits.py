"""Refusing workbooks that would not fit into memory, before the Excel library opens them."""

from __future__ import annotations

import re
import zipfile
import zlib
from collections.abc import Iterator

from claimsctl.errors import InputError
from claimsctl.ingest.stream import InputFile, Limits

_SHEET = re.compile(r"xl/worksheets/[^/]+\.xml", re.IGNORECASE)
_ROW = re.compile(rb"""\sr=["'](\d{1,12})["']""")
_COLUMN = re.compile(rb"""\sr=["']([A-Za-z]{1,4})\d""")
_OVERLAP = 64
_BLOCK = 1 << 22


def check_workbook(file: InputFile, limits: Limits) -> None:
    """Raise InputError when a workbook expands beyond the limits, whatever sizes it states."""
    total = 0
    try:
        with zipfile.ZipFile(file.path) as archive:
            for entry in archive.infolist():
                extent = _Extent()
                is_sheet = _SHEET.fullmatch(entry.filename) is not None
                for block in _inflated(file, entry):
                    total += len(block)
                    if total > limits.max_workbook_bytes or (
                        total > limits.ratio_applies_from and total > limits.max_ratio * file.size
                    ):
                        raise _too_large(file, f"expands to {total:,} bytes and more")
                    if is_sheet:
                        extent.add(block)
                if extent.cells > limits.max_sheet_cells:
                    raise _too_large(
                        file, f"has a sheet that reaches to row {extent.rows:,} and column {extent.columns:,}"
                    )
    except (zipfile.BadZipFile, zlib.error, EOFError, OSError, ValueError, NotImplementedError):
        file.check()
        raise damaged(file) from None


def damaged(file: InputFile) -> InputError:
    """The one message for workbooks that cannot be read."""
    return InputError(
        f"{file.label}: the Excel workbook is damaged.",
        hint="Open it in Excel and save it again, or save the sheet as CSV.",
    )


def _too_large(file: InputFile, what: str) -> InputError:
    return InputError(
        f"{file.label}: the workbook {what}; that is too large for Excel input, or a zip bomb.",
        hint="Save the sheet as CSV and read that; stray cells far below or right of the data count too.",
    )


def _inflated(file: InputFile, entry: zipfile.ZipInfo) -> Iterator[bytes]:
    """A part's content in blocks; the size it states is not believed, as `zipfile` would."""
    with file.open() as handle:
        handle.seek(entry.header_offset)
        local = handle.read(30)
        names = int.from_bytes(local[26:28], "little") + int.from_bytes(local[28:30], "little")
        handle.seek(entry.header_offset + 30 + names)
        left = entry.compress_size
        inflate = zlib.decompressobj(-15) if entry.compress_type == zipfile.ZIP_DEFLATED else None
        while left > 0 and (data := handle.read(min(left, _BLOCK))):
            left -= len(data)
            if inflate is None:
                yield data
                continue
            while data and not inflate.eof:
                yield inflate.decompress(data, _BLOCK)
                data = inflate.unconsumed_tail


class _Extent:
    """How far a sheet's cells reach; the library allocates the whole rectangle."""

    def __init__(self) -> None:
        self.rows = 0
        self.columns = 1
        self._tail = b""

    @property
    def cells(self) -> int:
        return self.rows * self.columns

    def add(self, block: bytes) -> None:
        text = self._tail + block
        self.rows = max([self.rows, *map(int, set(_ROW.findall(text)))])
        self.columns = max([self.columns, *map(_column_number, set(_COLUMN.findall(text)))])
        self._tail = text[-_OVERLAP:]


def _column_number(letters: bytes) -> int:
    number = 0
    for letter in letters.upper():
        number = number * 26 + letter - 64
    return number
